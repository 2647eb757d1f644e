//! Tenants: nobody sees or changes another's, and what does not work says so to its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use truthsource::certificate::{self, Certificate};
use truthsource::demo::account::credentials;
use truthsource::demo::world::{Extent, Product, World};
use truthsource::http::{Access, Spec, Takes, routes};
use truthsource::node::MachineClock;
use truthsource::store::control::ControlStore as _;
use truthsource::store::{self, Batch, Change, Conflict, Debt, DebtState, Event, What};
use truthsource_core::fold::Ruling;
use truthsource_core::price::{Pays, PriceRule};
use truthsource_core::record::{Cause, ConnectionId, RecordKey, Shadow, Truth, TruthField};
use truthsource_core::{Decimal, Kind, UnixMs, Value};

use super::*;

/// Stands in everything of `acme` that is not an id.
const CANARY: &str = "canary";

/// What a request names.
struct Ids {
    connection: &'static str,
    record: &'static str,
    conflict: &'static str,
    slot: &'static str,
    call: &'static str,
    plan: String,
    key: String,
}

/// What `acme` has.
fn acmes(key: &str) -> Ids {
    let key = key.split('_').nth(2).unwrap().to_owned();
    Ids {
        connection: "acme-shop",
        record: "acme-bolt",
        conflict: "1",
        slot: "pricing:acme",
        call: "1",
        plan: "a".repeat(64),
        key,
    }
}

/// What nobody has.
fn nobodys() -> Ids {
    let key = "aaaaaaaaaa".to_owned();
    Ids {
        connection: "none-shop",
        record: "none-bolt",
        conflict: "999",
        slot: "pricing:none",
        call: "999",
        plan: "0".repeat(64),
        key,
    }
}

/// A path and a body that name these things.
fn naming(spec: &Spec, ids: &Ids) -> (String, Body) {
    let path: Vec<&str> = spec.path.split('/').map(|part| part_of(spec.path, part, ids)).collect();
    let body = match spec.takes {
        Takes::Nothing => Body::Nothing,
        Takes::Wasm | Takes::Anything => Body::Wasm(b"x".to_vec()),
        Takes::Json => Body::Json(body_of(spec, ids)),
    };
    let asked = match spec.path {
        "/v1/replay" => "?from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z",
        "/v1/slots/{slot}/compare/past" => "?release=1",
        _ => "",
    };
    (path.join("/") + asked, body)
}

fn part_of<'a>(path: &str, part: &'a str, ids: &'a Ids) -> &'a str {
    match part {
        "{kind}" => "item",
        "{key}" => ids.record,
        "{name}" => ids.connection,
        "{slot}" => ids.slot,
        "{id}" if path.contains("/conflicts/") => ids.conflict,
        "{id}" if path.contains("/keys/") => &ids.key,
        "{id}" if path.contains("/calls/") => ids.call,
        "{id}" if path.contains("/plans/") => &ids.plan,
        "{release}" | "{sweep}" => "1",
        "{tenant}" => "acme",
        "{connection}" => ids.connection,
        part => {
            assert!(!part.starts_with('{'), "what is {part} of {path}?");
            part
        }
    }
}

