//! The way in: a system with its fault menu and its outgoing webhooks, still without clock or socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use truthsource_core::UnixMs;

use crate::faults::{Faults, Hit};
use crate::outbox::{Answer, Departure, Outbox, Webhook};
use crate::system::{Request, Response, Step, System, json};

/// What a caller at the API door sees.
#[derive(Debug)]
pub enum Reply {
    /// This answer, after so many milliseconds.
    Answer(Response, u64),
    /// Not before a handshake was answered: [`Door::resume`] has the reply then.
    After(Pending),
    /// The connection is refused, or breaks before an answer.
    Refused,
    /// Nothing, for as long as the caller cares to wait.
    Silence,
}

/// A request that waits for a handshake.
#[derive(Debug)]
pub struct Pending {
    /// What is to be sent.
    pub handshake: Webhook,
    hit: Hit,
    latency_ms: u64,
}

/// A system behind its fault menu.
pub struct Door {
    system: Arc<dyn System>,
    faults: Mutex<Faults>,
    outbox: Mutex<Outbox>,
    requests: AtomicU64,
}

impl Door {
    /// A door to `system` without faults.
    #[must_use]
    pub fn new(system: Arc<dyn System>) -> Self {
        Self { system, faults: Mutex::default(), outbox: Mutex::default(), requests: AtomicU64::new(0) }
    }

    /// The system behind.
    #[must_use]
    pub fn system(&self) -> &Arc<dyn System> {
        &self.system
    }

    /// Carries out a request at the API door, as the fault menu has it.
    pub fn api(&self, now: UnixMs, request: &Request) -> Reply {
        let n = self.requests.fetch_add(1, Ordering::Relaxed);
        let (hit, latency_ms) = {
            let faults = locked(&self.faults);
            (faults.hit(now, n), faults.latency_ms)
        };
        match hit {
            Hit::Overloaded => Reply::Answer(dated(self.system.overloaded(), now), latency_ms),
            Hit::Broken => Reply::Answer(dated(self.system.broken(), now), latency_ms),
            Hit::Refused => Reply::Refused,
            Hit::TimeoutBefore => Reply::Silence,
            // No copy asks back: a handshake of one would be answered to this one. What a copy signs in is nobody here.
            Hit::Unapplied if !self.system.is_sign_in(request) => {
                Reply::Answer(dated(self.system.copy().answer(now, request), now), latency_ms)
            }
            Hit::None | Hit::TimeoutAfter | Hit::BrokenOff | Hit::PageForAnswer | Hit::Unapplied | Hit::SignedOut => {
                if hit == Hit::SignedOut {
                    self.system.sign_everybody_out();
                }
                let step = self.system.begin(now, request);
                self.collect(now);
                match step {
                    Step::Answered(response) => reply(hit, dated(response, now), latency_ms),
                    Step::Ask(handshake) => Reply::After(Pending { handshake, hit, latency_ms }),
                }
            }
        }
    }

    /// Ends a request that waited for a handshake; `said` is `None` if nobody answered that.
    pub fn resume(&self, now: UnixMs, request: &Request, pending: &Pending, said: Option<&Answer>) -> Reply {
        let response = self.system.resume(now, request, &pending.handshake, said);
        self.collect(now);
        reply(pending.hit, dated(response, now), pending.latency_ms)
    }

    /// Carries out a request at the admin door: `GET|PUT /faults` and `GET /journal?from=N` here, the rest at the
    /// system.
    pub fn admin(&self, now: UnixMs, request: &Request) -> Response {
        match (request.method().as_str(), request.uri().path()) {
            ("GET", "/faults") => answer(&*locked(&self.faults)),
            ("PUT", "/faults") => match serde_json::from_slice(request.body()) {
                Ok(faults) => {
                    self.set_faults(faults);
                    answer(&*locked(&self.faults))
                }
                Err(error) => json(400, JSON, &serde_json::json!({ "error": error.to_string() })),
            },
            ("GET", "/journal") => {
                let query = request.uri().query().unwrap_or_default();
                let from = query.strip_prefix("from=").and_then(|it| it.parse().ok()).unwrap_or(0);
                answer(&self.system.journal().since(from))
            }
            _ => {
                let response = self.system.admin(now, request);
                self.collect(now);
                response
            }
        }
    }

