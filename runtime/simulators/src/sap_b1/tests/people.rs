//! What people do at the screens, and the admin door.

use serde_json::{Value, json};
use truthsource_core::Decimal;

use super::Company;
use crate::sap_b1::{ItemEdit, NewOrder, OrderedLine, PriceEdit};

#[test]
fn people_edit_everything() {
    let company = Company::new();
    let (system, now) = (&company.system, company.now.get());
    let changes = company.changes(|| {
        system.set_on_hand(now, "A1", "01", Decimal::from(9)).unwrap();
        let edit = ItemEdit { barcode: Some(String::new()), active: Some(false), ..ItemEdit::default() };
        system.set_item(now, "A1", edit).unwrap();
        let breaks = Some(vec![(Decimal::from(10), Decimal::from(8))]);
        system.set_price(now, 1, "A1", PriceEdit { amount: Decimal::from(10), currency: None, breaks }).unwrap();
    });
    assert_eq!(
        changes,
        [
            "Human stock-level A1:01 on_hand=9",
            "Human item A1 barcode=",
            "Human item A1 active=false",
            "Human price 1:A1 amount=10",
            "System price 2:A1 amount=9",
            r#"Human price 1:A1 breaks=[{"amount":"8","from":"10"}]"#,
        ]
    );
    let row = &system.prices(now)[0];
    assert_eq!((row.list, row.currency.as_str(), row.breaks.len()), (1, "USD", 1));
    assert!(system.set_on_hand(now, "A1", "99", Decimal::ONE).is_err());
    assert!(system.set_price(now, 9, "A1", PriceEdit { amount: Decimal::ONE, currency: None, breaks: None }).is_err());
}

#[test]
fn a_price_edited_in_its_list_leaves_the_items_stamp() {
    let company = Company::new();
    let before = company.get("v2/Items('A1')").header("etag").to_owned();
    let price = PriceEdit { amount: Decimal::from(10), currency: None, breaks: None };
    company.system.set_price(company.now.get(), 1, "A1", price).unwrap();
    let item = company.get("v2/Items('A1')");
    assert_eq!((item.header("etag"), &item.body["UpdateDate"]), (before.as_str(), &Value::Null));
    assert_eq!(item.body["ItemPrices"][0]["Price"], json!(10.0));
}

#[test]
fn people_take_an_order_through_its_life() {
    let company = Company::new();
    let (system, now) = (&company.system, company.now.get());
    let line = OrderedLine { item: "A1".to_owned(), quantity: Decimal::from(5), warehouse: None };
    let (customer, reference) = ("C20000".to_owned(), Some("PO-1".to_owned()));
    let order = system.place_order(now, NewOrder { customer, reference, due: None, lines: vec![line] }).unwrap();
    assert_eq!(company.stock("A1", "01"), "140 / 5");
    system.deliver(now, order, Some(&[(0, Decimal::from(2))])).unwrap();
    assert_eq!(company.stock("A1", "01"), "138 / 3");
    assert!(system.cancel_order(now, order).is_err());
    system.close_order(now, order).unwrap();
    assert_eq!((company.stock("A1", "01"), system.orders()[0].canonical_status()), ("138 / 0".to_owned(), "closed"));
    assert!(system.deliver(now, order, None).is_err());
    system.reopen_order(now, order).unwrap();
    system.deliver(now, order, None).unwrap();
    assert_eq!((company.stock("A1", "01"), system.orders()[0].canonical_status()), ("135 / 0".to_owned(), "fulfilled"));
    assert!(system.delete_partner(now, "C20000").is_err());
    assert!(system.delete_item(now, "A1").is_err());
}

#[test]
fn the_admin_door_shows_and_edits() {
    let company = Company::new();
    let edits = [
        ("POST", "/items", json!({ "code": "N1", "title": "New" })),
        ("PATCH", "/items/N1", json!({ "title": "Newer" })),
        ("PUT", "/stock/B%2F2%27x%3Ay/01", json!({ "on_hand": "5" })),
        ("PUT", "/prices/1/N1", json!({ "amount": "9.5", "breaks": [["10", "9"]] })),
        ("POST", "/partners", json!({ "code": "C9", "name": "Nine" })),
        ("PATCH", "/partners/C9", json!({ "email": "nine@nine.example" })),
        ("POST", "/orders", json!({ "customer": "C9", "lines": [{ "item": "A1", "quantity": "2" }] })),
        ("POST", "/orders/1/deliver", json!({ "lines": [[0, "1"]] })),
        ("POST", "/orders/1/close", Value::Null),
        ("DELETE", "/items/S1", Value::Null),
        ("DELETE", "/sessions", Value::Null),
    ];
    for (method, path, body) in edits {
        let (status, answer) = company.admin(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
    }
    assert_eq!(company.admin("GET", "/items/N1", Value::Null).1["name"], "Newer");
    assert_eq!(company.admin("GET", "/stock/A1/01", Value::Null).1["on_hand"], "139");
    assert_eq!(company.admin("GET", "/orders", Value::Null).1[0]["created"]["date"], "2026-11-21");
    let settings = company.admin("GET", "/settings", Value::Null).1;
    assert_eq!(company.admin("PUT", "/settings", settings).0, 200);
    for look in [
        "/prices",
        "/special-prices",
        "/partners",
        "/warehouses",
        "/price-lists",
        "/deliveries",
        "/drafts",
        "/postings",
        "/transfers",
        "/refused-logins",
        "/subscriptions",
        "/notifications",
        "/stock",
    ] {
        assert_eq!(company.admin("GET", look, Value::Null).0, 200, "{look}");
    }
    assert_eq!(company.admin("GET", "/nothing", Value::Null).0, 404);
    assert_eq!(company.admin("PATCH", "/items/N1", json!({ "code": "N2" })).0, 400);
    assert_eq!(company.admin("PUT", "/settings", json!({ "time_zone": "Nowhere/Land" })).0, 400);
}
