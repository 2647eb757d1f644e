//! What the environment holds, in canonical terms, for code in the same process.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use truthsource_core::{Decimal, UnixMs};

use super::super::guid::Guid;
use super::super::table::{Cell, Row};
use super::super::view::joined;
use super::super::{moment, token};
use super::catalogue::Set;
use super::human::BASE;
use super::settings::Settings;
use super::state::{State, Subject};
use super::{BusinessCentral, state};
use crate::dynamics::rows::{CustomerRow, ItemRow, LocationRow, OrderLineRow, OrderRow, PriceRow, StockRow};

/// A webhook subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubscriptionRow {
    /// `subscriptionId`
    pub id: String,
    /// What it is told of.
    pub resource: String,
    /// Where to.
    pub url: String,
    /// When it ends.
    pub expires: UnixMs,
}

/// Snapshots. Rows are in the order of their ids.
impl BusinessCentral {
    /// The set-up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.with(|state| state.settings.clone())
    }

    /// The application that may call.
    #[must_use]
    pub fn application(&self) -> token::Application {
        self.with(|state| state.settings.application.clone())
    }

    /// Every item.
    #[must_use]
    pub fn items(&self) -> Vec<ItemRow> {
        self.with(|state| state.table(Set::Items).rows().map(item_row).collect())
    }

    /// The item of this number or id.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<ItemRow> {
        self.with(|state| state.named(Set::Items, name).ok().map(item_row))
    }

    /// Every customer.
    #[must_use]
    pub fn customers(&self) -> Vec<CustomerRow> {
        self.with(|state| state.table(Set::Customers).rows().map(|it| customer_row(state, it)).collect())
    }

    /// Every location.
    #[must_use]
    pub fn locations(&self) -> Vec<LocationRow> {
        let row = |it: &Row| LocationRow {
            id: it.id,
            code: it.text("code").to_owned(),
            name: it.text("displayName").to_owned(),
        };
        self.with(|state| state.table(Set::Locations).rows().map(row).collect())
    }

    /// All stock.
    #[must_use]
    pub fn stock(&self) -> Vec<StockRow> {
        self.with(|state| state.table(Set::Stocks).rows().map(stock_row).collect())
    }

    /// Stock of an item at a location, by number and code, whatever their case.
    #[must_use]
    pub fn stock_at(&self, item: &str, location: &str) -> Option<StockRow> {
        // Codes are in capitals.
        let id = joined(&item.to_uppercase(), &location.to_uppercase());
        let is_it = |it: &StockRow| it.id == id;
        self.with(|state| state.table(Set::Stocks).rows().map(stock_row).find(is_it))
    }

    /// All prices: the items' own, then those of the lists.
    #[must_use]
    pub fn prices(&self) -> Vec<PriceRow> {
        self.with(|state| {
            let own = state.table(Set::Items).rows().map(|it| (None, it.id));
            let lines: BTreeSet<_> = state.table(Set::PriceLines).rows().map(state::price_key).collect();
            let keys = own.chain(lines.into_iter().map(|(list, item)| (Some(list), item)));
            keys.filter_map(|(list, item)| price_row(state, list, item)).collect()
        })
    }

    /// Every sales order, those included that were posted and are gone.
    #[must_use]
    pub fn orders(&self) -> Vec<OrderRow> {
        self.with(|state| {
            let ids = state.table(Set::Orders).rows().chain(state.table(Set::PastOrders).rows()).map(|it| it.id);
            let ids: BTreeSet<Guid> = ids.collect();
            ids.into_iter().filter_map(|it| order_row(state, it)).collect()
        })
    }

    /// What has left, by the number of its order: the carrier's number, the item's number, how many.
    #[must_use]
    pub fn parcels(&self) -> BTreeMap<String, Vec<(String, String, Decimal)>> {
        self.with(|state| {
            let mut parcels: BTreeMap<String, Vec<(String, String, Decimal)>> = BTreeMap::new();
            for shipment in state.table(Set::Shipments).rows() {
                let tracking = shipment.text("packageTrackingNo").to_owned();
                let of_order = parcels.entry(shipment.text("orderNumber").to_owned()).or_default();
                let lines = state.table(Set::ShipmentLines).owned_by(shipment.id);
                let lines = lines.filter(|it| it.text("lineType") == "Item");
                let line = |it: &Row| (tracking.clone(), it.text("lineObjectNumber").to_owned(), it.number("quantity"));
                of_order.extend(lines.map(line));
            }
            parcels
        })
    }

    /// Every subscription that has not ended by `now`.
    #[must_use]
    pub fn subscriptions(&self, now: UnixMs) -> Vec<SubscriptionRow> {
        let row = |it: &super::webhooks::Subscription| SubscriptionRow {
            id: it.id.clone(),
            resource: it.resource.clone(),
            url: it.url.clone(),
            expires: it.expires,
        };
        self.with(|state| state.subscriptions.living(now).map(row).collect())
    }
}

