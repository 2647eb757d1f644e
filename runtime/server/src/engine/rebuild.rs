//! `truthsource rebuild`: folds everything again, and compares it with what is stored, letter for letter.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};
use truthsource_core::stock::commitments;
use truthsource_core::{Kind, UnixMs, schema};

use super::connections::retell;
use super::refold::{Account, Books, Case, Gap};
use crate::store::inspect::StateHash;
use crate::store::{self, Batch, Change, Debt, Stored, TenantStore};

/// Records that are folded at once.
const PAGE: u32 = 200;
/// Differences that are told of: the first of many say enough.
const TOLD_MAX: usize = 20;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuilt {
    /// Records that were folded again.
    pub records: u64,
    /// Rulings that were followed.
    pub rulings: u64,
    /// Entries that they took in.
    pub entries: u64,
    /// SHA-256 of truths, natural keys, shadows and links as they are stored.
    pub stored_sha256: String,
    /// The same, as they come out.
    pub rebuilt_sha256: String,
    /// Records that differ.
    pub differing: u64,
    /// The first of their differences.
    pub differences: Vec<Difference>,
    /// Records that were written anew.
    pub written: u64,
}

/// Something that is not as it comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The record.
    pub key: RecordKey,
    /// What of it: `truth`, `natural key`, `shadow at 2`, `link at 2`, `owed to 2`, `books`.
    pub part: String,
    /// As it is stored; `None`: it is not there.
    pub stored: Option<String>,
    /// As it comes out; `None`: it should not be there.
    pub rebuilt: Option<String>,
}

/// Compares everything that is stored with what comes out. Writes nothing. To be called while nobody folds.
///
/// # Errors
/// When the store is out of reach. What differs, or cannot be folded, is in the answer.
pub async fn verify(store: &dyn TenantStore) -> store::Result<Rebuilt> {
    walk(store, None).await
}

/// The same, and writes what differs as it comes out. What is owed is asked anew of every connector. A record whose
/// books are damaged stays as it is.
///
/// # Errors
/// When the store is out of reach; some records may be written by then.
pub async fn mend(store: &dyn TenantStore, at: UnixMs) -> store::Result<Rebuilt> {
    // All links that are wrong go first: another record may have what they hold.
    let found = walk(store, Some((at, Pass::Unlink))).await?;
    if found.differing == 0 {
        return Ok(found);
    }
    let written = walk(store, Some((at, Pass::Write))).await?.written;
    let connections = store.connections().await?;
    let changes = connections.iter().flat_map(retell).collect();
    store.commit(Batch { changes, ..Batch::new(at) }).await?;
    Ok(Rebuilt { written, ..found })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    Unlink,
    Write,
}

async fn walk(store: &dyn TenantStore, write: Option<(UnixMs, Pass)>) -> store::Result<Rebuilt> {
    let mut walk = Walk {
        store,
        books: Books::new(store),
        pass: write.map(|it| it.1),
        is: StateHash::new(),
        should: StateHash::new(),
        done: Rebuilt::default(),
    };
    let mut after: Option<RecordKey> = None;
    loop {
        let keys = store.accounts(after.as_ref(), PAGE).await?;
        let Some(last) = keys.last() else { break };
        after = Some(last.clone());
        let changes = walk.page(keys.into_iter().collect()).await?;
        if let Some((at, _)) = write.filter(|_| !changes.is_empty()) {
            store.commit(Batch { changes, ..Batch::new(at) }).await?;
        }
    }
    let (stored_sha256, rebuilt_sha256) = (walk.is.finish(), walk.should.finish());
    Ok(Rebuilt { stored_sha256, rebuilt_sha256, ..walk.done })
}

/// A walk through all records.
struct Walk<'a> {
    store: &'a dyn TenantStore,
    books: Books<'a>,
    /// What is to be written, if anything is.
    pass: Option<Pass>,
    is: StateHash,
    should: StateHash,
    done: Rebuilt,
}

/// What the debts of a record say, by connection.
type Debts = BTreeMap<ConnectionId, Debt>;

impl Walk<'_> {
    /// Compares some records. Gives what makes them what they should be.
    async fn page(&mut self, keys: BTreeSet<RecordKey>) -> store::Result<Vec<Change>> {
        let cases = self.books.cases(&keys).await?;
        let mut stored = self.store.stored(&keys).await?;
        let debts = debts(self.store, &keys).await?;
        let mut changes = Vec::new();
        for (key, cases) in cases {
            let stored = stored.remove(&key).unwrap_or_default();
            self.is.rows_of(&key, &stored);
            let account = cases.and_then(|cases| Ok((Account::of(&cases)?, cases)));
            let found = match account {
                Ok((account, cases)) => self.record(&key, (&account, &cases), (&stored, debts.get(&key)), &mut changes),
                Err(gap) => vec![torn(&key, gap)],
            };
            self.done.records += 1;
            self.done.differing += u64::from(!found.is_empty());
            let room = TOLD_MAX.saturating_sub(self.done.differences.len());
            self.done.differences.extend(found.into_iter().take(room));
        }
        Ok(changes)
    }

    fn record(
        &mut self,
        key: &RecordKey,
        (account, cases): (&Account, &[Case]),
        (stored, debts): (&Stored, Option<&Debts>),
        changes: &mut Vec<Change>,
    ) -> Vec<Difference> {
        self.done.rulings += account.rulings;
        self.done.entries += account.entries;
        let rebuilt = rebuilt(key, account);
        self.should.rows_of(key, &rebuilt);
        let mut found = differences(key, stored, &rebuilt);
        if let Some(pass) = self.pass.filter(|_| !found.is_empty()) {
            changes.extend(mended(pass, (key, account), (stored, &rebuilt)));
            self.done.written += 1;
        }
        let last = cases.iter().rfind(|it| !it.logged.ruling.is_link());
        found.extend(unowed(key, account, last, debts));
        found
    }
}

