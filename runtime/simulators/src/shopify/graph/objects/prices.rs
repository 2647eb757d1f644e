//! Price lists, their prices, and catalogs.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Interface, Object, Result, SimpleObject};
use truthsource_core::Decimal;

use super::around;
use super::companies::CompanyLocation;
use super::items::ProductVariant;
use super::rest::MoneyV2;
use crate::shopify::gid::gid;
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Pages};
use crate::shopify::graph::scalars::CurrencyCode;
use crate::shopify::state::catalogs;
use crate::shopify::state::items::Variant;
use crate::shopify::state::prices as rows;

around!(
    /// A price list.
    PriceList,
    rows::PriceList
);
around!(
    /// A catalog for company locations.
    CompanyLocationCatalog,
    catalogs::Catalog
);

/// Any catalog.
#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
#[graphql(field(name = "title", ty = "&str"))]
#[graphql(field(name = "status", ty = "catalogs::Status"))]
#[graphql(field(name = "price_list", ty = "Option<PriceList>"))]
pub enum Catalog {
    /// One for company locations.
    CompanyLocationCatalog(CompanyLocationCatalog),
}

/// Whether a price is written into the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum PriceListPriceOriginType {
    /// It is.
    Fixed,
    /// It follows from the shop's.
    Relative,
}

/// Whether a quantity rule is written into the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum QuantityRuleOriginType {
    /// It is.
    Fixed,
    /// It is the usual one.
    Relative,
}

/// A price of a price list.
#[derive(Debug, Clone)]
pub struct PriceListPrice {
    /// The list.
    pub list: Arc<rows::PriceList>,
    /// The variant.
    pub variant: Arc<Variant>,
    /// What is written of it.
    pub fixed: Option<rows::Fixed>,
}

/// A price from some quantity on.
#[derive(Debug, Clone)]
pub struct QuantityPriceBreak {
    minimum: i32,
    entry: rows::Break,
    list: Arc<rows::PriceList>,
    variant: Arc<Variant>,
}

/// How many may be bought.
#[derive(Debug, Clone)]
pub struct QuantityRule {
    rule: Option<rows::Rule>,
    variant: Arc<Variant>,
}

/// How a price list's prices follow from the shop's.
#[derive(Debug, Clone, SimpleObject)]
pub struct PriceListParent {
    adjustment: PriceListAdjustment,
}

/// By how much they differ.
#[derive(Debug, Clone, SimpleObject)]
pub struct PriceListAdjustment {
    r#type: rows::AdjustmentKind,
    value: f64,
}

