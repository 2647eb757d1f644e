//! Orders: placed by people or callers, committing stock, cancelled, shipped.

use truthsource_core::{Decimal, UnixMs};

use super::items::row;
use super::parcels::{Group, Parcel};
use super::table::Row;

/// How far an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum, serde::Serialize, serde::Deserialize)]
#[graphql(name = "OrderDisplayFinancialStatus")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum Financial {
    Authorized,
    Expired,
    Paid,
    PartiallyPaid,
    PartiallyRefunded,
    #[default]
    Pending,
    Refunded,
    Voided,
}

/// How far an order is shipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum)]
#[graphql(name = "OrderDisplayFulfillmentStatus")]
#[allow(missing_docs, clippy::enum_variant_names, reason = "the names are the schema's")]
pub enum Fulfillment {
    Fulfilled,
    FulfillmentNotRequired,
    InProgress,
    OnHold,
    Open,
    PartiallyFulfilled,
    PendingFulfillment,
    RequestDeclined,
    Restocked,
    Scheduled,
    #[default]
    Unfulfilled,
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "OrderCancelReason")]
#[allow(missing_docs)]
pub enum CancelReason {
    Customer,
    Declined,
    Fraud,
    Inventory,
    Other,
    Staff,
}

/// What an order does to stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, async_graphql::Enum, serde::Serialize, serde::Deserialize)]
#[graphql(name = "OrderCreateInputsInventoryBehavior")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Claim {
    /// Nothing.
    #[default]
    Bypass,
    /// It commits stock, even what is not there.
    DecrementIgnoringPolicy,
    /// It commits stock, and is refused when a variant that is not sold when out is out.
    DecrementObeyingPolicy,
}

/// An amount in shop currency and in the buyer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Both {
    /// In shop currency.
    pub shop: Decimal,
    /// In the buyer's.
    pub presentment: Decimal,
}

/// Tax on a line or on an order.
#[derive(Debug, Clone, PartialEq)]
pub struct TaxLine {
    /// What it is called.
    pub title: String,
    /// The rate: 0.2 is 20 %.
    pub rate: Decimal,
    /// How much it is.
    pub price: Both,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number.
    pub id: u64,
    /// The variant that was bought; it may be gone by now.
    pub variant: Option<u64>,
    /// The variant's inventory item.
    pub item: Option<u64>,
    /// The stock-keeping unit as it was.
    pub sku: Option<String>,
    /// What it was called.
    pub title: String,
    /// The variant's option values.
    pub variant_title: Option<String>,
    /// How many were bought.
    pub quantity: i32,
    /// How many of them are still wanted.
    pub current_quantity: i32,
    /// The price of one.
    pub price: Both,
    /// Taxes on the line.
    pub tax_lines: Vec<TaxLine>,
    /// Where stock was committed for it.
    pub claimed_at: Option<u64>,
}

/// Who bought for a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purchaser {
    /// The company.
    pub company: u64,
    /// The location it bought for.
    pub location: u64,
    /// The contact, if one is known.
    pub contact: Option<u64>,
}

/// An order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its number as an object.
    pub id: u64,
    /// Its number among orders.
    pub number: u64,
    /// What people call it: `#1001`.
    pub name: String,
    /// What was asked for.
    pub about: OrderInput,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Who bought, when a company did.
    pub purchaser: Option<Purchaser>,
    /// How far it is paid.
    pub financial: Financial,
    /// How far it is shipped.
    pub fulfillment: Fulfillment,
    /// What left of it, oldest first.
    pub parcels: Vec<Parcel>,
    /// Who ships it.
    pub groups: Vec<Group>,
    /// When it was cancelled, and why.
    pub cancelled: Option<(UnixMs, CancelReason)>,
    /// When it was placed.
    pub processed: UnixMs,
    /// When it was made.
    pub created: UnixMs,
    /// When it last changed.
    pub updated: UnixMs,
}

/// What is asked for when an order is placed.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct OrderInput {
    pub company_location: Option<u64>,
    pub customer: Option<u64>,
    pub email: Option<String>,
    pub po_number: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub source_identifier: Option<String>,
    pub source_name: Option<String>,
    pub currency: String,
    pub presentment_currency: String,
    pub taxes_included: bool,
    pub test: bool,
    pub financial: Financial,
    pub processed: Option<UnixMs>,
    pub name: Option<String>,
    pub lines: Vec<LineInput>,
    pub tax_lines: Vec<TaxLine>,
    pub shipping: Both,
    pub shipping_title: Option<String>,
    pub discount: Both,
    pub discount_codes: Vec<String>,
    pub risky: bool,
    pub on_hold: bool,
    pub claim: Claim,
}

/// A line that is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LineInput {
    /// The variant; `None`: something that is not in the shop.
    pub variant: Option<u64>,
    /// The stock-keeping unit; the variant's when left out.
    pub sku: Option<String>,
    /// What it is called; the product's title when left out.
    pub title: Option<String>,
    /// How many.
    pub quantity: i32,
    /// The price of one; the buyer's price when left out.
    pub price: Option<Both>,
    /// Taxes on the line.
    pub tax_lines: Vec<TaxLine>,
}

