//! What must never happen, looked for at every write: the systems' journals say what each really changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use truthsource_core::record::{ConnectionId, Observed, State};
use truthsource_core::{Fields, Kind, UnixMs, Value, schema};
use truthsource_host::model::{Outcome, Write};
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::system::System;

use crate::demo::law::{Law, Word};

/// A field of a record at a system: kind, id and name.
type Place = (String, String, String);

/// A system whose journal is followed, and what the engine heard and asked of it.
struct Followed {
    name: String,
    system: Arc<dyn System>,
    read: usize,
    /// What each field last took; of one that took nothing yet, what the engine was first told that it holds.
    held: BTreeMap<Place, String>,
    /// Records that were deleted: what is told late of one is of what it was.
    gone: BTreeSet<(String, String)>,
    /// Whatever the engine was told that a field holds.
    told: BTreeMap<Place, BTreeSet<String>>,
    /// What each write was decided on, as it was first sent.
    begun: BTreeMap<String, Fields>,
}

impl Followed {
    fn of(name: String, system: Arc<dyn System>) -> Self {
        let read = system.journal().len();
        let (held, gone, told, begun) = Default::default();
        Self { name, system, read, held, gone, told, begun }
    }

    /// Takes a line, and gives what its field held before. What is made under the id of a record that was deleted is another.
    fn take(&mut self, line: &Change) -> Option<String> {
        if line.field == "deleted" {
            self.held.retain(|(kind, id, _), _| *kind != line.kind || *id != line.id);
            self.gone.insert((line.kind.clone(), line.id.clone()));
            return None;
        }
        self.held.insert(place(line), line.value.clone())
    }

    /// The engine is told what a record holds.
    fn tell(&mut self, kind: Kind, state: &State) {
        let record = (kind.to_string(), state.remote_id.clone());
        let is_gone = self.gone.contains(&record);
        for (field, value) in state.fields.iter().filter(|(_, value)| **value != Value::Null) {
            let (place, value) = ((record.0.clone(), record.1.clone(), field.clone()), spelled(value));
            if !is_gone {
                self.held.entry(place.clone()).or_insert_with(|| value.clone());
            }
            self.told.entry(place).or_default().insert(value);
        }
    }

    /// What is wrong with the ground on which a write changed a field that held `before`, in words.
    fn unfounded(&self, writes: &[Write], line: &Change, before: &str) -> Option<String> {
        let write = writes.iter().find(|it| is_about(it, line))?;
        let base = self.begun.get(&write.op_id).unwrap_or(&write.base).get(&line.field).unwrap_or(&Value::Null);
        if !write.changed.contains(&line.field) {
            // What changed for another field's sake was not decided; what was carried along must be as it was known.
            let is_carried = write.want.get(&line.field).is_some_and(|it| is_same(it, &line.value));
            let is_known = *base == Value::Null || is_same(base, before);
            return (is_carried && !is_known).then(|| format!("carried along, and known as {base:?}"));
        }
        if !is_same(base, before) {
            return Some(format!("decided on {base:?}"));
        }
        // A counter that was read is known to have been moved since by what we wrote elsewhere.
        let is_counter = schema::of(write.kind).field(&line.field).is_some_and(|it| it.counter);
        let told = self.told.get(&place(line));
        let was_told = *base == Value::Null || told.is_some_and(|it| is_counter || it.contains(&spelled(base)));
        (!was_told).then(|| format!("decided on {base:?}, which was never read there"))
    }
}

fn place(line: &Change) -> Place {
    (line.kind.clone(), line.id.clone(), line.field.clone())
}

/// Follows every system's journal.
pub struct Watch {
    law: Law,
    followed: BTreeMap<ConnectionId, Followed>,
    /// What the rules of now give to a connection besides, and since when they do.
    given: Option<(&'static str, &'static str, ConnectionId)>,
    since: UnixMs,
    /// Promises that were broken, in words.
    pub breaches: Vec<String>,
}

impl Watch {
    /// Follows these systems from now on.
    #[must_use]
    pub fn new(law: Law, systems: Vec<(ConnectionId, String, Arc<dyn System>)>) -> Self {
        let follow = |(id, name, system)| (id, Followed::of(name, system));
        Self {
            law,
            followed: systems.into_iter().map(follow).collect(),
            given: None,
            since: UnixMs(0),
            breaches: Vec::new(),
        }
    }

    /// From now on this field of a kind is owned by the system in that place, beside what is always owned.
    pub fn rules_changed(&mut self, owned: Option<(&'static str, &'static str, usize)>, now: UnixMs) {
        let connection = |seat: usize| self.followed.keys().nth(seat).copied();
        self.given = owned.and_then(|(kind, field, seat)| Some((kind, field, connection(seat)?)));
        self.since = now;
    }

