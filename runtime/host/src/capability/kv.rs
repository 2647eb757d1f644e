//! `truthsource:kv`: the small state of one connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::bindings::connector::truthsource::kv::store as wit;
use crate::record::HostAnswer;
use crate::state::{HostState, Source};

/// The longest key, in bytes: the contract's number.
pub const KEY_BYTES_MAX: usize = 512;
/// The largest value, in bytes: the contract's number. Larger things belong in an outside system.
pub const VALUE_BYTES_MAX: usize = 65_536;
/// How many keys a connection may hold: the contract's number. With the value's, it bounds a connection at 64 MiB.
pub const KEYS_MAX: usize = 1_000;

/// The store could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key-value store could not be reached")]
pub struct Unavailable;

/// Where `kv` keeps its bytes. An implementation is *made for* one connection: no key can name another's.
#[async_trait]
pub trait KvStore: Send + Sync {
    /// The bytes under `key`, or `None` if there are none.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable>;
    /// How many keys there are.
    async fn count(&self) -> Result<usize, Unavailable>;
    /// Applies the writes of one call, all or nothing: `None` forgets the key. Durable when this returns.
    async fn apply(&self, writes: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Unavailable>;
}

/// That a call may use `kv`, and where.
#[derive(Clone)]
pub struct KvGrant(pub Arc<dyn KvStore>);

/// The writes of a call that are not durable yet. They are applied once, when the call ends well: a call that traps
/// leaves nothing half-written.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    writes: BTreeMap<String, Option<Vec<u8>>>,
}

impl Pending {
    /// Takes what is to be applied; empty if nothing was written.
    pub(crate) fn take(&mut self) -> BTreeMap<String, Option<Vec<u8>>> {
        std::mem::take(&mut self.writes)
    }
}

fn check_key(key: &str) -> Result<(), wit::Fault> {
    if key.is_empty() {
        return Err(wit::Fault::Other("a key is never empty".to_owned()));
    }
    if key.len() > KEY_BYTES_MAX { Err(wit::Fault::TooLarge) } else { Ok(()) }
}

fn fault_name(fault: &wit::Fault) -> String {
    match fault {
        wit::Fault::Denied => "denied".to_owned(),
        wit::Fault::TooLarge => "too-large".to_owned(),
        wit::Fault::Unavailable => "unavailable".to_owned(),
        wit::Fault::Other(text) => format!("other: {text}"),
    }
}

fn fault_named(name: &str) -> wit::Fault {
    match name {
        "denied" => wit::Fault::Denied,
        "too-large" => wit::Fault::TooLarge,
        "unavailable" => wit::Fault::Unavailable,
        other => wit::Fault::Other(other.trim_start_matches("other: ").to_owned()),
    }
}

impl HostState {
    fn kv_grant(&self) -> Result<KvGrant, wit::Fault> {
        self.reach.kv.clone().ok_or(wit::Fault::Denied)
    }

    async fn kv_get(&mut self, key: &str) -> Result<Option<Vec<u8>>, wit::Fault> {
        let KvGrant(store) = self.kv_grant()?;
        check_key(key)?;
        if let Some(written) = self.kv.writes.get(key) {
            return Ok(written.clone());
        }
        store.get(key).await.map_err(|Unavailable| wit::Fault::Unavailable)
    }

    async fn kv_write(&mut self, key: &str, value: Option<Vec<u8>>) -> Result<(), wit::Fault> {
        let KvGrant(store) = self.kv_grant()?;
        check_key(key)?;
        if value.as_ref().is_some_and(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(wit::Fault::TooLarge);
        }
        if value.is_some() && !self.kv.writes.contains_key(key) {
            let stored = store.count().await.map_err(|Unavailable| wit::Fault::Unavailable)?;
            let known = store.get(key).await.map_err(|Unavailable| wit::Fault::Unavailable)?.is_some();
            // Pending writes may be of known keys: counting them all errs on the safe side.
            if !known && stored + self.kv.writes.len() >= KEYS_MAX {
                return Err(wit::Fault::TooLarge);
            }
        }
        self.kv.writes.insert(key.to_owned(), value);
        Ok(())
    }

    /// Keeps `answer`, or the fault in its place, and hands the result on.
    fn keep_kv<T>(
        &mut self,
        key: &str,
        end: Result<T, wit::Fault>,
        answer: impl FnOnce(&T) -> HostAnswer,
    ) -> Result<T, wit::Fault> {
        match &end {
            Ok(value) => self.keep(|| answer(value)),
            Err(fault) => self.keep(|| HostAnswer::KvFault { key: key.to_owned(), fault: fault_name(fault) }),
        }
        end
    }
}

impl wit::Host for HostState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, wit::Fault>> {
        self.count_host_call()?;
        if let Source::Recorded(recorded) = &mut self.source {
            return match recorded.next()? {
                HostAnswer::KvGet { key: asked, value } if asked == key => Ok(Ok(value)),
                HostAnswer::KvFault { key: asked, fault } if asked == key => Ok(Err(fault_named(&fault))),
                _ => recorded.diverged(&format!("kv get of `{key}`")),
            };
        }
        let end = self.kv_get(&key).await;
        Ok(self.keep_kv(&key, end, |value| HostAnswer::KvGet { key: key.clone(), value: value.clone() }))
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), wit::Fault>> {
        self.count_host_call()?;
        if let Source::Recorded(recorded) = &mut self.source {
            return match recorded.next()? {
                HostAnswer::KvSet { key: asked, value: stored } if asked == key && stored == value => Ok(Ok(())),
                HostAnswer::KvFault { key: asked, fault } if asked == key => Ok(Err(fault_named(&fault))),
                _ => recorded.diverged(&format!("kv set of `{key}`")),
            };
        }
        let end = self.kv_write(&key, Some(value.clone())).await;
        Ok(self.keep_kv(&key, end, |()| HostAnswer::KvSet { key: key.clone(), value }))
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), wit::Fault>> {
        self.count_host_call()?;
        if let Source::Recorded(recorded) = &mut self.source {
            return match recorded.next()? {
                HostAnswer::KvDelete { key: asked } if asked == key => Ok(Ok(())),
                HostAnswer::KvFault { key: asked, fault } if asked == key => Ok(Err(fault_named(&fault))),
                _ => recorded.diverged(&format!("kv delete of `{key}`")),
            };
        }
        let end = self.kv_write(&key, None).await;
        Ok(self.keep_kv(&key, end, |()| HostAnswer::KvDelete { key: key.clone() }))
    }
}
