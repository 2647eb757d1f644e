//! What a person does at the environment's own screens, for code in the same process.
//!
//! Items, customers and orders are named by their number or their id, locations and price lists by their code. After
//! any of these, let the door collect webhooks.

use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::super::edits::{CustomerEdit, ItemEdit, NewOrder, PriceEdit, Refused};
use super::super::guid::Guid;
use super::super::table::{Cell, Row};
use super::BusinessCentral;
use super::catalogue::{ORDER_STATUS, Set};
use super::problem::Problem;
use super::seed::{Seed, SeedCustomer, SeedItem};
use super::settings::Settings;
use super::state::{Cause, Draft, Posting, State};
use crate::journal::Actor;

/// The list that stands for the items' own unit prices.
pub(super) const BASE: &str = "base";

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem.message)
    }
}

/// Who sits at the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Editor {
    /// A user of the customer's.
    #[default]
    User,
    /// The partner's delegated administrator, of whose changes no webhook tells.
    DelegatedAdmin,
}

fn by_hand(now: UnixMs, editor: Editor) -> Cause {
    Cause { now, actor: Actor::Human, notifies: editor == Editor::User }
}

impl State {
    /// The row that a number, a code or an id names.
    pub(super) fn named(&self, set: Set, name: &str) -> Result<&Row, Refused> {
        let by_id = name.parse().ok().and_then(|it: Guid| self.row(set, it));
        let found = by_id.or_else(|| self.table(set).by_key(&name.to_uppercase()));
        found.ok_or_else(|| Refused(format!("there is no such record: {name}")))
    }

    /// A draft of the row that is named.
    fn draft_of(&self, set: Set, name: &str) -> Result<Draft, Refused> {
        Ok(Draft::new(self.named(set, name)?.clone()))
    }
}

fn give(draft: &mut Draft, column: &'static str, text: Option<String>) {
    if let Some(text) = text {
        draft.give(column, Cell::Text(text));
    }
}

fn capital(text: Option<String>) -> Option<String> {
    text.map(|it| it.trim().to_uppercase())
}

/// Edits.
impl BusinessCentral {
    fn edit<T>(&self, now: UnixMs, work: impl FnOnce(&mut State) -> Result<T, Refused>) -> Result<T, Refused> {
        self.with(|state| state.atomically(now, work))
    }

    /// Puts data in at once, as a configuration package does.
    ///
    /// # Errors
    /// At the first entry that is not unique or refers to nothing; nothing is changed then.
    pub fn seed(&self, now: UnixMs, seed: Seed) -> Result<(), Refused> {
        self.edit(now, |state| Ok(state.seed(by_hand(now, Editor::User), seed)?))
    }

    /// Corrects what there is of an item at a location, by an item journal as the screens do. An empty code: stock
    /// that is at no location.
    ///
    /// # Errors
    /// When the item or location does not exist.
    pub fn set_stock(
        &self,
        now: UnixMs,
        editor: Editor,
        (item, location): (&str, &str),
        on_hand: Decimal,
    ) -> Result<(), Refused> {
        self.edit(now, |state| {
            let item = state.named(Set::Items, item)?.clone();
            let place = if location.is_empty() { None } else { Some(state.named(Set::Locations, location)?.clone()) };
            let known = state.stock_row(item.id, place.as_ref().map_or(Guid::ZERO, |it| it.id)).cloned();
            let mut draft = Draft::new(known.unwrap_or_else(|| Row::new(state.new_id())));
            draft.row.set_text("itemNumber", item.text("number"));
            draft.row.set_text("locationCode", place.as_ref().map_or("", |it| it.text("code")));
            draft.give("quantity", Cell::Number(on_hand));
            state.save(by_hand(now, editor), Set::Stocks, draft)?;
            Ok(())
        })
    }

    /// Makes an item. Gives back its id.
    ///
    /// # Errors
    /// When its number is taken.
    pub fn add_item(&self, now: UnixMs, editor: Editor, item: SeedItem) -> Result<Guid, Refused> {
        self.edit(now, |state| Ok(state.seed_item(by_hand(now, editor), item)?))
    }