    /// What the engine is told that records of a kind hold.
    pub fn told<'a>(&mut self, at: ConnectionId, kind: Kind, states: impl IntoIterator<Item = &'a State>) {
        let Some(followed) = self.followed.get_mut(&at) else { return };
        states.into_iter().for_each(|it| followed.tell(kind, it));
    }

    /// Looks at what a system's journal says since it was looked at last; `writes` are what the engine just asked for.
    pub fn look(&mut self, (at, now): (ConnectionId, UnixMs), writes: &[Write]) {
        let seat = self.followed.keys().position(|it| *it == at);
        let Some(followed) = self.followed.get_mut(&at) else { return };
        let lines = followed.system.journal().since(followed.read);
        followed.read += lines.len();
        for write in writes {
            followed.begun.entry(write.op_id.clone()).or_insert_with(|| write.base.clone());
        }
        for line in lines {
            let Some(before) = followed.take(&line).filter(|before| line.actor == Actor::Api && *before != line.value)
            else {
                continue;
            };
            let name = &followed.name;
            let what = || {
                format!("{}/{} {} at {name} went from {before:?} to {:?}", line.kind, line.id, line.field, line.value)
            };
            let owner = self.law.word(&line.kind, &line.field);
            let owned = seat.is_some_and(|seat| owner == Word::Owner(seat));
            let given = self.given == Some((line.kind.as_str(), line.field.as_str(), at));
            if owned || given && !was_sent_before(writes, &line, self.since) {
                self.breaches.push(format!("P3: {}, which it owns", what()));
            }
            if let Some(why) = followed.unfounded(writes, &line, &before) {
                self.breaches.push(format!("P4: {}, {why}, at {}", what(), now.0));
            }
        }
    }

    /// Reads on without looking for anything: people may have been at work.
    pub fn read_on(&mut self) {
        for followed in self.followed.values_mut() {
            for line in followed.system.journal().since(followed.read) {
                followed.read += 1;
                followed.take(&line);
            }
        }
    }
}

/// What a reading found there.
pub fn present<'a>(observed: impl IntoIterator<Item = &'a Observed>) -> impl Iterator<Item = &'a State> {
    observed.into_iter().filter_map(|it| if let Observed::Present(state) = it { Some(state) } else { None })
}

/// What a write found or left there.
#[must_use]
pub fn shown(outcome: &Outcome) -> Option<&State> {
    match outcome {
        Outcome::Applied(state) | Outcome::Stale(Observed::Present(state)) => Some(state),
        _ => None,
    }
}

fn is_about(write: &Write, line: &Change) -> bool {
    write.kind.as_str() == line.kind && write.remote_id.as_deref() == Some(line.id.as_str())
}

/// A write that is repeated was decided when it was begun: under the rules of then.
fn was_sent_before(writes: &[Write], line: &Change, since: UnixMs) -> bool {
    writes.iter().find(|it| is_about(it, line)).and_then(|it| it.first_sent).is_some_and(|it| it < since)
}

/// A value as a journal spells it.
fn spelled(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Rows(_) => value.to_json().to_string(),
    }
}

