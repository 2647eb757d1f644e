//! What is seldom written and read at every step: connections, slots, settings. A file has one process, so what was
//! read of it stands until that process writes it again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::store::{Change, Result};

/// Rises before anyone learns that connections, slots or settings were written.
#[derive(Debug, Default)]
pub(super) struct Revision(AtomicU64);

impl Revision {
    /// What was read before no longer stands.
    pub fn rise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The change touches what is remembered.
pub(super) fn concerns(change: &Change) -> bool {
    matches!(
        change,
        Change::NewConnection { .. }
            | Change::ConnectionSpec { .. }
            | Change::ConnectionState { .. }
            | Change::Release(_)
            | Change::Activate { .. }
            | Change::Vacate { .. }
            | Change::Setting { .. }
    )
}

/// The last reading, and the revision that it is of.
#[derive(Debug)]
pub(super) struct Memo<T>(Mutex<Option<(u64, T)>>);

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> Memo<T> {
    /// The last reading where it still stands, else a new one.
    pub async fn get(&self, revision: &Revision, read: impl Future<Output = Result<T>>) -> Result<T> {
        // Before the reading: one that is overtaken by a write is kept under a revision that is over.
        let at = revision.now();
        if let Some((_, known)) = self.lock().as_ref().filter(|(of, _)| *of == at) {
            return Ok(known.clone());
        }
        let read = read.await?;
        *self.lock() = Some((at, read.clone()));
        Ok(read)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(u64, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reading_that_a_write_overtook_is_not_kept() {
        let (revision, memo) = (Revision::default(), Memo::default());
        let overtaken = async {
            revision.rise();
            Ok(1)
        };
        assert_eq!(memo.get(&revision, overtaken).await.unwrap(), 1);
        assert_eq!(memo.get(&revision, async { Ok(2) }).await.unwrap(), 2);
        assert_eq!(memo.get(&revision, async { Ok(3) }).await.unwrap(), 2);
        revision.rise();
        assert_eq!(memo.get(&revision, async { Ok(4) }).await.unwrap(), 4);
    }
}