    /// Changes an item.
    ///
    /// # Errors
    /// When it does not exist, or its new number is empty or taken.
    pub fn set_item(&self, now: UnixMs, editor: Editor, item: &str, change: ItemEdit) -> Result<(), Refused> {
        self.edit(now, |state| {
            let mut draft = state.draft_of(Set::Items, item)?;
            give(&mut draft, "number", capital(change.code));
            give(&mut draft, "displayName", change.title);
            give(&mut draft, "gtin", change.barcode);
            if let Some(active) = change.active {
                draft.give("blocked", Cell::Flag(!active));
            }
            if !draft.given.is_empty() {
                state.save(by_hand(now, editor), Set::Items, draft)?;
            }
            Ok(())
        })
    }

    /// Deletes an item with its stock and prices.
    ///
    /// # Errors
    /// When it does not exist or an open order names it.
    pub fn delete_item(&self, now: UnixMs, editor: Editor, item: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(Set::Items, item)?.id;
            Ok(state.delete(by_hand(now, editor), Set::Items, id)?)
        })
    }

    /// Replaces the price of an item in a list, breaks included. The list `base` is the item's own unit price, which
    /// has no breaks.
    ///
    /// # Errors
    /// When item or list do not exist, or breaks are given where there can be none.
    pub fn set_price(
        &self,
        now: UnixMs,
        editor: Editor,
        (list, item): (&str, &str),
        price: PriceEdit,
    ) -> Result<(), Refused> {
        self.edit(now, |state| {
            let cause = by_hand(now, editor);
            if list == BASE {
                if !price.breaks.is_empty() {
                    return Err(Refused("an item's own price has no breaks".to_owned()));
                }
                let mut draft = state.draft_of(Set::Items, item)?;
                draft.give("unitPrice", Cell::Number(price.amount));
                state.save(cause, Set::Items, draft)?;
                return Ok(());
            }
            let mut wanted: Vec<(Decimal, Decimal)> = price.breaks.iter().map(|it| (it.from, it.amount)).collect();
            wanted.push((Decimal::ZERO, price.amount));
            Ok(state.replace_prices(cause, (list, item), &wanted)?)
        })
    }

    /// Takes an item out of a price list.
    ///
    /// # Errors
    /// When item or list do not exist.
    pub fn remove_price(&self, now: UnixMs, editor: Editor, list: &str, item: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            state.named(Set::PriceLists, list)?;
            state.named(Set::Items, item)?;
            Ok(state.replace_prices(by_hand(now, editor), (list, item), &[])?)
        })
    }

    /// Makes a customer. Gives back its id.
    ///
    /// # Errors
    /// When its number is taken.
    pub fn add_customer(&self, now: UnixMs, editor: Editor, customer: SeedCustomer) -> Result<Guid, Refused> {
        self.edit(now, |state| Ok(state.seed_customer(by_hand(now, editor), customer)?))
    }

    /// Changes a customer.
    ///
    /// # Errors
    /// When it does not exist, or its new number is empty or taken.
    pub fn set_customer(
        &self,
        now: UnixMs,
        editor: Editor,
        customer: &str,
        change: CustomerEdit,
    ) -> Result<(), Refused> {
        self.edit(now, |state| {
            let mut draft = state.draft_of(Set::Customers, customer)?;
            give(&mut draft, "number", capital(change.code));
            give(&mut draft, "displayName", change.name);
            give(&mut draft, "email", change.email);
            give(&mut draft, "currencyCode", capital(change.currency));
            let blocked = change.active.map(|it| if it { " " } else { "All" }.to_owned());
            give(&mut draft, "blocked", blocked);
            if !draft.given.is_empty() {
                state.save(by_hand(now, editor), Set::Customers, draft)?;
            }
            Ok(())
        })
    }

    /// Deletes a customer.
    ///
    /// # Errors
    /// When it does not exist or has open orders.
    pub fn delete_customer(&self, now: UnixMs, editor: Editor, customer: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(Set::Customers, customer)?.id;
            Ok(state.delete(by_hand(now, editor), Set::Customers, id)?)
        })
    }

    /// Takes an order. Gives back its id.
    ///
    /// # Errors
    /// When it names what does not exist.
    pub fn place_order(&self, now: UnixMs, editor: Editor, order: NewOrder) -> Result<Guid, Refused> {
        self.edit(now, |state| {
            let cause = by_hand(now, editor);
            let customer = state.named(Set::Customers, &order.customer)?.id;
            let mut draft = Draft::new(Row::new(state.new_id()));
            draft.give("customerId", Cell::Id(customer));
            draft.give("externalDocumentNumber", Cell::Text(order.po_number.to_uppercase()));
            give(&mut draft, "currencyCode", capital(order.currency));
            let id = state.save(cause, Set::Orders, draft)?;
            for line in order.lines {
                let item = state.named(Set::Items, &line.item)?.id;
                let mut draft = Draft::new(Row::new(state.new_id()));
                draft.give("documentId", Cell::Id(id));
                draft.give("itemId", Cell::Id(item));
                draft.give("quantity", Cell::Number(line.quantity));
                if let Some(price) = line.unit_price {
                    draft.give("unitPrice", Cell::Number(price));
                }
                if let Some(code) = line.location {
                    let location = state.named(Set::Locations, &code)?.id;
                    draft.give("locationId", Cell::Id(location));
                }
                state.save(cause, Set::OrderLines, draft)?;
            }
            Ok(id)
        })
    }

    /// Ships goods of an order: so many of each item, or all that is open. The order stays until it is invoiced.
    ///
    /// # Errors
    /// When it does not exist or so much is not open.
    pub fn ship_order(
        &self,
        now: UnixMs,
        editor: Editor,
        order: &str,
        quantities: Option<&[(String, Decimal)]>,
    ) -> Result<(), Refused> {
        self.ship_parcel(now, editor, order, (quantities, "", ""))
    }

    /// The same, with the carrier's code and its number for the parcel.
    ///
    /// # Errors
    /// As [`BusinessCentral::ship_order`].
    pub fn ship_parcel(
        &self,
        now: UnixMs,
        editor: Editor,
        order: &str,
        (quantities, carrier, tracking): (Option<&[(String, Decimal)]>, &str, &str),
    ) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(Set::Orders, order)?.id;
            let lines = state.lines_of(id);
            let mut named = Vec::new();
            for (item, quantity) in quantities.unwrap_or_default() {
                let item = state.named(Set::Items, item)?.id;
                let line = lines.iter().find(|it| it.reference("itemId") == item);
                let line = line.ok_or_else(|| Refused("the order has no such line".to_owned()))?;
                named.push((line.id, *quantity));
            }
            let cause = by_hand(now, editor);
            let shipment = state.post(cause, id, Posting::Ship, quantities.map(|_| &*named))?;
            if let Some(mut row) = shipment.and_then(|it| state.row(Set::Shipments, it)).cloned() {
                row.set_text("shippingAgentCode", carrier);
                row.set_text("packageTrackingNo", tracking);
                state.put(cause, Set::Shipments, row);
            }
            Ok(())
        })
    }

    /// Ships and invoices all that is open of an order, which is gone afterwards.
    ///
    /// # Errors
    /// When it does not exist or nothing is open.
    pub fn post_order(&self, now: UnixMs, editor: Editor, order: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(Set::Orders, order)?.id;
            state.post(by_hand(now, editor), id, Posting::ShipAndInvoice, None)?;
            Ok(())
        })
    }

    /// Gives an order a status as the API shows it: `Draft`, `In Review` or `Open` (released).
    ///
    /// # Errors
    /// When the order or the status does not exist.
    pub fn set_order_status(&self, now: UnixMs, editor: Editor, order: &str, status: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let mut row = state.named(Set::Orders, order)?.clone();
            let status = ORDER_STATUS.iter().find(|it| **it == status);
            let status = status.ok_or_else(|| Refused("there is no such status".to_owned()))?;
            row.set_text("status", *status);
            let subject = super::state::Subject::Order(row.id);
            let cause = by_hand(now, editor);
            state.journaled(cause, &[subject], |state| {
                state.put(cause, Set::Orders, row);
                Ok(())
            })?;
            Ok(())
        })
    }

    /// Deletes an order that was not shipped: how an order is cancelled.
    ///
    /// # Errors
    /// When it does not exist, is released, or was shipped and not invoiced.
    pub fn delete_order(&self, now: UnixMs, editor: Editor, order: &str) -> Result<(), Refused> {
        self.edit(now, |state| {
            let id = state.named(Set::Orders, order)?.id;
            Ok(state.delete(by_hand(now, editor), Set::Orders, id)?)
        })
    }

    /// Ends every token that was given out.
    pub fn revoke_tokens(&self) {
        self.with(|state| state.tokens.revoke());
    }

    /// Ends every subscription, as a restored copy of an environment has none.
    pub fn end_subscriptions(&self) {
        self.with(|state| state.subscriptions = super::webhooks::Subscriptions::default());
    }

    /// Takes on another set-up; data stays.
    pub fn set_settings(&self, settings: Settings) {
        self.with(|state| state.settings = settings);
    }
}
