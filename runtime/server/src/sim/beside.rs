//! Two workers at work at once: all that one does takes place between two looks of the other into the store.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Where a worker stands still until another is done.
#[derive(Default)]
pub struct Turnstile {
    /// So many accesses from now; 0: nowhere.
    left: AtomicU64,
    reached: Notify,
    passed: Notify,
}

impl Turnstile {
    /// To be called before every access to the store.
    pub async fn enter(&self) {
        if self.left.load(Ordering::SeqCst) > 0 && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.reached.notify_one();
            self.passed.notified().await;
        }
    }

    /// Does `one`, and before its access of this number, counted from 1, all of `other`; `None` where `one` comes to an
    /// end before that.
    ///
    /// # Errors
    /// As `other`: then `one` goes no further, as the node has died.
    pub async fn within<A, B, E>(
        &self,
        access: u64,
        one: impl Future<Output = A>,
        other: impl AsyncFnOnce() -> Result<B, E>,
    ) -> Result<(A, Option<B>), E> {
        self.left.store(access, Ordering::SeqCst);
        let mut one = pin!(one);
        tokio::select! {
            biased;
            () = self.reached.notified() => {}
            done = &mut one => {
                self.left.store(0, Ordering::SeqCst);
                return Ok((done, None));
            }
        }
        let between = other().await?;
        self.passed.notify_one();
        Ok((one.await, Some(between)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What was done in which order, where the one accesses three times.
    async fn done(access: u64) -> String {
        let (turnstile, said) = (Turnstile::default(), Mutex::new(String::new()));
        let one = async {
            for letter in ['a', 'b', 'c'] {
                turnstile.enter().await;
                said.lock().unwrap().push(letter);
            }
        };
        let other = async || {
            turnstile.enter().await;
            said.lock().unwrap().push('|');
            Ok::<(), ()>(())
        };
        let (_, between) = turnstile.within(access, one, other).await.unwrap();
        let said = said.lock().unwrap().clone();
        assert_eq!(between.is_some(), said.contains('|'));
        said
    }

    #[tokio::test]
    async fn the_other_is_done_between_two_accesses() {
        let seen = [done(1).await, done(3).await, done(4).await, done(0).await];
        assert_eq!(seen, ["|abc", "ab|c", "abc", "abc"]);
    }
}
