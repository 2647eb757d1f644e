//! What people do at the shop's own screens, and what they see there. The admin door uses the same methods.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::Shopify;
use super::refusals::Refusal;
use super::settings::Settings;
use super::state::companies::{CompanyInput, LocationInput};
use super::state::items::{ProductChange, Status, VariantChange};
use super::state::orders::{
    Both, CancelReason, Claim, Financial, LineInput, OrderChange, OrderInput, Restock, TaxLine,
};
use super::state::parcels::ParcelInput;
use super::state::prices::{BREAKS_MAX, BreakText, Fixed};
use super::state::stock::level_key;
use super::state::upsert::{ProductInput, VariantInput};
use super::state::{Cause, State};
use crate::journal::Actor;

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// By which name.
        id: String,
    },
    /// The shop does not take it.
    #[error("{0}")]
    Invalid(String),
}

impl Refused {
    pub(super) fn missing(what: &'static str, id: impl ToString) -> Self {
        Self::Missing { what, id: id.to_string() }
    }

    pub(super) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}

impl<C> From<Refusal<C>> for Refused {
    fn from(refusal: Refusal<C>) -> Self {
        Self::Invalid(format!("{}: {}", refusal.field.join("."), refusal.message))
    }
}

impl<C> From<Vec<Refusal<C>>> for Refused {
    fn from(refusals: Vec<Refusal<C>>) -> Self {
        let all: Vec<String> = refusals.into_iter().map(|it| Refused::from(it).to_string()).collect();
        Self::Invalid(all.join("; "))
    }
}

/// What a person changes of an item; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemEdit {
    /// The product's title.
    pub title: Option<String>,
    /// The variant's stock-keeping unit.
    pub sku: Option<String>,
    /// The variant's barcode.
    pub barcode: Option<String>,
    /// The product's life cycle.
    pub status: Option<Status>,
    /// The variant's price in shop currency.
    pub price: Option<Decimal>,
}

/// An order a buyer places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Placed {
    /// The company location it is for; `None`: a buyer without a company.
    pub company_location: Option<u64>,
    /// The buyer's purchase-order number.
    pub po_number: Option<String>,
    /// The buyer's e-mail address.
    pub email: Option<String>,
    /// What is bought.
    pub lines: Vec<PlacedLine>,
    /// What happens to stock; left out, it is committed even where there is none.
    pub claim: Option<Claim>,
    /// It was placed to try the checkout.
    pub test: bool,
    /// The prices include taxes.
    pub taxes_included: bool,
    /// What bringing it costs, beside the lines.
    pub shipping: Decimal,
    /// What is taken off the whole, beside the lines: an amount, and the code it was given for.
    pub discount: Option<(Decimal, String)>,
    /// How far it is paid.
    pub financial: Financial,
    /// The shop suspects fraud.
    pub risky: bool,
    /// Its fulfilment is on hold.
    pub on_hold: bool,
    /// Taxes of the whole: what they are called, and how much they are.
    pub taxes: Vec<(String, Decimal)>,
}

/// A line of an order a buyer places. The price is the buyer's unless it is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedLine {
    /// The inventory item.
    pub item: u64,
    /// How many.
    pub quantity: i32,
    /// The price of one.
    #[serde(default)]
    pub price: Option<Decimal>,
}

fn both(amount: Decimal) -> Both {
    Both { shop: amount, presentment: amount }
}

fn tax((title, amount): &(String, Decimal)) -> TaxLine {
    TaxLine { title: title.clone(), rate: Decimal::ZERO, price: both(*amount) }
}

impl Shopify {
    fn act<R>(&self, now: UnixMs, change: impl FnOnce(&mut State, Cause) -> R) -> R {
        change(&mut self.state(), Cause { at: now, actor: Actor::Human })
    }

