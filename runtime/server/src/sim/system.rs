//! An outside system, as little of one as shows every way in which writes go wrong.
//!
//! Stock is written by compare-and-set under an idempotency key, orders are created by key, items are checked and then written: the three
//! kinds of real systems. It keeps the books that the promises are checked against.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::{Fields, Kind, UnixMs, Value};
use truthsource_host::model::{Observed, Outcome, Rejection, State, Write};

/// What it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    fields: Fields,
    version: u64,
    changed_at: UnixMs,
    command_key: Option<String>,
    /// What it held at each of its versions.
    history: BTreeMap<u64, Fields>,
}

/// A simulated system.
#[derive(Debug, Clone)]
pub struct System {
    /// Its name.
    pub name: &'static str,
    records: BTreeMap<(Kind, String), Held>,
    numbered: u64,
    versions: u64,
    /// Fields that belong to this system: a write of one is a breach of P3.
    pub owns: Vec<(Kind, &'static str)>,
    /// Idempotency keys of stock writes that were carried out: a repetition is answered, not carried out again.
    done: BTreeSet<String>,
    /// Writes that changed something, ever.
    pub writes: u64,
    /// Creations by command key: more than one of a key is a breach of P6.
    pub created: BTreeMap<String, u64>,
    /// Promises that were broken here, in words.
    pub breaches: Vec<String>,
    /// Records that changed and that a webhook tells of.
    pub news: Vec<(Kind, String)>,
}

impl System {
    /// An empty system.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            records: BTreeMap::new(),
            numbered: 0,
            versions: 0,
            owns: Vec::new(),
            done: BTreeSet::new(),
            writes: 0,
            created: BTreeMap::new(),
            breaches: Vec::new(),
            news: Vec::new(),
        }
    }

    /// A person adds a record. Gives its id.
    pub fn add(&mut self, now: UnixMs, kind: Kind, fields: Fields) -> String {
        self.insert(now, kind, fields, None)
    }

    /// A person sets a field. False when there is no such record.
    pub fn set(&mut self, now: UnixMs, (kind, id): (Kind, &str), name: &str, value: Value) -> bool {
        self.versions += 1;
        let Some(held) = self.records.get_mut(&(kind, id.to_owned())) else { return false };
        held.fields.insert(name.to_owned(), value);
        held.version = self.versions;
        held.history.insert(held.version, held.fields.clone());
        held.changed_at = now;
        self.news.push((kind, id.to_owned()));
        true
    }

    /// What it holds of a field.
    #[must_use]
    pub fn value(&self, kind: Kind, id: &str, name: &str) -> Option<&Value> {
        self.records.get(&(kind, id.to_owned()))?.fields.get(name)
    }

    /// The id of the record whose field has this value.
    #[must_use]
    pub fn find_by(&self, kind: Kind, name: &str, value: &Value) -> Option<String> {
        let found = self.records.iter().find(|((of, _), held)| *of == kind && held.fields.get(name) == Some(value));
        found.map(|((_, id), _)| id.clone())
    }

    /// Everything of a kind, by id.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = (&str, &Fields)> {
        let of_kind = self.records.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.map(|((_, id), held)| (id.as_str(), &held.fields))
    }

    /// What it holds under an id.
    #[must_use]
    pub fn read(&self, kind: Kind, id: &str) -> Observed {
        match self.records.get(&(kind, id.to_owned())) {
            Some(held) => Observed::Present(state(id, held)),
            None => Observed::Absent(id.to_owned()),
        }
    }

    /// Up to `n_max` records of a kind that changed after version `after`, in the order of their changes, and where
    /// to go on.
    #[must_use]
    pub fn changed(&self, kind: Kind, after: u64, n_max: usize) -> (Vec<Observed>, u64, bool) {
        let mut found: Vec<(u64, Observed)> = self
            .records
            .iter()
            .filter(|((of, _), held)| *of == kind && held.version > after)
            .map(|((_, id), held)| (held.version, Observed::Present(state(id, held))))
            .collect();
        found.sort_by_key(|it| it.0);
        let more = found.len() > n_max;
        found.truncate(n_max);
        let cursor = found.last().map_or(after, |it| it.0);
        (found.into_iter().map(|it| it.1).collect(), cursor, more)
    }

    /// What was created under a command key.
    #[must_use]
    pub fn find(&self, command_key: &str) -> Option<State> {
        let found = self.records.iter().find(|(_, held)| held.command_key.as_deref() == Some(command_key));
        found.map(|((_, id), held)| state(id, held))
    }

    /// Carries out a write of the engine.
    pub fn write(&mut self, now: UnixMs, write: &Write) -> Outcome {
        match &write.remote_id {
            None => self.create(now, write),
            Some(id) => self.update(now, id, write),
        }
    }

    fn create(&mut self, now: UnixMs, write: &Write) -> Outcome {
        if write.kind == Kind::Order
            && let Some(state) = self.find(&write.command_key)
        {
            // The key makes the creation repeatable.
            return Outcome::Applied(state);
        }
        let created = self.created.entry(write.command_key.clone()).or_default();
        *created += 1;
        if *created > 1 {
            self.breaches.push(format!("P6: {} created {} twice", self.name, write.command_key));
        }
        self.writes += 1;
        let id = self.insert(now, write.kind, write.want.clone(), Some(write.command_key.clone()));
        match self.read(write.kind, &id) {
            Observed::Present(state) => Outcome::Applied(state),
            Observed::Absent(_) => Outcome::Unknown("it vanished".to_owned()),
        }
    }

    fn update(&mut self, now: UnixMs, id: &str, write: &Write) -> Outcome {
        let Some(held) = self.records.get(&(write.kind, id.to_owned())) else {
            return Outcome::Stale(Observed::Absent(id.to_owned()));
        };
        if self.done.contains(&write.op_id) {
            return Outcome::Applied(state(id, held));
        }
        self.breaches.extend(made_up(self.name, held, write));
        let stale = write.changed.iter().any(|name| held.fields.get(name) != write.base.get(name));
        if stale {
            return Outcome::Stale(Observed::Present(state(id, held)));
        }
        if write.changed.iter().any(|name| !write.want.contains_key(name)) {
            let rejection =
                Rejection { code: "no-value".to_owned(), message: "a field has no value".to_owned(), field: None };
            return Outcome::Rejected(rejection);
        }
        for (kind, field) in &self.owns {
            if *kind == write.kind && write.changed.iter().any(|it| it == field) {
                self.breaches.push(format!("P3: {field} of {id} was written at its owner {}", self.name));
            }
        }
        self.versions += 1;
        self.writes += 1;
        let version = self.versions;
        let Some(held) = self.records.get_mut(&(write.kind, id.to_owned())) else {
            return Outcome::Unknown("it vanished".to_owned());
        };
        for name in &write.changed {
            held.fields.insert(name.clone(), write.want[name].clone());
        }
        held.version = version;
        held.history.insert(version, held.fields.clone());
        held.changed_at = now;
        if write.kind == Kind::StockLevel {
            self.done.insert(write.op_id.clone());
        }
        let applied = Outcome::Applied(state(id, held));
        // Our own write comes back as a webhook, like everybody's.
        self.news.push((write.kind, id.to_owned()));
        applied
    }

    fn insert(&mut self, now: UnixMs, kind: Kind, fields: Fields, command_key: Option<String>) -> String {
        self.numbered += 1;
        self.versions += 1;
        let id = format!("{}{}", &self.name[..1], self.numbered);
        let history = [(self.versions, fields.clone())].into();
        let held = Held { fields, version: self.versions, changed_at: now, command_key, history };
        self.records.insert((kind, id.clone()), held);
        self.news.push((kind, id.clone()));
        id
    }
}

/// A write that is compared with something that was never there protects nothing: it was decided on no reading.
fn made_up(name: &str, held: &Held, write: &Write) -> Option<String> {
    let then = write.base_version.parse().ok().and_then(|it: u64| held.history.get(&it));
    let is_so = then.is_some_and(|then| write.changed.iter().all(|it| then.get(it) == write.base.get(it)));
    (!is_so).then(|| format!("P4: {name} never held {:?} as version {}", write.base, write.base_version))
}

fn state(id: &str, held: &Held) -> State {
    State {
        remote_id: id.to_owned(),
        fields: held.fields.clone(),
        version: held.version.to_string(),
        changed_at: Some(held.changed_at),
        command_key: held.command_key.clone(),
        unmapped: None,
    }
}
