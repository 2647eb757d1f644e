//! Products and variants.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::rest::MetafieldInput;
use super::{CodedError, UserError, errors};
use crate::shopify::gid::{gid, number};
use crate::shopify::graph::objects::items::{InventoryItem, Product, ProductVariant};
use crate::shopify::graph::query::UniqueMetafieldValueInput;
use crate::shopify::graph::scalars::{Decimal, Money};
use crate::shopify::graph::{Call, Needs};
use crate::shopify::refusals::{
    Code, ProductSetUserErrorCode, ProductVariantsBulkUpdateUserErrorCode as BulkCode, Refusal,
};
use crate::shopify::state::items::{ProductChange, Status, VariantChange, WhenOut};
use crate::shopify::state::upsert::{Identifier, ProductInput as Input, VariantInput};
use crate::shopify::state::{Cause, State};

const PRODUCTS: Needs = Needs(&["write_products"]);
const INVENTORY: Needs = Needs(&["write_inventory"]);

/// Mutations of products.
#[derive(Default)]
pub struct ItemMutations;

#[derive(InputObject, Default)]
struct InventoryItemInput {
    sku: Option<String>,
    tracked: Option<bool>,
    requires_shipping: Option<bool>,
    cost: Option<Decimal>,
}

#[derive(InputObject)]
struct VariantOptionValueInput {
    option_id: Option<ID>,
    option_name: Option<String>,
    name: Option<String>,
}

#[derive(InputObject)]
struct ProductSetInventoryInput {
    location_id: ID,
    name: String,
    quantity: i32,
}

#[derive(InputObject)]
struct ProductVariantSetInput {
    id: Option<ID>,
    sku: Option<String>,
    barcode: Option<String>,
    price: Option<Money>,
    compare_at_price: Option<Money>,
    option_values: Vec<VariantOptionValueInput>,
    inventory_item: Option<InventoryItemInput>,
    inventory_policy: Option<WhenOut>,
    inventory_quantities: Option<Vec<ProductSetInventoryInput>>,
    metafields: Option<Vec<MetafieldInput>>,
    position: Option<i32>,
    taxable: Option<bool>,
}

#[derive(InputObject)]
struct OptionValueSetInput {
    id: Option<ID>,
    name: Option<String>,
}

#[derive(InputObject)]
struct OptionSetInput {
    id: Option<ID>,
    name: Option<String>,
    position: Option<i32>,
    values: Option<Vec<OptionValueSetInput>>,
}

#[derive(InputObject)]
struct ProductSetInput {
    id: Option<ID>,
    title: Option<String>,
    handle: Option<String>,
    status: Option<Status>,
    vendor: Option<String>,
    product_type: Option<String>,
    description_html: Option<String>,
    tags: Option<Vec<String>>,
    product_options: Option<Vec<OptionSetInput>>,
    variants: Option<Vec<ProductVariantSetInput>>,
    metafields: Option<Vec<MetafieldInput>>,
}

#[derive(OneofObject)]
enum ProductSetIdentifiers {
    Id(ID),
    Handle(String),
    CustomId(UniqueMetafieldValueInput),
}

#[derive(InputObject)]
struct ProductCreateInput {
    title: Option<String>,
    handle: Option<String>,
    status: Option<Status>,
    vendor: Option<String>,
    product_type: Option<String>,
    description_html: Option<String>,
    tags: Option<Vec<String>>,
    metafields: Option<Vec<MetafieldInput>>,
}

#[derive(InputObject)]
struct ProductUpdateInput {
    id: Option<ID>,
    title: Option<String>,
    handle: Option<String>,
    status: Option<Status>,
    vendor: Option<String>,
    product_type: Option<String>,
    description_html: Option<String>,
    tags: Option<Vec<String>>,
    metafields: Option<Vec<MetafieldInput>>,
}

#[derive(InputObject)]
struct ProductDeleteInput {
    id: ID,
}

