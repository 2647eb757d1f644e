//! The way in: a system with its fault menu and its outgoing webhooks, still without clock or socket.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use truthsource_core::UnixMs;

use crate::faults::{Faults, Hit};
use crate::outbox::{Departure, Outbox};
use crate::system::{Request, Response, System, json};

/// What a caller at the API door sees.
#[derive(Debug)]
pub enum Reply {
    /// This answer, after so many milliseconds.
    Answer(Response, u64),
    /// The connection is refused, or breaks before an answer.
    Refused,
    /// Nothing, for as long as the caller cares to wait.
    Silence,
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
            Hit::None => Reply::Answer(self.carry_out(now, request), latency_ms),
            Hit::Overloaded => Reply::Answer(self.system.overloaded(), latency_ms),
            Hit::Broken => Reply::Answer(self.system.broken(), latency_ms),
            Hit::Refused => Reply::Refused,
            Hit::TimeoutBefore => Reply::Silence,
            Hit::TimeoutAfter => {
                self.carry_out(now, request);
                Reply::Silence
            }
            Hit::BrokenOff => {
                self.carry_out(now, request);
                Reply::Refused
            }
        }
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
        self.system.set_search_lag(faults.search_lag_ms);
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

    /// When the next webhook leaves; `None` if none waits.
    #[must_use]
    pub fn next_webhook_at(&self) -> Option<UnixMs> {
        locked(&self.outbox).next_at()
    }

    /// Takes every webhook that leaves by `now`. What became of each is told by [`Door::webhook_taken`] or
    /// [`Door::webhook_failed`].
    pub fn take_webhooks(&self, now: UnixMs) -> Vec<Departure> {
        locked(&self.outbox).take_due(now)
    }

    /// A departure was answered 2xx.
    pub fn webhook_taken(&self, now: UnixMs, departure: &Departure) {
        self.system.webhook_answered(now, &departure.webhook, true);
    }

    /// A departure was not answered 2xx: it leaves again later, unless its tries are used up.
    pub fn webhook_failed(&self, now: UnixMs, departure: Departure) {
        self.system.webhook_answered(now, &departure.webhook, false);
        locked(&self.outbox).failed(now, departure);
    }

    fn carry_out(&self, now: UnixMs, request: &Request) -> Response {
        let response = self.system.answer(now, request);
        self.collect(now);
        response
    }
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
