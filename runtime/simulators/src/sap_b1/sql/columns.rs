//! The columns of every table, under the names that the database has for them.

use truthsource_core::Decimal;

use super::cell::Cell;
use super::tables::Row;
use crate::sap_b1::clock::Stamp;
use crate::sap_b1::model::{Address, Contact, Document, DocumentLine, Item, ItemPrice, Partner, PriceList, Stock};

/// How a column is read.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    Item(for<'a> fn(&'a Item) -> Cell<'a>),
    Stock(for<'a> fn(&'a Stock) -> Cell<'a>),
    Price(for<'a> fn(&'a Item, &'a ItemPrice) -> Cell<'a>),
    List(for<'a> fn(&'a PriceList) -> Cell<'a>),
    Partner(for<'a> fn(&'a Partner) -> Cell<'a>),
    Address(for<'a> fn(&'a Address) -> Cell<'a>),
    Contact(for<'a> fn(&'a Contact) -> Cell<'a>),
    Order(for<'a> fn(&'a Document) -> Cell<'a>),
    Line(for<'a> fn(&'a Document, &'a DocumentLine) -> Cell<'a>),
}

impl Reader {
    pub(super) fn read<'a>(self, row: &Row<'a>) -> Cell<'a> {
        match (self, row) {
            (Self::Item(read), Row::Item(it)) => read(it),
            (Self::Stock(read), Row::Stock(it)) => read(it),
            (Self::Price(read), Row::Price(item, it)) => read(item, it),
            (Self::List(read), Row::List(it)) => read(it),
            (Self::Partner(read), Row::Partner(it)) => read(it),
            (Self::Address(read), Row::Address(it)) => read(it),
            (Self::Contact(read), Row::Contact(it)) => read(it),
            (Self::Order(read), Row::Order(it)) => read(it),
            (Self::Line(read), Row::OrderLine(order, it)) => read(order, it),
            _ => Cell::Null,
        }
    }
}

/// A column of a table.
pub(super) struct Column {
    pub name: &'static str,
    pub read: Reader,
}

