//! Data that an environment starts with, as a configuration package brings it.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::super::guid::Guid;
use super::super::table::{Cell, Row};
use super::catalogue::Set;
use super::problem::Problem;
use super::state::{Cause, Draft, State};

/// What is put into an environment at once. Records are named by number or code; ids that are left out are given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Currencies besides the company's own, which is none of them.
    pub currencies: Vec<SeedCode>,
    /// Terms of payment.
    pub payment_terms: Vec<SeedCode>,
    /// Units of measure; `PCS` is always there.
    pub units: Vec<SeedCode>,
    /// Categories of items.
    pub item_categories: Vec<SeedCode>,
    /// Places that hold stock.
    pub locations: Vec<SeedCode>,
    /// Items.
    pub items: Vec<SeedItem>,
    /// Customers.
    pub customers: Vec<SeedCustomer>,
    /// Price lists.
    pub price_lists: Vec<SeedPriceList>,
    /// Stock of items.
    pub stock: Vec<SeedStock>,
}

/// Something with a code and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedCode {
    /// `id`
    #[serde(default)]
    pub id: Option<Guid>,
    /// `code`
    pub code: String,
    /// `displayName`
    #[serde(default)]
    pub name: String,
}

/// An item to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedItem {
    /// `id`
    #[serde(default)]
    pub id: Option<Guid>,
    /// `number`
    pub code: String,
    /// `displayName`
    #[serde(default)]
    pub title: String,
    /// `gtin`
    #[serde(default)]
    pub barcode: String,
    /// `unitPrice`
    #[serde(default)]
    pub price: Decimal,
    /// Not `blocked`.
    #[serde(default = "yes")]
    pub active: bool,
    /// Its stamp is empty, as that of rows which nobody changed since stamps were invented.
    #[serde(default)]
    pub never_changed: bool,
}

/// A customer to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedCustomer {
    /// `id`
    #[serde(default)]
    pub id: Option<Guid>,
    /// `number`
    pub code: String,
    /// `displayName`
    #[serde(default)]
    pub name: String,
    /// `email`
    #[serde(default)]
    pub email: String,
    /// `currencyCode`; empty for the company's own.
    #[serde(default)]
    pub currency: String,
    /// `blocked` is blank, or `All`.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A price list to begin with, active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPriceList {
    /// `code`
    pub code: String,
    /// `description`
    #[serde(default)]
    pub name: String,
    /// `currencyCode`; empty for the company's own.
    #[serde(default)]
    pub currency: String,
    /// The number of the only customer it is for; everybody's if left out.
    #[serde(default)]
    pub customer: Option<String>,
    /// Its lines.
    #[serde(default)]
    pub prices: Vec<SeedPrice>,
}

/// A line of a price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPrice {
    /// The item's number.
    pub item: String,
    /// `minimumQuantity`
    #[serde(default)]
    pub from: Decimal,
    /// `unitPrice`
    pub amount: Decimal,
}

/// Stock to begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedStock {
    /// The item's number.
    pub item: String,
    /// The location's code; empty for stock that is at none.
    #[serde(default)]
    pub location: String,
    /// How much.
    pub on_hand: Decimal,
}

fn yes() -> bool {
    true
}

impl SeedItem {
    /// An active item with a number and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        let (title, barcode) = (String::new(), String::new());
        Self { id: None, code: code.into(), title, barcode, price: Decimal::ZERO, active: true, never_changed: false }
    }
}

impl SeedCustomer {
    /// An active customer with a number and nothing else.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        let [name, email, currency] = [const { String::new() }; 3];
        Self { id: None, code: code.into(), name, email, currency, active: true }
    }
}

impl State {
    /// Takes a seed in. References are checked as everywhere.
    pub(super) fn seed(&mut self, cause: Cause, seed: Seed) -> Result<(), Problem> {
        if self.table(Set::Units).by_key("PCS").is_none() {
            self.seed_code(cause, Set::Units, SeedCode { id: None, code: "PCS".to_owned(), name: "Piece".to_owned() })?;
        }
        let lists = [
            (Set::Currencies, seed.currencies),
            (Set::PaymentTerms, seed.payment_terms),
            (Set::Units, seed.units),
            (Set::ItemCategories, seed.item_categories),
            (Set::Locations, seed.locations),
        ];
        for (set, codes) in lists {
            codes.into_iter().try_for_each(|it| self.seed_code(cause, set, it))?;
        }
        seed.items.into_iter().try_for_each(|it| self.seed_item(cause, it).map(|_| ()))?;
        seed.customers.into_iter().try_for_each(|it| self.seed_customer(cause, it).map(|_| ()))?;
        seed.price_lists.into_iter().try_for_each(|it| self.seed_price_list(cause, it))?;
        seed.stock.into_iter().try_for_each(|it| self.seed_stock(cause, it))
    }

    fn blank(&mut self, id: Option<Guid>) -> Draft {
        Draft::new(Row::new(id.unwrap_or_else(|| self.new_id())))
    }

