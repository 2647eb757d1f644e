//! What a tenant says about its stock, as it is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::record::ConnectionId;
use truthsource_core::stock::{Buffer, BufferRule, Part, StockRules};

/// The name of the setting that holds [`StockSpec`].
pub const STOCK_RULES: &str = "stock-rules";

/// A tenant's rules about stock: connections by name, items and locations by key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockSpec {
    /// Items of which there are as many as can be made of their parts.
    #[serde(default)]
    pub kits: Vec<KitSpec>,
    /// Connection → the location that its orders leave from.
    #[serde(default)]
    pub ships_from: BTreeMap<String, String>,
    /// Buffers of their own; the first that matches counts.
    #[serde(default)]
    pub buffers: Vec<BufferSpec>,
}

/// A kit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KitSpec {
    /// Which item.
    pub item: String,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// What is held back of some levels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BufferSpec {
    /// Only at this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Only of this item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// Only at this location.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What is held back, instead of what the connection says.
    pub hold: Buffer,
}

impl StockSpec {
    /// The same with connections by number. What is said of a connection that does not exist is about nothing.
    #[must_use]
    pub fn resolve(&self, by_name: impl Fn(&String) -> Option<ConnectionId>) -> StockRules {
        let rule = |it: &BufferSpec| {
            let connection = match &it.connection {
                Some(name) => Some(by_name(name)?),
                None => None,
            };
            let (item, location, hold) = (it.item.clone(), it.location.clone(), it.hold.clone());
            Some(BufferRule { connection, item, location, hold })
        };
        let ships_from = self.ships_from.iter();
        StockRules {
            kits: self.kits.iter().map(|it| (it.item.clone(), it.parts.clone())).collect(),
            ships_from: ships_from.filter_map(|(name, at)| Some((by_name(name)?, at.clone()))).collect(),
            buffers: self.buffers.iter().filter_map(rule).collect(),
        }
    }
}
