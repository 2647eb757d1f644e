//! Prices.

use super::*;

fn priced(price: &str, version: &str) -> String {
    format!(
        r#"{{"@odata.etag":"{version}","ItemCode":"A1","ItemPrices":[{{"PriceList":1,"Price":{price},"Currency":"$"}},
            {{"PriceList":2,"Price":9.0,"Currency":"$"}}]}}"#
    )
}

fn price(amount: &str) -> Fields {
    fields(&[("list", text("base")), ("item", text("A1")), ("currency", text("USD")), ("amount", number(amount))])
}

#[test]
fn a_price_is_written_through_its_item() {
    let script = script().answer("GET", ITEM, 200, &priced("12.5", "W/1")).answer("PATCH", ITEM, 204, "").answer(
        "GET",
        ITEM,
        200,
        &priced("12.9", "W/2"),
    );
    let outcome = push(&script, &ctx(), Kind::Price, write(Some("1:A1"), price("12.9"), price("12.5")));
    assert!(matches!(&outcome, Outcome::Applied(it) if it.fields["amount"] == number("12.9")), "{outcome:?}");
    assert_eq!(script.body(1), r#"{"ItemPrices":[{"PriceList":1,"Price":12.9,"Currency":"$"}]}"#);
    assert!(script.sent()[1].headers.contains(&("if-match".to_owned(), "W/1".to_owned())));
}

#[test]
fn a_price_of_nothing_is_none_and_a_first_one_takes_its_place() {
    let create =
        |script: &Script, amount: &str| push(script, &ctx(), Kind::Price, write(None, price(amount), Fields::new()));
    let first = script().answer("GET", ITEM, 200, &priced("0.0", "W/1")).answer("PATCH", ITEM, 204, "").answer(
        "GET",
        ITEM,
        200,
        &priced("12.9", "W/2"),
    );
    assert!(matches!(create(&first, "12.9"), Outcome::Applied(it) if it.remote_id == "1:A1"));
    assert!(matches!(create(&script(), "0"), Outcome::Rejected(it) if it.code == "no-amount"));
    let there = script().answer("GET", ITEM, 200, &priced("11", "W/1"));
    assert!(matches!(create(&there, "12.9"), Outcome::Stale(Observed::Present(_))));
    let none = script().answer(
        "GET",
        "Items?$select=ItemCode,ItemPrices",
        200,
        &format!(r#"{{"value":[{}]}}"#, priced("0.0", "W/1")),
    );
    let seen = SapB1::read(&none, &ctx(), Kind::Price, &["1:A1".to_owned()], false).unwrap();
    assert_eq!(seen, [Observed::Absent("1:A1".to_owned())]);
}

#[test]
fn prices_come_with_the_breaks_of_their_lists() {
    let rows = r#"{"value":[{"ItemCode":"A1","PriceList":1,"Price":12.5,"Currency":"$"}]}"#;
    let special = r#"{"value":[{"CardCode":"*1","ItemCode":"A1","SpecialPriceDataAreas":[{"DateFrom":"2026-11-01",
        "Dateto":null,"SpecialPriceQuantityAreas":[{"Quantity":10.0,"SpecialPrice":10.0}]}]}]}"#;
    let filter = "$filter=(CardCode%20eq%20'%2A1')%20and%20ItemCode%20ge%20'A1'%20and%20ItemCode%20le%20'A1'";
    let script = script().answer("GET", "/List?item=''&list=0", 200, rows).answer("GET", filter, 200, special);
    let page = SapB1::pull(&script, &ctx_with(&[("quantity-breaks", "yes")]), Kind::Price, None, 0).unwrap();
    let [Observed::Present(state)] = &page.entries[..] else { panic!("{page:?}") };
    assert_eq!(state.remote_id, "1:A1");
    assert_eq!(state.fields["breaks"], Value::Json(r#"[{"from":"10","amount":"10"}]"#.to_owned()));
    assert_eq!(state.fields["currency"], text("USD"));
}
