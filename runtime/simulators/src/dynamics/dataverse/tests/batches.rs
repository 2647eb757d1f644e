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
fn an_orders_lines_are_changed_at_once() {
    let organisation = Organisation::new();
    let url = "salesorders(ordernumber='SHOP-1')";
    let mut order = order();
    order["freightamount"] = json!(2);
    organisation.call("PATCH", url, order, &[]);
    let shown = organisation.get(&format!("{url}?$expand=order_details"));
    assert_eq!(shown.body["totalamount"], json!(39.5));
    let detail = shown.body["order_details"][0]["salesorderdetailid"].as_str().unwrap().to_owned();
    let new = |id: &str| {
        json!({
            "salesorderdetailid": id, "salesorderid@odata.bind": format!("/{url}"), "quantity": 1,
            "productid@odata.bind": "/products(productnumber='BOLT-8')", "ispriceoverridden": true, "priceperunit": 20,
        })
    };
    let from = organisation.system.journal().len();
    let change = ("PATCH", &*format!("salesorderdetails({detail})"), json!({ "quantity": 5 }));
    // The second is there already: nothing is done.
    let again = [change.clone(), ("POST", "salesorderdetails", new(&detail))];
    let refused = batch(&organisation, &again, &[]);
    assert!(refused.text.contains("HTTP/1.1 412") && refused.text.contains("0x80040237"), "{}", refused.text);
    assert_eq!(organisation.changes(from).len(), 0);
    let parts = [
        ("PATCH", url, json!({ "freightamount": 1 })),
        change,
        ("POST", "salesorderdetails", new("00000000-0000-0000-0000-00000000000c")),
    ];
    let done = batch(&organisation, &parts, &[]);
    assert_eq!(done.text.matches("HTTP/1.1 204").count(), 3, "{}", done.text);
    let order = &organisation.system.orders()[0];
    assert_eq!((order.total.to_string(), order.lines.len()), ("83.5".to_owned(), 2));
    let totals: Vec<String> = organisation.changes(from).into_iter().filter(|it| it.contains("total")).collect();
    assert_eq!(totals, ["Api order total=83.5"]);
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
