//! Orders: placed by people or callers, committing stock, cancelled, shipped.

use truthsource_core::{Decimal, UnixMs};

use super::items::row;
use super::stock::level_key;
use super::table::Row;
use super::{Cause, State};
use crate::shopify::refusals::{Code, OrderCreateUserErrorCode as Why, Refusal};
use crate::shopify::search::{Facet, KeyKind, Searchable};
use crate::shopify::webhooks::Topic;

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
#[allow(missing_docs)]
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

    /// All taxes, the order's and its lines'.
    #[must_use]
    pub fn tax(&self) -> Both {
        let lines = self.lines.iter().flat_map(|it| &it.tax_lines);
        lines.chain(&self.about.tax_lines).map(|it| it.price).fold(Both::default(), Both::plus)
    }

    /// What is to be paid, for what was bought or for what is still wanted.
    #[must_use]
    pub fn total(&self, quantity: fn(&Line) -> i32) -> Both {
        let subtotal = self.subtotal(quantity);
        let is_wanted = self.cancelled.is_none() || subtotal != Both::default();
        if self.about.taxes_included || !is_wanted { subtotal } else { subtotal.plus(self.tax()) }
    }
}

impl State {
    /// Places an order.
    ///
    /// # Errors
    /// When there are no lines, a variant, customer or company location is not there, or stock cannot be claimed.
    pub fn make_order(&mut self, cause: Cause, input: OrderInput) -> Result<u64, Refusal<Why>> {
        self.check_order(cause, &input)?;
        let purchaser = self.purchaser(&input);
        let (id, number) = (self.new_id(), self.new_order_number());
        let mut lines = Vec::new();
        for line in &input.lines {
            lines.push(self.made_line(&input, line));
        }
        let second = cause.second();
        let mut order = Order {
            id,
            number,
            name: input.name.clone().unwrap_or_else(|| format!("#{number}")),
            lines,
            purchaser,
            financial: input.financial,
            fulfillment: Fulfillment::Unfulfilled,
            cancelled: None,
            processed: input.processed.unwrap_or(second),
            created: second,
            updated: second,
            about: OrderInput { lines: Vec::new(), ..input },
        };
        if order.about.claim != Claim::Bypass {
            self.claim(cause, &mut order);
        }
        self.note_order(cause, &order);
        self.orders.put(cause.at, order);
        self.happened(cause, "Order", id, "create");
        self.announce(cause, Topic::OrdersCreate, |state| state.order_body(id));
        Ok(id)
    }

    fn check_order(&self, cause: Cause, input: &OrderInput) -> Result<(), Refusal<Why>> {
        let invalid = |field: &str, message: &str| Refusal { message: message.to_owned(), ..Why::Invalid.at(field) };
        if input.lines.is_empty() {
            return Err(invalid("order.lineItems", "Line items must have at least one line item"));
        }
        if input.company_location.is_some_and(|it| !self.company_locations.has(it)) {
            return Err(invalid("order.companyLocationId", "Company location could not be found"));
        }
        if input.customer.is_some_and(|it| !self.customers.has(it)) {
            return Err(invalid("order.customerId", "Customer could not be found"));
        }
        if input.processed.is_some_and(|it| it > cause.at) {
            return Err(Why::ProcessedAtInvalid.at("order.processedAt"));
        }
        let mut wanted = std::collections::BTreeMap::new();
        for (n, line) in input.lines.iter().enumerate() {
            let at = |field: &str| format!("order.lineItems.{n}.{field}");
            if line.quantity < 1 {
                return Err(invalid(&at("quantity"), "Quantity must be greater than 0"));
            }
            let Some(id) = line.variant else {
                if line.title.as_deref().unwrap_or_default().is_empty() || line.price.is_none() {
                    return Err(invalid(&at("title"), "A line without a variant needs a title and a price"));
                }
                continue;
            };
            if !self.variants.has(id) {
                return Err(invalid(&at("variantId"), "Variant could not be found"));
            }
            *wanted.entry(id).or_insert(0) += i64::from(line.quantity);
        }
        if input.claim == Claim::DecrementObeyingPolicy {
            self.check_claim(&wanted)?;
        }
        Ok(())
    }

    fn check_claim(&self, wanted: &std::collections::BTreeMap<u64, i64>) -> Result<(), Refusal<Why>> {
        for (variant, quantity) in wanted {
            let Some(variant) = self.variants.get(*variant) else { continue };
            let tracked = self.items.get(variant.item).is_some_and(|it| it.tracked);
            let denies = tracked && variant.when_out == super::items::WhenOut::Deny;
            if denies && !self.levels_of(variant.item).any(|it| it.available() >= *quantity) {
                return Err(Why::InventoryClaimFailed.at("order.lineItems"));
            }
        }
        Ok(())
    }

