//! Two systems, the server and the shipped components, end to end.

use truthsource::cli::output::Output;
use truthsource::demo::Demo;
use truthsource::demo::traffic::{Done, Flow, run};
use truthsource::demo::world::{Product, code};
use truthsource_core::Decimal;
use truthsource_simulators::faults::Faults;
use truthsource_simulators::world::{Deed, Price};
use truthsource_tests::{Stage, components};

#[tokio::test(flavor = "multi_thread")]
async fn p1_p2_p6_o2_the_demonstration_finds_nothing_wrong() {
    let demo = Demo {
        systems: Product::ALL.to_vec(),
        items: 60,
        seconds: 4,
        rate: 25,
        seed: 11,
        store: None,
        components: Some(components().0),
        keep: false,
        program: Some(crate::program().to_owned()),
    };
    let report = demo.measure(None, &Output::new(true)).await.unwrap();
    assert_eq!(report.failures(), Vec::<String>::new(), "{report:?}");
    assert!(report.fields_checked > 600 && report.orders.placed > 2 && report.swap.releases == 2, "{report:?}");
    assert!(report.swap.runaway_stopped > 0 && report.e2e_ms.confirmed >= 100, "{report:?}");
}

/// One answer of seven is lost after the request was carried out, at both systems.
#[tokio::test(flavor = "multi_thread")]
async fn p6_lost_answers_make_nothing_twice() {
    let stage = Stage::open(crate::program(), 50).await;
    let lossy = Faults { seed: 3, broken_off: 150, ..Faults::default() };
    stage.world.set_faults(&lossy);
    let flow = Flow { rate: 30, seconds: 4, seed: 5 };
    let done = run(&stage.world, flow, |_| ()).await.unwrap();
    stage.world.set_faults(&Faults::default());
    stage.quiet().await;
    let verdict = stage.judge(&done);
    assert_eq!(verdict.examples, Vec::<String>::new());
    assert!(!done.orders.is_empty());
    assert_eq!((verdict.orders.in_erp, verdict.orders.duplicates), (done.orders.len() as u64, 0));
    stage.server.stop().await;
}

/// What either system finds by searching is three seconds old, and both are polled every second.
#[tokio::test(flavor = "multi_thread")]
async fn p4_searches_that_lag_undo_nothing() {
    let stage = Stage::open(crate::program(), 50).await;
    let lagging = Faults { search_lag_ms: 3_000, ..Faults::default() };
    stage.world.set_faults(&lagging);
    let flow = Flow { rate: 30, seconds: 5, seed: 5 };
    let done = run(&stage.world, flow, |_| ()).await.unwrap();
    // What a search missed is found when a poll reaches back as far as the connectors say that searches may lag.
    stage.quiet().await;
    stage.pass(31_000);
    stage.quiet().await;
    let verdict = stage.judge(&done);
    assert_eq!(verdict.examples, Vec::<String>::new());
    assert_eq!((verdict.orders.in_erp, verdict.orders.duplicates), (done.orders.len() as u64, 0));
    stage.server.stop().await;
}

/// A price list of the shop has neither a time of change nor a webhook: only a full comparison finds what a person
/// did there.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_finds_what_nobody_tells_and_what_it_finds_is_repaired() {
    let stage = Stage::open(crate::program(), 50).await;
    let price = Price { amount: Decimal::new(4_242, 2).unwrap(), breaks: Vec::new() };
    let deed = Deed::Price { list: "wholesale".to_owned(), item: code(0), price };
    stage.world.seat(Product::Shopify).unwrap().0.site.act(stage.world.now(), &deed).unwrap();
    stage.client.post_query(&["connections", "shop", "sweep"], &[("kind", "price".to_owned())]).await.unwrap();
    stage.quiet().await;
    let verdict = stage.judge(&Done::default());
    assert_eq!(verdict.examples, Vec::<String>::new());
    let accuracy = stage.client.get(&["accuracy"], &[]).await.unwrap();
    let figure = accuracy["items"].as_array().unwrap().iter().find(|it| it["kind"] == "price").unwrap();
    assert!(figure["fields"].as_u64().unwrap() > 200 && figure["mismatches"]["wrong"].as_u64() > Some(0), "{figure}");
    stage.server.stop().await;
}

