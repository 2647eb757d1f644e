//! Orders.

use super::*;

const LINES: &str = r#"[{"item":"A1","quantity":"3","unit_price":"12.5"}]"#;

fn order(lines: Option<&str>) -> Fields {
    // 00:30 of the next day, where the company is.
    let mut order = fields(&[
        ("company", text("C1")),
        ("currency", text("USD")),
        ("po_number", text("PO-77")),
        ("placed_at", text("2026-11-21T23:30:00Z")),
    ]);
    order.extend(lines.map(|it| ("lines".to_owned(), Value::Json(it.to_owned()))));
    order
}

const BOOKED: &str = r#"{"@odata.etag":"W/1","DocEntry":91,"DocNum":1050,"DocType":"dDocument_Items","DocDate":"2026-11-22T00:00:00Z",
    "CardCode":"C1","NumAtCard":"PO-77","U_ExtId":"key-1","DocCurrency":"$","DocTotal":37.5,"VatSum":0.0,"DocumentStatus":"bost_Open",
    "Cancelled":"tNO","DocumentLines":[{"ItemCode":"A1","Quantity":3.0,"Price":12.5,"RemainingOpenQuantity":3.0,"LineStatus":"bost_Open"}]}"#;
const FOUND: &str = r#"{"value":[{"DocEntry":90,"Cancelled":"tYES"},{"DocEntry":91,"Cancelled":"tNO"}]}"#;

fn push_order(script: &Script, lines: Option<&str>) -> Outcome {
    let ctx = ctx_with(&[("external-id-field", "U_ExtId"), ("order-warehouse", "01"), ("due-days", "3")]);
    push(script, &ctx, Kind::Order, write(None, order(lines), Fields::new()))
}

#[test]
fn an_order_is_booked_once_under_its_mark_on_the_companys_day() {
    let script = script()
        .answer("GET", "Orders?$select=DocEntry,Cancelled&$filter=U_ExtId%20eq%20'key-1'", 200, NONE)
        .answer("GET", "Drafts?", 200, NONE)
        .answer("POST", "v2/Orders", 201, BOOKED)
        .answer("GET", "Orders(91)", 200, BOOKED);
    let Outcome::Applied(state) = push_order(&script, Some(LINES)) else { panic!("not applied") };
    let expect = r#"{"CardCode":"C1","DocDate":"2026-11-22","DocDueDate":"2026-11-25","DocCurrency":"$","NumAtCard":"PO-77","U_ExtId":"key-1","DiscountPercent":0,"DocumentLines":[{"ItemCode":"A1","Quantity":3,"UnitPrice":12.5,"DiscountPercent":0,"WarehouseCode":"01"}]}"#;
    assert_eq!(script.body(2), expect);
    assert_eq!((state.remote_id.as_str(), state.command_key.as_deref()), ("91", Some("key-1")));
    assert_eq!(state.fields["lines"], Value::Json(LINES.to_owned()));
    assert_eq!(state.fields["po_number"], text("PO-77"));
    assert_eq!((state.fields.get("number"), state.fields.get("placed_at")), (None, None), "they are elsewhere's");
}

#[test]
fn an_order_that_is_there_is_not_created_again_and_a_draft_waits_for_people() {
    let there = script().answer("GET", "Orders?", 200, FOUND).answer("GET", "Orders(91)", 200, BOOKED);
    assert!(matches!(push_order(&there, Some(LINES)), Outcome::Applied(it) if it.remote_id == "91"));
    let draft = r#"{"value":[{"DocEntry":5,"Cancelled":"tNO"}]}"#;
    let waits = script().answer("GET", "Orders?", 200, NONE).answer("GET", "Drafts?", 200, draft);
    assert!(matches!(push_order(&waits, Some(LINES)), Outcome::Rejected(it) if it.code == "awaits-approval"));
    let sent = || {
        let until = script().answer("GET", "Orders?", 200, NONE).answer("GET", "Drafts?", 200, NONE);
        until.answer("POST", "v2/Orders", 400, &error("-2028"))
    };
    let left = sent().answer("GET", "Drafts?", 200, draft);
    assert!(matches!(push_order(&left, Some(LINES)), Outcome::Rejected(it) if it.code == "awaits-approval"));
    let refused = sent().answer("GET", "Drafts?", 200, NONE);
    assert!(matches!(push_order(&refused, Some(LINES)), Outcome::Rejected(it) if it.code == "-2028"));
    let nobody_knows = sent().answer("GET", "Drafts?", 503, "<html>");
    assert!(matches!(push_order(&nobody_knows, Some(LINES)), Outcome::Unknown(_)));
}

fn off() -> Write {
    let status = |it: &str| fields(&[("status", text(it))]);
    write(Some("91"), status("cancelled"), status("open"))
}