    /// Sets what is physically at a location; what can be sold moves along. Stocks the item there if it was not.
    ///
    /// # Errors
    /// When there is no such item or location.
    pub fn set_on_hand(&self, now: UnixMs, item: u64, location: u64, quantity: i64) -> Result<(), Refused> {
        self.set_quantity(now, (item, location), "on_hand", quantity)
    }

    /// Sets what can be sold at a location. Stocks the item there if it was not.
    ///
    /// # Errors
    /// When there is no such item or location.
    pub fn set_available(&self, now: UnixMs, item: u64, location: u64, quantity: i64) -> Result<(), Refused> {
        self.set_quantity(now, (item, location), "available", quantity)
    }

    fn set_quantity(
        &self,
        now: UnixMs,
        (item, location): (u64, u64),
        name: &str,
        quantity: i64,
    ) -> Result<(), Refused> {
        self.act(now, |state, cause| {
            if !state.items.has(item) {
                return Err(Refused::missing("item", item));
            }
            if !state.locations.has(location) {
                return Err(Refused::missing("location", location));
            }
            let key = level_key(location, item);
            if state.levels.has(key) {
                state.set_quantity(cause, key, name, quantity);
            } else {
                state.stock_at(cause, location, item, quantity);
            }
            Ok(())
        })
    }

    /// Changes an item: its variant and its product.
    ///
    /// # Errors
    /// When there is no such item, or the title is blank.
    pub fn set_item(&self, now: UnixMs, item: u64, edit: ItemEdit) -> Result<(), Refused> {
        if edit.title.as_deref().is_some_and(|it| it.trim().is_empty()) {
            return Err(Refused::invalid("a product needs a title"));
        }
        self.act(now, |state, cause| {
            let variant = state.items.get(item).and_then(|it| state.variants.get(it.variant)).cloned();
            let variant = variant.ok_or_else(|| Refused::missing("item", item))?;
            let product = ProductChange { title: edit.title, status: edit.status, ..ProductChange::default() };
            let own =
                VariantChange { sku: edit.sku, barcode: edit.barcode, price: edit.price, ..VariantChange::default() };
            let product_changed = state.alter_product(cause, variant.product, product);
            let variant_changed = state.change_variant(cause, variant.id, own).variant;
            if product_changed || variant_changed {
                state.tell_product(cause, variant.product);
            }
            Ok(())
        })
    }

    /// Adds a product with one variant; answers with its inventory item.
    ///
    /// # Errors
    /// When the title is blank.
    pub fn add_item(&self, now: UnixMs, edit: ItemEdit) -> Result<u64, Refused> {
        self.act(now, |state, cause| {
            let change = ProductChange { title: edit.title, status: edit.status, ..ProductChange::default() };
            let own =
                VariantChange { sku: edit.sku, barcode: edit.barcode, price: edit.price, ..VariantChange::default() };
            let variants = Some(vec![VariantInput { change: own, ..VariantInput::default() }]);
            let options = Some(vec![("Title".to_owned(), vec!["Default Title".to_owned()])]);
            let product =
                state.set_product(cause, None, ProductInput { change, options, variants, metafields: vec![] })?;
            state.items_of(product).first().copied().ok_or_else(|| Refused::invalid("the product has no variant"))
        })
    }

    /// Deletes an item's product, all its variants with it.
    ///
    /// # Errors
    /// When there is no such item.
    pub fn delete_item(&self, now: UnixMs, item: u64) -> Result<(), Refused> {
        self.act(now, |state, cause| {
            let variant = state.items.get(item).and_then(|it| state.variants.get(it.variant));
            let product = variant.map(|it| it.product).ok_or_else(|| Refused::missing("item", item))?;
            state.delete_product(cause, product);
            Ok(())
        })
    }

