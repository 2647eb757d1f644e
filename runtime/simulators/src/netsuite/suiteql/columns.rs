//! The columns of every table, under their SuiteQL names.

use jiff::civil::Date;
use truthsource_core::Decimal;

use super::cell::{Cell, flag, int, maybe, moment, number, owned, text};
use super::tables::{Column, Reader, Scene, Type};
use crate::netsuite::model::{Line, Stock, Transaction, TransactionType};
use crate::netsuite::settings::{SalesLines, name_of};

const fn number_of(name: &'static str, read: Reader) -> Column {
    Column::new(name, Type::Number, read)
}

const fn text_of(name: &'static str, read: Reader) -> Column {
    Column::new(name, Type::Text, read)
}

const fn moment_of(name: &'static str, read: Reader) -> Column {
    Column::new(name, Type::Moment, read)
}

pub(super) const ITEM: &[Column] = &[
    number_of("id", Reader::Item(|_, it| int(it.id))),
    text_of("itemid", Reader::Item(|_, it| text(&it.code))),
    text_of("displayname", Reader::Item(|_, it| maybe(&it.title))),
    text_of("fullname", Reader::Item(|_, it| text(&it.code))),
    text_of("upccode", Reader::Item(|_, it| maybe(&it.barcode))),
    text_of("externalid", Reader::Item(|_, it| maybe(&it.external_id))),
    text_of("itemtype", Reader::Item(|_, it| text(it.ty.sql_name()))),
    text_of("isinactive", Reader::Item(|_, it| flag(!it.active))),
    moment_of("createddate", Reader::Item(|_, it| moment(it.created))),
    moment_of("lastmodifieddate", Reader::Item(|_, it| moment(it.modified))),
];

const STOCK_ITEM: Column =
    number_of("item", Reader::Stock(|_, key, _| int(key.item))).showing(Reader::Stock(|it, key, _| item(it, key.item)));
const STOCK_LOCATION: Column = number_of("location", Reader::Stock(|_, key, _| int(key.location)))
    .showing(Reader::Stock(|it, key, _| location(it, Some(key.location))));
const ON_HAND: Column = number_of("quantityonhand", Reader::Stock(|_, _, it| number(it.on_hand)));
const AVAILABLE: Column = number_of("quantityavailable", Reader::Stock(|_, _, it| number(it.available())));
const COMMITTED: Column = number_of("quantitycommitted", Reader::Stock(|_, _, it| number(it.committed())));
const BACKORDERED: Column = number_of("quantitybackordered", Reader::Stock(|_, _, it| number(it.backordered())));
// Nothing buys or transfers goods here.
const ON_ORDER: Column = number_of("quantityonorder", Reader::Stock(nothing));
const IN_TRANSIT: Column = number_of("quantityintransit", Reader::Stock(nothing));

pub(super) const AGGREGATE_ITEM_LOCATION: &[Column] =
    &[STOCK_ITEM, STOCK_LOCATION, ON_HAND, AVAILABLE, COMMITTED, BACKORDERED, ON_ORDER, IN_TRANSIT];

pub(super) const INVENTORY_ITEM_LOCATIONS: &[Column] = &[
    STOCK_ITEM,
    STOCK_LOCATION,
    ON_HAND,
    AVAILABLE,
    COMMITTED,
    BACKORDERED,
    ON_ORDER,
    IN_TRANSIT,
    moment_of("lastquantityavailablechange", Reader::Stock(|_, _, it| moment(it.changed))),
];

pub(super) const PRICING: &[Column] = &[
    number_of("item", Reader::Price(|_, key, _| int(key.item))).showing(Reader::Price(|it, key, _| item(it, key.item))),
    number_of("pricelevel", Reader::Price(|_, key, _| int(key.level)))
        .showing(Reader::Price(|it, key, _| level(it, Some(key.level)))),
    number_of("currency", Reader::Price(|_, key, _| int(key.currency)))
        .showing(Reader::Price(|it, key, _| currency(it, key.currency))),
    number_of("quantity", Reader::Price(|_, key, _| number(key.from))),
    number_of("unitprice", Reader::Price(|_, _, it| number(*it))),
];

pub(super) const NAMED: &[Column] = &[
    number_of("id", Reader::Named(|_, it| int(it.id))),
    text_of("name", Reader::Named(|_, it| text(&it.name))),
    text_of("symbol", Reader::Named(|_, it| text(&it.name))),
    text_of("isinactive", Reader::Named(|_, _| flag(false))),
];

