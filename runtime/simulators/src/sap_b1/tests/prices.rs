//! Lists that follow others, special prices, and the price that holds.

use serde_json::{Value, json};

use super::Company;
use crate::sap_b1::Settings;
use crate::sap_b1::settings::FactorLists;

fn patch_price(company: &Company, list: i64, price: f64) {
    let body = json!({ "ItemPrices": [{ "PriceList": list, "Price": price }] });
    assert_eq!(company.call("PATCH", "v2/Items('A1')", body).status, 204);
}

fn price(company: &Company, list: usize) -> Value {
    company.get("v2/Items('A1')").body["ItemPrices"][list - 1]["Price"].clone()
}

#[test]
fn a_list_follows_its_base_until_somebody_enters_a_price() {
    let company = Company::new();
    let changes = company.changes(|| patch_price(&company, 1, 20.0));
    assert_eq!(changes, ["Api price 1:A1 amount=20", "System price 2:A1 amount=18"]);
    patch_price(&company, 2, 15.0);
    patch_price(&company, 1, 30.0);
    assert_eq!((price(&company, 1), price(&company, 2)), (json!(30.0), json!(15.0)));
    assert_eq!(company.get("v2/PriceLists(2)").body["Factor"], json!(0.9));
}

#[test]
fn a_list_may_stay_as_it_is() {
    let company = Company::with(Settings { factor_lists: FactorLists::Stored, ..Settings::default() });
    assert_eq!(price(&company, 2), json!(0.0));
    patch_price(&company, 1, 20.0);
    assert_eq!(price(&company, 2), json!(0.0));
}

#[test]
fn a_price_of_zero_is_none() {
    let company = Company::new();
    let changes = company.changes(|| patch_price(&company, 3, 0.0));
    assert_eq!(changes, ["Api price 3:A1 deleted="]);
    let changes = company.changes(|| patch_price(&company, 3, 7.0));
    assert_eq!(changes[..3], ["Api price 3:A1 created=", "Api price 3:A1 currency=EUR", "Api price 3:A1 amount=7"]);
}

fn asked(company: &Company, params: Value) -> Value {
    let mut all = json!({ "ItemCode": "A1", "CardCode": "C20000" });
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let answer = company.call("POST", "v2/CompanyService_GetItemPrice", json!({ "ItemPriceParams": all }));
    if answer.status == 200 { answer.body["Price"].clone() } else { json!(answer.refusal()) }
}

#[test]
fn a_special_price_has_periods_and_volumes() {
    let company = Company::new();
    let special = json!({
        "CardCode": "C20000", "ItemCode": "A1", "DiscountPercent": 12, "PriceListNum": 1,
        "SpecialPriceDataAreas": [{
            "DateFrom": "2026-12-01", "Dateto": "2026-12-31", "SpecialPrice": 10.5, "PriceCurrency": "$",
            "SpecialPriceQuantityAreas": [{ "Quantity": 10, "SpecialPrice": 10, "UoMEntry": -1 }],
        }],
    });
    let made = company.made("v2/SpecialPrices", special.clone());
    assert_eq!((&made.body["Price"], &made.body["@odata.etag"]), (&json!(11.0), &Value::Null));
    assert!(made.header("location").ends_with("/SpecialPrices(CardCode='C20000',ItemCode='A1')"));
    let period = &made.body["SpecialPriceDataAreas"][0];
    assert_eq!((&period["BPCode"], &period["ItemNo"]), (&json!("C20000"), &json!("A1")));
    assert_eq!(
        (&period["DateFrom"], &period["SpecialPriceQuantityAreas"][0]["BPCode"]),
        (&json!("2026-12-01T00:00:00Z"), &json!("C20000"))
    );
    assert_eq!(company.call("POST", "v2/SpecialPrices", special).refusal(), r#"400 "-2035""#);
    assert_eq!(asked(&company, json!({ "Date": "2026-11-22", "InventoryQuantity": 50 })), json!(11.0));
    assert_eq!(asked(&company, json!({ "Date": "2026-12-01", "InventoryQuantity": 9 })), json!(10.5));
    assert_eq!(asked(&company, json!({ "Date": "2026-12-31", "InventoryQuantity": 10 })), json!(10.0));
    assert_eq!(asked(&company, json!({ "Date": "2027-01-01", "InventoryQuantity": 10 })), json!(11.0));
    assert_eq!(asked(&company, json!({ "CardCode": "C30000" })), json!(11.25));
    assert_eq!(asked(&company, json!({ "CardCode": null, "PriceList": 3 })), json!(9.99));
    assert_eq!(asked(&company, json!({ "ItemCode": "none" })), r#"400 "-5002""#);
    let one = "v2/SpecialPrices(CardCode='C20000',ItemCode='A1')";
    assert_eq!(company.call("PATCH", one, json!({ "Price": 10.75 })).status, 204);
    assert_eq!(asked(&company, json!({})), json!(10.75));
    assert_eq!(company.get("v2/SpecialPrices?$filter=CardCode%20eq%20'C20000'").rows().len(), 1);
    assert_eq!(company.call("DELETE", one, Value::Null).status, 204);
    assert_eq!(asked(&company, json!({})), json!(12.5));
}

#[test]
fn volumes_of_a_whole_list_are_breaks_of_its_prices() {
    let company = Company::new();
    let changes = company.changes(|| {
        company.made(
            "v2/SpecialPrices",
            json!({
                "CardCode": "*1", "ItemCode": "A1", "Price": 12.5,
                "SpecialPriceDataAreas": [{ "SpecialPrice": 12.5, "SpecialPriceQuantityAreas": [
                    { "Quantity": 100, "SpecialPrice": 9 }, { "Quantity": 10, "SpecialPrice": 11 },
                ] }],
            }),
        );
    });
    let breaks = r#"[{"amount":"11","from":"10"},{"amount":"9","from":"100"}]"#;
    assert_eq!(changes, [format!("Api price 1:A1 breaks={breaks}")]);
    assert_eq!(asked(&company, json!({ "InventoryQuantity": 99 })), json!(11.0));
    assert_eq!(asked(&company, json!({ "InventoryQuantity": 100 })), json!(9.0));
    let order = json!({
        "CardCode": "C20000", "DocDueDate": "2026-11-25", "DocumentLines": [{ "ItemCode": "A1", "Quantity": 100 }],
    });
    assert_eq!(company.made("v2/Orders", order).body["DocTotal"], json!(900.0));
    let unknown = json!({ "CardCode": "*9", "ItemCode": "A1", "Price": 1 });
    assert_eq!(company.call("POST", "v2/SpecialPrices", unknown).refusal(), r#"400 "-5002""#);
}
