//! Documents that count stock or move it between warehouses.

use jiff::civil::Date;
use serde::Serialize;
use truthsource_core::Decimal;

use super::super::clock::{Stamp, day};
use super::super::shape::{
    Collection, Datum, Edm, Line, Property, Shape, YES_NO, int, maybe, merge, show_all, text, yes_no,
};

/// A count of what is there. It changes nothing until it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counting {
    /// `DocumentEntry`: the key.
    pub entry: i64,
    /// `CountDate`.
    #[serde(serialize_with = "day::write")]
    pub day: Date,
    /// `Remarks`.
    pub remarks: Option<String>,
    /// `DocumentStatus`.
    pub closed: bool,
    /// `InventoryCountingLines`.
    pub lines: Vec<CountingLine>,
}

/// A line of a count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountingLine {
    /// `LineNumber`.
    pub number: i64,
    /// `ItemCode`.
    pub item: String,
    /// `WarehouseCode`.
    pub warehouse: String,
    /// `InWarehouseQuantity`: what the books say.
    pub booked: Decimal,
    /// `Counted`.
    pub is_counted: bool,
    /// `CountedQuantity`.
    pub counted: Decimal,
    /// `LineStatus`.
    pub closed: bool,
}

/// A count that is booked: stock becomes what was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Posting {
    /// `DocumentEntry`: the key.
    pub entry: i64,
    /// `PostingDate`.
    #[serde(serialize_with = "day::write")]
    pub day: Date,
    /// `CountDate`.
    #[serde(serialize_with = "day::write")]
    pub count_day: Date,
    /// `Remarks`.
    pub remarks: Option<String>,
    /// `Reference2`.
    pub reference: Option<String>,
    /// `InventoryPostingLines`.
    pub lines: Vec<PostingLine>,
}

/// A line of a posting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostingLine {
    /// `LineNumber`.
    pub number: i64,
    /// `ItemCode`.
    pub item: String,
    /// `WarehouseCode`.
    pub warehouse: Option<String>,
    /// `InWarehouseQuantity`: what was there before.
    pub booked: Decimal,
    /// `CountedQuantity`: what is there now; of a line that names a count, `None` until that says so.
    pub counted: Option<Decimal>,
    /// `BaseEntry`: the count.
    pub base_entry: Option<i64>,
    /// `BaseLine`.
    pub base_line: Option<i64>,
}

/// Stock that moves from one warehouse to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    /// `DocEntry`: the key.
    pub entry: i64,
    /// `DocDate`.
    #[serde(serialize_with = "day::write")]
    pub day: Date,
    /// `FromWarehouse`.
    pub from: Option<String>,
    /// `ToWarehouse`.
    pub to: Option<String>,
    /// `Comments`.
    pub comments: Option<String>,
    /// `StockTransferLines`.
    pub lines: Vec<TransferLine>,
    /// When it was made.
    pub created: Stamp,
}

/// A line of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransferLine {
    /// `LineNum`.
    pub number: i64,
    /// `ItemCode`.
    pub item: String,
    /// `Quantity`.
    pub quantity: Decimal,
    /// `FromWarehouseCode`.
    pub from: Option<String>,
    /// `WarehouseCode`.
    pub to: Option<String>,
}

const COUNTING_STATUS: Edm = Edm::Enum("CountingDocumentStatusEnum", &[("cdsOpen", "O"), ("cdsClosed", "C")]);
const COUNTING_LINE_STATUS: Edm = Edm::Enum("CountingLineStatusEnum", &[("clsOpen", "O"), ("clsClosed", "C")]);

impl Shape for Counting {
    const TYPE: &'static str = "InventoryCounting";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("DocumentEntry", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("DocumentNumber", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("CountDate", Edm::Date, |it| Datum::Date(it.day))
            .set(|it, to| it.day = to.day().unwrap_or(it.day)),
        Property::<Self>::new("Remarks", Edm::Chars(254), |it| maybe(&it.remarks))
            .set(|it, to| it.remarks = to.into_text()),
        Property::<Self>::new("DocumentStatus", COUNTING_STATUS, |it| {
            Datum::Member(if it.closed { "cdsClosed" } else { "cdsOpen" })
        }),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "InventoryCountingLines",
        ty: CountingLine::TYPE,
        show: |it, view| show_all(&it.lines, view),
        write: Some(|it, entries, rules| merge(&mut it.lines, entries, rules)),
    }];
}

impl Shape for CountingLine {
    const TYPE: &'static str = "InventoryCountingLine";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("LineNumber", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("ItemCode", Edm::Chars(50), |it| text(&it.item))
            .set(|it, to| it.item = to.into_text().unwrap_or_default()),
        Property::<Self>::new("WarehouseCode", Edm::Chars(8), |it| text(&it.warehouse))
            .set(|it, to| it.warehouse = to.into_text().unwrap_or_default()),
        Property::<Self>::new("InWarehouseQuantity", Edm::Double, |it| Datum::Double(it.booked)),
        Property::<Self>::new("Counted", YES_NO, |it| yes_no(it.is_counted)).set(|it, to| it.is_counted = to.is_yes()),
        Property::<Self>::new("CountedQuantity", Edm::Double, |it| Datum::Double(it.counted)).set(|it, to| {
            it.counted = to.number();
            it.is_counted = true;
        }),
        Property::<Self>::new("Variance", Edm::Double, |it| Datum::Double(it.counted - it.booked)),
        Property::<Self>::new("LineStatus", COUNTING_LINE_STATUS, |it| {
            Datum::Member(if it.closed { "clsClosed" } else { "clsOpen" })
        }),
    ];
}

