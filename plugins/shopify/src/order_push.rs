//! Writing orders: created under their command key; afterwards the PO number, what left of them, and that they are called
//! off.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::{Observed, Outcome, Write};
use truthsource_sdk::kinds::{Fulfilment, Line, Order, Record};
use truthsource_sdk::{Fault, Value};

use crate::batch::{Errors, Mutation, run};
use crate::charges;
use crate::custom_id::{self, COMMAND_KEY, NAMESPACE, Owner};
use crate::fulfilment;
use crate::gid::{gid, number};
use crate::graphql::{Shop, UserError};
use crate::item_push::read_created;
use crate::order::{SOURCE, find, read};
use crate::variant::{Reference, of_items};

pub(crate) fn push(shop: &Shop<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let mut defined: Option<Result<(), Outcome>> = None;
    let mut carry_out = |write: &Write| match &write.remote_id {
        Some(id) => change(shop, id, write),
        None => match defined.get_or_insert_with(|| custom_id::ensure(shop, Owner::Order)) {
            Ok(()) => create(shop, write),
            Err(outcome) => Ok(outcome.clone()),
        },
    };
    Ok(writes.iter().map(|write| carry_out(write).unwrap_or_else(Outcome::not_written)).collect())
}

fn change(shop: &Shop<'_>, id: &String, write: &Write) -> Result<Outcome, Fault> {
    let look = || Ok::<_, Fault>(read(shop, std::slice::from_ref(id))?.into_iter().next());
    let Some(held) = look()? else { return Ok(Outcome::Stale(Observed::Absent(id.clone()))) };
    if write.is_done(&held.fields) {
        return Ok(Outcome::Applied(held));
    }
    if !write.is_current(&held.fields) {
        return Ok(Outcome::Stale(Observed::Present(held)));
    }
    let is_written = |it: &&String| matches!(it.as_str(), "po_number" | "fulfilments" | "status");
    if let Some(fixed) = write.changed.iter().find(|it| !is_written(it)) {
        return Ok(Outcome::rejected("create-only", format!("`{fixed}` of an order is not changed")));
    }
    if let Some(wait_ms) = still_to_come(shop, write) {
        let why = "an earlier try was not answered, and may still be carried out";
        return Ok(Outcome::Retry(Some(wait_ms), why.to_owned()));
    }
    let (want, known) = (Order::from_fields(&write.want)?, Order::from_fields(&held.fields)?);
    for name in &write.changed {
        let sent = match name.as_str() {
            "fulfilments" => ship(shop, id, (&want, &known))?,
            "status" => call_off(shop, id),
            _ => rename(shop, id, write),
        };
        if let Err(outcome) = sent {
            let is_first = Some(name) == write.changed.first();
            return Ok(if is_first { outcome } else { Outcome::Unknown(format!("{name}: {outcome:?}")) });
        }
    }
    Ok(match read_created(look()) {
        // Calling off is a job of the shop's, which may not be done yet.
        Outcome::Applied(now) if write.changes("status") && !write.is_done(&now.fields) => {
            Outcome::Unknown("the shop has not called it off yet".to_owned())
        }
        outcome => outcome,
    })
}

/// How long a request that nobody waits for any more may still be carried out.
const IN_FLIGHT_MS: u64 = 5_000;

/// How long to wait for an earlier try that told of a parcel: no key keeps a second fulfilment from being made.
fn still_to_come(shop: &Shop<'_>, write: &Write) -> Option<u32> {
    let until = write.first_sent_ms.filter(|_| write.changes("fulfilments"))?.saturating_add(IN_FLIGHT_MS);
    let left = until.checked_sub(shop.ctx.now_ms).filter(|it| *it > 0)?;
    Some(u32::try_from(left).unwrap_or(u32::MAX))
}

/// Tells what left and is not here yet.
fn ship(shop: &Shop<'_>, id: &str, (want, held): (&Order, &Order)) -> Result<Result<(), Outcome>, Fault> {
    let (want, held) = (want.fulfilments.as_ref(), held.fulfilments.as_ref());
    let (want, held) = (want.cloned().unwrap_or_default(), held.cloned().unwrap_or_default());
    match Fulfilment::missing(&want, &held) {
        Some(left) => fulfilment::create(shop, id, &left, shop.settings.notifies),
        None => {
            let why =
                "something was fulfilled here that did not leave where the order is shipped from: somebody has to look";
            Ok(Err(Outcome::rejected("fulfilled-here", why.to_owned())))
        }
    }
}

/// Calls an order off, and puts what was committed to it back on the shelf. Nothing is paid back: that is for a person.
fn call_off(shop: &Shop<'_>, id: &str) -> Result<(), Outcome> {
    sent(run(
        shop,
        &[Mutation {
            name: "orderCancel",
            arguments: vec![("orderId", "ID!", json!(gid("Order", id)))],
            constants: ", reason: OTHER, restock: true, notifyCustomer: false",
            errors: Errors::Plain,
            key: None,
        }],
    ))
}

