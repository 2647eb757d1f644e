//! Shopify: Admin GraphQL with B2B.
//!
//! A shop as a state machine: products with variants and inventory items, stock per location, price lists and
//! catalogs, companies, orders, webhooks. The API door speaks GraphQL at `/admin/api/{version}/graphql.json` and the
//! client-credentials grant at `/admin/oauth/access_token`; people act through [`Shopify`]'s own methods or the admin
//! door.
//!
//! Not played: bulk operations, draft orders, order edits and refunds, discounts (a line's discounted price is its
//! price), holds and moves of fulfilment orders, shipping lines through `orderCreate`, duties, markets, publications, metaobjects,
//! capabilities of metafield definitions, uniqueness of the values under one, REST. What the real shop answers to a
//! custom id without a definition is not documented: here it is an error with the code `NOT_FOUND`, and a user error
//! of `productSet`.

mod access;
mod admin;
mod amounts;
mod api;
mod cost;
mod gid;
mod graph;
mod idempotency;
mod inventory;
mod moments;
mod paging;
pub mod people;
mod quantity_pricing;
mod refusals;
mod search;
pub mod seed;
pub mod settings;
mod state;
#[cfg(test)]
mod tests;
mod throttle;
pub mod views;
mod webhooks;

pub use self::state::companies::{Address, LocationInput, Person};
pub use self::state::items::Status;
pub use self::state::orders::{Claim, Financial, OrderChange};
pub use self::state::parcels::ParcelInput;
pub use self::state::prices::{Adjustment, AdjustmentKind, BreakText};

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use sha2::{Digest, Sha256};
use truthsource_core::UnixMs;

use self::cost::TypeTable;
use self::graph::Schema;
use self::settings::Settings;
use self::state::State;
use self::state::subscriptions::Taken;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::{Answer, Webhook};
use crate::system::{Request, Response, System};

/// A simulated shop.
pub struct Shopify {
    state: Arc<Mutex<State>>,
    journal: Arc<Journal>,
    language: &'static Language,
    answered: AtomicU64,
}

/// What every shop's API speaks.
struct Language {
    schema: Schema,
    types: TypeTable,
}

impl Language {
    /// It holds nothing of any shop, and takes milliseconds to make.
    fn known() -> &'static Self {
        static LANGUAGE: OnceLock<Language> = OnceLock::new();
        LANGUAGE.get_or_init(|| {
            let schema = graph::schema();
            let types = async_graphql::parser::parse_schema(schema.sdl());
            let types = types.map(|it| TypeTable::new(&it)).unwrap_or_default();
            Self { schema, types }
        })
    }
}

impl Shopify {
    /// An empty shop.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let journal = Arc::<Journal>::default();
        let state = Arc::new(Mutex::new(State::new(settings, journal.clone())));
        Self { state, journal, language: Language::known(), answered: AtomicU64::new(0) }
    }

    /// The answer, with a number that support asks for.
    fn numbered(&self, mut response: Response) -> Response {
        let n = self.answered.fetch_add(1, Ordering::Relaxed);
        let hash = Sha256::digest(format!("request/{n}").as_bytes());
        let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        if let Ok(id) = id.parse() {
            response.headers_mut().insert("X-Request-Id", id);
        }
        response
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl System for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn answer(&self, now: UnixMs, request: &Request) -> Response {
        self.numbered(self.answer_api(now, request))
    }

    /// GraphQL says so with a 200.
    fn overloaded(&self) -> Response {
        let settings = &self.state().settings;
        self.numbered(api::throttled(api::ASSUMED_COST, 0, settings))
    }

    fn broken(&self) -> Response {
        self.numbered(api::plain(500, &serde_json::json!({ "errors": "Internal Server Error" })))
    }

    fn admin(&self, now: UnixMs, request: &Request) -> Response {
        self.answer_admin(now, request)
    }

    fn take_webhooks(&self) -> Vec<Webhook> {
        self.state().take_outgoing()
    }

    fn webhook_answered(&self, now: UnixMs, webhook: &Webhook, said: Option<&Answer>) {
        let taken = if said.is_some_and(Answer::is_taken) { Taken::Yes } else { Taken::No };
        self.state().webhook_answered(now, webhook, taken);
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn set_faults(&self, faults: &Faults) {
        let mut state = self.state();
        state.set_search_lag(faults.search_lag_ms);
        state.page_max = faults.page_max;
    }

    fn copy(&self) -> Box<dyn System> {
        let journal = Arc::<Journal>::default();
        let state = Arc::new(Mutex::new(self.state().copy(journal.clone())));
        Box::new(Self { state, journal, language: self.language, answered: AtomicU64::new(0) })
    }

    fn is_sign_in(&self, request: &Request) -> bool {
        request.uri().path() == api::TOKEN_PATH
    }

    fn sign_everybody_out(&self) {
        self.state().access.revoke_all();
    }

    fn unsubscribe_everybody(&self) {
        self.state().unsubscribe_everybody();
    }
}
