//! A shop's first contents: there from the start, neither journalled nor announced.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::Shopify;
use super::people::Refused;
use super::state::catalogs::{self, Catalog};
use super::state::companies::{CompanyInput, LocationInput, Person};
use super::state::items::{NO_OPTION, ProductChange, Status, VariantChange};
use super::state::prices::{Adjustment, AdjustmentKind, BreakText, Fixed};
use super::state::{Cause, State};
use crate::journal::Actor;

/// What a shop begins with. Names link the parts: stock names its location, prices name a variant's SKU, company
/// locations name price lists.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Stock locations.
    pub locations: Vec<SeedLocation>,
    /// Products.
    pub products: Vec<SeedProduct>,
    /// Price lists.
    pub price_lists: Vec<SeedPriceList>,
    /// Companies.
    pub companies: Vec<SeedCompany>,
}

/// A stock location.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedLocation {
    /// What it is called.
    pub name: String,
    /// Whether orders from the shop are shipped from here.
    #[serde(default = "yes")]
    pub fulfills_online_orders: bool,
}

/// A product.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedProduct {
    /// What it is called.
    pub title: String,
    /// Its life cycle.
    pub status: Status,
    /// Who makes it.
    pub vendor: Option<String>,
    /// The name of the option its variants differ by; needed when there are several.
    pub option: Option<String>,
    /// Its variants.
    pub variants: Vec<SeedVariant>,
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedVariant {
    /// The stock-keeping unit.
    pub sku: String,
    /// The barcode.
    #[serde(default)]
    pub barcode: Option<String>,
    /// The price in shop currency.
    pub price: Decimal,
    /// The value of the product's option.
    #[serde(default)]
    pub value: Option<String>,
    /// How many are on the shelf, by the location's name. Where it is not named it is not stocked.
    #[serde(default)]
    pub stock: BTreeMap<String, i64>,
}

/// A price list, with a catalog of its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPriceList {
    /// What it is called.
    pub name: String,
    /// What its prices are in; shop currency when left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// By how much its other prices differ from the shop's; not at all when left out.
    #[serde(default)]
    pub adjustment: Option<Adjustment>,
    /// Its fixed prices.
    #[serde(default)]
    pub prices: Vec<SeedPrice>,
}

/// A fixed price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedPrice {
    /// The variant's stock-keeping unit.
    pub sku: String,
    /// The price of one.
    pub amount: Decimal,
    /// Prices from so many on.
    #[serde(default)]
    pub breaks: Vec<BreakText>,
}

/// A company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedCompany {
    /// What it is called.
    pub name: String,
    /// What another system calls it.
    pub external_id: Option<String>,
    /// Its first contact.
    pub contact: Option<Person>,
    /// Its locations; one of the company's name when left out.
    pub locations: Vec<SeedCompanyLocation>,
}

/// A company location.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SeedCompanyLocation {
    /// Its particulars.
    pub about: LocationInput,
    /// The names of the price lists it buys by.
    pub price_lists: Vec<String>,
}

/// The numbers the parts of a seed were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeded {
    /// Stock locations by name.
    pub locations: BTreeMap<String, u64>,
    /// Inventory items by SKU.
    pub items: BTreeMap<String, u64>,
    /// Price lists by name.
    pub price_lists: BTreeMap<String, u64>,
    /// Companies by external id, or by name where there is none.
    pub companies: BTreeMap<String, u64>,
    /// Company locations by name.
    pub company_locations: BTreeMap<String, u64>,
}

fn yes() -> bool {
    true
}

impl Shopify {
    /// Puts first contents in. May be called again with more.
    ///
    /// # Errors
    /// When a name leads nowhere or a part is refused; what came before it stays.
    pub fn seed(&self, now: UnixMs, seed: &Seed) -> Result<Seeded, Refused> {
        let cause = Cause { at: now, actor: Actor::System };
        self.state().seeding(|state| {
            let mut sower = Sower { state, cause, done: Seeded::default(), variants: BTreeMap::new() };
            sower.locations(&seed.locations);
            for product in &seed.products {
                sower.product(product)?;
            }
            for list in &seed.price_lists {
                sower.price_list(list)?;
            }
            for company in &seed.companies {
                sower.company(company)?;
            }
            Ok(sower.done)
        })
    }
}

struct Sower<'a> {
    state: &'a mut State,
    cause: Cause,
    done: Seeded,
    /// Variants by SKU.
    variants: BTreeMap<String, u64>,
}

