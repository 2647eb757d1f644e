//! Sales orders: prices, totals, what becomes of them; batches; user-defined fields.

use serde_json::{Value, json};
use truthsource_core::Decimal;

use super::{Company, ORIGIN};
use crate::sap_b1::Settings;
use crate::sap_b1::model::Book;
use crate::sap_b1::settings::Tax;
use crate::system::System;

fn order() -> Value {
    json!({
        "CardCode": "C20000", "DocDate": "2026-11-21", "DocDueDate": "2026-11-25", "NumAtCard": "SHOP-5512",
        "DocumentLines": [{ "ItemCode": "A1", "Quantity": 3, "WarehouseCode": "01" }],
    })
}

/// The order with some members changed.
fn order_with(changes: Value) -> Value {
    let mut body = order();
    body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    body
}

/// As SAP's own examples spell numbers. Nothing is ordered of what is ordered nothing of.
#[test]
fn a_quantity_is_what_was_said() {
    let company = Company::new();
    let line =
        |quantity: Value| json!({ "DocumentLines": [{ "ItemCode": "A1", "Quantity": quantity, "UnitPrice": "5" }] });
    let made = company.made("v2/Orders", order_with(line(json!("2"))));
    let line_made = &made.body["DocumentLines"][0];
    assert_eq!((&line_made["Quantity"], &line_made["UnitPrice"]), (&json!(2.0), &json!(5.0)));
    for wrong in [json!(0), json!(-1), json!("two")] {
        let refused = company.call("POST", "v2/Orders", order_with(line(wrong.clone())));
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.body);
    }
}

#[test]
fn an_order_gets_what_it_leaves_out() {
    let company = Company::new();
    let mut made = None;
    let changes = company.changes(|| made = Some(company.made("v2/Orders", order())));
    let made = made.unwrap();
    assert_eq!(made.header("location"), format!("{ORIGIN}/b1s/v2/Orders(1)"));
    assert_eq!(made.body["@odata.context"], format!("{ORIGIN}/b1s/v2/$metadata#Orders/$entity"));
    let expected = json!({
        "DocEntry": 1, "DocNum": 1001, "CardName": "Acme", "DocCurrency": "$", "DocTotal": 37.5, "VatSum": 0.0,
        "DocumentStatus": "bost_Open", "Cancelled": "tNO", "CancelStatus": "csNo", "DocDueDate": "2026-11-25T00:00:00Z",
        "UpdateDate": "2026-11-21T00:00:00Z", "UpdateTime": "16:42:00", "CreationDate": "2026-11-21T00:00:00Z",
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&made.body[name], value, "{name}");
    }
    let line = &made.body["DocumentLines"][0];
    assert_eq!((&line["UnitPrice"], &line["LineTotal"], &line["TaxCode"]), (&json!(12.5), &json!(37.5), &json!("EX")));
    assert_eq!(line["DocEntry"], 1);
    assert_eq!((&line["LineNum"], &line["RemainingOpenQuantity"]), (&json!(0), &json!(3.0)));
    assert_eq!(
        changes,
        [
            "System stock-level A1:01 committed=3",
            "Api order 1 created=SHOP-5512",
            "Api order 1 number=1001",
            "Api order 1 company=C20000",
            "Api order 1 po_number=SHOP-5512",
            "Api order 1 currency=USD",
            "Api order 1 status=open",
            "Api order 1 total=37.5",
            r#"Api order 1 lines=[{"item":"A1","quantity":"3","unit_price":"12.5"}]"#,
        ]
    );
    let found =
        company.get("v2/Orders?$filter=NumAtCard%20eq%20'SHOP-5512'%20and%20CardCode%20eq%20'C20000'&$select=DocEntry");
    assert_eq!(found.column("DocEntry"), [json!(1)]);
}

