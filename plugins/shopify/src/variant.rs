//! Variants: what items, base prices and order lines are read from.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::{Decimal, Fault};

use crate::cursor::Nodes;
use crate::gid::{gid, is_number, number};
use crate::graphql::Shop;

/// What is read of a variant, wherever one appears.
macro_rules! variant {
    () => {
        "fragment V on ProductVariant { id sku barcode title price updatedAt \
         product { id title status updatedAt commandKey: metafield(namespace: \"truthsource\", key: \"command_key\") \
         { value } } inventoryItem { id } }"
    };
}
pub(crate) use variant;

/// A variant, its product and its inventory item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variant {
    pub id: String,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub barcode: Option<String>,
    pub title: String,
    pub price: Decimal,
    pub updated_at: String,
    pub product: Product,
    pub inventory_item: Reference,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Product {
    pub id: String,
    pub title: String,
    pub status: String,
    pub updated_at: String,
    /// What we created it under, if we did.
    #[serde(default)]
    pub command_key: Option<Metafield>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Metafield {
    pub value: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Reference {
    pub id: String,
}

impl Variant {
    /// The number of its inventory item: the item's remote id.
    pub(crate) fn item(&self) -> Result<String, Fault> {
        number(&self.inventory_item.id)
    }

    /// It is all that its product has, so that the product's title and status are its own.
    pub(crate) fn is_alone(&self) -> bool {
        self.title == ALONE
    }
}

/// What Shopify calls the only variant of a product without options.
pub(crate) const ALONE: &str = "Default Title";

#[derive(Deserialize)]
struct Items {
    nodes: Vec<Option<Item>>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    variants: Option<Nodes<Variant>>,
}

const OF_ITEMS: &str = concat!(
    "query OfItems($ids: [ID!]!) { nodes(ids: $ids) { ... on InventoryItem { id variants(first: 1) { nodes { ...V } } } } } ",
    variant!()
);

/// The variants behind these inventory items; items that are not there have none.
pub(crate) fn of_items(shop: &Shop<'_>, items: &[String]) -> Result<Vec<Variant>, Fault> {
    let mut ids: Vec<String> = items.iter().filter(|it| is_number(it)).map(|it| gid("InventoryItem", it)).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let items: Items = shop.query(OF_ITEMS, json!({ "ids": ids }))?;
    let variants = items.nodes.into_iter().flatten().filter_map(|it| it.variants);
    Ok(variants.filter_map(|it| it.nodes.into_iter().next()).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct All {
    product_variants: Nodes<Variant>,
}

const ALL: &str = concat!(
    "query All($after: String, $q: String) { productVariants(first: 250, after: $after, query: $q, sortKey: ID) { \
     nodes { ...V } pageInfo { hasNextPage endCursor } } } ",
    variant!()
);

/// A page of all variants, by id.
pub(crate) fn all(shop: &Shop<'_>, after: Option<&str>) -> Result<Nodes<Variant>, Fault> {
    let all: All = shop.query(ALL, json!({ "after": after, "q": null }))?;
    Ok(all.product_variants)
}

#[derive(Deserialize)]
struct Changed {
    products: Nodes<ChangedProduct>,
}

#[derive(Deserialize)]
struct ChangedProduct {
    id: String,
    variants: Nodes<Variant>,
}

/// Products, because a variant does not know when its product was renamed.
const CHANGED: &str = concat!(
    "query Changed($after: String, $q: String) { products(first: 50, after: $after, query: $q, sortKey: UPDATED_AT) { \
     nodes { id variants(first: 25) { nodes { ...V } pageInfo { hasNextPage endCursor } } } \
     pageInfo { hasNextPage endCursor } } } ",
    variant!()
);

/// A page of the variants of products that changed within a search.
pub(crate) fn changed(shop: &Shop<'_>, window: &str, after: Option<&str>) -> Result<Nodes<Variant>, Fault> {
    let changed: Changed = shop.query(CHANGED, json!({ "after": after, "q": window }))?;
    let page_info = changed.products.page_info.clone();
    let mut nodes = Vec::new();
    for product in changed.products.nodes {
        if product.variants.info().next().is_none() {
            nodes.extend(product.variants.nodes);
        } else {
            nodes.extend(of_product(shop, &product.id)?);
        }
    }
    Ok(Nodes { nodes, page_info })
}

/// Every variant of a product that has many.
fn of_product(shop: &Shop<'_>, product: &str) -> Result<Vec<Variant>, Fault> {
    let search = format!("product_id:{}", number(product)?);
    let mut variants = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: All = shop.query(ALL, json!({ "after": after, "q": search }))?;
        after = page.product_variants.info().next();
        variants.extend(page.product_variants.nodes);
        if after.is_none() {
            return Ok(variants);
        }
    }
}