/// Whether a value is what a journal says.
fn is_same(value: &Value, journalled: &str) -> bool {
    match value {
        Value::Number(number) => journalled.parse() == Ok(*number),
        Value::Rows(_) => serde_json::from_str::<serde_json::Value>(journalled).is_ok_and(|it| it == value.to_json()),
        _ => spelled(value) == journalled,
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::{Decimal, Fields, Kind};

    use super::*;
    use crate::demo::world::{Product, Seat};
    use crate::sim::Plan;

    const ERP: ConnectionId = ConnectionId(1);
    const SHOP: ConnectionId = ConnectionId(2);
    const NOW: UnixMs = UnixMs(1_767_225_600_000);

    fn write(field: &str, base: Value) -> Write {
        let kind = if field == "on_hand" { Kind::StockLevel } else { Kind::Item };
        Write {
            op_id: "op".to_owned(),
            kind,
            remote_id: Some("7".to_owned()),
            command_key: "key".to_owned(),
            want: Fields::new(),
            changed: vec![field.to_owned()],
            base: Fields::from([(field.to_owned(), base)]),
            base_version: String::new(),
            first_sent: None,
        }
    }

    fn told(at: ConnectionId, write: &Write, fields: &[(&str, Value)], watch: &mut Watch) {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let (remote_id, version) = ("7".to_owned(), String::new());
        let state = State { remote_id, fields, version, changed_at: None, command_key: None, unmapped: None };
        watch.told(at, write.kind, [&state]);
    }

    /// What is found when the field took `values` one after the other, the last by a write at `at`.
    fn found(at: ConnectionId, write: &Write, values: [&str; 2]) -> Vec<String> {
        let field = write.changed[0].as_str();
        found_of(at, write, &[(Actor::Human, field, values[0]), (Actor::Api, field, values[1])])
    }

    fn found_of(at: ConnectionId, write: &Write, lines: &[(Actor, &str, &str)]) -> Vec<String> {
        let bases = write.base.iter().map(|(name, value)| (name.as_str(), value.clone()));
        found_by(at, &bases.collect::<Vec<_>>(), &lines.iter().map(|it| (*it, write.clone())).collect::<Vec<_>>())
    }

    /// What is found where the record was told to be so, and lines came one after the other, each with what was written.
    fn found_by(at: ConnectionId, first: &[(&str, Value)], lines: &[((Actor, &str, &str), Write)]) -> Vec<String> {
        let system = Seat::fill(Product::Netsuite, NOW, &Plan::catalogue(0)).unwrap().site.system();
        let other = if at == ERP { SHOP } else { ERP };
        let both = [(at, "it"), (other, "other")].map(|(id, name)| (id, name.to_owned(), system.clone()));
        let mut watch = Watch::new(Law::default(), both.to_vec());
        told(at, &lines[0].1, first, &mut watch);
        for ((actor, field, value), write) in lines.iter().cloned() {
            let (kind, id, field, value) = (write.kind.to_string(), "7".to_owned(), field.to_owned(), value.to_owned());
            system.journal().add(Change { at: NOW, actor, kind, id, field, value });
            match actor {
                Actor::Api => watch.look((at, NOW), &[write]),
                _ => watch.read_on(),
            }
        }
        watch.breaches.into_iter().map(|it| it.chars().take(2).collect()).collect()
    }

    #[test]
    fn p3_a_write_of_the_owners_own_field_is_seen() {
        let barcode = write("barcode", "1".into());
        assert_eq!(found(ERP, &barcode, ["1", "2"]), ["P3"]);
        assert_eq!(found(SHOP, &barcode, ["1", "2"]), [""; 0]);
        assert_eq!(found(ERP, &barcode, ["1", "1"]), [""; 0], "nothing changed");
        assert_eq!(found(ERP, &write("title", "1".into()), ["1", "2"]), [""; 0]);
    }

    #[test]
    fn what_is_made_under_the_id_of_what_was_deleted_is_another() {
        let lines = [(Actor::Human, "barcode", "1"), (Actor::Human, "deleted", ""), (Actor::Api, "barcode", "2")];
        assert_eq!(found_of(ERP, &write("barcode", "1".into()), &lines), [""; 0]);
    }

    #[test]
    fn p4_a_write_over_what_was_not_known_is_seen() {
        let on_hand = |base: i32| write("on_hand", Value::Number(Decimal::from(base)));
        assert_eq!(found(SHOP, &on_hand(90), ["100", "105"]), ["P4"]);
        assert_eq!(found(SHOP, &on_hand(100), ["100", "105"]), [""; 0]);
    }

    #[test]
    fn p4_a_write_is_known_by_what_was_read_and_not_by_what_it_says() {
        let (known, bare) = (write("title", "a".into()), Write { base: Fields::new(), ..write("title", "a".into()) });
        let on = |op: &str, base: &str| Write { op_id: op.to_owned(), ..write("title", base.into()) };
        let told = |title: &str| vec![("title", Value::from(title))];
        let (ours, theirs) = (|value| (Actor::Api, "title", value), |value| (Actor::Human, "title", value));
        let carries = Write {
            want: [("barcode".to_owned(), Value::from("1")), ("title".to_owned(), "b".into())].into(),
            base: [("barcode".to_owned(), Value::from("1")), ("title".to_owned(), "a".into())].into(),
            ..known.clone()
        };
        let both = vec![("title", Value::from("a")), ("barcode", "1".into())];
        let cases = [
            ("what was read", told("a"), vec![(ours("b"), known.clone())], 0),
            (
                "what was read and is so no more",
                told("a"),
                vec![(theirs("x"), known.clone()), (ours("b"), known.clone())],
                1,
            ),
            ("nobody says what it was decided on", told("a"), vec![(ours("b"), bare.clone())], 1),
            ("nothing was there", Vec::new(), vec![(ours("b"), bare.clone())], 0),
            ("nobody read it ever", Vec::new(), vec![(theirs("a"), known.clone()), (ours("b"), known.clone())], 1),
            (
                "read meanwhile, decided before",
                told("a"),
                vec![(ours("b"), known.clone()), (theirs("x"), known.clone()), (ours("b"), on("op", "x"))],
                1,
            ),
            (
                "decided on what nobody read back",
                told("a"),
                vec![(ours("b"), known.clone()), (ours("c"), on("2", "b"))],
                1,
            ),
            ("carried along as it was known", both.clone(), vec![(ours("b"), carries.clone())], 0),
            (
                "carried along over something newer",
                both,
                vec![((Actor::Human, "barcode", "2"), carries.clone()), ((Actor::Api, "barcode", "1"), carries)],
                1,
            ),
        ];
        for (what, first, lines, n) in cases {
            let found = found_by(SHOP, &first, &lines);
            assert_eq!(found, vec!["P4"; n], "{what}");
        }
    }
}
