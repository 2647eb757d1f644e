//! Price lists and special prices.

use jiff::civil::Date;
use serde::Serialize;
use truthsource_core::Decimal;

use super::super::clock::maybe_day;
use super::super::shape::{
    Collection, Datum, Edm, Line, Property, Shape, YES_NO, int, maybe, merge, show_all, text, yes_no,
};

/// A price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceList {
    /// `PriceListNo`.
    pub number: i64,
    /// `PriceListName`.
    pub name: String,
    /// `BasePriceList`: the list it follows; itself if none.
    pub base: i64,
    /// `Factor`.
    pub factor: Decimal,
    /// `IsGrossPrice`: tax is in it.
    pub is_gross: bool,
    /// `Active`.
    pub active: bool,
    /// `DefaultPrimeCurrency`.
    pub currency: String,
    /// `ValidFrom`.
    #[serde(serialize_with = "maybe_day::write")]
    pub valid_from: Option<Date>,
    /// `ValidTo`.
    #[serde(serialize_with = "maybe_day::write")]
    pub valid_to: Option<Date>,
}

impl Shape for PriceList {
    const TYPE: &'static str = "PriceList";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("PriceListNo", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("PriceListName", Edm::Chars(32), |it| text(&it.name))
            .set(|it, to| it.name = to.into_text().unwrap_or_default()),
        Property::<Self>::new("BasePriceList", Edm::Int, |it| int(it.base))
            .set(|it, to| it.base = to.int().unwrap_or(it.number)),
        Property::<Self>::new("Factor", Edm::Double, |it| Datum::Double(it.factor))
            .set(|it, to| it.factor = to.number()),
        Property::<Self>::new("IsGrossPrice", YES_NO, |it| yes_no(it.is_gross)).set(|it, to| it.is_gross = to.is_yes()),
        Property::<Self>::new("Active", YES_NO, |it| yes_no(it.active)).set(|it, to| it.active = to.is_yes()),
        Property::<Self>::new("DefaultPrimeCurrency", Edm::Chars(3), |it| text(&it.currency))
            .set(|it, to| it.currency = to.into_text().unwrap_or_default()),
        Property::<Self>::new("ValidFrom", Edm::Date, |it| Datum::date(it.valid_from))
            .set(|it, to| it.valid_from = to.day()),
        Property::<Self>::new("ValidTo", Edm::Date, |it| Datum::date(it.valid_to)).set(|it, to| it.valid_to = to.day()),
    ];
}

/// A price of an item for one customer (`CardCode`), or for all of a price list (`*` and its number).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecialPrice {
    /// `CardCode`.
    pub card: String,
    /// `ItemCode`.
    pub item: String,
    /// `Price`.
    pub price: Decimal,
    /// `Currency`.
    pub currency: Option<String>,
    /// `DiscountPercent`.
    pub discount: Decimal,
    /// `PriceListNum`: the list that the discount is of.
    pub price_list: i64,
    /// `AutoUpdate`: the price follows the list.
    pub auto_update: bool,
    /// `Valid`.
    pub valid: bool,
    /// `ValidFrom`.
    #[serde(serialize_with = "maybe_day::write")]
    pub valid_from: Option<Date>,
    /// `ValidTo`.
    #[serde(serialize_with = "maybe_day::write")]
    pub valid_to: Option<Date>,
    /// `SpecialPriceDataAreas`: prices for periods.
    pub periods: Vec<DataArea>,
}

/// A price for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataArea {
    /// `BPCode`: as of the special price that it is of.
    pub card: String,
    /// `ItemNo`: as of the special price that it is of.
    pub item: String,
    /// `RowNumber`.
    pub row: i64,
    /// `DateFrom`.
    #[serde(serialize_with = "maybe_day::write")]
    pub from: Option<Date>,
    /// `Dateto`.
    #[serde(serialize_with = "maybe_day::write")]
    pub to: Option<Date>,
    /// `SpecialPrice`.
    pub price: Decimal,
    /// `PriceCurrency`.
    pub currency: Option<String>,
    /// `Discount`.
    pub discount: Decimal,
    /// `SpecialPriceQuantityAreas`: prices from a quantity on.
    pub volumes: Vec<QuantityArea>,
}

/// A price from a quantity on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuantityArea {
    /// `BPCode`: as of the special price that it is of.
    pub card: String,
    /// `ItemNo`: as of the special price that it is of.
    pub item: String,
    /// `RowNumber`.
    pub row: i64,
    /// `Quantity`.
    pub from: Decimal,
    /// `SpecialPrice`.
    pub price: Decimal,
    /// `PriceCurrency`.
    pub currency: Option<String>,
    /// `Discountin`.
    pub discount: Decimal,
    /// `UoMEntry`.
    pub uom: i64,
}