    fn seed_code(&mut self, cause: Cause, set: Set, it: SeedCode) -> Result<(), Problem> {
        let mut draft = self.blank(it.id);
        draft.give("code", Cell::Text(it.code.to_uppercase()));
        draft.give("displayName", Cell::Text(it.name));
        self.save(cause, set, draft).map(|_| ())
    }

    pub(super) fn seed_item(&mut self, cause: Cause, it: SeedItem) -> Result<Guid, Problem> {
        let mut draft = self.blank(it.id);
        draft.give("number", Cell::Text(it.code.to_uppercase()));
        draft.give("displayName", Cell::Text(it.title));
        draft.give("gtin", Cell::Text(it.barcode));
        draft.give("unitPrice", Cell::Number(it.price));
        draft.give("blocked", Cell::Flag(!it.active));
        if self.table(Set::Units).by_key("PCS").is_some() {
            draft.give("baseUnitOfMeasureCode", Cell::text("PCS"));
        }
        let id = self.save(cause, Set::Items, draft)?;
        if let Some(mut row) = self.row(Set::Items, id).filter(|_| it.never_changed).cloned() {
            row.modified = UnixMs(0);
            self.put_quietly(cause.now, Set::Items, row);
        }
        Ok(id)
    }

    pub(super) fn seed_customer(&mut self, cause: Cause, it: SeedCustomer) -> Result<Guid, Problem> {
        let mut draft = self.blank(it.id);
        draft.give("number", Cell::Text(it.code.to_uppercase()));
        draft.give("displayName", Cell::Text(it.name));
        draft.give("email", Cell::Text(it.email));
        draft.give("currencyCode", Cell::Text(it.currency.to_uppercase()));
        draft.give("blocked", Cell::text(if it.active { " " } else { "All" }));
        self.save(cause, Set::Customers, draft)
    }

    fn seed_price_list(&mut self, cause: Cause, it: SeedPriceList) -> Result<(), Problem> {
        let mut draft = self.blank(None);
        draft.give("code", Cell::Text(it.code.to_uppercase()));
        draft.give("description", Cell::Text(it.name));
        draft.give("currencyCode", Cell::Text(it.currency.to_uppercase()));
        draft.give("status", Cell::text("Active"));
        let source = if it.customer.is_some() { "Customer" } else { "All Customers" };
        draft.give("sourceType", Cell::text(source));
        draft.give("sourceNumber", Cell::Text(it.customer.unwrap_or_default().to_uppercase()));
        self.save(cause, Set::PriceLists, draft)?;
        let add = |price: SeedPrice| self.add_price(cause, (&it.code, &price.item), (price.from, price.amount));
        it.prices.into_iter().try_for_each(add)
    }

    fn add_price(
        &mut self,
        cause: Cause,
        (list, item): (&str, &str),
        (from, amount): (Decimal, Decimal),
    ) -> Result<(), Problem> {
        let mut draft = self.blank(None);
        draft.give("priceListCode", Cell::Text(list.to_uppercase()));
        draft.give("assetNumber", Cell::Text(item.to_uppercase()));
        draft.give("minimumQuantity", Cell::Number(from));
        draft.give("unitPrice", Cell::Number(amount));
        self.save(cause, Set::PriceLines, draft).map(|_| ())
    }

    /// Makes the lines of an item in a list say exactly this: what holds already is left alone.
    pub(super) fn replace_prices(
        &mut self,
        cause: Cause,
        (list, item): (&str, &str),
        wanted: &[(Decimal, Decimal)],
    ) -> Result<(), Problem> {
        let missing = |it: super::super::edits::Refused| Problem::no_reference(it.0);
        let head = self.named(Set::PriceLists, list).map_err(missing)?.clone();
        let number = self.named(Set::Items, item).map_err(missing)?.text("number").to_owned();
        let its = self.table(Set::PriceLines).owned_by(head.id).filter(|it| it.text("assetNumber") == number);
        let lines: Vec<Row> = its.cloned().collect();
        for line in &lines {
            let amount = wanted.iter().find(|(from, _)| *from == line.number("minimumQuantity")).map(|(_, it)| *it);
            match amount {
                None => self.delete(cause, Set::PriceLines, line.id)?,
                Some(amount) if amount == line.number("unitPrice") => {}
                Some(amount) => {
                    let mut draft = Draft::new(line.clone());
                    draft.give("unitPrice", Cell::Number(amount));
                    self.save(cause, Set::PriceLines, draft)?;
                }
            }
        }
        for (from, amount) in wanted {
            if lines.iter().all(|it| it.number("minimumQuantity") != *from) {
                self.add_price(cause, (head.text("code"), &number), (*from, *amount))?;
            }
        }
        Ok(())
    }

    fn seed_stock(&mut self, cause: Cause, it: SeedStock) -> Result<(), Problem> {
        let mut draft = self.blank(None);
        draft.give("itemNumber", Cell::Text(it.item.to_uppercase()));
        draft.give("locationCode", Cell::Text(it.location.to_uppercase()));
        draft.give("quantity", Cell::Number(it.on_hand));
        self.save(cause, Set::Stocks, draft).map(|_| ())
    }
}