    /// Replaces the fault menu.
    pub fn set_faults(&self, faults: Faults) {
        self.system.set_faults(&faults);
        *locked(&self.faults) = faults;
    }

    /// The fault menu as it stands.
    #[must_use]
    pub fn faults(&self) -> Faults {
        locked(&self.faults).clone()
    }

    /// Moves what the system wants to send into the outbox. Called after anything that may have changed it.
    pub fn collect(&self, now: UnixMs) {
        let faults = self.faults();
        let mut outbox = locked(&self.outbox);
        for webhook in self.system.take_webhooks() {
            outbox.add(now, webhook, &faults);
        }
    }

    /// When the next webhook leaves, or the system wakes and may have one; `None` if neither.
    #[must_use]
    pub fn next_webhook_at(&self) -> Option<UnixMs> {
        let queued = locked(&self.outbox).next_at();
        queued.into_iter().chain(self.system.wakes_at()).min()
    }

    /// Takes every webhook that leaves by `now`. What became of each is told by [`Door::webhook_answered`].
    pub fn take_webhooks(&self, now: UnixMs) -> Vec<Departure> {
        self.system.wake(now);
        self.collect(now);
        locked(&self.outbox).take_due(now)
    }

    /// What came back for a departure, `None` if nothing did. One that was not answered 2xx leaves again later,
    /// unless its tries are used up.
    pub fn webhook_answered(&self, now: UnixMs, departure: Departure, said: Option<&Answer>) {
        self.system.webhook_answered(now, &departure.webhook, said);
        if !said.is_some_and(Answer::is_taken) {
            locked(&self.outbox).failed(now, departure);
        }
        self.collect(now);
    }
}

/// An answer says what the system's clock says, as every server's does.
fn dated(mut response: Response, now: UnixMs) -> Response {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(now.0);
    if let Ok(date) = httpdate::fmt_http_date(at).parse() {
        response.headers_mut().entry(http::header::DATE).or_insert(date);
    }
    response
}

/// What the caller sees of a request that was carried out.
fn reply(hit: Hit, response: Response, latency_ms: u64) -> Reply {
    match hit {
        Hit::TimeoutAfter => Reply::Silence,
        Hit::BrokenOff => Reply::Refused,
        Hit::PageForAnswer => Reply::Answer(page(), latency_ms),
        _ => Reply::Answer(response, latency_ms),
    }
}

/// What a proxy shows where somebody is to sign in with it first.
fn page() -> Response {
    let mut response = Response::new(Bytes::from_static(b"<!DOCTYPE html><title>Sign in</title><form></form>"));
    let html = http::HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, html);
    response
}

const JSON: &str = "application/json";

