//! The systems of a run, and the way to them: their doors, on the run's clock, without a network between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use truthsource_core::UnixMs;
use truthsource_host::egress::{Transport, TransportError};
use truthsource_host::signing::Ambient;
use truthsource_simulators::door::{Door, Reply};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::outbox::{Answer, Departure, Webhook};
use truthsource_simulators::system::System;

use super::apart::Words;
use super::coverage::Moment;
use super::drift::Drift;

use crate::engine::ports::Clock;
use crate::http::hooks::{Endpoint, shake};

/// The clock of a run.
#[derive(Debug)]
pub struct SimClock(AtomicU64);

impl SimClock {
    /// A clock that shows this moment.
    #[must_use]
    pub fn at(now: UnixMs) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Time goes on.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

/// The run's clock, and nonces that count.
pub struct Still {
    clock: Arc<SimClock>,
    nonces: AtomicU64,
}

impl Still {
    /// On this clock.
    #[must_use]
    pub fn on(clock: Arc<SimClock>) -> Self {
        Self { clock, nonces: AtomicU64::new(1) }
    }
}

impl Ambient for Still {
    fn now(&self) -> UnixMs {
        self.clock.now()
    }

    fn nonce(&self) -> u128 {
        self.nonces.fetch_add(1, Ordering::SeqCst).into()
    }
}

/// A system's door, by its own clock.
#[derive(Clone)]
pub struct Clocked {
    door: Arc<Door>,
    ahead_ms: i64,
}

impl From<Arc<Door>> for Clocked {
    fn from(door: Arc<Door>) -> Self {
        Self { door, ahead_ms: 0 }
    }
}

impl Clocked {
    /// A door to a system whose clock is ahead by so many milliseconds.
    #[must_use]
    pub fn new(system: Arc<dyn System>, ahead_ms: i64) -> Self {
        Self { door: Arc::new(Door::new(system)), ahead_ms }
    }

    fn there(&self, now: UnixMs) -> UnixMs {
        UnixMs(now.0.saturating_add_signed(self.ahead_ms))
    }

    pub(super) fn api(&self, now: UnixMs, request: &http::Request<Bytes>) -> Reply {
        self.door.api(self.there(now), request)
    }

    /// Replaces what goes wrong, from when to when by the clock of the run.
    pub(super) fn set_faults(&self, faults: Faults) {
        let outage = faults.outage.map(|(from, to)| (self.there(from), self.there(to)));
        self.door.set_faults(Faults { outage, ..faults });
    }

    pub(super) fn collect(&self, now: UnixMs) {
        self.door.collect(self.there(now));
    }

    pub(super) fn next_webhook_at(&self) -> Option<UnixMs> {
        self.door.next_webhook_at().map(|it| UnixMs(it.0.saturating_add_signed(-self.ahead_ms)))
    }

    pub(super) fn take_webhooks(&self, now: UnixMs) -> Vec<Departure> {
        self.door.take_webhooks(self.there(now))
    }

    pub(super) fn webhook_answered(&self, now: UnixMs, departure: Departure, said: Option<&Answer>) {
        self.door.webhook_answered(self.there(now), departure, said);
    }
}

/// The doors of all systems, by host name.
pub struct Doors {
    by_host: BTreeMap<String, Clocked>,
    /// What is otherwise in the answers of hosts, from when to when.
    drifts: Mutex<Vec<(String, Drift, [UnixMs; 2])>>,
    clock: Arc<SimClock>,
    /// Where systems deliver to, by path.
    receivers: Mutex<BTreeMap<String, Arc<Endpoint>>>,
    /// What came of requests.
    seen: Mutex<BTreeMap<Moment, u64>>,
    /// What only requests to the systems of one tenant may say.
    words: Vec<Words>,
    /// Requests that said what is another's.
    breaches: Mutex<Vec<String>>,
}

impl Doors {
    /// These doors.
    #[must_use]
    pub fn new(by_host: BTreeMap<String, Clocked>, clock: Arc<SimClock>) -> Self {
        let (drifts, receivers, seen, words, breaches) = Default::default();
        Self { by_host, drifts, clock, receivers, seen, words, breaches }
    }

