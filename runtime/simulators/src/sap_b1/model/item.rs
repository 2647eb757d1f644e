//! Items, with their stock and their prices, and the warehouses that hold them.

use std::collections::BTreeMap;

use serde::Serialize;
use truthsource_core::Decimal;

use super::super::clock::Stamp;
use super::super::json::Json;
use super::super::problem::Problem;
use super::super::shape::{
    Collection, Datum, Edm, Property, Rules, Shape, UserFields, YES_NO, fill, int, maybe, show_all, text, yes_no,
};

/// Something that is sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `ItemCode`, which never changes.
    pub code: String,
    /// `ItemName`.
    pub name: Option<String>,
    /// `ForeignName`.
    pub foreign_name: Option<String>,
    /// `BarCode`.
    pub barcode: Option<String>,
    /// `ItemsGroupCode`.
    pub group: i64,
    /// `InventoryItem`: it is counted.
    pub is_inventory: bool,
    /// `SalesItem`: it is sold.
    pub is_sales: bool,
    /// `Valid`.
    pub valid: bool,
    /// `Frozen`.
    pub frozen: bool,
    /// `ManageBatchNumbers`.
    pub has_batches: bool,
    /// `ManageSerialNumbers`.
    pub has_serials: bool,
    /// `UoMGroupEntry`.
    pub uom_group: i64,
    /// Stock by warehouse: a row for every warehouse there is.
    pub stock: BTreeMap<String, Stock>,
    /// Prices by list: a row for every list there is.
    pub prices: BTreeMap<i64, ItemPrice>,
    /// User-defined fields.
    #[serde(skip)]
    pub(in crate::sap_b1) user_fields: UserFields,
    /// When it was made.
    pub created: Stamp,
    /// When it was last saved; stock moves do not count.
    pub updated: Option<Stamp>,
    /// Counts saves: what the ETag is of.
    pub version: u64,
    /// What the body of a write said of `Valid` and `Frozen`.
    #[serde(skip)]
    pub(in crate::sap_b1) said: (Option<bool>, Option<bool>),
}

impl Item {
    /// May be bought.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.valid && !self.frozen
    }

    fn sum(&self, of: impl Fn(&Stock) -> Decimal) -> Decimal {
        self.stock.values().fold(Decimal::ZERO, |sum, it| sum + of(it))
    }
}

/// How much of an item is in a warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Stock {
    /// `WarehouseCode`.
    pub warehouse: String,
    /// The item.
    pub item: String,
    /// `InStock`: what a count would find.
    pub on_hand: Decimal,
    /// `Committed`: what open sales orders want from here, whether it is there or not.
    pub committed: Decimal,
    /// `Locked`.
    pub locked: bool,
    /// `MinimalStock`.
    pub minimum: Decimal,
}

/// The price of an item in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ItemPrice {
    /// `PriceList`.
    pub list: i64,
    /// `Price`; zero: none.
    pub price: Decimal,
    /// `Currency`.
    pub currency: Option<String>,
    /// Entered by hand in a list that follows another: it follows no more.
    pub is_manual: bool,
    /// The list that its list follows.
    pub base: i64,
    /// The factor of its list.
    pub factor: Decimal,
}

/// A place that holds stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warehouse {
    /// `WarehouseCode`.
    pub code: String,
    /// `WarehouseName`.
    pub name: Option<String>,
    /// `Inactive`.
    pub inactive: bool,
}