fn body_of(spec: &Spec, ids: &Ids) -> Json {
    match (spec.method.as_str(), spec.path) {
        ("POST", "/v1/tenants") => json!({"name": "mine"}),
        ("POST", "/v1/connections") => shop("zetas-own", "s"),
        ("PUT", "/v1/connections/{name}") => json!({"spec": shop("x", "s")["spec"]}),
        ("PUT", "/v1/connections/{name}/credentials") => json!({"webhook": [{"secret": "mine"}]}),
        ("POST", "/v1/connections/{name}/links") => {
            json!({"kind": "item", "remote_id": "zetas", "key": ids.record})
        }
        ("POST", "/v1/slots/{slot}/activate") => json!({"release": 1}),
        ("POST", "/v1/slots/{slot}/releases/{release}/certificates") => json!({}),
        ("POST", "/v1/plan/cost") => json!({"parts": [{"connection": ids.connection, "kind": "item", "changes": 1}]}),
        ("POST", "/v1/plans/{id}/apply") => json!({"writes": [{
            "connection": ids.connection, "kind": "item", "key": ids.record, "remote_id": "1",
            "truth_version": 1, "base_version": "", "fields": {},
        }]}),
        ("POST", "/v1/conflicts/{id}/settle") => json!({"take": ids.connection}),
        ("POST", "/v1/debts/redrive") => json!({"connection": ids.connection, "kind": "item", "key": ids.record}),
        ("POST", "/v1/price") => basket(ids.slot),
        ("POST", "/v1/keys") => json!({"label": "mine", "scopes": ["price"]}),
        ("POST", "/v1/keys/{id}/rotate") => json!({"overlap_s": 0}),
        ("POST", "/v1/slots/{slot}/compare") => json!({"release": 1}),
        ("PUT", "/v1/rules") | ("POST", "/v1/rules/dry-run") => {
            json!({"fields": [{"kind": "item", "field": "title", "owner": ids.connection}]})
        }
        ("PUT", "/v1/price-rules") => json!({"rules": {"mine": {
            "item": ids.record, "currency": "EUR", "pays": {"fixed": {"amount": "1"}},
        }}}),
        ("PUT", "/v1/stock-rules") => json!({"buffers": [{"connection": ids.connection, "hold": {"absolute": "5"}}]}),
        (method, path) => panic!("what does {method} {path} take?"),
    }
}

/// An answer without what the request named itself, and without what differs from one answer to the next.
fn plain(answer: &Answer, ids: &Ids) -> String {
    let mut json = answer.json.clone();
    if let Some(object) = json.as_object_mut() {
        object.remove("instance");
    }
    let text = format!("{} {json}", answer.status);
    let names = [ids.connection, ids.record, ids.slot, &ids.plan, &ids.key];
    names.iter().fold(text, |text, name| text.replace(name, "_"))
}

