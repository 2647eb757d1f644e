//! Business partners, and the company's own settings.

use serde_json::{Value, json};

use super::Company;

#[test]
fn a_customer_comes_with_addresses_and_people() {
    let company = Company::new();
    let changes = company.changes(|| {
        company.made("v2/BusinessPartners", json!({
            "CardCode": "C4", "CardName": "New", "CardType": "cCustomer", "Currency": "##", "EmailAddress": "n@new.example",
            "BPAddresses": [
                { "AddressName": "Ship", "Street": "1 Main", "Country": "US", "AddressType": "bo_ShipTo" },
                { "AddressName": "Bill", "AddressType": "bo_BillTo" },
            ],
            "ContactEmployees": [{ "Name": "Jo", "E_Mail": "jo@new.example" }],
        }));
    });
    assert_eq!(
        changes,
        [
            "Api company C4 created=",
            "Api company C4 code=C4",
            "Api company C4 name=New",
            "Api company C4 email=n@new.example",
            "Api company C4 currency=",
            "Api company C4 active=true",
        ]
    );
    let body = json!({ "BPAddresses": [{ "RowNum": 1, "City": "NY" }] });
    assert_eq!(company.call("PATCH", "v2/BusinessPartners('C4')", body).status, 204);
    let partner = company.get("v2/BusinessPartners('C4')").body;
    let cities: Vec<_> =
        partner["BPAddresses"].as_array().unwrap().iter().map(|it| (&it["RowNum"], &it["City"])).collect();
    assert_eq!(cities, [(&json!(0), &Value::Null), (&json!(1), &json!("NY"))]);
    assert_eq!(partner["BPAddresses"][0]["BPCode"], "C4");
    assert_eq!(partner["ContactEmployees"][0]["E_Mail"], "jo@new.example");
}

#[test]
fn customers_are_told_from_suppliers() {
    let company = Company::new();
    let customers = company.get("v2/BusinessPartners?$filter=CardType%20eq%20'cCustomer'&$orderby=CardCode%20desc");
    assert_eq!(customers.column("CardCode"), ["C30000", "C20000"]);
    let changes = company.changes(|| {
        company.call("PATCH", "v2/BusinessPartners('V1')", json!({ "CardName": "Maker Inc" }));
    });
    assert_eq!(changes, [""; 0]);
}

#[test]
fn a_partner_that_is_wrong_is_refused() {
    let company = Company::new();
    let check = |body: Value, code: &str| {
        let answer = company.call("POST", "v2/BusinessPartners", body.clone());
        assert_eq!(answer.refusal(), format!(r#"400 "{code}""#), "{body}");
    };
    check(json!({ "CardCode": "C20000" }), "-2035");
    check(json!({ "CardName": "No code" }), "-5002");
    check(json!({ "CardCode": "C5", "PriceListNum": 9 }), "-5002");
    check(json!({ "CardCode": "C5", "Currency": "XXX" }), "-5002");
    check(json!({ "CardCode": "C5", "FatherCard": "none" }), "-5002");
    check(json!({ "CardCode": "C5", "CardType": "customer" }), "-1000");
    check(json!({ "CardCode": "C5", "BPAddresses": [{ "City": "NY" }] }), "-5002");
}

#[test]
fn a_partner_goes_when_nothing_names_it() {
    let company = Company::new();
    company.made(
        "v2/Orders",
        json!({
            "CardCode": "C20000", "DocDueDate": "2026-11-25", "DocumentLines": [{ "ItemCode": "A1" }],
        }),
    );
    assert_eq!(company.call("DELETE", "v2/BusinessPartners('C20000')", Value::Null).refusal(), r#"400 "-10""#);
    let changes = company.changes(|| {
        assert_eq!(company.call("DELETE", "v2/BusinessPartners('C30000')", Value::Null).status, 204);
    });
    assert_eq!(changes, ["Api company C30000 deleted="]);
}

#[test]
fn the_company_tells_of_itself() {
    let company = Company::new();
    let info = company.call("POST", "v2/CompanyService_GetAdminInfo", Value::Null);
    assert_eq!((&info.body["LocalCurrency"], &info.body["TotalsAccuracy"]), (&json!("$"), &json!(2)));
    // Before FP2602 there is no such switch.
    let switch = json!({ "AdminInfo": { "EnableWebhook": "tYES" } });
    assert_eq!(company.call("POST", "v2/CompanyService_UpdateAdminInfo", switch).refusal(), r#"400 "-1000""#);
    assert_eq!(company.get("v2/EventSubscriptions").status, 404);
    assert_eq!(company.get("v2/Currencies('$')").body["DocumentsCode"], "USD");
    assert_eq!(company.get("v2/CompanyService_GetAdminInfo").status, 405);
}
