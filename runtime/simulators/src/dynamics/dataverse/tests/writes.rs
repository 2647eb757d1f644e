//! Inserts, upserts, deletes, and how they are refused.

use serde_json::{Value, json};

use super::*;

#[test]
fn an_insert_answers_where_or_what() {
    let organisation = Organisation::new();
    let from = organisation.system.journal().len();
    let made = organisation.call("POST", "accounts", json!({ "accountnumber": "C2", "name": "Zinc" }), &[]);
    assert_eq!((made.status, made.text.as_str()), (204, ""));
    let url = format!("http://127.0.0.1:8080/api/data/v9.2/accounts({})", made.id());
    assert_eq!((made.header("odata-entityid"), made.header("location")), (url.as_str(), url.as_str()));
    assert_eq!(
        organisation.changes(from),
        [
            "Api company created=",
            "Api company code=C2",
            "Api company name=Zinc",
            "Api company email=",
            "Api company currency=USD",
            "Api company active=true",
        ]
    );
    let whole = [("prefer", "return=representation")];
    let made =
        organisation.call("POST", "accounts?$select=name", json!({ "accountnumber": "C3", "name": "Tin" }), &whole);
    assert_eq!((made.status, &made.body["name"]), (201, &json!("Tin")));
    assert_eq!(made.header("preference-applied"), "return=representation");
    let again = organisation.call("POST", "accounts", json!({ "accountnumber": "c3", "name": "Tin" }), &[]);
    assert_eq!((again.status, again.code()), (412, "0x80040237"));
}

#[test]
fn a_patch_is_an_upsert_unless_the_caller_says_which() {
    let organisation = Organisation::new();
    let patch = |url: &str, headers: &[(&str, &str)]| {
        let reply = organisation.call("PATCH", url, json!({ "name": "Name" }), headers);
        (reply.status, reply.code().to_owned())
    };
    let done = (204, String::new());
    assert_eq!(patch("accounts(accountnumber='C9')", &[("if-match", "*")]), (404, "0x80060891".to_owned()));
    assert_eq!(patch("accounts(accountnumber='C9')", &[]), done);
    assert_eq!(patch("accounts(accountnumber='C9')", &[]), done);
    assert_eq!(patch("accounts(accountnumber='C9')", &[("if-none-match", "*")]), (412, "0x80040237".to_owned()));
    assert_eq!(patch("accounts(accountnumber='C8')", &[("if-none-match", "*")]), done);
    let id = "accounts(00000000-0000-0000-0000-00000000000c)";
    assert_eq!(patch(id, &[("if-match", "*")]), (404, "0x80040217".to_owned()));
    assert_eq!(patch(id, &[]), done);
    let etag = organisation.get(id).header("etag").to_owned();
    assert_eq!(patch(id, &[("if-match", &etag)]), done);
    assert_eq!(patch(id, &[("if-match", &etag)]), (412, "0x80060882".to_owned()));
    let codes: Vec<String> = organisation.system.customers().into_iter().map(|it| it.code).collect();
    assert_eq!(codes.iter().filter(|it| *it == "C9").count(), 1);
    let whole = organisation.call("PATCH", id, json!({ "telephone1": "1" }), &[("prefer", "return=representation")]);
    assert_eq!((whole.status, &whole.body["telephone1"]), (200, &json!("1")));
}

#[test]
fn a_refusal_carries_its_code() {
    let organisation = Organisation::new();
    let check = |url: &str, body: Value, expect: (u16, &str)| {
        let reply = organisation.call("PATCH", url, body.clone(), &[("if-match", "*")]);
        assert_eq!((reply.status, reply.code()), expect, "{url} {body}: {}", reply.text);
    };
    let account = "accounts(accountnumber='C1')";
    check(account, json!({ "colour": "red" }), (400, "0x80048d19"));
    check(account, json!({ "name": 5 }), (400, "0x80048d19"));
    check(account, json!({ "name": null }), (400, "0x80040203"));
    check(account, json!({ "accountnumber": "X".repeat(21) }), (400, "0x80044331"));
    check(account, json!({ "statecode": 7 }), (400, "0x8004431a"));
    check(account, json!({ "defaultpricelevelid@odata.bind": "/accounts(accountnumber='C1')" }), (400, "0x80048d19"));
    check(account, json!({ "defaultpricelevelid@odata.bind": "/pricelevels(name='Tin')" }), (404, "0x80060891"));
    check(account, json!({ "_defaultpricelevelid_value": Value::Null }), (400, "0x80048d19"));
    check("products(productnumber='NUT-8')", json!({ "productnumber": "BOLT-8" }), (412, "0x80040237"));
}

