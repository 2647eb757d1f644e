//! What a tenant configured: who may say what, who is asked when systems disagree, and who is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Decimal, Kind, record::ConnectionId};

/// A tenant's rules, resolved to connection numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Every connection that takes part.
    pub connections: BTreeMap<ConnectionId, ConnectionRule>,
    /// Who owns and who decides, first match wins.
    pub fields: Vec<FieldRule>,
}

/// How one connection takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRule {
    /// Its name, for policies and people.
    pub name: String,
    /// Its authority: 0 is the highest. A record that vanishes at rank 0 is deleted; elsewhere a person is asked.
    pub rank: u32,
    /// What it takes part in; a kind that is absent is ignored.
    pub kinds: BTreeMap<Kind, Direction>,
    /// Set when stock is *published* there: it sees the stock formula's result instead of the raw quantity.
    pub publishes: Option<crate::stock::Buffer>,
}

/// Which way a kind flows at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Direction {
    /// What it holds counts.
    pub reads: bool,
    /// It is told the truth.
    pub writes: bool,
    /// Records it lacks are created there.
    pub creates: bool,
}

impl Direction {
    /// Both ways, creating what is missing.
    pub const BOTH: Direction = Direction { reads: true, writes: true, creates: true };
    /// It is listened to and never written.
    pub const READ: Direction = Direction { reads: true, writes: false, creates: false };
}

/// Who owns a field and who decides about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRule {
    /// The kind it is about; `None`: every kind.
    pub kind: Option<Kind>,
    /// A field's name, or a [pattern](matches).
    pub field: String,
    /// The connection whose word stands. Others may never change it.
    pub owner: Option<ConnectionId>,
    /// The slot of the conflict policy that is asked (`conflict:stock-level`); `None`: the newest claim wins.
    pub policy: Option<String>,
}

impl FieldRule {
    /// It speaks of this field, unless a rule before it does.
    #[must_use]
    pub fn is_about(&self, kind: Kind, field: &str) -> bool {
        self.kind.is_none_or(|it| it == kind) && matches(&self.field, field)
    }
}

/// A field's name is as a pattern says, in which `*` stands for any letters or none: `*`, `*_number`, `placed_*`.
#[must_use]
pub fn matches(pattern: &str, field: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == field };
    let Some(field) = field.strip_prefix(head) else { return false };
    let ends = field.char_indices().map(|(at, _)| at).chain([field.len()]);
    ends.into_iter().any(|at| matches(rest, &field[at..]))
}

impl Rules {
    /// The first rule that matches, if one does.
    #[must_use]
    pub fn field(&self, kind: Kind, field: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|it| it.is_about(kind, field))
    }

    /// How `connection` takes part in `kind`, if it does.
    #[must_use]
    pub fn direction(&self, connection: ConnectionId, kind: Kind) -> Option<Direction> {
        self.connections.get(&connection)?.kinds.get(&kind).copied()
    }

    /// A connection's rank; the lowest authority for one that is not configured.
    #[must_use]
    pub fn rank(&self, connection: ConnectionId) -> u32 {
        self.connections.get(&connection).map_or(u32::MAX, |it| it.rank)
    }

    /// What `connection` is to be told of an on-hand quantity.
    #[must_use]
    pub fn published(&self, connection: ConnectionId, on_hand: Decimal) -> Decimal {
        let buffer = self.connections.get(&connection).and_then(|it| it.publishes.as_ref());
        buffer.map_or(on_hand, |it| crate::stock::publishable(on_hand, Decimal::ZERO, Decimal::ZERO, it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say_and_nothing_else() {
        let check = |pattern: &str, field: &str, expect: bool| {
            assert_eq!(matches(pattern, field), expect, "{pattern} and {field}");
        };
        for (pattern, field) in [
            ("title", "title"),
            ("*", "title"),
            ("*", ""),
            ("placed_*", "placed_at"),
            ("*_number", "po_number"),
            ("p*_n*r", "po_number"),
            ("**e", "title"),
            ("*tit*le*", "title"),
        ] {
            check(pattern, field, true);
        }
        for (pattern, field) in [
            ("title", "titles"),
            ("*title", "titles"),
            ("placed_*", "placed"),
            ("", "title"),
            ("t*t", "t"),
            ("t*x*e", "title"),
        ] {
            check(pattern, field, false);
        }
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let rule = |kind: Option<Kind>, field: &str, owner: u32| FieldRule {
            kind,
            field: field.to_owned(),
            owner: Some(ConnectionId(owner)),
            policy: None,
        };
        let fields = vec![rule(Some(Kind::Item), "t*", 1), rule(Some(Kind::Item), "*", 2), rule(None, "code", 3)];
        let rules = Rules { fields, ..Rules::default() };
        let owner = |kind, field| rules.field(kind, field).and_then(|it| it.owner).map(|it| it.0);
        assert_eq!(owner(Kind::Item, "title"), Some(1));
        assert_eq!(owner(Kind::Item, "code"), Some(2));
        assert_eq!(owner(Kind::Company, "code"), Some(3));
        assert_eq!(owner(Kind::Company, "name"), None);
    }
}
