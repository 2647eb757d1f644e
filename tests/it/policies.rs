//! Second versions of policies beside those that decide.

use serde_json::Value as Json;
use truthsource::demo::world::{Product, code};
use truthsource_simulators::world::{Cell, Deed};
use truthsource_tests::{Stage, components};

use crate::{shell, until};

const SLOT: &str = "conflict:newest";

async fn compared(stage: &Stage) -> Json {
    stage.client.get(&["slots", SLOT, "compare"], &[]).await.unwrap()
}

/// A policy that holds everything for a person is tried beside the one that takes the newest word.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_version_is_asked_what_the_first_is_and_decides_nothing() {
    let stage = Stage::open(crate::program(), 50).await;
    let second = components().0.join("manual-hold.wasm").to_string_lossy().into_owned();
    let (began, said) = shell(&stage, &["plugin", "compare", SLOT, "--with", &second]).await;
    assert!(began && said["asked"] == 0, "{said}");
    let release = said["release"].to_string();

    // Two people call an item otherwise, and neither system knows of the other.
    for (product, title) in
        [(Product::Netsuite, "Bolt, as the office says"), (Product::Shopify, "Bolt, as the shop says")]
    {
        let deed = Deed::Retitle { item: code(3), title: title.to_owned() };
        stage.world.seat(product).unwrap().0.site.act(stage.world.now(), &deed).unwrap();
    }
    until("a disagreement", async || compared(&stage).await["disagreeing"].as_u64() > Some(0)).await;
    stage.quiet().await;

    // The first decided: both systems call it one thing, and nobody is asked.
    let cell = Cell { record: format!("item/{}", code(3).to_lowercase()), field: "title" };
    let titles: Vec<String> = stage.held().iter().map(|it| it[&cell].clone()).collect();
    assert!(titles[0].ends_with("says") && titles[0] == titles[1], "{titles:?}");
    let open = stage.client.get(&["conflicts"], &[("open", "true".to_owned())]).await.unwrap();
    assert_eq!(open["items"], Json::Array(Vec::new()), "{open}");
    // The second would have held it.
    let seen = compared(&stage).await;
    assert_eq!(seen["failed"], 0, "{seen}");
    let example = &seen["examples"][0];
    assert_eq!((&example["key"], &example["field"]), (&code(3).to_lowercase().into(), &"title".into()), "{seen}");

    // What was asked is in the books, and can be asked again.
    let (_, past) = shell(&stage, &["plugin", "compare", SLOT, "--with", &release, "--offline"]).await;
    assert!(past["asked"].as_u64() >= seen["asked"].as_u64() && past["disagreeing"].as_u64() > Some(0), "{past}");

    let (stopped, last) = shell(&stage, &["plugin", "compare", SLOT, "--stop"]).await;
    assert!(stopped && last["asked"].as_u64() >= seen["asked"].as_u64(), "{last}");
    let (is_there, none) = shell(&stage, &["plugin", "compare", SLOT]).await;
    assert!(!is_there, "{none}");
    stage.server.stop().await;
}