fn item_row(it: &Row) -> ItemRow {
    ItemRow {
        id: it.id,
        code: it.text("number").to_owned(),
        title: it.text("displayName").to_owned(),
        barcode: it.text("gtin").to_owned(),
        active: !it.flag("blocked"),
        modified: it.modified,
    }
}

fn customer_row(state: &State, it: &Row) -> CustomerRow {
    CustomerRow {
        id: it.id,
        code: it.text("number").to_owned(),
        name: it.text("displayName").to_owned(),
        email: it.text("email").to_owned(),
        currency: state.iso(it.text("currencyCode")),
        active: it.text("blocked") == " ",
    }
}

fn stock_row(it: &Row) -> StockRow {
    let (item, location) = state::place_of(it);
    StockRow {
        id: joined(it.text("itemNumber"), it.text("locationCode")),
        item,
        location: Some(location).filter(|it| !it.is_zero()),
        on_hand: it.number("quantity"),
        ordered: it.number("quantityOnSalesOrder"),
    }
}

fn price_row(state: &State, list: Option<Guid>, item: Guid) -> Option<PriceRow> {
    let view = state.view(Subject::Price { list, item })?;
    let text = |name: &str| view.fields.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value.as_str());
    let code = list.and_then(|it| state.row(Set::PriceLists, it)).map(|it| it.text("code").to_owned());
    Some(PriceRow {
        list: code.unwrap_or_else(|| BASE.to_owned()),
        item,
        currency: text("currency").to_owned(),
        amount: text("amount").parse().ok(),
        breaks: serde_json::from_str(text("breaks")).unwrap_or_default(),
        id: view.id.clone(),
    })
}

fn order_row(state: &State, id: Guid) -> Option<OrderRow> {
    let view = state.view(Subject::Order(id))?;
    let text = |name: &str| view.fields.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value.as_str());
    let live = state.row(Set::Orders, id);
    let (head, lines) = match live {
        Some(head) => (head, state.lines_of(id)),
        None => (state.row(Set::PastOrders, id)?, state.table(Set::PastLines).owned_by(id).cloned().collect()),
    };
    let placed = if let Some(Cell::Day(day)) = head.cell("orderDate") { *day } else { moment::no_day() };
    let line = |it: &Row| OrderLineRow {
        item: it.reference("itemId"),
        sku: it.text("lineObjectNumber").to_owned(),
        quantity: it.number("quantity"),
        shipped: it.number("shippedQuantity"),
        unit_price: it.number("unitPrice"),
    };
    Some(OrderRow {
        id,
        number: text("number").to_owned(),
        company: head.reference("customerId"),
        po_number: text("po_number").to_owned(),
        currency: text("currency").to_owned(),
        placed_at: placed.to_string(),
        status: text("status").to_owned(),
        total: head.number("totalAmountIncludingTax"),
        is_gone: live.is_none(),
        lines: lines.iter().filter(|it| it.text("lineType") == "Item").map(line).collect(),
        accounts: lines
            .iter()
            .filter(|it| it.text("lineType") == "Account")
            .map(|it| (it.text("lineObjectNumber").to_owned(), it.number("netAmount")))
            .collect(),
        comments: lines
            .iter()
            .filter(|it| it.text("lineType") == "Comment")
            .map(|it| it.text("description").to_owned())
            .collect(),
    })
}
