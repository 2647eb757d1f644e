//! Many requests in one.

use serde_json::{Value, json};

use super::*;

/// A batch of one change set, whose parts are given as method, URL and body.
fn batch(organisation: &Organisation, parts: &[(&str, &str, Value)], headers: &[(&str, &str)]) -> Reply {
    let mut body = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n".to_owned();
    for (n, (method, url, json)) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {}\r\n\r\n\
             {method} {url} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{json}\r\n",
            n + 1
        ));
    }
    body.push_str("--c--\r\n--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n");
    body.push_str("GET accounts?$filter=accountnumber%20eq%20'C1'&$select=name HTTP/1.1\r\n\r\n--b--\r\n");
    let mut request = organisation.request("POST", "$batch", &Value::Null, headers);
    request.headers_mut().insert("content-type", "multipart/mixed; boundary=b".parse().unwrap());
    *request.body_mut() = Bytes::from(body);
    organisation.send(&request)
}

#[test]
fn a_change_set_refers_to_what_it_made() {
    let organisation = Organisation::new();
    let parts = [
        (
            "POST",
            "salesorders",
            json!({ "name": "PO-1", "customerid_account@odata.bind": "/accounts(accountnumber='C1')" }),
        ),
        (
            "POST",
            "salesorderdetails",
            json!({
                "salesorderid@odata.bind": "$1", "productid@odata.bind": "/products(productnumber='BOLT-8')", "quantity": 2,
                "ispriceoverridden": true, "priceperunit": 12.345,
            }),
        ),
        ("PATCH", "$1", json!({ "name": "PO-2" })),
    ];
    let reply = batch(&organisation, &parts, &[]);
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.text.matches("HTTP/1.1 204").count(), 3, "{}", reply.text);
    assert!(reply.text.contains("\"name\":\"Acme\""));
    let order = &organisation.system.orders()[0];
    assert_eq!((order.po_number.as_str(), order.total.to_string()), ("PO-2", "24.69".to_owned()));
}

#[test]
fn a_change_set_takes_effect_all_or_none() {
    let organisation = Organisation::new();
    let from = organisation.system.journal().len();
    let parts = [
        ("PATCH", "accounts(accountnumber='C1')", json!({ "name": "Zinc" })),
        ("PATCH", "accounts(accountnumber='C1')", json!({ "colour": "red" })),
    ];
    let stopped = batch(&organisation, &parts, &[]);
    assert!(stopped.text.contains("HTTP/1.1 400") && !stopped.text.contains("Acme"), "{}", stopped.text);
    let went_on = batch(&organisation, &parts, &[("prefer", "odata.continue-on-error")]);
    assert!(went_on.text.contains("HTTP/1.1 400") && went_on.text.contains("Acme"), "{}", went_on.text);
    assert_eq!(organisation.changes(from).len(), 0);
}
