//! Stock that is published: what a shop may sell, while orders are on their way and kits are made of what is there.

use serde_json::{Value as Json, json};
use truthsource::demo::world::{Product, code, company};
use truthsource_core::Decimal;
use truthsource_simulators::world::{Deed, Placed};
use truthsource_tests::Stage;

use crate::until;

const KIT: u32 = 20;
const PART: u32 = 21;
const OTHER: u32 = 22;

fn act(stage: &Stage, at: Product, deed: Deed) {
    stage.world.seat(at).unwrap().0.site.act(stage.world.now(), &deed).unwrap();
}

fn on_hand(stage: &Stage, at: Product, item: u32) -> i64 {
    let count = stage.world.seat(at).unwrap().0.site.on_hand(&code(item), "Main").unwrap();
    assert_eq!(count, count.floor());
    count.parts().0
}

fn key(item: u32) -> String {
    format!("{}@main", code(item).to_lowercase())
}

async fn stock(stage: &Stage, item: u32) -> Json {
    stage.client.get(&["stock", &key(item)], &[]).await.unwrap()
}

/// The shop publishes; five units of everything are held back, and an item is made of two others.
async fn published() -> Stage {
    let stage = Stage::open(crate::program(), 50).await;
    let mut shop = stage.client.get(&["connections", "shop"], &[]).await.unwrap();
    shop["spec"]["publishes"] = json!({"absolute": "5"});
    let changed = json!({"spec": shop["spec"]});
    stage.client.put(&["connections", "shop"], &changed).await.unwrap();
    let rules = json!({
        "kits": [{"item": code(KIT), "parts": [
            {"item": code(PART), "quantity": "2"},
            {"item": code(OTHER), "quantity": "1"},
        ]}],
        "ships_from": {"shop": "Main"},
        "buffers": [{"item": code(OTHER), "hold": {"absolute": "1"}}],
    });
    let kept = stage.client.put(&["stock-rules"], &rules).await.unwrap();
    assert_eq!(kept["kits"][0]["parts"][0]["item"], code(PART).to_lowercase(), "items are known by their key");
    stage.quiet().await;
    stage
}

fn kits(part: i64, other: i64) -> i64 {
    ((part - 5).div_euclid(2)).min(other - 1).max(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_what_a_shop_sold_is_not_sold_again_while_the_erp_has_not_heard() {
    let stage = published().await;
    let (part, other) = (on_hand(&stage, Product::Netsuite, PART), on_hand(&stage, Product::Netsuite, OTHER));
    let at_shop = |item| on_hand(&stage, Product::Shopify, item);
    assert!(part > 40 && other > 10, "{part} {other}");
    assert_eq!([PART, OTHER, KIT].map(at_shop), [part - 5, other - 1, kits(part, other)]);
    let counted_kits = on_hand(&stage, Product::Netsuite, KIT);

    // The ERP does not listen. A buyer orders some of a part, and kits.
    stage.client.post(&["connections", "erp", "pause"], None).await.unwrap();
    let lines = vec![(code(PART), 8), (code(KIT), 3)];
    act(
        &stage,
        Product::Shopify,
        Deed::Order(Placed {
            po_number: "PO-1".to_owned(),
            company: company(0),
            lines,
            charges: Vec::new(),
            waits: Vec::new(),
        }),
    );
    until("the order", async || stock(&stage, PART).await["promised"]["unacknowledged"]["shop"] == "14").await;
    let left = kits(part - 14, other - 3);
    // What the shop sold of the kit itself it takes off itself.
    until("what is left of the kit", async || at_shop(KIT) == left + 3).await;
    until("what is left of the part", async || at_shop(PART) == part - 5 - 6).await;
    until("what is left of the other", async || at_shop(OTHER) == other - 1 - 3).await;
    let shown = stock(&stage, KIT).await;
    assert_eq!(shown["published"]["shop"]["free"], left.to_string(), "{shown}");
    assert_eq!(shown["parts"][code(PART).to_lowercase()]["promised"]["unacknowledged"]["shop"], "14", "{shown}");

    // It listens again: what was not acknowledged is reserved, and nothing else changes.
    stage.client.post(&["connections", "erp", "resume"], None).await.unwrap();
    stage.quiet().await;
    let shown = stock(&stage, PART).await;
    assert_eq!((&shown["promised"]["reserved"], &shown["promised"]["unacknowledged"]), (&json!("14"), &json!({})));
    assert_eq!([PART, OTHER, KIT].map(at_shop), [part - 11, other - 4, left + 3]);

    // The part leaves: from the shelves of both, once.
    let lines = vec![(code(PART), 8)];
    let (po_number, carrier, tracking) = ("PO-1".to_owned(), "UPS".to_owned(), "1Z-A".to_owned());
    act(&stage, Product::Netsuite, Deed::Parcel { po_number, lines, carrier, tracking });
    stage.quiet().await;
    stage.pass(31_000);
    stage.quiet().await;
    assert_eq!(on_hand(&stage, Product::Netsuite, PART), part - 8);
    assert_eq!([PART, OTHER, KIT].map(at_shop), [part - 8 - 11, other - 4, left + 3]);
    assert_eq!(on_hand(&stage, Product::Netsuite, KIT), counted_kits, "nobody tells the ERP how many kits there are");
    assert_eq!(stock(&stage, PART).await["promised"]["reserved"], "6");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_rule_that_cannot_be_is_refused() {
    let stage = published().await;
    let part = |item: u32, quantity: &str| json!({"item": code(item), "quantity": quantity});
    let kit = |item: u32, parts: Json| json!({"item": code(item), "parts": parts});
    for (rules, place) in [
        (json!({"kits": [kit(KIT, json!([]))]}), "/kits/0/parts: a kit has 1 to 50 parts"),
        (json!({"kits": [kit(KIT, json!([part(1, "0")]))]}), "/kits/0/parts/0/quantity: above 0"),
        (
            json!({"kits": [kit(KIT, json!([{"item": "none", "quantity": "1"}]))]}),
            "/kits/0/parts/0/item: there is no item",
        ),
        (json!({"kits": [kit(KIT, json!([part(1, "1"), part(1, "2")]))]}), "/kits/0/parts/1/item: "),
        (json!({"kits": [kit(KIT, json!([part(1, "1")])), kit(1, json!([part(2, "1")]))]}), "/kits/0/parts/0/item: "),
        (json!({"kits": [kit(1, json!([part(2, "1")])), kit(1, json!([part(3, "1")]))]}), "/kits/1/item: "),
        (json!({"ships_from": {"shop": "nowhere"}}), "/ships_from/shop: there is no location"),
        (json!({"ships_from": {"none": "Main"}}), "/ships_from/none: there is no connection"),
        (json!({"buffers": [{"hold": {"percent": "101"}}]}), "/buffers/0/hold: `percent` is 0 to 100"),
        (json!({"buffers": [{"item": "none", "hold": {}}]}), "/buffers/0/item: there is no item"),
        (json!({"buffers": [{"connection": "none", "hold": {}}]}), "/buffers/0/connection: there is no"),
    ] {
        let refused = stage.client.put(&["stock-rules"], &rules).await.unwrap_err().to_string();
        assert!(refused.contains(place), "{rules}: {refused}");
    }
    let kept = stage.client.get(&["stock-rules"], &[]).await.unwrap();
    assert_eq!(kept["kits"].as_array().map(Vec::len), Some(1), "{kept}");
    assert!(kept["kits"][0]["parts"][0]["quantity"].as_str().unwrap().parse::<Decimal>().is_ok());
    stage.server.stop().await;
}
