//! Records as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use truthsource_core::{Decimal, UnixMs};

use super::super::model::{Customer, Item, Line, Location, Transaction, TransactionType};
use super::super::settings::{Named, name_of};
use super::super::state::State;
use super::super::wire;
use super::kind::RecordType;
use crate::system::Request;

/// How much of a record is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Sublists as links.
    Links,
    /// Sublists in full.
    Full,
}

/// Where a record is shown, and how much of it.
struct View<'a> {
    state: &'a State,
    request: &'a Request,
    url: String,
    detail: Detail,
}

/// A record that exists; an empty object otherwise.
pub(super) fn record(
    state: &State,
    request: &Request,
    (ty, id): (RecordType, u64),
    detail: Detail,
) -> Map<String, Value> {
    let url = wire::record_url(request, &format!("{}/{id}", ty.name()));
    let view = View { state, request, url, detail };
    let shown = match ty {
        RecordType::Item(_) => state.items.get(&id).map(|it| view.item(it)),
        RecordType::Customer => state.customers.get(&id).map(|it| view.customer(it)),
        RecordType::Location => state.locations.get(&id).map(location),
        RecordType::PriceLevel => state.levels.get(&id).map(price_level),
        RecordType::SalesOrder | RecordType::InventoryAdjustment | RecordType::ItemFulfillment => {
            state.transactions.get(&id).map(|it| view.transaction(it))
        }
    };
    let Some(Value::Object(mut members)) = shown else { return Map::new() };
    members.retain(|_, it| !it.is_null());
    members.insert("links".to_owned(), wire::self_link(&view.url));
    members.insert("id".to_owned(), json!(id.to_string()));
    members
}

fn location(it: &Location) -> Value {
    json!({ "name": it.name, "isInactive": !it.active, "lastModifiedDate": minute(it.modified) })
}

fn price_level(it: &Named) -> Value {
    json!({ "name": it.name, "isInactive": false })
}

