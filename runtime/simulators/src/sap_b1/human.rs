//! What a person does at the company's own screens, for code in the same process.
//!
//! After any of these, let the door collect webhooks: people's edits are events too. Nobody can give an item or a
//! business partner another code: it is their key for good.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use truthsource_core::{Decimal, UnixMs};

use super::SapB1;
use super::clock::maybe_day;
use super::model::{Book, DataArea, DocumentLine, Posting, PostingLine, QuantityArea, SpecialPrice};
use super::problem::Problem;
use super::seed::{Seed, SeedItem, SeedPartner};
use super::settings::Settings;
use super::shape::Line;
use super::state::{Cause, State, Turn};
use crate::journal::Actor;

/// The screen said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem.message)
    }
}

/// Changes to an item; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemEdit {
    /// `ItemName`.
    pub title: Option<String>,
    /// `BarCode`.
    pub barcode: Option<String>,
    /// `Valid`, and not `Frozen`.
    pub active: Option<bool>,
}

/// Changes to a business partner; what is left out stays, and an empty text empties a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PartnerEdit {
    /// `CardName`.
    pub name: Option<String>,
    /// `EmailAddress`.
    pub email: Option<String>,
    /// `Valid`, and not `Frozen`.
    pub active: Option<bool>,
    /// `PriceListNum`.
    pub price_list: Option<i64>,
    /// `Currency`.
    pub currency: Option<String>,
}

/// The whole price of an item in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceEdit {
    /// The price of one; zero takes the price away.
    pub amount: Decimal,
    /// The company's code of the currency; it stays if left out.
    #[serde(default)]
    pub currency: Option<String>,
    /// Least quantities and their prices, for the whole list and for good; they stay if left out.
    #[serde(default)]
    pub breaks: Option<Vec<(Decimal, Decimal)>>,
}

/// A sales order that a person enters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// `CardCode`.
    pub customer: String,
    /// `NumAtCard`.
    #[serde(default)]
    pub reference: Option<String>,
    /// `DocDueDate`; today if left out.
    #[serde(default, with = "maybe_day")]
    pub due: Option<Date>,
    /// Its lines.
    pub lines: Vec<OrderedLine>,
}

/// A line of a sales order that a person enters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderedLine {
    /// `ItemCode`.
    pub item: String,
    /// `Quantity`.
    pub quantity: Decimal,
    /// `WarehouseCode`; the company's default if left out.
    #[serde(default)]
    pub warehouse: Option<String>,
}

fn by_hand(now: UnixMs) -> Cause {
    Cause { now, actor: Actor::Human }
}

fn none() -> Refused {
    Refused("there is no such record".to_owned())
}

/// An empty text empties a field.
fn edit(field: &mut Option<String>, to: Option<String>) {
    if let Some(text) = to {
        *field = Some(text).filter(|it| !it.is_empty());
    }
}

/// Edits of master data.
impl SapB1 {
    /// Puts data in at once, as an import does.
    ///
    /// # Errors
    /// At the first entry that is not unique or refers to nothing; what came before it stays.
    pub fn seed(&self, now: UnixMs, seed: Seed) -> Result<(), Refused> {
        Ok(self.with(|state| state.seed(now, seed))?)
    }

    /// Makes an item.
    ///
    /// # Errors
    /// When the code is empty, too long or taken.
    pub fn add_item(&self, now: UnixMs, item: SeedItem) -> Result<(), Refused> {
        Ok(self.with(|state| state.seed_item(by_hand(now), item))?)
    }

    /// Changes an item.
    ///
    /// # Errors
    /// When it does not exist.
    pub fn set_item(&self, now: UnixMs, code: &str, change: ItemEdit) -> Result<(), Refused> {
        self.with(|state| {
            let mut item = state.items.get(code).cloned().ok_or_else(none)?;
            edit(&mut item.name, change.title);
            edit(&mut item.barcode, change.barcode);
            item.said.0 = change.active;
            Ok(state.save_item(by_hand(now), item)?)
        })
    }

    /// Deletes an item with its prices.
    ///
    /// # Errors
    /// When it does not exist, has stock, or is in a document.
    pub fn delete_item(&self, now: UnixMs, code: &str) -> Result<(), Refused> {
        Ok(self.with(|state| state.delete_item(by_hand(now), code))?)
    }

