//! Price lists and their prices.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{CodedError, errors};
use crate::shopify::gid::{gid, number};
use crate::shopify::graph::objects::items::ProductVariant;
use crate::shopify::graph::objects::prices::{PriceList, PriceListPrice};
use crate::shopify::graph::scalars::{CurrencyCode, Decimal};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::quantity_pricing::{BreakInput, Changes};
use crate::shopify::refusals::{
    Code, PriceListPriceUserErrorCode, PriceListUserErrorCode, QuantityPricingByVariantUserErrorCode,
};
use crate::shopify::state::prices::{Adjustment, AdjustmentKind, PriceInput, Rule};

const PRODUCTS: Needs = Needs(&["write_products"]);

/// Mutations of prices.
#[derive(Default)]
pub struct PriceMutations;

#[derive(InputObject)]
pub struct MoneyInput {
    pub amount: Decimal,
    pub currency_code: CurrencyCode,
}

#[derive(InputObject)]
struct PriceListPriceInput {
    variant_id: ID,
    price: MoneyInput,
    compare_at_price: Option<MoneyInput>,
}

#[derive(InputObject)]
struct QuantityRuleInput {
    variant_id: ID,
    minimum: i32,
    maximum: Option<i32>,
    increment: i32,
}

#[derive(InputObject)]
struct QuantityPriceBreakInput {
    variant_id: ID,
    minimum_quantity: i32,
    price: MoneyInput,
}

#[derive(InputObject)]
struct QuantityPricingByVariantUpdateInput {
    prices_to_add: Vec<PriceListPriceInput>,
    prices_to_delete_by_variant_id: Vec<ID>,
    quantity_rules_to_add: Vec<QuantityRuleInput>,
    quantity_rules_to_delete_by_variant_id: Vec<ID>,
    quantity_price_breaks_to_add: Vec<QuantityPriceBreakInput>,
    quantity_price_breaks_to_delete: Vec<ID>,
    quantity_price_breaks_to_delete_by_variant_id: Option<Vec<ID>>,
}

#[derive(InputObject)]
struct PriceListAdjustmentInput {
    r#type: AdjustmentKind,
    value: f64,
}

#[derive(InputObject)]
struct PriceListParentCreateInput {
    adjustment: PriceListAdjustmentInput,
}

#[derive(InputObject)]
struct PriceListCreateInput {
    name: String,
    currency: CurrencyCode,
    parent: PriceListParentCreateInput,
    catalog_id: Option<ID>,
}

#[derive(SimpleObject)]
struct PriceListFixedPricesAddPayload {
    prices: Option<Vec<PriceListPrice>>,
    user_errors: Vec<CodedError<PriceListPriceUserErrorCode>>,
}

#[derive(SimpleObject)]
struct PriceListFixedPricesDeletePayload {
    deleted_fixed_price_variant_ids: Option<Vec<ID>>,
    user_errors: Vec<CodedError<PriceListPriceUserErrorCode>>,
}

#[derive(SimpleObject)]
struct QuantityPricingByVariantUpdatePayload {
    product_variants: Option<Vec<ProductVariant>>,
    user_errors: Vec<CodedError<QuantityPricingByVariantUserErrorCode>>,
}

#[derive(SimpleObject)]
struct PriceListCreatePayload {
    price_list: Option<PriceList>,
    user_errors: Vec<CodedError<PriceListUserErrorCode>>,
}

#[derive(SimpleObject)]
struct PriceListDeletePayload {
    deleted_id: Option<ID>,
    user_errors: Vec<CodedError<PriceListUserErrorCode>>,
}

impl PriceListPriceInput {
    fn read(self) -> PriceInput {
        PriceInput {
            variant: variant(&self.variant_id),
            price: self.price.amount.0,
            compare_at: self.compare_at_price.map(|it| it.amount.0),
            currency: self.price.currency_code.0,
        }
    }
}

/// The variant's number; 0, which no variant has, for an id of something else.
fn variant(id: &ID) -> u64 {
    number(id, "ProductVariant").unwrap_or(0)
}

impl QuantityPricingByVariantUpdateInput {
    fn read(self) -> Changes {
        let variants = |ids: Vec<ID>| ids.iter().map(variant).collect();
        Changes {
            prices: self.prices_to_add.into_iter().map(PriceListPriceInput::read).collect(),
            prices_gone: variants(self.prices_to_delete_by_variant_id),
            rules: self
                .quantity_rules_to_add
                .into_iter()
                .map(|it| {
                    let rule = Rule { minimum: it.minimum, maximum: it.maximum, increment: it.increment };
                    (variant(&it.variant_id), rule)
                })
                .collect(),
            rules_gone: variants(self.quantity_rules_to_delete_by_variant_id),
            breaks: self
                .quantity_price_breaks_to_add
                .into_iter()
                .map(|it| BreakInput {
                    variant: variant(&it.variant_id),
                    minimum: it.minimum_quantity,
                    price: it.price.amount.0,
                    currency: it.price.currency_code.0,
                })
                .collect(),
            breaks_gone: self
                .quantity_price_breaks_to_delete
                .iter()
                .map(|it| number(it, "QuantityPriceBreak").unwrap_or(0))
                .collect(),
            breaks_gone_of: variants(self.quantity_price_breaks_to_delete_by_variant_id.unwrap_or_default()),
        }
    }
}

