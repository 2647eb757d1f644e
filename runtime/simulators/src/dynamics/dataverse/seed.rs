//! Data that an organisation starts with, as an import brings it.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

use super::super::guid::Guid;
use super::super::table::{Cell, Row};
use super::metadata::Set;
use super::problem::Problem;
use super::state::{Cause, State};

/// What is put into an organisation at once. Records are named by their numbers and names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// ISO codes of currencies besides the base currency.
    pub currencies: Vec<String>,
    /// Price levels besides the default one.
    pub price_levels: Vec<SeedPriceLevel>,
    /// Products.
    pub products: Vec<SeedProduct>,
    /// Accounts.
    pub accounts: Vec<SeedAccount>,
    /// Warehouses.
    pub warehouses: Vec<SeedWarehouse>,
    /// Stock of products.
    pub stock: Vec<SeedStock>,
}

/// A price level to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPriceLevel {
    /// `name`
    pub name: String,
    /// The ISO code; the base currency if left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// Amounts by product number.
    #[serde(default)]
    pub prices: Vec<(String, Decimal)>,
}

/// A product to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedProduct {
    /// `productid`
    #[serde(default)]
    pub id: Option<Guid>,
    /// `productnumber`
    pub code: String,
    /// `name`
    pub title: String,
    /// Its amount at the default price level.
    #[serde(default)]
    pub price: Option<Decimal>,
    /// `statecode` is 0.
    #[serde(default = "yes")]
    pub active: bool,
}

/// An account to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedAccount {
    /// `accountid`
    #[serde(default)]
    pub id: Option<Guid>,
    /// `accountnumber`
    pub code: String,
    /// `name`
    pub name: String,
    /// `emailaddress1`
    #[serde(default)]
    pub email: String,
    /// The ISO code; the base currency if left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// `statecode` is 0.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A warehouse to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedWarehouse {
    /// `msdyn_name`
    pub code: String,
    /// `msdyn_description`
    #[serde(default)]
    pub name: String,
}

/// Stock to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedStock {
    /// The product's number.
    pub item: String,
    /// The warehouse's name.
    pub location: String,
    /// `msdyn_qtyonhand`
    pub on_hand: Decimal,
}

fn yes() -> bool {
    true
}

fn state_of(active: bool) -> Cell {
    Cell::Number(if active { Decimal::ZERO } else { Decimal::ONE })
}

impl State {
    fn blank(&mut self, id: Option<Guid>) -> Row {
        Row::new(id.unwrap_or_else(|| self.new_id()))
    }

    /// The id of the record under this key.
    pub(super) fn keyed(&self, set: Set, key: &str) -> Result<Guid, Problem> {
        let entity = super::metadata::of(set);
        self.by_key(set, key).map(|it| it.id).ok_or_else(|| Problem::no_key(entity.name))
    }

    fn currency(&self, code: Option<&str>) -> Result<Cell, Problem> {
        self.keyed(Set::Currencies, code.unwrap_or(&self.settings.base_currency)).map(Cell::Id)
    }

    /// Takes a seed in. References are checked as everywhere.
    pub(super) fn seed(&mut self, cause: Cause, seed: Seed) -> Result<(), Problem> {
        for code in seed.currencies {
            let mut row = self.blank(None);
            row.set_text("isocurrencycode", code);
            self.save(cause, Set::Currencies, row)?;
        }
        seed.products.into_iter().try_for_each(|it| self.seed_product(cause, it).map(|_| ()))?;
        seed.accounts.into_iter().try_for_each(|it| self.seed_account(cause, it).map(|_| ()))?;
        for it in seed.price_levels {
            let mut row = self.blank(None);
            row.set("_transactioncurrencyid_value", self.currency(it.currency.as_deref())?);
            row.set_text("name", it.name);
            let level = self.save(cause, Set::PriceLevels, row)?;
            for (product, amount) in it.prices {
                let product = self.keyed(Set::Products, &product)?;
                self.set_amount(cause, (level, product), amount)?;
            }
        }
        for it in seed.warehouses {
            let mut row = self.blank(None);
            row.set_text("msdyn_name", it.code);
            row.set_text("msdyn_description", it.name);
            self.save(cause, Set::Warehouses, row)?;
        }
        for it in seed.stock {
            let place = (self.keyed(Set::Products, &it.item)?, self.keyed(Set::Warehouses, &it.location)?);
            self.set_quantity(cause, place, it.on_hand)?;
        }
        Ok(())
    }

    pub(super) fn seed_product(&mut self, cause: Cause, it: SeedProduct) -> Result<Guid, Problem> {
        let mut row = self.blank(it.id);
        row.set_text("productnumber", it.code);
        row.set_text("name", it.title);
        row.set("statecode", state_of(it.active));
        let product = self.save(cause, Set::Products, row)?;
        if let Some(amount) = it.price {
            let level = self.keyed(Set::PriceLevels, &self.settings.default_price_level)?;
            self.set_amount(cause, (level, product), amount)?;
        }
        Ok(product)
    }

    pub(super) fn seed_account(&mut self, cause: Cause, it: SeedAccount) -> Result<Guid, Problem> {
        let mut row = self.blank(it.id);
        row.set("_transactioncurrencyid_value", self.currency(it.currency.as_deref())?);
        row.set_text("accountnumber", it.code);
        row.set_text("name", it.name);
        row.set_text("emailaddress1", it.email);
        row.set("statecode", state_of(it.active));
        self.save(cause, Set::Accounts, row)
    }

    /// Makes the amount of a product at a level this one.
    pub(super) fn set_amount(
        &mut self,
        cause: Cause,
        (level, product): (Guid, Guid),
        amount: Decimal,
    ) -> Result<(), Problem> {
        let mut row = match self.price(level, product) {
            Some(row) => row.clone(),
            None => self.blank(None),
        };
        row.set("_pricelevelid_value", Cell::Id(level));
        row.set("_productid_value", Cell::Id(product));
        row.set("amount", Cell::Number(amount));
        self.save(cause, Set::ProductPrices, row).map(|_| ())
    }

    /// Makes the quantity of a product in a warehouse this one.
    pub(super) fn set_quantity(
        &mut self,
        cause: Cause,
        (product, warehouse): (Guid, Guid),
        quantity: Decimal,
    ) -> Result<(), Problem> {
        let mut row = match self.inventory(product, warehouse) {
            Some(row) => row.clone(),
            None => self.blank(None),
        };
        row.set("_msdyn_product_value", Cell::Id(product));
        row.set("_msdyn_warehouse_value", Cell::Id(warehouse));
        row.set("msdyn_qtyonhand", Cell::Number(quantity));
        self.save(cause, Set::Inventories, row).map(|_| ())
    }
}
