//! Budgets: how fast an account is asked, by all connections of a tenant that lead to it together.
//!
//! A connector says how its system limits its callers. Whatever that is, the limit is the account's and not the
//! connection's: two connections to one account that each keep to it break it together. What has no room waits here
//! before it is sent, so that waiting is never mistaken for an answer that was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use truthsource_host::egress::{Origin, Transport, TransportError};
use truthsource_host::model::Rate;

use crate::store::Connection;
use crate::store::control::TenantId;

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
}

/// What one account may be asked for.
#[derive(Default)]
pub(super) struct Budget(Mutex<Option<(Rate, Limit)>>);

/// How a rate is kept to.
#[derive(Clone)]
enum Limit {
    /// So many requests at a time.
    AtOnce(Arc<Semaphore>),
    /// So many requests a second, evenly, with a second's worth of them at once after a pause.
    PerSecond(Arc<Mutex<Instant>>, Duration),
    /// The system says itself when it is too much.
    None,
}

impl Budget {
    /// What the account's connector says of its limits. Requests under way keep to what they began with.
    pub(super) fn limit(&self, rate: &Rate) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|(before, _)| before != rate) {
            *known = Some((rate.clone(), Limit::of(rate)));
        }
    }

    /// Waits for room for one request, which is taken until the permit is dropped.
    async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, limit)| limit.clone());
        match known? {
            Limit::AtOnce(places) => places.acquire_owned().await.ok(),
            Limit::PerSecond(next, apart) => {
                let at = {
                    let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                    // A second of room is kept and no more.
                    let earliest = Instant::now().checked_sub(Duration::from_secs(1)).unwrap_or(*next);
                    let at = (*next).max(earliest) + apart;
                    *next = at;
                    at
                };
                sleep_until(at).await;
                None
            }
            Limit::None => None,
        }
    }
}

impl Limit {
    fn of(rate: &Rate) -> Self {
        match rate {
            Rate::Concurrent(n) => Self::AtOnce(Arc::new(Semaphore::new((*n).max(1) as usize))),
            Rate::PerSecond(n) => {
                Self::PerSecond(Arc::new(Mutex::new(Instant::now())), Duration::from_secs(1) / (*n).max(1))
            }
            Rate::Other(_) => Self::None,
        }
    }
}

/// A transport that keeps to a budget.
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
        let no_room = || TransportError::Unreachable("the account's budget has no room for another request".to_owned());
        let _room = timeout(within, self.budget.room()).await.map_err(|_| no_room())?;
        let left = within.saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(no_room());
        }
        self.inner.send(request, left).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    /// An account that answers when it is let; how many requests are there, and how many came.
    struct Held {
        answers: Semaphore,
        here: AtomicUsize,
        came: AtomicUsize,
    }

    #[async_trait]
    impl Transport for Held {
        async fn send(&self, _: http::Request<Bytes>, _: Duration) -> Result<http::Response<Bytes>, TransportError> {
            self.came.fetch_add(1, Ordering::SeqCst);
            self.here.fetch_add(1, Ordering::SeqCst);
            self.answers.acquire().await.unwrap().forget();
            self.here.fetch_sub(1, Ordering::SeqCst);
            Ok(http::Response::new(Bytes::new()))
        }
    }

    /// Two connections to one account with this limit, which lets so many requests be answered.
    fn account(rate: Rate, answers: usize) -> (Arc<Held>, [Arc<Paced>; 2]) {
        let (here, came) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let held = Arc::new(Held { answers: Semaphore::new(answers), here, came });
        let budget = Arc::new(Budget::default());
        budget.limit(&rate);
        let paced = [(); 2].map(|()| Arc::new(Paced { inner: held.clone(), budget: budget.clone() }));
        (held, paced)
    }

    async fn send(paced: Arc<Paced>, within: Duration) -> Result<(), TransportError> {
        paced.send(http::Request::new(Bytes::new()), within).await.map(|_| ())
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn connections_to_one_account_share_its_places() {
        let (held, paced) = account(Rate::Concurrent(5), 0);
        let sent = (0..20).map(|at| tokio::spawn(send(paced[at % 2].clone(), MINUTE))).collect::<Vec<_>>();
        for n in 0..20 {
            while held.came.load(Ordering::SeqCst) < (n + 5).min(20) {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
            assert!(held.here.load(Ordering::SeqCst) <= 5);
            held.answers.add_permits(1);
        }
        assert!(join_all(sent).await.into_iter().all(|it| it.unwrap().is_ok()));
    }

    #[tokio::test]
    async fn a_rate_is_kept_to_by_all_together() {
        let (held, paced) = account(Rate::PerSecond(200), 20);
        let began = Instant::now();
        let sent = join_all((0..20).map(|at| send(paced[at % 2].clone(), MINUTE))).await;
        assert!(sent.iter().all(Result::is_ok) && held.came.load(Ordering::SeqCst) == 20);
        assert!(began.elapsed() >= Duration::from_millis(95), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn what_finds_no_room_in_time_was_never_sent() {
        let (held, paced) = account(Rate::Concurrent(1), 0);
        let first = tokio::spawn(send(paced[0].clone(), MINUTE));
        while held.came.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let second = send(paced[1].clone(), Duration::from_millis(20)).await;
        assert!(matches!(second, Err(TransportError::Unreachable(_))), "{second:?}");
        assert_eq!(held.came.load(Ordering::SeqCst), 1);
        held.answers.add_permits(1);
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_system_that_says_itself_when_it_is_too_much_is_not_held_back() {
        let (held, paced) = account(Rate::Other("points".to_owned()), 0);
        let sent = (0..20).map(|at| tokio::spawn(send(paced[at % 2].clone(), MINUTE))).collect::<Vec<_>>();
        while held.here.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        held.answers.add_permits(20);
        assert!(join_all(sent).await.into_iter().all(|it| it.unwrap().is_ok()));
    }
}