fn answer(body: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => {
            let mut response = Response::new(Bytes::from(bytes));
            response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(JSON));
            response
        }
        Err(error) => json(500, JSON, &serde_json::json!({ "error": error.to_string() })),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;

    /// A system that asks back before it answers, and counts what reached it.
    #[derive(Default)]
    struct Asking {
        journal: Journal,
        told: Mutex<Vec<Option<u16>>>,
    }

    fn status(code: u16) -> Response {
        json(code, JSON, &serde_json::Value::Null)
    }

    fn webhook() -> Webhook {
        let (url, method) = ("http://there/?validationToken=t".to_owned(), http::Method::GET);
        Webhook { method, url, headers: Vec::new(), body: Bytes::new(), retries_ms: &[100] }
    }

    impl System for Asking {
        fn name(&self) -> &'static str {
            "asking"
        }
        fn answer(&self, _: UnixMs, _: &Request) -> Response {
            status(204)
        }
        fn begin(&self, now: UnixMs, request: &Request) -> Step {
            let is_new = request.method() == http::Method::POST;
            if is_new { Step::Ask(webhook()) } else { Step::Answered(self.answer(now, request)) }
        }
        fn resume(&self, _: UnixMs, _: &Request, asked: &Webhook, said: Option<&Answer>) -> Response {
            assert_eq!(asked, &webhook());
            status(if said.is_some_and(|it| it.is_taken() && it.body == "t") { 201 } else { 400 })
        }
        fn overloaded(&self) -> Response {
            status(503)
        }
        fn broken(&self) -> Response {
            status(500)
        }
        fn admin(&self, _: UnixMs, _: &Request) -> Response {
            status(404)
        }
        fn take_webhooks(&self) -> Vec<Webhook> {
            Vec::new()
        }
        fn webhook_answered(&self, _: UnixMs, _: &Webhook, said: Option<&Answer>) {
            locked(&self.told).push(said.map(|it| it.status));
        }
        fn journal(&self) -> &Journal {
            &self.journal
        }
        fn set_faults(&self, _: &Faults) {}
        fn copy(&self) -> Box<dyn System> {
            Box::<Self>::default()
        }
        fn is_sign_in(&self, _: &Request) -> bool {
            false
        }
        fn sign_everybody_out(&self) {}
        fn unsubscribe_everybody(&self) {}
    }

    fn request(method: &str) -> Request {
        http::Request::builder().method(method).uri("http://here/").body(Bytes::new()).unwrap()
    }

    /// What the caller sees when the handshake is answered so.
    fn answered(door: &Door, said: Option<&Answer>) -> Option<u16> {
        let request = request("POST");
        let Reply::After(pending) = door.api(UnixMs(0), &request) else { panic!("it did not ask") };
        match door.resume(UnixMs(5), &request, &pending, said) {
            Reply::Answer(response, 0) => Some(response.status().as_u16()),
            _ => None,
        }
    }

    #[test]
    fn an_answer_says_the_systems_time() {
        let door = Door::new(Arc::new(Asking::default()));
        let request = http::Request::get("/").body(Bytes::new()).unwrap();
        let Reply::Answer(answer, _) = door.api(UnixMs(784_111_777_000), &request) else { panic!("no answer") };
        assert_eq!(answer.headers()["date"], "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn an_answer_waits_for_a_handshake() {
        let door = Door::new(Arc::new(Asking::default()));
        assert!(matches!(door.api(UnixMs(0), &request("GET")), Reply::Answer(it, 0) if it.status() == 204));
        let echo = |text: &'static str| Answer { status: 200, body: Bytes::from(text) };
        assert_eq!(answered(&door, Some(&echo("t"))), Some(201));
        assert_eq!(answered(&door, Some(&echo("other"))), Some(400));
        assert_eq!(answered(&door, None), Some(400));
    }

    #[test]
    fn a_lost_answer_is_lost_after_the_handshake_too() {
        let door = Door::new(Arc::new(Asking::default()));
        door.set_faults(Faults { timeout_after: 1_000, ..Faults::default() });
        assert_eq!(answered(&door, None), None);
    }

    #[test]
    fn a_page_for_people_is_no_answer_of_the_systems() {
        let door = Door::new(Arc::new(Asking::default()));
        door.set_faults(Faults { page_for_answer: 1_000, ..Faults::default() });
        let Reply::Answer(answer, 0) = door.api(UnixMs(0), &request("GET")) else { panic!("no answer") };
        assert_eq!((answer.status().as_u16(), answer.body().starts_with(b"<!DOCTYPE html>")), (200, true));
    }

    #[test]
    fn the_system_hears_what_was_said_and_deaf_receivers_are_tried_again() {
        let system = Arc::new(Asking::default());
        let door = Door::new(system.clone());
        locked(&door.outbox).add(UnixMs(0), webhook(), &Faults::default());
        for (now, said, next) in [(0, None, Some(UnixMs(100))), (100, Some(200), None)] {
            let departure = door.take_webhooks(UnixMs(now)).remove(0);
            let said = said.map(|status| Answer { status, body: Bytes::new() });
            door.webhook_answered(UnixMs(now), departure, said.as_ref());
            assert_eq!(door.next_webhook_at(), next);
        }
        assert_eq!(*locked(&system.told), [None, Some(200)]);
    }
}
