//! Rows that are there and cannot be read: bits turned, somebody edited them, another version wrote them.
//!
//! A read that meets one fails with [`Error::Damaged`] and names it. [`Change::SetAside`] takes it out of the way of every
//! other, and keeps what stood there; [`Change::Mended`] says that nothing is missing because of it any more.

use std::fmt;

use super::*;

/// A row that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Which, where that is known and others can go on without it.
    pub row: Option<Row>,
    /// Why, for people.
    pub why: String,
}

/// A row that others can go on without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "kebab-case")]
pub enum Row {
    /// What a system said when it was read, and no fold has taken in. The system can say it again.
    Reading {
        /// Its place in the log.
        seq: u64,
        /// Where.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
    },
    /// What else the log says of a record and no fold has taken in: what a write left, what a person said. Nobody says it
    /// again.
    Entry {
        /// Its place in the log.
        seq: u64,
        /// The record.
        key: RecordKey,
        /// The connection, if it is about one.
        connection: Option<ConnectionId>,
    },
    /// A record's truth.
    Truth {
        /// The record.
        key: RecordKey,
    },
    /// What a connection holds of a record.
    Shadow {
        /// The record.
        key: RecordKey,
        /// The connection.
        connection: ConnectionId,
    },
    /// What a connection is owed of a record.
    Debt {
        /// The record.
        key: RecordKey,
        /// The connection.
        connection: ConnectionId,
        /// A write of it was begun: which one, nobody knows any more.
        begun: bool,
    },
    /// A record to be read.
    Touch {
        /// Its number.
        seq: u64,
        /// Where.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
    },
    /// A webhook that was not understood yet.
    Webhook {
        /// Its number.
        id: u64,
        /// Whose.
        connection: ConnectionId,
    },
    /// How far a kind was read.
    Cursor {
        /// Where.
        connection: ConnectionId,
        /// The kind.
        kind: Kind,
    },
    /// A conflict. One that was open asks nothing any more.
    Question {
        /// Its number.
        id: u64,
        /// The record.
        key: RecordKey,
    },
    /// A write of a plan, which writes it no more.
    Planned {
        /// The plan.
        plan: String,
        /// The record.
        key: RecordKey,
        /// The connection.
        connection: ConnectionId,
    },
    /// What an order wants of an item.
    Want {
        /// The order's key.
        order: String,
        /// The item.
        item: String,
    },
}

impl Row {
    /// The record that nothing is decided or written about while this is set aside.
    #[must_use]
    pub fn holds(&self) -> Option<&RecordKey> {
        match self {
            Self::Entry { key, .. }
            | Self::Truth { key }
            | Self::Shadow { key, .. }
            | Self::Debt { key, begun: true, .. } => Some(key),
            _ => None,
        }
    }

    /// What a conflict about it names: the record, as far as it is about one.
    #[must_use]
    pub fn about(&self) -> RecordKey {
        match self {
            Self::Entry { key, .. }
            | Self::Truth { key }
            | Self::Shadow { key, .. }
            | Self::Debt { key, .. }
            | Self::Question { key, .. }
            | Self::Planned { key, .. } => key.clone(),
            Self::Reading { kind, .. } | Self::Touch { kind, .. } | Self::Cursor { kind, .. } => {
                RecordKey::new(*kind, "*")
            }
            Self::Webhook { .. } => RecordKey::new(Kind::Item, "*"),
            Self::Want { order, .. } => RecordKey::new(Kind::Order, order),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reading { seq, connection, kind, remote_id } => {
                write!(f, "entry {seq} of the log, what connection {connection} said of {kind} `{remote_id}`")
            }
            Self::Entry { seq, key, .. } => write!(f, "entry {seq} of the log, about {key}"),
            Self::Truth { key } => write!(f, "the truth of {key}"),
            Self::Shadow { key, connection } => write!(f, "what connection {connection} holds of {key}"),
            Self::Debt { key, connection, .. } => write!(f, "what connection {connection} is owed of {key}"),
            Self::Touch { connection, kind, remote_id, .. } => {
                write!(f, "that {kind} `{remote_id}` of connection {connection} is to be read")
            }
            Self::Webhook { id, connection } => write!(f, "webhook {id} of connection {connection}"),
            Self::Cursor { connection, kind } => write!(f, "how far connection {connection} was read of {kind}"),
            Self::Question { id, key } => write!(f, "conflict {id}, about {key}"),
            Self::Planned { plan, key, connection } => {
                write!(f, "what plan {plan} writes of {key} to connection {connection}")
            }
            Self::Want { order, item } => write!(f, "what order {order} wants of {item}"),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) => write!(f, "{row}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl Error {
    /// Something stored makes no sense, and nobody knows which row it is, or nobody can go on without it.
    pub(crate) fn damaged(why: impl fmt::Display) -> Self {
        Self::Damaged(Box::new(Damaged { row: None, why: why.to_string() }))
    }

    /// This row makes no sense.
    pub(crate) fn damaged_row(row: Row, why: impl fmt::Display) -> Self {
        Self::Damaged(Box::new(Damaged { row: Some(row), why: why.to_string() }))
    }
}
