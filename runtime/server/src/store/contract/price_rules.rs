use super::*;

fn put(id: &str, company: Option<&str>, item: Option<&str>) -> Change {
    let of = |it: Option<&str>| it.map(str::to_owned);
    Change::PriceRule { id: id.to_owned(), rule: Some(price_rule(of(company), of(item))) }
}

async fn found(store: &Arc<dyn Inspect>, company: Option<&str>, items: &[&str]) -> Vec<String> {
    let items = items.iter().map(|it| (*it).to_owned()).collect();
    store.price_rules(company, &items).await.unwrap().into_keys().collect()
}

pub async fn rules_are_found_by_whom_and_what_they_name<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    let rules = [
        put("all", None, None),
        put("acme", Some("acme"), None),
        put("bolt", None, Some("bolt")),
        put("both", Some("acme"), Some("bolt")),
        put("other", Some("zeta"), Some("bolt")),
        put("nut", Some("acme"), Some("nut")),
    ];
    commit(&store, 0, rules).await;
    assert_eq!(found(&store, Some("acme"), &["bolt"]).await, ["acme", "all", "bolt", "both"]);
    assert_eq!(found(&store, Some("acme"), &["bolt", "nut"]).await, ["acme", "all", "bolt", "both", "nut"]);
    assert_eq!(found(&store, None, &["bolt"]).await, ["all", "bolt"]);
    assert_eq!(found(&store, Some("zeta"), &[]).await, ["all"]);
    let gone = Change::PriceRule { id: "all".to_owned(), rule: None };
    commit(&store, 1, [gone, put("both", Some("zeta"), None)]).await;
    assert_eq!(found(&store, Some("zeta"), &["bolt"]).await, ["bolt", "both", "other"]);
    let kept = store.price_rules(None, &["bolt".to_owned()].into()).await.unwrap();
    assert_eq!(kept["bolt"], price_rule(None, Some("bolt".to_owned())));
}

pub async fn rules_are_listed_in_pages<P: Place>() {
    let (_place, store) = P::with_tenant().await;
    commit(&store, 0, ["c", "a", "b"].map(|id| put(id, None, None))).await;
    let page =
        async |after: Option<&str>| store.all_price_rules(after, 2).await.unwrap().into_keys().collect::<Vec<_>>();
    assert_eq!(page(None).await, ["a", "b"]);
    assert_eq!(page(Some("b")).await, ["c"]);
}
