//! Items and warehouses: reading, paging, writing, ETags.

use serde_json::{Value, json};

use super::{Company, ORIGIN};
use crate::sap_b1::Settings;
use crate::sap_b1::settings::{FreshUpdateDate, NextLinks};

#[test]
fn an_item_comes_with_its_prices_and_its_stock() {
    let company = Company::new();
    let item = company.get("v2/Items('A1')");
    assert_eq!(item.status, 200);
    assert_eq!(item.body["@odata.context"], format!("{ORIGIN}/b1s/v2/$metadata#Items/$entity"));
    assert_eq!((&item.body["ItemName"], &item.body["Valid"]), (&json!("Bolt M8"), &json!("tYES")));
    assert_eq!(item.body["QuantityOnStock"], json!(140.5));
    assert_eq!(item.body["CreateDate"], "2026-11-20T00:00:00Z");
    assert_eq!(item.body["CreateTime"], "16:42:00");
    assert_eq!(item.body["UpdateDate"], Value::Null);
    assert_eq!(
        item.body["ItemPrices"][0],
        json!({
            "PriceList": 1, "Price": 12.5, "Currency": "$", "AdditionalPrice1": 0.0, "AdditionalCurrency1": null,
            "BasePriceList": 1, "Factor": 1.0, "UoMPrices": [],
        })
    );
    assert_eq!(item.body["ItemPrices"][1]["Price"], json!(11.25));
    assert_eq!(item.body["ItemWarehouseInfoCollection"][1]["InStock"], json!(0.5));
    // SHA-1 of "1", as the real one has it.
    assert_eq!(item.header("etag"), "W/\"356A192B7913B04C54574D18C28D46E6395428AB\"");
    assert_eq!(item.body["@odata.etag"], item.header("etag"));
    assert_eq!(item.header("odata-version"), "4.0");
}

#[test]
fn version_one_spells_the_same_differently() {
    let company = Company::new();
    let list = company.get("v1/Items?$inlinecount=allpages&$top=1");
    assert_eq!(list.body["odata.metadata"], format!("{ORIGIN}/b1s/v1/$metadata#Items"));
    assert_eq!(list.body["odata.count"], "3");
    assert_eq!(list.rows()[0]["CreateDate"], "2026-11-20");
    assert!(list.rows()[0]["odata.etag"].as_str().unwrap().starts_with("W/"));
    assert_eq!(list.header("dataserviceversion"), "3.0;");
    let count = company.get("v2/Items?$count=true&$top=1");
    assert_eq!(count.body["@odata.count"], 3);
    assert_eq!(company.get("v2/Items/$count").response.body(), "3");
    assert_eq!(company.get("v1/Items('none')").refusal(), "404 -2028");
    assert_eq!(company.get("v2/Items('none')").refusal(), r#"404 "-2028""#);
}

#[test]
fn keys_are_quoted_and_escaped() {
    let company = Company::new();
    let odd = company.get("v2/Items('B%2F2%27%27x%3Ay')");
    assert_eq!(odd.body["ItemCode"], "B/2'x:y");
    let made = company.made("v2/Items", json!({ "ItemCode": "C 1/'" }));
    assert_eq!(made.header("location"), format!("{ORIGIN}/b1s/v2/Items('C%201%2F''')"));
}

fn many(settings: Settings) -> Company {
    let company = Company::with(settings);
    for n in 0..45 {
        company.made(
            "v2/Items",
            json!({ "ItemCode": format!("M{n:02}"), "ItemName": if n % 2 == 0 { "even" } else { "odd" } }),
        );
    }
    company
}

#[test]
fn pages_lead_to_each_other() {
    let company = many(Settings::default());
    let mut path = "Items?$select=ItemCode&$filter=startswith(ItemCode,'M')&$orderby=ItemCode".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = company.get(&format!("v2/{path}"));
        seen.push(page.rows().len());
        let Some(next) = page.body["@odata.nextLink"].as_str() else { break };
        path = next.to_owned();
    }
    assert_eq!(seen, [20, 20, 5]);
    assert_eq!(path, "Items?$select=ItemCode&$filter=startswith(ItemCode,'M')&$orderby=ItemCode&$skip=40");
    let capped = company.get("v2/Items?$top=30");
    assert_eq!(capped.body["@odata.nextLink"], "Items?$top=10&$skip=20");
    assert_eq!(company.get("v2/Items?$top=10&$skip=20").body["@odata.nextLink"], Value::Null);
}