impl Shape for SpecialPrice {
    const TYPE: &'static str = "SpecialPrice";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("CardCode", Edm::Chars(15), |it| text(&it.card)),
        Property::<Self>::new("ItemCode", Edm::Text, |it| text(&it.item)),
        Property::<Self>::new("Price", Edm::Double, |it| Datum::Double(it.price)).set(|it, to| it.price = to.number()),
        Property::<Self>::new("Currency", Edm::Chars(3), |it| maybe(&it.currency))
            .set(|it, to| it.currency = to.into_text()),
        Property::<Self>::new("DiscountPercent", Edm::Double, |it| Datum::Double(it.discount))
            .set(|it, to| it.discount = to.number()),
        Property::<Self>::new("PriceListNum", Edm::Int, |it| int(it.price_list))
            .set(|it, to| it.price_list = to.int().unwrap_or(0)),
        Property::<Self>::new("AutoUpdate", YES_NO, |it| yes_no(it.auto_update))
            .set(|it, to| it.auto_update = to.is_yes()),
        Property::<Self>::new("Valid", YES_NO, |it| yes_no(it.valid)).set(|it, to| it.valid = to.is_yes()),
        Property::<Self>::new("ValidFrom", Edm::Date, |it| Datum::date(it.valid_from))
            .set(|it, to| it.valid_from = to.day()),
        Property::<Self>::new("ValidTo", Edm::Date, |it| Datum::date(it.valid_to)).set(|it, to| it.valid_to = to.day()),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "SpecialPriceDataAreas",
        ty: DataArea::TYPE,
        show: |it, view| show_all(&it.periods, view),
        write: Some(|it, entries, rules| merge(&mut it.periods, entries, rules)),
    }];
}

impl Shape for DataArea {
    const TYPE: &'static str = "SpecialPriceDataArea";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("BPCode", Edm::Text, |it| text(&it.card)),
        Property::<Self>::new("ItemNo", Edm::Text, |it| text(&it.item)),
        Property::<Self>::new("RowNumber", Edm::Int, |it| int(it.row)),
        Property::<Self>::new("DateFrom", Edm::Date, |it| Datum::date(it.from)).set(|it, to| it.from = to.day()),
        Property::<Self>::new("Dateto", Edm::Date, |it| Datum::date(it.to)).set(|it, to| it.to = to.day()),
        Property::<Self>::new("SpecialPrice", Edm::Double, |it| Datum::Double(it.price))
            .set(|it, to| it.price = to.number()),
        Property::<Self>::new("PriceCurrency", Edm::Chars(3), |it| maybe(&it.currency))
            .set(|it, to| it.currency = to.into_text()),
        Property::<Self>::new("Discount", Edm::Double, |it| Datum::Double(it.discount))
            .set(|it, to| it.discount = to.number()),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "SpecialPriceQuantityAreas",
        ty: QuantityArea::TYPE,
        show: |it, view| show_all(&it.volumes, view),
        write: Some(|it, entries, rules| merge(&mut it.volumes, entries, rules)),
    }];
}

impl Line for DataArea {
    const KEY: &'static str = "RowNumber";

    fn key(&self) -> i64 {
        self.row
    }

    fn blank(row: i64) -> Self {
        let (price, discount) = (Decimal::ZERO, Decimal::ZERO);
        let (card, item) = (String::new(), String::new());
        Self { card, item, row, from: None, to: None, price, currency: None, discount, volumes: Vec::new() }
    }
}

impl Shape for QuantityArea {
    const TYPE: &'static str = "SpecialPriceQuantityArea";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("BPCode", Edm::Text, |it| text(&it.card)),
        Property::<Self>::new("ItemNo", Edm::Text, |it| text(&it.item)),
        Property::<Self>::new("RowNumber", Edm::Int, |it| int(it.row)),
        Property::<Self>::new("Quantity", Edm::Double, |it| Datum::Double(it.from)).set(|it, to| it.from = to.number()),
        Property::<Self>::new("SpecialPrice", Edm::Double, |it| Datum::Double(it.price))
            .set(|it, to| it.price = to.number()),
        Property::<Self>::new("PriceCurrency", Edm::Chars(3), |it| maybe(&it.currency))
            .set(|it, to| it.currency = to.into_text()),
        Property::<Self>::new("Discountin", Edm::Double, |it| Datum::Double(it.discount))
            .set(|it, to| it.discount = to.number()),
        Property::<Self>::new("UoMEntry", Edm::Int, |it| int(it.uom)).set(|it, to| it.uom = to.int().unwrap_or(-1)),
    ];
}

impl Line for QuantityArea {
    const KEY: &'static str = "RowNumber";

    fn key(&self) -> i64 {
        self.row
    }

    fn blank(row: i64) -> Self {
        let (from, price, discount) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let (card, item) = (String::new(), String::new());
        Self { card, item, row, from, price, currency: None, discount, uom: -1 }
    }
}