    /// Edits a price in the window of its list. The item's own stamp stays as it is.
    ///
    /// # Errors
    /// When item, list or currency do not exist.
    pub fn set_price(&self, now: UnixMs, list: i64, item: &str, price: PriceEdit) -> Result<(), Refused> {
        self.with(|state| {
            if !state.lists.contains_key(&list) {
                return Err(none());
            }
            state.set_prices(by_hand(now), item, |it| {
                let Some(row) = it.prices.get_mut(&list) else { return };
                (row.price, row.is_manual) = (price.amount, row.base != row.list);
                row.currency = price.currency.or_else(|| row.currency.take());
            })?;
            match price.breaks {
                Some(breaks) => Ok(set_breaks(state, by_hand(now), (list, item), (price.amount, breaks))?),
                None => Ok(()),
            }
        })
    }

    /// Makes a business partner.
    ///
    /// # Errors
    /// When the code is empty, too long or taken.
    pub fn add_partner(&self, now: UnixMs, partner: SeedPartner) -> Result<(), Refused> {
        Ok(self.with(|state| state.seed_partner(by_hand(now), partner))?)
    }

    /// Changes a business partner.
    ///
    /// # Errors
    /// When it, its list or its currency do not exist.
    pub fn set_partner(&self, now: UnixMs, code: &str, change: PartnerEdit) -> Result<(), Refused> {
        self.with(|state| {
            let mut partner = state.partners.get(code).cloned().ok_or_else(none)?;
            edit(&mut partner.name, change.name);
            edit(&mut partner.email, change.email);
            partner.said.0 = change.active;
            partner.price_list = change.price_list.unwrap_or(partner.price_list);
            partner.currency = change.currency.unwrap_or(partner.currency);
            Ok(state.save_partner(by_hand(now), partner)?)
        })
    }

    /// Deletes a business partner.
    ///
    /// # Errors
    /// When it does not exist or documents name it.
    pub fn delete_partner(&self, now: UnixMs, code: &str) -> Result<(), Refused> {
        Ok(self.with(|state| state.delete_partner(by_hand(now), code))?)
    }

    /// Ends every session, as a restart of the server does.
    pub fn end_sessions(&self) {
        self.with(|state| state.sessions.end_all());
    }

    /// Switches webhooks on or off.
    pub fn switch_webhooks(&self, on: bool) {
        self.with(|state| state.webhooks_on = on);
    }

    /// Takes on another set-up; data stays.
    ///
    /// # Errors
    /// When it names no time zone that exists; nothing has changed then.
    pub fn set_settings(&self, settings: Settings) -> Result<(), Refused> {
        self.with(|state| state.set_settings(settings)).map_err(|it| Refused(it.to_string()))
    }
}

/// Documents.
impl SapB1 {
    /// Corrects the count of an item in a warehouse, by an inventory posting as the screens do.
    ///
    /// # Errors
    /// When item or warehouse do not exist, the item is never counted, or the count is below zero.
    pub fn set_on_hand(&self, now: UnixMs, item: &str, warehouse: &str, on_hand: Decimal) -> Result<(), Refused> {
        self.with(|state| {
            let day = state.stamp(now).date;
            let line = PostingLine {
                item: item.to_owned(),
                warehouse: Some(warehouse.to_owned()),
                counted: Some(on_hand),
                ..PostingLine::blank(0)
            };
            let (remarks, reference, lines) = (None, None, vec![line]);
            let posting = Posting { entry: 0, day, count_day: day, remarks, reference, lines };
            state.add_posting(by_hand(now), posting)?;
            Ok(())
        })
    }

    /// Enters a sales order. Gives back its `DocEntry`.
    ///
    /// # Errors
    /// When customer, items or warehouses do not exist or are inactive.
    pub fn place_order(&self, now: UnixMs, order: NewOrder) -> Result<i64, Refused> {
        self.with(|state| {
            let mut document = state.blank_document(by_hand(now), Book::Orders);
            (document.card, document.reference) = (Some(order.customer), order.reference);
            document.due = Some(order.due.unwrap_or(document.day));
            let line = |(number, it): (usize, OrderedLine)| DocumentLine {
                item: it.item,
                quantity: it.quantity,
                warehouse: it.warehouse,
                ..DocumentLine::blank(i64::try_from(number).unwrap_or(i64::MAX))
            };
            document.lines = order.lines.into_iter().enumerate().map(line).collect();
            Ok(state.add_document(by_hand(now), Book::Orders, document)?)
        })
    }

