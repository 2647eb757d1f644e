//! Budgets: how fast an account is asked, by all connections of a tenant that lead to it together.
//!
//! A connector says how its system limits its callers, and the system's answers say how much of that is left. Whatever
//! it is, the limit is the account's and not the connection's: two connections to one account that each keep to it
//! break it together. Who goes first is decided in [`truthsource_core::budget`]; here is the waiting. What has no room
//! waits before it is sent, so that waiting is never mistaken for an answer that was lost.
//!
//! Accounts of two tenants are two, even where they lead to one place: what one tenant does must not slow another.

mod heard;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use truthsource_core::budget::{self, Class, Heard, Limit, Ticket};
use truthsource_host::egress::{Origin, Transport, TransportError};
use truthsource_host::model::{PointsAt, Rate};

use crate::store::Connection;
use crate::store::control::TenantId;
use heard::heard;

/// An account, as far as can be told from outside: a tenant, and the origins that its connections sign in at.
type Account = (TenantId, BTreeSet<Origin>);

/// The budgets of all accounts.
#[derive(Default)]
pub(super) struct Budgets(Mutex<BTreeMap<Account, Arc<Budget>>>);

impl Budgets {
    /// The budget that a connection shares with others to the same account.
    pub(super) fn of(&self, tenant: TenantId, connection: &Connection) -> Arc<Budget> {
        let spec = &connection.spec;
        let signed = if spec.signed().is_empty() { &spec.egress[..] } else { spec.signed() };
        let origins = signed.iter().filter_map(|it| it.parse().ok()).collect();
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        budgets.entry((tenant, origins)).or_default().clone()
    }

    /// Forgets a tenant.
    pub(super) fn erase(&self, tenant: TenantId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(whose, _), _| *whose != tenant);
    }
}

/// What one account may be asked for.
pub(super) struct Budget {
    /// Moments are counted from here.
    epoch: Instant,
    state: Mutex<State>,
    /// Something was heard: there may be room at another moment than before.
    changed: Notify,
}

struct State {
    /// What its connector says; `None` before it has said anything.
    rate: Option<Rate>,
    budget: budget::Budget,
    /// Who waits for which call to be granted.
    waiting: BTreeMap<Ticket, oneshot::Sender<()>>,
}

impl Default for Budget {
    fn default() -> Self {
        let budget = budget::Budget::new(Limit::Unknown);
        let state = State { rate: None, budget, waiting: BTreeMap::new() };
        Self { epoch: Instant::now(), state: Mutex::new(state), changed: Notify::new() }
    }
}

impl Budget {
    /// What the account's connector says of its limits. Requests under way keep to what they began with.
    pub(super) fn limit(&self, rate: &Rate) {
        let mut state = self.lock();
        if state.rate.as_ref() != Some(rate) {
            state.budget.limit(match rate {
                Rate::Concurrent(n) => Limit::AtOnce(*n),
                Rate::Window(it) => {
                    Limit::Window { calls: it.requests, ms: u64::from(it.seconds) * 1_000, at_once: it.at_once }
                }
                Rate::Points(_) => Limit::Points,
                Rate::Other(_) => Limit::Unknown,
            });
            state.rate = Some(rate.clone());
            self.serve(&mut state);
        }
    }

    /// What is known of it.
    pub(super) fn look<T>(&self, look: impl FnOnce(&budget::Budget, u64) -> T) -> T {
        look(&self.lock().budget, self.now_ms())
    }

    /// Where its answers say how many points there are, if they do.
    fn points_at(&self) -> Option<PointsAt> {
        if let Some(Rate::Points(at)) = &self.lock().rate { Some(PointsAt::clone(at)) } else { None }
    }

    /// Waits for room for one request, which is taken until it is ended.
    async fn room(self: &Arc<Self>, class: Class) -> Room {
        let (sender, mut granted) = oneshot::channel();
        let room = {
            let mut state = self.lock();
            let ticket = state.budget.ask(class);
            state.waiting.insert(ticket, sender);
            self.serve(&mut state);
            Room { budget: self.clone(), ticket: Some(ticket) }
        };
        loop {
            let changed = self.changed.notified();
            let next_at = self.lock().budget.next_at(self.now_ms());
            let until = next_at.map(|it| self.epoch + Duration::from_millis(it));
            let pass = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut granted => return room,
                () = pass => self.serve(&mut self.lock()),
                () = changed => {}
            }
        }
    }

    /// Grants whatever there is room for.
    fn serve(&self, state: &mut State) {
        let now_ms = self.now_ms();
        while let Some(ticket) = state.budget.grant(now_ms) {
            let is_gone = state.waiting.remove(&ticket).is_none_or(|it| it.send(()).is_err());
            if is_gone {
                state.budget.ended(ticket, now_ms, &Heard::default());
            }
        }
    }

    fn end(&self, ticket: Ticket, heard: &Heard) {
        let mut state = self.lock();
        state.waiting.remove(&ticket);
        state.budget.withdraw(ticket);
        let now_ms = self.now_ms();
        state.budget.ended(ticket, now_ms, heard);
        self.serve(&mut state);
        drop(state);
        self.changed.notify_waiters();
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in a budget, waited for or taken. Dropped, it is given back.
struct Room {
    budget: Arc<Budget>,
    /// `None`: it was given back.
    ticket: Option<Ticket>,
}

impl Room {
    /// The request was answered.
    fn ended(mut self, heard: &Heard) {
        if let Some(ticket) = self.ticket.take() {
            self.budget.end(ticket, heard);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.budget.end(ticket, &Heard::default());
        }
    }
}

/// A transport that keeps to a budget. Requests say by their [`Class`] how urgent they are.
pub(super) struct Paced {
    pub inner: Arc<dyn Transport>,
    pub budget: Arc<Budget>,
}

#[async_trait]
impl Transport for Paced {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        within: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let began = Instant::now();
        let class = request.extensions().get::<Class>().copied().unwrap_or_default();
        let no_room = || TransportError::Unreachable("the account's budget has no room for another request".to_owned());
        let room = timeout(within, self.budget.room(class)).await.map_err(|_| no_room())?;
        let left = within.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(no_room());
        }
        let answer = self.inner.send(request, left).await;
        if let Ok(response) = &answer {
            room.ended(&heard(response, self.budget.points_at().as_ref()));
        }
        answer
    }
}

#[cfg(test)]
mod tests;