#[derive(InputObject)]
struct ProductVariantsBulkInput {
    id: Option<ID>,
    barcode: Option<String>,
    price: Option<Money>,
    compare_at_price: Option<Money>,
    inventory_item: Option<InventoryItemInput>,
    inventory_policy: Option<WhenOut>,
    metafields: Option<Vec<MetafieldInput>>,
    taxable: Option<bool>,
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum ProductOperationStatus {
    Active,
    Complete,
    Created,
}

#[derive(SimpleObject)]
struct ProductSetOperation {
    id: ID,
    status: ProductOperationStatus,
    product: Option<Product>,
    user_errors: Vec<CodedError<ProductSetUserErrorCode>>,
}

#[derive(SimpleObject)]
struct ProductSetPayload {
    product: Option<Product>,
    product_set_operation: Option<ProductSetOperation>,
    user_errors: Vec<CodedError<ProductSetUserErrorCode>>,
}

#[derive(SimpleObject)]
struct ProductCreatePayload {
    product: Option<Product>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct ProductUpdatePayload {
    product: Option<Product>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct ProductDeletePayload {
    deleted_product_id: Option<ID>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct ProductVariantsBulkUpdatePayload {
    product: Option<Product>,
    product_variants: Option<Vec<ProductVariant>>,
    user_errors: Vec<CodedError<BulkCode>>,
}

#[derive(SimpleObject)]
struct InventoryItemUpdatePayload {
    inventory_item: Option<InventoryItem>,
    user_errors: Vec<UserError>,
}

impl ProductVariantSetInput {
    fn read(self) -> VariantInput {
        let item = self.inventory_item.unwrap_or_default();
        let values = self.option_values.into_iter();
        let stock = self
            .inventory_quantities
            .unwrap_or_default()
            .into_iter()
            .map(|it| (number(&it.location_id, "Location").unwrap_or(0), it.name, i64::from(it.quantity)));
        VariantInput {
            id: self.id.map(|it| number(&it, "ProductVariant").unwrap_or(0)),
            values: values.map(|it| (it.option_name.unwrap_or_default(), it.name.unwrap_or_default())).collect(),
            change: VariantChange {
                sku: self.sku.or(item.sku),
                barcode: self.barcode,
                price: self.price.map(|it| it.0),
                compare_at: self.compare_at_price.map(|it| Some(it.0)),
                when_out: self.inventory_policy,
                taxable: self.taxable,
                tracked: item.tracked,
                requires_shipping: item.requires_shipping,
                cost: item.cost.map(|it| it.0),
                values: None,
            },
            stock: stock.collect(),
            metafields: self.metafields.unwrap_or_default().into_iter().map(MetafieldInput::read).collect(),
        }
    }
}

impl ProductSetInput {
    fn read(self) -> Input {
        let option = |it: OptionSetInput| {
            let values = it.values.unwrap_or_default().into_iter().filter_map(|it| it.name).collect();
            (it.name.unwrap_or_default(), values)
        };
        Input {
            change: ProductChange {
                title: self.title,
                handle: self.handle,
                status: self.status,
                vendor: self.vendor,
                product_type: self.product_type,
                description_html: self.description_html,
                tags: self.tags,
            },
            options: self.product_options.map(|it| it.into_iter().map(option).collect()),
            variants: self.variants.map(|it| it.into_iter().map(ProductVariantSetInput::read).collect()),
            metafields: self.metafields.unwrap_or_default().into_iter().map(MetafieldInput::read).collect(),
        }
    }
}

impl ProductSetIdentifiers {
    fn read(self) -> Identifier {
        match self {
            Self::Id(id) => Identifier::Number(number(&id, "Product").unwrap_or(0)),
            Self::Handle(handle) => Identifier::Handle(handle),
            Self::CustomId(it) => {
                Identifier::Custom { namespace: it.namespace.unwrap_or_default(), key: it.key, value: it.value }
            }
        }
    }
}

#[Object]
impl ItemMutations {
    #[graphql(guard = "PRODUCTS")]
    async fn product_set(
        &self,
        ctx: &Context<'_>,
        input: ProductSetInput,
        identifier: Option<ProductSetIdentifiers>,
        synchronous: Option<bool>,
    ) -> Option<ProductSetPayload> {
        let refused = |why| ProductSetPayload { product: None, product_set_operation: None, user_errors: errors(why) };
        let by_id = input.id.as_ref().map(|it| Identifier::Number(number(it, "Product").unwrap_or(0)));
        if by_id.is_some() && identifier.is_some() {
            return Some(refused(vec![ProductSetUserErrorCode::IdNotAllowed.at("input.id")]));
        }
        let identifier = identifier.map(ProductSetIdentifiers::read).or(by_id);
        let outcome = Call::write(ctx, |state, cause| {
            let id = state.set_product(cause, identifier.as_ref(), input.read())?;
            Ok((state.products.get(id).cloned().map(Product), state.new_id()))
        });
        Some(match outcome {
            Err(why) => refused(why),
            Ok((product, _)) if synchronous != Some(false) => {
                ProductSetPayload { product, product_set_operation: None, user_errors: vec![] }
            }
            // Done already, but told as an operation whose outcome is asked for later.
            Ok((product, operation)) => ProductSetPayload {
                product: None,
                product_set_operation: Some(ProductSetOperation {
                    id: gid("ProductSetOperation", operation).into(),
                    status: ProductOperationStatus::Complete,
                    product,
                    user_errors: vec![],
                }),
                user_errors: vec![],
            },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_create(
        &self,
        ctx: &Context<'_>,
        product: Option<ProductCreateInput>,
    ) -> Option<ProductCreatePayload> {
        let input = product?;
        let change = ProductChange {
            title: input.title,
            handle: input.handle,
            status: input.status,
            vendor: input.vendor,
            product_type: input.product_type,
            description_html: input.description_html,
            tags: input.tags,
        };
        let metafields = input.metafields.unwrap_or_default().into_iter().map(MetafieldInput::read).collect();
        let input = Input { change, metafields, ..Input::default() };
        Some(match written(ctx, None, input) {
            Ok(product) => ProductCreatePayload { product, user_errors: vec![] },
            Err(user_errors) => ProductCreatePayload { product: None, user_errors },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_update(
        &self,
        ctx: &Context<'_>,
        product: Option<ProductUpdateInput>,
    ) -> Option<ProductUpdatePayload> {
        let input = product?;
        let id = input.id.as_ref().and_then(|it| number(it, "Product")).unwrap_or(0);
        let change = ProductChange {
            title: input.title,
            handle: input.handle,
            status: input.status,
            vendor: input.vendor,
            product_type: input.product_type,
            description_html: input.description_html,
            tags: input.tags,
        };
        let metafields = input.metafields.unwrap_or_default().into_iter().map(MetafieldInput::read).collect();
        let input = Input { change, metafields, ..Input::default() };
        Some(match written(ctx, Some(&Identifier::Number(id)), input) {
            Ok(product) => ProductUpdatePayload { product, user_errors: vec![] },
            Err(user_errors) => ProductUpdatePayload { product: None, user_errors },
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_delete(&self, ctx: &Context<'_>, input: ProductDeleteInput) -> Option<ProductDeletePayload> {
        let id = number(&input.id, "Product").unwrap_or(0);
        let deleted = Call::write(ctx, |state, cause| state.delete_product(cause, id));
        Some(if deleted {
            ProductDeletePayload { deleted_product_id: Some(input.id), user_errors: vec![] }
        } else {
            let user_errors = vec![UserError::at("id", "Product does not exist")];
            ProductDeletePayload { deleted_product_id: None, user_errors }
        })
    }

    #[graphql(guard = "PRODUCTS")]
    async fn product_variants_bulk_update(
        &self,
        ctx: &Context<'_>,
        product_id: ID,
        variants: Vec<ProductVariantsBulkInput>,
        allow_partial_updates: Option<bool>,
    ) -> Option<ProductVariantsBulkUpdatePayload> {
        let product = number(&product_id, "Product").unwrap_or(0);
        let (changed, refusals) = Call::write(ctx, |state, cause| {
            update_variants(state, cause, product, (variants, allow_partial_updates == Some(true)))
        });
        let found = Call::read(ctx, |state| {
            let variants =
                changed.iter().filter_map(|it| state.variants.get(*it).cloned()).map(ProductVariant).collect();
            (state.products.get(product).cloned().map(Product), variants)
        });
        let (product, variants): (_, Vec<ProductVariant>) = found;
        let product_variants = (refusals.is_empty() || !variants.is_empty()).then_some(variants);
        Some(ProductVariantsBulkUpdatePayload { product, product_variants, user_errors: errors(refusals) })
    }

    #[graphql(guard = "INVENTORY")]
    async fn inventory_item_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: InventoryItemInput,
    ) -> Option<InventoryItemUpdatePayload> {
        let item = number(&id, "InventoryItem").unwrap_or(0);
        let item = Call::write(ctx, |state, cause| {
            let variant = state.items.get(item).map(|it| it.variant)?;
            let change = VariantChange {
                sku: input.sku,
                tracked: input.tracked,
                requires_shipping: input.requires_shipping,
                cost: input.cost.map(|it| it.0),
                ..VariantChange::default()
            };
            if state.change_variant(cause, variant, change).variant
                && let Some(product) = state.variants.get(variant).map(|it| it.product)
            {
                state.tell_product(cause, product);
            }
            state.items.get(item).cloned().map(InventoryItem)
        });
        let missing = || vec![UserError::at("id", "The product couldn't be updated because it does not exist.")];
        let user_errors = if item.is_some() { vec![] } else { missing() };
        Some(InventoryItemUpdatePayload { inventory_item: item, user_errors })
    }
}

fn written(
    ctx: &Context<'_>,
    identifier: Option<&Identifier>,
    input: Input,
) -> Result<Option<Product>, Vec<UserError>> {
    let outcome = Call::write(ctx, |state, cause| {
        let id = state.set_product(cause, identifier, input)?;
        Ok(state.products.get(id).cloned().map(Product))
    });
    outcome.map_err(|why: Vec<Refusal<ProductSetUserErrorCode>>| why.into_iter().map(UserError::from).collect())
}

/// Updates a product's variants: all or none, or those that can be. Answers with those that were.
fn update_variants(
    state: &mut State,
    cause: Cause,
    product: u64,
    (inputs, is_partial): (Vec<ProductVariantsBulkInput>, bool),
) -> (Vec<u64>, Vec<Refusal<BulkCode>>) {
    if !state.products.has(product) {
        return (Vec::new(), vec![BulkCode::ProductDoesNotExist.at("productId")]);
    }
    let mut refusals = Vec::new();
    let mut good = Vec::new();
    for (n, input) in inputs.into_iter().enumerate() {
        let id = input.id.as_ref().map(|it| number(it, "ProductVariant").unwrap_or(0));
        let is_own = |id: u64| state.variants.get(id).is_some_and(|it| it.product == product);
        match id {
            None => refusals.push(BulkCode::ProductVariantIdMissing.at(&format!("variants.{n}.id"))),
            Some(id) if !is_own(id) => {
                refusals.push(BulkCode::ProductVariantDoesNotExist.at(&format!("variants.{n}.id")));
            }
            Some(_) if input.price.is_some_and(|it| it.0.is_negative()) => {
                refusals.push(BulkCode::NegativePriceValue.at(&format!("variants.{n}.price")));
            }
            Some(id) => good.push((id, input)),
        }
    }
    if !refusals.is_empty() && !is_partial {
        return (Vec::new(), refusals);
    }
    let mut told = false;
    let ids = good.iter().map(|(id, _)| *id).collect();
    for (id, input) in good {
        let item = input.inventory_item.unwrap_or_default();
        let change = VariantChange {
            sku: item.sku,
            barcode: input.barcode,
            price: input.price.map(|it| it.0),
            compare_at: input.compare_at_price.map(|it| Some(it.0)),
            when_out: input.inventory_policy,
            taxable: input.taxable,
            tracked: item.tracked,
            requires_shipping: item.requires_shipping,
            cost: item.cost.map(|it| it.0),
            values: None,
        };
        told |= state.change_variant(cause, id, change).variant;
        for field in input.metafields.unwrap_or_default() {
            state.put_metafield(cause, ("ProductVariant".into(), id), field.read());
        }
    }
    if told {
        state.tell_product(cause, product);
    }
    (ids, refusals)
}
