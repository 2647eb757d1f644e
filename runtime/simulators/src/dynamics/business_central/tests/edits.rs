//! Orders whose lines are changed: one by one, and all at once.

use serde_json::{Value, json};

use super::super::settings::{Rate, Settings, Stamp};
use super::*;
use crate::dynamics::OrderRow;

const BATCH: &str = "/v2.0/Production/api/v2.0/$batch";

/// An order of three bolts, with its id, its lines, and a second line of a bolt.
struct Booked {
    environment: Environment,
    id: String,
    lines: Vec<Value>,
}

impl Booked {
    fn with(settings: Settings) -> Self {
        let environment = Environment::with(settings);
        let mut order = order(&environment);
        let line = order["salesOrderLines"][0].clone();
        order["salesOrderLines"].as_array_mut().unwrap().push(line);
        let id = environment.post("salesOrders", order).body["id"].as_str().unwrap().to_owned();
        let lines = environment.get(&format!("salesOrders({id})/salesOrderLines")).rows().to_vec();
        Self { environment, id, lines }
    }

    fn row(&self) -> OrderRow {
        self.environment.system.orders().remove(0)
    }

    /// What an order has of what, and its sum.
    fn held(&self) -> (Vec<String>, String) {
        let row = self.row();
        let lines = row.lines.iter().map(|it| format!("{} x {}", it.quantity, it.unit_price)).collect();
        (lines, row.total.to_string())
    }

    /// A part about the order's line, or with none about a new one.
    fn part(&self, method: &str, line: Option<&Value>, body: Value) -> Value {
        let company = self.environment.system.settings().companies[0].id;
        let key = line.map(|it| format!("({})", it["id"].as_str().unwrap())).unwrap_or_default();
        let url = format!("companies({company})/salesOrders({})/salesOrderLines{key}", self.id);
        let etag = line.map(|it| json!({ "Content-Type": "application/json", "If-Match": it["@odata.etag"] }));
        let headers = etag.unwrap_or_else(|| json!({ "Content-Type": "application/json" }));
        json!({ "method": method, "id": "0", "url": url, "headers": headers, "body": body })
    }

    fn at_once(&self, parts: &[Value]) -> Reply {
        let numbered = |(n, part): (usize, &Value)| {
            let mut part = part.clone();
            part["id"] = json!(n.to_string());
            part
        };
        let requests: Vec<Value> = parts.iter().enumerate().map(numbered).collect();
        let body = json!({ "requests": requests });
        let headers = [("isolation", "snapshot")];
        self.environment.send(&self.environment.request("POST", BATCH, &body, &headers))
    }

    /// More of the first line, none of the second, and a new one.
    fn edits(&self, price: Value) -> [Value; 3] {
        let new = json!({ "lineType": "Item", "lineObjectNumber": "BOLT-8", "quantity": 1, "unitPrice": price });
        [
            self.part("PATCH", Some(&self.lines[0]), json!({ "quantity": 5, "unitPrice": 12 })),
            self.part("DELETE", Some(&self.lines[1]), Value::Null),
            self.part("POST", None, new),
        ]
    }
}

fn statuses(reply: &Reply) -> Vec<u64> {
    reply.body["responses"].as_array().unwrap().iter().filter_map(|it| it["status"].as_u64()).collect()
}

#[test]
fn lines_are_changed_at_once_and_seen_as_one_change() {
    let booked = Booked::with(Settings::default());
    let from = booked.environment.system.journal().len();
    booked.environment.wait(5_000);
    let reply = booked.at_once(&booked.edits(json!(20)));
    assert_eq!(statuses(&reply), [200, 204, 201], "{}", reply.text);
    assert_eq!(booked.held(), (vec!["5 x 12".to_owned(), "1 x 20".to_owned()], "80".to_owned()));
    let changes = booked.environment.changes(from);
    let of = |field: &str| changes.iter().filter(|it| it.contains(&format!(" {field}="))).count();
    assert_eq!((of("total"), of("lines")), (1, 1), "{changes:?}");
    assert!(changes.contains(&format!("Api order {} total=80", booked.id)), "{changes:?}");
    assert_eq!(booked.environment.system.stock_at("BOLT-8", "MAIN").unwrap().ordered.to_string(), "5");
}

