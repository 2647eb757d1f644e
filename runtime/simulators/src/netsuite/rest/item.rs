//! Writing items and their prices.

use std::collections::BTreeMap;

use truthsource_core::{Decimal, UnixMs};

use super::super::body::{Body, Given};
use super::super::model::{Item, ItemType};
use super::super::problem::Problem;
use super::super::settings::name_of;
use super::super::state::State;
use super::Draft;

/// The price lists that a write changes, by (level, currency), with all their breaks.
pub(super) type PriceLists = BTreeMap<(u64, u64), BTreeMap<Decimal, Decimal>>;

pub(super) fn draft(state: &State, body: &mut Body, id: Option<u64>, ty: ItemType) -> Result<Draft, Problem> {
    let mut item = id.and_then(|it| state.items.get(&it)).cloned().unwrap_or_else(|| blank(ty));
    if let Given::Value(code) = body.text("itemId")? {
        item.code = code;
    }
    body.text("displayName")?.onto(&mut item.title);
    body.text("upcCode")?.onto(&mut item.barcode);
    body.text("externalId")?.onto(&mut item.external_id);
    if let Given::Value(is_inactive) = body.flag("isInactive")? {
        item.active = !is_inactive;
    }
    body.read_only(&["subsidiary", "locations", "lastModifiedDate", "createdDate", "itemType"]);
    let prices = price_lists(state, body, item.id)?;
    Ok(Draft::Item(item, prices))
}

fn blank(ty: ItemType) -> Item {
    Item {
        id: 0,
        external_id: None,
        code: String::new(),
        title: None,
        barcode: None,
        active: true,
        ty,
        created: UnixMs(0),
        modified: UnixMs(0),
    }
}

/// Reads the `price` sublist. An entry is one break of one list, keyed by currency, level and quantity; breaks that
/// are not named stay.
fn price_lists(state: &State, body: &mut Body, item: u64) -> Result<PriceLists, Problem> {
    let mut lists = PriceLists::new();
    for mut entry in body.sublist("price")?.unwrap_or_default() {
        let level = entry.reference("priceLevel")?;
        let level = reference(&entry, "priceLevel", level, |it| state.levels.contains_key(&it))?;
        let level = level.unwrap_or(1);
        let currencies = &state.settings.currencies;
        let currency = entry.reference("currencyPage")?;
        let currency = reference(&entry, "currencyPage", currency, |it| name_of(currencies, it).is_some())?;
        let currency = currency.unwrap_or(state.settings.base_currency());
        let from = entry.quantity("quantity")?.value().unwrap_or_default();
        if from.is_negative() {
            return Err(Problem::content(entry.path("quantity"), "Invalid value: a quantity is not below zero."));
        }
        let breaks = lists.entry((level, currency)).or_insert_with(|| state.breaks((item, level, currency)));
        match entry.number("price")? {
            Given::Absent => {}
            Given::Null => {
                breaks.remove(&from);
            }
            Given::Value(price) => {
                breaks.insert(from, price);
            }
        }
        entry.read_only(&["links", "priceLevelName"]);
        body.adopt_unknown(entry);
    }
    Ok(lists)
}

/// The internal id of a reference to something that exists.
pub(super) fn reference(
    body: &Body,
    name: &str,
    given: Given<String>,
    exists: impl Fn(u64) -> bool,
) -> Result<Option<u64>, Problem> {
    let Given::Value(text) = given else { return Ok(None) };
    let id = text.parse().ok().filter(|it| exists(*it));
    id.map(Some).ok_or_else(|| Problem::reference(&body.path(name), &text))
}
