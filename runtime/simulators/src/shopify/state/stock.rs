//! Stock: locations, the quantities of an item at each, and the rules by which they change.

use truthsource_core::UnixMs;

use super::items::row;
use super::table::Row;
use super::{Cause, State};
use crate::shopify::search::{Facet, KeyKind, Searchable};
use crate::shopify::webhooks::Topic;

/// A place that stocks items.
#[derive(Debug, Clone, PartialEq)]
pub struct Location {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Whether it is in use.
    pub is_active: bool,
    /// Whether orders from the shop are shipped from here.
    pub fulfills_online_orders: bool,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// The names of the quantities that are kept, in the order of [`Level::quantities`].
pub const KEPT: [&str; 7] =
    ["available", "committed", "reserved", "damaged", "safety_stock", "quality_control", "incoming"];
/// How many of [`KEPT`] make up `on_hand`: all but `incoming`.
const ON_HAND_PARTS: usize = 6;
const AVAILABLE: usize = 0;
const COMMITTED: usize = 1;

/// How many of an item there are at a location, and in which state.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Its key.
    pub key: u64,
    /// Where.
    pub location: u64,
    /// Of what.
    pub item: u64,
    /// The quantities of [`KEPT`].
    pub quantities: [i64; 7],
    /// When each of them last changed.
    pub changed: [Option<UnixMs>; 7],
    /// When the item was first stocked here.
    pub created: UnixMs,
    /// When any of it last changed.
    pub updated: UnixMs,
}

/// The key of an item's level at a location: levels of one location stand together.
#[must_use]
pub fn level_key(location: u64, item: u64) -> u64 {
    location << ITEM_BITS | item
}

/// The keys of all levels at a location.
#[must_use]
pub fn level_keys(location: u64) -> std::ops::RangeInclusive<u64> {
    level_key(location, 0)..=level_key(location, (1 << ITEM_BITS) - 1)
}

/// Item numbers stay far below 2^44, location numbers below 2^20.
const ITEM_BITS: u32 = 44;

impl Level {
    /// The quantity called `name`; `None` if there is no such name.
    #[must_use]
    pub fn quantity(&self, name: &str) -> Option<i64> {
        if name == "on_hand" {
            return Some(self.on_hand());
        }
        KEPT.iter().position(|it| *it == name).map(|at| self.quantities[at])
    }

    /// When the quantity called `name` last changed; `None` for those that are computed.
    #[must_use]
    pub fn quantity_changed(&self, name: &str) -> Option<UnixMs> {
        KEPT.iter().position(|it| *it == name).and_then(|at| self.changed[at])
    }

    /// What is physically there.
    #[must_use]
    pub fn on_hand(&self) -> i64 {
        self.quantities[..ON_HAND_PARTS].iter().sum()
    }

    /// What can be sold.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.quantities[AVAILABLE]
    }

    fn set(&mut self, at: usize, quantity: i64, second: UnixMs) {
        self.quantities[at] = quantity;
        self.changed[at] = Some(second);
        self.updated = second;
    }
}

impl State {
    /// Opens a location.
    pub fn make_location(&mut self, cause: Cause, name: &str, fulfills_online_orders: bool) -> u64 {
        let (id, second) = (self.new_location_id(), cause.second());
        let location = Location {
            id,
            name: name.to_owned(),
            is_active: true,
            fulfills_online_orders,
            created: second,
            updated: second,
        };
        self.locations.put(cause.at, location);
        self.note(cause, "location", id, ("created", name));
        self.announce(cause, Topic::LocationsCreate, |state| state.location_body(id));
        id
    }

    /// The level of an item at a location.
    #[must_use]
    pub fn level(&self, location: u64, item: u64) -> Option<&std::sync::Arc<Level>> {
        self.levels.get(level_key(location, item))
    }

    /// All levels of an item.
    pub fn levels_of(&self, item: u64) -> impl DoubleEndedIterator<Item = &std::sync::Arc<Level>> {
        self.locations.iter().filter_map(move |it| self.level(it.id, item))
    }