impl Shape for Item {
    const TYPE: &'static str = "Item";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("ItemCode", Edm::Chars(50), |it| text(&it.code)),
        Property::<Self>::new("ItemName", Edm::Chars(100), |it| maybe(&it.name)).set(|it, to| it.name = to.into_text()),
        Property::<Self>::new("ForeignName", Edm::Chars(100), |it| maybe(&it.foreign_name))
            .set(|it, to| it.foreign_name = to.into_text()),
        Property::<Self>::new("BarCode", Edm::Chars(254), |it| maybe(&it.barcode))
            .set(|it, to| it.barcode = to.into_text()),
        Property::<Self>::new("ItemsGroupCode", Edm::Int, |it| Datum::Int(it.group))
            .set(|it, to| it.group = to.int().unwrap_or(100)),
        Property::<Self>::new("InventoryItem", YES_NO, |it| yes_no(it.is_inventory))
            .set(|it, to| it.is_inventory = to.is_yes()),
        Property::<Self>::new("SalesItem", YES_NO, |it| yes_no(it.is_sales)).set(|it, to| it.is_sales = to.is_yes()),
        Property::<Self>::new("Valid", YES_NO, |it| yes_no(it.valid)).set(|it, to| it.said.0 = Some(to.is_yes())),
        Property::<Self>::new("Frozen", YES_NO, |it| yes_no(it.frozen)).set(|it, to| it.said.1 = Some(to.is_yes())),
        Property::<Self>::new("ManageBatchNumbers", YES_NO, |it| yes_no(it.has_batches))
            .set(|it, to| it.has_batches = to.is_yes()),
        Property::<Self>::new("ManageSerialNumbers", YES_NO, |it| yes_no(it.has_serials))
            .set(|it, to| it.has_serials = to.is_yes()),
        Property::<Self>::new("UoMGroupEntry", Edm::Int, |it| Datum::Int(it.uom_group))
            .set(|it, to| it.uom_group = to.int().unwrap_or(-1)),
        Property::<Self>::new("QuantityOnStock", Edm::Double, |it| Datum::Double(it.sum(|it| it.on_hand))),
        Property::<Self>::new("QuantityOrderedByCustomers", Edm::Double, |it| Datum::Double(it.sum(|it| it.committed))),
        Property::<Self>::new("QuantityOrderedFromVendors", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
        Property::<Self>::new("UpdateDate", Edm::Date, |it| Datum::date(it.updated.map(|it| it.date))),
        Property::<Self>::new("UpdateTime", Edm::Time, |it| it.updated.map_or(Datum::Null, |it| Datum::Time(it.time))),
        Property::<Self>::new("CreateDate", Edm::Date, |it| Datum::Date(it.created.date)),
        Property::<Self>::new("CreateTime", Edm::Time, |it| Datum::Time(it.created.time)),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[
        Collection {
            name: "ItemPrices",
            ty: ItemPrice::TYPE,
            show: |it, view| show_all(it.prices.values(), view),
            write: Some(write_prices),
        },
        Collection {
            name: "ItemWarehouseInfoCollection",
            ty: Stock::TYPE,
            show: |it, view| show_all(it.stock.values(), view),
            write: Some(write_stock),
        },
    ];

    fn user_fields(&self) -> Option<(&'static str, &UserFields)> {
        Some(("OITM", &self.user_fields))
    }

    fn user_fields_mut(&mut self) -> Option<(&'static str, &mut UserFields)> {
        Some(("OITM", &mut self.user_fields))
    }
}

/// Rows are named by their list; there is one for every list, so that none is made or taken away.
fn write_prices(item: &mut Item, entries: Vec<Json>, rules: &Rules<'_>) -> Result<(), Problem> {
    for entry in entries {
        let Json::Object(members) = entry else { return Err(Problem::body("an object was expected")) };
        let list = members.get("PriceList").and_then(|it| Edm::Int.read(it.clone())).and_then(|it| it.int());
        let unknown = || {
            Problem::reference("price list", "ItemPrices.PriceList", &list.map(|it| it.to_string()).unwrap_or_default())
        };
        let row = list.and_then(|it| item.prices.get_mut(&it)).ok_or_else(unknown)?;
        let before = row.price;
        fill(row, members, rules)?;
        row.is_manual |= row.price != before && row.base != row.list;
    }
    Ok(())
}

/// As of [`write_prices`], named by their warehouse. Quantities are read-only here.
fn write_stock(item: &mut Item, entries: Vec<Json>, rules: &Rules<'_>) -> Result<(), Problem> {
    for entry in entries {
        let Json::Object(members) = entry else { return Err(Problem::body("an object was expected")) };
        let code = Json::text(&members, "WarehouseCode").unwrap_or_default();
        let unknown = || Problem::reference("warehouse", "OITW.WhsCode", code);
        let row = item.stock.get_mut(code).ok_or_else(unknown)?;
        fill(row, members, rules)?;
    }
    Ok(())
}

impl Shape for ItemPrice {
    const TYPE: &'static str = "ItemPrice";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("PriceList", Edm::Int, |it| Datum::Int(it.list)),
        Property::<Self>::new("Price", Edm::Double, |it| Datum::Double(it.price)).set(|it, to| it.price = to.number()),
        Property::<Self>::new("Currency", Edm::Chars(3), |it| maybe(&it.currency))
            .set(|it, to| it.currency = to.into_text()),
        Property::<Self>::new("AdditionalPrice1", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
        Property::<Self>::new("AdditionalCurrency1", Edm::Text, |_| Datum::Null),
        Property::<Self>::new("BasePriceList", Edm::Int, |it| Datum::Int(it.base)),
        Property::<Self>::new("Factor", Edm::Double, |it| Datum::Double(it.factor)),
    ];
    const COLLECTIONS: &'static [Collection<Self>] =
        &[Collection { name: "UoMPrices", ty: "UoMPrice", show: |_, _| Vec::new(), write: None }];
}

impl Shape for Stock {
    const TYPE: &'static str = "ItemWarehouseInfo";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("WarehouseCode", Edm::Text, |it| text(&it.warehouse)),
        Property::<Self>::new("ItemCode", Edm::Text, |it| text(&it.item)),
        Property::<Self>::new("InStock", Edm::Double, |it| Datum::Double(it.on_hand)),
        Property::<Self>::new("Committed", Edm::Double, |it| Datum::Double(it.committed)),
        Property::<Self>::new("Ordered", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
        Property::<Self>::new("MinimalStock", Edm::Double, |it| Datum::Double(it.minimum))
            .set(|it, to| it.minimum = to.number()),
        Property::<Self>::new("MaximalStock", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
        Property::<Self>::new("Locked", YES_NO, |it| yes_no(it.locked)).set(|it, to| it.locked = to.is_yes()),
        Property::<Self>::new("StandardAveragePrice", Edm::Double, |_| Datum::Double(Decimal::ZERO)),
    ];
}

impl Shape for Warehouse {
    const TYPE: &'static str = "Warehouse";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("WarehouseCode", Edm::Chars(8), |it| text(&it.code)),
        Property::<Self>::new("WarehouseName", Edm::Chars(100), |it| maybe(&it.name))
            .set(|it, to| it.name = to.into_text()),
        Property::<Self>::new("Inactive", YES_NO, |it| yes_no(it.inactive)).set(|it, to| it.inactive = to.is_yes()),
        Property::<Self>::new("BusinessPlaceID", Edm::Int, |_| int(0)),
    ];
}
