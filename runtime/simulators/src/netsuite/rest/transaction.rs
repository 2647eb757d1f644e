//! Writing sales orders and inventory adjustments.

use jiff::Timestamp;
use jiff::civil::Date;
use truthsource_core::UnixMs;

use super::super::body::{Body, Given};
use super::super::model::{Status, Transaction, TransactionType};
use super::super::problem::Problem;
use super::super::settings::name_of;
use super::super::state::State;
use super::item::reference;
use super::{Draft, Sublists, lines};

pub(super) fn order(
    state: &State,
    body: &mut Body,
    (id, now): (Option<u64>, UnixMs),
    sublists: Sublists,
) -> Result<Draft, Problem> {
    let before = id.and_then(|it| state.transactions.get(&it));
    let mut order = before.cloned().unwrap_or_else(|| blank(state, TransactionType::SalesOrd, now));
    header(state, body, &mut order)?;
    let entity = body.reference("entity")?;
    let entity = reference(body, "entity", entity, |it| state.customers.get(&it).is_some_and(|it| it.active))?;
    order.entity = entity.or(order.entity);
    let Some(customer) = order.entity.and_then(|it| state.customers.get(&it)) else {
        return Err(Problem::user("Please enter value(s) for: Customer"));
    };
    let currencies = &state.settings.currencies;
    let currency = body.reference("currency")?;
    let currency = reference(body, "currency", currency, |it| name_of(currencies, it).is_some())?;
    if before.is_none() {
        order.subsidiary = customer.subsidiary;
        order.currency = customer.currency;
    }
    order.currency = currency.unwrap_or(order.currency);
    body.text("otherRefNum")?.onto(&mut order.po_number);
    if let Given::Value(letter) = body.reference("orderStatus")? {
        order.status = Some(settable_status(body, &letter)?);
    }
    let location = body.reference("location")?;
    order.location = reference(body, "location", location, |it| state.locations.contains_key(&it))?.or(order.location);
    let entries = body.sublist("item")?;
    order.lines = lines::of_order(state, body, &order, entries, sublists)?;
    if order.lines.is_empty() {
        return Err(Problem::user("You must enter at least one line item for this transaction."));
    }
    body.read_only(&["status", "subtotal", "total", "taxTotal", "exchangeRate", "createdDate", "lastModifiedDate"]);
    body.read_only(&["shipDate"]);
    Ok(Draft::Transaction(order))
}

pub(super) fn adjustment(
    state: &State,
    body: &mut Body,
    (id, now): (Option<u64>, UnixMs),
    sublists: Sublists,
) -> Result<Draft, Problem> {
    let before = id.and_then(|it| state.transactions.get(&it));
    let mut adjustment = before.cloned().unwrap_or_else(|| blank(state, TransactionType::InvAdjst, now));
    let has_subsidiary = header(state, body, &mut adjustment)?;
    if before.is_none() && state.settings.one_world && !has_subsidiary {
        return Err(Problem::user("Please enter value(s) for: Subsidiary"));
    }
    let accounts = &state.settings.adjustment_accounts;
    let account = body.reference("account")?;
    adjustment.account =
        reference(body, "account", account, |it| name_of(accounts, it).is_some())?.or(adjustment.account);
    if adjustment.account.is_none() {
        return Err(Problem::user("Please enter value(s) for: Adjustment Account"));
    }
    let location = body.reference("adjLocation")?;
    let location = reference(body, "adjLocation", location, |it| state.locations.contains_key(&it))?;
    adjustment.location = location.or(adjustment.location);
    let entries = body.sublist("inventory")?;
    adjustment.lines = lines::of_adjustment(state, body, &adjustment, entries, sublists)?;
    if adjustment.lines.is_empty() {
        return Err(Problem::user("You must enter at least one line item for this transaction."));
    }
    body.read_only(&["createdDate", "lastModifiedDate"]);
    Ok(Draft::Transaction(adjustment))
}

/// What all transactions have. Gives back whether the body names a subsidiary.
fn header(state: &State, body: &mut Body, transaction: &mut Transaction) -> Result<bool, Problem> {
    body.text("externalId")?.onto(&mut transaction.external_id);
    body.text("memo")?.onto(&mut transaction.memo);
    if let Given::Value(number) = body.text("tranId")? {
        transaction.number = number;
    }
    if let Given::Value(text) = body.text("tranDate")? {
        let date = text.parse::<Date>().map_err(|_| {
            Problem::content(body.path("tranDate"), format!("Invalid value '{text}' for the field tranDate."))
        })?;
        transaction.day = date;
    }
    let subsidiaries = &state.settings.subsidiaries;
    let subsidiary = body.reference("subsidiary")?;
    let subsidiary = reference(body, "subsidiary", subsidiary, |it| name_of(subsidiaries, it).is_some())?;
    transaction.subsidiary = subsidiary.unwrap_or(transaction.subsidiary);
    Ok(subsidiary.is_some())
}

/// A status that a person or an integration may set; the others follow from what happens to the goods.
fn settable_status(body: &Body, letter: &str) -> Result<Status, Problem> {
    let status = Status::ALL.into_iter().find(|it| it.letter() == letter);
    let status = status.ok_or_else(|| Problem::reference(&body.path("orderStatus"), letter))?;
    match status {
        Status::PendingApproval | Status::PendingFulfillment | Status::Cancelled | Status::Closed => Ok(status),
        Status::PartiallyFulfilled | Status::PendingBilling | Status::Billed => {
            Err(Problem::user(format!("The order status '{}' cannot be set.", status.title())))
        }
    }
}

/// A transaction of today, with nothing on it.
pub(in crate::netsuite) fn blank(state: &State, ty: TransactionType, now: UnixMs) -> Transaction {
    let second = i64::try_from(now.0 / 1_000).unwrap_or(0);
    let today = Timestamp::from_second(second).map(|it| state.zone.to_datetime(it).date()).unwrap_or_default();
    Transaction {
        id: 0,
        ty,
        number: String::new(),
        external_id: None,
        entity: None,
        account: None,
        location: None,
        subsidiary: state.settings.subsidiaries.first().map_or(1, |it| it.id),
        currency: state.settings.base_currency(),
        day: today,
        memo: None,
        po_number: None,
        status: (ty == TransactionType::SalesOrd).then_some(Status::PendingFulfillment),
        created_from: None,
        carrier: None,
        tracking: None,
        lines: Vec::new(),
        main_key: 0,
        created: UnixMs(0),
        modified: UnixMs(0),
    }
}
