//! What a tenant configured: who may say what, who is asked when systems disagree, and who is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::ConnectionId;
use crate::stock::{Buffer, Commitment, Promised, Publishes, StockRules, Supply, Tells, free, told};
use crate::{Decimal, Fields, Kind, Value};

/// A tenant's rules, resolved to connection numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Every connection that takes part.
    pub connections: BTreeMap<ConnectionId, ConnectionRule>,
    /// Who owns and who decides, first match wins.
    pub fields: Vec<FieldRule>,
    /// What there is to say about stock.
    #[serde(default, skip_serializing_if = "StockRules::is_nothing")]
    pub stock: StockRules,
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
    pub publishes: Option<Publishes>,
    /// Which orders are created there.
    #[serde(default, skip_serializing_if = "ImportWhen::is_any")]
    pub imports: ImportWhen,
}

/// How far an order must be paid before it is created at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportWhen {
    /// Paid or not: on account, or on an invoice.
    #[default]
    Any,
    /// Paid, or payment is promised by whoever pays.
    Authorised,
    /// Paid.
    Paid,
}

impl ImportWhen {
    /// The usual.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }

    /// An order that is paid so far may be created. Of one whose payment nobody tells it is not known.
    #[must_use]
    pub fn admits(self, payment: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Authorised => {
                matches!(payment, Some("authorised" | "partially-paid" | "paid" | "partially-refunded"))
            }
            Self::Paid => matches!(payment, Some("paid" | "partially-refunded")),
        }
    }

    /// Its name in a spec.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Authorised => "authorised",
            Self::Paid => "paid",
        }
    }
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
    /// A field's name, or a [pattern](matches()).
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

    /// How stock is published at `connection`, if it is.
    #[must_use]
    pub fn publishes(&self, connection: ConnectionId) -> Option<&Publishes> {
        self.connections.get(&connection)?.publishes.as_ref()
    }

    /// Which orders are created at `connection`.
    #[must_use]
    pub fn imports(&self, connection: ConnectionId) -> ImportWhen {
        self.connections.get(&connection).map(|it| it.imports).unwrap_or_default()
    }

    /// Stock is published somewhere.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.connections.values().any(|it| it.publishes.is_some())
    }

    /// What is held back somewhere depends on measured demand.
    #[must_use]
    pub fn measures_demand(&self) -> bool {
        let published = self.connections.values().filter_map(|it| it.publishes.as_ref()).map(|it| it.cover_days);
        let mut days = published.chain(self.stock.buffers.iter().map(|it| it.hold.cover_days));
        self.is_published() && days.any(|it| it > Decimal::ZERO)
    }

    /// Where stock is kept: an order is acknowledged once it is booked there. The highest authority that says what it has
    /// and is shown what is there, and not what it may sell.
    #[must_use]
    pub fn keeper(&self) -> Option<ConnectionId> {
        let reads = |it: &ConnectionRule| it.kinds.get(&Kind::StockLevel).is_some_and(|it| it.reads);
        let keeps = self.connections.iter().filter(|(_, it)| it.publishes.is_none() && reads(it));
        keeps.min_by_key(|(id, it)| (it.rank, **id)).map(|(id, _)| *id)
    }

    /// The channel that took an order: of the systems that have it one that stock is published to, and the one of the least
    /// authority.
    #[must_use]
    pub fn channel(&self, order: &Commitment) -> Option<ConnectionId> {
        order.at.keys().copied().max_by_key(|it| (self.publishes(*it).is_some(), self.rank(*it), *it))
    }

    /// What `connection` sells leaves its quantity as an order does, and is no move of stock.
    #[must_use]
    pub fn sells_by_quantity(&self, connection: ConnectionId) -> bool {
        self.publishes(connection).is_some_and(|it| it.tells == Tells::Available)
    }

    /// What is held back of an item at a location; nothing where stock is not published.
    #[must_use]
    pub fn buffer(&self, connection: ConnectionId, item: &str, location: &str) -> Buffer {
        let usual = || self.publishes(connection).map(Publishes::buffer).unwrap_or_default();
        self.stock.buffer(connection, item, location).cloned().unwrap_or_else(usual)
    }

    /// What `connection` may sell of a level, before its cap; see [`free`]. `None` where it is not known how many there
    /// are.
    #[must_use]
    pub fn free(&self, connection: ConnectionId, level: &Fields, supply: &Supply) -> Option<Option<Decimal>> {
        let text = |name: &str| level.get(name)?.as_text();
        let (item, location) = (text("item")?, text("location")?);
        let of = |item: &str, on_hand: Decimal, promised: &Promised| {
            free(on_hand, promised, &self.buffer(connection, item, location))
        };
        let Some(parts) = self.stock.kits.get(item) else {
            return Some(of(item, level.get("on_hand")?.as_number()?, &supply.promised));
        };
        let kits = parts.iter().map(|part| {
            let there = supply.parts.get(&part.item)?;
            of(&part.item, there.on_hand, &there.promised)?.times(part.quantity)
        });
        Some(kits.reduce(|least, it| Some(least?.min(it?))).flatten())
    }

    /// What `connection` is to be told of a level, where stock is published there and it is known how many there are.
    #[must_use]
    pub fn published(&self, connection: ConnectionId, level: &Fields, supply: &Supply) -> Option<Decimal> {
        let publishes = self.publishes(connection)?;
        let text = |name: &str| level.get(name)?.as_text();
        let cap = self.buffer(connection, text("item")?, text("location")?).cap;
        let free = self.free(connection, level, supply)?;
        Some(told(free, cap, supply.promised.own(connection), publishes.tells))
    }

    /// The item of a level is a kit: how many there are is computed.
    #[must_use]
    pub fn is_kit(&self, level: &Fields) -> bool {
        level.get("item").and_then(Value::as_text).is_some_and(|it| self.stock.kits.contains_key(it))
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
    fn an_order_is_paid_as_far_as_it_must_be() {
        let check = |payment: Option<&str>, expect: [bool; 3]| {
            let seen = [ImportWhen::Any, ImportWhen::Authorised, ImportWhen::Paid].map(|it| it.admits(payment));
            assert_eq!(seen, expect, "{payment:?}");
        };
        check(Some("paid"), [true, true, true]);
        check(Some("partially-refunded"), [true, true, true]);
        check(Some("authorised"), [true, true, false]);
        check(Some("partially-paid"), [true, true, false]);
        for payment in [Some("pending"), Some("voided"), Some("refunded"), Some("expired"), Some("barter"), None] {
            check(payment, [true, false, false]);
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
