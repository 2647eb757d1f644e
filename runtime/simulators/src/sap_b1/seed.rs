//! Data that a company starts with, as an import brings it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::clock::maybe_day;
use super::model::field::{Field, shared_table};
use super::model::{CardType, DataArea, PriceList, QuantityArea, SpecialPrice, Warehouse};
use super::problem::Problem;
use super::shape::Line;
use super::state::{Cause, State};
use crate::journal::Actor;

/// What is put into a company at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Places that hold stock.
    pub warehouses: Vec<SeedWarehouse>,
    /// Price lists; list 1 is there from the start and may be named again.
    pub price_lists: Vec<SeedList>,
    /// User-defined fields.
    pub fields: Vec<SeedField>,
    /// Items.
    pub items: Vec<SeedItem>,
    /// Prices of items.
    pub prices: Vec<SeedPrice>,
    /// Stock of items.
    pub stock: Vec<SeedStock>,
    /// Business partners.
    pub partners: Vec<SeedPartner>,
    /// Special prices of partners, and of whole lists.
    pub special_prices: Vec<SeedSpecial>,
}

/// A warehouse to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedWarehouse {
    /// `WarehouseCode`.
    pub code: String,
    /// `WarehouseName`.
    #[serde(default)]
    pub name: Option<String>,
}

/// A price list to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedList {
    /// `PriceListNo`.
    pub number: i64,
    /// `PriceListName`.
    pub name: String,
    /// `BasePriceList`: it follows this one.
    #[serde(default)]
    pub base: Option<i64>,
    /// `Factor`; one if left out.
    #[serde(default)]
    pub factor: Option<Decimal>,
    /// `DefaultPrimeCurrency`; the company's own if left out.
    #[serde(default)]
    pub currency: Option<String>,
}

/// A user-defined field to begin with: text of 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedField {
    /// `TableName`.
    pub table: String,
    /// `Name`, without `U_`.
    pub name: String,
}

/// An item to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedItem {
    /// `ItemCode`.
    pub code: String,
    /// `ItemName`.
    #[serde(default)]
    pub title: Option<String>,
    /// `BarCode`.
    #[serde(default)]
    pub barcode: Option<String>,
    /// `Valid`, and not `Frozen`.
    #[serde(default = "yes")]
    pub active: bool,
    /// `InventoryItem`.
    #[serde(default = "yes")]
    pub inventory: bool,
}

/// One price to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPrice {
    /// `ItemCode`.
    pub item: String,
    /// `PriceListNo`.
    pub list: i64,
    /// The company's code of the currency; the list's own if left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// The price of one.
    pub amount: Decimal,
}

/// Stock to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedStock {
    /// `ItemCode`.
    pub item: String,
    /// `WarehouseCode`.
    pub warehouse: String,
    /// What is there.
    pub on_hand: Decimal,
}

/// A business partner to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPartner {
    /// `CardCode`.
    pub code: String,
    /// `CardName`.
    #[serde(default)]
    pub name: Option<String>,
    /// `EmailAddress`.
    #[serde(default)]
    pub email: Option<String>,
    /// `CardType`.
    #[serde(default, rename = "type")]
    pub ty: CardType,
    /// `Valid`, and not `Frozen`.
    #[serde(default = "yes")]
    pub active: bool,
    /// `PriceListNum`; 1 if left out.
    #[serde(default)]
    pub price_list: Option<i64>,
    /// `Currency`; the company's own if left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// `DiscountPercent`.
    #[serde(default)]
    pub discount: Decimal,
}

/// A special price to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedSpecial {
    /// `CardCode`: a partner, or `*` and the number of a list.
    pub card: String,
    /// `ItemCode`.
    pub item: String,
    /// `Price`; zero: by the discount.
    #[serde(default)]
    pub price: Decimal,
    /// `DiscountPercent`.
    #[serde(default)]
    pub discount: Decimal,
    /// `SpecialPriceDataAreas`.
    #[serde(default)]
    pub periods: Vec<SeedPeriod>,
}

/// A period of a special price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPeriod {
    /// `DateFrom`.
    #[serde(default, with = "maybe_day")]
    pub from: Option<Date>,
    /// `Dateto`.
    #[serde(default, with = "maybe_day")]
    pub to: Option<Date>,
    /// `SpecialPrice`.
    pub price: Decimal,
    /// Least quantities and their prices.
    #[serde(default)]
    pub volumes: Vec<(Decimal, Decimal)>,
}

impl SeedItem {
    /// An active inventory item with a code and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self { code: code.into(), title: None, barcode: None, active: true, inventory: true }
    }
}

impl SeedPartner {
    /// An active customer with a code and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        let (name, email, price_list, currency) = (None, None, None, None);
        let (ty, discount) = (CardType::Customer, Decimal::ZERO);
        Self { code: code.into(), name, email, ty, active: true, price_list, currency, discount }
    }
}