    /// Delivers a sales order: the quantities of some of its lines (`LineNum`, quantity), or all that is open. Gives
    /// back the delivery's `DocEntry`.
    ///
    /// # Errors
    /// When it does not exist, nothing is open, or the goods are not there.
    pub fn deliver(&self, now: UnixMs, order: i64, lines: Option<&[(i64, Decimal)]>) -> Result<i64, Refused> {
        self.deliver_parcel(now, order, lines, (None, None))
    }

    /// The same, with the number of the shipping type and the carrier's number for the parcel.
    ///
    /// # Errors
    /// As [`SapB1::deliver`].
    pub fn deliver_parcel(
        &self,
        now: UnixMs,
        order: i64,
        lines: Option<&[(i64, Decimal)]>,
        (transport, tracking): (Option<i64>, Option<String>),
    ) -> Result<i64, Refused> {
        self.with(|state| {
            let base = state.documents.get(&(Book::Orders, order)).ok_or_else(none)?;
            let open = base.lines.iter().filter(|it| it.open() > Decimal::ZERO).map(|it| (it.number, it.open()));
            let wanted: Vec<(i64, Decimal)> = lines.map_or_else(|| open.collect(), <[_]>::to_vec);
            let mut document = state.blank_document(by_hand(now), Book::DeliveryNotes);
            let line = |(number, (base_line, quantity)): (usize, (i64, Decimal))| DocumentLine {
                quantity,
                base_type: Book::Orders.object(),
                base_entry: Some(order),
                base_line: Some(base_line),
                ..DocumentLine::blank(i64::try_from(number).unwrap_or(i64::MAX))
            };
            document.lines = wanted.into_iter().enumerate().map(line).collect();
            (document.transport, document.tracking) = (transport, tracking);
            Ok(state.add_document(by_hand(now), Book::DeliveryNotes, document)?)
        })
    }

    /// Cancels a sales order.
    ///
    /// # Errors
    /// When it does not exist, is closed, or was delivered in part.
    pub fn cancel_order(&self, now: UnixMs, order: i64) -> Result<(), Refused> {
        Ok(self.with(|state| state.turn_order(by_hand(now), order, Turn::Cancel))?)
    }

    /// Closes a sales order: what is open of it is no longer waited for.
    ///
    /// # Errors
    /// When it does not exist or is closed.
    pub fn close_order(&self, now: UnixMs, order: i64) -> Result<(), Refused> {
        Ok(self.with(|state| state.turn_order(by_hand(now), order, Turn::Close))?)
    }

    /// Opens a sales order that was closed.
    ///
    /// # Errors
    /// When it does not exist, is not closed, was cancelled, or was delivered as a whole.
    pub fn reopen_order(&self, now: UnixMs, order: i64) -> Result<(), Refused> {
        Ok(self.with(|state| state.turn_order(by_hand(now), order, Turn::Reopen))?)
    }

    /// Approves a draft: it is booked, and goes. Gives back the `DocEntry` of what it became.
    ///
    /// # Errors
    /// When it does not exist or cannot be booked.
    pub fn approve_draft(&self, now: UnixMs, draft: i64) -> Result<i64, Refused> {
        Ok(self.with(|state| state.book_draft(by_hand(now), draft)).map(|(_, entry)| entry)?)
    }
}

/// Replaces the prices from a quantity on that hold for a whole list, without end.
fn set_breaks(
    state: &mut State,
    cause: Cause,
    (list, item): (i64, &str),
    (price, breaks): (Decimal, Vec<(Decimal, Decimal)>),
) -> Result<(), Problem> {
    let key = (format!("*{list}"), item.to_owned());
    if breaks.is_empty() {
        return if state.special.contains_key(&key) { state.delete_special(cause, &key) } else { Ok(()) };
    }
    let volume = |(row, (from, price)): (usize, (Decimal, Decimal))| QuantityArea {
        from,
        price,
        ..QuantityArea::blank(i64::try_from(row).unwrap_or(i64::MAX))
    };
    let volumes = breaks.into_iter().enumerate().map(volume).collect();
    let period = DataArea { price, volumes, ..DataArea::blank(0) };
    let (card, item) = key;
    let special = SpecialPrice {
        card,
        item,
        price,
        currency: None,
        discount: Decimal::ZERO,
        price_list: list,
        auto_update: false,
        valid: true,
        valid_from: None,
        valid_to: None,
        periods: vec![period],
    };
    state.save_special(cause, special)
}
