//! What a tenant says about its stock, besides what each connection is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Buffer;
use crate::Decimal;
use crate::record::ConnectionId;

/// A tenant's rules about stock, resolved to keys and connection numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockRules {
    /// Kits, by the key of their item. Parts are no kits themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kits: BTreeMap<String, Vec<Part>>,
    /// The location that the orders of a connection leave from. Those of others may leave from any: they are held back at
    /// each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ships_from: BTreeMap<ConnectionId, String>,
    /// Buffers of their own; the first that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buffers: Vec<BufferRule>,
}

/// Something that a kit is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The key of an item.
    pub item: String,
    /// How many of it one kit takes; above 0.
    pub quantity: Decimal,
}

/// What is held back of some levels, instead of what their connection says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferRule {
    /// Only there.
    pub connection: Option<ConnectionId>,
    /// Only of this item.
    pub item: Option<String>,
    /// Only at this location.
    pub location: Option<String>,
    /// What is held back.
    pub hold: Buffer,
}

impl StockRules {
    /// There are none.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The buffer that a rule gives, if one does.
    #[must_use]
    pub fn buffer(&self, connection: ConnectionId, item: &str, location: &str) -> Option<&Buffer> {
        let fits = |it: &&BufferRule| {
            it.connection.is_none_or(|it| it == connection)
                && it.item.as_ref().is_none_or(|it| it == item)
                && it.location.as_ref().is_none_or(|it| it == location)
        };
        self.buffers.iter().find(fits).map(|it| &it.hold)
    }

    /// The kits that an item is part of, with how many of it each takes.
    pub fn kits_with<'a>(&'a self, item: &'a str) -> impl Iterator<Item = (&'a String, Decimal)> {
        self.kits.iter().filter_map(move |(kit, parts)| {
            let quantities = parts.iter().filter(|it| it.item == item).map(|it| it.quantity);
            let sum = quantities.reduce(|sum, it| sum.checked_add(it).unwrap_or(sum))?;
            Some((kit, sum))
        })
    }
}
