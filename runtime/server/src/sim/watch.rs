//! What must never happen, looked for at every write: the systems' journals say what each really changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use truthsource_core::record::ConnectionId;
use truthsource_core::{UnixMs, Value};
use truthsource_host::model::Write;
use truthsource_simulators::journal::{Actor, Change};
use truthsource_simulators::system::System;

use crate::demo::law::{Law, Word};

/// A system whose journal is followed.
struct Followed {
    name: String,
    system: Arc<dyn System>,
    read: usize,
    /// What each field last took, by kind, id and field.
    held: BTreeMap<(String, String, String), String>,
}

impl Followed {
    /// Takes a line, and gives what its field held before. What is made under the id of a record that was deleted is another.
    fn take(&mut self, line: &Change) -> Option<String> {
        if line.field == "deleted" {
            self.held.retain(|(kind, id, _), _| *kind != line.kind || *id != line.id);
            return None;
        }
        self.held.insert((line.kind.clone(), line.id.clone(), line.field.clone()), line.value.clone())
    }
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
        let follow = |(id, name, system): (ConnectionId, String, Arc<dyn System>)| {
            let read = system.journal().len();
            (id, Followed { name, system, read, held: BTreeMap::new() })
        };
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

    /// Looks at what a system's journal says since it was looked at last; `writes` are what the engine just asked for.
    pub fn look(&mut self, (at, now): (ConnectionId, UnixMs), writes: &[Write]) {
        let seat = self.followed.keys().position(|it| *it == at);
        let Some(followed) = self.followed.get_mut(&at) else { return };
        let lines = followed.system.journal().since(followed.read);
        followed.read += lines.len();
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
            if let Some(known) = known(writes, &line).filter(|known| !is_same(known, &before)) {
                self.breaches.push(format!("P4: {}, decided on {known:?}, at {}", what(), now.0));
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

/// A write that is repeated was decided when it was begun: under the rules of then.
fn was_sent_before(writes: &[Write], line: &Change, since: UnixMs) -> bool {
    let is_about = |it: &&Write| it.kind.as_str() == line.kind && it.remote_id.as_deref() == Some(line.id.as_str());
    writes.iter().find(is_about).and_then(|it| it.first_sent).is_some_and(|it| it < since)
}

/// What the engine knew of a field when it decided to write it.
fn known<'a>(writes: &'a [Write], line: &Change) -> Option<&'a Value> {
    let is_about = |it: &&Write| it.kind.as_str() == line.kind && it.remote_id.as_deref() == Some(line.id.as_str());
    let write = writes.iter().find(is_about)?;
    // What changed for another field's sake was not decided.
    write.changed.iter().find(|it| **it == line.field)?;
    write.base.get(&line.field)
}

/// Whether a value is what a journal says.
fn is_same(value: &Value, journalled: &str) -> bool {
    match value {
        Value::Null => journalled.is_empty(),
        Value::Text(text) => text == journalled,
        Value::Number(number) => journalled.parse() == Ok(*number),
        Value::Flag(flag) => journalled == flag.to_string(),
        Value::Rows(_) => serde_json::from_str::<serde_json::Value>(journalled).is_ok_and(|it| it == value.to_json()),
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

    /// What is found when the field took `values` one after the other, the last by a write at `at`.
    fn found(at: ConnectionId, write: &Write, values: [&str; 2]) -> Vec<String> {
        let field = write.changed[0].as_str();
        found_of(at, write, &[(Actor::Human, field, values[0]), (Actor::Api, field, values[1])])
    }

    fn found_of(at: ConnectionId, write: &Write, lines: &[(Actor, &str, &str)]) -> Vec<String> {
        let system = Seat::fill(Product::Netsuite, NOW, &Plan::catalogue(0)).unwrap().site.system();
        let other = if at == ERP { SHOP } else { ERP };
        let both = [(at, "it"), (other, "other")].map(|(id, name)| (id, name.to_owned(), system.clone()));
        let mut watch = Watch::new(Law::default(), both.to_vec());
        for (actor, field, value) in lines.iter().copied() {
            let (kind, id, field, value) = (write.kind.to_string(), "7".to_owned(), field.to_owned(), value.to_owned());
            system.journal().add(Change { at: NOW, actor, kind, id, field, value });
            watch.look((at, NOW), std::slice::from_ref(write));
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
}
