//! What both systems hold, read from the systems themselves and named alike, so that they can be compared.
//!
//! This shares nothing with the connectors on purpose: it is what they are judged by.

use std::collections::BTreeMap;

use truthsource_core::Decimal;
use truthsource_simulators::journal;

use super::world::{LISTS, World};

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// NetSuite.
    Erp,
    /// Shopify.
    Shop,
}

impl Side {
    /// The two.
    pub const BOTH: [Self; 2] = [Self::Erp, Self::Shop];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Erp => "ERP",
            Self::Shop => "shop",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Erp => Self::Shop,
            Self::Shop => Self::Erp,
        }
    }
}

/// A field of a record, by a name that both systems would give it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The record: `item/bolt-00001`, `stock-level/bolt-00001@Main`, `price/gold/bolt-00001`, `company/C-100`.
    pub record: String,
    /// The field.
    pub field: &'static str,
}

/// What one system holds.
pub type Held = BTreeMap<Cell, String>;

/// The names behind both systems' numbers.
#[derive(Debug, Default)]
pub struct Names {
    items: [BTreeMap<u64, String>; 2],
    locations: [BTreeMap<u64, String>; 2],
    lists: BTreeMap<u64, String>,
}

impl Names {
    /// Reads them off both systems.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let erp_items = world.erp.items().into_iter().map(|it| (it.id, it.code.to_lowercase())).collect();
        let shop_items = world.shop.items().into_iter().map(|it| (it.id, it.code.to_lowercase())).collect();
        let erp_locations = world.erp.locations().into_iter().map(|it| (it.id, it.name)).collect();
        let shop_locations = world.shop.locations().into_iter().map(|it| (it.id, it.name)).collect();
        Self {
            items: [erp_items, shop_items],
            locations: [erp_locations, shop_locations],
            lists: world.shop_lists.clone(),
        }
    }

    fn item(&self, side: Side, id: u64) -> Option<&str> {
        self.items[side as usize].get(&id).map(String::as_str)
    }

    fn stock(&self, side: Side, item: u64, location: u64) -> Option<String> {
        let location = self.locations[side as usize].get(&location)?;
        Some(format!("stock-level/{}@{location}", self.item(side, item)?))
    }

    /// `list`: the ERP's price level, or the shop's price list (`None`: its own prices).
    fn price(&self, side: Side, list: Option<u64>, item: u64) -> Option<String> {
        let list = match (side, list) {
            (Side::Erp, level) => *LISTS.get(usize::try_from(level?).ok()?.checked_sub(1)?)?,
            (Side::Shop, None) => LISTS[0],
            (Side::Shop, Some(list)) => self.lists.get(&list)?,
        };
        Some(format!("price/{list}/{}", self.item(side, item)?))
    }

    /// The cell that a line of a system's journal is about, if it is about one that is compared.
    #[must_use]
    pub fn cell(&self, side: Side, change: &journal::Change) -> Option<Cell> {
        let number = |text: &str| text.parse::<u64>().ok();
        let pair = |text: &str| text.split_once(':').and_then(|(a, b)| Some((a.to_owned(), number(b)?)));
        let record = match change.kind.as_str() {
            "item" => format!("item/{}", self.item(side, number(&change.id)?)?),
            "stock-level" => {
                let (item, location) = pair(&change.id)?;
                self.stock(side, number(&item)?, location)?
            }
            "price" => {
                let (list, item) = pair(&change.id)?;
                self.price(side, number(&list), item)?
            }
            _ => return None,
        };
        let field = FIELDS.into_iter().find(|it| *it == change.field)?;
        Some(Cell { record, field })
    }
}

/// The fields that are compared, whatever the kind.
const FIELDS: [&str; 8] = ["code", "title", "barcode", "active", "name", "on_hand", "amount", "breaks"];

/// Everything that both systems could hold alike, as `side` holds it.
#[must_use]
pub fn read(world: &World, names: &Names, side: Side) -> Held {
    match side {
        Side::Erp => read_erp(world, names),
        Side::Shop => read_shop(world, names),
    }
}

