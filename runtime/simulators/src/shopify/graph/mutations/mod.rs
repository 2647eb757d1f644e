//! What can be done.

mod buyers;
mod definitions;
mod fulfillments;
mod items;
mod orders;
mod prices;
mod rest;
mod stock;

use async_graphql::{MergedObject, OutputType, SimpleObject};

use crate::shopify::refusals as codes;
use crate::shopify::refusals::{Code, Refusal};

/// All mutations.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub struct Mutation(
    stock::StockMutations,
    prices::PriceMutations,
    items::ItemMutations,
    buyers::BuyerMutations,
    orders::OrderMutations,
    fulfillments::FulfillmentMutations,
    definitions::DefinitionMutations,
    rest::RestMutations,
);

/// Why a mutation did nothing, with a code.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(concrete(name = "InventorySetQuantitiesUserError", params(codes::InventorySetQuantitiesUserErrorCode)))]
#[graphql(concrete(
    name = "InventoryAdjustQuantitiesUserError",
    params(codes::InventoryAdjustQuantitiesUserErrorCode)
))]
#[graphql(concrete(name = "PriceListPriceUserError", params(codes::PriceListPriceUserErrorCode)))]
#[graphql(concrete(name = "QuantityPricingByVariantUserError", params(codes::QuantityPricingByVariantUserErrorCode)))]
#[graphql(concrete(name = "PriceListUserError", params(codes::PriceListUserErrorCode)))]
#[graphql(concrete(name = "CatalogUserError", params(codes::CatalogUserErrorCode)))]
#[graphql(concrete(name = "BusinessCustomerUserError", params(codes::BusinessCustomerErrorCode)))]
#[graphql(concrete(name = "ProductSetUserError", params(codes::ProductSetUserErrorCode)))]
#[graphql(concrete(
    name = "ProductVariantsBulkUpdateUserError",
    params(codes::ProductVariantsBulkUpdateUserErrorCode)
))]
#[graphql(concrete(name = "OrderCreateUserError", params(codes::OrderCreateUserErrorCode)))]
#[graphql(concrete(
    name = "MetafieldDefinitionCreateUserError",
    params(codes::MetafieldDefinitionCreateUserErrorCode)
))]
#[graphql(concrete(name = "OrderCancelUserError", params(codes::OrderCancelUserErrorCode)))]
pub struct CodedError<C: OutputType> {
    code: Option<C>,
    field: Option<Vec<String>>,
    message: String,
}

impl<C: OutputType> From<Refusal<C>> for CodedError<C> {
    fn from(refusal: Refusal<C>) -> Self {
        Self { code: Some(refusal.code), field: Some(refusal.field), message: refusal.message }
    }
}

/// Why a mutation did nothing.
#[derive(Debug, Clone, SimpleObject)]
pub struct UserError {
    field: Option<Vec<String>>,
    message: String,
}

impl UserError {
    /// An error at a field: a path of names and indices, joined by dots.
    fn at(field: &str, message: &str) -> Self {
        Self { field: Some(field.split('.').map(str::to_owned).collect()), message: message.to_owned() }
    }
}

impl<C: Code> From<Refusal<C>> for UserError {
    fn from(refusal: Refusal<C>) -> Self {
        Self { field: Some(refusal.field), message: refusal.message }
    }
}

/// The refusals of a call as its errors.
fn errors<C: OutputType>(refusals: Vec<Refusal<C>>) -> Vec<CodedError<C>> {
    refusals.into_iter().map(CodedError::from).collect()
}
