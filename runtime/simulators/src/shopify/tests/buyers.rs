//! Companies, catalogs and metafields.

use serde_json::{Value, json};

use super::{Shop, codes};

const CREATE: &str = "mutation($i:CompanyCreateInput!){ companyCreate(input:$i){ company{ id externalId locations(first:5){nodes{name}} mainContact{ customer{ displayName } } } userErrors{code field message} } }";

#[test]
fn an_external_id_is_unique() {
    let shop = Shop::new();
    let create = |company: Value| shop.data(CREATE, json!({ "i": { "company": company } }))["companyCreate"].clone();
    let payload = create(json!({ "name": "Other", "externalId": "C-107" }));
    assert_eq!(codes(&payload), ["TAKEN"]);
    assert_eq!(payload["userErrors"][0]["field"], json!(["input", "company", "externalId"]));
    assert_eq!(codes(&create(json!({ "name": " " }))), ["BLANK"]);
    let made = create(json!({ "name": "Other", "externalId": "C-200" }));
    assert_eq!(made["company"]["locations"]["nodes"][0]["name"], "Other");
    let update = |id: &Value, input: Value| {
        let document = "mutation($id:ID!,$i:CompanyInput!){ companyUpdate(companyId:$id,input:$i){ company{name externalId} userErrors{code} } }";
        shop.data(document, json!({ "id": id, "i": input }))["companyUpdate"].clone()
    };
    let id = &made["company"]["id"];
    assert_eq!(codes(&update(id, json!({ "externalId": "C-107" }))), ["TAKEN"]);
    assert_eq!(
        update(id, json!({ "name": "Renamed" }))["company"],
        json!({ "name": "Renamed", "externalId": "C-200" })
    );
    assert_eq!(update(id, json!({ "externalId": null }))["company"]["externalId"], Value::Null);
    assert_eq!(codes(&update(&json!("gid://shopify/Company/1"), json!({ "name": "X" }))), ["RESOURCE_NOT_FOUND"]);
}

#[test]
fn a_company_is_found_by_its_external_id() {
    let shop = Shop::new();
    let find = |query: &str| {
        let data = shop.data("query($q:String){ companies(first:5,query:$q){ nodes{ name } } }", json!({ "q": query }));
        data["companies"]["nodes"].clone()
    };
    assert_eq!(find("external_id:'C-108'"), json!([{ "name": "Bolt & Co" }]));
    assert_eq!(find("external_id:C-10"), json!([]));
    assert_eq!(find("name:acme"), json!([{ "name": "Acme" }]));
}

#[test]
fn the_lowest_price_of_several_catalogs_wins() {
    let shop = Shop::new();
    let location = format!("gid://shopify/CompanyLocation/{}", shop.buyer());
    let list = shop.data("mutation($i:PriceListCreateInput!){ priceListCreate(input:$i){ priceList{id} userErrors{code} } }",
        json!({ "i": { "name": "Summer", "currency": "USD", "parent": { "adjustment": { "type": "PERCENTAGE_DECREASE", "value": 50.0 } } } }));
    let list = &list["priceListCreate"]["priceList"]["id"];
    let catalog = shop.data("mutation($i:CatalogCreateInput!){ catalogCreate(input:$i){ catalog{ id status priceList{name} } userErrors{code} } }",
        json!({ "i": { "title": "Summer", "status": "ACTIVE", "context": { "companyLocationIds": [location] }, "priceListId": list } }));
    assert_eq!(catalog["catalogCreate"]["catalog"]["priceList"]["name"], "Summer");
    let placed = json!({ "company_location": shop.buyer(), "lines": [{ "item": shop.item("BOLT-8"), "quantity": 1 }] });
    shop.shop.place_order(shop.now, &serde_json::from_value(placed).unwrap()).unwrap();
    assert_eq!(shop.shop.orders()[0].lines[0].price.to_string(), "6.25");
    let data = shop.data(
        "query($t:CatalogType){ catalogs(first:5,type:$t){ nodes{ title } } }",
        json!({ "t": "COMPANY_LOCATION" }),
    );
    assert_eq!(data["catalogs"]["nodes"].as_array().unwrap().len(), 2);
    let data =
        shop.data("query($t:CatalogType){ catalogs(first:5,type:$t){ nodes{ title } } }", json!({ "t": "MARKET" }));
    assert_eq!(data["catalogs"]["nodes"], json!([]));
}

#[test]
fn a_metafield_is_locked_by_its_digest() {
    let mut shop = Shop::new();
    let set = |shop: &Shop, value: &str, digest: Option<Value>| {
        let mut field = json!({ "ownerId": shop.product_gid("BOLT-8"), "namespace": "erp", "key": "v", "type": "single_line_text_field", "value": value });
        if let Some(digest) = digest {
            field["compareDigest"] = digest;
        }
        let document = "mutation($m:[MetafieldsSetInput!]!){ metafieldsSet(metafields:$m){ metafields{value compareDigest} userErrors{code elementIndex} } }";
        shop.data(document, json!({ "m": [field] }))["metafieldsSet"].clone()
    };
    let first = set(&shop, "1", Some(Value::Null));
    let digest = first["metafields"][0]["compareDigest"].clone();
    shop.later(1000);
    assert_eq!(codes(&set(&shop, "2", Some(Value::Null))), ["STALE_OBJECT"]);
    assert_eq!(set(&shop, "2", Some(digest.clone()))["metafields"][0]["value"], "2");
    assert_eq!(codes(&set(&shop, "3", Some(digest))), ["STALE_OBJECT"]);
    assert_eq!(set(&shop, "3", None)["metafields"][0]["value"], "3");
}