#[test]
fn an_order_is_called_off_unless_some_of_it_has_left() {
    let (cancel, cancelled) = ("Orders(91)/Cancel", BOOKED.replace(r#""Cancelled":"tNO""#, r#""Cancelled":"tYES""#));
    let done = script().answer("GET", "Orders(91)", 200, BOOKED).answer("POST", cancel, 204, "").answer(
        "GET",
        "Orders(91)",
        200,
        &cancelled,
    );
    let Outcome::Applied(state) = push(&done, &ctx(), Kind::Order, off()) else { panic!("not applied") };
    assert_eq!(state.fields["status"], text("cancelled"));
}

#[test]
fn what_has_left_is_read_from_the_deliveries_of_the_order() {
    let begun = BOOKED.replace(r#""RemainingOpenQuantity":3.0"#, r#""RemainingOpenQuantity":1.0"#);
    let line = |base: u32, n: u32| {
        format!(r#"{{"ItemCode":"A1","Quantity":{n}.0,"BaseType":17,"BaseEntry":{base},"BaseLine":0}}"#)
    };
    let delivery = |entry: u32, off: &str, line: &str| {
        format!(
            r#"{{"DocEntry":{entry},"TransportationCode":1,"TrackingNumber":"1Z-{entry}","Cancelled":"{off}","DocumentLines":[{line}]}}"#
        )
    };
    let all = [delivery(7, "tNO", &line(91, 2)), delivery(8, "tNO", &line(90, 3)), delivery(9, "tYES", &line(91, 1))];
    let deliveries = format!(r#"{{"value":[{}]}}"#, all.join(","));
    let asked =
        "DeliveryNotes?$filter=CardCode%20eq%20'C1'%20and%20DocDate%20ge%20'2026-11-22'%20and%20DocEntry%20gt%200";
    let script = script().answer("GET", "Orders?", 200, FOUND).answer("GET", "Orders(91)", 200, &begun).answer(
        "GET",
        asked,
        200,
        &deliveries,
    );
    let ctx = ctx_with(&[("external-id-field", "U_ExtId"), ("carriers", "1=UPS")]);
    let state = SapB1::find(&script, &ctx, Kind::Order, "key-1").unwrap().unwrap();
    let left = r#"[{"carrier":"UPS","item":"A1","quantity":"2","tracking":"1Z-7"}]"#;
    assert_eq!(state.fields["fulfilments"], Value::Json(left.to_owned()));
    let script =
        self::script().answer("GET", "Orders(91)", 200, &begun).answer("GET", "DeliveryNotes?", 200, &deliveries);
    let mut late = off();
    late.base = fields(&[("status", text("partially-fulfilled"))]);
    assert!(matches!(push(&script, &ctx, Kind::Order, late), Outcome::Rejected(it) if it.code == "has-left"));
}

#[test]
fn lines_that_nobody_tells_are_for_a_person_to_enter() {
    let refused = |lines: Option<&str>| {
        let script = script().answer("GET", "Orders?", 200, NONE).answer("GET", "Drafts?", 200, NONE);
        let Outcome::Rejected(why) = push_order(&script, lines) else { panic!("not rejected") };
        why
    };
    let why = refused(None);
    assert!(why.code == "no-net-lines" && why.message.contains("include taxes"), "{why:?}");
    assert_eq!(refused(Some("[]")).code, "incomplete");
    assert_eq!(refused(Some(r#"[{"sku":"X","quantity":"1","unit_price":"1"}]"#)).code, "no-item");
}

#[test]
fn without_a_field_of_its_own_the_mark_stands_where_the_customers_number_would() {
    let find = |document: &str| {
        let script = script()
            .answer("GET", "Orders?$select=DocEntry,Cancelled&$filter=NumAtCard%20eq%20'ts%3Akey-1'", 200, FOUND)
            .answer("GET", "Orders(91)", 200, document);
        SapB1::find(&script, &ctx(), Kind::Order, "key-1").unwrap().unwrap()
    };
    let ours = find(&BOOKED.replace("PO-77", "ts:key-1"));
    assert_eq!((ours.command_key.as_deref(), ours.fields.get("po_number")), (Some("key-1"), None));
    let theirs = find(BOOKED);
    assert_eq!((theirs.command_key.as_deref(), theirs.fields.get("po_number")), (None, Some(&text("PO-77"))));
    assert_eq!(theirs.fields["number"], text("1050"));
    assert_eq!(theirs.fields["placed_at"], text("2026-11-22"));
    for kind in [Kind::Item, Kind::Company, Kind::Price, Kind::StockLevel] {
        assert!(matches!(SapB1::find(&script(), &ctx(), kind, "k"), Err(Fault::Unsupported(_))), "{kind}");
    }
}
