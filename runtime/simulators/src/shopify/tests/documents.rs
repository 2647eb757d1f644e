//! Documents as connectors write them: all of them validate and answer.

use serde_json::{Value, json};

use super::Shop;

const MONEY: &str = "shopMoney{amount currencyCode}";

fn orders() -> String {
    format!(
        "query O($q:String,$after:String){{ orders(first:50,after:$after,query:$q,sortKey:UPDATED_AT){{ nodes{{ id legacyResourceId name poNumber createdAt updatedAt processedAt cancelledAt test currencyCode presentmentCurrencyCode taxesIncluded
        displayFinancialStatus displayFulfillmentStatus email customer{{id}} purchasingEntity{{ __typename ... on PurchasingCompany{{company{{id externalId}} location{{id externalId}} contact{{id}}}} }}
        currentTotalPriceSet{{{MONEY} presentmentMoney{{amount currencyCode}}}} lineItems(first:100){{ nodes{{ id sku quantity currentQuantity variant{{id}}
        originalUnitPriceSet{{{MONEY}}} discountedUnitPriceSet{{{MONEY}}} taxLines{{title rate priceSet{{{MONEY}}}}} }} }} }} pageInfo{{hasNextPage endCursor}} }} }}"
    )
}

const ITEMS: &str = "query Items($q:String,$after:String){ productVariants(first:250,after:$after,query:$q,sortKey:ID){ nodes{ id legacyResourceId sku barcode title price compareAtPrice updatedAt
  product{ id handle title status updatedAt } inventoryItem{ id tracked updatedAt unitCost{amount currencyCode} } } pageInfo{hasNextPage endCursor} } }";
const PRODUCTS: &str = "query P($q:String,$after:String){ products(first:100,after:$after,query:$q,sortKey:UPDATED_AT){ nodes{ id handle title status updatedAt variants(first:100){nodes{id sku price}} } pageInfo{hasNextPage endCursor} } }";
const LOCATIONS: &str = "query { locations(first:50,includeInactive:true){ nodes{ id name isActive fulfillsOnlineOrders } pageInfo{hasNextPage endCursor} } }";
pub const STOCK: &str = r#"query Stock($loc:ID!,$q:String,$after:String){ location(id:$loc){ id name inventoryLevels(first:250,after:$after,query:$q){ nodes{ id updatedAt isActive item{id sku}
  quantities(names:["available","on_hand","committed","incoming","reserved"]){name quantity updatedAt} } pageInfo{hasNextPage endCursor} } } }"#;
const COMPANIES: &str = "query C($q:String,$after:String){ companies(first:50,after:$after,query:$q,sortKey:UPDATED_AT){ nodes{ id name externalId updatedAt mainContact{ id customer{ id defaultEmailAddress{emailAddress} } }
  locations(first:20){ nodes{ id name externalId currency updatedAt taxSettings{taxRegistrationId taxExempt taxExemptions} buyerExperienceConfiguration{checkoutToDraft paymentTermsTemplate{id name}}
  shippingAddress{address1 city zip countryCode zoneCode} catalogs(first:5){nodes{id title status priceList{id name currency}}} } } } pageInfo{hasNextPage endCursor} } }";
const PRICE_LIST: &str = "query PL($id:ID!,$after:String){ priceList(id:$id){ id name currency fixedPricesCount parent{adjustment{type value}} catalog{id title status}
  prices(first:100,after:$after,originType:FIXED){ nodes{ originType price{amount currencyCode} compareAtPrice{amount currencyCode} variant{id sku} quantityPriceBreaks(first:10){nodes{id minimumQuantity price{amount currencyCode}}} } pageInfo{hasNextPage endCursor} }
  quantityRules(first:50){nodes{minimum maximum increment isDefault originType productVariant{id}}} } }";
const CUSTOMERS: &str = "query Cu($q:String,$after:String){ customers(first:100,after:$after,query:$q,sortKey:UPDATED_AT){ nodes{ id displayName updatedAt defaultEmailAddress{emailAddress} companyContactProfiles{id company{id}} } pageInfo{hasNextPage endCursor} } }";
const IDENTIFIED: &str = r#"query Ident($v:String!){ orderByIdentifier(identifier:{customId:{namespace:"erp",key:"ext_id",value:$v}}){id}
  productByIdentifier(identifier:{customId:{namespace:"erp",key:"ext_id",value:$v}}){id} customerByIdentifier(identifier:{customId:{namespace:"erp",key:"ext_id",value:$v}}){id} }"#;
const DELETED: &str = "query Del($q:String){ events(first:50,query:$q){ nodes{ id createdAt action ... on BasicEvent{subjectId subjectType} } pageInfo{hasNextPage} } }";

