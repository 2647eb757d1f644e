//! Sales orders, inventory adjustments and fulfilments.

use jiff::civil::Date;
use serde::{Deserialize, Serialize, Serializer};
use truthsource_core::{Decimal, UnixMs};

/// What sort of transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum TransactionType {
    /// A sales order.
    SalesOrd,
    /// A correction of stock.
    InvAdjst,
    /// Goods of a sales order that left.
    ItemShip,
}

impl TransactionType {
    /// The name in SuiteQL.
    #[must_use]
    pub fn sql_name(self) -> &'static str {
        match self {
            Self::SalesOrd => "SalesOrd",
            Self::InvAdjst => "InvAdjst",
            Self::ItemShip => "ItemShip",
        }
    }

    /// The record type in REST.
    #[must_use]
    pub fn rest_name(self) -> &'static str {
        match self {
            Self::SalesOrd => "salesOrder",
            Self::InvAdjst => "inventoryAdjustment",
            Self::ItemShip => "itemFulfillment",
        }
    }

    /// The name people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SalesOrd => "Sales Order",
            Self::InvAdjst => "Inventory Adjustment",
            Self::ItemShip => "Item Fulfillment",
        }
    }
}

/// Where a sales order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A: nobody has approved it; it commits no stock.
    PendingApproval,
    /// B: it waits for its goods to leave.
    PendingFulfillment,
    /// C: it will not happen.
    Cancelled,
    /// D: some goods left.
    PartiallyFulfilled,
    /// F: all goods left.
    PendingBilling,
    /// G: it is paid for.
    Billed,
    /// H: nobody waits for what is missing.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::PendingApproval,
        Self::PendingFulfillment,
        Self::Cancelled,
        Self::PartiallyFulfilled,
        Self::PendingBilling,
        Self::Billed,
        Self::Closed,
    ];

    /// The letter in REST and SuiteQL.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::PendingApproval => "A",
            Self::PendingFulfillment => "B",
            Self::Cancelled => "C",
            Self::PartiallyFulfilled => "D",
            Self::PendingBilling => "F",
            Self::Billed => "G",
            Self::Closed => "H",
        }
    }

    /// The name people read.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::PendingApproval => "Pending Approval",
            Self::PendingFulfillment => "Pending Fulfillment",
            Self::Cancelled => "Cancelled",
            Self::PartiallyFulfilled => "Partially Fulfilled",
            Self::PendingBilling => "Pending Billing",
            Self::Billed => "Billed",
            Self::Closed => "Closed",
        }
    }

    /// The state in the words that all systems share.
    #[must_use]
    pub fn canonical(self) -> &'static str {
        match self {
            Self::PendingApproval => "on-hold",
            Self::PendingFulfillment => "open",
            Self::Cancelled => "cancelled",
            Self::PartiallyFulfilled => "partially-fulfilled",
            Self::PendingBilling | Self::Billed => "fulfilled",
            Self::Closed => "closed",
        }
    }

    /// Its open lines want stock.
    #[must_use]
    pub fn commits(self) -> bool {
        matches!(self, Self::PendingFulfillment | Self::PartiallyFulfilled)
    }
}

/// A sales order, an inventory adjustment or a fulfilment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// The internal id.
    pub id: u64,
    /// What sort of transaction.
    #[serde(rename = "type")]
    pub ty: TransactionType,
    /// `tranId`: the document number.
    pub number: String,
    /// The integration's own key.
    pub external_id: Option<String>,
    /// The customer.
    pub entity: Option<u64>,
    /// The account it is booked to.
    pub account: Option<u64>,
    /// The location of lines that name none.
    pub location: Option<u64>,
    /// The subsidiary.
    pub subsidiary: u64,
    /// The currency.
    pub currency: u64,
    /// `tranDate`: a date without a zone.
    #[serde(serialize_with = "as_text")]
    pub day: Date,
    /// `memo`.
    pub memo: Option<String>,
    /// `otherRefNum`: the customer's own number.
    pub po_number: Option<String>,
    /// Where a sales order stands.
    pub status: Option<Status>,
    /// The order that a fulfilment fulfils.
    pub created_from: Option<u64>,
    /// `shipMethod`: who carries a fulfilment.
    pub carrier: Option<String>,
    /// The carrier's number for a fulfilment.
    pub tracking: Option<String>,
    /// Its lines.
    pub lines: Vec<Line>,
    /// The unique key of its main line.
    pub main_key: u64,
    /// When it was made.
    pub created: UnixMs,
    /// When it was last saved.
    pub modified: UnixMs,
}

/// A line of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Unique among all lines.
    pub key: u64,
    /// Its number in the transaction, from 1.
    pub number: u64,
    /// The item.
    pub item: u64,
    /// As entered: positive for goods sold, signed for adjustments.
    pub quantity: Decimal,
    /// The price of one.
    pub rate: Option<Decimal>,
    /// The price of all.
    pub amount: Option<Decimal>,
    /// Where from.
    pub location: Option<u64>,
    /// How much of it left.
    pub fulfilled: Decimal,
    /// When it was last saved.
    pub modified: UnixMs,
}

impl Transaction {
    /// The sum of the lines.
    #[must_use]
    pub fn total(&self) -> Decimal {
        self.lines.iter().filter_map(|it| it.amount).fold(Decimal::ZERO, |sum, it| sum + it)
    }

    /// The location of a line.
    #[must_use]
    pub fn location_of(&self, line: &Line) -> Option<u64> {
        line.location.or(self.location)
    }
}

fn as_text<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}
