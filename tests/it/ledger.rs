//! What drifts silently is found, whole; and everything that was decided can be decided again from the log.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use truthsource::demo::latency::{Mark, since};
use truthsource::demo::setup::TENANT;
use truthsource::demo::traffic::{Flow, run};
use truthsource::demo::world::{Product, code};
use truthsource::store::control::ControlStore as _;
use truthsource::store::{Batch, Change, TenantStore as _, open};
use truthsource_core::record::RecordKey;
use truthsource_core::{Decimal, Kind, UnixMs};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::journal::Actor;
use truthsource_simulators::world::{Cell, Deed, Price};
use truthsource_tests::Stage;

/// The newest sweep of the shop's prices.
async fn newest(stage: &Stage) -> Json {
    let query = [("kind", "price".to_owned())];
    stage.client.get(&["connections", "shop", "sweeps"], &query).await.unwrap()["items"][0].clone()
}

/// Sweeps the shop's prices and repairs what is found.
async fn swept(stage: &Stage) -> Json {
    let before = newest(stage).await["sweep"].as_u64();
    stage.client.post_query(&["connections", "shop", "sweep"], &[("kind", "price".to_owned())]).await.unwrap();
    loop {
        stage.quiet().await;
        let newest = newest(stage).await;
        if newest["state"] == "done" && newest["sweep"].as_u64() > before {
            return newest;
        }
    }
}

/// Nobody tells of a price list of the shop, and no time of change is kept there.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_drifted_is_found_with_the_pages_of_one_full_read() {
    let stage = Stage::open(crate::program(), 50).await;
    let mark = Mark::now(&stage.world.seats);
    let first = swept(&stage).await;
    assert!(first["fields"].as_u64() > Some(100) && first["drifted"] == 0 && first["news"] == 0, "{first}");
    let written =
        |mark: &Mark| since(&stage.world.seats, mark).into_iter().filter(|(_, it)| it.actor == Actor::Api).count();
    assert_eq!(written(&mark), 0, "a sweep that finds nothing writes nothing");

    let drifted = [3, 17, 31, 44].map(code);
    for item in &drifted {
        let price = Price { amount: Decimal::new(4_242, 2).unwrap(), breaks: Vec::new() };
        let deed = Deed::Price { list: "wholesale".to_owned(), item: item.clone(), price };
        stage.world.seat(Product::Shopify).unwrap().0.site.act(stage.world.now(), &deed).unwrap();
    }
    let second = swept(&stage).await;
    assert_eq!(second["drifted"], drifted.len(), "{second}");
    assert!(second["by_field"]["amount"]["wrong"] == drifted.len() && second["lower_95"].is_f64(), "{second}");
    let pages = |it: &Json| it["pages"].as_f64().unwrap();
    assert!(pages(&second) <= 1.1 * pages(&first), "{first} {second}");

    let path = ["connections", "shop", "sweeps", "price", &second["sweep"].to_string()];
    let found = stage.client.get(&path, &[]).await.unwrap();
    let keys: Vec<&str> = found["items"].as_array().unwrap().iter().filter_map(|it| it["key"].as_str()).collect();
    let is_found = |item: &String| keys.iter().any(|it| it.contains(&item.to_lowercase()));
    assert!(drifted.iter().all(is_found) && keys.len() == drifted.len(), "{found}");
    // What a price is has no owner: the newest word counts, and the ERP is told.
    assert!(found["items"].as_array().unwrap().iter().all(|it| it["outcome"] == "accepted"), "{found}");
    let [erp, shop] = &stage.held()[..] else { panic!("two systems") };
    for item in &drifted {
        let cell = Cell { record: format!("price/wholesale/{}", item.to_lowercase()), field: "amount" };
        assert_eq!((erp[&cell].as_str(), shop[&cell].as_str()), ("42.42", "42.42"), "{cell:?}");
    }
    let timeline = stage.client.list(&["records", "price", keys[0], "timeline"], &[], 500).await.unwrap();
    let told: Vec<&str> = timeline["items"].as_array().unwrap().iter().filter_map(|it| it["event"].as_str()).collect();
    let last = |event: &str| told.iter().rposition(|it| *it == event);
    assert!(last("diverged").is_some() && last("diverged") < last("confirmed"), "{told:?}");
    stage.server.stop().await;
}

/// What `truthsource rebuild` says, and whether it ended well.
fn rebuild(data_dir: &Path, more: &[&str]) -> (bool, Json) {
    let mut command = Command::new(crate::program());
    command.args(["rebuild", "--json", "--tenant", TENANT, "--data-dir"]).arg(data_dir).args(more);
    let output = command.output().unwrap();
    let said = serde_json::from_slice(&output.stdout);
    (output.status.success(), said.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))))
}

/// Answers are lost on the way, people work at both systems; then one row is forged.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_comes_out_the_same_and_a_forged_row_is_named() {
    let stage = Stage::open_apart(crate::program(), 40).await;
    stage.world.set_faults(&Faults { seed: 3, broken_off: 150, ..Faults::default() });
    run(&stage.world, Flow { rate: 30, seconds: 3, seed: 5 }, |_| ()).await.unwrap();
    stage.world.set_faults(&Faults::default());
    stage.quiet().await;
    let replayed = [("from", "2000-01-01T00:00:00Z".to_owned()), ("to", "2100-01-01T00:00:00Z".to_owned())];
    let replayed = stage.client.get(&["replay"], &replayed).await.unwrap();
    assert!(replayed["decisions"].as_u64() > Some(50) && replayed["torn"] == serde_json::json!([]), "{replayed}");
    let listed = stage.client.get(&["records", "item"], &[]).await.unwrap();
    let key = RecordKey::new(Kind::Item, listed["items"][3]["key"].as_str().unwrap());
    stage.server.stop().await;

    let (is_good, seen) = rebuild(&stage.data_dir, &[]);
    assert!(is_good && seen["equal"] == true && seen["records"].as_u64() > Some(200), "{seen}");
    assert_eq!(seen["stored_sha256"], seen["rebuilt_sha256"]);

    let stores = open(&stage.data_dir).await.unwrap();
    let tenant = stores.tenant(TENANT).await.unwrap().unwrap();
    let store = stores.tenant_store(tenant.id).await.unwrap();
    let mut state = store.states(&[key.clone()].into()).await.unwrap().remove(&key).unwrap();
    state.truth.fields.get_mut("title").unwrap().value = "forged".into();
    let forged = Change::Restate { key: key.clone(), state: Box::new(state), natural: Some(key.key.clone()) };
    store.commit(Batch { changes: vec![forged], ..Batch::new(UnixMs(0)) }).await.unwrap();
    drop(store);
    stores.close().await;

    let (is_good, seen) = rebuild(&stage.data_dir, &[]);
    assert!(!is_good && seen["differing"] == 1, "{seen}");
    let first = &seen["differences"][0];
    assert_eq!((&first["key"]["key"], &first["part"]), (&Json::from(key.key), &Json::from("truth")));
    let (is_good, mended) = rebuild(&stage.data_dir, &["--write"]);
    assert!(is_good && mended["written"] == 1 && Path::new(mended["backup"].as_str().unwrap()).is_file(), "{mended}");
    let (is_good, again) = rebuild(&stage.data_dir, &[]);
    assert!(is_good && again["rebuilt_sha256"] == seen["rebuilt_sha256"], "{again}");
}