#[test]
fn every_read_is_answered() {
    let shop = Shop::new();
    let recent = json!({ "q": "updated_at:>'2026-11-01T00:00:00Z'" });
    let data = shop.data(ITEMS, recent.clone());
    let bolt = &data["productVariants"]["nodes"][0];
    assert_eq!(
        (&bolt["sku"], &bolt["price"], &bolt["title"]),
        (&json!("BOLT-8"), &json!("12.50"), &json!("Default Title"))
    );
    assert_eq!(bolt["updatedAt"], "2026-11-21T08:00:00Z");
    assert_eq!(bolt["product"]["status"], "ACTIVE");
    assert_eq!(bolt["id"], format!("gid://shopify/ProductVariant/{}", bolt["legacyResourceId"].as_str().unwrap()));

    let data = shop.data(PRODUCTS, recent.clone());
    assert_eq!(data["products"]["nodes"][2]["status"], "DRAFT");
    let data = shop.data(LOCATIONS, json!({}));
    assert_eq!(
        data["locations"]["nodes"][0],
        json!({ "id": shop.location_gid("Annex"), "name": "Annex", "isActive": true, "fulfillsOnlineOrders": false })
    );

    let data = shop.data(COMPANIES, recent.clone());
    let acme = &data["companies"]["nodes"][0];
    assert_eq!(acme["mainContact"]["customer"]["defaultEmailAddress"]["emailAddress"], "ann@acme.example");
    let north = &acme["locations"]["nodes"][0];
    assert_eq!(north["buyerExperienceConfiguration"]["paymentTermsTemplate"]["name"], "Net 30");
    assert_eq!(north["catalogs"]["nodes"][0]["priceList"]["name"], "Gold");
    assert_eq!(north["shippingAddress"]["countryCode"], "US");

    let data = shop.data(PRICE_LIST, json!({ "id": shop.list_gid() }));
    let list = &data["priceList"];
    assert_eq!(list["parent"]["adjustment"], json!({ "type": "PERCENTAGE_DECREASE", "value": 10.0 }));
    assert_eq!(list["prices"]["nodes"][0]["price"], json!({ "amount": "11.0", "currencyCode": "USD" }));
    assert_eq!(list["prices"]["nodes"][0]["quantityPriceBreaks"]["nodes"][0]["minimumQuantity"], 10);
    assert_eq!(list["fixedPricesCount"], 1);

    let data = shop.data(CUSTOMERS, recent);
    assert_eq!(data["customers"]["nodes"][0]["companyContactProfiles"][0]["company"]["id"], acme["id"]);
    for owner in ["ORDER", "PRODUCT", "CUSTOMER"] {
        shop.define(owner);
    }
    let data = shop.data(IDENTIFIED, json!({ "v": "7" }));
    assert_eq!(data, json!({ "orderByIdentifier": null, "productByIdentifier": null, "customerByIdentifier": null }));
    assert_eq!(shop.data(PRICE_LIST, json!({ "id": "gid://shopify/PriceList/9" }))["priceList"], Value::Null);
}

#[test]
fn stock_has_its_shape() {
    let shop = Shop::new();
    let data = shop.data(STOCK, json!({ "loc": shop.location_gid("Main") }));
    let level = &data["location"]["inventoryLevels"]["nodes"][0];
    assert_eq!(level["item"], json!({ "id": shop.item_gid("BOLT-8"), "sku": "BOLT-8" }));
    let id = level["id"].as_str().unwrap();
    assert!(
        id.starts_with("gid://shopify/InventoryLevel/")
            && id.ends_with(&format!("?inventory_item_id={}", shop.item("BOLT-8")))
    );
    assert_eq!(
        level["quantities"][0],
        json!({ "name": "available", "quantity": 120, "updatedAt": "2026-11-21T08:00:00Z" })
    );
    assert_eq!(level["quantities"][1], json!({ "name": "on_hand", "quantity": 120, "updatedAt": null }));
    let node =
        shop.data("query($id:ID!){ node(id:$id){ id ... on InventoryLevel { item { sku } } } }", json!({ "id": id }));
    assert_eq!(node["node"]["item"]["sku"], "BOLT-8");
}