    /// Sets an item's price: the shop's own, or a fixed one of a price list with its quantity breaks.
    ///
    /// # Errors
    /// When there is no such item or list, an amount is below zero, or a break does not begin at a whole number.
    pub fn set_price(
        &self,
        now: UnixMs,
        list: Option<u64>,
        item: u64,
        price: (Decimal, &[BreakText]),
    ) -> Result<(), Refused> {
        let (amount, breaks) = price;
        if amount.is_negative() || breaks.iter().any(|it| it.amount.is_negative()) {
            return Err(Refused::invalid("a price is not below zero"));
        }
        let Some(list) = list else {
            if !breaks.is_empty() {
                return Err(Refused::invalid("the shop's own price has no quantity breaks"));
            }
            return self.set_item(now, item, ItemEdit { price: Some(amount), ..ItemEdit::default() });
        };
        if breaks.len() > BREAKS_MAX {
            return Err(Refused::invalid("a price has at most 10 quantity breaks"));
        }
        self.act(now, |state, cause| {
            let variant = state.items.get(item).map(|it| it.variant).ok_or_else(|| Refused::missing("item", item))?;
            if !state.price_lists.has(list) {
                return Err(Refused::missing("price list", list));
            }
            let before = state.fixed_price(list, variant).cloned().unwrap_or_default();
            let mut fixed = Fixed { price: Some(state.kept(amount)), breaks: Default::default(), ..before.clone() };
            for it in breaks {
                let from: i32 =
                    it.from.to_string().parse().map_err(|_| Refused::invalid("a break begins at a whole number"))?;
                let mut made = state.new_break(it.amount);
                made.id = before.breaks.get(&from).map_or(made.id, |it| it.id);
                fixed.breaks.insert(from, made);
            }
            state.write_fixed(cause, list, variant, Some(fixed));
            Ok(())
        })
    }

    /// Makes an item's price in a price list follow the shop's again.
    ///
    /// # Errors
    /// When it is not fixed.
    pub fn delete_price(&self, now: UnixMs, list: u64, item: u64) -> Result<(), Refused> {
        self.act(now, |state, cause| {
            let variant = state.items.get(item).map(|it| it.variant).ok_or_else(|| Refused::missing("item", item))?;
            Ok(state.delete_fixed_prices(cause, list, &[variant])?)
        })
    }

    /// Takes a company on, with a place of its own; answers with its number.
    ///
    /// # Errors
    /// When the external id is taken.
    pub fn add_company(&self, now: UnixMs, name: &str, code: &str) -> Result<u64, Refused> {
        let location = LocationInput { name: name.to_owned(), ..LocationInput::default() };
        let input = CompanyInput { name: Some(name.to_owned()), external_id: Some(Some(code.to_owned())), note: None };
        self.act(now, |state, cause| {
            let id = state.make_company(cause, input)?;
            state.make_company_location(cause, id, location)?;
            Ok(id)
        })
    }

    /// Changes a company's name and external id.
    ///
    /// # Errors
    /// When there is no such company, or the external id is taken.
    pub fn set_company(&self, now: UnixMs, id: u64, name: Option<String>, code: Option<String>) -> Result<(), Refused> {
        let input = CompanyInput { name, external_id: code.map(Some), note: None };
        Ok(self.act(now, |state, cause| state.alter_company(cause, id, input))?)
    }

    /// Places an order as a buyer does; answers with its number as an object.
    ///
    /// # Errors
    /// When an item is not there, or stock that must be there is not.
    pub fn place_order(&self, now: UnixMs, placed: &Placed) -> Result<u64, Refused> {
        self.act(now, |state, cause| {
            let mut lines = Vec::new();
            for line in &placed.lines {
                let variant = state.items.get(line.item).map(|it| it.variant);
                lines.push(LineInput {
                    variant: Some(variant.ok_or_else(|| Refused::missing("item", line.item))?),
                    quantity: line.quantity,
                    price: line.price.map(both),
                    ..LineInput::default()
                });
            }
            let currency = state.settings.currency.clone();
            let input = OrderInput {
                company_location: placed.company_location,
                po_number: placed.po_number.clone(),
                email: placed.email.clone(),
                presentment_currency: currency.clone(),
                currency,
                source_name: Some("web".to_owned()),
                lines,
                claim: placed.claim.unwrap_or(Claim::DecrementIgnoringPolicy),
                test: placed.test,
                taxes_included: placed.taxes_included,
                shipping: both(placed.shipping),
                shipping_title: Some("Standard".to_owned()),
                discount: both(placed.discount.as_ref().map(|it| it.0).unwrap_or_default()),
                discount_codes: placed.discount.iter().map(|it| it.1.clone()).collect(),
                financial: placed.financial,
                risky: placed.risky,
                on_hold: placed.on_hold,
                tax_lines: placed.taxes.iter().map(tax).collect(),
                ..OrderInput::default()
            };
            Ok(state.make_order(cause, input)?)
        })
    }