pub(super) const CUSTOMER: &[Column] = &[
    number_of("id", Reader::Customer(|_, it| int(it.id))),
    text_of("entityid", Reader::Customer(|_, it| text(&it.code))),
    text_of("companyname", Reader::Customer(|_, it| maybe(&it.name))),
    text_of("altname", Reader::Customer(|_, it| maybe(&it.name))),
    text_of("email", Reader::Customer(|_, it| maybe(&it.email))),
    text_of("externalid", Reader::Customer(|_, it| maybe(&it.external_id))),
    text_of("isinactive", Reader::Customer(|_, it| flag(!it.active))),
    number_of("pricelevel", Reader::Customer(|_, it| it.price_level.map_or(Cell::Null, int)))
        .showing(Reader::Customer(|scene, it| level(scene, it.price_level))),
    number_of("currency", Reader::Customer(|_, it| int(it.currency)))
        .showing(Reader::Customer(|scene, it| currency(scene, it.currency))),
    moment_of("datecreated", Reader::Customer(|_, it| moment(it.created))),
    moment_of("lastmodifieddate", Reader::Customer(|_, it| moment(it.modified))),
];

pub(super) const TRANSACTION: &[Column] = &[
    number_of("id", Reader::Transaction(|_, it| int(it.id))),
    text_of("tranid", Reader::Transaction(|_, it| text(&it.number))),
    text_of("type", Reader::Transaction(|_, it| text(it.ty.sql_name())))
        .showing(Reader::Transaction(|_, it| text(it.ty.title()))),
    text_of("recordtype", Reader::Transaction(|_, it| owned(it.ty.rest_name().to_lowercase()))),
    number_of("entity", Reader::Transaction(|_, it| it.entity.map_or(Cell::Null, int)))
        .showing(Reader::Transaction(customer)),
    moment_of("trandate", Reader::Transaction(|scene, it| midnight(scene, it.day))),
    text_of("status", Reader::Transaction(|_, it| it.status.map_or(Cell::Null, |it| text(it.letter()))))
        .showing(Reader::Transaction(status)),
    text_of("externalid", Reader::Transaction(|_, it| maybe(&it.external_id))),
    text_of("otherrefnum", Reader::Transaction(|_, it| maybe(&it.po_number))),
    text_of("memo", Reader::Transaction(|_, it| maybe(&it.memo))),
    number_of("currency", Reader::Transaction(|_, it| int(it.currency)))
        .showing(Reader::Transaction(|scene, it| currency(scene, it.currency))),
    number_of("exchangerate", Reader::Transaction(|_, _| Cell::Int(1))),
    number_of("foreigntotal", Reader::Transaction(|_, it| number(it.total()))),
    text_of("trackingnumberlist", Reader::Transaction(|_, it| maybe(&it.tracking))),
    // Ways of shipping have no numbers here.
    text_of("shipmethod", Reader::Transaction(|_, it| maybe(&it.carrier)))
        .showing(Reader::Transaction(|_, it| maybe(&it.carrier))),
    moment_of("createddate", Reader::Transaction(|_, it| moment(it.created))),
    moment_of("lastmodifieddate", Reader::Transaction(|_, it| moment(it.modified))),
];

pub(super) const TRANSACTION_LINE: &[Column] = &[
    number_of("transaction", Reader::Line(|_, it, _| int(it.id))),
    number_of("linesequencenumber", Reader::Line(|_, _, line| int(line.map_or(0, |it| it.number)))),
    number_of("id", Reader::Line(|_, _, line| int(line.map_or(0, |it| it.number)))),
    number_of("uniquekey", Reader::Line(|_, it, line| int(line.map_or(it.main_key, |it| it.key)))),
    number_of("item", Reader::Line(|_, _, line| line.map_or(Cell::Null, |it| int(it.item))))
        .showing(Reader::Line(|scene, _, line| line.map_or(Cell::Null, |it| item(scene, it.item)))),
    number_of("quantity", Reader::Line(quantity)),
    number_of("rate", Reader::Line(|_, _, line| line.and_then(|it| it.rate).map_or(Cell::Null, number))),
    number_of("netamount", Reader::Line(net_amount)),
    number_of("quantityshiprecv", Reader::Line(|_, _, line| line.map_or(Cell::Null, |it| number(it.fulfilled)))),
    number_of("location", Reader::Line(line_location)).showing(Reader::Line(|scene, it, line| {
        location(scene, line.map_or(it.location, |line| it.location_of(line)))
    })),
    number_of("createdfrom", Reader::Line(|_, it, _| it.created_from.map_or(Cell::Null, int))),
    text_of("mainline", Reader::Line(|_, _, line| flag(line.is_none()))),
    text_of("taxline", Reader::Line(|_, _, _| flag(false))),
    text_of("isclosed", Reader::Line(|_, _, _| flag(false))),
    moment_of("linelastmodifieddate", Reader::Line(|_, it, line| moment(line.map_or(it.modified, |it| it.modified)))),
];

