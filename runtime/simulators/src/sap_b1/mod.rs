//! SAP Business One: a company behind its Service Layer, in both versions of the protocol, and what makes it hard to
//! live with.
//!
//! Faithful in what a connector meets: sessions in two odd cookies that slide, end and live on one node; OData 4 at
//! `/b1s/v2` and OData 3 at `/b1s/v1`, with their own links, annotations, dates and errors; pages of 20 by `$skip`;
//! days and minutes of the company's own zone under a `Z` that lies, seconds only in SQL queries; ETags for the objects
//! that have them and none for the rest; collections that merge by their lines' keys; read-only properties that take
//! any write and keep their value; user-defined fields that exist once they are defined; stock that only documents move
//! and that leaves the item's stamp alone; price lists that follow others; batches whose change sets are atomic;
//! webhooks that shake hands, sign, give up and are never told twice unless asked.
//!
//! Where public sources are silent or from memory, [`Settings`] decides. Decided without a setting: `Valid` and `Frozen`
//! move together unless a write names both; a price from a quantity on that holds for a whole list is a volume of the
//! special price `*<list>`; the signature of a handshake is of its token; `PUT` does as `PATCH`, and replaces
//! collections; an ETag is of the number of saves, and stock is no save.
//!
//! Not played: purchasing, production, accounting and service documents; batch and serial numbers (an item that has
//! them moves no stock); exchange rates (a document needs prices in its currency); units of measure; bins; branches;
//! cancellation documents; series; attachments; `$expand`, `$apply` and `$crossjoin`; OAuth towards webhooks;
//! `FilterExpr` of events (FP2608).

use std::sync::{Mutex, PoisonError};

use truthsource_core::UnixMs;

use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::{Answer, Webhook};
use crate::system::{Request, Response, System};

mod admin;
mod clock;
mod human;
mod json;
pub mod model;
mod problem;
pub mod seed;
mod service;
mod session;
pub mod settings;
mod shape;
mod snapshot;
mod sql;
mod state;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

pub use clock::Stamp;
pub use human::{ItemEdit, NewOrder, OrderedLine, PartnerEdit, PriceEdit, Refused};
pub use seed::Seed;
pub use session::RefusedLogin;
pub use settings::Settings;
pub use snapshot::{PriceRow, StockRow};

use state::State;

/// A company.
pub struct SapB1 {
    state: Mutex<State>,
    journal: Journal,
}

impl SapB1 {
    /// A company without data.
    ///
    /// # Errors
    /// When the settings name no time zone that exists.
    pub fn new(settings: Settings) -> Result<Self, jiff::Error> {
        Ok(Self { state: Mutex::new(State::new(settings)?), journal: Journal::default() })
    }

    /// Lets `f` at the company, and the journal have what it changed, before anyone else is let in.
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = f(&mut state);
        for change in state.take_changes() {
            self.journal.add(change);
        }
        result
    }
}

impl System for SapB1 {
    fn name(&self) -> &'static str {
        "sap-b1"
    }

    fn answer(&self, now: UnixMs, request: &Request) -> Response {
        self.with(|state| service::answer(state, now, request))
    }

    /// The load balancer's own page: there is no "too many requests" here.
    fn overloaded(&self) -> Response {
        page(503, "Service Unavailable")
    }

    fn broken(&self) -> Response {
        page(502, "Proxy Error")
    }

    fn admin(&self, now: UnixMs, request: &Request) -> Response {
        admin::answer(self, now, request)
    }

    fn take_webhooks(&self) -> Vec<Webhook> {
        self.with(State::take_webhooks)
    }

    fn webhook_answered(&self, _: UnixMs, webhook: &Webhook, said: Option<&Answer>) {
        self.with(|state| state.webhook_answered(webhook, said));
    }

    fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Reads are of the database itself: they miss nothing. What a write says when somebody has the record open is not
    /// known, and not played.
    fn set_faults(&self, faults: &Faults) {
        self.with(|state| state.page_max = faults.page_max);
    }

    fn copy(&self) -> Box<dyn System> {
        let state = self.with(|it| it.clone());
        Box::new(Self { state: Mutex::new(state), journal: Journal::default() })
    }

    fn is_sign_in(&self, request: &Request) -> bool {
        service::is_login(request)
    }

    fn sign_everybody_out(&self) {
        self.with(|state| state.sessions.end());
    }

    fn unsubscribe_everybody(&self) {
        self.with(|state| state.subscriptions.clear());
    }
}

/// A page of the load balancer, which is no JSON.
fn page(status: u16, title: &str) -> Response {
    let body = format!(
        "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>{status} {title}</title>\n\
         </head><body>\n<h1>{title}</h1>\n<p>The server is temporarily unable to service your request.</p>\n\
         </body></html>\n"
    );
    let mut response = wire::empty(status);
    *response.body_mut() = bytes::Bytes::from(body);
    wire::set(&mut response, "content-type", "text/html; charset=iso-8859-1");
    response
}
