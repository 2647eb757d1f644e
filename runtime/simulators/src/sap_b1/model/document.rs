//! Documents: sales orders, deliveries, drafts, and goods that come or go without a partner.

use jiff::civil::Date;
use serde::Serialize;
use truthsource_core::Decimal;

use super::super::clock::{Stamp, day, maybe_day};
use super::super::shape::{
    Collection, Datum, Edm, Line, Property, Shape, UserFields, YES_NO, int, maybe, merge, show_all, text, yes_no,
};

/// Which sort of document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Book {
    /// Sales orders.
    Orders,
    /// Goods that left for a customer.
    DeliveryNotes,
    /// Documents that are not booked.
    Drafts,
    /// Goods that came.
    InventoryGenEntries,
    /// Goods that went.
    InventoryGenExits,
}

impl Book {
    /// The name of the entity set.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "Orders",
            Self::DeliveryNotes => "DeliveryNotes",
            Self::Drafts => "Drafts",
            Self::InventoryGenEntries => "InventoryGenEntries",
            Self::InventoryGenExits => "InventoryGenExits",
        }
    }

    /// The number of the object type: `BaseType` of what is made from it.
    #[must_use]
    pub fn object(self) -> i64 {
        match self {
            Self::Orders => 17,
            Self::DeliveryNotes => 15,
            Self::Drafts => 112,
            Self::InventoryGenEntries => 59,
            Self::InventoryGenExits => 60,
        }
    }

    /// The member of `BoObjectTypes`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Orders => "oOrders",
            Self::DeliveryNotes => "oDeliveryNotes",
            Self::Drafts => "oDrafts",
            Self::InventoryGenEntries => "oInventoryGenEntry",
            Self::InventoryGenExits => "oInventoryGenExit",
        }
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Document {
    /// Which sort; of a draft, what it is to become.
    pub book: Book,
    /// `DocEntry`: the key.
    pub entry: i64,
    /// `DocNum`: the number for people.
    pub number: i64,
    /// `DocDate`.
    #[serde(serialize_with = "day::write")]
    pub day: Date,
    /// `DocDueDate`: when the customer wants it.
    #[serde(serialize_with = "maybe_day::write")]
    pub due: Option<Date>,
    /// `TaxDate`.
    #[serde(serialize_with = "day::write")]
    pub tax_day: Date,
    /// `CardCode`.
    pub card: Option<String>,
    /// `CardName`.
    pub card_name: Option<String>,
    /// `NumAtCard`: the customer's own number.
    pub reference: Option<String>,
    /// `DocCurrency`.
    pub currency: String,
    /// `Comments`.
    pub comments: Option<String>,
    /// `Reference2`.
    pub reference2: Option<String>,
    /// `JournalMemo`.
    pub memo: Option<String>,
    /// `ShipToCode`: an address of the customer.
    pub ship_to: Option<String>,
    /// `TransportationCode`: the shipping type, by its number.
    pub transport: Option<i64>,
    /// `TrackingNumber`.
    pub tracking: Option<String>,
    /// `DiscountPercent` of the whole; `None` until a write or the customer says so.
    pub discount: Option<Decimal>,
    /// `TotalDiscount`.
    pub total_discount: Decimal,
    /// `VatSum`.
    pub vat: Decimal,
    /// `DocTotal`.
    pub total: Decimal,
    /// `DocumentStatus`.
    pub closed: bool,
    /// `Cancelled`.
    pub cancelled: bool,
    /// `DocumentLines`.
    pub lines: Vec<DocumentLine>,
    /// `DocumentAdditionalExpenses`: freight, and whatever else is charged for the whole.
    pub expenses: Vec<DocumentExpense>,
    /// User-defined fields.
    #[serde(skip)]
    pub(in crate::sap_b1) user_fields: UserFields,
    /// When it was made.
    pub created: Stamp,
    /// When it was last saved.
    pub updated: Stamp,
    /// Counts saves: what the ETag is of.
    pub version: u64,
}

/// An additional expense of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentExpense {
    /// `LineNum`.
    pub number: i64,
    /// `ExpenseCode`: the sort of expense.
    pub code: i64,
    /// `LineTotal`, without tax; below zero for what is taken off.
    pub total: Decimal,
    /// `Remarks`.
    pub remarks: Option<String>,
}

