//! The way to the system, on which just the right thing goes wrong at just the right moment.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use truthsource_host::egress::{Transport, TransportError};
use truthsource_simulators::journal::Actor;
use truthsource_simulators::system::System;

use crate::sim::stage::Doors;

type Errand = Box<dyn FnOnce() + Send>;

/// A line that a check holds.
pub struct Line {
    doors: Arc<Doors>,
    system: Arc<dyn System>,
    requests: AtomicU64,
    /// The next answer to a request that changes something is lost.
    loses: AtomicBool,
    /// What somebody does just before the request of this number.
    errand: Mutex<Option<(u64, Errand)>>,
}

impl Line {
    /// A line to a system behind its door on which all goes well.
    #[must_use]
    pub fn to(system: Arc<dyn System>, doors: Arc<Doors>) -> Self {
        Self { doors, system, requests: AtomicU64::new(0), loses: AtomicBool::new(false), errand: Mutex::default() }
    }

    /// Loses the answer to the next request that changes something.
    pub fn lose_next(&self) {
        self.loses.store(true, Ordering::SeqCst);
    }

    /// Loses nothing from now on. True if nothing was lost.
    pub fn lost_nothing(&self) -> bool {
        self.loses.swap(false, Ordering::SeqCst)
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// Somebody does something just before the `n`th request from now, 0 being the next.
    pub fn before(&self, n: u64, errand: Errand) {
        *self.errand.lock().unwrap_or_else(PoisonError::into_inner) = Some((self.requests() + n, errand));
    }

    /// Nobody does anything between requests any more.
    pub fn undisturbed(&self) {
        *self.errand.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn run_errand(&self, at: u64) {
        let mut errand = self.errand.lock().unwrap_or_else(PoisonError::into_inner);
        let due = errand.take_if(|(when, _)| *when <= at);
        drop(errand);
        if let Some((_, work)) = due {
            work();
        }
    }

    fn effects(&self, from: usize) -> bool {
        self.system.journal().since(from).iter().any(|it| it.actor == Actor::Api)
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        within: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.run_errand(self.requests.fetch_add(1, Ordering::SeqCst));
        let before = self.system.journal().len();
        let answer = self.doors.send(request, within).await;
        if self.effects(before) && self.loses.swap(false, Ordering::SeqCst) {
            return Err(TransportError::Unknown("the answer was lost on the way".to_owned()));
        }
        answer
    }
}