#[test]
fn lines_are_changed_all_or_none_and_nobody_hears_of_none() {
    let booked = Booked::with(Settings::default());
    let environment = &booked.environment;
    let path = format!("salesOrders({})?$expand=salesOrderLines", booked.id);
    let (before, from) = (environment.get(&path).body, environment.system.journal().len());
    let wish = json!({
        "notificationUrl": "https://hooks.example/bc", "clientState": "s3cret",
        "resource": format!("/api/v2.0/companies({})/salesOrders", environment.system.settings().companies[0].id),
    });
    let request = environment.request("POST", "/v2.0/Production/api/v2.0/subscriptions", &wish, &[]);
    let made = environment.shake(&request, |asked| {
        let token = asked.url.split("validationToken=").nth(1).unwrap().to_owned();
        Some(Answer { status: 200, body: Bytes::from(token) })
    });
    assert_eq!(made.status, 201, "{}", made.text);
    // The last part names an item that is not there.
    let [change, remove, mut add] = booked.edits(json!(20));
    add["body"]["lineObjectNumber"] = json!("NUT-9");
    let reply = booked.at_once(&[change.clone(), remove.clone(), add]);
    assert_eq!(statuses(&reply), [200, 204, 400], "{}", reply.text);
    // The second meets what somebody changed.
    let stale =
        booked.part("PATCH", Some(&json!({ "id": booked.lines[1]["id"], "@odata.etag": "W/\"x\"" })), json!({}));
    let reply = booked.at_once(&[change, stale, remove]);
    assert_eq!(statuses(&reply), [200, 409], "{}", reply.text);
    assert_eq!((environment.get(&path).body, environment.changes(from).len()), (before, 0));
    environment.wait(60_000);
    assert_eq!(environment.told().len(), 0);
}

#[test]
fn an_extension_that_commits_leaves_what_was_done() {
    let booked = Booked::with(Settings { batches_commit: true, ..Settings::default() });
    let [change, remove, mut add] = booked.edits(json!(20));
    add["body"]["lineObjectNumber"] = json!("NUT-9");
    assert_eq!(statuses(&booked.at_once(&[change, add, remove])), [200, 400]);
    assert_eq!(booked.held().0, ["5 x 12", "3 x 12.5"]);
}

#[test]
fn a_lock_takes_the_whole_batch_back() {
    let booked = Booked::with(Settings { locks: Rate { per_mille: 400, seed: 1 }, ..Settings::default() });
    let before = booked.held();
    for _ in 0..20 {
        let reply = booked.at_once(&booked.edits(json!(20)));
        if statuses(&reply).last() == Some(&201) {
            return;
        }
        let last = reply.body["responses"].as_array().unwrap().last().unwrap();
        assert!(last["body"]["error"]["message"].as_str().unwrap().contains("locked by another user"), "{last}");
        assert_eq!(booked.held(), before);
    }
    panic!("it never went through");
}

#[test]
fn no_two_lines_stand_in_one_place_and_none_moves() {
    let booked = Booked::with(Settings::default());
    let (environment, path) = (&booked.environment, format!("salesOrders({})/salesOrderLines", booked.id));
    let line = |sequence: u32| json!({ "lineType": "Comment", "description": "x", "sequence": sequence });
    let between = environment.post(&path, line(15_000));
    assert_eq!((between.status, &between.body["sequence"]), (201, &json!(15_000)), "{}", between.text);
    let taken = environment.post(&path, line(20_000));
    assert_eq!((taken.status, taken.code()), (400, "Application_DialogException"));
    let moved = environment.patch(&format!("salesOrderLines({})", between.body["id"].as_str().unwrap()), line(16_000));
    assert_eq!((moved.status, moved.code()), (400, "Application_DialogException"));
    let last = environment.post(&path, json!({ "lineType": "Comment", "description": "x" }));
    assert_eq!(last.body["sequence"], json!(30_000));
    let order = environment.get(&format!("salesOrders({})?$expand=salesOrderLines", booked.id)).body;
    let places: Vec<u64> =
        order["salesOrderLines"].as_array().unwrap().iter().filter_map(|it| it["sequence"].as_u64()).collect();
    assert_eq!(places, [10_000, 15_000, 20_000, 30_000]);
}

#[test]
fn a_line_is_found_under_its_own_order_alone() {
    let booked = Booked::with(Settings::default());
    let environment = &booked.environment;
    let other = environment.post("salesOrders", order(environment)).body["id"].as_str().unwrap().to_owned();
    let line = booked.lines[0]["id"].as_str().unwrap();
    let own = format!("salesOrders({})/salesOrderLines({line})", booked.id);
    assert_eq!(environment.patch(&own, json!({ "quantity": 4 })).status, 200);
    let wrong = format!("salesOrders({other})/salesOrderLines({line})");
    let reply = environment.patch(&wrong, json!({ "quantity": 9 }));
    assert_eq!((reply.status, reply.code()), (404, "Internal_RecordNotFound"));
    assert_eq!(environment.call("DELETE", &wrong, Value::Null, &[]).status, 404);
    assert_eq!(booked.held().0, ["4 x 12.5", "3 x 12.5"]);
}

#[test]
fn a_line_moves_the_others_where_discounts_are_spread() {
    for (stamp, status) in [(Stamp::Stays, 200), (Stamp::Moves, 409)] {
        let booked = Booked::with(Settings { sibling_stamp: stamp, ..Settings::default() });
        let parts = [0, 1].map(|it| booked.part("PATCH", Some(&booked.lines[it]), json!({ "quantity": 4 })));
        assert_eq!(statuses(&booked.at_once(&parts)), [200, status]);
    }
}