    fn purchaser(&self, input: &OrderInput) -> Option<Purchaser> {
        let location = self.company_locations.get(input.company_location?)?;
        let company = self.companies.get(location.company)?;
        let person = input.customer.or_else(|| self.customer_by_email(input.email.as_deref()?));
        let is_person = |id: &&u64| self.contacts.get(**id).is_some_and(|it| Some(it.customer) == person);
        let contact = company.contacts.iter().find(is_person).copied().or(company.main_contact);
        Some(Purchaser { company: company.id, location: location.id, contact })
    }

    fn made_line(&mut self, order: &OrderInput, line: &LineInput) -> Line {
        let id = self.new_id();
        let variant = line.variant.and_then(|it| self.variants.get(it)).cloned();
        let product = variant.as_ref().and_then(|it| self.products.get(it.product));
        let price = line.price.unwrap_or_else(|| {
            let price =
                variant.as_ref().map_or(Decimal::ZERO, |it| self.price_for(order.company_location, it, line.quantity));
            Both { shop: price, presentment: price }
        });
        Line {
            id,
            variant: variant.as_ref().map(|it| it.id),
            item: variant.as_ref().map(|it| it.item),
            sku: line.sku.clone().or_else(|| variant.as_ref()?.sku.clone()),
            title: line.title.clone().or_else(|| Some(product?.title.clone())).unwrap_or_default(),
            variant_title: variant.as_ref().map(|it| it.title()),
            quantity: line.quantity,
            current_quantity: line.quantity,
            price,
            tax_lines: line.tax_lines.clone(),
            claimed_at: None,
        }
    }

    /// Commits stock for the lines, each at the first location that has enough of it, or else at the first that
    /// stocks it.
    fn claim(&mut self, cause: Cause, order: &mut Order) {
        for line in &mut order.lines {
            let Some(item) = line.item.filter(|it| self.items.get(*it).is_some_and(|it| it.tracked)) else { continue };
            let ships = |location: u64| {
                self.locations.get(location).is_some_and(|it| it.is_active && it.fulfills_online_orders)
            };
            let quantity = i64::from(line.quantity);
            let levels: Vec<_> = self.levels_of(item).filter(|it| ships(it.location)).collect();
            let best = levels.iter().find(|it| it.available() >= quantity).or(levels.first());
            line.claimed_at = best.map(|it| it.location);
            if let Some(location) = line.claimed_at {
                self.commit(cause, level_key(location, item), quantity);
            }
        }
    }

    fn note_order(&self, cause: Cause, order: &Order) {
        let lines = order.lines.iter().map(|it| {
            serde_json::json!({
                "item": it.item.map(|it| it.to_string()),
                "code": it.sku,
                "quantity": it.quantity.to_string(),
                "price": it.price.presentment,
            })
        });
        let lines = serde_json::Value::from(lines.collect::<Vec<_>>());
        let buyer = order.purchaser.map_or_else(String::new, |it| it.company.to_string());
        let id = order.id;
        self.note(cause, "order", id, ("created", &order.name));
        self.note(cause, "order", id, ("number", &order.name));
        self.note(cause, "order", id, ("company", buyer));
        self.note(cause, "order", id, ("po_number", order.about.po_number.as_deref().unwrap_or_default()));
        self.note(cause, "order", id, ("currency", &order.about.presentment_currency));
        self.note(cause, "order", id, ("lines", lines));
        self.note(cause, "order", id, ("total", order.total(|it| it.quantity).presentment));
    }

    /// Cancels an order; `restock` puts what was committed back on the shelf.
    /// Says whether there was one to cancel.
    pub fn cancel_order(&mut self, cause: Cause, id: u64, reason: CancelReason, restock: Restock) -> bool {
        let Some(order) = self.orders.get(id).filter(|it| it.cancelled.is_none()).cloned() else { return false };
        if order.fulfillment == Fulfillment::Fulfilled {
            return false;
        }
        for line in &order.lines {
            let (Some(item), Some(location)) = (line.item, line.claimed_at) else { continue };
            let (key, quantity) = (level_key(location, item), i64::from(line.current_quantity));
            match restock {
                Restock::Yes => self.commit(cause, key, -quantity),
                Restock::No => self.ship(cause, key, quantity),
            }
        }
        self.orders.edit(cause.at, id, |it| {
            it.cancelled = Some((cause.second(), reason));
            it.updated = cause.second();
            it.financial = if it.financial == Financial::Paid { Financial::Refunded } else { Financial::Voided };
            for line in &mut it.lines {
                line.current_quantity = 0;
                line.claimed_at = None;
            }
        });
        self.note(cause, "order", id, ("cancelled", true));
        self.announce(cause, Topic::OrdersCancelled, |state| state.order_body(id));
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        true
    }