impl Both {
    /// Taken off.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { shop: -self.shop, presentment: -self.presentment }
    }

    /// All of them together.
    #[must_use]
    pub fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), Self::plus)
    }

    fn plus(self, other: Self) -> Self {
        let sum = |a: Decimal, b: Decimal| a.checked_add(b).unwrap_or(a);
        Self { shop: sum(self.shop, other.shop), presentment: sum(self.presentment, other.presentment) }
    }

    /// So many times the amount.
    #[must_use]
    pub fn times(self, count: i32) -> Self {
        let times = |it: Decimal| it.checked_mul(count.into()).unwrap_or(it);
        Self { shop: times(self.shop), presentment: times(self.presentment) }
    }
}

impl Order {
    /// The lines' prices as they were bought, or as far as they are still wanted.
    #[must_use]
    pub fn subtotal(&self, quantity: fn(&Line) -> i32) -> Both {
        self.lines.iter().map(|it| it.price.times(quantity(it))).fold(Both::default(), Both::plus)
    }

    /// All taxes, the order's and its lines', of what was bought.
    #[must_use]
    pub fn tax(&self) -> Both {
        let lines = self.lines.iter().flat_map(|it| &it.tax_lines);
        lines.chain(&self.about.tax_lines).map(|it| it.price).fold(Both::default(), Both::plus)
    }

    /// How far it is shipped, as it is shown.
    #[must_use]
    pub fn shown(&self) -> Fulfillment {
        let is_held = self.about.on_hold && self.fulfillment == Fulfillment::Unfulfilled;
        if is_held { Fulfillment::OnHold } else { self.fulfillment }
    }

    /// Nothing of it is wanted any more, nor paid for.
    fn is_void(&self) -> bool {
        self.cancelled.is_some() && self.lines.iter().all(|it| it.current_quantity == 0)
    }

    /// The taxes that are still to be paid, one a title and rate.
    #[must_use]
    pub fn current_taxes(&self) -> Vec<TaxLine> {
        let mut taxes: Vec<TaxLine> = Vec::new();
        if self.is_void() {
            return taxes;
        }
        let of_lines = self.lines.iter().flat_map(|line| line.tax_lines.iter().map(move |it| (it, Some(line))));
        for (tax, line) in of_lines.chain(self.about.tax_lines.iter().map(|it| (it, None))) {
            let share = |it: Decimal| line.map_or(it, |line| line.share(it));
            let price = Both { shop: share(tax.price.shop), presentment: share(tax.price.presentment) };
            match taxes.iter_mut().find(|it| it.title == tax.title && it.rate == tax.rate) {
                Some(known) => known.price = known.price.plus(price),
                None => taxes.push(TaxLine { price, ..tax.clone() }),
            }
        }
        taxes
    }

    /// What bringing it still costs.
    #[must_use]
    pub fn current_shipping(&self) -> Both {
        if self.is_void() { Both::default() } else { self.about.shipping }
    }

    /// What is still taken off the whole.
    #[must_use]
    pub fn current_discount(&self) -> Both {
        if self.is_void() { Both::default() } else { self.about.discount }
    }

    /// What is still to be paid.
    #[must_use]
    pub fn current_total(&self) -> Both {
        let net = self.subtotal(|it| it.current_quantity).plus(self.current_discount().negated());
        let shipped = net.plus(self.current_shipping());
        if self.about.taxes_included {
            return shipped;
        }
        self.current_taxes().iter().map(|it| it.price).fold(shipped, Both::plus)
    }

    /// What was to be paid when it was placed.
    #[must_use]
    pub fn total(&self) -> Both {
        let net = self.subtotal(|it| it.quantity).plus(self.about.discount.negated());
        let shipped = net.plus(self.about.shipping);
        if self.about.taxes_included { shipped } else { shipped.plus(self.tax()) }
    }
}

impl Line {
    /// So much of an amount as is still wanted of the line, to the cent.
    fn share(&self, amount: Decimal) -> Decimal {
        if self.current_quantity == self.quantity {
            return amount;
        }
        let whole = |it: Decimal| it.to_string().parse::<i64>().unwrap_or_default();
        let cents = whole(amount.checked_mul(100.into()).unwrap_or(amount).round(0));
        let some = cents * i64::from(self.current_quantity) / i64::from(self.quantity.max(1));
        Decimal::new(some, 2).unwrap_or(amount)
    }
}

/// What is new about an order; `None` leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct OrderChange {
    pub po_number: Option<Option<String>>,
    pub note: Option<Option<String>>,
    pub email: Option<Option<String>>,
    pub tags: Option<Vec<String>>,
    pub financial: Option<Financial>,
    pub on_hold: Option<bool>,
}

/// What becomes of the stock a cancelled order had committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restock {
    /// It is for sale again.
    Yes,
    /// It is gone.
    No,
}

row!(Order);

/// As searches and webhooks spell it.
#[must_use]
pub fn financial_word(status: Financial) -> &'static str {
    match status {
        Financial::Authorized => "authorized",
        Financial::Expired => "expired",
        Financial::Paid => "paid",
        Financial::PartiallyPaid => "partially_paid",
        Financial::PartiallyRefunded => "partially_refunded",
        Financial::Pending => "pending",
        Financial::Refunded => "refunded",
        Financial::Voided => "voided",
    }
}
