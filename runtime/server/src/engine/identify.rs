//! Which record an observation is about, and which records it refers to.
//!
//! A remote id that is linked is its record. One that is not is matched once: by the command key it was created
//! under, then by its natural key. A match that is not certain is never guessed: it becomes a conflict for a person.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::{ConnectionId, Entry, KeyState, Observed, RecordKey, State};
use truthsource_core::{Fields, Kind, Value, schema};

use super::connections::Parties;
use super::token::Token;
use super::{Engine, Error};
use crate::store::{About, Batch, Change, Conflict, Event, LoggedEntry, What};

/// What was found out about one entry.
pub enum Identity {
    /// It is about this record; the entry with references as keys, where that is not what was logged.
    Known(RecordKey, Option<Box<Entry>>),
    /// It must wait until this token is woken.
    Waits(Token),
    /// It is about nothing we know or want to know.
    Dropped(String),
}

/// Identifies a batch of entries against the links there are and those it makes on the way.
pub struct Identifier<'a> {
    engine: &'a Engine,
    parties: &'a Parties,
    /// (connection, kind, remote id) → key, for everything that the batch names.
    links: BTreeMap<(ConnectionId, Kind, String), String>,
    /// (connection, kind, key) → remote id, for every candidate that was looked at.
    taken: BTreeMap<(ConnectionId, Kind, String), String>,
    /// (kind, natural key) → keys, for everything that the batch names.
    naturals: BTreeMap<(Kind, String), Vec<String>>,
    /// Keys that are taken, whatever their record is called now.
    used: BTreeSet<RecordKey>,
    /// Those of them whose record was deleted under the name that its key is, and where.
    deleted: BTreeMap<RecordKey, ConnectionId>,
    /// What was never linked, and is gone at the end of the batch.
    gone: BTreeSet<(ConnectionId, Kind, String)>,
}

/// So many entries that wait are looked at in one go.
const WAITING_MAX: u32 = 1_000;

/// Why what refers to such a record is not taken in.
const REFERS_TO_NOTHING: &str = "what it refers to was never linked and is gone";

