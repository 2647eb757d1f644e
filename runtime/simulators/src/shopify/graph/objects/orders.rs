//! Orders and their lines.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject, Union};

use super::around;
use super::companies::{Company, CompanyContact, CompanyLocation, Customer};
use super::fulfillments::{Fulfillment, FulfillmentOrder};
use super::items::{Product, ProductVariant};
use super::rest::{Metafield, MoneyBag, metafield};
use crate::shopify::gid::gid;
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Pages, internal};
use crate::shopify::graph::scalars::{CurrencyCode, DateTime, Money, UnsignedInt64};
use crate::shopify::state::State;
use crate::shopify::state::orders as rows;

around!(
    /// An order.
    Order,
    rows::Order
);

/// What orders are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum OrderSortKeys {
    CreatedAt,
    Id,
    OrderNumber,
    PoNumber,
    ProcessedAt,
    Relevance,
    UpdatedAt,
}

/// Who bought.
#[derive(Debug, Clone, Union)]
pub enum PurchasingEntity {
    /// A person.
    Customer(Customer),
    /// Somebody for a company.
    PurchasingCompany(PurchasingCompany),
}

/// Who bought for a company.
#[derive(Debug, Clone)]
pub struct PurchasingCompany(rows::Purchaser);

/// A line of an order.
#[derive(Debug, Clone)]
pub struct LineItem {
    pub(super) order: std::sync::Arc<rows::Order>,
    pub(super) at: usize,
    pub(super) line: rows::Line,
}

/// Tax on a line or an order.
#[derive(Debug, Clone)]
pub struct TaxLine {
    tax: rows::TaxLine,
    currencies: Currencies,
}

/// What the shop makes of who ordered.
#[derive(Debug, Clone, SimpleObject)]
pub struct OrderRiskSummary {
    recommendation: OrderRiskRecommendationResult,
}

/// What it recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[allow(missing_docs)]
pub enum OrderRiskRecommendationResult {
    Accept,
    Cancel,
    Investigate,
    None,
}

/// What bringing an order costs.
#[derive(Debug, Clone)]
pub struct ShippingLine {
    title: String,
    price: rows::Both,
    currencies: Currencies,
}

/// What an order's two amounts are in.
#[derive(Debug, Clone)]
struct Currencies {
    shop: String,
    presentment: String,
}

impl Currencies {
    fn of(order: &rows::Order) -> Self {
        Self { shop: order.about.currency.clone(), presentment: order.about.presentment_currency.clone() }
    }

    fn bag(&self, both: rows::Both) -> MoneyBag {
        MoneyBag::new(both, &self.shop, &self.presentment)
    }
}