#[Object]
#[allow(clippy::too_many_arguments, reason = "the arguments are the schema's")]
impl PriceList {
    pub async fn id(&self) -> ID {
        gid("PriceList", self.0.id).into()
    }
    async fn name(&self) -> &str {
        &self.0.name
    }
    async fn currency(&self) -> CurrencyCode {
        CurrencyCode(self.0.currency.clone())
    }
    async fn fixed_prices_count(&self, ctx: &Context<'_>) -> i32 {
        let id = self.0.id;
        let count = Call::read(ctx, |state| {
            state.fixed.range((id, 0)..=(id, u64::MAX)).filter(|(_, it)| it.price.is_some()).count()
        });
        i32::try_from(count).unwrap_or(i32::MAX)
    }
    async fn parent(&self) -> Option<PriceListParent> {
        let value = self.0.adjustment.percent.to_string().parse().unwrap_or_default();
        Some(PriceListParent { adjustment: PriceListAdjustment { r#type: self.0.adjustment.kind, value } })
    }
    async fn catalog(&self, ctx: &Context<'_>) -> Option<Catalog> {
        let catalog = Call::read(ctx, |state| state.catalog_of(self.0.id).cloned())?;
        Some(CompanyLocationCatalog(catalog).into())
    }
    async fn prices(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        origin_type: Option<PriceListPriceOriginType>,
        query: Option<String>,
    ) -> Result<Connection<PriceListPrice>> {
        let pages = Pages { first, after, last, before, reverse };
        let wanted = PriceQuery::new(query.as_deref().unwrap_or_default());
        let list = self.0.clone();
        let price = |(variant, fixed): (Arc<Variant>, Option<rows::Fixed>)| PriceListPrice {
            list: list.clone(),
            variant,
            fixed,
        };
        Call::read(ctx, |state| {
            let entry = |variant: &Arc<Variant>| state.fixed_price(list.id, variant.id).filter(|it| it.price.is_some());
            if origin_type == Some(PriceListPriceOriginType::Fixed) {
                let from = pages.checked()?.after.map_or(0, |it| it.last_id);
                let from = if pages.reverse == Some(true) { 0 } else { from };
                let fixed =
                    state.fixed.range((list.id, from)..=(list.id, u64::MAX)).filter(|(_, it)| it.price.is_some());
                let rows = fixed.filter_map(|((_, id), fixed)| Some((*id, (state.variants.get(*id)?, fixed))));
                let rows = rows.filter(|(_, (variant, _))| wanted.finds(variant));
                return pages.slice(rows, |(variant, fixed)| price((variant.clone(), Some(fixed.clone()))));
            }
            let variants = state.variants.iter().filter(|it| wanted.finds(it));
            let is_relative = origin_type == Some(PriceListPriceOriginType::Relative);
            let rows = variants.filter(|it| !is_relative || entry(it).is_none()).map(|it| (it.id, it));
            pages.slice(rows, |variant| price((variant.clone(), entry(variant).cloned())))
        })
    }
    async fn quantity_rules(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
        origin_type: Option<QuantityRuleOriginType>,
    ) -> Result<Connection<QuantityRule>> {
        let pages = Pages { first, after, last, before, reverse };
        Call::read(ctx, |state| {
            let rule = |variant: &Arc<Variant>| state.fixed_price(self.0.id, variant.id).and_then(|it| it.rule);
            let rows = state.variants.iter().map(|it| (it.id, (it.clone(), rule(it))));
            let rows = rows.filter(|(_, (_, rule))| match origin_type {
                None => true,
                Some(QuantityRuleOriginType::Fixed) => rule.is_some(),
                Some(QuantityRuleOriginType::Relative) => rule.is_none(),
            });
            pages.slice(rows, |(variant, rule)| QuantityRule { rule, variant })
        })
    }
}

/// The search a price list's prices know: `product_id` and `variant_id`, joined by `OR`.
struct PriceQuery(Vec<(bool, u64)>);

impl PriceQuery {
    fn new(query: &str) -> Self {
        use crate::shopify::search::{Expression, parse};
        fn terms(expression: &Expression, into: &mut Vec<(bool, u64)>) {
            match expression {
                Expression::Term(term) => {
                    let number = term.value.rsplit('/').next().and_then(|it| it.parse().ok());
                    let is_product = match term.key.as_deref() {
                        Some("product_id") => true,
                        Some("variant_id" | "id") => false,
                        _ => return,
                    };
                    into.extend(number.map(|number| (is_product, number)));
                }
                Expression::All(sides) | Expression::Any(sides) => sides.iter().for_each(|it| terms(it, into)),
                Expression::Not(_) => {}
            }
        }
        let mut wanted = Vec::new();
        if let Ok(expression) = parse(query) {
            terms(&expression, &mut wanted);
        }
        Self(wanted)
    }

    fn finds(&self, variant: &Variant) -> bool {
        let is_it = |(is_product, id): &(bool, u64)| *id == if *is_product { variant.product } else { variant.id };
        self.0.is_empty() || self.0.iter().any(is_it)
    }
}

impl PriceListPrice {
    fn amount(&self, amount: Decimal) -> MoneyV2 {
        MoneyV2::new(amount, self.list.currency.clone())
    }
}

#[Object]
impl PriceListPrice {
    async fn origin_type(&self) -> PriceListPriceOriginType {
        if self.fixed.is_some() { PriceListPriceOriginType::Fixed } else { PriceListPriceOriginType::Relative }
    }
    async fn price(&self) -> MoneyV2 {
        let fixed = self.fixed.as_ref().and_then(|it| it.price);
        self.amount(fixed.unwrap_or_else(|| self.list.adjustment.of(self.variant.price)))
    }
    async fn compare_at_price(&self) -> Option<MoneyV2> {
        let amount = match &self.fixed {
            Some(fixed) => fixed.compare_at,
            None => self.variant.compare_at.map(|it| self.list.adjustment.of(it)),
        };
        amount.map(|it| self.amount(it))
    }
    async fn variant(&self) -> ProductVariant {
        ProductVariant(self.variant.clone())
    }
    async fn quantity_price_breaks(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<QuantityPriceBreak>> {
        let pages = Pages { first, after, last, before, reverse };
        let breaks = self.fixed.iter().flat_map(|it| it.breaks.iter());
        let breaks = breaks.map(|(minimum, it)| (u64::try_from(*minimum).unwrap_or(0), (*minimum, it.clone())));
        pages.slice(breaks, |(minimum, entry)| QuantityPriceBreak {
            minimum,
            entry,
            list: self.list.clone(),
            variant: self.variant.clone(),
        })
    }
}

#[Object]
impl QuantityPriceBreak {
    async fn id(&self) -> ID {
        gid("QuantityPriceBreak", self.entry.id).into()
    }
    async fn minimum_quantity(&self) -> i32 {
        self.minimum
    }
    async fn price(&self) -> MoneyV2 {
        MoneyV2::new(self.entry.price, self.list.currency.clone())
    }
    async fn price_list(&self) -> PriceList {
        PriceList(self.list.clone())
    }
    async fn variant(&self) -> ProductVariant {
        ProductVariant(self.variant.clone())
    }
}

#[Object]
impl QuantityRule {
    async fn minimum(&self) -> i32 {
        self.rule.map_or(1, |it| it.minimum)
    }
    async fn maximum(&self) -> Option<i32> {
        self.rule.and_then(|it| it.maximum)
    }
    async fn increment(&self) -> i32 {
        self.rule.map_or(1, |it| it.increment)
    }
    async fn is_default(&self) -> bool {
        self.rule.is_none()
    }
    async fn origin_type(&self) -> QuantityRuleOriginType {
        if self.rule.is_some() { QuantityRuleOriginType::Fixed } else { QuantityRuleOriginType::Relative }
    }
    async fn product_variant(&self) -> ProductVariant {
        ProductVariant(self.variant.clone())
    }
}

#[Object]
impl CompanyLocationCatalog {
    pub async fn id(&self) -> ID {
        gid("CompanyLocationCatalog", self.0.id).into()
    }
    async fn title(&self) -> &str {
        &self.0.title
    }
    async fn status(&self) -> catalogs::Status {
        self.0.status
    }
    async fn price_list(&self, ctx: &Context<'_>) -> Option<PriceList> {
        let id = self.0.price_list?;
        Call::read(ctx, |state| state.price_lists.get(id).cloned()).map(PriceList)
    }
    async fn company_locations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        reverse: Option<bool>,
    ) -> Result<Connection<CompanyLocation>> {
        let pages = Pages { first, after, last, before, reverse };
        let ids: std::collections::BTreeSet<u64> = self.0.company_locations.iter().copied().collect();
        Call::read(ctx, |state| {
            let rows = ids.iter().filter_map(|id| Some((*id, state.company_locations.get(*id)?.clone())));
            pages.slice(rows, CompanyLocation)
        })
    }
}