impl<'a> Identifier<'a> {
    /// Looks up everything that the entries name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(engine: &'a Engine, parties: &'a Parties, entries: &[LoggedEntry]) -> Result<Self, Error> {
        let mut wanted: BTreeMap<(ConnectionId, Kind), BTreeSet<String>> = BTreeMap::new();
        for (connection, kind, observed) in entries.iter().filter_map(unidentified) {
            wanted.entry((connection, kind)).or_default().insert(observed.remote_id().to_owned());
            if let Observed::Present(state) = observed {
                for (kind, remote_id) in schema::of(kind).references(&state.fields) {
                    wanted.entry((connection, kind)).or_default().insert(remote_id);
                }
            }
        }
        let mut links = BTreeMap::new();
        for ((connection, kind), remote_ids) in wanted {
            for (remote_id, key) in engine.store.links_from(connection, kind, &remote_ids).await? {
                links.insert((connection, kind, remote_id), key);
            }
        }
        let mut gone = BTreeSet::new();
        for (connection, kind, observed) in entries.iter().filter_map(unidentified) {
            let it = (connection, kind, observed.remote_id().to_owned());
            match observed {
                Observed::Absent(_) if !links.contains_key(&it) => drop(gone.insert(it)),
                Observed::Absent(_) | Observed::Present(_) => drop(gone.remove(&it)),
            }
        }
        let (taken, naturals, used, deleted) = Default::default();
        let mut identifier = Self { engine, parties, links, taken, naturals, used, deleted, gone };
        identifier.look_up_naturals(entries).await?;
        Ok(identifier)
    }

    /// Looks up the natural keys of everything that is not linked yet, all at once: a first load has thousands.
    async fn look_up_naturals(&mut self, entries: &[LoggedEntry]) -> Result<(), Error> {
        let mut wanted: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
        for (connection, kind, observed) in entries.iter().filter_map(unidentified) {
            let Observed::Present(state) = observed else { continue };
            if self.links.contains_key(&(connection, kind, state.remote_id.clone())) {
                continue;
            }
            let fields = self.translated(connection, kind, &state.fields).ok();
            wanted.entry(kind).or_default().extend(fields.and_then(|it| schema::of(kind).natural_key(&it)));
        }
        for (kind, naturals) in wanted {
            self.look_up(kind, naturals).await?;
        }
        Ok(())
    }

    /// Looks up who bears these names, and whose keys they are.
    async fn look_up(&mut self, kind: Kind, naturals: BTreeSet<String>) -> Result<(), Error> {
        let mut found = self.engine.store.naturals(kind, &naturals).await?;
        let keys = naturals.iter().map(|it| RecordKey::new(kind, it)).collect();
        let states = self.engine.store.states(&keys).await?;
        self.deleted.extend(states.iter().filter_map(|(key, it)| Some((key.clone(), deleted_at(key, it)?))));
        self.used.extend(states.into_iter().filter(|(_, it)| *it != KeyState::default()).map(|(key, _)| key));
        for natural in naturals {
            let keys = found.remove(&natural).unwrap_or_default();
            self.naturals.insert((kind, natural), keys);
        }
        Ok(())
    }

    /// Finds out what one entry is about. A link that it makes goes into the batch and counts for the entries after it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn identify(&mut self, logged: &LoggedEntry, batch: &mut Batch) -> Result<Identity, Error> {
        if let Some(key) = &logged.key {
            return Ok(Identity::Known(RecordKey::new(logged.kind, key), None));
        }
        let Some((connection, kind, observed)) = unidentified(logged) else {
            return Ok(Identity::Dropped("it names no record".to_owned()));
        };
        let linked = self.links.get(&(connection, kind, observed.remote_id().to_owned())).cloned();
        let Observed::Present(state) = observed else {
            if let Some(key) = linked {
                return Ok(Identity::Known(RecordKey::new(kind, key), None));
            }
            let outcome = (Value::Null, "it is gone");
            batch.changes.push(no_question(connection, kind, observed.remote_id(), outcome));
            self.drop_waiting(connection, kind, observed.remote_id(), batch).await?;
            return Ok(Identity::Dropped("it was never linked and is gone".to_owned()));
        };
        let fields = match self.translated(connection, kind, &state.fields) {
            Ok(fields) => fields,
            Err((kind, remote_id)) => {
                let of = (connection, kind, remote_id);
                if self.gone.contains(&of) {
                    return Ok(Identity::Dropped(REFERS_TO_NOTHING.to_owned()));
                }
                return Ok(Identity::Waits(Token::Linked(of.0, of.1, of.2)));
            }
        };
        let key = match linked {
            Some(key) => key,
            None if self.is_withheld(connection, state).await? => {
                return Ok(Identity::Waits(Token::Approved(connection)));
            }
            None => match self.link(connection, kind, (state, &fields), batch).await? {
                Ok(key) => key,
                Err(reason) => return Ok(Identity::Dropped(reason)),
            },
        };
        let entry = (fields != state.fields).then(|| Box::new(with_fields(&logged.entry, fields)));
        Ok(Identity::Known(RecordKey::new(kind, key), entry))
    }

    /// What waits for the record waits for nothing: it was never linked, and is gone.
    async fn drop_waiting(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_id: &str,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let of = (connection, kind, remote_id.to_owned());
        if !self.gone.contains(&of) {
            return Ok(());
        }
        let token = Token::Linked(of.0, of.1, of.2).to_string();
        let mut after = 0;
        loop {
            let waiting = self.engine.store.waiting(&token, after, WAITING_MAX).await?;
            let Some(last) = waiting.last() else { return Ok(()) };
            after = last.seq;
            let drop = |it: &LoggedEntry| Change::Drop { seq: it.seq, reason: REFERS_TO_NOTHING.to_owned() };
            batch.changes.extend(waiting.iter().map(drop));
        }
    }

    fn translated(&self, connection: ConnectionId, kind: Kind, fields: &Fields) -> Result<Fields, (Kind, String)> {
        let mut key_of =
            |kind: Kind, remote_id: &str| self.links.get(&(connection, kind, remote_id.to_owned())).cloned();
        let schema = schema::of(kind);
        if schema.fields.iter().any(|it| it.own) {
            // What a system says of itself alone is nothing to wait for.
            let mut fields = fields.clone();
            fields.retain(|name, value| {
                let one = Fields::from([(name.clone(), value.clone())]);
                let is_own = schema.field(name).is_some_and(|it| it.own);
                !is_own || schema.references(&one).iter().all(|(kind, id)| key_of(*kind, id).is_some())
            });
            return schema.translate(&fields, &mut key_of);
        }
        schema.translate(fields, &mut key_of)
    }

    /// A person is to see first what this would be linked to. What we made there ourselves is known.
    async fn is_withheld(&self, connection: ConnectionId, state: &State) -> Result<bool, Error> {
        let of = self.parties.connections.get(&connection);
        if of.is_none_or(|it| it.spec.links.is_automatic()) {
            return Ok(false);
        }
        let Some(command_key) = &state.command_key else { return Ok(true) };
        let made = self.engine.store.commands(connection, &BTreeSet::from([command_key.clone()])).await?;
        Ok(made.is_empty())
    }

    /// Links a remote record to ours, or makes ours. The reason why not, when a person must look.
    async fn link(
        &mut self,
        connection: ConnectionId,
        kind: Kind,
        (state, fields): (&State, &Fields),
        batch: &mut Batch,
    ) -> Result<Result<String, String>, Error> {
        if let Some(command_key) = &state.command_key {
            let commands = BTreeSet::from([command_key.clone()]);
            if let Some(key) = self.engine.store.commands(connection, &commands).await?.remove(command_key) {
                return self.link_to(connection, RecordKey::new(kind, key), (state, "command-key"), batch).await;
            }
        }
        let natural = schema::of(kind).natural_key(fields);
        let candidates = match &natural {
            Some(natural) => self.candidates(kind, natural).await?,
            None => Vec::new(),
        };
        match candidates.as_slice() {
            [] => {
                let named = natural.as_ref().map(|it| RecordKey::new(kind, it));
                if let Some(key) = named.filter(|it| self.deleted.get(it) == Some(&connection)) {
                    // Where it was deleted it is there again, under the name that it had.
                    self.deleted.remove(&key);
                    self.naturals.entry((kind, key.key.clone())).or_default().push(key.key.clone());
                    // It has another id there than before.
                    batch.changes.push(Change::Unlink { connection, key: key.clone() });
                    return Ok(Ok(self.linked(connection, key, state, "returned", batch)));
                }
                let name = self.parties.name(connection);
                let mut key = natural.clone().unwrap_or_else(|| format!("{name}.{}", state.remote_id));
                if !self.used.insert(RecordKey::new(kind, &key)) {
                    // The key belongs to a record that was renamed since.
                    key = format!("{key}~{name}.{}", state.remote_id);
                }
                if let Some(natural) = natural {
                    self.naturals.entry((kind, natural)).or_default().push(key.clone());
                }
                Ok(Ok(self.linked(connection, RecordKey::new(kind, key), state, "first-seen", batch)))
            }
            [key] => self.link_to(connection, RecordKey::new(kind, key), (state, "natural-key"), batch).await,
            [first, ..] => {
                let reason = format!("{} records have its natural key", candidates.len());
                let at = (self.parties.name(connection), connection);
                ambiguous(at, RecordKey::new(kind, first), (&state.remote_id, &reason), batch);
                Ok(Err(reason))
            }
        }
    }

    /// Links it to a record that it was found to be, unless something else there is.
    async fn link_to(
        &mut self,
        connection: ConnectionId,
        key: RecordKey,
        (state, by): (&State, &str),
        batch: &mut Batch,
    ) -> Result<Result<String, String>, Error> {
        match self.linked_as(connection, key.kind, &key.key).await? {
            None => Ok(Ok(self.linked(connection, key, state, by, batch))),
            Some(other) if other == state.remote_id => Ok(Ok(key.key)),
            Some(other) => {
                let reason = format!("`{other}` and `{}` have the same {}", state.remote_id, by.replace('-', " "));
                let at = (self.parties.name(connection), connection);
                ambiguous(at, key, (&state.remote_id, &reason), batch);
                Ok(Err(reason))
            }
        }
    }

    async fn candidates(&mut self, kind: Kind, natural: &str) -> Result<Vec<String>, Error> {
        let wanted = (kind, natural.to_owned());
        if let Some(keys) = self.naturals.get(&wanted) {
            return Ok(keys.clone());
        }
        // What it refers to was identified on the way.
        self.look_up(kind, BTreeSet::from([natural.to_owned()])).await?;
        Ok(self.naturals.get(&wanted).cloned().unwrap_or_default())
    }

    async fn linked_as(&mut self, connection: ConnectionId, kind: Kind, key: &str) -> Result<Option<String>, Error> {
        let wanted = (connection, kind, key.to_owned());
        if let Some(remote_id) = self.taken.get(&wanted) {
            return Ok(Some(remote_id.clone()));
        }
        Ok(self.engine.store.links_to(connection, kind, &BTreeSet::from([key.to_owned()])).await?.remove(key))
    }

    fn linked(
        &mut self,
        connection: ConnectionId,
        key: RecordKey,
        state: &State,
        by: &str,
        batch: &mut Batch,
    ) -> String {
        let remote_id = state.remote_id.clone();
        self.links.insert((connection, key.kind, remote_id.clone()), key.key.clone());
        self.taken.insert((connection, key.kind, key.key.clone()), remote_id.clone());
        batch.changes.push(Change::Link { connection, key: key.clone(), remote_id: remote_id.clone() });
        let outcome = (Value::Text(key.key.clone()), "it was linked");
        batch.changes.push(no_question(connection, key.kind, &remote_id, outcome));
        batch.changes.push(Token::Linked(connection, key.kind, remote_id.clone()).wake());
        batch.changes.push(Token::Exists(connection, key.kind, key.key.clone()).wake());
        let what = What::Linked { remote_id, by: by.to_owned() };
        batch.changes.push(Change::Event(Event {
            id: 0,
            at: batch.at,
            key: key.clone(),
            connection: Some(connection),
            what,
        }));
        key.key
    }
}