impl Order {
    fn bag(&self, both: rows::Both) -> MoneyBag {
        Currencies::of(&self.0).bag(both)
    }
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl Order {
    pub async fn id(&self) -> ID {
        gid("Order", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn name(&self) -> &str {
        &self.0.name
    }
    async fn number(&self) -> i32 {
        i32::try_from(self.0.number).unwrap_or(i32::MAX)
    }
    async fn po_number(&self) -> Option<&str> {
        self.0.about.po_number.as_deref()
    }
    async fn source_identifier(&self) -> Option<&str> {
        self.0.about.source_identifier.as_deref()
    }
    async fn source_name(&self) -> Option<&str> {
        self.0.about.source_name.as_deref()
    }
    async fn note(&self) -> Option<&str> {
        self.0.about.note.as_deref()
    }
    async fn tags(&self) -> &[String] {
        &self.0.about.tags
    }
    async fn email(&self) -> Option<&str> {
        self.0.about.email.as_deref()
    }
    async fn test(&self) -> bool {
        self.0.about.test
    }
    async fn confirmed(&self) -> bool {
        true
    }
    async fn closed(&self) -> bool {
        false
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
    async fn processed_at(&self) -> DateTime {
        DateTime(self.0.processed)
    }
    async fn cancelled_at(&self) -> Option<DateTime> {
        self.0.cancelled.map(|(at, _)| DateTime(at))
    }
    async fn cancel_reason(&self) -> Option<rows::CancelReason> {
        self.0.cancelled.map(|(_, why)| why)
    }
    async fn currency_code(&self) -> CurrencyCode {
        CurrencyCode(self.0.about.currency.clone())
    }
    async fn presentment_currency_code(&self) -> CurrencyCode {
        CurrencyCode(self.0.about.presentment_currency.clone())
    }
    async fn taxes_included(&self) -> bool {
        self.0.about.taxes_included
    }
    async fn display_financial_status(&self) -> Option<rows::Financial> {
        Some(self.0.financial)
    }
    async fn display_fulfillment_status(&self) -> rows::Fulfillment {
        self.0.shown()
    }
    async fn risk(&self) -> OrderRiskSummary {
        let risky = self.0.about.risky;
        let recommendation =
            if risky { OrderRiskRecommendationResult::Investigate } else { OrderRiskRecommendationResult::Accept };
        OrderRiskSummary { recommendation }
    }
    async fn customer(&self, ctx: &Context<'_>) -> Option<Customer> {
        let id = self.0.about.customer?;
        Call::read(ctx, |state| state.customers.get(id).cloned()).map(Customer)
    }
    async fn purchasing_entity(&self, ctx: &Context<'_>) -> Option<PurchasingEntity> {
        if let Some(purchaser) = self.0.purchaser {
            return Some(PurchasingEntity::PurchasingCompany(PurchasingCompany(purchaser)));
        }
        let id = self.0.about.customer?;
        let customer = Call::read(ctx, |state| state.customers.get(id).cloned());
        customer.map(|it| PurchasingEntity::Customer(Customer(it)))
    }
    async fn current_total_price_set(&self) -> MoneyBag {
        self.bag(self.0.current_total())
    }
    async fn current_subtotal_price_set(&self) -> MoneyBag {
        self.bag(self.0.subtotal(|it| it.current_quantity))
    }
    async fn total_price_set(&self) -> MoneyBag {
        self.bag(self.0.total())
    }
    async fn subtotal_price_set(&self) -> Option<MoneyBag> {
        Some(self.bag(self.0.subtotal(|it| it.quantity)))
    }
    async fn total_tax_set(&self) -> Option<MoneyBag> {
        Some(self.bag(self.0.tax()))
    }
    async fn current_total_tax_set(&self) -> MoneyBag {
        let taxes = self.0.current_taxes();
        self.bag(rows::Both::sum(taxes.iter().map(|it| it.price)))
    }
    async fn current_tax_lines(&self) -> Vec<TaxLine> {
        let currencies = Currencies::of(&self.0);
        let line = |tax| TaxLine { tax, currencies: currencies.clone() };
        self.0.current_taxes().into_iter().map(line).collect()
    }
    async fn current_shipping_price_set(&self) -> MoneyBag {
        self.bag(self.0.current_shipping())
    }
    async fn shipping_line(&self) -> Option<ShippingLine> {
        let title = self.0.about.shipping_title.clone()?;
        Some(ShippingLine { title, price: self.0.about.shipping, currencies: Currencies::of(&self.0) })
    }
    async fn current_cart_discount_amount_set(&self) -> MoneyBag {
        self.bag(self.0.current_discount())
    }
    async fn current_total_discounts_set(&self) -> MoneyBag {
        self.bag(self.0.current_discount())
    }
    async fn discount_codes(&self) -> &[String] {
        &self.0.about.discount_codes
    }
    async fn tax_lines(&self) -> Vec<TaxLine> {
        let currencies = Currencies::of(&self.0);
        self.0.about.tax_lines.iter().map(|tax| TaxLine { tax: tax.clone(), currencies: currencies.clone() }).collect()
    }
    async fn line_items(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<LineItem>> {
        let pages = Pages { first, after, last, before, reverse };
        let lines = self.0.lines.iter().enumerate().map(|(at, line)| (line.id, (at, line.clone())));
        pages.slice(lines, |(at, line)| LineItem { order: self.0.clone(), at, line })
    }
    async fn fulfillments(&self, first: Option<i32>) -> Vec<Fulfillment> {
        let limit = first.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
        Fulfillment::of(&self.0).take(limit).collect()
    }
    async fn fulfillment_orders(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<FulfillmentOrder>> {
        let pages = Pages { first, after, last, before, reverse };
        pages.slice(self.0.groups.iter().map(|it| (it.id, *it)), |group| FulfillmentOrder::new(self.0.clone(), group))
    }
    async fn metafield(&self, ctx: &Context<'_>, namespace: Option<String>, key: String) -> Option<Metafield> {
        metafield(ctx, ("Order", self.0.id), namespace, &key)
    }
}

#[Object]
impl PurchasingCompany {
    async fn company(&self, ctx: &Context<'_>) -> Result<Company> {
        Call::read(ctx, |state| state.companies.get(self.0.company).cloned()).map(Company).ok_or_else(internal)
    }
    async fn location(&self, ctx: &Context<'_>) -> Result<CompanyLocation> {
        let location = Call::read(ctx, |state: &State| state.company_locations.get(self.0.location).cloned());
        location.map(CompanyLocation).ok_or_else(internal)
    }
    async fn contact(&self, ctx: &Context<'_>) -> Option<CompanyContact> {
        let id = self.0.contact?;
        Call::read(ctx, |state| state.contacts.get(id).cloned()).map(CompanyContact)
    }
}

#[Object]
impl LineItem {
    pub async fn id(&self) -> ID {
        gid("LineItem", self.line.id).into()
    }
    async fn sku(&self) -> Option<&str> {
        self.line.sku.as_deref()
    }
    async fn title(&self) -> &str {
        &self.line.title
    }
    async fn name(&self) -> &str {
        &self.line.title
    }
    async fn variant_title(&self) -> Option<&str> {
        self.line.variant_title.as_deref()
    }
    async fn quantity(&self) -> i32 {
        self.line.quantity
    }
    async fn current_quantity(&self) -> i32 {
        self.line.current_quantity
    }
    async fn unfulfilled_quantity(&self) -> i32 {
        self.order.open(&self.line)
    }
    async fn variant(&self, ctx: &Context<'_>) -> Option<ProductVariant> {
        let id = self.line.variant?;
        Call::read(ctx, |state| state.variants.get(id).cloned()).map(ProductVariant)
    }
    async fn product(&self, ctx: &Context<'_>) -> Option<Product> {
        let id = self.line.variant?;
        let product = Call::read(ctx, |state| state.products.get(state.variants.get(id)?.product).cloned());
        product.map(Product)
    }
    async fn original_unit_price_set(&self) -> MoneyBag {
        Currencies::of(&self.order).bag(self.line.price)
    }
    async fn discounted_unit_price_set(&self) -> MoneyBag {
        Currencies::of(&self.order).bag(self.line.price)
    }
    async fn original_total_set(&self) -> MoneyBag {
        Currencies::of(&self.order).bag(self.line.price.times(self.line.quantity))
    }
    async fn tax_lines(&self, first: Option<i32>) -> Vec<TaxLine> {
        let limit = first.and_then(|it| usize::try_from(it).ok()).unwrap_or(usize::MAX);
        let currencies = Currencies::of(&self.order);
        let taxes = self.order.lines.get(self.at).map(|it| it.tax_lines.as_slice()).unwrap_or_default();
        taxes.iter().take(limit).map(|tax| TaxLine { tax: tax.clone(), currencies: currencies.clone() }).collect()
    }
}

#[Object]
impl ShippingLine {
    async fn title(&self) -> &str {
        &self.title
    }
    async fn original_price_set(&self) -> MoneyBag {
        self.currencies.bag(self.price)
    }
    async fn discounted_price_set(&self) -> MoneyBag {
        self.currencies.bag(self.price)
    }
    /// What is taxed is told of lines and of the order.
    async fn tax_lines(&self) -> Vec<TaxLine> {
        Vec::new()
    }
}

#[Object]
impl TaxLine {
    async fn title(&self) -> &str {
        &self.tax.title
    }
    async fn rate(&self) -> Option<f64> {
        self.tax.rate.to_string().parse().ok()
    }
    async fn price(&self) -> Money {
        Money(self.tax.price.shop)
    }
    async fn price_set(&self) -> MoneyBag {
        self.currencies.bag(self.tax.price)
    }
}
