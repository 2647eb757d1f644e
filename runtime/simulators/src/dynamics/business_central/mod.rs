//! Business Central: API v2.0, the pages that a customer adds to it, and webhooks.
//!
//! Faithful in what a connector meets: `If-Match` is required and a stale one is 409; enums are escaped, empty
//! references are zero GUIDs, stamps have fractions of any length; stock per location and price lists exist only on
//! custom pages; `inventory` moves no stamp; an order that is posted in full is gone and there is a shipment and an
//! invoice instead; a batch with `Isolation: snapshot` is one transaction, unless an extension commits in its midst;
//! webhooks are gathered for half a minute, end after three days, end at once when a receiver says no, and leave out
//! what a delegated admin does. Where public sources are silent, [`Settings`] decides.
//!
//! Invented: the custom pages' fields, that the quantity of stock can be written, and that a movement of stock can be
//! posted under a reference of the caller's which is taken once only; the texts and codes for locks and for
//! too many requests; the fields of shipments and of price lists.
//!
//! Not played: records in any company but the first; taxes; item variants; releasing orders and drafts of invoices by
//! API; delta links; OData web services; languages of messages. Of what runs at once only the number is
//! limited: nothing waits in a queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use truthsource_core::UnixMs;

use super::guid::Guid;
use super::token::Tokens;
use super::wire;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::{Answer, Webhook};
use crate::system::{Request, Response, Step, System};

mod admin;
mod api;
mod catalogue;
mod human;
mod limits;
mod problem;
pub mod seed;
pub mod settings;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod webhooks;

pub use human::Editor;
pub use seed::Seed;
pub use settings::Settings;
pub use snapshot::SubscriptionRow;

use problem::Problem;
use settings::Rate;
use state::State;
use webhooks::Subscriptions;

/// What tokens are good for.
pub const RESOURCE: &str = "https://api.businesscentral.dynamics.com";

/// A Business Central environment.
pub struct BusinessCentral {
    state: Mutex<State>,
    journal: Journal,
    in_flight: AtomicUsize,
}

impl BusinessCentral {
    /// An environment without data.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { state: Mutex::new(State::new(settings)), journal: Journal::default(), in_flight: AtomicUsize::new(0) }
    }

    /// Lets `f` at the environment, and the journal have what it changed, before anyone else is let in.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut state);
        state.commit();
        for change in state.take_changes() {
            self.journal.add(change);
        }
        result
    }

    /// Carries out an admitted request.
    fn carry_out(state: &mut State, now: UnixMs, request: &Request) -> Response {
        let outcome = if api::wants_replica(request) {
            state.as_replicated(now, |state| api::answer(state, now, request))
        } else {
            api::answer(state, now, request)
        };
        identified(state, outcome.unwrap_or_else(|it| it.response(state.requests)))
    }

    /// Tokens, limits and handshakes; the answer, unless the request has to wait for one.
    fn step(&self, now: UnixMs, request: &Request) -> Step {
        let in_flight = self.in_flight.load(Ordering::SeqCst);
        self.with(|state| {
            let application = state.settings.application.clone();
            if let Some(response) = Tokens::answer(&mut state.tokens, &application, RESOURCE, now, request) {
                return Step::Answered(response);
            }
            let admitted = state.admit(now, request, in_flight);
            match admitted.and_then(|()| api::subscriptions::handshake(state, now, request)) {
                Err(problem) => Step::Answered(identified(state, problem.response(state.requests))),
                Ok(Some(handshake)) => Step::Ask(handshake),
                Ok(None) => Step::Answered(Self::carry_out(state, now, request)),
            }
        })
    }
}

impl System for BusinessCentral {
    fn name(&self) -> &'static str {
        "dynamics-365"
    }

    /// A request that waits for a handshake is answered as if nobody had answered that.
    fn answer(&self, now: UnixMs, request: &Request) -> Response {
        match self.step(now, request) {
            Step::Answered(response) => response,
            Step::Ask(handshake) => self.resume(now, request, &handshake, None),
        }
    }

    fn begin(&self, now: UnixMs, request: &Request) -> Step {
        self.step(now, request)
    }

    fn resume(&self, now: UnixMs, request: &Request, asked: &Webhook, said: Option<&Answer>) -> Response {
        self.with(|state| match api::subscriptions::confirm(asked, said) {
            Ok(()) => Self::carry_out(state, now, request),
            Err(problem) => identified(state, problem.response(state.requests)),
        })
    }

    fn in_flight(&self, begins: bool) {
        if begins {
            self.in_flight.fetch_add(1, Ordering::SeqCst);
        } else {
            // One that ends without having begun is nobody's request.
            let less = |it: usize| Some(it.saturating_sub(1));
            let _ = self.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        }
    }

    fn overloaded(&self) -> Response {
        self.with(|state| Problem::too_many(state.settings.limits.retry_after_s).response(state.requests))
    }

    fn broken(&self) -> Response {
        self.with(State::breakdown)
    }

    fn admin(&self, now: UnixMs, request: &Request) -> Response {
        admin::answer(self, now, request)
    }

    fn take_webhooks(&self) -> Vec<Webhook> {
        self.with(|state| std::mem::take(&mut state.webhooks))
    }

    fn wakes_at(&self) -> Option<UnixMs> {
        self.with(|state| state.subscriptions.next_at())
    }

    fn wake(&self, now: UnixMs) {
        self.with(|state| {
            let leaving = state.subscriptions.ripe(now, &state.settings);
            state.webhooks.extend(leaving);
        });
    }

    fn webhook_answered(&self, now: UnixMs, webhook: &Webhook, said: Option<&Answer>) {
        self.with(|state| state.subscriptions.answered(now, webhook, said));
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    fn set_faults(&self, faults: &Faults) {
        let locks = Rate { per_mille: faults.locked, seed: faults.seed };
        self.with(|state| {
            state.set_lag(faults.search_lag_ms);
            (state.locks, state.page_max) = (locks, faults.page_max);
        });
    }

    fn copy(&self) -> Box<dyn System> {
        let state = self.with(|it| it.clone());
        Box::new(Self { state: Mutex::new(state), journal: Journal::default(), in_flight: AtomicUsize::new(0) })
    }

    fn is_sign_in(&self, request: &Request) -> bool {
        Tokens::are_asked(request)
    }

    fn sign_everybody_out(&self) {
        self.revoke_tokens();
    }

    fn unsubscribe_everybody(&self) {
        self.with(|state| state.subscriptions = Subscriptions::default());
    }
}

/// An answer with the ids by which support would find the request.
fn identified(state: &State, mut response: Response) -> Response {
    let id = Guid::drawn("request", state.requests).to_string();
    if let Ok(id) = http::HeaderValue::from_str(&id) {
        response.headers_mut().insert("request-id", id.clone());
        response.headers_mut().insert("ms-correlation-x", id);
    }
    response
}

/// A write to a document or to stock, which is where users meet each other's locks.
fn meets_locks(request: &Request) -> bool {
    let path = request.uri().path();
    let is_write = !matches!(*request.method(), http::Method::GET);
    is_write
        && ["salesOrder", "items", "tocks", "djustments"].iter().any(|it| path.contains(it))
        && wire::segments(path).is_some()
}