#[test]
fn totals_are_rounded_by_the_companys_digits() {
    let taxes = vec![Tax { code: "V".to_owned(), percent: "8.875".parse().unwrap() }];
    let company = Company::with(Settings { taxes, ..Settings::default() });
    let lines = json!([
        { "ItemCode": "A1", "Quantity": 3, "UnitPrice": 0.335, "DiscountPercent": 5 },
        { "ItemCode": "S1", "Quantity": 1, "UnitPrice": 10 },
    ]);
    let made = company.made("v2/Orders", order_with(json!({ "DiscountPercent": 2.5, "DocumentLines": lines })));
    let line = &made.body["DocumentLines"][0];
    // 0.335 less 5 % is 0.31825; three of them 0.95475, rounded 0.95.
    assert_eq!((&line["Price"], &line["LineTotal"]), (&json!(0.318_25), &json!(0.95)));
    // 10.95 less 2.5 % is 0.27375 less; tax of 0.92625 is 0.08220…, of 9.75 0.86531….
    assert_eq!(made.body["TotalDiscount"], json!(0.27));
    assert_eq!(made.body["VatSum"], json!(0.95));
    assert_eq!(made.body["DocTotal"], json!(11.63));
}

#[test]
fn a_customer_has_a_list_and_a_discount() {
    let company = Company::new();
    let made = company.made("v2/Orders", order_with(json!({ "CardCode": "C30000" })));
    assert_eq!(made.body["DocumentLines"][0]["UnitPrice"], json!(11.25));
    assert_eq!((&made.body["DiscountPercent"], &made.body["DocTotal"]), (&json!(10.0), &json!(30.37)));
}

fn check_refused(changes: Value, code: &str) {
    let company = Company::new();
    let answer = company.call("POST", "v2/Orders", order_with(changes.clone()));
    assert_eq!(answer.refusal(), format!(r#"400 "{code}""#), "{changes} {}", answer.body);
    assert_eq!((company.system.orders().len(), company.stock("A1", "01")), (0, "140 / 0".to_owned()));
}

#[test]
fn an_order_that_is_wrong_is_refused() {
    check_refused(json!({ "CardCode": "none" }), "-5002");
    check_refused(json!({ "DocDueDate": null }), "-5002");
    check_refused(json!({ "DocumentLines": [] }), "-5002");
    check_refused(json!({ "DocumentLines": [{ "Quantity": 1 }] }), "-5002");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "none" }] }), "-5002");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "A1", "WarehouseCode": "99" }] }), "-5002");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "A1", "TaxCode": "none" }] }), "-5002");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "A1", "Quantity": -1 }] }), "-10");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "A1", "Quantity": 1e17, "UnitPrice": 1000 }] }), "-10");
    check_refused(json!({ "U_ExtId": "shopify:1" }), "-1000");
    check_refused(json!({ "DocumentLines": [{ "ItemCode": "A1", "Nothing": 1 }] }), "-1000");
    check_refused(json!({ "DocDate": "tomorrow" }), "-1000");
}

