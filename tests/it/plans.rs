//! Plans by the command line of the real program: what is shown, and that nothing else is written.

use serde_json::{Value as Json, json};
use truthsource::demo::world::{Product, code};
use truthsource_simulators::faults::Faults;
use truthsource_simulators::world::{Cell, Deed};
use truthsource_tests::Stage;

use crate::shell;

fn retitle(stage: &Stage, product: Product, item: u32, title: &str) {
    let deed = Deed::Retitle { item: code(item), title: title.to_owned() };
    stage.world.seat(product).unwrap().0.site.act(stage.world.now(), &deed).unwrap();
}

/// What the system in this seat calls an item.
fn title_at(stage: &Stage, seat: usize, item: u32) -> String {
    let cell = Cell { record: format!("item/{}", code(item).to_lowercase()), field: "title" };
    stage.held()[seat][&cell].clone()
}

fn title_at_the_shop(stage: &Stage, item: u32) -> String {
    title_at(stage, 1, item)
}

/// A person retitles an item in the shop between plan and apply, and nobody tells us.
#[tokio::test(flavor = "multi_thread")]
async fn p4_a_plan_overwrites_nothing_that_moved_since() {
    let stage = Stage::open(crate::program(), 50).await;
    let mut shop = stage.client.get(&["connections", "shop"], &[]).await.unwrap();
    shop["spec"]["deliver"] = "on-apply".into();
    stage.client.put(&["connections", "shop"], &json!({"spec": shop["spec"]})).await.unwrap();
    let before: Vec<String> = (0..4).map(|item| title_at_the_shop(&stage, item)).collect();
    for item in 0..4 {
        retitle(&stage, Product::Netsuite, item, &format!("Planned {item}"));
    }
    stage.quiet().await;
    let status = stage.client.get(&["status"], &[]).await.unwrap();
    assert_eq!((&status["debts_to_apply"], &status["forecast"][0]["on_apply"]), (&json!(4), &json!(true)), "{status}");
    assert_eq!((0..4).map(|item| title_at_the_shop(&stage, item)).collect::<Vec<_>>(), before, "nothing is written");

    let file = stage.data_dir.join("plan.json").to_str().unwrap().to_owned();
    let (ok, plan) = shell(&stage, &["plan", "--connection", "shop", "--out", &file]).await;
    assert!(ok, "{plan}");
    let writes = plan["writes"].as_array().unwrap();
    assert_eq!(writes.len(), 4, "{plan}");
    let step = &writes[0]["fields"]["title"];
    assert_eq!((&step["from"], &step["to"]), (&json!(before[0]), &json!("Planned 0")));
    assert_eq!((&step["why"]["owner"], &plan["costs"][0]["records"]), (&Json::Null, &json!(4)), "{plan}");
    assert!(step["why"]["policy"].as_str().unwrap().starts_with("conflict:newest@"), "{step}");
    assert!(step["why"]["inputs"].as_array().unwrap().iter().any(|it| it["connection"] == "erp"), "{step}");

    let door = &stage.world.seat(Product::Shopify).unwrap().1.door;
    door.set_faults(Faults { webhook_lost: 1_000, ..Faults::default() });
    retitle(&stage, Product::Shopify, 0, "A person's");
    let (ok, done) = shell(&stage, &["apply", &file]).await;
    assert!(!ok, "it was not all applied: {done}");
    assert_eq!(done["outcomes"], json!({"applied": 3, "moved-at-remote": 1}), "{done}");
    let moved = done["items"].as_array().unwrap().iter().find(|it| it["outcome"] == "moved-at-remote").unwrap();
    let expect = json!({"title": {"from": before[0], "to": "A person's"}});
    assert_eq!((&moved["key"], &moved["detail"]["fields"]), (&writes[0]["key"], &expect));
    let titles = (0..4).map(|item| title_at_the_shop(&stage, item)).collect::<Vec<_>>();
    assert_eq!(titles, ["A person's", "Planned 1", "Planned 2", "Planned 3"]);

    // The second time there is nothing to do, and nothing is done.
    stage.quiet().await;
    let (ok, again) = shell(&stage, &["apply", &file]).await;
    assert_eq!((ok, &again["outcomes"]), (false, &json!({"already-holds": 3, "moved-at-remote": 1})), "{again}");
    assert_eq!(title_at_the_shop(&stage, 0), "A person's");
    // What the person said there was heard, and is the newest word: nothing is owed to the shop.
    let (_, plan) = shell(&stage, &["plan", "--out", &file]).await;
    assert_eq!(plan["writes"], json!([]), "{plan}");
    assert_eq!(title_at(&stage, 0, 0), "A person's");
    stage.server.stop().await;
}
