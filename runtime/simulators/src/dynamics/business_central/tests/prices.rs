//! Prices: the item's own, and those of lists on the custom pages.

use serde_json::{Value, json};

use super::super::Editor;
use super::*;
use crate::dynamics::{Break, PriceEdit};

#[test]
fn the_items_own_price_is_the_base_list() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let path = format!("items({})", environment.id("items", "number eq 'BOLT-8'"));
    environment.patch(&path, json!({ "unitPrice": 12.345 }));
    assert_eq!(environment.changes(from), ["Api price base:BOLT-8 amount=12.345"]);
    let rows = environment.system.prices();
    assert_eq!(rows.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["base:BOLT-8", "base:NUT-8", "GOLD:BOLT-8"]);
    assert_eq!(rows[2].breaks[0].amount.to_string(), "11");
}

#[test]
fn lines_of_a_list_are_written_one_by_one() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let line = json!({ "priceListCode": "GOLD", "assetNumber": "BOLT-8", "minimumQuantity": 5, "unitPrice": 11.5 });
    let made = environment.custom("POST", "priceListLines", line.clone(), &[]);
    assert_eq!((made.status, &made.body["lineNumber"], &made.body["status"]), (201, &json!(30000), &json!("Active")));
    let double = environment.custom("POST", "priceListLines", line, &[]);
    assert_eq!((double.status, double.code()), (400, "Application_DialogException"));
    let path = format!("priceListLines({})", made.body["id"].as_str().unwrap());
    environment.custom("PATCH", &path, json!({ "unitPrice": 11.4 }), &[("if-match", "*")]);
    environment.custom("DELETE", &path, Value::Null, &[]);
    let breaks = |rows: Value| format!("Api price GOLD:BOLT-8 breaks={rows}");
    let ten = json!({ "from": "10", "amount": "11" });
    assert_eq!(
        environment.changes(from),
        [
            breaks(json!([{ "from": "5", "amount": "11.5" }, ten])),
            breaks(json!([{ "from": "5", "amount": "11.4" }, ten])),
            breaks(json!([ten])),
        ]
    );
}

#[test]
fn a_list_is_made_with_lines_and_ends_with_them() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let body = json!({
        "code": "SILVER", "currencyCode": "EUR", "status": "Active",
        "priceListLines": [{ "assetNumber": "NUT-8", "unitPrice": 0.05 }],
    });
    let made = environment.custom("POST", "priceLists?$expand=priceListLines", body, &[]);
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.body["priceListLines"][0]["sourceType"], "All_x0020_Customers");
    let path = format!("priceLists({})", made.body["id"].as_str().unwrap());
    assert_eq!(environment.custom("PATCH", &path, json!({ "status": "Inactive" }), &[("if-match", "*")]).status, 200);
    assert_eq!(
        environment.changes(from),
        [
            "Api price SILVER:NUT-8 created=",
            "Api price SILVER:NUT-8 currency=EUR",
            "Api price SILVER:NUT-8 amount=0.05",
            "Api price SILVER:NUT-8 breaks=[]",
            "Api price SILVER:NUT-8 deleted=",
        ]
    );
    let wrong = environment.custom("POST", "priceLists", json!({ "code": "X", "currencyCode": "CHF" }), &[]);
    assert_eq!((wrong.status, wrong.code()), (400, "Internal_InvalidTableRelation"));
}

#[test]
fn a_person_sets_a_whole_price() {
    let environment = Environment::new();
    let from = environment.system.journal().len();
    let amount = |it: &str| it.parse().unwrap();
    let breaks = vec![Break { from: amount("20"), amount: amount("9.5") }];
    let price = PriceEdit { amount: amount("13"), breaks };
    environment.system.set_price(START, Editor::User, ("GOLD", "BOLT-8"), price.clone()).unwrap();
    let changes = environment.changes(from);
    let last = |field: &str| changes.iter().rfind(|it| it.contains(field)).unwrap().clone();
    assert_eq!(last("amount=13"), "Human price GOLD:BOLT-8 amount=13");
    assert_eq!(last("breaks="), "Human price GOLD:BOLT-8 breaks=[{\"amount\":\"9.5\",\"from\":\"20\"}]");
    assert!(environment.system.set_price(START, Editor::User, ("base", "BOLT-8"), price.clone()).is_err());
    assert!(environment.system.set_price(START, Editor::User, ("TIN", "BOLT-8"), price).is_err());
    environment.system.remove_price(START, Editor::User, "GOLD", "BOLT-8").unwrap();
    assert_eq!(environment.changes(from).last().unwrap(), "Human price GOLD:BOLT-8 deleted=");
}