#[test]
fn a_caller_chooses_the_page_size() {
    let company = many(Settings { next_links: NextLinks::FromHost, ..Settings::default() });
    let page = company.call_with("GET", "v2/Items", Value::Null, &[("prefer", "odata.maxpagesize=7")]);
    assert_eq!((page.rows().len(), page.header("preference-applied")), (7, "odata.maxpagesize=7"));
    assert_eq!(page.body["@odata.nextLink"], "/b1s/v2/Items?$skip=7");
    let all = company.call_with("GET", "v2/Items", Value::Null, &[("prefer", "odata.maxpagesize=0")]);
    assert_eq!((all.rows().len(), &all.body["@odata.nextLink"]), (48, &Value::Null));
    let page = company.call_with("GET", "v1/Items", Value::Null, &[("b1s-pagesize", "9")]);
    assert_eq!((page.rows().len(), page.header("preference-applied")), (9, ""));
    assert_eq!(page.body["odata.nextLink"], "/b1s/v1/Items?$skip=9");
}

fn found(company: &Company, filter: &str) -> String {
    let answer = company.get(&format!("v2/Items?$select=ItemCode&$filter={filter}"));
    if answer.status != 200 {
        return answer.refusal();
    }
    answer.column("ItemCode").iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn filters_know_enumerations_dates_and_numbers() {
    let company = Company::new();
    company.days(1);
    company.call("PATCH", "v2/Items('A1')", json!({ "ForeignName": "Schraube" }));
    let check = |filter: &str, expected: &str| assert_eq!(found(&company, filter), expected, "{filter}");
    check("Valid%20eq%20'tYES'%20and%20InventoryItem%20eq%20'tNO'", "S1");
    check("UpdateDate%20ge%20'2026-11-22'", "A1");
    check("UpdateDate%20ge%20'20261122'%20or%20CreateDate%20ge%20'2026-11-22'", "A1");
    check("CreateDate%20lt%20'2026-11-20'", "");
    check("QuantityOnStock%20gt%20140.25", "A1");
    check("ForeignName%20eq%20null", "B/2'x:y S1");
    check("contains(ItemName,'bolt')", "");
    check("Nothing%20eq%201", r#"400 "-1000""#);
    check("ItemPrices%20eq%201", r#"400 "-1000""#);
    check("year(UpdateDate)%20eq%202026", r#"400 "-1000""#);
    let loose = company.call_with(
        "GET",
        "v2/Items?$filter=contains(ItemName,'bolt')",
        Value::Null,
        &[("b1s-caseinsensitive", "true")],
    );
    assert_eq!(loose.rows().len(), 1);
    assert_eq!(company.get("v2/Items?$select=Nothing").refusal(), r#"400 "-1000""#);
    assert_eq!(company.get("v2/Items?$orderby=Nothing").refusal(), r#"400 "-1000""#);
    assert_eq!(company.get("v2/Items?$expand=ItemPrices").refusal(), r#"400 "-1000""#);
}

#[test]
fn a_selection_is_all_there_is() {
    let company = Company::new();
    let item = company.get("v2/Items('A1')?$select=ItemCode,ItemWarehouseInfoCollection");
    let members: Vec<&String> = item.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["@odata.context", "@odata.etag", "ItemCode", "ItemWarehouseInfoCollection"]);
}

#[test]
fn a_write_merges_and_leaves_read_only_properties_alone() {
    let company = Company::new();
    company.wait(60_000);
    let changes = company.changes(|| {
        let body = json!({
            "ItemCode": "OTHER", "ItemName": "Bolt", "QuantityOnStock": 999, "UpdateDate": "2020-01-01",
            "ItemPrices": [{ "PriceList": 3, "Price": 8.5, "Currency": "EUR" }],
            "ItemWarehouseInfoCollection": [{ "WarehouseCode": "01", "InStock": 5, "MinimalStock": 2 }],
        });
        let answer = company.call("PATCH", "v2/Items('A1')", body);
        assert_eq!((answer.status, answer.response.body().len()), (204, 0));
    });
    assert_eq!(changes, ["Api item A1 title=Bolt", "Api price 3:A1 amount=8.5"]);
    let item = company.get("v2/Items('A1')").body;
    assert_eq!((&item["QuantityOnStock"], &item["UpdateDate"]), (&json!(140.5), &json!("2026-11-21T00:00:00Z")));
    assert_eq!(item["UpdateTime"], "16:43:00");
    assert_eq!(item["ItemPrices"][0]["Price"], json!(12.5));
    assert_eq!(item["ItemWarehouseInfoCollection"][0]["MinimalStock"], json!(2.0));
}

#[test]
fn an_item_is_made_once() {
    let company = Company::new();
    let changes = company.changes(|| {
        let made = company.made("v2/Items", json!({ "ItemCode": "N:1%", "ItemName": "New", "Frozen": "tYES" }));
        assert_eq!(made.body["Valid"], "tNO");
    });
    let item = "Api item N:1%";
    assert_eq!(changes[..2], [format!("{item} created="), format!("{item} code=N:1%")]);
    assert_eq!(changes[4], format!("{item} active=false"));
    let again = company.call("POST", "v2/Items", json!({ "ItemCode": "N:1%" }));
    assert_eq!(again.refusal(), r#"400 "-2035""#);
    assert_eq!(company.call("POST", "v2/Items", json!({ "ItemName": "New" })).refusal(), r#"400 "-5002""#);
    let quiet = company.call_with("POST", "v2/Items", json!({ "ItemCode": "Q" }), &[("prefer", "return-no-content")]);
    assert_eq!((quiet.status, quiet.response.body().len()), (204, 0));
    assert!(quiet.header("location").ends_with("/b1s/v2/Items('Q')"));
}

#[test]
fn a_body_that_is_wrong_changes_nothing() {
    let company = Company::new();
    let bodies = [
        json!({ "ItemName": "x", "Nothing": 1 }),
        json!({ "ItemName": 7 }),
        json!({ "Valid": "yes" }),
        json!({ "ItemPrices": { "PriceList": 1 } }),
        json!({ "ItemPrices": [{ "PriceList": 1, "Nothing": 1 }] }),
        json!([]),
    ];
    for body in bodies {
        assert_eq!(company.call("PATCH", "v2/Items('A1')", body.clone()).refusal(), r#"400 "-1000""#, "{body}");
    }
    let unknown_list = json!({ "ItemPrices": [{ "PriceList": 9, "Price": 1 }] });
    assert_eq!(company.call("PATCH", "v2/Items('A1')", unknown_list).refusal(), r#"400 "-5002""#);
    assert_eq!(company.get("v2/Items('A1')").body["ItemName"], "Bolt M8");
}

#[test]
fn a_stale_etag_is_refused_where_there_are_etags() {
    let company = Company::new();
    let etag = company.get("v2/Items('A1')").header("etag").to_owned();
    let patch =
        |etag: &str| company.call_with("PATCH", "v2/Items('A1')", json!({ "ItemName": etag }), &[("if-match", etag)]);
    assert_eq!(patch(&etag).status, 204);
    let stale = patch(&etag);
    assert_eq!(stale.refusal(), r#"412 "-2039""#);
    assert_eq!(patch("*").status, 204);
    let delete = company.call_with("DELETE", "v2/Items('A1')", Value::Null, &[("if-match", &etag)]);
    assert_eq!(delete.refusal(), r#"412 "-2039""#);
    let warehouse = company.get("v2/Warehouses('01')");
    assert_eq!((warehouse.header("etag"), &warehouse.body["@odata.etag"]), ("", &Value::Null));
    let blind =
        company.call_with("PATCH", "v2/Warehouses('01')", json!({ "WarehouseName": "M" }), &[("if-match", "W/\"x\"")]);
    assert_eq!(blind.status, 204);
}

#[test]
fn before_fp2102_there_are_no_etags() {
    let company = Company::with(Settings { etags: false, ..Settings::default() });
    let item = company.get("v2/Items('A1')");
    assert_eq!((item.header("etag"), &item.body["@odata.etag"]), ("", &Value::Null));
}

#[test]
fn a_fresh_item_may_have_an_update_date() {
    let company = Company::with(Settings { fresh_update_date: FreshUpdateDate::Created, ..Settings::default() });
    assert_eq!(company.get("v2/Items('A1')").body["UpdateDate"], "2026-11-20T00:00:00Z");
}

#[test]
fn the_day_is_the_companys_own() {
    // 03:30 UTC on the 22nd is still the 21st in New York.
    let company = Company::new();
    company.wait(6 * 3_600_000);
    company.log_in("manager", "manager");
    company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": "Late" }));
    let item = company.get("v2/Items('A1')").body;
    assert_eq!((&item["UpdateDate"], &item["UpdateTime"]), (&json!("2026-11-21T00:00:00Z"), &json!("22:42:00")));
}

#[test]
fn an_item_goes_when_nothing_holds_it() {
    let company = Company::new();
    assert_eq!(company.call("DELETE", "v2/Items('A1')", Value::Null).refusal(), r#"400 "-10""#);
    let changes = company.changes(|| {
        assert_eq!(company.call("DELETE", "v2/Items('S1')", Value::Null).status, 204);
    });
    assert_eq!(changes.last().unwrap(), "Api item S1 deleted=");
    assert_eq!(company.get("v2/Items('S1')").status, 404);
}

#[test]
fn a_new_warehouse_has_a_row_in_every_item() {
    let company = Company::new();
    let changes = company.changes(|| {
        company.made("v2/Warehouses", json!({ "WarehouseCode": "03", "WarehouseName": "West" }));
    });
    assert_eq!(
        changes,
        [
            "Api location 03 created=",
            "Api location 03 code=03",
            "Api location 03 name=West",
            "Api location 03 active=true",
        ]
    );
    assert_eq!(company.stock("A1", "03"), "0 / 0");
}

#[test]
fn a_single_property_is_read_by_its_path() {
    let company = Company::new();
    let name = company.get("v2/Items('A1')/ItemName");
    assert_eq!(name.body["@odata.context"], format!("{ORIGIN}/b1s/v2/$metadata#Items('A1')/ItemName"));
    assert_eq!(name.body["value"], "Bolt M8");
    assert_eq!(company.get("v2/Items('A1')/ItemName/$value").response.body(), "Bolt M8");
    assert_eq!(company.get("v2/Items('A1')/QuantityOnStock/$value").response.body(), "140.5");
    assert_eq!(company.get("v1/Items('A1')/ItemPrices").body["value"][0]["Price"], json!(12.5));
    assert_eq!(company.get("v2/Items('A1')/ForeignName/$value").status, 204);
    assert_eq!(company.get("v2/Items('A1')/Colour").refusal(), r#"400 "-1000""#);
    assert_eq!(company.get("v2/Items('none')/ItemName").refusal(), r#"404 "-2028""#);
    assert_eq!(company.call("POST", "v2/Items('A1')/ItemName", json!({})).refusal(), r#"404 "-1000""#);
}

#[test]
fn texts_are_no_longer_than_their_fields() {
    let company = Company::new();
    let refused = |path: &str, body: Value, why: &str| {
        let answer = company.call(if path.contains('(') { "PATCH" } else { "POST" }, path, body);
        assert_eq!((answer.status, answer.body["error"]["message"].as_str()), (400, Some(why)));
    };
    let long = |letters: usize| "é".repeat(letters);
    assert_eq!(company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": long(100) })).status, 204);
    let why = "Value too long in property 'ItemName' of 'Item'";
    refused("v2/Items('A1')", json!({ "ItemName": long(101) }), why);
    let why = "Value too long in property 'ItemCode' of 'Item'";
    refused("v2/Items", json!({ "ItemCode": long(51) }), why);
    let why = "Value too long in property 'CardCode' of 'BusinessPartner'";
    refused("v2/BusinessPartners", json!({ "CardCode": long(16) }), why);
    let why = "Value too long in property 'NumAtCard' of 'Document'";
    refused("v2/Orders", json!({ "CardCode": "C1", "NumAtCard": long(101) }), why);
}

#[test]
fn groups_are_those_that_the_company_has() {
    let company = Company::with(Settings { item_groups: vec![101, 102], ..Settings::default() });
    company.made("v2/Items", json!({ "ItemCode": "N1" }));
    assert_eq!(company.get("v2/Items('N1')").body["ItemsGroupCode"], 101);
    let group = |it: u64| company.call("PATCH", "v2/Items('N1')", json!({ "ItemsGroupCode": it }));
    assert_eq!(group(102).status, 204);
    assert_eq!(group(100).refusal(), r#"400 "-5002""#);
    let partner = json!({ "CardCode": "C9", "GroupCode": 7 });
    assert_eq!(company.call("POST", "v2/BusinessPartners", partner).refusal(), r#"400 "-5002""#);
}

#[test]
fn members_of_enumerations_go_by_their_values_as_well() {
    let company = Company::new();
    assert_eq!(company.call("PATCH", "v2/Items('A1')", json!({ "Frozen": "Y" })).status, 204);
    assert_eq!(company.get("v2/Items('A1')").body["Frozen"], "tYES");
    let frozen = |it: &str| company.get(&format!("v2/Items?$filter=Frozen%20eq%20'{it}'")).rows().len();
    assert_eq!((frozen("Y"), frozen("tYES"), frozen("N"), frozen("tNO")), (1, 1, 2, 2));
    let customers =
        |it: &str| company.get(&format!("v1/BusinessPartners?$filter=not%20(CardType%20ne%20'{it}')")).rows().len();
    assert_eq!((customers("C"), customers("S")), (customers("cCustomer"), customers("cSupplier")));
    assert!(customers("C") > customers("S"));
}

#[test]
fn times_are_compared_as_they_are_shown() {
    let company = Company::new();
    company.wait(7_000);
    company.call("PATCH", "v2/Items('A1')", json!({ "ItemName": "Bolt" }));
    let shown = company.get("v2/Items('A1')").body["UpdateTime"].as_str().unwrap().to_owned();
    let found = |condition: &str| {
        company.get(&format!("v2/Items?$filter=UpdateTime%20{condition}%20'{shown}'&$inlinecount=allpages")).body
    };
    assert_eq!(found("eq")["@odata.count"], 1);
    assert_eq!(found("gt")["@odata.count"], 0);
}