/// Most of the shop's items vanish and no webhook says so. Nothing is taken as deleted before a person has looked.
#[tokio::test(flavor = "multi_thread")]
async fn p7_a_mass_deletion_is_held_until_a_person_believes_it() {
    let stage = Stage::open(crate::program(), 50).await;
    let (shop, port) = stage.world.seat(Product::Shopify).unwrap();
    port.door.set_faults(Faults { webhook_lost: 1_000, ..Faults::default() });
    let gone: Vec<String> = (0..20).map(code).collect();
    for item in &gone {
        shop.site.act(stage.world.now(), &Deed::Delete { item: item.clone() }).unwrap();
    }
    let sweep = [("kind", "item".to_owned())];
    stage.client.post_query(&["connections", "shop", "sweep"], &sweep).await.unwrap();
    stage.quiet().await;
    let deleted = async || {
        let listed = stage.client.get(&["records", "item"], &[]).await.unwrap();
        let mut deleted = 0;
        for record in listed["items"].as_array().unwrap() {
            let record = stage.client.get(&["records", "item", record["key"].as_str().unwrap()], &[]).await.unwrap();
            deleted += usize::from(record["deleted_at"] == "shop");
        }
        deleted
    };
    assert_eq!(deleted().await, 0);
    let open = async || {
        let query = [("open", "true".to_owned())];
        stage.client.get(&["conflicts"], &query).await.unwrap()["items"].as_array().unwrap().clone()
    };
    let held = open().await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert!(
        held[0]["reason"].as_str().unwrap().contains("20 of 50 records were not in a complete reading"),
        "{held:?}"
    );

    let id = held[0]["id"].to_string();
    let body = serde_json::json!({"take": "shop"});
    stage.client.post(&["conflicts", &id, "settle"], Some(&body)).await.unwrap();
    stage.quiet().await;
    // The shop has no authority to delete: what is really gone there is a question of its own for each.
    let open = open().await;
    assert_eq!((deleted().await, open.len()), (0, gone.len()));
    assert!(open.iter().all(|it| it["key"] != "*"), "{open:?}");
    stage.server.stop().await;
}

/// Nobody touches a record: that the connection is to see less of it is reason enough to tell it.
#[tokio::test(flavor = "multi_thread")]
async fn p9_a_changed_buffer_is_held_back_at_once() {
    let stage = Stage::open(crate::program(), 50).await;
    let mut shop = stage.client.get(&["connections", "shop"], &[]).await.unwrap();
    shop["spec"]["publishes"] = serde_json::json!({"absolute": "5"});
    let changed = serde_json::json!({"spec": shop["spec"]});
    stage.client.put(&["connections", "shop"], &changed).await.unwrap();
    stage.quiet().await;
    let held = stage.held();
    let (erp, shop) = (&held[0], &held[1]);
    let levels: Vec<_> = erp.iter().filter(|(cell, _)| cell.field == "on_hand").collect();
    assert!(levels.len() >= 100, "{} levels", levels.len());
    for (cell, on_hand) in levels {
        let expect = (on_hand.parse::<i64>().unwrap() - 5).max(0).to_string();
        assert_eq!(shop.get(cell), Some(&expect), "{} where the ERP has {on_hand}", cell.record);
    }
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_revoked_credentials_stop_the_connection_until_they_are_replaced() {
    let stage = Stage::open_apart(crate::program(), 50).await;
    let erp = &stage.world.seat(Product::Netsuite).unwrap().0.site;
    erp.lock_out(true).unwrap();
    let state = || async { stage.client.get(&["connections", "erp"], &[]).await.unwrap()["state"].clone() };
    let denied = async {
        while state().await != "denied" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), denied).await.unwrap();
    let log = std::fs::read_to_string(stage.data_dir.join("server.log")).unwrap();
    assert_eq!(log.matches("refuses our credentials: the connection stops").count(), 1, "{log}");
    // Nothing is tried any more: what the account refused is all it will have refused.
    let refused = erp.refused_logins();
    assert!(refused < 30, "{refused} refused logins");
    erp.lock_out(false).unwrap();
    let auth = truthsource::demo::account::credentials(Product::Netsuite, "");
    let credentials = serde_json::json!({ "auth": auth });
    stage.client.put(&["connections", "erp", "credentials"], &credentials).await.unwrap();
    stage.quiet().await;
    assert_eq!((state().await, erp.refused_logins()), ("active".into(), refused));
    stage.server.stop().await;
}
