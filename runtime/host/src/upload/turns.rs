//! Compilations take turns: one at a time, and no tenant's uploads keep everybody else's out.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::UploadError;
use crate::call::Tenant;
use crate::places::{Place, Places};

/// Compilations at once. Each may take 3 GiB and a whole processor: a node that serves calls has no more to give.
const COMPILATIONS_MAX: u32 = 1;

/// How compilations wait for each other. One runs at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileQueue {
    /// Uploads that are compiled or wait for it, of all tenants together; another is `busy`. A tenant has one of them
    /// at the most.
    pub uploads_max: usize,
    /// How long a compilation waits for its turn before it is `busy`.
    pub wait: Duration,
}

impl CompileQueue {
    /// Longer than a compile bomb's 20 s of processor time, so that whoever stands behind one has its turn; and eight
    /// JavaScript components, at 3 s each, are compiled in it.
    pub const USUAL: Self = Self { uploads_max: 8, wait: Duration::from_secs(30) };
}

/// Why something is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was uploaded. What is refused now can be sent again, and what waits holds its bytes: so few wait.
    Upload,
    /// It was accepted before and is in the cache no more. Calls wait for it, so it waits however many do.
    Load,
}

/// The turns of one host.
pub(crate) struct Turns {
    /// A tenant has one share: its compilations queue behind each other, and nobody else behind them.
    places: Places,
    uploading: Uploading,
    uploads_max: usize,
}

/// Who has an upload that is compiled or waits for it.
type Uploading = Arc<Mutex<BTreeSet<Tenant>>>;

/// The right to compile; ends when dropped.
pub(crate) struct Turn {
    _place: Place,
    _upload: Option<Upload>,
}

/// A tenant's one upload; over when dropped.
struct Upload {
    tenant: Tenant,
    uploading: Uploading,
}

impl Turns {
    pub(crate) fn new(queue: CompileQueue) -> Self {
        let places = Places::new(COMPILATIONS_MAX, 1, queue.wait);
        Self { places, uploading: Arc::default(), uploads_max: queue.uploads_max }
    }

    /// Waits for the turn of a tenant's component.
    ///
    /// # Errors
    /// [`UploadError::Busy`].
    pub(crate) async fn take(&self, tenant: &Tenant, cause: Cause) -> Result<Turn, UploadError> {
        let upload = match cause {
            Cause::Upload => Some(self.enter(tenant)?),
            Cause::Load => None,
        };
        let place = self.places.take(tenant).await.map_err(|_| busy("too much is compiled before it"))?;
        Ok(Turn { _place: place, _upload: upload })
    }

    fn enter(&self, tenant: &Tenant) -> Result<Upload, UploadError> {
        let mut uploading = lock(&self.uploading);
        if uploading.contains(tenant) {
            return Err(busy("another upload of this tenant is not compiled yet"));
        }
        if uploading.len() >= self.uploads_max {
            return Err(busy("too many uploads are waiting"));
        }
        uploading.insert(tenant.clone());
        Ok(Upload { tenant: tenant.clone(), uploading: self.uploading.clone() })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        lock(&self.uploading).remove(&self.tenant);
    }
}

fn lock(uploading: &Uploading) -> MutexGuard<'_, BTreeSet<Tenant>> {
    uploading.lock().unwrap_or_else(PoisonError::into_inner)
}

fn busy(reason: &'static str) -> UploadError {
    UploadError::Busy { reason }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn turns(wait: Duration) -> Turns {
        Turns::new(CompileQueue { uploads_max: 2, wait })
    }

    fn tenants() -> [Tenant; 3] {
        ["a", "b", "c"].map(Tenant::new)
    }

    fn refused(seen: Result<Turn, UploadError>) -> &'static str {
        match seen.err() {
            Some(UploadError::Busy { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn u1_one_compilation_runs_at_a_time() {
        let turns = turns(Duration::from_secs(60));
        let [a, b, _] = tenants();
        let first = turns.take(&a, Cause::Upload).await.unwrap();
        let mut second = Box::pin(turns.take(&b, Cause::Upload));
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn u1_a_tenant_has_one_upload_in_the_queue_and_the_queue_has_an_end() {
        let turns = turns(Duration::from_secs(60));
        let [a, b, c] = tenants();
        let first = turns.take(&a, Cause::Upload).await.unwrap();
        assert_eq!(refused(turns.take(&a, Cause::Upload).await), "another upload of this tenant is not compiled yet");
        let mut second = Box::pin(turns.take(&b, Cause::Upload));
        assert!(second.as_mut().now_or_never().is_none());
        assert_eq!(refused(turns.take(&c, Cause::Upload).await), "too many uploads are waiting");
        // One that is not waited for any more is none.
        drop(second);
        drop(first);
        drop(turns.take(&c, Cause::Upload).await.unwrap());
        assert!(turns.take(&a, Cause::Upload).await.is_ok());
    }

    #[tokio::test]
    async fn whoever_waited_too_long_is_refused() {
        let turns = turns(Duration::from_millis(5));
        let [a, b, _] = tenants();
        let _first = turns.take(&a, Cause::Upload).await.unwrap();
        assert_eq!(refused(turns.take(&b, Cause::Upload).await), "too much is compiled before it");
        assert_eq!(*lock(&turns.uploading), [a].into());
    }

    #[tokio::test]
    async fn what_calls_wait_for_waits_behind_its_own_tenant_and_is_not_turned_away() {
        let turns = turns(Duration::from_secs(60));
        let [a, b, _] = tenants();
        let first = turns.take(&a, Cause::Upload).await.unwrap();
        let mut loads: Vec<_> = (0..3).map(|_| Box::pin(turns.take(&a, Cause::Load))).collect();
        assert!(loads.iter_mut().all(|it| it.as_mut().now_or_never().is_none()));
        let mut other = Box::pin(turns.take(&b, Cause::Load));
        assert!(other.as_mut().now_or_never().is_none());
        drop(first);
        // Somebody else is next, however many of `a` came before.
        drop(other.await.unwrap());
        for load in loads {
            assert!(load.await.is_ok());
        }
    }
}