impl Sower<'_> {
    fn locations(&mut self, locations: &[SeedLocation]) {
        for known in self.state.locations.iter() {
            self.done.locations.insert(known.name.clone(), known.id);
        }
        for location in locations {
            let id = self.state.make_location(self.cause, &location.name, location.fulfills_online_orders);
            self.done.locations.insert(location.name.clone(), id);
        }
    }

    fn product(&mut self, product: &SeedProduct) -> Result<(), Refused> {
        let handle = self.state.free_handle(&product.title);
        let option = product.option.clone().unwrap_or_else(|| NO_OPTION.0.to_owned());
        let id = self.state.make_product(self.cause, &product.title, handle, vec![option]);
        let change =
            ProductChange { status: Some(product.status), vendor: product.vendor.clone(), ..ProductChange::default() };
        self.state.alter_product(self.cause, id, change);
        for variant in &product.variants {
            let change = VariantChange {
                sku: Some(variant.sku.clone()),
                barcode: variant.barcode.clone(),
                price: Some(variant.price),
                values: Some(vec![variant.value.clone().unwrap_or_else(|| NO_OPTION.1.to_owned())]),
                ..VariantChange::default()
            };
            let made = self.state.make_variant(self.cause, id, change);
            let Some(item) = self.state.variants.get(made).map(|it| it.item) else { continue };
            self.variants.insert(variant.sku.clone(), made);
            self.done.items.insert(variant.sku.clone(), item);
            for (name, quantity) in &variant.stock {
                let location = self.done.locations.get(name).copied();
                let location = location.ok_or_else(|| Refused::missing("location", name))?;
                self.state.stock_at(self.cause, location, item, *quantity);
            }
        }
        Ok(())
    }

    fn price_list(&mut self, list: &SeedPriceList) -> Result<(), Refused> {
        let none = Adjustment { kind: AdjustmentKind::PercentageDecrease, percent: Decimal::ZERO };
        let currency = list.currency.clone().unwrap_or_else(|| self.state.settings.currency.clone());
        let adjustment = list.adjustment.unwrap_or(none);
        let id = self.state.make_price_list(self.cause, &list.name, &currency, adjustment)?;
        self.done.price_lists.insert(list.name.clone(), id);
        for price in &list.prices {
            let variant = self.variants.get(&price.sku).copied();
            let variant = variant.ok_or_else(|| Refused::missing("variant", &price.sku))?;
            let mut fixed = Fixed { price: Some(self.state.kept(price.amount)), ..Fixed::default() };
            for it in &price.breaks {
                let from =
                    it.from.to_string().parse().map_err(|_| Refused::invalid("a break begins at a whole number"))?;
                fixed.breaks.insert(from, self.state.new_break(it.amount));
            }
            self.state.write_fixed(self.cause, id, variant, Some(fixed));
        }
        let catalog = Catalog {
            id: 0,
            title: list.name.clone(),
            status: catalogs::Status::Active,
            price_list: Some(id),
            company_locations: Vec::new(),
            updated: self.cause.second(),
        };
        self.state.make_catalog(self.cause, catalog)?;
        Ok(())
    }

    fn company(&mut self, company: &SeedCompany) -> Result<(), Refused> {
        let input = CompanyInput {
            name: Some(company.name.clone()),
            external_id: Some(company.external_id.clone()),
            note: None,
        };
        let id = self.state.make_company(self.cause, input)?;
        let code = company.external_id.clone().unwrap_or_else(|| company.name.clone());
        self.done.companies.insert(code, id);
        if let Some(person) = &company.contact {
            self.state.make_contact(self.cause, id, person.clone());
        }
        let named = SeedCompanyLocation {
            about: LocationInput { name: company.name.clone(), ..LocationInput::default() },
            price_lists: Vec::new(),
        };
        let locations = if company.locations.is_empty() { std::slice::from_ref(&named) } else { &company.locations };
        for location in locations {
            let made = self.state.make_company_location(self.cause, id, location.about.clone())?;
            self.done.company_locations.insert(location.about.name.clone(), made);
            for name in &location.price_lists {
                let list = self.state.price_lists.iter().find(|it| it.name == *name).map(|it| it.id);
                let catalog = list.and_then(|it| self.state.catalog_of(it)).map(|it| it.id);
                let catalog = catalog.ok_or_else(|| Refused::missing("price list", name))?;
                self.state.catalogs.edit(self.cause.at, catalog, |it| it.company_locations.push(made));
            }
        }
        Ok(())
    }
}