    /// Changes what may be changed of an order: somebody marks it as paid, holds it, lets it go, or tags it.
    ///
    /// # Errors
    /// When there is no such order.
    pub fn alter_order(&self, now: UnixMs, id: u64, change: OrderChange) -> Result<(), Refused> {
        let is_there = self.act(now, |state, cause| state.alter_order(cause, id, change));
        if is_there { Ok(()) } else { Err(Refused::missing("order", id)) }
    }

    /// Edits an order: so many of these items from now on, and nothing else.
    ///
    /// # Errors
    /// When there is no such order, an item is not there, or fewer are wanted than have left.
    pub fn edit_order(&self, now: UnixMs, id: u64, wanted: &[(u64, i32)]) -> Result<(), Refused> {
        self.act(now, |state, cause| state.edit_order(cause, id, wanted)).map_err(Refused::invalid)
    }

    /// Cancels an order and puts its stock back on the shelf.
    ///
    /// # Errors
    /// When there is no such order, or it is cancelled or shipped already.
    pub fn cancel_order(&self, now: UnixMs, id: u64) -> Result<(), Refused> {
        let done = self.act(now, |state, cause| state.cancel_order(cause, id, CancelReason::Customer, Restock::Yes));
        if done { Ok(()) } else { Err(Refused::missing("open order", id)) }
    }

    /// Ships an order: its stock leaves the shelf.
    ///
    /// # Errors
    /// When there is no such order, or it is cancelled or shipped already.
    pub fn ship_order(&self, now: UnixMs, id: u64) -> Result<(), Refused> {
        let done = self.act(now, |state, cause| state.ship_order(cause, id));
        if done { Ok(()) } else { Err(Refused::missing("open order", id)) }
    }

    /// Ships a part of an order in a parcel, or several where several locations ship it.
    ///
    /// # Errors
    /// When there is no such order, or less of it is open.
    pub fn ship_parcel(&self, now: UnixMs, id: u64, parcel: ParcelInput) -> Result<(), Refused> {
        let done = self.act(now, |state, cause| state.fulfil(cause, id, parcel));
        done.map(drop).map_err(Refused::invalid)
    }

    /// Gives an app a new secret. Webhooks may be signed with the old one for a while.
    ///
    /// # Errors
    /// When there is no such app.
    pub fn rotate_secret(&self, now: UnixMs, client_id: &str, secret: &str) -> Result<(), Refused> {
        let mut guard = self.state();
        let state = &mut *guard;
        let app = state.settings.apps.iter_mut().find(|it| it.client_id == client_id);
        let app = app.ok_or_else(|| Refused::missing("app", client_id))?;
        let previous = std::mem::replace(&mut app.client_secret, secret.to_owned());
        state.access.rotated(now, client_id, previous);
        Ok(())
    }

    /// Makes every token an app was issued worthless.
    pub fn revoke_tokens(&self, client_id: &str) {
        self.state().access.revoke(client_id);
    }

    /// How the shop is set up.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Sets the shop up anew; its contents stay.
    pub fn set_settings(&self, settings: Settings) {
        self.state().set_settings(settings);
    }
}
