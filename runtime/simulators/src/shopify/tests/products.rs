//! Products: made, changed, replaced as a whole, deleted.

use serde_json::{Value, json};

use super::{Shop, codes};

const SET: &str = "mutation($i:ProductSetInput!,$id:ProductSetIdentifiers){ productSet(input:$i,identifier:$id,synchronous:true){
    product{ id handle title variants(first:10){ nodes{ id sku price title inventoryQuantity } } } userErrors{code field message} } }";

fn set(shop: &Shop, input: Value, identifier: Value) -> Value {
    shop.data(SET, json!({ "i": input, "id": identifier }))["productSet"].clone()
}

fn sizes(sizes: &[(&str, &str)]) -> Value {
    let variants = sizes.iter().map(|(size, price)| {
        json!({ "sku": format!("ROD-{size}"), "price": price, "optionValues": [{ "optionName": "Size", "name": size }] })
    });
    let values: Vec<Value> = sizes.iter().map(|(size, _)| json!({ "name": size })).collect();
    json!({ "title": "Rod", "productOptions": [{ "name": "Size", "values": values }], "variants": variants.collect::<Vec<_>>() })
}

fn skus(product: &Value) -> Vec<String> {
    let variants = product["product"]["variants"]["nodes"].as_array().unwrap();
    variants.iter().map(|it| format!("{} {}", it["sku"].as_str().unwrap(), it["price"].as_str().unwrap())).collect()
}

#[test]
fn lists_are_replaced_as_a_whole() {
    let shop = Shop::new();
    let made = set(&shop, sizes(&[("S", "1"), ("M", "2")]), json!({ "handle": "rod" }));
    assert_eq!(skus(&made), ["ROD-S 1.00", "ROD-M 2.00"]);
    assert_eq!(made["product"]["handle"], "rod");
    let kept = made["product"]["variants"]["nodes"][1]["id"].clone();

    let changed = set(&shop, sizes(&[("M", "2.5"), ("L", "3")]), json!({ "handle": "rod" }));
    assert_eq!(changed["product"]["id"], made["product"]["id"], "found by its handle");
    assert_eq!(skus(&changed), ["ROD-M 2.50", "ROD-L 3.00"], "what is not listed is deleted");
    assert_eq!(changed["product"]["variants"]["nodes"][0]["id"], kept, "what is listed stays");

    let renamed = set(&shop, json!({ "title": "Steel rod" }), json!({ "handle": "rod" }));
    assert_eq!(skus(&renamed).len(), 2, "lists that are not given stay");
    assert_eq!(shop.shop.items().iter().filter(|it| it.title == "Steel rod").count(), 2);
}

#[test]
fn a_custom_id_finds_what_it_made() {
    let shop = Shop::new();
    let identifier = json!({ "customId": { "namespace": "erp", "key": "ext_id", "value": "42" } });
    shop.define("PRODUCT");
    let first = set(&shop, json!({ "title": "Pin" }), identifier.clone());
    let second = set(&shop, json!({ "title": "Pin, steel" }), identifier);
    assert_eq!(first["product"]["id"], second["product"]["id"]);
    assert_eq!(second["product"]["title"], "Pin, steel");
}

#[test]
fn nothing_is_found_by_an_id_that_is_not_defined() {
    let shop = Shop::new();
    let identifier = json!({ "customId": { "namespace": "erp", "key": "ext_id", "value": "42" } });
    let find = |shop: &Shop| {
        let document = "query($id:ProductIdentifierInput!){ productByIdentifier(identifier:$id){id} }";
        shop.ask(document, json!({ "id": identifier }))
    };
    let answer = find(&shop);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND", "{answer}");
    shop.define("ORDER");
    let refused = set(&shop, json!({ "title": "Pin" }), identifier.clone());
    assert_eq!((codes(&refused), &refused["product"]), (vec!["INVALID_INPUT"], &Value::Null), "{refused}");
    shop.define("PRODUCT");
    let made = set(&shop, json!({ "title": "Pin" }), identifier.clone());
    assert_eq!(find(&shop)["data"]["productByIdentifier"]["id"], made["product"]["id"]);
}

#[test]
fn a_metafield_is_defined_once() {
    let shop = Shop::new();
    let listed = |owner: &str| {
        let document = "query($o:MetafieldOwnerType!){ metafieldDefinitions(first:5,ownerType:$o,namespace:\"erp\",key:\"ext_id\"){
            nodes{ type{name} } pageInfo{hasNextPage} } }";
        shop.data(document, json!({ "o": owner }))["metafieldDefinitions"]["nodes"].take()
    };
    assert_eq!(listed("PRODUCT"), json!([]));
    let made = shop.define("PRODUCT");
    let definition = &made["createdDefinition"];
    assert_eq!((&definition["ownerType"], &definition["type"]["name"]), (&json!("PRODUCT"), &json!("id")));
    assert_eq!(listed("PRODUCT"), json!([{ "type": { "name": "id" } }]));
    assert_eq!(listed("ORDER"), json!([]));
    let again = shop.define("PRODUCT");
    assert_eq!((codes(&again), &again["createdDefinition"]), (vec!["TAKEN"], &Value::Null));
    let owner = shop.product_gid("BOLT-8");
    let field =
        json!({ "ownerId": owner, "namespace": "erp", "key": "other", "type": "single_line_text_field", "value": "1" });
    shop.data(
        "mutation($m:[MetafieldsSetInput!]!){ metafieldsSet(metafields:$m){ userErrors{message} } }",
        json!({ "m": [field] }),
    );
    let define = |key: &str, kind: &str| {
        let definition = json!({ "name": "X", "namespace": "erp", "key": key, "type": kind, "ownerType": "PRODUCT" });
        let document =
            "mutation($d:MetafieldDefinitionInput!){ metafieldDefinitionCreate(definition:$d){ userErrors{code} } }";
        let payload = shop.data(document, json!({ "d": definition }))["metafieldDefinitionCreate"].take();
        codes(&payload).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(define("other", "id"), ["UNSTRUCTURED_ALREADY_EXISTS"]);
    assert_eq!(define("other", "single_line_text_field"), [] as [&str; 0]);
    assert_eq!(define("x y", "id"), ["INVALID_CHARACTER"]);
    assert_eq!(define("x", "id"), ["TOO_SHORT"]);
    assert_eq!(define("", "id"), ["BLANK"]);
    assert_eq!(define("kind", "poem"), ["INCLUSION"]);
}