fn yes() -> bool {
    true
}

impl State {
    /// Takes a seed in. References are checked as everywhere; what came before the first bad one stays. Nobody is
    /// told: imports are no events.
    pub(super) fn seed(&mut self, now: UnixMs, seed: Seed) -> Result<(), Problem> {
        let webhooks_on = std::mem::take(&mut self.webhooks_on);
        let outcome = self.seed_quietly(Cause { now, actor: Actor::Human }, seed);
        self.webhooks_on = webhooks_on;
        outcome
    }

    fn seed_quietly(&mut self, cause: Cause, seed: Seed) -> Result<(), Problem> {
        for it in seed.warehouses {
            self.save_warehouse(cause, Warehouse { code: it.code, name: it.name, inactive: false })?;
        }
        for it in seed.price_lists {
            let list = PriceList {
                base: it.base.unwrap_or(it.number),
                factor: it.factor.unwrap_or(Decimal::ONE),
                currency: it.currency.unwrap_or_else(|| self.settings.local_currency().to_owned()),
                ..self.list(it.number, &it.name)
            };
            self.save_list(cause, list)?;
        }
        for it in seed.fields {
            self.seed_field(it)?;
        }
        for it in seed.items {
            self.seed_item(cause, it)?;
        }
        for it in seed.prices {
            self.seed_price(cause, it)?;
        }
        for it in seed.stock {
            self.open_stock(cause, (&it.item, &it.warehouse), it.on_hand)?;
        }
        for it in seed.partners {
            self.seed_partner(cause, it)?;
        }
        for it in seed.special_prices {
            self.save_special(cause, special(it))?;
        }
        Ok(())
    }

    fn seed_field(&mut self, it: SeedField) -> Result<(), Problem> {
        let unknown = || Problem::reference("table", "CUFD.TableID", &it.table);
        let shared = shared_table(&it.table).ok_or_else(unknown)?;
        let id = self.fields.all().filter(|field| field.table == it.table).count();
        let id = i64::try_from(id).unwrap_or(i64::MAX);
        self.fields
            .add(shared, Field { table: it.table, id, name: it.name, ty: "db_Alpha", size: 100, description: None });
        Ok(())
    }

    pub(super) fn seed_item(&mut self, cause: Cause, it: SeedItem) -> Result<(), Problem> {
        if self.items.contains_key(&it.code) {
            return Err(Problem::duplicate("OITM"));
        }
        let mut item = self.blank_item(cause, &it.code);
        (item.name, item.barcode, item.is_inventory) = (it.title, it.barcode, it.inventory);
        (item.valid, item.frozen) = (it.active, !it.active);
        self.save_item(cause, item)
    }

    fn seed_price(&mut self, cause: Cause, it: SeedPrice) -> Result<(), Problem> {
        let is_known = self.items.get(&it.item).is_some_and(|item| item.prices.contains_key(&it.list));
        if !is_known {
            return Err(Problem::reference("price", "ITM1", &format!("{}:{}", it.list, it.item)));
        }
        self.set_prices(cause, &it.item, |item| {
            let Some(row) = item.prices.get_mut(&it.list) else { return };
            row.price = it.amount;
            row.is_manual = row.base != row.list;
            row.currency = it.currency.or_else(|| row.currency.take());
        })
    }

    pub(super) fn seed_partner(&mut self, cause: Cause, it: SeedPartner) -> Result<(), Problem> {
        if self.partners.contains_key(&it.code) {
            return Err(Problem::duplicate("OCRD"));
        }
        let mut partner = self.blank_partner(cause, &it.code);
        (partner.name, partner.email, partner.ty, partner.discount) = (it.name, it.email, it.ty, it.discount);
        (partner.valid, partner.frozen) = (it.active, !it.active);
        partner.price_list = it.price_list.unwrap_or(1);
        partner.currency = it.currency.unwrap_or(partner.currency);
        self.save_partner(cause, partner)
    }
}

fn special(it: SeedSpecial) -> SpecialPrice {
    let rows = |it: Vec<(Decimal, Decimal)>| {
        let row = |(row, (from, price)): (usize, _)| QuantityArea {
            from,
            price,
            ..QuantityArea::blank(i64::try_from(row).unwrap_or(i64::MAX))
        };
        it.into_iter().enumerate().map(row).collect()
    };
    let period = |(row, it): (usize, SeedPeriod)| DataArea {
        from: it.from,
        to: it.to,
        price: it.price,
        volumes: rows(it.volumes),
        ..DataArea::blank(i64::try_from(row).unwrap_or(i64::MAX))
    };
    SpecialPrice {
        card: it.card,
        item: it.item,
        price: it.price,
        currency: None,
        discount: it.discount,
        price_list: 0,
        auto_update: false,
        valid: true,
        valid_from: None,
        valid_to: None,
        periods: it.periods.into_iter().enumerate().map(period).collect(),
    }
}