fn put(held: &mut Held, record: &str, field: &'static str, value: String) {
    held.insert(Cell { record: record.to_owned(), field }, value);
}

fn read_erp(world: &World, names: &Names) -> Held {
    let mut held = Held::new();
    for it in world.erp.items() {
        let record = format!("item/{}", it.code.to_lowercase());
        put(&mut held, &record, "code", it.code);
        put(&mut held, &record, "title", it.title.unwrap_or_default());
        put(&mut held, &record, "barcode", it.barcode.unwrap_or_default());
        put(&mut held, &record, "active", it.active.to_string());
    }
    for it in world.erp.stock() {
        if let Some(record) = names.stock(Side::Erp, it.item, it.location) {
            put(&mut held, &record, "on_hand", it.on_hand.to_string());
        }
    }
    let mut breaks: BTreeMap<String, Vec<(Decimal, Decimal)>> = BTreeMap::new();
    for it in world.erp.prices() {
        let Some(record) = names.price(Side::Erp, Some(it.level), it.item) else { continue };
        let rows = breaks.entry(record.clone()).or_default();
        if it.from == Decimal::ZERO {
            put(&mut held, &record, "amount", it.amount.to_string());
        } else {
            rows.push((it.from, it.amount));
        }
    }
    put_breaks(&mut held, breaks);
    for it in world.erp.customers() {
        let record = format!("company/{}", it.code);
        put(&mut held, &record, "code", it.code);
        put(&mut held, &record, "name", it.name.unwrap_or_default());
    }
    held
}

fn read_shop(world: &World, names: &Names) -> Held {
    let mut held = Held::new();
    for it in world.shop.items() {
        let record = format!("item/{}", it.code.to_lowercase());
        put(&mut held, &record, "code", it.code);
        put(&mut held, &record, "title", it.title);
        put(&mut held, &record, "barcode", it.barcode);
        put(&mut held, &record, "active", it.active.to_string());
    }
    for it in world.shop.stock() {
        if let Some(record) = names.stock(Side::Shop, it.item, it.location) {
            put(&mut held, &record, "on_hand", it.on_hand.to_string());
        }
    }
    let mut breaks: BTreeMap<String, Vec<(Decimal, Decimal)>> = BTreeMap::new();
    for it in world.shop.prices() {
        let Some(record) = names.price(Side::Shop, it.list, it.item) else { continue };
        breaks.insert(record.clone(), it.breaks.iter().map(|it| (it.from, it.amount)).collect());
        put(&mut held, &record, "amount", it.amount.to_string());
    }
    put_breaks(&mut held, breaks);
    for it in world.shop.companies() {
        let record = format!("company/{}", it.code);
        put(&mut held, &record, "code", it.code);
        put(&mut held, &record, "name", it.name);
    }
    held
}

/// The shop's own prices have no breaks, so those of that list are not compared.
fn put_breaks(held: &mut Held, breaks: BTreeMap<String, Vec<(Decimal, Decimal)>>) {
    let of_lists = breaks.into_iter().filter(|(record, _)| !record.starts_with("price/base/"));
    for (record, rows) in of_lists {
        put(held, &record, "breaks", spelled(rows));
    }
}

/// `10:9.5 50:9`
fn spelled(mut rows: Vec<(Decimal, Decimal)>) -> String {
    rows.sort();
    let rows: Vec<String> = rows.iter().map(|(from, amount)| format!("{from}:{amount}")).collect();
    rows.join(" ")
}

/// The value of a journal's line, spelled as [`read`] spells it.
#[must_use]
pub fn value(change: &journal::Change) -> String {
    if change.field != "breaks" {
        return change.value.clone();
    }
    #[derive(serde::Deserialize)]
    struct Row {
        from: Decimal,
        amount: Decimal,
    }
    let rows: Vec<Row> = serde_json::from_str(&change.value).unwrap_or_default();
    spelled(rows.into_iter().map(|it| (it.from, it.amount)).collect())
}