impl View<'_> {
    fn item(&self, it: &Item) -> Value {
        json!({
            "itemId": it.code,
            "displayName": it.title,
            "upcCode": it.barcode,
            "externalId": it.external_id,
            "isInactive": !it.active,
            "itemType": { "id": it.ty.sql_name(), "refName": it.ty.sql_name() },
            "createdDate": minute(it.created),
            "lastModifiedDate": minute(it.modified),
            "subsidiary": self.sublist("subsidiary", || self.subsidiaries()),
            "price": self.sublist("price", || self.prices(it.id)),
            "locations": self.sublist("locations", || self.stock(it.id)),
        })
    }

    fn subsidiaries(&self) -> Vec<Value> {
        self.state
            .settings
            .subsidiaries
            .iter()
            .map(|it| json!({ "id": it.id.to_string(), "refName": it.name }))
            .collect()
    }

    fn prices(&self, item: u64) -> Vec<Value> {
        let row = |(key, amount): (&super::super::model::PriceKey, &Decimal)| {
            let level = self.state.levels.get(&key.level).map(|it| it.name.as_str());
            let currency = name_of(&self.state.settings.currencies, key.currency);
            json!({
                "currencyPage": { "id": key.currency.to_string(), "refName": currency },
                "priceLevel": { "id": key.level.to_string(), "refName": level },
                "priceLevelName": level,
                "quantity": { "value": key.from.to_string() },
                "price": float(*amount),
            })
        };
        self.state.prices_of(item).map(row).collect()
    }

    fn stock(&self, item: u64) -> Vec<Value> {
        let keys = super::super::model::StockKey { item, location: 0 };
        let rows = self.state.stock.rows().range(keys..).take_while(|(key, _)| key.item == item);
        rows.map(|(key, it)| {
            json!({
                "locationId": key.location,
                "location_display": self.state.locations.get(&key.location).map(|it| it.name.as_str()),
                "quantityOnHand": float(it.on_hand),
                "quantityAvailable": float(it.available()),
                "quantityCommitted": float(it.committed()),
                "quantityBackOrdered": float(it.backordered()),
                "quantityOnOrder": 0.0,
            })
        })
        .collect()
    }

    fn customer(&self, it: &Customer) -> Value {
        let currencies = &self.state.settings.currencies;
        let currency = name_of(currencies, it.currency).unwrap_or_default();
        let level = it.price_level.and_then(|it| self.state.levels.get(&it));
        let subsidiary = name_of(&self.state.settings.subsidiaries, it.subsidiary).unwrap_or_default();
        let pricing = || {
            let rows = it.item_pricing.iter().map(|row| {
                let code = self.state.items.get(&row.item).map_or("", |it| it.code.as_str());
                let level = row.level.and_then(|it| self.state.levels.get(&it));
                json!({
                    "item": self.reference("inventoryItem", row.item, code),
                    "level": level.map(|it| self.reference("priceLevel", it.id, &it.name)),
                    "currency": self.reference("currency", row.currency, name_of(currencies, row.currency).unwrap_or_default()),
                    "price": row.price.map(float),
                })
            });
            rows.collect()
        };
        json!({
            "entityId": it.code,
            "companyName": it.name,
            "email": it.email,
            "externalId": it.external_id,
            "isInactive": !it.active,
            "isPerson": false,
            "priceLevel": level.map(|it| self.reference("priceLevel", it.id, &it.name)),
            "currency": self.reference("currency", it.currency, currency),
            "subsidiary": self.reference("subsidiary", it.subsidiary, subsidiary),
            "dateCreated": minute(it.created),
            "lastModifiedDate": minute(it.modified),
            "itemPricing": self.sublist("itemPricing", pricing),
        })
    }

    fn transaction(&self, it: &Transaction) -> Value {
        let settings = &self.state.settings;
        let customer = it.entity.and_then(|it| self.state.customers.get(&it));
        let status = it.status.map(|it| json!({ "id": it.letter(), "refName": it.title() }));
        let is_order = it.ty == TransactionType::SalesOrd;
        let lines = if it.ty == TransactionType::InvAdjst { "inventory" } else { "item" };
        let account = it
            .account
            .map(|id| self.reference("account", id, name_of(&settings.adjustment_accounts, id).unwrap_or_default()));
        let mut shown = json!({
            "tranId": it.number,
            "tranDate": it.day.to_string(),
            "externalId": it.external_id,
            "entity": customer.map(|it| self.reference("customer", it.id, &it.code)),
            "account": account,
            "subsidiary": self.reference("subsidiary", it.subsidiary, name_of(&settings.subsidiaries, it.subsidiary).unwrap_or_default()),
            "memo": it.memo,
            "createdDate": minute(it.created),
            "lastModifiedDate": minute(it.modified),
            lines: self.sublist(lines, || it.lines.iter().map(|line| self.line(it, line)).collect()),
        });
        if is_order {
            shown["currency"] =
                self.reference("currency", it.currency, name_of(&settings.currencies, it.currency).unwrap_or_default());
            shown["exchangeRate"] = json!(1.0);
            shown["otherRefNum"] = json!(it.po_number);
            shown["subtotal"] = float(it.total());
            shown["taxTotal"] = json!(0.0);
            shown["total"] = float(it.total());
            shown["orderStatus"] = json!(status);
            shown["status"] = json!(status);
        }
        if it.ty == TransactionType::InvAdjst {
            shown["adjLocation"] = json!(it.location.map(|id| self.location(id)));
        }
        if let Some(order) = it.created_from {
            shown["shipMethod"] = json!(it.carrier.as_ref().map(|it| json!({ "id": it, "refName": it })));
            let package = it.tracking.as_ref().map(|it| json!({ "packageTrackingNumber": it }));
            shown["package"] = self.sublist("package", || package.into_iter().collect());
            shown["createdFrom"] = self.reference("salesOrder", order, &format!("Sales Order #SO{order}"));
        }
        shown
    }

    fn line(&self, transaction: &Transaction, it: &Line) -> Value {
        let item = self.state.items.get(&it.item);
        let (kind, code) = item.map_or(("inventoryItem", ""), |it| (it.ty.rest_name(), it.code.as_str()));
        let quantity = if transaction.ty == TransactionType::InvAdjst { "adjustQtyBy" } else { "quantity" };
        let mut line = json!({
            "line": it.number,
            "item": self.reference(kind, it.item, code),
            quantity: float(it.quantity),
            "location": transaction.location_of(it).map(|id| self.location(id)),
        });
        if transaction.ty == TransactionType::SalesOrd {
            line["rate"] = json!(it.rate.map(float));
            line["amount"] = json!(it.amount.map(float));
            line["quantityFulfilled"] = float(it.fulfilled);
            line["quantityBilled"] = json!(0.0);
        }
        if let Some(members) = line.as_object_mut() {
            members.retain(|_, it| !it.is_null());
        }
        line
    }

    fn location(&self, id: u64) -> Value {
        self.reference("location", id, self.state.locations.get(&id).map_or("", |it| it.name.as_str()))
    }

    fn reference(&self, ty: &str, id: u64, name: &str) -> Value {
        let url = wire::record_url(self.request, &format!("{ty}/{id}"));
        json!({ "links": wire::self_link(&url), "id": id.to_string(), "refName": name })
    }

    /// A sublist in full, or the link to it.
    fn sublist(&self, name: &str, rows: impl FnOnce() -> Vec<Value>) -> Value {
        let links = wire::self_link(&format!("{}/{name}", self.url));
        if self.detail == Detail::Links {
            return json!({ "links": links });
        }
        let rows = rows();
        let count = rows.len();
        json!({ "links": links, "items": rows, "totalResults": count, "count": count, "hasMore": false, "offset": 0 })
    }
}

/// A number as records show it: a binary float.
fn float(number: Decimal) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, |it| json!(it))
}

/// A moment as records show it: UTC, whole minutes.
fn minute(at: UnixMs) -> String {
    let second = i64::try_from(at.0 / 60_000 * 60).unwrap_or(0);
    Timestamp::from_second(second).map(|it| it.to_string()).unwrap_or_default()
}