/// A line of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentLine {
    /// `DocEntry`: of its document.
    pub entry: i64,
    /// `LineNum`.
    pub number: i64,
    /// `ItemCode`.
    pub item: String,
    /// `ItemDescription`.
    pub description: Option<String>,
    /// `Quantity`; zero until a write or the base document says so.
    pub quantity: Decimal,
    /// `UnitPrice`, before the line's discount; `None` until a write or the price lists say so.
    pub unit_price: Option<Decimal>,
    /// `DiscountPercent`.
    pub discount: Decimal,
    /// `Price`, after the line's discount.
    pub price: Decimal,
    /// `LineTotal`, without tax.
    pub total: Decimal,
    /// `Currency`.
    pub currency: Option<String>,
    /// `WarehouseCode`.
    pub warehouse: Option<String>,
    /// `TaxCode` or `VatGroup`.
    pub tax: Option<String>,
    /// `TaxPercentagePerRow`.
    pub tax_percent: Decimal,
    /// How much of it was delivered.
    pub delivered: Decimal,
    /// `LineStatus`.
    pub closed: bool,
    /// `BaseType`: what it was made from.
    pub base_type: i64,
    /// `BaseEntry`.
    pub base_entry: Option<i64>,
    /// `BaseLine`.
    pub base_line: Option<i64>,
    /// User-defined fields.
    #[serde(skip)]
    pub(in crate::sap_b1) user_fields: UserFields,
}

impl Document {
    /// An order's state in the words that all systems share.
    #[must_use]
    pub fn canonical_status(&self) -> &'static str {
        let is_delivered = self.lines.iter().any(|it| it.delivered > Decimal::ZERO);
        match (self.cancelled, self.closed) {
            (true, _) => "cancelled",
            (_, true) if self.lines.iter().all(|it| it.delivered >= it.quantity) => "fulfilled",
            (_, true) => "closed",
            _ if is_delivered => "partially-fulfilled",
            _ => "open",
        }
    }
}

impl DocumentLine {
    /// `RemainingOpenQuantity`.
    #[must_use]
    pub fn open(&self) -> Decimal {
        if self.closed { Decimal::ZERO } else { (self.quantity - self.delivered).max(Decimal::ZERO) }
    }

    /// `PriceAfterVAT`, with so many digits after the point.
    fn gross(&self) -> Decimal {
        percent(self.tax_percent).and_then(|it| self.price.checked_mul(Decimal::ONE + it)).unwrap_or(self.price)
    }
}

/// A hundredth of it.
pub(in crate::sap_b1) fn percent(of: Decimal) -> Option<Decimal> {
    of.checked_mul(Decimal::new(1, 2).unwrap_or_default())
}

const STATUS: Edm =
    Edm::Enum("BoStatus", &[("bost_Open", "O"), ("bost_Close", "C"), ("bost_Paid", "P"), ("bost_Delivered", "D")]);
const CANCEL: Edm = Edm::Enum("CancelStatusEnum", &[("csYes", "Y"), ("csNo", "N"), ("csCancellation", "C")]);
const TYPES: Edm = Edm::Enum("BoDocumentTypes", &[("dDocument_Items", "I"), ("dDocument_Service", "S")]);
const OBJECTS: Edm = Edm::Enum(
    "BoObjectTypes",
    &[
        ("oOrders", "17"),
        ("oDeliveryNotes", "15"),
        ("oDrafts", "112"),
        ("oInventoryGenEntry", "59"),
        ("oInventoryGenExit", "60"),
    ],
);

fn status<'a>(closed: bool) -> Datum<'a> {
    Datum::Member(if closed { "bost_Close" } else { "bost_Open" })
}

