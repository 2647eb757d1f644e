//! Keeps a worker at work: one that panics is logged, counted, and begun again after a pause.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::roster::Post;

/// How often a worker that fails is begun again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pauses {
    /// After the first failure; doubled with every one that follows.
    pub first: Duration,
    /// The longest.
    pub max: Duration,
    /// A worker that was at work for so long fails for the first time.
    pub recovered: Duration,
}

impl Pauses {
    /// A defect that one record brings about is met again at once, every time: what it costs must be next to nothing,
    /// and what brought it about may be gone any minute.
    pub const USUAL: Self =
        Self { first: Duration::from_secs(1), max: Duration::from_secs(60), recovered: Duration::from_secs(300) };

    fn after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }
}

/// Does the work that `begin` begins until it ends by itself or is stopped. What panicked is begun again: a worker
/// holds nothing that matters.
pub(crate) async fn keep<F>(post: Post, pauses: Pauses, stopped: watch::Receiver<bool>, begin: impl Fn() -> F)
where
    F: Future<Output = ()>,
{
    let (_begun, mut failures) = (post.begin(), 0);
    loop {
        let began = Instant::now();
        let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await else { return };
        failures = if began.elapsed() < pauses.recovered { failures + 1 } else { 1 };
        let pause = pauses.after(failures);
        let _down = post.fell();
        tell(&post, panic.as_ref(), pause);
        if is_stopped_within(pause, stopped.clone()).await {
            return;
        }
    }
}

async fn is_stopped_within(pause: Duration, mut stopped: watch::Receiver<bool>) -> bool {
    // Nobody is left who could stop it: that is a stop, too.
    let stop = async { stopped.wait_for(|it| *it).await.map(drop) };
    tokio::time::timeout(pause, stop).await.is_ok()
}

fn tell(post: &Post, panic: &(dyn Any + Send), pause: Duration) {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(
        tenant.name = post.tenant.as_ref().map(|it| it.name.as_str()),
        worker = ?post.worker,
        pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        error = text.unwrap_or("a panic without a word"),
        "a worker ended unexpectedly and is begun again after a pause"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use truthsource_core::UnixMs;

    use super::super::roster::{Roster, Worker};
    use super::*;
    use crate::store::control::{Tenant, TenantId};

    const ACME: TenantId = TenantId(1);
    const LONG: Duration = Duration::from_secs(600);

    fn pauses(first: Duration) -> Pauses {
        Pauses { first, max: LONG, recovered: LONG }
    }

    fn post(roster: &Arc<Roster>) -> Post {
        roster.begin(ACME);
        let tenant = Tenant { id: ACME, name: "acme".to_owned(), created_at: UnixMs(0), shard: 0 };
        Post::of(roster, &tenant, Worker::Folder)
    }

    /// A worker that panics at its first beginnings.
    async fn panics(begun: &AtomicU32, times: u32) {
        assert!(begun.fetch_add(1, Ordering::SeqCst) >= times, "asked to");
    }

    #[tokio::test]
    async fn a_worker_that_panics_is_begun_again_and_counted() {
        let (roster, begun) = (Arc::new(Roster::default()), AtomicU32::new(0));
        let (_stop, stopped) = watch::channel(false);
        keep(post(&roster), pauses(Duration::from_millis(1)), stopped, || panics(&begun, 3)).await;
        assert_eq!((begun.load(Ordering::SeqCst), roster.failures()["folder"]), (4, 3));
        assert!(roster.works_for(ACME));
    }

    #[tokio::test]
    async fn a_worker_in_its_pause_is_down_and_can_be_stopped() {
        let (roster, begun) = (Arc::new(Roster::default()), AtomicU32::new(0));
        let (stop, stopped) = watch::channel(false);
        let mut kept = Box::pin(keep(post(&roster), pauses(LONG), stopped, || panics(&begun, 1)));
        assert!(kept.as_mut().now_or_never().is_none());
        assert!(!roster.works_for(ACME));
        stop.send(true).unwrap();
        kept.await;
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn whose_keeper_is_gone_is_begun_no_more() {
        let (roster, begun) = (Arc::new(Roster::default()), AtomicU32::new(0));
        let (stop, stopped) = watch::channel(false);
        drop(stop);
        keep(post(&roster), pauses(LONG), stopped, || panics(&begun, 1)).await;
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let seconds = |failures| Pauses::USUAL.after(failures).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 8, u32::MAX].map(seconds), [1, 2, 4, 32, 60, 60, 60]);
    }
}