#[test]
fn refusals_change_nothing() {
    let shop = Shop::new();
    let from = shop.shop.journal.len();
    let check = |input: Value, identifier: Value, expected: &str| {
        let payload = set(&shop, input, identifier);
        assert_eq!(codes(&payload), [expected], "{payload}");
        assert_eq!(payload["product"], Value::Null);
    };
    check(json!({ "vendor": "X" }), Value::Null, "MISSING_FIELD_REQUIRED");
    check(json!({ "title": "X" }), json!({ "id": "gid://shopify/Product/1" }), "PRODUCT_DOES_NOT_EXIST");
    check(json!({ "title": "X", "handle": "hex-nut" }), Value::Null, "HANDLE_NOT_UNIQUE");
    check(json!({ "title": "X", "variants": [] }), Value::Null, "PRODUCT_OPTIONS_INPUT_MISSING");
    check(json!({ "title": "X", "productOptions": [] }), Value::Null, "VARIANTS_INPUT_MISSING");
    check(sizes(&[("S", "-1")]), Value::Null, "INVALID_VARIANT");
    check(sizes(&[("S", "1"), ("S", "1")]), Value::Null, "INVALID_VARIANT");
    let mut unknown = sizes(&[("S", "1")]);
    unknown["variants"][0]["optionValues"][0]["optionName"] = json!("Colour");
    check(unknown, Value::Null, "OPTION_DOES_NOT_EXIST");
    assert_eq!(shop.journal(from), [] as [&str; 0]);
    assert_eq!(shop.shop.items().len(), 3);
}

#[test]
fn changes_are_written_down() {
    let shop = Shop::new();
    let (item, from) = (shop.item("BOLT-8"), shop.shop.journal.len());
    let variants = json!([{ "id": shop.variant_gid("BOLT-8"), "price": "12.750", "barcode": "1", "inventoryItem": { "sku": "BOLT-08" } }]);
    let data = shop.data("mutation($p:ID!,$v:[ProductVariantsBulkInput!]!){ productVariantsBulkUpdate(productId:$p,variants:$v){ productVariants{price sku} userErrors{code} } }",
        json!({ "p": shop.product_gid("BOLT-8"), "v": variants }));
    assert_eq!(data["productVariantsBulkUpdate"]["productVariants"], json!([{ "price": "12.75", "sku": "BOLT-08" }]));
    let data = shop.data(
        "mutation($i:ProductUpdateInput!){ productUpdate(product:$i){ product{status} userErrors{message} } }",
        json!({ "i": { "id": shop.product_gid("BOLT-8"), "status": "ARCHIVED", "title": "Bolt" } }),
    );
    assert_eq!(data["productUpdate"]["product"]["status"], "ARCHIVED");
    assert_eq!(
        shop.journal(from),
        [
            format!("Api item {item} code BOLT-08"),
            format!("Api item {item} barcode 1"),
            format!("Api price base:{item} amount 12.75"),
            format!("Api item {item} title Bolt"),
            format!("Api item {item} active false"),
        ]
    );
}

#[test]
fn a_bulk_update_is_all_or_nothing_unless_asked_otherwise() {
    let shop = Shop::new();
    let document = "mutation($p:ID!,$v:[ProductVariantsBulkInput!]!,$part:Boolean){ productVariantsBulkUpdate(productId:$p,variants:$v,allowPartialUpdates:$part){ productVariants{price} userErrors{code} } }";
    let update = |partial: bool| {
        let variants = json!([{ "id": shop.variant_gid("BOLT-8"), "price": "5" }, { "id": shop.variant_gid("NUT-8"), "price": "5" }]);
        shop.data(document, json!({ "p": shop.product_gid("BOLT-8"), "v": variants, "part": partial }))["productVariantsBulkUpdate"].clone()
    };
    let payload = update(false);
    assert_eq!((codes(&payload), &payload["productVariants"]), (vec!["PRODUCT_VARIANT_DOES_NOT_EXIST"], &Value::Null));
    assert_eq!(update(true)["productVariants"], json!([{ "price": "5.00" }]));
}

#[test]
fn a_deleted_product_leaves_only_events() {
    let shop = Shop::new();
    let (product, item) = (shop.product_gid("BOLT-8"), shop.item_gid("BOLT-8"));
    let data = shop.data(
        "mutation($i:ProductDeleteInput!){ productDelete(input:$i){ deletedProductId userErrors{message} } }",
        json!({ "i": { "id": product } }),
    );
    assert_eq!(data["productDelete"]["deletedProductId"], json!(product));
    let data = shop.data("query($ids:[ID!]!){ nodes(ids:$ids){ id } }", json!({ "ids": [product, item] }));
    assert_eq!(data["nodes"], json!([null, null]));
    assert!(shop.shop.stock().iter().all(|it| it.item != shop.item("BOLT-8")));
    assert!(shop.journal(0).iter().any(|it| *it == format!("Api item {} deleted BOLT-8", shop.item("BOLT-8"))));
}
