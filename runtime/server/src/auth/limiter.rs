//! Token buckets of a fixed number, so that a flood of names costs no memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use truthsource_core::UnixMs;

/// How many buckets there are. Names that share one share its limit; with a secret hash nobody can aim for that.
const BUCKETS: usize = 4_096;

/// Buckets by name: each refills at `per_second` up to `burst`.
pub struct Buckets {
    hash: RandomState,
    per_second: u32,
    burst: u32,
    buckets: Box<[Mutex<Bucket>]>,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// Thousandths of a token, so that refilling needs no fractions.
    milli: u64,
    at: UnixMs,
}

impl Buckets {
    /// Full buckets.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let full = Bucket { milli: u64::from(burst) * 1_000, at: UnixMs(0) };
        Self { hash: RandomState::new(), per_second, burst, buckets: (0..BUCKETS).map(|_| Mutex::new(full)).collect() }
    }

    /// Takes a token, or says in how many milliseconds there is one.
    ///
    /// # Errors
    /// The time to wait when the bucket is empty.
    pub fn take(&self, name: impl Hash, now: UnixMs) -> Result<(), u64> {
        let mut bucket = self.bucket(&name);
        self.refill(&mut bucket, now);
        match bucket.milli.checked_sub(1_000) {
            Some(rest) => {
                bucket.milli = rest;
                Ok(())
            }
            None => Err(self.wait_ms(&bucket)),
        }
    }

    /// Looks whether there is a token, and takes none.
    ///
    /// # Errors
    /// The time to wait when the bucket is empty.
    pub fn peek(&self, name: impl Hash, now: UnixMs) -> Result<(), u64> {
        let mut bucket = self.bucket(&name);
        self.refill(&mut bucket, now);
        if bucket.milli >= 1_000 { Ok(()) } else { Err(self.wait_ms(&bucket)) }
    }

    fn bucket(&self, name: &impl Hash) -> std::sync::MutexGuard<'_, Bucket> {
        let at = usize::try_from(self.hash.hash_one(name) % BUCKETS as u64).unwrap_or(0);
        self.buckets[at].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A clock that was set back refills nothing, and takes nothing away either.
    fn refill(&self, bucket: &mut Bucket, now: UnixMs) {
        let gained = now.since(bucket.at).saturating_mul(u64::from(self.per_second));
        bucket.milli = bucket.milli.saturating_add(gained).min(u64::from(self.burst) * 1_000);
        bucket.at = now;
    }

    fn wait_ms(&self, bucket: &Bucket) -> u64 {
        (1_000 - bucket.milli.min(1_000)).div_ceil(u64::from(self.per_second.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let buckets = Buckets::new(10, 3);
        let taken = (0..5).filter(|_| buckets.take("a", UnixMs(1_000)).is_ok()).count();
        assert_eq!(taken, 3);
        assert_eq!(buckets.take("a", UnixMs(1_000)), Err(100));
        assert_eq!(buckets.take("a", UnixMs(1_100)), Ok(()));
        assert_eq!(buckets.take("a", UnixMs(1_150)), Err(50));
    }

    #[test]
    fn an_hour_brings_no_more_than_a_burst() {
        let buckets = Buckets::new(10, 3);
        for _ in 0..3 {
            buckets.take("a", UnixMs(0)).unwrap();
        }
        let taken = (0..9).filter(|_| buckets.take("a", UnixMs(3_600_000)).is_ok()).count();
        assert_eq!(taken, 3);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let buckets = Buckets::new(1_000, 1);
        buckets.take("a", UnixMs(9_000_000)).unwrap();
        assert!(buckets.take("a", UnixMs(1_000)).is_err());
        assert!(buckets.take("a", UnixMs(1_001)).is_ok());
    }

    #[test]
    fn looking_takes_nothing() {
        let buckets = Buckets::new(1, 1);
        assert_eq!((buckets.peek("a", UnixMs(0)), buckets.peek("a", UnixMs(0))), (Ok(()), Ok(())));
        buckets.take("a", UnixMs(0)).unwrap();
        assert_eq!(buckets.peek("a", UnixMs(0)), Err(1_000));
    }
}