    /// The same, between tenants of whom each has words of its own.
    pub(super) fn keeping_apart(self, words: Vec<Words>) -> Self {
        Self { words, ..self }
    }

    /// Requests that said what is another tenant's, in words.
    pub(super) fn breaches(&self) -> MutexGuard<'_, Vec<String>> {
        self.breaches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on a host's answers drift, as it is said in relation to this moment.
    pub fn drift(&self, host: String, drift: Drift) {
        let now = self.clock.now();
        let during = [now.plus(drift.from_ms), now.plus(drift.to_ms)];
        self.drifts().push((host, drift, during));
    }

    /// No answer drifts any more.
    pub fn drift_no_more(&self) {
        self.drifts().clear();
    }

    fn drifts(&self) -> MutexGuard<'_, Vec<(String, Drift, [UnixMs; 2])>> {
        self.drifts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer as it is where its fields are not what they were.
    fn drifted(&self, host: &str, response: http::Response<Bytes>) -> http::Response<Bytes> {
        let now = self.clock.now();
        let drifts = self.drifts();
        let mut active = drifts.iter().filter(|(of, _, [from, to])| of == host && *from <= now && now < *to);
        let distorted = active.find_map(|(_, drift, _)| drift.distort(response.body()));
        let Some(body) = distorted else { return response };
        *self.seen().entry(Moment::OtherShape).or_default() += 1;
        response.map(|_| body)
    }

    /// Systems deliver to these.
    pub(crate) fn receive_at(&self, receivers: BTreeMap<String, Arc<Endpoint>>) {
        *self.receivers.lock().unwrap_or_else(PoisonError::into_inner) = receivers;
    }

    /// What a system replies, handshakes included. It works on a stack of its own: a component's is small.
    async fn ask(&self, door: Clocked, request: http::Request<Bytes>) -> Result<Reply, TransportError> {
        let now = self.clock.now();
        let asked = tokio::spawn(async move { (door.api(now, &request), door, request) });
        let broke = |error: tokio::task::JoinError| TransportError::Unknown(format!("the system broke: {error}"));
        let (reply, door, request) = asked.await.map_err(broke)?;
        let Reply::After(pending) = reply else { return Ok(reply) };
        let said = self.shake(&pending.handshake);
        Ok(door.door.resume(door.there(self.clock.now()), &request, &pending, said.as_ref()))
    }

    /// What is answered to a handshake; `None` when nobody is there.
    fn shake(&self, handshake: &Webhook) -> Option<Answer> {
        let uri: http::Uri = handshake.url.parse().ok()?;
        let receivers = self.receivers.lock().unwrap_or_else(PoisonError::into_inner);
        let endpoint = receivers.get(uri.path())?;
        let mut headers = http::HeaderMap::new();
        for (name, value) in &handshake.headers {
            headers.append(name.parse::<http::HeaderName>().ok()?, value.parse().ok()?);
        }
        shake(endpoint, &uri, &headers).map(|(status, body)| Answer { status, body })
    }

    /// What came of requests since this was asked last.
    pub fn take_seen(&self) -> BTreeMap<Moment, u64> {
        std::mem::take(&mut *self.seen())
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<Moment, u64>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Doors {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        within: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        self.breaches().extend(self.words.iter().filter_map(|it| it.said(&host, &request)));
        let door = self.by_host.get(&host).ok_or_else(|| TransportError::Unreachable(format!("no host {host}")))?;
        let reply = self.ask(door.clone(), request).await?;
        let (seen, answer) = match reply {
            Reply::Answer(response, ms) => {
                self.clock.advance(ms);
                (Moment::Answered, Ok(self.drifted(&host, response)))
            }
            Reply::Refused => (Moment::BrokenOff, Err("the connection was reset")),
            Reply::Silence | Reply::After(_) => {
                self.clock.advance(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
                (Moment::NeverAnswered, Err("no answer in time"))
            }
        };
        *self.seen().entry(seen).or_default() += 1;
        answer.map_err(|why| TransportError::Unknown(why.to_owned()))
    }
}