/// Where the record was deleted under the name that its key is.
fn deleted_at(key: &RecordKey, state: &KeyState) -> Option<ConnectionId> {
    let natural = schema::of(key.kind).natural_key(&state.truth.values());
    state.truth.deleted_at.filter(|it| {
        let is_gone = state.shadows.get(it).is_some_and(|shadow| shadow.gone);
        is_gone && natural.as_ref() == Some(&key.key)
    })
}

/// A person is asked what this remote record is: it may be `key`, and cannot be linked to it.
pub(super) fn ambiguous(
    (name, connection): (String, ConnectionId),
    key: RecordKey,
    (remote_id, reason): (&str, &str),
    batch: &mut Batch,
) {
    let claims = [(name, Value::Text(remote_id.to_owned()))].into();
    let what = What::Asked { about: "unlinked".to_owned(), reason: reason.to_owned() };
    let it = Event { id: 0, at: batch.at, key: key.clone(), connection: Some(connection), what };
    batch.changes.push(Change::Event(it));
    batch.changes.push(Change::Conflict(Conflict {
        id: 0,
        at: batch.at,
        key,
        about: About::Unlinked { connection, remote_id: remote_id.to_owned() },
        claims,
        outcome: None,
        reason: format!("not linked: {reason}"),
        policy: String::new(),
    }));
}

