//! Writing customers.

use truthsource_core::UnixMs;

use super::super::body::{Body, Given};
use super::super::model::{Customer, ItemPricing};
use super::super::problem::Problem;
use super::super::settings::name_of;
use super::super::state::State;
use super::Draft;
use super::item::reference;

pub(super) fn draft(state: &State, body: &mut Body, id: Option<u64>) -> Result<Draft, Problem> {
    let before = id.and_then(|it| state.customers.get(&it)).cloned();
    let is_new = before.is_none();
    let mut customer = before.unwrap_or_else(|| blank(state));
    if let Given::Value(code) = body.text("entityId")? {
        customer.code = code;
    }
    body.text("companyName")?.onto(&mut customer.name);
    body.text("email")?.onto(&mut customer.email);
    body.text("externalId")?.onto(&mut customer.external_id);
    if let Given::Value(is_inactive) = body.flag("isInactive")? {
        customer.active = !is_inactive;
    }
    let settings = &state.settings;
    let level = body.reference("priceLevel")?;
    match level {
        Given::Null => customer.price_level = None,
        given => {
            let level = reference(body, "priceLevel", given, |it| state.levels.contains_key(&it))?;
            customer.price_level = level.or(customer.price_level);
        }
    }
    let currency = body.reference("currency")?;
    let currency = reference(body, "currency", currency, |it| name_of(&settings.currencies, it).is_some())?;
    customer.currency = currency.unwrap_or(customer.currency);
    let subsidiary = body.reference("subsidiary")?;
    let subsidiary = reference(body, "subsidiary", subsidiary, |it| name_of(&settings.subsidiaries, it).is_some())?;
    if is_new && settings.one_world && subsidiary.is_none() {
        return Err(Problem::user("Please enter value(s) for: Primary Subsidiary"));
    }
    customer.subsidiary = subsidiary.unwrap_or(customer.subsidiary);
    if let Some(rows) = item_pricing(state, body)? {
        customer.item_pricing = rows;
    }
    body.read_only(&["dateCreated", "lastModifiedDate", "isPerson"]);
    Ok(Draft::Customer(customer))
}

fn blank(state: &State) -> Customer {
    Customer {
        id: 0,
        external_id: None,
        code: String::new(),
        name: None,
        email: None,
        active: true,
        price_level: None,
        currency: state.settings.base_currency(),
        subsidiary: state.settings.subsidiaries.first().map_or(1, |it| it.id),
        created: UnixMs(0),
        modified: UnixMs(0),
        item_pricing: Vec::new(),
    }
}

/// The customer's own prices; a write that names them replaces them.
fn item_pricing(state: &State, body: &mut Body) -> Result<Option<Vec<ItemPricing>>, Problem> {
    let Some(entries) = body.sublist("itemPricing")? else { return Ok(None) };
    let mut rows = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let item = entry.reference("item")?;
        let item = reference(&entry, "item", item, |it| state.items.get(&it).is_some())?;
        let item = item.ok_or_else(|| Problem::content(entry.path("item"), "Missing a required value: item."))?;
        let level = entry.reference("level")?;
        let level = reference(&entry, "level", level, |it| state.levels.contains_key(&it))?;
        let currencies = &state.settings.currencies;
        let currency = entry.reference("currency")?;
        let currency = reference(&entry, "currency", currency, |it| name_of(currencies, it).is_some())?;
        let currency = currency.unwrap_or(state.settings.base_currency());
        let price = entry.number("price")?.value();
        entry.read_only(&["links"]);
        body.adopt_unknown(entry);
        rows.push(ItemPricing { item, level, currency, price });
    }
    Ok(Some(rows))
}