    /// Ships all of an order. Says whether there was one to ship.
    pub fn ship_order(&mut self, cause: Cause, id: u64) -> bool {
        let Some(order) = self.orders.get(id).cloned() else { return false };
        if order.cancelled.is_some() || order.fulfillment == Fulfillment::Fulfilled {
            return false;
        }
        for line in &order.lines {
            if let (Some(item), Some(location)) = (line.item, line.claimed_at) {
                self.ship(cause, level_key(location, item), i64::from(line.current_quantity));
            }
        }
        self.orders.edit(cause.at, id, |it| {
            it.fulfillment = Fulfillment::Fulfilled;
            it.updated = cause.second();
            it.lines.iter_mut().for_each(|line| line.claimed_at = None);
        });
        self.note(cause, "order", id, ("fulfilled", true));
        self.announce(cause, Topic::OrdersFulfilled, |state| state.order_body(id));
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        true
    }

    /// Changes what may be changed of an order after it is placed. Says whether there is one.
    pub fn alter_order(&mut self, cause: Cause, id: u64, change: OrderChange) -> bool {
        let Some(before) = self.orders.get(id).cloned() else { return false };
        let mut order = before.as_ref().clone();
        order.about.po_number = change.po_number.unwrap_or(order.about.po_number);
        order.about.note = change.note.unwrap_or(order.about.note);
        order.about.email = change.email.unwrap_or(order.about.email);
        order.about.tags = change.tags.unwrap_or(order.about.tags);
        if order == *before {
            return true;
        }
        order.updated = cause.second();
        let order = self.orders.put(cause.at, order);
        if before.about.po_number != order.about.po_number {
            self.note(cause, "order", id, ("po_number", order.about.po_number.as_deref().unwrap_or_default()));
        }
        self.announce(cause, Topic::OrdersUpdated, |state| state.order_body(id));
        true
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

impl Searchable<State> for Order {
    const KEYS: &'static [(&'static str, KeyKind)] = &[
        ("id", KeyKind::Id),
        ("created_at", KeyKind::Time),
        ("updated_at", KeyKind::Time),
        ("processed_at", KeyKind::Time),
        ("name", KeyKind::Word),
        ("po_number", KeyKind::Word),
        ("source_identifier", KeyKind::Word),
        ("source_name", KeyKind::Word),
        ("financial_status", KeyKind::Word),
        ("fulfillment_status", KeyKind::Word),
        ("status", KeyKind::Word),
        ("sku", KeyKind::Word),
        ("email", KeyKind::Word),
        ("customer_id", KeyKind::Id),
        ("tag", KeyKind::Word),
        ("test", KeyKind::Flag),
    ];

    fn facet<'a>(&'a self, _: &'a State, key: &str) -> Facet<'a> {
        let about = &self.about;
        let text = super::items::text;
        match key {
            "id" => Facet::Id(self.id),
            "created_at" => Facet::Time(self.created),
            "updated_at" => Facet::Time(self.updated),
            "processed_at" => Facet::Time(self.processed),
            // `name:1001` finds `#1001` as well.
            "name" => Facet::Texts(vec![&self.name, self.name.trim_start_matches('#')]),
            "po_number" => text(about.po_number.as_ref()),
            "source_identifier" => text(about.source_identifier.as_ref()),
            "source_name" => text(about.source_name.as_ref()),
            "financial_status" => Facet::Text(financial_word(self.financial)),
            "fulfillment_status" => Facet::Texts(if self.fulfillment == Fulfillment::Fulfilled {
                vec!["fulfilled", "shipped"]
            } else {
                vec!["unfulfilled", "unshipped"]
            }),
            "status" => Facet::Texts(vec![if self.cancelled.is_some() { "cancelled" } else { "open" }, "any"]),
            "sku" => Facet::Texts(self.lines.iter().filter_map(|it| it.sku.as_deref()).collect()),
            "email" => text(about.email.as_ref()),
            "customer_id" => about.customer.map_or(Facet::None, Facet::Id),
            "tag" => Facet::Texts(about.tags.iter().map(String::as_str).collect()),
            "test" => Facet::Flag(about.test),
            "default" => {
                let texts = [Some(&self.name), about.po_number.as_ref(), about.email.as_ref()];
                Facet::Texts(texts.into_iter().flatten().map(String::as_str).collect())
            }
            _ => Facet::None,
        }
    }
}

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
