//! What every simulated system is.

use bytes::Bytes;
use truthsource_core::UnixMs;

use crate::faults::Faults;
use crate::journal::Journal;
use crate::outbox::{Answer, Webhook};

/// A request as it came from the wire, its body whole. The URI is absolute: OAuth 1.0a signs the host.
pub type Request = http::Request<Bytes>;
/// An answer, its body whole.
pub type Response = http::Response<Bytes>;

/// How far one call of a system gets with a request.
#[derive(Debug)]
pub enum Step {
    /// To its end.
    Answered(Response),
    /// The request cannot be answered before this was sent and its answer is in: a handshake.
    Ask(Webhook),
}

/// An outside system as a state machine. One call is one request, carried out at once and completely: what takes
/// time on the way is the fault menu's business.
pub trait System: Send + Sync + 'static {
    /// Its name: `netsuite`, `shopify`.
    fn name(&self) -> &'static str;

    /// Answers a request at the API door, as the real system does: authentication, limits, errors and all.
    fn answer(&self, now: UnixMs, request: &Request) -> Response;

    /// Begins a request at the API door. Most are answered at once; one that waits for a handshake has changed nothing
    /// yet, and is ended by [`System::resume`].
    fn begin(&self, now: UnixMs, request: &Request) -> Step {
        Step::Answered(self.answer(now, request))
    }

    /// Ends a request that waited for what was `asked`; nobody may have answered it. A caller that hangs up
    /// meanwhile takes its request with it, and this is never called.
    fn resume(&self, now: UnixMs, request: &Request, _asked: &Webhook, _said: Option<&Answer>) -> Response {
        self.answer(now, request)
    }

    /// A request at the API door begins (`true`) or has ended (`false`): what systems that limit concurrency count.
    fn in_flight(&self, _begins: bool) {}

    /// How this system says "too many requests".
    fn overloaded(&self) -> Response;

    /// How this system says "something went wrong here".
    fn broken(&self) -> Response;

    /// Answers a request at the admin door, where tests and people see and edit everything.
    fn admin(&self, now: UnixMs, request: &Request) -> Response;

    /// Webhooks that were caused since the last call, in the order of their causes.
    fn take_webhooks(&self) -> Vec<Webhook>;

    /// When the system next wants [`System::wake`] to be called; `None`: not before something else happens. For what
    /// it does by itself after a while, as telling of changes in groups.
    fn wakes_at(&self) -> Option<UnixMs> {
        None
    }

    /// It is `now`: the system does what is due by then.
    fn wake(&self, _now: UnixMs) {}

    /// What the receiver said to a webhook, `None` if nobody answered: what systems judge a handshake by, and what
    /// those that give up on a deaf receiver count.
    fn webhook_answered(&self, _now: UnixMs, _webhook: &Webhook, _said: Option<&Answer>) {}

    /// Every change of what the system holds, since the start.
    fn journal(&self) -> &Journal;

    /// Takes over what only the system itself can play of the fault menu: [`Faults::search_lag_ms`], [`Faults::page_max`],
    /// [`Faults::locked`].
    fn set_faults(&self, faults: &Faults);

    /// Another system that holds the same. What happens to it does not happen to this one.
    fn copy(&self) -> Box<dyn System>;

    /// The request asks for a token or a session.
    fn is_sign_in(&self, request: &Request) -> bool;

    /// Ends every token and session that was given out. What is permanent, as the keys of signed requests, stays.
    fn sign_everybody_out(&self);

    /// Forgets whom to tell of changes.
    fn unsubscribe_everybody(&self);
}

/// A write to a copy is answered as the system would answer it, and leaves the system as it is.
#[cfg(test)]
pub(crate) fn assert_copied(system: &dyn System, now: UnixMs, write: &Request) {
    let (lines, copy) = (system.journal().len(), system.copy());
    let told = copy.answer(now, write);
    assert!(told.status().is_success(), "{told:?}");
    assert_eq!((system.journal().len(), system.take_webhooks()), (lines, Vec::new()));
    assert_eq!(system.answer(now, write).status(), told.status());
    assert!(system.journal().len() > lines, "it was the same write");
}

/// A JSON answer.
#[must_use]
pub fn json(status: u16, content_type: &'static str, body: &serde_json::Value) -> Response {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