/// By what they are, wherever they are asked about: as conditions on their order, and within it.
fn lines_are_asked_about(organisation: &Organisation, url: &str) {
    let found = |filter: &str| organisation.get(&format!("salesorders?$filter={filter}")).rows().len();
    assert_eq!(found("order_details/any(line:line/quantity gt 2)"), 1);
    assert_eq!(found("order_details/any(line:line/quantity gt 3)"), 0);
    assert_eq!(found("order_details/all(line:line/quantity gt 2 and ordernumber eq 'SHOP-1')"), 1);
    assert_eq!(found("not order_details/any()"), 0);
    let lines = |options: &str| organisation.get(&format!("{url}?$expand=order_details({options})"));
    let count = |options: &str| lines(options).body["order_details"].as_array().map(Vec::len);
    assert_eq!(count("$filter=quantity gt 2"), Some(1));
    assert_eq!(count("$filter=quantity gt 3"), Some(0));
    assert_eq!(count("$orderby=quantity desc;$top=0"), Some(0));
    for refused in ["$count=true", "$filter=colour eq 'red'", "$orderby=order_details/quantity"] {
        assert_eq!(lines(refused).status, 400, "{refused}");
    }
    assert_eq!(organisation.get("salesorders?$filter=order_details/any(line:line/colour eq 1)").status, 400);
    assert_eq!(organisation.get("salesorders?$orderby=order_details/quantity").status, 400);
}

#[test]
fn an_order_is_made_once_under_its_number() {
    let organisation = Organisation::new();
    let from = organisation.system.journal().len();
    let url = "salesorders(ordernumber='SHOP-1')";
    let made = organisation.call("PATCH", url, order(), &[("if-none-match", "*")]);
    assert_eq!(made.status, 204, "{}", made.text);
    assert_eq!(organisation.call("PATCH", url, order(), &[("if-none-match", "*")]).status, 412);
    let shown = organisation
        .get(&format!("{url}?$expand=order_details($select=priceperunit,quantity),customerid_account($select=name)"));
    assert_eq!((&shown.body["totalamount"], &shown.body["customerid_account"]["name"]), (&json!(37.5), &json!("Acme")));
    assert_eq!(shown.body["order_details"][0]["priceperunit"], json!(12.5));
    lines_are_asked_about(&organisation, url);
    let changes = organisation.changes(from);
    assert_eq!(changes[0], "Api order created=SHOP-1");
    assert!(changes.contains(&"Api order total=37.5".to_owned()), "{changes:?}");
    let mut broken = order();
    broken["order_details"][0]["productid@odata.bind"] = json!("/products(productnumber='NONE')");
    let from = organisation.system.journal().len();
    assert_eq!(organisation.call("POST", "salesorders", broken, &[]).status, 404);
    assert_eq!((organisation.changes(from).len(), organisation.system.orders().len()), (0, 1));
    let cancelled = organisation.call("PATCH", url, json!({ "statecode": 2, "statuscode": 4 }), &[]);
    assert_eq!((cancelled.status, organisation.changes(from)), (204, vec!["Api order status=cancelled".to_owned()]));
}

#[test]
fn a_deleted_record_takes_along_what_belongs_to_it() {
    let organisation = Organisation::new();
    organisation.call("POST", "salesorders", order(), &[]);
    let used = organisation.call("DELETE", "products(productnumber='BOLT-8')", Value::Null, &[]);
    assert_eq!((used.status, used.code()), (400, "0x80040227"));
    let id = organisation.system.orders()[0].id;
    assert_eq!(organisation.call("DELETE", &format!("salesorders({id})"), Value::Null, &[]).status, 204);
    let from = organisation.system.journal().len();
    assert_eq!(organisation.call("DELETE", "products(productnumber='BOLT-8')", Value::Null, &[]).status, 204);
    let mut changes = organisation.changes(from);
    changes.sort();
    assert_eq!(
        changes,
        [
            "Api item deleted=",
            "Api price Gold:BOLT-8 deleted=",
            "Api price base:BOLT-8 deleted=",
            "Api stock-level BOLT-8:MAIN deleted=",
        ]
    );
    assert_eq!(organisation.get("productpricelevels").rows().len(), 0);
}