#[Object]
impl PriceMutations {
    #[graphql(guard = "PRODUCTS")]
    async fn price_list_fixed_prices_add(
        &self,
        ctx: &Context<'_>,
        price_list_id: ID,
        prices: Vec<PriceListPriceInput>,
    ) -> Option<PriceListFixedPricesAddPayload> {
        let list = number(&price_list_id, "PriceList").unwrap_or(0);
        let prices: Vec<PriceInput> = prices.into_iter().map(PriceListPriceInput::read).collect();
        let outcome = Call::write(ctx, |state, cause| {
            let variants = state.add_fixed_prices(cause, list, &prices)?;
            let Some(list) = state.price_lists.get(list).cloned() else { return Ok(Vec::new()) };
            let price = |id: u64| {
                let variant = state.variants.get(id)?.clone();
                Some(PriceListPrice { list: list.clone(), variant, fixed: state.fixed_price(list.id, id).cloned() })
            };
            Ok(variants.into_iter().filter_map(price).collect())
        });
        Some(match outcome {
            Ok(prices) => PriceListFixedPricesAddPayload { prices: Some(prices), user_errors: vec![] },
            Err(why) => PriceListFixedPricesAddPayload { prices: None, user_errors: errors(why) },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_list_fixed_prices_delete(
        &self,
        ctx: &Context<'_>,
        price_list_id: ID,
        variant_ids: Vec<ID>,
    ) -> Option<PriceListFixedPricesDeletePayload> {
        let list = number(&price_list_id, "PriceList").unwrap_or(0);
        let variants: Vec<u64> = variant_ids.iter().map(variant).collect();
        let outcome = Call::write(ctx, |state, cause| state.delete_fixed_prices(cause, list, &variants));
        Some(match outcome {
            Ok(()) => PriceListFixedPricesDeletePayload {
                deleted_fixed_price_variant_ids: Some(
                    variants.iter().map(|it| gid("ProductVariant", *it).into()).collect(),
                ),
                user_errors: vec![],
            },
            Err(why) => {
                PriceListFixedPricesDeletePayload { deleted_fixed_price_variant_ids: None, user_errors: errors(why) }
            }
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn quantity_pricing_by_variant_update(
        &self,
        ctx: &Context<'_>,
        price_list_id: ID,
        input: QuantityPricingByVariantUpdateInput,
    ) -> Option<QuantityPricingByVariantUpdatePayload> {
        let list = number(&price_list_id, "PriceList").unwrap_or(0);
        let changes = input.read();
        let outcome = Call::write(ctx, |state, cause| {
            let variants = state.change_quantity_pricing(cause, list, &changes)?;
            Ok(variants.into_iter().filter_map(|it| state.variants.get(it).cloned()).map(ProductVariant).collect())
        });
        Some(match outcome {
            Ok(variants) => {
                QuantityPricingByVariantUpdatePayload { product_variants: Some(variants), user_errors: vec![] }
            }
            Err(why) => QuantityPricingByVariantUpdatePayload { product_variants: None, user_errors: errors(why) },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_list_create(
        &self,
        ctx: &Context<'_>,
        input: PriceListCreateInput,
    ) -> Option<PriceListCreatePayload> {
        let adjustment = input.parent.adjustment;
        // A float's shortest spelling is the number that was written.
        let percent = format!("{}", adjustment.value).parse();
        let outcome = Call::write(ctx, |state, cause| {
            use PriceListUserErrorCode as Why;
            let percent = percent.map_err(|_| Why::InvalidAdjustmentValue.at("input.parent.adjustment.value"))?;
            let catalog = match &input.catalog_id {
                None => None,
                Some(id) => {
                    let found = number(id, "CompanyLocationCatalog").and_then(|it| state.catalogs.get(it));
                    Some(found.cloned().ok_or_else(|| Why::CatalogDoesNotExist.at("input.catalogId"))?)
                }
            };
            if catalog.as_ref().is_some_and(|it| it.price_list.is_some()) {
                return Err(Why::CatalogTaken.at("input.catalogId"));
            }
            let adjustment = Adjustment { kind: adjustment.r#type, percent };
            let id = state.make_price_list(cause, &input.name, &input.currency.0, adjustment)?;
            if let Some(catalog) = catalog {
                state.catalogs.edit(cause.at, catalog.id, |it| it.price_list = Some(id));
            }
            Ok(state.price_lists.get(id).cloned().map(PriceList))
        });
        Some(match outcome {
            Ok(price_list) => PriceListCreatePayload { price_list, user_errors: vec![] },
            Err(why) => PriceListCreatePayload { price_list: None, user_errors: errors(vec![why]) },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn price_list_delete(&self, ctx: &Context<'_>, id: ID) -> Option<PriceListDeletePayload> {
        let dropped = number(&id, "PriceList")
            .is_some_and(|it| Call::write(ctx, |state, cause| state.drop_price_list(cause, it)));
        Some(if dropped {
            PriceListDeletePayload { deleted_id: Some(id), user_errors: vec![] }
        } else {
            let why = PriceListUserErrorCode::PriceListNotFound.at("id");
            PriceListDeletePayload { deleted_id: None, user_errors: errors(vec![why]) }
        })
    }
}