/// A directory where `acme` has one of everything, and `zeta` nothing.
async fn lived_in() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let stores = store::open(dir.path()).await.unwrap();
    let acme = stores.add_tenant("acme", UnixMs(1)).await.unwrap();
    stores.add_tenant("zeta", UnixMs(1)).await.unwrap();
    let (key, connection) = (RecordKey::new(Kind::Item, "acme-bolt"), ConnectionId(1));
    let mut spec = shop("x", "s")["spec"].clone();
    spec["settings"] = json!({"note": CANARY});
    let moved = BTreeMap::from([("title".to_owned(), (None, Value::from(CANARY)))]);
    let mut batch = Batch::new(UnixMs(1));
    batch.changes = vec![
        Change::NewConnection { name: "acme-shop".to_owned(), spec: serde_json::from_value(spec).unwrap() },
        Change::Truth {
            key: key.clone(),
            truth: Truth { version: 1, ..Truth::default() },
            natural: None,
            basis: String::new(),
        },
        Change::Shadow {
            key: key.clone(),
            connection,
            shadow: Shadow { remote_id: CANARY.to_owned(), ..Shadow::default() },
        },
        Change::Truth {
            key: RecordKey::new(Kind::StockLevel, "acme-bolt"),
            truth: stocked(),
            natural: None,
            basis: String::new(),
        },
        Change::PriceRule { id: "acme-bolt".to_owned(), rule: Some(priced()) },
        Change::Event(Event {
            id: 0,
            at: UnixMs(1),
            key: key.clone(),
            connection: Some(connection),
            what: What::Observed { cause: Cause::Poll, moved, changed_at: None, version: CANARY.to_owned() },
        }),
        Change::Conflict(Conflict {
            id: 0,
            at: UnixMs(1),
            key: key.clone(),
            about: store::About::Field("title".to_owned()),
            claims: BTreeMap::from([("acme-shop".to_owned(), Value::from(CANARY))]),
            outcome: None,
            reason: CANARY.to_owned(),
            policy: String::new(),
        }),
        Change::Debt {
            // Of a record that nothing is decided about: it would be told anew.
            debt: Debt {
                connection,
                key: RecordKey::new(Kind::Item, "acme-nut"),
                truth_version: 1,
                priority: 1,
                due_at: UnixMs(1),
                since: UnixMs(1),
                attempts: 1,
                state: DebtState::Parked,
                last_error: Some(CANARY.to_owned()),
                intent: None,
            },
            token: None,
        },
        // Nobody knows under which terms it was decided: whoever decides it again says so.
        Change::Ruling(Box::new(store::LoggedRuling {
            at: UnixMs(1),
            key: RecordKey::new(Kind::Item, "acme-bolt"),
            terms: CANARY.to_owned(),
            ruling: Ruling::default(),
        })),
        Change::Plan(store::Planned {
            plan: "a".repeat(64),
            connection,
            key: RecordKey::new(Kind::Item, "acme-bolt"),
            priority: 1,
            at: UnixMs(1),
            due_at: UnixMs(1),
            write: store::PlannedWrite {
                remote_id: Some(CANARY.to_owned()),
                truth_version: 1,
                base_version: CANARY.to_owned(),
                fields: BTreeMap::new(),
            },
            waits: None,
            outcome: Some(store::PlanOutcome::Failed { error: CANARY.to_owned() }),
        }),
        Change::Drift(Box::new(store::Drift {
            connection: "acme-shop".to_owned(),
            kind: Kind::Item,
            sweep: 1,
            n: 1,
            key: Some("acme-bolt".to_owned()),
            remote_id: CANARY.to_owned(),
            class: "wrong".to_owned(),
            fields: BTreeMap::new(),
        })),
        Change::Accuracy(store::Accuracy {
            connection: "acme-shop".to_owned(),
            kind: Kind::Item,
            sweep: 1,
            began_at: UnixMs(1),
            at: UnixMs(1),
            asked: true,
            pages: 1,
            records: 1,
            news: 1,
            fields: 1,
            mismatches: BTreeMap::from([(CANARY.to_owned(), 1)]),
            by_field: BTreeMap::from([(CANARY.to_owned(), BTreeMap::new())]),
            drifted: 1,
        }),
    ];
    stores.open(acme.id).await.unwrap().commit(batch).await.unwrap();
    stores.close().await;
    dir
}

/// A stock level of `acme`'s.
fn stocked() -> Truth {
    let field = |value: &str| TruthField::decided(value.into(), 1);
    let fields = [("item", "acme-bolt"), ("location", "acme-main")];
    let fields = fields.map(|(name, value)| (name.to_owned(), field(value))).into();
    Truth { version: 1, fields, deleted_at: None }
}

/// What `acme` asks for it.
fn priced() -> PriceRule {
    let pays = Pays::Fixed { amount: Decimal::ONE, breaks: Vec::new() };
    let (company, item, currency) = (None, Some("acme-bolt".to_owned()), "EUR".to_owned());
    PriceRule { company, item, currency, from: None, until: None, pays }
}

/// Everything that can be read of `acme`, by route.
async fn all_of_acme(house: &House) -> BTreeMap<&'static str, Json> {
    let ids = acmes(&house.acme);
    let mut all = BTreeMap::new();
    for route in routes() {
        let spec = &route.spec;
        // Nothing is compared with what prices.
        let is_there = spec.path != "/v1/slots/{slot}/compare";
        if is_there && spec.method == Method::GET && matches!(spec.access, Access::Tenant(_) | Access::Either(_)) {
            let mut answer = house.get(&naming(spec, &ids).0).await;
            assert_eq!(answer.status, 200, "{}: {answer:?}", spec.path);
            // Nothing can be proposed to a system whose connector is not there.
            let is_its_own = answer.text.contains("acme")
                || answer.text.contains(&ids.plan)
                || ["/v1/plan", "/v1/slots/{slot}/compare/past"].contains(&spec.path);
            assert!(is_its_own, "{} shows nothing of its own: {answer:?}", spec.path);
            // Written down every half minute.
            for key in answer.json["items"].as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
                key.remove("last_used_at");
            }
            all.insert(spec.path, answer.json);
        }
    }
    all
}

