//! Which workers are at work, for whoever asks how the node is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use truthsource_core::record::ConnectionId;

use crate::store::control::{Tenant, TenantId};

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    /// Starts and stops the workers of tenants.
    Node,
    /// Understands a tenant's webhooks and folds.
    Folder,
    /// Starts the lanes of a tenant's connections.
    Lanes,
    /// Works the lane of one connection.
    Lane(ConnectionId),
}

impl Worker {
    /// Every [`Worker::kind`].
    const KINDS: [&str; 4] = ["node", "folder", "lanes", "lane"];

    /// A stable name that tells nothing of a tenant, for counters.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Folder => "folder",
            Self::Lanes => "lanes",
            Self::Lane(_) => "lane",
        }
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lane(connection) => write!(f, "lane {connection}"),
            _ => f.write_str(self.kind()),
        }
    }
}

/// The workers of a node.
#[derive(Debug, Default)]
pub struct Roster(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// Tenants whose workers were started.
    on_duty: BTreeSet<TenantId>,
    /// Workers that were begun and have not ended.
    at_work: BTreeSet<(Option<TenantId>, Worker)>,
    /// Workers that failed and were not begun again yet.
    down: BTreeSet<(Option<TenantId>, Worker)>,
    failures: BTreeMap<&'static str, u64>,
}

impl Roster {
    /// A tenant's workers were started.
    pub fn begin(&self, tenant: TenantId) {
        self.lock().on_duty.insert(tenant);
    }

    /// A tenant's workers are no more.
    pub fn end(&self, tenant: TenantId) {
        self.lock().on_duty.remove(&tenant);
    }

    /// All workers of the tenant are at work.
    #[must_use]
    pub fn works_for(&self, tenant: TenantId) -> bool {
        let book = self.lock();
        book.on_duty.contains(&tenant) && !book.down.iter().any(|(whose, _)| *whose == Some(tenant))
    }

    /// The tenant's workers that have not ended.
    #[must_use]
    pub fn at_work(&self, tenant: TenantId) -> Vec<Worker> {
        let book = self.lock();
        book.at_work.iter().filter(|(whose, _)| *whose == Some(tenant)).map(|it| it.1).collect()
    }

    /// How often workers failed, by [`Worker::kind`]; every kind is there.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        let book = self.lock();
        Worker::KINDS.map(|kind| (kind, book.failures.get(kind).copied().unwrap_or_default())).into()
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one worker.
#[derive(Debug, Clone)]
pub struct Post {
    roster: Arc<Roster>,
    /// `None`: the node's own.
    pub(super) tenant: Option<Tenant>,
    pub(super) worker: Worker,
}

/// A worker that was begun; ended when dropped.
pub(super) struct AtWork<'a>(&'a Post);

/// A worker that is down; up again when dropped.
pub(super) struct Down<'a>(&'a Post);

impl Post {
    /// The worker that starts all others.
    #[must_use]
    pub fn node(roster: &Arc<Roster>) -> Self {
        Self { roster: roster.clone(), tenant: None, worker: Worker::Node }
    }

    /// A worker of this tenant.
    #[must_use]
    pub fn of(roster: &Arc<Roster>, tenant: &Tenant, worker: Worker) -> Self {
        Self { roster: roster.clone(), tenant: Some(tenant.clone()), worker }
    }

    /// Another worker of the same tenant.
    pub(super) fn beside(&self, worker: Worker) -> Self {
        Self { worker, ..self.clone() }
    }

    /// It was begun.
    pub(super) fn begin(&self) -> AtWork<'_> {
        self.roster.lock().at_work.insert(self.key());
        AtWork(self)
    }

    /// It failed.
    pub(super) fn fell(&self) -> Down<'_> {
        let mut book = self.roster.lock();
        book.down.insert(self.key());
        *book.failures.entry(self.worker.kind()).or_default() += 1;
        Down(self)
    }

    fn key(&self) -> (Option<TenantId>, Worker) {
        (self.tenant.as_ref().map(|it| it.id), self.worker)
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.roster.lock().at_work.remove(&self.0.key());
    }
}

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.roster.lock().down.remove(&self.0.key());
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::UnixMs;

    use super::*;

    #[test]
    fn a_tenant_is_worked_for_while_all_of_its_workers_are_there() {
        let roster = Arc::new(Roster::default());
        let [acme, zeta] = [1, 2].map(TenantId);
        let tenant = Tenant { id: acme, name: "acme".to_owned(), created_at: UnixMs(0), shard: 0 };
        let (folder, lane) = (Post::of(&roster, &tenant, Worker::Folder), Worker::Lane(ConnectionId(7)));
        assert!(!roster.works_for(acme), "nobody was started");
        roster.begin(acme);
        roster.begin(zeta);
        let (one, other) = (folder.fell(), folder.beside(lane));
        let other = other.fell();
        assert_eq!([acme, zeta].map(|it| roster.works_for(it)), [false, true]);
        drop(one);
        assert!(!roster.works_for(acme));
        drop(other);
        assert!(roster.works_for(acme));
        roster.end(acme);
        assert!(!roster.works_for(acme));
        assert_eq!(roster.failures(), [("node", 0), ("folder", 1), ("lanes", 0), ("lane", 1)].into());
    }
}
