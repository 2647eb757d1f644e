//! Folding again what was folded: from the log and what was decided, without asking anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use truthsource_core::fold::{Folding, Hear, Misfit, Terms, unlinked};
use truthsource_core::record::{ConnectionId, KeyState, RecordKey};

use crate::store::{self, LoggedEntry, LoggedRuling, TenantStore};

/// What comes of a record's rulings, followed one after the other.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The record.
    pub state: KeyState,
    /// Its remote ids.
    pub links: BTreeMap<ConnectionId, String>,
    /// How many rulings were followed.
    pub rulings: u64,
    /// How many entries they took in.
    pub entries: u64,
}

/// Why a record cannot be folded again, for people.
pub type Gap = String;

/// A ruling with what it was decided under and on.
#[derive(Debug, Clone)]
pub struct Case {
    /// What was decided.
    pub logged: LoggedRuling,
    /// Under which terms.
    pub terms: Arc<Terms>,
    /// On which entries, in order.
    pub entries: Vec<LoggedEntry>,
}

/// Reads the books. Terms are read once: there are few.
pub struct Books<'a> {
    store: &'a dyn TenantStore,
    terms: BTreeMap<String, Arc<Terms>>,
}

impl<'a> Books<'a> {
    /// The books of a tenant.
    #[must_use]
    pub fn new(store: &'a dyn TenantStore) -> Self {
        Self { store, terms: BTreeMap::new() }
    }

    /// Everything that was decided about these records, oldest first, or why that cannot be told. Where one cannot be
    /// read the others can.
    ///
    /// # Errors
    /// When the store is out of reach.
    pub async fn cases(
        &mut self,
        keys: &BTreeSet<RecordKey>,
    ) -> store::Result<BTreeMap<RecordKey, Result<Vec<Case>, Gap>>> {
        match self.read(keys).await {
            Err(store::Error::Damaged(_)) if keys.len() > 1 => {
                let mut all = BTreeMap::new();
                for key in keys {
                    let alone = BTreeSet::from([key.clone()]);
                    all.extend(Box::pin(self.cases(&alone)).await?);
                }
                Ok(all)
            }
            Err(store::Error::Damaged(it)) => Ok(keys.iter().map(|key| (key.clone(), Err(it.to_string()))).collect()),
            read => read,
        }
    }

    async fn read(&mut self, keys: &BTreeSet<RecordKey>) -> store::Result<BTreeMap<RecordKey, Result<Vec<Case>, Gap>>> {
        let rulings = self.store.rulings(keys).await?;
        let seqs = rulings.iter().flat_map(|it| it.ruling.entries.iter().copied()).collect();
        let mut entries = self.store.entries(&seqs).await?;
        let mut all: BTreeMap<RecordKey, Result<Vec<Case>, Gap>> =
            keys.iter().map(|key| (key.clone(), Ok(Vec::new()))).collect();
        for logged in rulings {
            let Some(Ok(cases)) = all.get_mut(&logged.key) else { continue };
            let key = logged.key.clone();
            let found: Result<Vec<LoggedEntry>, u64> =
                logged.ruling.entries.iter().map(|seq| entries.remove(seq).ok_or(*seq)).collect();
            let terms = self.terms(&logged.terms).await?;
            match (found, terms) {
                (Ok(entries), Some(terms)) => cases.push(Case { logged, terms, entries }),
                (Err(seq), _) => drop(all.insert(key, Err(format!("entry {seq} of the log is not there")))),
                (_, None) => drop(all.insert(key, Err(format!("the terms {} are not there", logged.terms)))),
            }
        }
        Ok(all)
    }

    async fn terms(&mut self, digest: &str) -> store::Result<Option<Arc<Terms>>> {
        if digest.is_empty() {
            // Nothing is decided under them.
            return Ok(Some(Arc::default()));
        }
        if let Some(terms) = self.terms.get(digest) {
            return Ok(Some(terms.clone()));
        }
        let Some(terms) = self.store.terms(digest).await? else { return Ok(None) };
        let terms = Arc::new(terms);
        self.terms.insert(digest.to_owned(), terms.clone());
        Ok(Some(terms))
    }
}

impl Account {
    /// Follows one more ruling.
    ///
    /// # Errors
    /// When it does not go with what the log says.
    pub fn follow(&mut self, case: &Case) -> Result<(), Misfit> {
        self.follow_and_tell(case, &mut |_, _, _| {})
    }

    /// The same, and tells each question that was asked, with its answer.
    ///
    /// # Errors
    /// When it does not go with what the log says.
    pub fn follow_and_tell(&mut self, case: &Case, hear: &mut Hear<'_>) -> Result<(), Misfit> {
        let (key, ruling) = (&case.logged.key, &case.logged.ruling);
        self.rulings += 1;
        self.links.extend(ruling.linked.clone());
        if ruling.is_link() {
            return Ok(());
        }
        let before = std::mem::take(&mut self.state);
        if let Some(void) = &ruling.void {
            self.state = void.apply(before);
            return Ok(());
        }
        let mut folding = Folding::new(key, &case.terms.rules, before.clone());
        if ruling.reviewed {
            folding.review();
        }
        for it in &case.entries {
            folding.absorb(&it.entry, it.at);
        }
        folding.decide_and_tell(ruling, &before.truth, hear)?;
        self.state = folding.finish().0;
        for connection in unlinked(&before, &self.state) {
            self.links.remove(&connection);
        }
        self.entries += case.entries.len() as u64;
        Ok(())
    }

    /// What comes of all of it.
    ///
    /// # Errors
    /// Which ruling does not go with what the log says.
    pub fn of(cases: &[Case]) -> Result<Self, Gap> {
        let mut account = Self::default();
        for case in cases {
            account.follow(case).map_err(|misfit| format!("what was decided at {}: {misfit}", case.logged.at))?;
        }
        Ok(account)
    }

    /// The connections that were told the truth when it was decided last, and are owed something of it.
    pub fn owed<'a>(&'a self, key: &'a RecordKey, last: &'a Case) -> impl Iterator<Item = ConnectionId> + 'a {
        let folding = Folding::new(key, &last.terms.rules, self.state.clone());
        let told = last.logged.ruling.wants.keys().copied();
        told.filter(move |it| folding.owed(*it, &last.terms.power(*it, key.kind)).is_some())
    }
}
