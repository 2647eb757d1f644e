//! From a key's text to what it may do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use moka::sync::Cache;
use subtle::ConstantTimeEq;
use truthsource_core::UnixMs;

use super::{Buckets, Token};
use crate::engine::ports::Clock;
use crate::store::control::{ApiKey, ControlStore};

/// How long a look-up counts. A key that another node revoked works at most this long.
const FRESH_MS: u64 = 5_000;
/// How many keys, and how many wrong ids, are remembered.
const REMEMBERED_MAX: u64 = 10_000;
/// Wrong keys a second from one address or for one id, and how many at once.
const FAILURES_PER_SECOND: u32 = 5;
const FAILURES_BURST: u32 = 50;

/// Why a request has no caller.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Not a key, not one of ours, or not its secret. Which of them is nobody's business.
    #[error("the key is not valid")]
    Invalid,
    /// It was right, and has ended.
    #[error("the key has expired")]
    Expired,
    /// It was right, and was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// Too many wrong keys came from there.
    #[error("too many wrong keys")]
    TooMany {
        /// When to try again.
        wait_ms: u64,
    },
    /// The keys could not be read.
    #[error("the keys could not be read")]
    Store(#[source] crate::store::Error),
}

/// The keys, cached.
pub struct Keyring {
    control: Arc<dyn ControlStore>,
    clock: Arc<dyn Clock>,
    known: Cache<String, Arc<Known>>,
    wrong: Cache<String, UnixMs>,
    /// Of wrong keys. Apart, so that no id takes from the address that it shares a bucket with.
    by_place: Buckets,
    by_id: Buckets,
    used: Mutex<BTreeMap<String, UnixMs>>,
}

/// A key as it was when it was looked up.
struct Known {
    key: Arc<ApiKey>,
    at: UnixMs,
}

impl Keyring {
    /// An empty cache over `control`.
    #[must_use]
    pub fn new(control: Arc<dyn ControlStore>, clock: Arc<dyn Clock>) -> Self {
        Self {
            control,
            clock,
            known: Cache::new(REMEMBERED_MAX),
            wrong: Cache::new(REMEMBERED_MAX),
            by_place: Buckets::new(FAILURES_PER_SECOND, FAILURES_BURST),
            by_id: Buckets::new(FAILURES_PER_SECOND, FAILURES_BURST),
            used: Mutex::default(),
        }
    }

    /// The key that `text` is.
    ///
    /// # Errors
    /// See [`Denied`]. Wrong keys are counted per address and per id; once there are too many, only keys that were
    /// right before are looked up, so that guessing costs the store nothing and locks no owner out.
    pub async fn authenticate(&self, text: &str, peer: IpAddr) -> Result<Arc<ApiKey>, Denied> {
        let now = self.clock.now();
        let place = place_of(peer);
        let Some(token) = Token::parse(text) else { return Err(self.failed(None, place, now)) };
        let Some(key) = self.look_up(&token, place, now).await? else {
            return Err(self.failed(Some(token.id()), place, now));
        };
        if !bool::from(key.secret_sha256.ct_eq(&token.secret_sha256())) {
            return Err(self.failed(Some(token.id()), place, now));
        }
        if key.revoked_at.is_some_and(|at| at <= now) {
            return Err(Denied::Revoked);
        }
        if key.expires_at.is_some_and(|at| at <= now) {
            return Err(Denied::Expired);
        }
        self.note_use(&key, now);
        Ok(key)
    }

    /// Forgets a key: it was changed here.
    pub fn forget(&self, id: &str) {
        self.known.invalidate(id);
        self.wrong.invalidate(id);
    }

    /// Writes down when keys were last used, to the minute.
    ///
    /// # Errors
    /// The store's. What was not written is dropped: it is for people only.
    pub async fn flush_used(&self) -> crate::store::Result<()> {
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        if used.is_empty() { Ok(()) } else { self.control.keys_used(&used).await }
    }

    async fn look_up(&self, token: &Token, place: u64, now: UnixMs) -> Result<Option<Arc<ApiKey>>, Denied> {
        let known = self.known.get(token.id());
        if let Some(known) = known.as_ref().filter(|it| is_fresh(it.at, now)) {
            return Ok(Some(known.key.clone()));
        }
        if self.wrong.get(token.id()).is_some_and(|at| is_fresh(at, now)) {
            return Ok(None);
        }
        if known.is_none() {
            self.by_place.peek(place, now).map_err(|wait_ms| Denied::TooMany { wait_ms })?;
        }
        let found = self.control.key(token.id()).await.map_err(Denied::Store)?;
        let Some(key) = found else {
            self.known.invalidate(token.id());
            self.wrong.insert(token.id().to_owned(), now);
            return Ok(None);
        };
        let key = Arc::new(key);
        self.known.insert(token.id().to_owned(), Arc::new(Known { key: key.clone(), at: now }));
        Ok(Some(key))
    }

    fn failed(&self, id: Option<&str>, place: u64, now: UnixMs) -> Denied {
        let by_place = self.by_place.take(place, now);
        let by_id = id.map_or(Ok(()), |id| self.by_id.take(id, now));
        match (by_place, by_id) {
            (Ok(()), Ok(())) => Denied::Invalid,
            (Err(wait_ms), _) | (_, Err(wait_ms)) => Denied::TooMany { wait_ms },
        }
    }

    fn note_use(&self, key: &ApiKey, now: UnixMs) {
        if key.last_used_at.is_none_or(|at| now.since(at) >= 60_000) {
            let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = used.get_mut(&key.id) {
                *at = now;
            } else {
                used.insert(key.id.clone(), now);
            }
        }
    }
}

/// A look-up from the future, as after a clock was set back, is not fresh.
fn is_fresh(at: UnixMs, now: UnixMs) -> bool {
    at <= now && now.since(at) < FRESH_MS
}

/// What counts as one place: an IPv4 address, or the /64 that one IPv6 customer has.
fn place_of(peer: IpAddr) -> u64 {
    match peer.to_canonical() {
        IpAddr::V4(it) => u64::from(u32::from(it)),
        IpAddr::V6(it) => u64::try_from(u128::from(it) >> 64).unwrap_or(u64::MAX),
    }
}
