//! NetSuite: SuiteTalk REST records, SuiteQL, both ways to sign in, and what makes them hard to live with.
//!
//! Faithful in what a connector meets: SuiteQL is parsed and evaluated, times are account-local and whole seconds
//! there but UTC minutes in records, keyless lines append on a repeated PUT, stock moves only by transactions, the
//! account takes five requests at a time, a refused login never says why. Where public sources are silent or from
//! memory, [`Settings`] decides. Not played: SOAP, RESTlets, asynchronous and batch requests, the metadata catalogue,
//! bins, lots and inventory status.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use truthsource_core::UnixMs;

use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::Webhook;
use crate::system::{self, Request, Response, System};

mod admin;
mod auth;
mod body;
mod human;
pub mod model;
mod problem;
mod rest;
pub mod script;
pub mod seed;
pub mod settings;
mod snapshot;
mod state;
mod suiteql;
#[cfg(test)]
mod tests;
mod wire;

pub use auth::Refusal;
pub use human::{Break, CustomerEdit, ItemEdit, PriceEdit, Refused};
pub use seed::Seed;
pub use settings::Settings;
pub use snapshot::{PriceRow, StockRow};

use problem::Problem;
use state::State;

/// A NetSuite account.
pub struct Netsuite {
    state: Mutex<State>,
    journal: Journal,
    in_flight: AtomicUsize,
}

impl Netsuite {
    /// An account without data.
    ///
    /// # Errors
    /// When the settings name no time zone that exists.
    pub fn new(settings: Settings) -> Result<Self, jiff::Error> {
        let state = Mutex::new(State::new(settings)?);
        Ok(Self { state, journal: Journal::default(), in_flight: AtomicUsize::new(0) })
    }

    /// Lets `f` at the account, and the journal have what it changed, before anyone else is let in.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut state);
        for change in state.take_changes() {
            self.journal.add(change);
        }
        result
    }

    /// Carries out an admitted request.
    fn route(state: &mut State, now: UnixMs, request: &Request) -> Result<Response, Problem> {
        let path = request.uri().path();
        match path {
            "/services/rest/query/v1/suiteql" => suiteql::answer(state, now, request),
            "/services/rest/system/v1/serverTime" => Ok(server_time(now)),
            "/services/rest/system/v1/governanceLimits" => Ok(governance_limits(state.settings.concurrency_max)),
            _ if path.starts_with(rest::PREFIX) => rest::answer(state, now, request),
            _ => Err(Problem::nonexistent(path)),
        }
    }
}

impl System for Netsuite {
    fn name(&self) -> &'static str {
        "netsuite"
    }

    fn answer(&self, now: UnixMs, request: &Request) -> Response {
        let in_flight = self.in_flight.load(Ordering::SeqCst);
        self.with(|state| {
            if request.uri().path() == auth::bearer::TOKEN_PATH {
                return state.auth.give_token(&state.settings, now, request);
            }
            if let Some(response) = state.auth.turn_away(&state.settings, now, request) {
                return response;
            }
            if in_flight > state.settings.concurrency_max {
                return self.overloaded();
            }
            Self::route(state, now, request).unwrap_or_else(|problem| problem.response())
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
        Problem::concurrency().response()
    }

    fn broken(&self) -> Response {
        Problem::new(500, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: m3kq7vd01x9w").response()
    }

    fn admin(&self, now: UnixMs, request: &Request) -> Response {
        admin::answer(self, now, request)
    }

    fn take_webhooks(&self) -> Vec<Webhook> {
        self.with(State::take_webhooks)
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Whoever comes too late to a record reads it anew: no write meets one that somebody has open. Pages have as many
    /// rows as are asked for.
    fn set_faults(&self, faults: &Faults) {
        self.with(|state| state.set_search_lag(faults.search_lag_ms));
    }

    fn copy(&self) -> Box<dyn System> {
        let state = self.with(|it| it.clone());
        Box::new(Self { state: Mutex::new(state), journal: Journal::default(), in_flight: AtomicUsize::new(0) })
    }

    fn is_sign_in(&self, request: &Request) -> bool {
        request.uri().path() == auth::bearer::TOKEN_PATH
    }

    fn sign_everybody_out(&self) {
        self.revoke_tokens();
    }

    fn unsubscribe_everybody(&self) {
        self.with(|state| state.settings.script = None);
    }
}

fn server_time(now: UnixMs) -> Response {
    let millis = i64::try_from(now.0).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    let text = format!("{at:.3}");
    system::json(200, wire::SINGULAR, &json!({ "serverTime": text }))
}

fn governance_limits(concurrency_max: usize) -> Response {
    let body = json!({
        "accountConcurrencyLimit": concurrency_max,
        "accountUnallocatedConcurrencyLimit": concurrency_max,
        "integrationConcurrencyLimit": concurrency_max,
        "integrationLimitType": "accountLimit",
    });
    system::json(200, wire::SINGULAR, &body)
}