impl Shape for Document {
    const TYPE: &'static str = "Document";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("DocEntry", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("DocNum", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("DocType", TYPES, |_| Datum::Member("dDocument_Items")),
        Property::<Self>::new("DocObjectCode", OBJECTS, |it| Datum::Member(it.book.code())).set(|it, to| {
            let books = [Book::Orders, Book::DeliveryNotes, Book::InventoryGenEntries, Book::InventoryGenExits];
            it.book = books.into_iter().find(|book| to.is(book.code())).unwrap_or(it.book);
        }),
        Property::<Self>::new("DocDate", Edm::Date, |it| Datum::Date(it.day))
            .set(|it, to| it.day = to.day().unwrap_or(it.day)),
        Property::<Self>::new("DocDueDate", Edm::Date, |it| Datum::date(it.due)).set(|it, to| it.due = to.day()),
        Property::<Self>::new("TaxDate", Edm::Date, |it| Datum::Date(it.tax_day))
            .set(|it, to| it.tax_day = to.day().unwrap_or(it.tax_day)),
        Property::<Self>::new("CardCode", Edm::Chars(15), |it| maybe(&it.card)).set(|it, to| it.card = to.into_text()),
        Property::<Self>::new("CardName", Edm::Chars(100), |it| maybe(&it.card_name))
            .set(|it, to| it.card_name = to.into_text()),
        Property::<Self>::new("NumAtCard", Edm::Chars(100), |it| maybe(&it.reference))
            .set(|it, to| it.reference = to.into_text()),
        Property::<Self>::new("DocCurrency", Edm::Chars(3), |it| text(&it.currency))
            .set(|it, to| it.currency = to.into_text().unwrap_or_default()),
        Property::<Self>::new("DocTotal", Edm::Double, |it| Datum::Double(it.total)),
        Property::<Self>::new("VatSum", Edm::Double, |it| Datum::Double(it.vat)),
        Property::<Self>::new("DiscountPercent", Edm::Double, |it| Datum::Double(it.discount.unwrap_or_default()))
            .set(|it, to| it.discount = Some(to.number())),
        Property::<Self>::new("TotalDiscount", Edm::Double, |it| Datum::Double(it.total_discount)),
        Property::<Self>::new("Comments", Edm::Chars(254), |it| maybe(&it.comments))
            .set(|it, to| it.comments = to.into_text()),
        Property::<Self>::new("Reference2", Edm::Chars(11), |it| maybe(&it.reference2))
            .set(|it, to| it.reference2 = to.into_text()),
        Property::<Self>::new("JournalMemo", Edm::Chars(50), |it| maybe(&it.memo))
            .set(|it, to| it.memo = to.into_text()),
        Property::<Self>::new("ShipToCode", Edm::Chars(50), |it| maybe(&it.ship_to))
            .set(|it, to| it.ship_to = to.into_text()),
        Property::<Self>::new("TransportationCode", Edm::Int, |it| it.transport.map_or(Datum::Null, int))
            .set(|it, to| it.transport = to.int()),
        Property::<Self>::new("TrackingNumber", Edm::Chars(30), |it| maybe(&it.tracking))
            .set(|it, to| it.tracking = to.into_text()),
        Property::<Self>::new("DocumentStatus", STATUS, |it| status(it.closed)),
        Property::<Self>::new("Cancelled", YES_NO, |it| yes_no(it.cancelled)),
        Property::<Self>::new("CancelStatus", CANCEL, |it| Datum::Member(if it.cancelled { "csYes" } else { "csNo" })),
        Property::<Self>::new("CreationDate", Edm::Date, |it| Datum::Date(it.created.date)),
        Property::<Self>::new("UpdateDate", Edm::Date, |it| Datum::Date(it.updated.date)),
        Property::<Self>::new("DocTime", Edm::Time, |it| Datum::Time(it.created.time)),
        Property::<Self>::new("UpdateTime", Edm::Time, |it| Datum::Time(it.updated.time)),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[
        Collection {
            name: "DocumentLines",
            ty: DocumentLine::TYPE,
            show: |it, view| show_all(&it.lines, view),
            write: Some(|it, entries, rules| merge(&mut it.lines, entries, rules)),
        },
        Collection {
            name: "DocumentAdditionalExpenses",
            ty: DocumentExpense::TYPE,
            show: |it, view| show_all(&it.expenses, view),
            write: Some(|it, entries, rules| merge(&mut it.expenses, entries, rules)),
        },
    ];

    fn user_fields(&self) -> Option<(&'static str, &UserFields)> {
        Some(("ORDR", &self.user_fields))
    }

    fn user_fields_mut(&mut self) -> Option<(&'static str, &mut UserFields)> {
        Some(("ORDR", &mut self.user_fields))
    }
}

impl Shape for DocumentExpense {
    const TYPE: &'static str = "DocumentAdditionalExpense";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("LineNum", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("ExpenseCode", Edm::Int, |it| int(it.code))
            .set(|it, to| it.code = to.int().unwrap_or_default()),
        Property::<Self>::new("LineTotal", Edm::Double, |it| Datum::Double(it.total))
            .set(|it, to| it.total = to.number()),
        Property::<Self>::new("Remarks", Edm::Text, |it| maybe(&it.remarks)).set(|it, to| it.remarks = to.into_text()),
    ];
}