const fn item(name: &'static str, read: for<'a> fn(&'a Item) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Item(read) }
}

const fn stock(name: &'static str, read: for<'a> fn(&'a Stock) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Stock(read) }
}

const fn price(name: &'static str, read: for<'a> fn(&'a Item, &'a ItemPrice) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Price(read) }
}

const fn list(name: &'static str, read: for<'a> fn(&'a PriceList) -> Cell<'a>) -> Column {
    Column { name, read: Reader::List(read) }
}

const fn partner(name: &'static str, read: for<'a> fn(&'a Partner) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Partner(read) }
}

const fn address(name: &'static str, read: for<'a> fn(&'a Address) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Address(read) }
}

const fn contact(name: &'static str, read: for<'a> fn(&'a Contact) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Contact(read) }
}

const fn order(name: &'static str, read: for<'a> fn(&'a Document) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Order(read) }
}

const fn line(name: &'static str, read: for<'a> fn(&'a Document, &'a DocumentLine) -> Cell<'a>) -> Column {
    Column { name, read: Reader::Line(read) }
}

fn day<'a>(stamp: Option<Stamp>) -> Cell<'a> {
    stamp.map_or(Cell::Null, |it| Cell::Day(it.date))
}

fn ts<'a>(stamp: Option<Stamp>) -> Cell<'a> {
    stamp.map_or(Cell::Null, |it| Cell::Int(it.ts()))
}

fn sum<'a>(item: &Item, of: impl Fn(&Stock) -> Decimal) -> Cell<'a> {
    Cell::Number(item.stock.values().fold(Decimal::ZERO, |sum, it| sum + of(it)))
}

pub(super) const OITM: &[Column] = &[
    item("ItemCode", |it| Cell::text(&it.code)),
    item("ItemName", |it| Cell::maybe(&it.name)),
    item("FrgnName", |it| Cell::maybe(&it.foreign_name)),
    item("CodeBars", |it| Cell::maybe(&it.barcode)),
    item("ItmsGrpCod", |it| Cell::Int(it.group)),
    item("InvntItem", |it| Cell::flag(it.is_inventory)),
    item("SellItem", |it| Cell::flag(it.is_sales)),
    item("validFor", |it| Cell::flag(it.valid)),
    item("frozenFor", |it| Cell::flag(it.frozen)),
    item("ManBtchNum", |it| Cell::flag(it.has_batches)),
    item("ManSerNum", |it| Cell::flag(it.has_serials)),
    item("UgpEntry", |it| Cell::Int(it.uom_group)),
    item("OnHand", |it| sum(it, |it| it.on_hand)),
    item("IsCommited", |it| sum(it, |it| it.committed)),
    item("OnOrder", |_| Cell::Number(Decimal::ZERO)),
    item("CreateDate", |it| day(Some(it.created))),
    item("CreateTS", |it| ts(Some(it.created))),
    item("UpdateDate", |it| day(it.updated)),
    item("UpdateTS", |it| ts(it.updated)),
];

pub(super) const OITW: &[Column] = &[
    stock("ItemCode", |it| Cell::text(&it.item)),
    stock("WhsCode", |it| Cell::text(&it.warehouse)),
    stock("OnHand", |it| Cell::Number(it.on_hand)),
    stock("IsCommited", |it| Cell::Number(it.committed)),
    stock("OnOrder", |_| Cell::Number(Decimal::ZERO)),
    stock("MinStock", |it| Cell::Number(it.minimum)),
    stock("Locked", |it| Cell::flag(it.locked)),
];

pub(super) const ITM1: &[Column] = &[
    price("ItemCode", |item, _| Cell::text(&item.code)),
    price("PriceList", |_, it| Cell::Int(it.list)),
    price("Price", |_, it| Cell::Number(it.price)),
    price("Currency", |_, it| Cell::maybe(&it.currency)),
    price("Ovrwritten", |_, it| Cell::flag(it.is_manual)),
    price("BasePLNum", |_, it| Cell::Int(it.base)),
    price("Factor", |_, it| Cell::Number(it.factor)),
];

pub(super) const OPLN: &[Column] = &[
    list("ListNum", |it| Cell::Int(it.number)),
    list("ListName", |it| Cell::text(&it.name)),
    list("BASE_NUM", |it| Cell::Int(it.base)),
    list("Factor", |it| Cell::Number(it.factor)),
    list("IsGrossPrc", |it| Cell::flag(it.is_gross)),
    list("ValidFor", |it| Cell::flag(it.active)),
    list("PrimCurr", |it| Cell::text(&it.currency)),
];

pub(super) const OCRD: &[Column] = &[
    partner("CardCode", |it| Cell::text(&it.code)),
    partner("CardName", |it| Cell::maybe(&it.name)),
    partner("CardType", |it| Cell::text(it.ty.letter())),
    partner("GroupCode", |it| Cell::Int(it.group)),
    partner("ListNum", |it| Cell::Int(it.price_list)),
    partner("Currency", |it| Cell::text(&it.currency)),
    partner("CreditLine", |it| Cell::Number(it.credit_limit)),
    partner("Discount", |it| Cell::Number(it.discount)),
    partner("LicTradNum", |it| Cell::maybe(&it.tax_id)),
    partner("E_Mail", |it| Cell::maybe(&it.email)),
    partner("Phone1", |it| Cell::maybe(&it.phone)),
    partner("FatherCard", |it| Cell::maybe(&it.father)),
    partner("validFor", |it| Cell::flag(it.valid)),
    partner("frozenFor", |it| Cell::flag(it.frozen)),
    partner("CreateDate", |it| day(Some(it.created))),
    partner("CreateTS", |it| ts(Some(it.created))),
    partner("UpdateDate", |it| day(it.updated)),
    partner("UpdateTS", |it| ts(it.updated)),
];

pub(super) const CRD1: &[Column] = &[
    address("CardCode", |it| Cell::text(&it.partner)),
    address("Address", |it| Cell::maybe(&it.name)),
    address("LineNum", |it| Cell::Int(it.row)),
    address("AdresType", |it| Cell::text(if it.is_billing { "B" } else { "S" })),
    address("Street", |it| Cell::maybe(&it.street)),
    address("City", |it| Cell::maybe(&it.city)),
    address("ZipCode", |it| Cell::maybe(&it.zip)),
    address("State", |it| Cell::maybe(&it.state)),
    address("Country", |it| Cell::maybe(&it.country)),
];

pub(super) const OCPR: &[Column] = &[
    contact("CntctCode", |it| Cell::Int(it.code)),
    contact("CardCode", |it| Cell::text(&it.partner)),
    contact("Name", |it| Cell::maybe(&it.name)),
    contact("FirstName", |it| Cell::maybe(&it.first_name)),
    contact("LastName", |it| Cell::maybe(&it.last_name)),
    contact("E_MailL", |it| Cell::maybe(&it.email)),
    contact("Tel1", |it| Cell::maybe(&it.phone)),
    contact("Active", |it| Cell::flag(it.active)),
];

pub(super) const ORDR: &[Column] = &[
    order("DocEntry", |it| Cell::Int(it.entry)),
    order("DocNum", |it| Cell::Int(it.number)),
    order("DocDate", |it| Cell::Day(it.day)),
    order("DocDueDate", |it| it.due.map_or(Cell::Null, Cell::Day)),
    order("CardCode", |it| Cell::maybe(&it.card)),
    order("CardName", |it| Cell::maybe(&it.card_name)),
    order("NumAtCard", |it| Cell::maybe(&it.reference)),
    order("DocCur", |it| Cell::text(&it.currency)),
    order("DocTotal", |it| Cell::Number(it.total)),
    order("VatSum", |it| Cell::Number(it.vat)),
    order("DiscPrcnt", |it| Cell::Number(it.discount.unwrap_or_default())),
    order("DiscSum", |it| Cell::Number(it.total_discount)),
    order("Comments", |it| Cell::maybe(&it.comments)),
    order("DocStatus", |it| Cell::text(if it.closed { "C" } else { "O" })),
    order("CANCELED", |it| Cell::flag(it.cancelled)),
    order("CreateDate", |it| day(Some(it.created))),
    order("CreateTS", |it| ts(Some(it.created))),
    order("UpdateDate", |it| day(Some(it.updated))),
    order("UpdateTS", |it| ts(Some(it.updated))),
];

pub(super) const RDR1: &[Column] = &[
    line("DocEntry", |order, _| Cell::Int(order.entry)),
    line("LineNum", |_, it| Cell::Int(it.number)),
    line("ItemCode", |_, it| Cell::text(&it.item)),
    line("Dscription", |_, it| Cell::maybe(&it.description)),
    line("Quantity", |_, it| Cell::Number(it.quantity)),
    line("OpenQty", |_, it| Cell::Number(it.open())),
    line("PriceBefDi", |_, it| Cell::Number(it.unit_price.unwrap_or_default())),
    line("DiscPrcnt", |_, it| Cell::Number(it.discount)),
    line("Price", |_, it| Cell::Number(it.price)),
    line("LineTotal", |_, it| Cell::Number(it.total)),
    line("Currency", |_, it| Cell::maybe(&it.currency)),
    line("WhsCode", |_, it| Cell::maybe(&it.warehouse)),
    line("TaxCode", |_, it| Cell::maybe(&it.tax)),
    line("LineStatus", |_, it| Cell::text(if it.closed { "C" } else { "O" })),
    line("BaseType", |_, it| Cell::Int(it.base_type)),
];