#[test]
fn orders_and_deletes_are_seen() {
    let shop = Shop::new();
    let placed = json!({ "company_location": shop.buyer(), "po_number": "PO-77",
        "lines": [{ "item": shop.item("BOLT-8"), "quantity": 10 }] });
    shop.shop.place_order(shop.now, &serde_json::from_value(placed).unwrap()).unwrap();
    let data = shop.data(&orders(), json!({ "q": "po_number:PO-77" }));
    let order = &data["orders"]["nodes"][0];
    assert_eq!((&order["name"], &order["displayFinancialStatus"]), (&json!("#1001"), &json!("PENDING")));
    assert_eq!(order["purchasingEntity"]["__typename"], "PurchasingCompany");
    assert_eq!(order["purchasingEntity"]["company"]["externalId"], "C-107");
    assert_eq!(order["currentTotalPriceSet"]["shopMoney"], json!({ "amount": "95.0", "currencyCode": "USD" }));

    shop.shop.delete_item(shop.now, shop.item("NUT-8")).unwrap();
    let data = shop.data(DELETED, json!({ "q": "action:destroy subject_type:PRODUCT" }));
    assert_eq!(data["events"]["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(data["events"]["nodes"][0]["subjectType"], "PRODUCT");
}

/// Carries a mutation out that must not refuse anything.
fn run(shop: &Shop, name: &str, document: &str, variables: Value) -> Value {
    let mut data = shop.data(document, variables);
    assert_eq!(data[name]["userErrors"], json!([]), "{name}");
    data[name].take()
}

#[test]
fn writes_of_items_are_answered() {
    let shop = Shop::new();
    let (bolt, nut) = (shop.variant_gid("BOLT-8"), shop.variant_gid("NUT-8"));
    let usd = |amount: &str| json!({ "amount": amount, "currencyCode": "USD" });
    let run = |name: &str, document: &str, variables: Value| run(&shop, name, document, variables);
    let quantities = json!([{ "inventoryItemId": shop.item_gid("BOLT-8"), "locationId": shop.location_gid("Main"), "quantity": 118, "changeFromQuantity": 120 }]);
    let set = json!({ "name": "available", "reason": "correction", "referenceDocumentUri": "gid://erp-sync/Run/8812", "quantities": quantities });
    let group = run("inventorySetQuantities", "mutation Set($input:InventorySetQuantitiesInput!,$key:String!){ inventorySetQuantities(input:$input) @idempotent(key:$key){
        inventoryAdjustmentGroup{ id createdAt reason referenceDocumentUri changes{name delta quantityAfterChange item{id} location{id}} } userErrors{code field message} } }",
        json!({ "input": set, "key": "k1" }));
    assert_eq!(group["inventoryAdjustmentGroup"]["changes"][0]["delta"], -2);

    let changes = json!([{ "inventoryItemId": shop.item_gid("BOLT-8"), "locationId": shop.location_gid("Main"), "delta": 2, "changeFromQuantity": null }]);
    run(
        "inventoryAdjustQuantities",
        "mutation Adj($input:InventoryAdjustQuantitiesInput!,$key:String!){ inventoryAdjustQuantities(input:$input) @idempotent(key:$key){ inventoryAdjustmentGroup{id} userErrors{code field message} } }",
        json!({ "input": { "name": "available", "reason": "correction", "changes": changes }, "key": "k2" }),
    );
    run(
        "priceListFixedPricesAdd",
        "mutation FP($pl:ID!,$prices:[PriceListPriceInput!]!){ priceListFixedPricesAdd(priceListId:$pl,prices:$prices){ prices{price{amount currencyCode} variant{id}} userErrors{code field message} } }",
        json!({ "pl": shop.list_gid(), "prices": [{ "variantId": nut, "price": usd("0.35") }] }),
    );
    run(
        "quantityPricingByVariantUpdate",
        "mutation QP($pl:ID!,$input:QuantityPricingByVariantUpdateInput!){ quantityPricingByVariantUpdate(priceListId:$pl,input:$input){ productVariants{id} userErrors{code field message} } }",
        json!({ "pl": shop.list_gid(), "input": { "pricesToAdd": [], "pricesToDeleteByVariantId": [], "quantityRulesToAdd": [], "quantityRulesToDeleteByVariantId": [],
            "quantityPriceBreaksToAdd": [{ "variantId": nut, "minimumQuantity": 100, "price": usd("0.30") }], "quantityPriceBreaksToDelete": [] } }),
    );
    run(
        "productSet",
        "mutation PS($i:ProductSetInput!,$id:ProductSetIdentifiers){ productSet(input:$i,identifier:$id,synchronous:true){ product{id} productSetOperation{id status} userErrors{code field message} } }",
        json!({ "i": { "title": "Hex bolt M8" }, "id": { "id": shop.product_gid("BOLT-8") } }),
    );
    run(
        "productVariantsBulkUpdate",
        "mutation PV($p:ID!,$v:[ProductVariantsBulkInput!]!){ productVariantsBulkUpdate(productId:$p,variants:$v,allowPartialUpdates:false){ productVariants{id price} userErrors{code field message} } }",
        json!({ "p": shop.product_gid("BOLT-8"), "v": [{ "id": bolt, "price": "13.00" }] }),
    );
}