    /// What can be sold of an item at all locations together.
    #[must_use]
    pub fn available_everywhere(&self, item: u64) -> i64 {
        self.levels_of(item).map(|it| it.available()).sum()
    }

    /// Begins to stock an item at a location, with so many on the shelf.
    pub fn stock_at(&mut self, cause: Cause, location: u64, item: u64, available: i64) {
        let (key, second) = (level_key(location, item), cause.second());
        let mut level =
            Level { key, location, item, quantities: [0; 7], changed: [None; 7], created: second, updated: second };
        level.set(AVAILABLE, available, second);
        self.levels.put(cause.at, level);
        let id = format!("{item}:{location}");
        self.note(cause, "stock-level", &id, ("created", available));
        self.note(cause, "stock-level", &id, ("on_hand", available));
        self.announce(cause, Topic::InventoryLevelsConnect, |state| state.level_body(key));
        self.announce(cause, Topic::InventoryLevelsUpdate, |state| state.level_body(key));
    }

    /// Sets a quantity: one of [`KEPT`], or `on_hand`, which moves `available`. Nothing happens when it is so
    /// already.
    pub fn set_quantity(&mut self, cause: Cause, key: u64, name: &str, quantity: i64) {
        let Some(level) = self.levels.get(key) else { return };
        let Some(current) = level.quantity(name) else { return };
        let at = if name == "on_hand" { Some(AVAILABLE) } else { KEPT.iter().position(|it| *it == name) };
        if let Some(at) = at.filter(|_| current != quantity) {
            self.move_quantities(cause, key, &[(at, quantity - current)]);
        }
    }

    /// Commits stock to an order: from available to committed.
    pub(super) fn commit(&mut self, cause: Cause, key: u64, quantity: i64) {
        self.move_quantities(cause, key, &[(AVAILABLE, -quantity), (COMMITTED, quantity)]);
    }

    /// Ships committed stock: it is no longer on hand.
    pub(super) fn ship(&mut self, cause: Cause, key: u64, quantity: i64) {
        self.move_quantities(cause, key, &[(COMMITTED, -quantity)]);
    }

    fn move_quantities(&mut self, cause: Cause, key: u64, moves: &[(usize, i64)]) {
        let second = cause.second();
        let before = self.levels.get(key).map(|it| it.on_hand());
        let after = self.levels.edit(cause.at, key, |level| {
            for (at, delta) in moves {
                level.set(*at, level.quantities[*at] + delta, second);
            }
        });
        let Some(after) = after else { return };
        if before != Some(after.on_hand()) {
            let id = format!("{}:{}", after.item, after.location);
            self.note(cause, "stock-level", id, ("on_hand", after.on_hand()));
        }
        self.announce(cause, Topic::InventoryLevelsUpdate, |state| state.level_body(key));
    }

    /// Forgets an item's levels.
    pub(super) fn drop_levels(&mut self, cause: Cause, item: u64) {
        let keys: Vec<u64> = self.levels_of(item).map(|it| it.key).collect();
        for key in keys {
            let Some(level) = self.levels.remove(key) else { continue };
            self.note(cause, "stock-level", format_args!("{item}:{}", level.location), ("deleted", ""));
            let body = serde_json::json!({ "inventory_item_id": item, "location_id": level.location });
            self.announce(cause, Topic::InventoryLevelsDisconnect, |_| body);
        }
    }
}

row!(Location);

impl Row for Level {
    fn id(&self) -> u64 {
        self.key
    }
    fn updated(&self) -> UnixMs {
        self.updated
    }
}

impl Searchable<State> for Location {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("location_id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("name", KeyKind::Text),
        ("active", KeyKind::Flag),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "id" | "location_id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "name" | "default" => Facet::Text(&self.name),
            "active" => Facet::Flag(self.is_active),
            _ => Facet::None,
        }
    }
}

impl Searchable<State> for Level {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("inventory_item_id", KeyKind::Id),
        ("inventory_group_id", KeyKind::Id),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        match key {
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "id" | "inventory_item_id" | "default" => Facet::Id(self.item),
            "inventory_group_id" => Facet::Id(self.location),
            _ => Facet::None,
        }
    }
}
