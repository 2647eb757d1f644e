//! Dataverse, as Dynamics 365 Sales uses it: the Web API over products, prices, accounts and orders.
//!
//! Faithful in what a connector meets: a PATCH makes what it does not find, by id or by alternate key, and the headers
//! `If-Match` and `If-None-Match` restrict it to one of the two; a stale version is 412; an insert answers 204 and where
//! the record is; references are `_x_value` and are bound by URL; change tracking gives delta links that end after a
//! week; a batch's change sets take effect all or
//! none; stamps are whole seconds; the three limits of service protection answer 429 with `Retry-After`. Where public
//! sources are silent, [`Settings`] decides.
//!
//! From memory: the tables' columns, most codes, and Field Service's two tables, which stand for stock per location.
//!
//! Not played: base-currency amounts; taxes; units of measure; actions, plug-ins and webhooks; the access
//! rights of roles; quantity breaks, for which discount lists would be needed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use truthsource_core::UnixMs;

use super::token::Tokens;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::Webhook;
use crate::system::{Request, Response, System};

mod admin;
mod api;
mod human;
mod limits;
mod metadata;
mod problem;
pub mod seed;
pub mod settings;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod view;

pub use seed::Seed;
pub use settings::Settings;

use state::State;

/// A Dataverse organisation.
pub struct Dataverse {
    state: Mutex<State>,
    journal: Journal,
    in_flight: AtomicUsize,
}

impl Dataverse {
    /// An organisation without data but for its base currency and default price level.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { state: Mutex::new(State::new(settings)), journal: Journal::default(), in_flight: AtomicUsize::new(0) }
    }

    /// Lets `f` at the organisation, and the journal have what it changed, before anyone else is let in.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut state);
        state.commit();
        for change in state.take_changes() {
            self.journal.add(change);
        }
        result
    }
}

impl System for Dataverse {
    fn name(&self) -> &'static str {
        "dataverse"
    }

    fn answer(&self, now: UnixMs, request: &Request) -> Response {
        let in_flight = self.in_flight.load(Ordering::SeqCst);
        self.with(|state| {
            let (application, resource) = (state.settings.application.clone(), state.settings.resource());
            if let Some(response) = state.tokens.answer(&application, &resource, now, request) {
                return response;
            }
            if !state.tokens.admits(now, request) {
                return problem::unauthenticated(&application.tenant, &resource);
            }
            let outcome = state.admit(now, in_flight).and_then(|()| api::answer(state, now, request));
            let mut response = outcome.unwrap_or_else(|it| it.response());
            state.meter(&mut response);
            response
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
        self.with(|state| limits::Limit::Requests.problem(&state.settings, 30).response())
    }

    fn broken(&self) -> Response {
        problem::Problem::new(503, "0x80060816", "The service is unavailable. Try again later.").response()
    }

    fn admin(&self, now: UnixMs, request: &Request) -> Response {
        admin::answer(self, now, request)
    }

    fn take_webhooks(&self) -> Vec<Webhook> {
        Vec::new()
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Reads are never behind here: nothing is searched and there is no replica.
    fn set_faults(&self, faults: &Faults) {
        self.with(|state| state.page_max = faults.page_max);
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

    fn unsubscribe_everybody(&self) {}
}