pub(super) const LOCATION: &[Column] = &[
    number_of("id", Reader::Location(|_, it| int(it.id))),
    text_of("name", Reader::Location(|_, it| text(&it.name))),
    text_of("fullname", Reader::Location(|_, it| text(&it.name))),
    text_of("isinactive", Reader::Location(|_, it| flag(!it.active))),
    moment_of("lastmodifieddate", Reader::Location(|_, it| moment(it.modified))),
];

pub(super) const DELETED_RECORD: &[Column] = &[
    text_of("name", Reader::Deleted(|_, it| text(&it.name))),
    number_of("recordid", Reader::Deleted(|_, it| int(it.record))),
    text_of("recordtypeid", Reader::Deleted(|_, it| text(&it.script_id))),
    text_of("scriptid", Reader::Deleted(|_, it| text(&it.script_id))),
    text_of("context", Reader::Deleted(|_, it| text(it.context))),
    text_of("deletedby", Reader::Deleted(|_, it| text(it.context))),
    moment_of("deleteddate", Reader::Deleted(|_, it| moment(it.at))),
    text_of("type", Reader::Deleted(|_, it| text(it.ty))),
];

fn nothing<'a>(_: Scene<'a>, _: &'a crate::netsuite::model::StockKey, _: &'a Stock) -> Cell<'a> {
    number(Decimal::ZERO)
}

fn item(scene: Scene<'_>, id: u64) -> Cell<'_> {
    scene.state.items.get(&id).map_or(Cell::Null, |it| text(&it.code))
}

fn location(scene: Scene<'_>, id: Option<u64>) -> Cell<'_> {
    id.and_then(|it| scene.state.locations.get(&it)).map_or(Cell::Null, |it| text(&it.name))
}

fn level(scene: Scene<'_>, id: Option<u64>) -> Cell<'_> {
    id.and_then(|it| scene.state.levels.get(&it)).map_or(Cell::Null, |it| text(&it.name))
}

fn currency(scene: Scene<'_>, id: u64) -> Cell<'_> {
    name_of(&scene.settings().currencies, id).map_or(Cell::Null, text)
}

fn customer<'a>(scene: Scene<'a>, it: &'a Transaction) -> Cell<'a> {
    it.entity.and_then(|it| scene.state.customers.get(&it)).map_or(Cell::Null, |it| text(&it.code))
}

fn status<'a>(_: Scene<'a>, it: &'a Transaction) -> Cell<'a> {
    it.status.map_or(Cell::Null, |status| owned(format!("{} : {}", it.ty.title(), status.title())))
}

fn midnight<'a>(scene: Scene<'a>, day: Date) -> Cell<'a> {
    day.to_zoned(scene.zone().clone()).map_or(Cell::Null, |it| Cell::Moment(it.timestamp().as_second()))
}

fn quantity<'a>(scene: Scene<'a>, it: &'a Transaction, line: Option<&'a Line>) -> Cell<'a> {
    let Some(line) = line else { return Cell::Null };
    number(if leaves(scene, it) { -line.quantity } else { line.quantity })
}

fn net_amount<'a>(scene: Scene<'a>, it: &'a Transaction, line: Option<&'a Line>) -> Cell<'a> {
    let Some(line) = line else { return number(it.total()) };
    line.amount.map_or(Cell::Null, |amount| number(if leaves(scene, it) { -amount } else { amount }))
}

fn line_location<'a>(_: Scene<'a>, it: &'a Transaction, line: Option<&'a Line>) -> Cell<'a> {
    line.map_or(it.location, |line| it.location_of(line)).map_or(Cell::Null, int)
}

/// Its lines are shown as goods that leave.
fn leaves(scene: Scene<'_>, it: &Transaction) -> bool {
    it.ty != TransactionType::InvAdjst && scene.settings().sales_lines == SalesLines::Negative
}
