//! Price lists: names, and fixed prices with their quantity breaks.
//!
//! Only fixed prices are records. A relative one follows from the shop's price and is stored nowhere.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::{Decimal, Fault};

use crate::cursor::Nodes;
use crate::gid::{gid, number};
use crate::graphql::Shop;
use crate::variant::Reference;

/// A price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PriceList {
    /// Its number.
    pub id: u64,
    /// Its name in lower case: the list's code.
    pub code: String,
    pub currency: String,
}

/// A price of one variant in a list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fixed {
    pub price: Money,
    pub variant: ItemOf,
    pub quantity_price_breaks: Nodes<Break>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Money {
    pub amount: Decimal,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemOf {
    pub inventory_item: Reference,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Break {
    pub minimum_quantity: Decimal,
    pub price: Money,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lists {
    price_lists: Nodes<List>,
}

#[derive(Deserialize)]
struct List {
    id: String,
    name: String,
    currency: String,
}

const LISTS: &str = "query Lists($after: String) { priceLists(first: 100, after: $after) { nodes { id name currency } \
                     pageInfo { hasNextPage endCursor } } }";

/// Every price list, by number.
pub(crate) fn lists(shop: &Shop<'_>) -> Result<Vec<PriceList>, Fault> {
    let mut lists = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: Lists = shop.query(LISTS, json!({ "after": after }))?;
        after = page.price_lists.info().next();
        for list in page.price_lists.nodes {
            let id = number(&list.id)?;
            let id = id.parse().map_err(|_| Fault::Protocol(format!("`{}` is no id", list.id)))?;
            lists.push(PriceList { id, code: list.name.trim().to_lowercase(), currency: list.currency });
        }
        if after.is_none() {
            lists.sort_by_key(|it| it.id);
            return Ok(lists);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    price_list: Option<Priced>,
}

#[derive(Deserialize)]
struct Priced {
    prices: Nodes<Fixed>,
}

const PRICES: &str = "query Prices($list: ID!, $after: String, $q: String) { priceList(id: $list) { \
                      prices(first: 100, after: $after, originType: FIXED, query: $q) { \
                      nodes { price { amount } variant { inventoryItem { id } } \
                      quantityPriceBreaks(first: 10) { nodes { minimumQuantity price { amount } } } } \
                      pageInfo { hasNextPage endCursor } } } }";

/// A page of a list's fixed prices; those of a search, if there is one. A list that is gone has none.
pub(crate) fn page(
    shop: &Shop<'_>,
    list: u64,
    after: Option<&str>,
    search: Option<&str>,
) -> Result<Nodes<Fixed>, Fault> {
    let list = gid("PriceList", &list.to_string());
    let prices: Prices = shop.query(PRICES, json!({ "list": list, "after": after, "q": search }))?;
    Ok(prices.price_list.map_or(Nodes { nodes: Vec::new(), page_info: None }, |it| it.prices))
}

/// The fixed prices of these variants (by number) in a list.
pub(crate) fn of_variants(shop: &Shop<'_>, list: u64, variants: &[String]) -> Result<Vec<Fixed>, Fault> {
    let search: Vec<String> = variants.iter().map(|it| format!("variant_id:{it}")).collect();
    let search = search.join(" OR ");
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = page(shop, list, after.as_deref(), Some(&search))?;
        after = page.info().next();
        found.extend(page.nodes);
        if after.is_none() {
            return Ok(found);
        }
    }
}