impl Line for DocumentExpense {
    const KEY: &'static str = "LineNum";

    fn key(&self) -> i64 {
        self.number
    }

    fn blank(number: i64) -> Self {
        Self { number, code: 0, total: Decimal::ZERO, remarks: None }
    }
}

impl Shape for DocumentLine {
    const TYPE: &'static str = "DocumentLine";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("DocEntry", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("LineNum", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("ItemCode", Edm::Chars(50), |it| text(&it.item))
            .set(|it, to| it.item = to.into_text().unwrap_or_default()),
        Property::<Self>::new("ItemDescription", Edm::Chars(100), |it| maybe(&it.description))
            .set(|it, to| it.description = to.into_text()),
        Property::<Self>::new("Quantity", Edm::Double, |it| Datum::Double(it.quantity))
            .set(|it, to| it.quantity = to.number()),
        Property::<Self>::new("Price", Edm::Double, |it| Datum::Double(it.price))
            .set(|it, to| it.unit_price = Some(to.number())),
        Property::<Self>::new("UnitPrice", Edm::Double, |it| Datum::Double(it.unit_price.unwrap_or_default()))
            .set(|it, to| it.unit_price = Some(to.number())),
        Property::<Self>::new("PriceAfterVAT", Edm::Double, |it| Datum::Double(it.gross())),
        Property::<Self>::new("Currency", Edm::Chars(3), |it| maybe(&it.currency))
            .set(|it, to| it.currency = to.into_text()),
        Property::<Self>::new("DiscountPercent", Edm::Double, |it| Datum::Double(it.discount))
            .set(|it, to| it.discount = to.number()),
        Property::<Self>::new("LineTotal", Edm::Double, |it| Datum::Double(it.total)),
        Property::<Self>::new("WarehouseCode", Edm::Chars(8), |it| maybe(&it.warehouse))
            .set(|it, to| it.warehouse = to.into_text()),
        Property::<Self>::new("TaxCode", Edm::Chars(8), |it| maybe(&it.tax)).set(|it, to| it.tax = to.into_text()),
        Property::<Self>::new("VatGroup", Edm::Chars(8), |_| Datum::Null).set(|it, to| it.tax = to.into_text()),
        Property::<Self>::new("TaxPercentagePerRow", Edm::Double, |it| Datum::Double(it.tax_percent)),
        Property::<Self>::new("LineStatus", STATUS, |it| status(it.closed)),
        Property::<Self>::new("RemainingOpenQuantity", Edm::Double, |it| Datum::Double(it.open())),
        Property::<Self>::new("BaseType", Edm::Int, |it| int(it.base_type))
            .set(|it, to| it.base_type = to.int().unwrap_or(-1)),
        Property::<Self>::new("BaseEntry", Edm::Int, |it| it.base_entry.map_or(Datum::Null, int))
            .set(|it, to| it.base_entry = to.int()),
        Property::<Self>::new("BaseLine", Edm::Int, |it| it.base_line.map_or(Datum::Null, int))
            .set(|it, to| it.base_line = to.int()),
        Property::<Self>::new("AccountCode", Edm::Text, |_| Datum::Null).set(|_, _| ()),
        Property::<Self>::new("UoMEntry", Edm::Int, |_| int(-1)),
        Property::<Self>::new("UoMCode", Edm::Text, |_| text("Manual")),
    ];

    fn user_fields(&self) -> Option<(&'static str, &UserFields)> {
        Some(("RDR1", &self.user_fields))
    }

    fn user_fields_mut(&mut self) -> Option<(&'static str, &mut UserFields)> {
        Some(("RDR1", &mut self.user_fields))
    }
}

impl Line for DocumentLine {
    const KEY: &'static str = "LineNum";

    fn key(&self) -> i64 {
        self.number
    }

    fn blank(number: i64) -> Self {
        Self {
            entry: 0,
            number,
            item: String::new(),
            description: None,
            // Where nothing is said of it.
            quantity: Decimal::ONE,
            unit_price: None,
            discount: Decimal::ZERO,
            price: Decimal::ZERO,
            total: Decimal::ZERO,
            currency: None,
            warehouse: None,
            tax: None,
            tax_percent: Decimal::ZERO,
            delivered: Decimal::ZERO,
            closed: false,
            base_type: -1,
            base_entry: None,
            base_line: None,
            user_fields: UserFields::new(),
        }
    }
}