fn sent(results: Vec<Result<Option<UserError>, Outcome>>) -> Result<(), Outcome> {
    match results.into_iter().next() {
        Some(Ok(None)) => Ok(()),
        Some(Ok(Some(error))) => Err(error.rejection()),
        Some(Err(outcome)) => Err(outcome),
        None => Err(Outcome::Unknown("not decided".to_owned())),
    }
}

fn rename(shop: &Shop<'_>, id: &str, write: &Write) -> Result<(), Outcome> {
    let input = json!({ "id": gid("Order", id), "poNumber": text(write, "po_number") });
    let mutation = Mutation {
        name: "orderUpdate",
        arguments: vec![("input", "OrderInput!", input)],
        constants: "",
        errors: Errors::Plain,
        key: None,
    };
    sent(run(shop, &[mutation]))
}

fn text(write: &Write, name: &str) -> Json {
    if let Some(Value::Text(text)) = write.want.get(name) { json!(text) } else { Json::Null }
}

const CREATE: &str = "mutation Create($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) { \
                      orderCreate(order: $order, options: $options) { order { id } userErrors { code field message } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    order_create: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

/// Creates an order that was taken elsewhere. Stock is left alone: whoever took the order has counted it.
fn create(shop: &Shop<'_>, write: &Write) -> Result<Outcome, Fault> {
    if let Some(held) = find(shop, &write.command_key)? {
        return Ok(Outcome::Applied(held));
    }
    let wanted = Order::from_fields(&write.want)?;
    let lines = wanted.lines.as_ref().cloned().unwrap_or_default();
    let Some(currency) = wanted.currency.as_ref().filter(|_| !lines.is_empty()) else {
        return Ok(Outcome::rejected("incomplete", "an order needs lines and a currency"));
    };
    let lines = match line_items(shop, &lines, currency)? {
        Ok(lines) => lines,
        Err(outcome) => return Ok(outcome),
    };
    let mut order = Map::new();
    order.insert("lineItems".to_owned(), Json::Array(lines));
    order.insert("currency".to_owned(), json!(currency));
    order.insert("sourceIdentifier".to_owned(), json!(write.command_key));
    order.insert("sourceName".to_owned(), json!(SOURCE));
    let metafield = json!({ "namespace": NAMESPACE, "key": COMMAND_KEY, "value": write.command_key, "type": "id" });
    order.insert("metafields".to_owned(), json!([metafield]));
    order.insert("poNumber".to_owned(), text(write, "po_number"));
    if let Some(placed_at) = wanted.placed_at.as_ref().filter(|it| it.contains('T')) {
        order.insert("processedAt".to_owned(), json!(placed_at));
    }
    charges::write(&mut order, wanted.charges.as_ref().map(Vec::as_slice).unwrap_or_default(), currency);
    if let Some(company) = wanted.company.as_ref() {
        match company_location(shop, company)? {
            Some(location) => drop(order.insert("companyLocationId".to_owned(), json!(location))),
            None => {
                return Ok(Outcome::rejected("no-location", format!("company {company} has no location to buy for")));
            }
        }
    }
    let variables = json!({ "order": order, "options": { "inventoryBehaviour": "BYPASS", "sendReceipt": false } });
    let created: Created = match shop.mutate(CREATE, variables) {
        Ok(created) => created,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(error) = created.order_create.as_ref().and_then(|it| it.user_errors.first()) {
        return Ok(error.rejection());
    }
    Ok(read_created(find(shop, &write.command_key)))
}

/// The lines as the shop takes them, or why it would not.
fn line_items(shop: &Shop<'_>, lines: &[Line], currency: &str) -> Result<Result<Vec<Json>, Outcome>, Fault> {
    let items: Vec<String> = lines.iter().filter_map(|it| it.item.clone()).collect();
    let mut variants: BTreeMap<String, String> = BTreeMap::new();
    for variant in of_items(shop, &items)? {
        variants.insert(variant.item()?, variant.id);
    }
    let mut written = Vec::with_capacity(lines.len());
    for line in lines {
        let sku = line.sku.as_deref().unwrap_or("without SKU");
        let Some(variant) = line.item.as_ref().and_then(|it| variants.get(it)) else {
            return Ok(Err(Outcome::rejected("no-item", format!("line {sku} has no item here"))));
        };
        let Some(quantity) = line.quantity.whole() else {
            return Ok(Err(Outcome::rejected("fraction", format!("line {sku} has a fraction of a piece"))));
        };
        let price = json!({ "shopMoney": { "amount": line.unit_price.to_string(), "currencyCode": currency } });
        written.push(json!({ "variantId": variant, "quantity": quantity, "priceSet": price }));
    }
    Ok(Ok(written))
}

#[derive(Deserialize)]
struct Companies {
    company: Option<Company>,
}

#[derive(Deserialize)]
struct Company {
    locations: crate::cursor::Nodes<Reference>,
}

/// The location that a company buys for: its first.
fn company_location(shop: &Shop<'_>, company: &str) -> Result<Option<String>, Fault> {
    let document = "query Location($id: ID!) { company(id: $id) { locations(first: 1) { nodes { id } } } }";
    let found: Companies = shop.query(document, json!({ "id": gid("Company", &number(company)?) }))?;
    Ok(found.company.and_then(|it| it.locations.nodes.into_iter().next()).map(|it| it.id))
}
