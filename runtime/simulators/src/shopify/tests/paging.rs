//! Pages, searches, and what a lagging index does to them.

use serde_json::{Value, json};

use super::Shop;
use crate::faults::Faults;
use crate::shopify::people::ItemEdit;
use crate::shopify::seed::{Seed, SeedLocation, SeedProduct, SeedVariant};
use crate::shopify::settings::Settings;
use crate::shopify::{Shopify, Status};
use crate::system::System;

const TITLES: &str = "query($n:Int,$after:String,$q:String,$sort:ProductSortKeys,$r:Boolean){ products(first:$n,after:$after,query:$q,sortKey:$sort,reverse:$r){ nodes { title } pageInfo { hasNextPage endCursor } } }";

fn titles(shop: &Shop, variables: Value) -> (Vec<String>, Value) {
    let data = shop.data(TITLES, variables);
    let nodes = data["products"]["nodes"].as_array().unwrap();
    (nodes.iter().map(|it| it["title"].as_str().unwrap().to_owned()).collect(), data["products"]["pageInfo"].clone())
}

fn rename(shop: &Shop, sku: &str, title: &str) {
    let edit = ItemEdit { title: Some(title.into()), ..ItemEdit::default() };
    shop.shop.set_item(shop.now, shop.item(sku), edit).unwrap();
}

#[test]
fn all_nodes_are_seen_page_by_page() {
    let items = 1003;
    let products = (0..items).map(|n| {
        let stock = [("Main".to_owned(), 1)].into();
        let variant = SeedVariant { sku: format!("S-{n}"), barcode: None, price: 1.into(), value: None, stock };
        SeedProduct {
            title: format!("P {n}"),
            variants: vec![variant],
            status: Status::Active,
            ..SeedProduct::default()
        }
    });
    let locations = vec![SeedLocation { name: "Main".into(), fulfills_online_orders: true }];
    let seed = Seed { locations, products: products.collect(), ..Seed::default() };
    let shop = Shopify::new(Settings::default());
    let seeded = shop.seed(super::start(), &seed).unwrap();
    let shop = Shop { shop, seeded, now: super::start() };
    for query in ["", "updated_at:>'2026-01-01'", "sku:S-1*"] {
        let (mut after, mut seen, mut pages) = (Value::Null, Vec::new(), 0);
        loop {
            let data = shop
                .data(super::documents::STOCK, json!({ "loc": shop.location_gid("Main"), "q": query, "after": after }));
            let levels = &data["location"]["inventoryLevels"];
            seen.extend(
                levels["nodes"].as_array().unwrap().iter().map(|it| it["item"]["sku"].as_str().unwrap().to_owned()),
            );
            pages += 1;
            after = levels["pageInfo"]["endCursor"].clone();
            if levels["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
        }
        // Levels know no SKU: that search is left out.
        assert_eq!((seen.len(), pages), (items, 5), "{query}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), items);
    }
}

#[test]
fn sort_keys_and_directions_hold() {
    let mut shop = Shop::new();
    shop.later(60_000);
    rename(&shop, "BOLT-8", "Bolt, hex");
    let sorted = |sort: &str, reverse: bool| titles(&shop, json!({ "n": 9, "sort": sort, "r": reverse })).0;
    assert_eq!(sorted("ID", false), ["Bolt, hex", "Hex nut", "Washer"]);
    assert_eq!(sorted("UPDATED_AT", false), ["Hex nut", "Washer", "Bolt, hex"]);
    assert_eq!(sorted("UPDATED_AT", true), ["Bolt, hex", "Washer", "Hex nut"]);
    assert_eq!(sorted("TITLE", true), ["Washer", "Hex nut", "Bolt, hex"]);
}

#[test]
fn a_row_that_moves_while_paging_is_seen_again() {
    let mut shop = Shop::new();
    let (page, info) = titles(&shop, json!({ "n": 1, "sort": "UPDATED_AT" }));
    assert_eq!(page, ["Hex bolt"]);
    shop.later(5_000);
    rename(&shop, "BOLT-8", "Hex bolt II");
    let (page, _) = titles(&shop, json!({ "n": 9, "sort": "UPDATED_AT", "after": info["endCursor"] }));
    assert_eq!(page, ["Hex nut", "Washer", "Hex bolt II"]);
    let bounded =
        json!({ "n": 9, "sort": "UPDATED_AT", "after": info["endCursor"], "q": "updated_at:<='2026-11-21T08:00:00Z'" });
    assert_eq!(titles(&shop, bounded).0, ["Hex nut", "Washer"]);
}

#[test]
fn a_search_may_miss_what_just_changed() {
    let mut shop = Shop::new();
    shop.shop.set_faults(&Faults { search_lag_ms: 3_000, ..Faults::default() });
    shop.later(60_000);
    rename(&shop, "BOLT-8", "Renamed");
    let found = |shop: &Shop, query: &str| titles(shop, json!({ "n": 9, "q": query })).0;
    assert_eq!(found(&shop, "title:Renamed"), [] as [&str; 0]);
    assert_eq!(found(&shop, "title:'Hex bolt'"), ["Renamed"], "found by the old title, shown with the new one");
    assert_eq!(found(&shop, "updated_at:>'2026-11-21T08:00:30Z'"), [] as [&str; 0]);
    let data = shop.data("query($id:ID!){ product(id:$id){ title } }", json!({ "id": shop.product_gid("BOLT-8") }));
    assert_eq!(data["product"]["title"], "Renamed", "what is not searched does not lag");
    let added = ItemEdit { title: Some("Added".into()), ..ItemEdit::default() };
    shop.shop.add_item(shop.now, added).unwrap();
    assert_eq!(found(&shop, "").len(), 3);
    shop.later(3_000);
    assert_eq!(found(&shop, "title:Renamed"), ["Renamed"]);
    assert_eq!(found(&shop, "updated_at:>'2026-11-21T08:00:30Z'"), ["Renamed", "Added"]);
}

#[test]
fn an_empty_value_breaks_the_search() {
    let shop = Shop::new();
    let answer = shop.ask(TITLES, json!({ "n": 1, "q": "updated_at:>" }));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert!(answer["errors"][0]["extensions"]["requestId"].is_string());
}

#[test]
fn an_unknown_key_is_left_out_and_told() {
    let shop = Shop::new();
    let answer = shop.ask(TITLES, json!({ "n": 9, "q": "colour:red status:draft" }));
    assert_eq!(answer["data"]["products"]["nodes"], json!([{ "title": "Washer" }]));
    let search = &answer["extensions"]["search"][0];
    assert_eq!(search["path"], json!(["products"]));
    assert_eq!(search["warnings"][0]["field"], "colour");
    assert_eq!(search["warnings"][0]["code"], "invalid_field");
}

#[test]
fn paging_arguments_are_checked() {
    let shop = Shop::new();
    for variables in [json!({}), json!({ "n": 251 }), json!({ "n": -1 }), json!({ "n": 1, "after": "x" })] {
        let answer = shop.ask(TITLES, variables.clone());
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{variables}");
    }
}
