//! What people see at the shop's own screens.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::state::companies::Company;
use super::state::items::{Item, Status};
use super::state::orders::{Financial, Fulfillment, Order};
use super::state::prices::BreakText;
use super::state::stock::{Level, Location};
use super::{Shopify, moments};

/// The tag that people give an order that they have looked into.
pub const RELEASED: &str = "released";

/// An item as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// The inventory item's number.
    pub id: u64,
    /// The variant's number.
    pub variant: u64,
    /// The product's number.
    pub product: u64,
    /// The variant's stock-keeping unit.
    pub code: String,
    /// The product's title.
    pub title: String,
    /// The variant's barcode.
    pub barcode: String,
    /// Whether the product is for sale.
    pub active: bool,
    /// When any of it last changed.
    pub updated_at: UnixMs,
}

/// Stock as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockView {
    /// `{item}:{location}`.
    pub id: String,
    /// The inventory item's number.
    pub item: u64,
    /// The location's number.
    pub location: u64,
    /// What is physically there.
    pub on_hand: i64,
    /// What can be sold.
    pub available: i64,
    /// What orders wait for.
    pub committed: i64,
}

/// A price as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceView {
    /// `{price list}:{item}`, or `base:{item}` for the shop's own price.
    pub id: String,
    /// The price list's number; `None`: the shop's own price.
    pub list: Option<u64>,
    /// The inventory item's number.
    pub item: u64,
    /// What it is in.
    pub currency: String,
    /// The price of one.
    pub amount: Decimal,
    /// Prices from so many on.
    pub breaks: Vec<BreakText>,
}

/// A company as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyView {
    /// Its number.
    pub id: u64,
    /// Its external id.
    pub code: String,
    /// What it is called.
    pub name: String,
    /// The numbers of its locations.
    pub locations: Vec<u64>,
}

/// A location as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationView {
    /// Its number.
    pub id: u64,
    /// What it is called.
    pub name: String,
    /// Whether it is in use.
    pub active: bool,
}

/// An order as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its number as an object.
    pub id: u64,
    /// What people call it: `#1001`.
    pub name: String,
    /// The buyer's purchase-order number.
    pub po_number: Option<String>,
    /// What the caller that made it calls it.
    pub source_identifier: Option<String>,
    /// The company that bought.
    pub company: Option<u64>,
    /// The company location it is for.
    pub company_location: Option<u64>,
    /// What the buyer pays in.
    pub currency: String,
    /// What the buyer pays, taxes included, for what is still wanted.
    pub total: Decimal,
    /// What is charged beside the lines: `shipping`, `tax` and `discount`, the last below zero.
    pub charges: Vec<(String, Decimal)>,
    /// Its lines.
    pub lines: Vec<OrderLineView>,
    /// What left of it: the carrier's number, the stock-keeping unit, how many.
    pub parcels: Vec<(String, String, i32)>,
    /// Whether it is paid.
    pub paid: bool,
    /// Whether somebody or something holds it.
    pub held: bool,
    /// Whether it was cancelled.
    pub cancelled: bool,
    /// Whether all of it was shipped.
    pub fulfilled: bool,
    /// When it was made, UTC.
    pub created_at: String,
    /// When it last changed, UTC.
    pub updated_at: String,
}

/// A line of an order as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLineView {
    /// Its number as an object.
    pub id: u64,
    /// The inventory item; it may be gone by now.
    pub item: Option<u64>,
    /// The stock-keeping unit as it was.
    pub code: Option<String>,
    /// How many were bought.
    pub quantity: i32,
    /// How many of them are still wanted.
    pub current_quantity: i32,
    /// The price of one.
    pub price: Decimal,
}

impl Shopify {
    /// All items, by number.
    #[must_use]
    pub fn items(&self) -> Vec<ItemView> {
        let state = self.state();
        let view = |item: &Item| {
            let variant = state.variants.get(item.variant)?;
            let product = state.products.get(variant.product)?;
            Some(ItemView {
                id: item.id,
                variant: variant.id,
                product: product.id,
                code: variant.sku.clone().unwrap_or_default(),
                title: product.title.clone(),
                barcode: variant.barcode.clone().unwrap_or_default(),
                active: product.status == Status::Active,
                updated_at: item.updated.max(variant.updated).max(product.updated),
            })
        };
        state.items.iter().filter_map(|it| view(it)).collect()
    }