#[test]
fn who_is_inactive_cannot_order_or_be_ordered() {
    let company = Company::new();
    company.call("PATCH", "v2/Items('A1')", json!({ "Frozen": "tYES" }));
    assert_eq!(company.call("POST", "v2/Orders", order()).refusal(), r#"400 "-10""#);
    company.call("PATCH", "v2/Items('A1')", json!({ "Valid": "tYES" }));
    company.call("PATCH", "v2/BusinessPartners('C20000')", json!({ "Valid": "tNO" }));
    assert_eq!(company.call("POST", "v2/Orders", order()).refusal(), r#"400 "-10""#);
}

#[test]
fn a_user_defined_field_must_be_defined_first() {
    let company = Company::new();
    let field = json!({ "TableName": "ORDR", "Name": "ExtId", "Type": "db_Alpha", "Size": 50, "Description": "Id" });
    let made = company.made("v2/UserFieldsMD", field.clone());
    assert!(made.header("location").ends_with("/UserFieldsMD(TableName='ORDR',FieldID=0)"));
    assert_eq!(company.call("POST", "v2/UserFieldsMD", field).refusal(), r#"400 "-2035""#);
    let made = company.made("v2/Orders", order_with(json!({ "U_ExtId": "shopify:5512" })));
    assert_eq!(made.body["U_ExtId"], "shopify:5512");
    company.made("v2/Orders", order());
    let found = company.get("v2/Orders?$filter=U_ExtId%20eq%20'shopify:5512'&$select=DocEntry,U_ExtId");
    assert_eq!(found.column("DocEntry"), [json!(1)]);
    assert_eq!(company.get("v2/DeliveryNotes?$filter=U_ExtId%20eq%20'x'").rows().len(), 0);
    assert_eq!(company.get("v2/Items?$filter=U_ExtId%20eq%20'x'").refusal(), r#"400 "-1000""#);
}

#[test]
fn lines_merge_by_their_numbers() {
    let company = Company::new();
    company.made("v2/Orders", order());
    let etag = company.get("v2/Orders(1)").header("etag").to_owned();
    company.wait(60_000);
    let body = json!({ "DocumentLines": [{ "LineNum": 0, "Quantity": 5 }, { "ItemCode": "S1", "UnitPrice": 1 }] });
    assert_eq!(company.call_with("PATCH", "v2/Orders(1)", body.clone(), &[("if-match", &etag)]).status, 204);
    assert_eq!(company.call_with("PATCH", "v2/Orders(1)", body, &[("if-match", &etag)]).status, 412);
    let lines = company.get("v2/Orders(1)").body["DocumentLines"].clone();
    let numbers: Vec<_> =
        lines.as_array().unwrap().iter().map(|it| (it["LineNum"].clone(), it["Quantity"].clone())).collect();
    assert_eq!(numbers, [(json!(0), json!(5.0)), (json!(1), json!(1.0))]);
    assert_eq!(company.stock("A1", "01"), "140 / 5");
    let whole = json!({ "DocumentLines": [{ "LineNum": 1 }] });
    company.call_with("PATCH", "v2/Orders(1)", whole, &[("b1s-replacecollectionsonpatch", "true")]);
    let order = company.get("v2/Orders(1)").body;
    assert_eq!((order["DocumentLines"].as_array().unwrap().len(), &order["DocTotal"]), (1, &json!(1.0)));
    assert_eq!((company.stock("A1", "01"), &order["UpdateTime"]), ("140 / 0".to_owned(), &json!("16:43:00")));
}

#[test]
fn an_order_is_cancelled_closed_and_opened_again_but_never_deleted() {
    let company = Company::new();
    for _ in 0..2 {
        company.made("v2/Orders", order());
    }
    assert_eq!(company.call("DELETE", "v2/Orders(1)", Value::Null).refusal(), r#"400 "-5006""#);
    assert_eq!(company.call("POST", "v2/Orders(1)/Cancel", Value::Null).status, 204);
    let cancelled = company.get("v2/Orders(1)").body;
    assert_eq!((&cancelled["Cancelled"], &cancelled["DocumentStatus"]), (&json!("tYES"), &json!("bost_Close")));
    assert_eq!(company.stock("A1", "01"), "140 / 3");
    for action in ["Cancel", "Close", "Reopen"] {
        assert_eq!(company.call("POST", &format!("v2/Orders(1)/{action}"), Value::Null).refusal(), r#"400 "-10""#);
    }
    let lines = json!({ "DocumentLines": [{ "LineNum": 0, "Quantity": 9 }] });
    assert_eq!(company.call("PATCH", "v2/Orders(1)", lines).refusal(), r#"400 "-10""#);
    assert_eq!(company.call("PATCH", "v2/Orders(1)", json!({ "Comments": "late" })).status, 204);
    assert_eq!(company.call("POST", "v2/Orders(2)/Close", json!({})).status, 204);
    assert_eq!(company.stock("A1", "01"), "140 / 0");
    let changes = company.changes(|| {
        assert_eq!(company.call("POST", "v2/Orders(2)/Reopen", json!({})).status, 204);
    });
    assert_eq!(changes, ["System stock-level A1:01 committed=3", "Api order 2 status=open"]);
    assert_eq!(company.call("POST", "v2/Orders(9)/Cancel", Value::Null).status, 404);
    let stale = company.call_with("POST", "v2/Orders(2)/Cancel", Value::Null, &[("if-match", "W/\"0\"")]);
    assert_eq!(stale.status, 412);
}

#[test]
fn an_order_above_the_limit_is_left_as_a_draft() {
    let company = Company::with(Settings { approval_above: Some(Decimal::from(37)), ..Settings::default() });
    assert_eq!(company.call("POST", "v2/Orders", order()).refusal(), r#"404 "-2028""#);
    assert_eq!((company.system.orders().len(), company.stock("A1", "01")), (0, "140 / 0".to_owned()));
    let drafts = company.get("v2/Drafts?$filter=NumAtCard%20eq%20'SHOP-5512'");
    assert_eq!(drafts.column("DocObjectCode"), ["oOrders"]);
    let booked = company.call("POST", "v2/DraftsService_SaveDraftToDocument", json!({ "Document": { "DocEntry": 1 } }));
    assert_eq!((booked.status, company.system.documents(Book::Drafts).len()), (204, 0));
    assert_eq!((company.system.orders().len(), company.stock("A1", "01")), (1, "140 / 3".to_owned()));
}

#[test]
fn a_reference_may_have_to_be_unique() {
    let company = Company::with(Settings { unique_references: true, ..Settings::default() });
    company.made("v2/Orders", order());
    assert_eq!(company.call("POST", "v2/Orders", order()).refusal(), r#"400 "-10""#);
    company.made("v2/Orders", order_with(json!({ "CardCode": "C30000" })));
    company.call("POST", "v2/Orders(1)/Cancel", Value::Null);
    company.made("v2/Orders", order());
}

fn batch(company: &Company, version: &str, body: &str) -> (u16, String) {
    let mut request = company.request("POST", &format!("{version}/$batch"), &Value::Null, &[]);
    *request.body_mut() = bytes::Bytes::from(body.replace('\n', "\r\n"));
    request.headers_mut().insert("content-type", http::HeaderValue::from_static("multipart/mixed;boundary=b"));
    let answer = company.send(&request);
    (answer.status, String::from_utf8(answer.response.body().to_vec()).unwrap())
}

fn part(request: &str, id: u8, body: &str) -> String {
    format!(
        "Content-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: {id}\n\n{request}\n\n{body}\n"
    )
}

#[test]
fn a_change_set_is_carried_out_as_a_whole_or_not_at_all() {
    let company = Company::new();
    let set = |parts: [String; 2]| {
        let [first, second] = parts;
        format!(
            "--b\nContent-Type: multipart/mixed;boundary=c\n\n--c\n{first}--c\n{second}--c--\n--b\nContent-Type: application/http\n\nGET Items('A1')?$select=ItemName HTTP/1.1\n\n\n--b--\n"
        )
    };
    let new = part("POST /b1s/v2/Items HTTP/1.1", 1, r#"{"ItemCode":"N1"}"#);
    let (status, text) =
        batch(&company, "v2", &set([new.clone(), part("PATCH $1 HTTP/1.1", 2, r#"{"ItemName":"New"}"#)]));
    assert_eq!(status, 200);
    assert!(text.contains("201 Created") && text.contains("204 No Content") && text.contains("Bolt M8"), "{text}");
    // As some clients take parts apart: behind every body there is a line's end of its own.
    assert!(text.contains("\"}\n\r\n--batchresponse"), "{text}");
    assert_eq!(company.system.item("N1").unwrap().name.as_deref(), Some("New"));

    let (before, journal) = (company.system.items(), company.system.journal().len());
    let bad = part("PATCH Items('A1') HTTP/1.1", 1, r#"{"ItemName":"Changed"}"#);
    let (status, text) = batch(&company, "v1", &set([bad, part("POST Items HTTP/1.1", 2, r#"{"ItemCode":"N1"}"#)]));
    assert_eq!(status, 202);
    assert!(text.contains("-2035") && !text.contains("204") && !text.contains("Bolt M8"), "{text}");
    assert_eq!((company.system.items(), company.system.journal().len()), (before, journal));
}

#[test]
fn another_currency_needs_a_price_in_it() {
    let company = Company::new();
    company.call("PATCH", "v2/BusinessPartners('C20000')", json!({ "Currency": "EUR" }));
    assert_eq!(company.call("POST", "v2/Orders", order()).refusal(), r#"400 "-10""#);
    company.call("PATCH", "v2/BusinessPartners('C20000')", json!({ "PriceListNum": 3 }));
    let made = company.made("v2/Orders", order());
    assert_eq!((&made.body["DocCurrency"], &made.body["DocTotal"]), (&json!("EUR"), &json!(29.97)));
    assert_eq!(
        company.call("POST", "v2/Orders", order_with(json!({ "DocCurrency": "$" }))).refusal(),
        r#"400 "-5002""#
    );
}