async fn debts(store: &dyn TenantStore, keys: &BTreeSet<RecordKey>) -> store::Result<BTreeMap<RecordKey, Debts>> {
    let mut debts: BTreeMap<RecordKey, Debts> = BTreeMap::new();
    for debt in store.debts_of(keys).await? {
        debts.entry(debt.key.clone()).or_default().insert(debt.connection, debt);
    }
    Ok(debts)
}

/// What should be stored of a record.
fn rebuilt(key: &RecordKey, account: &Account) -> Stored {
    let truth = &account.state.truth;
    let is_known = *truth != Default::default();
    Stored {
        natural: natural(key, &account.state),
        truth: is_known.then(|| json(truth)),
        shadows: account.state.shadows.iter().map(|(id, it)| (*id, json(it))).collect(),
        links: account.links.clone(),
        wants: if key.kind == Kind::Order { wanted(&account.state) } else { BTreeMap::new() },
    }
}

/// What an order wants, as it is stored.
fn wanted(order: &KeyState) -> BTreeMap<String, String> {
    commitments(order).into_iter().map(|(item, it)| (item, json(&it))).collect()
}

/// A value as it is stored.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn differences(key: &RecordKey, stored: &Stored, rebuilt: &Stored) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |part: String, stored: Option<&String>, rebuilt: Option<&String>| {
        if stored != rebuilt {
            let (stored, rebuilt) = (stored.cloned(), rebuilt.cloned());
            found.push(Difference { key: key.clone(), part, stored, rebuilt });
        }
    };
    compare("truth".to_owned(), stored.truth.as_ref(), rebuilt.truth.as_ref());
    compare("natural key".to_owned(), stored.natural.as_ref(), rebuilt.natural.as_ref());
    for item in stored.wants.keys().chain(rebuilt.wants.keys().filter(|it| !stored.wants.contains_key(*it))) {
        compare(format!("what it wants of {item}"), stored.wants.get(item), rebuilt.wants.get(item));
    }
    for (name, is, should) in [("shadow", &stored.shadows, &rebuilt.shadows), ("link", &stored.links, &rebuilt.links)] {
        let connections: BTreeSet<&ConnectionId> = is.keys().chain(should.keys()).collect();
        for connection in connections {
            compare(format!("{name} at {connection}"), is.get(connection), should.get(connection));
        }
    }
    found
}

/// What a connection is owed, and no debt says so.
fn unowed(key: &RecordKey, account: &Account, last: Option<&Case>, debts: Option<&Debts>) -> Vec<Difference> {
    let owed = last.into_iter().flat_map(|last| account.owed(key, last));
    let missing = owed.filter(|it| debts.is_none_or(|debts| !debts.contains_key(it)));
    let version = account.state.truth.version;
    let told = |connection| Difference {
        key: key.clone(),
        part: format!("owed to {connection}"),
        stored: None,
        rebuilt: Some(format!("version {version}")),
    };
    missing.map(told).collect()
}

fn torn(key: &RecordKey, gap: Gap) -> Difference {
    Difference { key: key.clone(), part: "books".to_owned(), stored: Some(gap), rebuilt: None }
}

/// What makes a record what it should be.
fn mended(pass: Pass, (key, account): (&RecordKey, &Account), (stored, rebuilt): (&Stored, &Stored)) -> Vec<Change> {
    if pass == Pass::Unlink {
        let wrong = stored.links.iter().filter(|(id, remote_id)| rebuilt.links.get(id) != Some(remote_id));
        return wrong.map(|(id, _)| Change::Unlink { connection: *id, key: key.clone() }).collect();
    }
    let missing = rebuilt.links.iter().filter(|(id, _)| !stored.links.contains_key(id));
    let link = |(id, remote_id): (&ConnectionId, &String)| Change::Link {
        connection: *id,
        key: key.clone(),
        remote_id: remote_id.clone(),
    };
    restated(key, &account.state).into_iter().chain(missing.map(link)).collect()
}

/// What makes a record's truth and shadows these, and what follows from them alone.
pub(super) fn restated(key: &RecordKey, state: &KeyState) -> Vec<Change> {
    let natural = natural(key, state);
    let wants = Change::Commitments { order: key.key.clone(), items: commitments(state) };
    let restated = Change::Restate { key: key.clone(), state: Box::new(state.clone()), natural };
    std::iter::once(restated).chain((key.kind == Kind::Order).then_some(wants)).collect()
}

/// The name that other systems' records find it by.
fn natural(key: &RecordKey, KeyState { truth, .. }: &KeyState) -> Option<String> {
    let natural = schema::of(key.kind).natural_key(&truth.values()).filter(|_| truth.deleted_at.is_none());
    natural.filter(|_| *truth != Default::default())
}

#[cfg(test)]
mod tests;
