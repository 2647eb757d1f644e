//! How stock is published in a run.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use truthsource_core::Decimal;
use truthsource_core::draw::Draw;
use truthsource_core::stock::Publishes;

use super::expand::code;

/// How shops are shown stock, and what is made of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shelf {
    /// What shops are shown.
    pub publishes: Publishes,
    /// An item that is made of others, by code, and how many it takes of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<Kit>,
    /// The location that the shop's orders leave from; any, where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ships_from: Option<String>,
}

/// What is made of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kit {
    /// Its code.
    pub item: String,
    /// Codes of what it is made of, and how many it takes of each.
    pub parts: Vec<(String, u32)>,
}

impl Shelf {
    /// The shelf of a seed: in every other one stock is told as it is.
    #[must_use]
    pub fn drawn(draw: Draw, locations: &[&str]) -> Option<Self> {
        if !draw.chance(500, "stock is published", 0) {
            return None;
        }
        let of = |n: u64, what: &str| u32::try_from(draw.below(n, what, 0)).unwrap_or(0);
        let publishes = Publishes {
            absolute: Decimal::from(of(3, "held back") * 5),
            percent: Decimal::from(of(3, "per cent held back") * 10),
            cover_days: Decimal::from([0, 0, 14, 28][of(4, "days covered") as usize]),
            cap: (of(3, "capped") == 0).then(|| Decimal::from(40)),
            ..Publishes::default()
        };
        let parts = vec![(code(1), 2), (code(2), 1)];
        let kit = (of(3, "kit") > 0).then(|| Kit { item: code(0), parts });
        let ships_from = (of(2, "ships from") == 0).then(|| locations.first().map(|it| (*it).to_owned()));
        Some(Self { publishes, kit, ships_from: ships_from.flatten() })
    }

    /// The tenant's rules about stock, with keys as they come of these codes.
    #[must_use]
    pub fn rules(&self, shops: &[&str]) -> Json {
        let key = |code: &str| code.to_lowercase();
        let part = |(item, n): &(String, u32)| json!({"item": key(item), "quantity": n.to_string()});
        let kit = |it: &Kit| json!({"item": key(&it.item), "parts": it.parts.iter().map(part).collect::<Vec<_>>()});
        let ships_from =
            shops.iter().filter_map(|shop| Some(((*shop).to_owned(), key(self.ships_from.as_ref()?).into())));
        json!({
            "kits": self.kit.iter().map(kit).collect::<Vec<_>>(),
            "ships_from": ships_from.collect::<serde_json::Map<String, Json>>(),
        })
    }
}
