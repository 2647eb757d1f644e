//! Delta links.

use serde_json::{Value, json};

use super::*;

const TRACK: [(&str, &str); 1] = [("prefer", "odata.track-changes,odata.maxpagesize=1")];

/// Follows the pages to the delta link.
fn begin(organisation: &Organisation, url: &str) -> String {
    let mut url = url.to_owned();
    loop {
        let page = organisation.call("GET", &url, Value::Null, &TRACK);
        assert_eq!(page.status, 200, "{}", page.text);
        if let Some(delta) = page.body["@odata.deltaLink"].as_str() {
            return delta.to_owned();
        }
        url = page.body["@odata.nextLink"].as_str().unwrap().to_owned();
    }
}

#[test]
fn a_delta_link_tells_what_changed_and_what_went() {
    let organisation = Organisation::new();
    let delta = begin(&organisation, "products?$select=name");
    assert!(delta.contains("$deltatoken=900") && delta.contains("%2107%2F01%2F2026%2012%3A00%3A30"), "{delta}");
    assert_eq!(organisation.get(&delta).rows().len(), 0);
    organisation.call("PATCH", "products(productnumber='BOLT-8')", json!({ "name": "Bolt" }), &[]);
    let nut = organisation.get("products(productnumber='NUT-8')").body["productid"].clone();
    organisation.call("DELETE", "products(productnumber='NUT-8')", Value::Null, &[]);
    let told = organisation.get(&delta);
    assert_eq!(told.rows()[0]["name"], "Bolt");
    assert!(told.rows()[0].get("productnumber").is_none());
    assert_eq!(organisation.get(&delta.replacen("products?", "products/$count?", 1)).text, "2");
    let context = "http://127.0.0.1:8080/api/data/v9.2/$metadata#products/$deletedEntity";
    assert_eq!(told.rows()[1], json!({ "@odata.context": context, "id": nut, "reason": "deleted" }));
    let next = told.body["@odata.deltaLink"].as_str().unwrap();
    assert_eq!(organisation.get(next).rows().len(), 0);
}

#[test]
fn what_changes_between_pages_is_told_afterwards() {
    let organisation = Organisation::new();
    let first = organisation.call("GET", "products", Value::Null, &TRACK);
    organisation.call("PATCH", "products(productnumber='BOLT-8')", json!({ "name": "Bolt" }), &[]);
    let delta = begin(&organisation, first.body["@odata.nextLink"].as_str().unwrap());
    assert_eq!(organisation.get(&delta).column("name"), ["Bolt"]);
}

#[test]
fn changes_come_in_pages_too_and_what_happens_meanwhile_comes_after_them() {
    let organisation = Organisation::new();
    let delta = begin(&organisation, "products?$select=name");
    let rename = |code: &str, name: &str| {
        organisation.call("PATCH", &format!("products(productnumber='{code}')"), json!({ "name": name }), &[])
    };
    rename("NUT-8", "First");
    rename("BOLT-8", "Second");
    let first = organisation.call("GET", &delta, Value::Null, &TRACK);
    assert_eq!((first.column("name"), first.body.get("@odata.deltaLink")), (vec!["First".into()], None));
    rename("NUT-8", "Third");
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    let second = organisation.call("GET", next, Value::Null, &TRACK);
    assert_eq!(second.column("name"), ["Second"]);
    let third = organisation.call("GET", second.body["@odata.nextLink"].as_str().unwrap(), Value::Null, &TRACK);
    assert_eq!(third.column("name"), ["Third"]);
    assert_eq!(organisation.get(third.body["@odata.deltaLink"].as_str().unwrap()).rows().len(), 0);
}

#[test]
fn tracking_takes_a_selection_only_and_ends_after_a_week() {
    for delta_gone_status in [400, 410] {
        let organisation = Organisation::with(Settings { delta_gone_status, ..Settings::default() });
        for query in
            ["products?$filter=name eq 'x'", "products?$orderby=name", "products?$top=1", "transactioncurrencies"]
        {
            assert_eq!(organisation.call("GET", query, Value::Null, &TRACK).status, 400, "{query}");
        }
        let delta = begin(&organisation, "products");
        organisation.wait(7 * 24 * 3_600_000);
        organisation.sign_in();
        assert_eq!(organisation.get(&delta).status, 200);
        organisation.wait(1_000);
        let late = organisation.get(&delta);
        assert_eq!((late.status, late.code()), (delta_gone_status, "0x80044352"));
        assert_eq!(organisation.get("products?$deltatoken=7").code(), "0x80060889");
    }
}
