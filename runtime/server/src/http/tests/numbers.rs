//! What the node says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use truthsource_core::record::{ConnectionId, RecordKey};
use truthsource_core::{Kind, UnixMs};

use super::*;
use crate::store::{Debt, DebtState};

const README: &str = include_str!("../../../../../README.md");

/// What a scrape says: a name with its labels, and the number.
type Samples = BTreeMap<String, f64>;

impl House {
    async fn scrape(&self) -> String {
        let request = Request::get("/metrics").header("host", "x").body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    async fn samples(&self) -> Samples {
        let text = self.scrape().await;
        let lines = text.lines().filter(|it| !it.is_empty() && !it.starts_with('#'));
        let parse = |line: &str| {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            (sample.to_owned(), value.parse().unwrap())
        };
        lines.map(parse).collect()
    }

    fn owe(&self, key: &str, state: DebtState) {
        self.acme.debts.lock().unwrap().push(Debt {
            connection: ConnectionId(1),
            key: RecordKey::new(Kind::Item, key),
            truth_version: 1,
            priority: 3,
            due_at: UnixMs(0),
            since: UnixMs(self.world.app.clock.now().0 - 90_500),
            attempts: 0,
            state,
            last_error: None,
            intent: None,
        });
    }
}

/// The names in a scrape, each of which has a type.
fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|it| it.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// The names in the table of README.md.
fn documented() -> BTreeSet<&'static str> {
    let section = README.split("\n## ").find(|it| it.starts_with("Metrics")).unwrap();
    section.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next()).collect()
}

#[tokio::test]
async fn a_scrape_has_what_is_documented_and_nothing_else() {
    crate::telemetry::count();
    let house = House::new().await;
    // Whatever else is counted when it happens.
    let hook = Request::post("/hooks/acme/none").body(Body::from("{}")).unwrap();
    assert_eq!(house.send(hook).await.status, 401);
    let text = house.scrape().await;
    let names = names(&text);
    assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), documented());
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name stands twice: {text}");
    // Anybody may read it.
    assert!(!text.contains("acme") && !text.contains("zeta"), "{text}");
}

#[tokio::test]
async fn a_scrape_says_what_waits_and_how_busy_the_engines_are() {
    let house = House::new().await;
    house.owe("a", DebtState::Due);
    house.owe("b", DebtState::Due);
    house.owe("c", DebtState::Parked);
    house.world.app.roster.end(TenantId(2));
    let seen = house.samples().await;
    for (sample, expect) in [
        (r#"tenant_debts{tenant="1",state="open"}"#, 2.0),
        (r#"tenant_debts{tenant="1",state="parked"}"#, 1.0),
        (r#"tenant_debts{tenant="2",state="open"}"#, 0.0),
        (r#"tenant_oldest_debt_age_seconds{tenant="1"}"#, 90.5),
        (r#"tenant_oldest_debt_age_seconds{tenant="2"}"#, 0.0),
        (r#"tenant_webhooks_waiting{tenant="1"}"#, 0.0),
        (r#"tenant_entries_unfolded{tenant="1"}"#, 0.0),
        (r#"tenant_conflicts_open{tenant="1"}"#, 0.0),
        (r#"tenant_worked_for{tenant="1"}"#, 1.0),
        (r#"tenant_worked_for{tenant="2"}"#, 0.0),
        (r#"component_calls_total{engine="rules",outcome="ok"}"#, 2.0),
        (r#"component_calls_total{engine="rules",outcome="out-of-fuel"}"#, 1.0),
        (r#"component_places_free{engine="connectors"}"#, 128.0),
        (r#"worker_failures_total{worker="folder"}"#, 0.0),
        ("tenants_unread", 0.0),
    ] {
        assert_eq!(seen.get(sample), Some(&expect), "{sample}: {seen:#?}");
    }
}

#[tokio::test]
async fn however_many_ask_the_stores_are_asked_every_few_seconds() {
    let house = House::new().await;
    let open = async |house: &House| house.samples().await[r#"tenant_debts{tenant="1",state="open"}"#];
    assert_eq!(open(&house).await, 0.0);
    house.owe("a", DebtState::Due);
    assert_eq!(open(&house).await, 0.0);
    assert!(house.samples().await["backlog_reading_age_seconds"] > 0.0);
}

#[tokio::test]
async fn a_node_whose_workers_are_not_all_at_work_says_so() {
    let house = House::new().await;
    house.world.app.roster.end(TenantId(2));
    let answer = house.send(Request::get("/readyz").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, json!({"status": "degraded", "tenants_standing_still": 1}))
    );
}

#[tokio::test]
async fn s9_where_there_is_no_place_to_read_callers_are_sent_away_and_told_when_to_come_again() {
    let house = House::new().await;
    let look = async |path: &str| house.send(Request::get(path).body(Body::empty()).unwrap()).await;
    // Of one tenant's data: its callers are, and nobody else; the node is ready.
    house.acme.broken.store(true, Ordering::SeqCst);
    let answer = house.get("/v1/records/item").await;
    assert_eq!((answer.code(), &answer.headers["retry-after"]), ((503, "unavailable"), &"1".parse().unwrap()));
    let others = house.call(&house.other, Method::GET, "/v1/records/item", Json::Null).await;
    assert_eq!([others.status.as_u16(), look("/readyz").await.status.as_u16()], [200, 200]);
    // Of what says who is who: the process is alive, and not ready.
    house.world.control.broken.store(true, Ordering::SeqCst);
    let answer = look("/readyz").await;
    assert_eq!((answer.code(), &answer.headers["retry-after"]), ((503, "unavailable"), &"1".parse().unwrap()));
    assert_eq!(look("/healthz").await.status, 200);
    house.acme.broken.store(false, Ordering::SeqCst);
    house.world.control.broken.store(false, Ordering::SeqCst);
    assert_eq!(
        [look("/readyz").await.status, house.get("/v1/records/item").await.status].map(|it| it.as_u16()),
        [200, 200]
    );
}

#[tokio::test]
async fn u1_an_upload_that_came_at_a_bad_moment_is_to_come_again() {
    let house = House::new().await;
    let upload = Request::post("/v1/slots/pricing/releases").header("content-type", "application/wasm");
    let upload = upload.header("authorization", format!("Bearer {}", house.key));
    let answer = house.send(upload.body(Body::from("busy")).unwrap()).await;
    assert_eq!((answer.code(), &answer.headers["retry-after"]), ((503, "busy"), &"1".parse().unwrap()));
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}