impl Line for CountingLine {
    const KEY: &'static str = "LineNumber";

    fn key(&self) -> i64 {
        self.number
    }

    fn blank(number: i64) -> Self {
        let (item, warehouse) = (String::new(), String::new());
        let (booked, counted) = (Decimal::ZERO, Decimal::ZERO);
        Self { number, item, warehouse, booked, is_counted: false, counted, closed: false }
    }
}

impl Shape for Posting {
    const TYPE: &'static str = "InventoryPosting";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("DocumentEntry", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("DocumentNumber", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("PostingDate", Edm::Date, |it| Datum::Date(it.day))
            .set(|it, to| it.day = to.day().unwrap_or(it.day)),
        Property::<Self>::new("CountDate", Edm::Date, |it| Datum::Date(it.count_day))
            .set(|it, to| it.count_day = to.day().unwrap_or(it.count_day)),
        Property::<Self>::new("Remarks", Edm::Chars(254), |it| maybe(&it.remarks))
            .set(|it, to| it.remarks = to.into_text()),
        Property::<Self>::new("Reference2", Edm::Chars(11), |it| maybe(&it.reference))
            .set(|it, to| it.reference = to.into_text()),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "InventoryPostingLines",
        ty: PostingLine::TYPE,
        show: |it, view| show_all(&it.lines, view),
        write: Some(|it, entries, rules| merge(&mut it.lines, entries, rules)),
    }];
}

impl PostingLine {
    fn variance(&self) -> Decimal {
        self.counted.unwrap_or(self.booked) - self.booked
    }
}

impl Shape for PostingLine {
    const TYPE: &'static str = "InventoryPostingLine";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("LineNumber", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("ItemCode", Edm::Chars(50), |it| text(&it.item))
            .set(|it, to| it.item = to.into_text().unwrap_or_default()),
        Property::<Self>::new("WarehouseCode", Edm::Chars(8), |it| maybe(&it.warehouse))
            .set(|it, to| it.warehouse = to.into_text()),
        Property::<Self>::new("InWarehouseQuantity", Edm::Double, |it| Datum::Double(it.booked)),
        Property::<Self>::new("CountedQuantity", Edm::Double, |it| Datum::Double(it.counted.unwrap_or_default()))
            .set(|it, to| it.counted = Some(to.number())),
        Property::<Self>::new("Variance", Edm::Double, |it| Datum::Double(it.variance())),
        Property::<Self>::new("BaseEntry", Edm::Int, |it| it.base_entry.map_or(Datum::Null, int))
            .set(|it, to| it.base_entry = to.int()),
        Property::<Self>::new("BaseLine", Edm::Int, |it| it.base_line.map_or(Datum::Null, int))
            .set(|it, to| it.base_line = to.int()),
        Property::<Self>::new("Price", Edm::Double, |_| Datum::Double(Decimal::ZERO)).set(|_, _| ()),
    ];
}

impl Line for PostingLine {
    const KEY: &'static str = "LineNumber";

    fn key(&self) -> i64 {
        self.number
    }

    fn blank(number: i64) -> Self {
        let (item, booked) = (String::new(), Decimal::ZERO);
        Self { number, item, warehouse: None, booked, counted: None, base_entry: None, base_line: None }
    }
}

impl Shape for Transfer {
    const TYPE: &'static str = "StockTransfer";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("DocEntry", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("DocNum", Edm::Int, |it| int(it.entry)),
        Property::<Self>::new("DocDate", Edm::Date, |it| Datum::Date(it.day))
            .set(|it, to| it.day = to.day().unwrap_or(it.day)),
        Property::<Self>::new("FromWarehouse", Edm::Chars(8), |it| maybe(&it.from))
            .set(|it, to| it.from = to.into_text()),
        Property::<Self>::new("ToWarehouse", Edm::Chars(8), |it| maybe(&it.to)).set(|it, to| it.to = to.into_text()),
        Property::<Self>::new("Comments", Edm::Chars(254), |it| maybe(&it.comments))
            .set(|it, to| it.comments = to.into_text()),
        Property::<Self>::new("CreationDate", Edm::Date, |it| Datum::Date(it.created.date)),
        Property::<Self>::new("UpdateDate", Edm::Date, |it| Datum::Date(it.created.date)),
    ];
    const COLLECTIONS: &'static [Collection<Self>] = &[Collection {
        name: "StockTransferLines",
        ty: TransferLine::TYPE,
        show: |it, view| show_all(&it.lines, view),
        write: Some(|it, entries, rules| merge(&mut it.lines, entries, rules)),
    }];
}

impl Shape for TransferLine {
    const TYPE: &'static str = "StockTransferLine";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("LineNum", Edm::Int, |it| int(it.number)),
        Property::<Self>::new("ItemCode", Edm::Chars(50), |it| text(&it.item))
            .set(|it, to| it.item = to.into_text().unwrap_or_default()),
        Property::<Self>::new("Quantity", Edm::Double, |it| Datum::Double(it.quantity))
            .set(|it, to| it.quantity = to.number()),
        Property::<Self>::new("FromWarehouseCode", Edm::Chars(8), |it| maybe(&it.from))
            .set(|it, to| it.from = to.into_text()),
        Property::<Self>::new("WarehouseCode", Edm::Chars(8), |it| maybe(&it.to)).set(|it, to| it.to = to.into_text()),
    ];
}

impl Line for TransferLine {
    const KEY: &'static str = "LineNum";

    fn key(&self) -> i64 {
        self.number
    }

    fn blank(number: i64) -> Self {
        Self { number, item: String::new(), quantity: Decimal::ONE, from: None, to: None }
    }
}