#[test]
fn a_single_column_is_read_written_and_emptied_by_its_path() {
    let organisation = Organisation::new();
    let column = |name: &str| format!("accounts(accountnumber='C1')/{name}");
    let telephone = column("telephone1");
    let written = organisation.call("PUT", &telephone, json!({ "value": "+1 5" }), &[]);
    assert_eq!(written.status, 204, "{}", written.text);
    let read = organisation.get(&telephone);
    assert_eq!(read.body["value"], "+1 5");
    assert!(read.body["@odata.context"].as_str().unwrap().ends_with(")/telephone1"), "{}", read.text);
    assert_eq!(organisation.get(&column("telephone1/$value")).text, "+1 5");
    assert_eq!(organisation.call("DELETE", &telephone, Value::Null, &[]).status, 204);
    assert_eq!(organisation.get(&telephone).status, 204);
    assert_eq!(organisation.call("DELETE", &column("name"), Value::Null, &[]).status, 400);
    let stale = organisation.call("PUT", &telephone, json!({ "value": "1" }), &[("if-match", "W/\"1\"")]);
    assert_eq!((stale.status, stale.code()), (412, "0x80060882"));
    assert_eq!(organisation.call("PUT", &telephone, json!({ "telephone1": "1" }), &[]).status, 400);
    assert_eq!(organisation.call("POST", &telephone, json!({ "value": "1" }), &[]).status, 405);
}

#[test]
fn references_are_made_and_cut_by_themselves() {
    let organisation = Organisation::new();
    let path = "accounts(accountnumber='C1')/defaultpricelevelid/$ref";
    let level = organisation.get("pricelevels(name='Gold')?$select=name").body["pricelevelid"].clone();
    let url = format!("{ORIGIN}/api/data/v9.2/pricelevels({})", level.as_str().unwrap());
    let made = organisation.call("PUT", path, json!({ "@odata.id": url }), &[]);
    assert_eq!(made.status, 204, "{}", made.text);
    assert_eq!(organisation.get(path).body["@odata.id"], url.as_str());
    assert_eq!(organisation.get("accounts(accountnumber='C1')/_defaultpricelevelid_value").body["value"], level);
    assert_eq!(organisation.call("DELETE", path, Value::Null, &[]).status, 204);
    assert_eq!(organisation.get(path).status, 204);
    let many = organisation.get("pricelevels(name='Gold')/price_level_product_price_levels/$ref");
    assert_eq!(many.rows().len(), 1, "{}", many.text);
    assert!(many.rows()[0]["@odata.id"].as_str().unwrap().contains("/productpricelevels("));
    assert_eq!(organisation.call("PUT", path, json!({ "@odata.id": "accounts(x)" }), &[]).status, 400);
}

#[test]
fn a_form_is_no_body() {
    let organisation = Organisation::new();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(organisation.call("POST", "accounts", json!({ "name": "A" }), &form).status, 415);
}

#[test]
fn a_contact_buys_as_an_account_does() {
    let organisation = Organisation::new();
    let contact = json!({
        "firstname": "Jo", "lastname": "Doe", "parentcustomerid_account@odata.bind": "/accounts(accountnumber='C1')",
    });
    let id = organisation.call("POST", "contacts", contact, &[]).id();
    let read = organisation.get(&format!("contacts({id})?$select=fullname,statecode"));
    assert_eq!((&read.body["fullname"], &read.body["statecode"]), (&json!("Jo Doe"), &json!(0)));
    let mut wanted = order();
    wanted.as_object_mut().unwrap().remove("customerid_account@odata.bind");
    wanted["customerid_contact@odata.bind"] = json!(format!("/contacts({id})"));
    let placed = organisation.call("POST", "salesorders", wanted, &[]);
    assert_eq!(placed.status, 204, "{}", placed.text);
    let read = organisation.get(&format!("salesorders({})?$select=name&$expand=customerid_contact", placed.id()));
    assert_eq!(read.body["customerid_contact"]["lastname"], "Doe", "{}", read.text);
}
