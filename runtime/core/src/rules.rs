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
    /// A field's name, or `*`.
    pub field: String,
    /// The connection whose word stands. Others may never change it.
    pub owner: Option<ConnectionId>,
    /// The slot of the conflict policy that is asked (`conflict:stock-level`); `None`: the newest claim wins.
    pub policy: Option<String>,
}

impl Rules {
    /// The first rule that matches, if one does.
    #[must_use]
    pub fn field(&self, kind: Kind, field: &str) -> Option<&FieldRule> {
        self.fields.iter().find(|it| it.kind.is_none_or(|rule| rule == kind) && (it.field == "*" || it.field == field))
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