/// What this remote record is, is no question any more, whichever record it was taken for.
pub(super) fn no_question(
    connection: ConnectionId,
    kind: Kind,
    remote_id: &str,
    (outcome, reason): (Value, &str),
) -> Change {
    let about = About::Unlinked { connection, remote_id: remote_id.to_owned() };
    Change::ConflictClosed { kind, key: None, about, outcome, reason: reason.to_owned() }
}

/// The entry, saying this of what is there.
fn with_fields(entry: &Entry, fields: Fields) -> Entry {
    let mut entry = entry.clone();
    if let Entry::Observed { observed: Observed::Present(state), .. } = &mut entry {
        state.fields = fields;
    }
    entry
}

fn unidentified(logged: &LoggedEntry) -> Option<(ConnectionId, Kind, &Observed)> {
    match &logged.entry {
        Entry::Observed { connection, observed, .. } if logged.key.is_none() => {
            Some((*connection, logged.kind, observed))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{ERP, Fake, House, SHOP, item};

    async fn saw(house: &House, id: &str, code: &str) {
        house.read(SHOP, Kind::Item, id, &[("code", code.into())]).await;
        house.fold_all().await;
    }

    async fn open(house: &House) -> Vec<About> {
        house.store.conflicts(Some(true), None, 9).await.unwrap().into_iter().map(|it| it.about).collect()
    }

    /// It is what the other systems still have: another one of the same name would be made beside it in each.
    #[tokio::test]
    async fn p8_what_was_deleted_and_is_made_anew_under_its_name_is_itself() {
        let house = House::with(Fake::default()).await;
        let saw_at_erp = async |id: &str, title: &str| {
            let fields = [("code", "NUT".into()), ("title", title.into()), ("active", true.into())];
            house.read(ERP, Kind::Item, id, &fields).await;
            house.fold_all().await;
        };
        let truth = async || house.store.states(&[item("nut")].into()).await.unwrap()[&item("nut")].truth.clone();
        saw_at_erp("7", "Nut").await;
        house.gone(ERP, Kind::Item, "7").await;
        house.fold_all().await;
        assert_eq!(truth().await.deleted_at, Some(ERP));
        house.pass(1_000);
        saw_at_erp("8", "Nut, again").await;
        assert_eq!(house.store.records(Kind::Item, None, 9).await.unwrap(), ["nut"]);
        let (truth, values) = (truth().await, truth().await.values());
        assert_eq!((truth.deleted_at, values.get("title")), (None, Some(&"Nut, again".into())));
        assert_eq!(values.get("active"), Some(&true.into()));
        assert_eq!(open(&house).await, []);
    }

    /// The new one was listed before the old one was missed, and is taken in after that.
    #[tokio::test]
    async fn p8_what_is_made_anew_and_seen_before_the_old_one_is_missed_is_read_again() {
        let house = House::with(Fake::default()).await;
        let fields = [("code", "NUT".into()), ("active", true.into())];
        let read = async |id: &str| house.read(ERP, Kind::Item, id, &fields).await;
        let truth = async || house.store.states(&[item("nut")].into()).await.unwrap()[&item("nut")].truth.clone();
        read("7").await;
        house.fold_all().await;
        read("8").await;
        house.gone(ERP, Kind::Item, "7").await;
        house.fold_all().await;
        let touched = house.store.touched(ERP, house.engine.now(), 9).await.unwrap();
        assert_eq!(touched.into_iter().map(|it| it.remote_id).collect::<Vec<_>>(), ["8"]);
        assert_eq!(truth().await.deleted_at, Some(ERP));
        read("8").await;
        house.fold_all().await;
        assert_eq!(truth().await.deleted_at, None);
    }

    /// It cannot be linked and is deleted: what refers to it waits no more, whichever is heard first.
    #[tokio::test]
    async fn p1_what_refers_to_what_is_gone_and_was_never_linked_waits_for_nothing() {
        for is_at_once in [false, true] {
            let house = House::with(Fake::default()).await;
            saw(&house, "1", "bolt").await;
            saw(&house, "2", "BOLT").await;
            let price = [
                ("item", "2".into()),
                ("list", "base".into()),
                ("amount", Value::Number(truthsource_core::Decimal::from(3))),
            ];
            house.read(SHOP, Kind::Price, "p-2", &price).await;
            if !is_at_once {
                house.fold_all().await;
                assert_eq!(house.store.backlog().await.unwrap().waiting, 1);
            }
            house.gone(SHOP, Kind::Item, "2").await;
            house.fold_all().await;
            let backlog = house.store.backlog().await.unwrap();
            assert_eq!((backlog.waiting, backlog.unfolded), (0, 0), "{is_at_once}");
        }
    }

    #[tokio::test]
    async fn p8_two_of_one_name_are_a_question_once_and_until_the_systems_answer_it() {
        let house = House::with(Fake::default()).await;
        let unlinked = |id: &str| About::Unlinked { connection: SHOP, remote_id: id.to_owned() };
        saw(&house, "1", "bolt").await;
        for _ in 0..3 {
            saw(&house, "2", "BOLT").await;
            saw(&house, "3", "Bolt").await;
        }
        // Each is a question of its own, and stands beside the record that bears the name.
        let asked = house.store.conflicts(Some(true), None, 9).await.unwrap();
        assert!(asked.iter().all(|it| it.key.key == "bolt"), "{asked:?}");
        assert_eq!(open(&house).await, [unlinked("3"), unlinked("2")]);
        // One is called otherwise, the other is deleted.
        saw(&house, "2", "nut").await;
        assert_eq!(open(&house).await, [unlinked("3")]);
        house.gone(SHOP, Kind::Item, "3").await;
        house.fold_all().await;
        assert_eq!(open(&house).await, []);
    }
}