/// Keeps a certificate of what `acme` uploaded.
async fn certify(house: &House) {
    let releases = house.get("/v1/slots/pricing:acme/releases").await.json;
    let certificate = Certificate {
        form: certificate::FORM,
        digest: releases["items"][0]["digest"].as_str().unwrap().to_owned(),
        plugin: "acme-pricing".to_owned(),
        against: "netsuite".to_owned(),
        seed: 1,
        connection: BTreeMap::new(),
        kinds: BTreeMap::new(),
        seal: String::new(),
    };
    let body = json!(certificate.sealed());
    let kept = house.post("/v1/slots/pricing:acme/releases/1/certificates", body).await;
    assert!(kept.status < 300, "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t1_t6_no_route_shows_or_changes_what_is_anothers() {
    let house = House::on(lived_in().await, &[], &Wishes::default()).await;
    house.fill(&house.acme, "pricing:acme", "volume-pricing").await;
    certify(&house).await;
    let refused = house.upload("pricing:acme", components().read("shopify").unwrap()).await;
    assert_eq!(refused.code(), (422, "wrong-world"));
    let title = json!({"fields": [{"kind": "item", "field": "title", "owner": "acme-shop"}]});
    let buffer = json!({"buffers": [{"connection": "acme-shop", "hold": {"absolute": "5"}}]});
    for (path, rules) in [("/v1/rules", title), ("/v1/stock-rules", buffer)] {
        assert_eq!(house.call(&house.acme, Method::PUT, path, Body::Json(rules)).await.status, 200, "{path}");
    }
    let before = all_of_acme(&house).await;
    assert!(before.len() >= 14, "only {} routes show something", before.len());

    let (acmes, nobodys) = (acmes(&house.acme), nobodys());
    let bearer = format!("Bearer {}", house.zeta);
    // What only reads comes first: what is written then is the asking tenant's own.
    let mut routes = routes();
    routes.sort_by_key(|it| !it.spec.method.is_safe());
    for route in routes {
        let (spec, name) = (&route.spec, format!("{} {}", route.spec.method, route.spec.path));
        let (theirs, absent) = (naming(spec, &acmes), naming(spec, &nobodys));
        let send = async |(path, body): &(String, Body), tenant: Option<&str>| {
            let named = tenant.map(|it| ("x-tenant", it));
            let headers: Vec<_> = named.into_iter().chain([("authorization", bearer.as_str())]).collect();
            house.send(spec.method.clone(), path, &headers, body.clone()).await
        };
        let seen = send(&theirs, None).await;
        assert!(seen.status < 500, "{name}: {seen:?}");
        let shown = plain(&seen, &acmes);
        assert!(!shown.contains("acme") && !seen.text.contains(CANARY), "{name}: {seen:?}");
        if theirs != absent {
            assert_eq!(shown, plain(&send(&absent, None).await, &nobodys), "{name}");
        }
        let named = send(&theirs, Some("acme")).await;
        match spec.access {
            Access::Public => assert_eq!(named.status, seen.status, "{name}: {named:?}"),
            Access::Operator(_) => assert_eq!(named.code(), (403, "scope-missing"), "{name}: {named:?}"),
            Access::Tenant(_) | Access::Either(_) => assert_eq!(named.code(), (404, "not-found"), "{name}: {named:?}"),
        }
        assert!(!named.text.contains(CANARY), "{name}: {named:?}");
    }
    assert_eq!(all_of_acme(&house).await, before, "something of acme was changed");
    // Nor do the numbers that anybody may read name anybody.
    let metrics = house.send(Method::GET, "/metrics", &[], Body::Nothing).await;
    assert!(metrics.text.contains("http_requests_total") && !metrics.text.contains("acme"), "{}", metrics.text);
}

/// How long `zeta` waits for each of these, as a median. By turns, so that whatever else the machine does falls on both.
async fn took(house: &House, paths: &[String; 2]) -> [Duration; 2] {
    let mut took = [const { Vec::new() }; 2];
    for _ in 0..60 {
        for (path, took) in paths.iter().zip(&mut took) {
            let began = tokio::time::Instant::now();
            house.call(&house.zeta, Method::GET, path, Body::Nothing).await;
            took.push(began.elapsed());
        }
    }
    took.map(|mut it| {
        it.sort_unstable();
        it[it.len() / 2]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn t1_what_is_anothers_takes_no_longer_to_refuse_than_what_is_not_there() {
    let house = House::on(lived_in().await, &[], &Wishes::default()).await;
    let (acmes, nobodys) = (acmes(&house.acme), nobodys());
    let mut compared = 0;
    for route in routes().iter().filter(|it| it.spec.method == Method::GET) {
        let paths = [&acmes, &nobodys].map(|ids| naming(&route.spec, ids).0);
        if paths[0] == paths[1] {
            continue;
        }
        // What takes longer does so every time; what the machine does beside this, not.
        let mut seen = Vec::new();
        for _ in 0..3 {
            let [theirs, absent] = took(&house, &paths).await;
            seen.push(theirs.max(absent).as_secs_f64() / theirs.min(absent).as_secs_f64());
        }
        assert!(seen.iter().any(|apart| *apart < 1.3), "{}: the one takes {seen:?} times the other", route.spec.path);
        compared += 1;
    }
    assert!(compared >= 8, "{compared} routes name something");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_check_fails_stays_off_and_says_why() {
    let world = World::open(&[Product::Shopify], Extent { items: 5, seed: 7 }, Arc::new(MachineClock)).await.unwrap();
    let url = world.urls().remove(0);
    let wishes = Wishes { egress: vec![url.clone()], ..Wishes::default() };
    let house = House::on(tempfile::tempdir().unwrap(), &["acme", "zeta"], &wishes).await;
    house.fill(&house.acme, "connector:shopify", "shopify").await;
    let wrong = json!({"scheme": "shopify-token", "token": "shpat_wrong"});
    for (name, base, auth, word) in [
        ("wrong-key", url.as_str(), wrong, "token"),
        // The operator allowed neither of these.
        ("unsealed", "http://127.0.0.1:9", credentials(Product::Shopify, ""), "https"),
        ("inside", "https://127.0.0.1:9", credentials(Product::Shopify, ""), "not public"),
    ] {
        let mut connection = shop(name, "s");
        connection["spec"]["settings"] = json!({"base-url": base});
        connection["spec"]["egress"] = json!([base]);
        connection["credentials"] = json!({"auth": auth});
        assert_eq!(house.post("/v1/connections", connection).await.status, 201);
        let checked = house.post(&format!("/v1/connections/{name}/check"), Json::Null).await;
        assert_eq!((checked.status, &checked.json["ok"]), (200, &json!(false)), "{checked:?}");
        let shown = house.get(&format!("/v1/connections/{name}")).await.json;
        assert_eq!(shown["state"], "new", "{shown}");
        assert!(shown["trouble"].as_str().unwrap().contains(word), "{shown}");
        let resumed = house.post(&format!("/v1/connections/{name}/resume"), Json::Null).await;
        assert_eq!(resumed.code(), (409, "check-first"));
        assert_eq!(shown["progress"], Json::Null, "it was read from all the same");
    }
    let right = Body::Json(json!({"auth": credentials(Product::Shopify, "")}));
    let put = house.call(&house.acme, Method::PUT, "/v1/connections/wrong-key/credentials", right).await;
    assert_eq!(put.status, 204, "{put:?}");
    let checked = house.post("/v1/connections/wrong-key/check", Json::Null).await;
    assert_eq!((&checked.json["ok"], &checked.json["state"]), (&json!(true), &json!("active")), "{checked:?}");
    assert_eq!(house.get("/v1/connections/wrong-key").await.json["trouble"], Json::Null);
}

/// Everything that is written below a directory, and where.
fn files_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            files.append(&mut files_below(&entry.path()));
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            // What is gone by now is not there.
            files.insert(entry.path(), bytes);
        }
    }
    files
}

/// What of `acme` is still on disk: its files, what names its data, and its component.
fn remains(dir: &Path, component: &str) -> Vec<PathBuf> {
    let has = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|it| it == CANARY.as_bytes());
    let is_its = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(component) || path.parent().unwrap().ends_with("tenants") && name.starts_with("1.")
    };
    files_below(dir).into_iter().filter(|(path, bytes)| has(bytes) || is_its(path)).map(|(path, _)| path).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn t10_of_a_tenant_that_was_ended_nothing_is_left() {
    let house = House::on(lived_in().await, &[], &Wishes::default()).await;
    for key in [&house.acme, &house.zeta] {
        house.fill(key, "pricing:shared", "volume-pricing").await;
    }
    house.fill(&house.acme, "conflict:own", "rank").await;
    let own = house.get("/v1/slots/conflict:own/releases").await.json["items"][0]["digest"].clone();
    let own = own.as_str().unwrap();
    let sealed = json!({"webhook": [{"secret": "s"}]});
    let kept = house.call(&house.acme, Method::PUT, "/v1/connections/acme-shop/credentials", Body::Json(sealed)).await;
    assert!(kept.status < 300, "{kept:?}");
    assert!(remains(house.dir.path(), own).len() >= 4, "{:?}", remains(house.dir.path(), own));

    let operator = house.server.client(None).unwrap();
    operator.delete(&["tenants", "acme"]).await.unwrap();
    assert_eq!(house.get("/v1/records/item/acme-bolt").await.code().0, 401);
    let hook = house.send(Method::POST, "/hooks/acme/acme-shop", &[], Body::Json(json!({}))).await;
    assert_eq!(hook.status, 401, "{hook:?}");
    let again = operator.delete(&["tenants", "acme"]).await.unwrap_err();
    assert!(format!("{again:#}").contains("no such tenant"), "{again:#}");
    crate::until("nothing of the tenant is left", async || remains(house.dir.path(), own).is_empty()).await;

    // Whoever is called so now is somebody else, and the neighbour noticed nothing.
    operator.post(&["tenants"], Some(&json!({"name": "acme"}))).await.unwrap();
    let new = house.server.client(Some("acme")).unwrap();
    assert_eq!(new.get(&["connections"], &[]).await.unwrap()["items"], json!([]));
    assert_eq!(operator.get(&["tenants"], &[]).await.unwrap()["items"][0]["number"], 2);
    assert_eq!(operator.get(&["tenants"], &[]).await.unwrap()["items"][1]["number"], 3);
    let priced = async |house: &House| {
        house.call(&house.zeta, Method::POST, "/v1/price", Body::Json(basket("pricing:shared"))).await.status
    };
    assert_eq!(priced(&house).await, 200);
    // The node dies before anything but the end itself is done: what is left goes at the next start.
    operator.delete(&["tenants", "acme"]).await.unwrap();
    let house = house.killed().await;
    assert!(!files_below(&house.dir.path().join("tenants")).keys().any(|it| {
        let name = it.file_name().unwrap().to_str().unwrap();
        name.starts_with("1.") || name.starts_with("3.")
    }));
    assert_eq!(priced(&house).await, 200);
}