#[test]
fn writes_of_buyers_and_orders_are_answered() {
    let shop = Shop::new();
    for owner in ["ORDER", "PRODUCT", "CUSTOMER"] {
        shop.define(owner);
    }
    let run = |name: &str, document: &str, variables: Value| run(&shop, name, document, variables);
    run(
        "companyCreate",
        "mutation CC($i:CompanyCreateInput!){ companyCreate(input:$i){ company{id externalId} userErrors{code field message} } }",
        json!({ "i": { "company": { "name": "New", "externalId": "C-1" }, "companyContact": { "email": "n@new.example" }, "companyLocation": { "name": "New HQ" } } }),
    );
    run(
        "priceListCreate",
        "mutation PLC($i:PriceListCreateInput!){ priceListCreate(input:$i){ priceList{id} userErrors{code field message} } }",
        json!({ "i": { "name": "Silver", "currency": "USD", "parent": { "adjustment": { "type": "PERCENTAGE_DECREASE", "value": 5.0 } } } }),
    );
    run(
        "catalogCreate",
        "mutation CAT($i:CatalogCreateInput!){ catalogCreate(input:$i){ catalog{id status} userErrors{code field message} } }",
        json!({ "i": { "title": "Silver", "status": "ACTIVE", "context": { "companyLocationIds": [format!("gid://shopify/CompanyLocation/{}", shop.buyer())] } } }),
    );
    run(
        "orderCreate",
        "mutation OC($o:OrderCreateOrderInput!,$opt:OrderCreateOptionsInput){ orderCreate(order:$o,options:$opt){ order{id name} userErrors{code field message} } }",
        json!({ "o": { "lineItems": [{ "variantId": shop.variant_gid("BOLT-8"), "quantity": 1 }] }, "opt": { "inventoryBehaviour": "BYPASS", "sendReceipt": false } }),
    );
    run(
        "metafieldsSet",
        "mutation MF($m:[MetafieldsSetInput!]!){ metafieldsSet(metafields:$m){ metafields{id key compareDigest updatedAt} userErrors{code field message elementIndex} } }",
        json!({ "m": [{ "ownerId": shop.product_gid("BOLT-8"), "namespace": "erp", "key": "ext_id", "type": "id", "value": "4711" }] }),
    );
    let data = shop.data(IDENTIFIED, json!({ "v": "4711" }));
    assert_eq!(data["productByIdentifier"]["id"], shop.product_gid("BOLT-8"));
}

#[test]
fn fragments_aliases_and_directives_work() {
    let shop = Shop::new();
    let document =
        "query($with:Boolean!){ a: products(first:1){ ...page } b: products(first:1,reverse:true){ ...page } }
        fragment page on ProductConnection { nodes { title status @include(if:$with) } edges { cursor node { id } } }";
    let data = shop.data(document, json!({ "with": false }));
    assert_eq!(data["a"]["nodes"], json!([{ "title": "Hex bolt" }]));
    assert_eq!(data["b"]["nodes"], json!([{ "title": "Washer" }]));
    let data = shop.data(
        "query($ids:[ID!]!){ nodes(ids:$ids){ __typename id } }",
        json!({ "ids": [shop.item_gid("BOLT-8"), "gid://shopify/Product/1", shop.location_gid("Main")] }),
    );
    assert_eq!(data["nodes"][0]["__typename"], "InventoryItem");
    assert_eq!(data["nodes"][1], Value::Null);
}

#[test]
fn faulty_documents_are_refused() {
    let shop = Shop::new();
    let code = |document: &str| {
        let answer = shop.ask(document, json!({}));
        assert_eq!(answer.get("data"), None, "{document}");
        answer["errors"][0].clone()
    };
    let error = code("query X { products(first:1){ nodes { colour } } }");
    assert_eq!(error["message"], "Field 'colour' doesn't exist on type 'Product'");
    assert_eq!(error["path"], json!(["query X", "products", "nodes", "colour"]));
    assert_eq!(error["extensions"], json!({ "code": "undefinedField", "typeName": "Product", "fieldName": "colour" }));
    assert_eq!(code("{ products(first:1,size:2){ nodes { id } } }")["extensions"]["code"], "argumentNotAccepted");
    assert_eq!(code("{ product { id } }")["extensions"]["code"], "missingRequiredArguments");
    assert!(code("{ products(first:1 ").get("message").is_some());
    assert!(code("query($id:ID!){ product(id:$id){ id } }").get("message").is_some());
    assert!(code(&"{a".repeat(5000)).get("message").is_some());
}