    /// All stock, by location and item.
    #[must_use]
    pub fn stock(&self) -> Vec<StockView> {
        let state = self.state();
        let view = |level: &Level| StockView {
            id: format!("{}:{}", level.item, level.location),
            item: level.item,
            location: level.location,
            on_hand: level.on_hand(),
            available: level.available(),
            committed: level.quantity("committed").unwrap_or(0),
        };
        state.levels.iter().map(|it| view(it)).collect()
    }

    /// What is physically at a location; `None` if the item is not stocked there.
    #[must_use]
    pub fn on_hand(&self, item: u64, location: u64) -> Option<i64> {
        self.state().level(location, item).map(|it| it.on_hand())
    }

    /// All prices: the shop's own by item, then those of each price list.
    #[must_use]
    pub fn prices(&self) -> Vec<PriceView> {
        let state = self.state();
        let own = state.variants.iter().map(|it| PriceView {
            id: format!("base:{}", it.item),
            list: None,
            item: it.item,
            currency: state.settings.currency.clone(),
            amount: it.price,
            breaks: Vec::new(),
        });
        let fixed = state.fixed.iter().filter_map(|((list, variant), fixed)| {
            let item = state.variants.get(*variant)?.item;
            let breaks = fixed.breaks.iter().map(|(from, it)| BreakText { from: (*from).into(), amount: it.price });
            Some(PriceView {
                id: format!("{list}:{item}"),
                list: Some(*list),
                item,
                currency: state.price_lists.get(*list)?.currency.clone(),
                amount: fixed.price?,
                breaks: breaks.collect(),
            })
        });
        own.chain(fixed).collect()
    }

    /// All companies, by number.
    #[must_use]
    pub fn companies(&self) -> Vec<CompanyView> {
        let view = |it: &Company| CompanyView {
            id: it.id,
            code: it.external_id.clone().unwrap_or_default(),
            name: it.name.clone(),
            locations: it.locations.clone(),
        };
        self.state().companies.iter().map(|it| view(it)).collect()
    }

    /// All stock locations, by number.
    #[must_use]
    pub fn locations(&self) -> Vec<LocationView> {
        let state = self.state();
        let view = |it: &Location| LocationView { id: it.id, name: it.name.clone(), active: it.is_active };
        state.locations.iter().map(|it| view(it)).collect()
    }

    /// All orders, by number.
    #[must_use]
    pub fn orders(&self) -> Vec<OrderView> {
        self.state().orders.iter().map(|it| order_view(it)).collect()
    }
}

fn charges(order: &Order) -> Vec<(String, Decimal)> {
    let taxes = order.current_taxes().into_iter().map(|it| ("tax", it.price.presentment));
    let shipping = ("shipping", order.current_shipping().presentment);
    let discount = ("discount", order.current_discount().negated().presentment);
    let all = taxes.chain([shipping, discount]).filter(|(_, amount)| *amount != Decimal::ZERO);
    all.map(|(kind, amount)| (kind.to_owned(), amount)).collect()
}

fn order_view(order: &Order) -> OrderView {
    let lines = order.lines.iter().map(|it| OrderLineView {
        id: it.id,
        item: it.item,
        code: it.sku.clone(),
        quantity: it.quantity,
        current_quantity: it.current_quantity,
        price: it.price.presentment,
    });
    OrderView {
        id: order.id,
        name: order.name.clone(),
        po_number: order.about.po_number.clone(),
        source_identifier: order.about.source_identifier.clone(),
        company: order.purchaser.map(|it| it.company),
        company_location: order.purchaser.map(|it| it.location),
        currency: order.about.presentment_currency.clone(),
        total: order.current_total().presentment,
        charges: charges(order),

        lines: lines.collect(),
        parcels: order
            .parcels
            .iter()
            .flat_map(|parcel| parcel.lines.iter().map(move |it| (parcel, it)))
            .map(|(parcel, (line, n))| {
                let line = order.lines.iter().find(|it| it.id == *line).and_then(|it| it.sku.clone());
                (parcel.tracking.clone().unwrap_or_default(), line.unwrap_or_default(), *n)
            })
            .collect(),
        paid: order.financial == Financial::Paid,
        held: order.about.on_hold || order.about.risky && !order.about.tags.iter().any(|it| it == RELEASED),
        cancelled: order.cancelled.is_some(),
        fulfilled: order.fulfillment == Fulfillment::Fulfilled,
        created_at: moments::utc(order.created),
        updated_at: moments::utc(order.updated),
    }
}
