use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn rule(company: Option<&str>, item: Option<&str>, pays: Pays) -> PriceRule {
    let of = |it: Option<&str>| it.map(str::to_owned);
    PriceRule { company: of(company), item: of(item), currency: "EUR".to_owned(), from: None, until: None, pays }
}

fn list(list: &str, percent: &str) -> Pays {
    Pays::List { list: list.to_owned(), percent: number(percent) }
}

fn fixed(amount: &str) -> Pays {
    Pays::Fixed { amount: number(amount), breaks: Vec::new() }
}

fn percent(percent: &str, from: &str) -> Pays {
    Pays::Percent { percent: number(percent), from_quantity: number(from) }
}

fn lists() -> BTreeMap<String, ListPrice> {
    let price = |amount: &str, breaks: &[(&str, &str)], currency: &str| ListPrice {
        amount: number(amount),
        currency: currency.to_owned(),
        breaks: breaks.iter().map(|(from, amount)| Break { from: number(from), amount: number(amount) }).collect(),
    };
    let lists = [
        ("base", price("12.5", &[("10", "11"), ("100", "9.99")], "EUR")),
        ("gold", price("11.25", &[], "EUR")),
        ("dollar", price("14", &[], "USD")),
    ];
    lists.map(|(name, it)| (name.to_owned(), it)).into()
}

fn ask(quantity: &str) -> Ask {
    let (company, item, currency) = (Some("acme".to_owned()), "bolt".to_owned(), "EUR".to_owned());
    Ask { company, item, quantity: number(quantity), currency, at: UnixMs(1_000) }
}

fn rules(all: &[PriceRule]) -> BTreeMap<String, PriceRule> {
    all.iter().enumerate().map(|(n, it)| (format!("r{n}"), it.clone())).collect()
}

/// `unit price by rule`, and by which other.
fn check(quantity: &str, all: &[PriceRule], expect: &str) {
    let shown = match resolve(&ask(quantity), &rules(all), &lists()) {
        Ok(it) => {
            let adjusted = it.adjusted_by.map(|by| format!(", {by}")).unwrap_or_default();
            format!("{} by {}{adjusted}", it.unit_price, it.rule)
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expect);
}

#[test]
fn a_list_price_goes_down_in_steps() {
    let base = [rule(None, None, list("base", "0"))];
    for (quantity, expect) in [("1", "12.5"), ("9.999999", "12.5"), ("10", "11"), ("99", "11"), ("100", "9.99")] {
        check(quantity, &base, &format!("{expect} by r0"));
    }
    // Half away from zero, once, to cents.
    check("1", &[rule(None, None, list("base", "-0.3"))], "12.46 by r0");
    check("100", &[rule(None, None, list("base", "10"))], "10.99 by r0");
}

#[test]
fn what_is_about_just_this_comes_first() {
    let (everybody, company) = (rule(None, None, list("base", "0")), rule(Some("acme"), None, list("gold", "0")));
    let (item, contract) = (rule(None, Some("bolt"), fixed("5")), rule(Some("acme"), Some("bolt"), fixed("13")));
    check("1", std::slice::from_ref(&everybody), "12.5 by r0");
    check("1", &[everybody.clone(), item.clone()], "5 by r1");
    check("1", &[everybody.clone(), item.clone(), company.clone()], "11.25 by r2");
    // What was agreed counts, though it is dearer.
    check("1", &[everybody.clone(), item.clone(), company.clone(), contract.clone()], "13 by r3");
    // Somebody else's, and something else's.
    let others = [rule(Some("zeta"), Some("bolt"), fixed("1")), rule(Some("acme"), Some("nut"), fixed("1")), everybody];
    check("1", &others, "12.5 by r2");
}

#[test]
fn of_what_is_equally_specific_the_best_counts() {
    check("1", &[rule(None, None, list("base", "0")), rule(None, None, list("gold", "0"))], "11.25 by r1");
    check("1", &[rule(None, None, list("gold", "0")), rule(None, None, fixed("11.25"))], "11.25 by r1");
    check("1", &[rule(None, None, fixed("2")), rule(None, None, fixed("2"))], "2 by r0");
}

#[test]
fn per_cent_are_of_list_prices() {
    let base = || rule(None, None, list("base", "0"));
    check("1", &[base(), rule(None, None, percent("-10", "0"))], "11.25 by r0, r1");
    check(
        "1",
        &[base(), rule(None, None, percent("-10", "0")), rule(Some("acme"), None, percent("-2", "0"))],
        "12.25 by r0, r2",
    );
    check("1", &[base(), rule(None, None, percent("-10", "5"))], "12.5 by r0");
    check(
        "5",
        &[base(), rule(None, None, percent("-10", "5")), rule(None, None, percent("-20", "6"))],
        "11.25 by r0, r1",
    );
    check("1", &[rule(None, None, fixed("12.5")), rule(None, None, percent("-10", "0"))], "12.5 by r0");
}

#[test]
fn p10_per_cent_of_per_cent_are_rounded_once() {
    let of =
        |first: &str, then: &str| [rule(None, None, list("base", first)), rule(Some("acme"), None, percent(then, "0"))];
    // 12.5 less a third, less a third: 5.5555556…
    check("1", &of("-33.333333", "-33.333333"), "5.56 by r0, r1");
    // 12.495, and a little less; rounded before that it were 12.5.
    check("1", &of("-0.04", "-0.000001"), "12.49 by r0, r1");
    check("1", &of("-99.999999", "-99.999999"), "0 by r0, r1");
    let most = [rule(None, None, list("base", "999999999999")), rule(None, None, percent("999999999999", "0"))];
    check("1", &most, "the price of rule r1 has too many digits");
}

#[test]
fn a_currency_is_its_own() {
    let mut dollars = rule(None, None, list("dollar", "0"));
    check("1", std::slice::from_ref(&dollars), "the lists that rules name have no price in EUR: dollar");
    dollars.currency = "USD".to_owned();
    check("1", &[dollars], "no rule gives a price in EUR");
    let yen = PriceRule { currency: "JPY".to_owned(), ..rule(None, None, list("yen", "-33")) };
    let lists = [("yen".to_owned(), ListPrice { amount: 100.into(), currency: "JPY".to_owned(), breaks: Vec::new() })];
    let ask = Ask { currency: "JPY".to_owned(), ..ask("1") };
    let paid = resolve(&ask, &rules(&[PriceRule { pays: list("yen", "-33.4"), ..yen }]), &lists.into()).unwrap();
    assert_eq!(paid.unit_price, 67.into());
}

#[test]
fn a_rule_holds_from_its_first_moment_and_not_at_its_last() {
    let season = PriceRule { from: Some(UnixMs(1_000)), until: Some(UnixMs(2_000)), ..rule(None, None, fixed("1")) };
    let all = rules(&[rule(None, None, fixed("2")), season]);
    for (at, expect) in [(999, 2), (1_000, 1), (1_999, 1), (2_000, 2)] {
        let paid = resolve(&Ask { at: UnixMs(at), ..ask("1") }, &all, &lists()).unwrap();
        assert_eq!(paid.unit_price, expect.into(), "at {at}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let check = |rule: PriceRule, expect: &str| assert_eq!(rule.check().err().unwrap_or("fits"), expect);
    check(rule(None, None, list("base", "-10")), "fits");
    check(rule(None, None, list(" ", "0")), "`list` is a text of 1 to 255 bytes");
    check(rule(None, None, list("base", "-100")), "`percent` is above -100");
    check(rule(None, None, percent("-100.5", "0")), "`percent` is above -100");
    check(rule(None, None, percent("-1", "-1")), "`from_quantity` is at least 0");
    check(rule(None, None, fixed("-1")), "`amount` is at least 0, with at most 6 digits after the point");
    let breaks = |froms: &[i32]| {
        let breaks = froms.iter().map(|it| Break { from: (*it).into(), amount: 1.into() }).collect();
        rule(None, None, Pays::Fixed { amount: 1.into(), breaks })
    };
    check(breaks(&[5, 10]), "fits");
    check(breaks(&[10, 5]), "`breaks` ascend by `from`, which is above 0");
    check(breaks(&[0]), "`breaks` ascend by `from`, which is above 0");
    check(PriceRule { currency: "eur".to_owned(), ..breaks(&[]) }, "`currency` is three capital letters");
    check(PriceRule { from: Some(UnixMs(2)), until: Some(UnixMs(2)), ..breaks(&[]) }, "`from` is before `until`");
}

prop_compose! {
    fn any_rule()(
        company in prop::option::of(prop::sample::select(vec!["acme", "zeta"])),
        item in prop::option::of(prop::sample::select(vec!["bolt", "nut"])),
        from in prop::option::of(0u64..2_000), long in prop::option::of(1u64..2_000),
        form in 0u8..4, n in 1i64..2_000, quantity in 1i32..20,
    ) -> PriceRule {
        let cents = Decimal::new(n, 2).unwrap();
        let pays = match form {
            0 => list("base", "0"),
            1 => Pays::List { list: "gold".to_owned(), percent: Decimal::new(n - 1_000, 2).unwrap() },
            2 => Pays::Fixed { amount: cents, breaks: vec![Break { from: quantity.into(), amount: cents }] },
            _ => Pays::Percent { percent: Decimal::new(n - 1_000, 2).unwrap(), from_quantity: quantity.into() },
        };
        let until = from.zip(long).map(|(from, long)| UnixMs(from + long));
        PriceRule { from: from.map(UnixMs), until, ..rule(company, item, pays) }
    }
}

proptest! {
    #[test]
    fn p10_what_has_nothing_to_do_with_it_changes_nothing(
        all in prop::collection::vec(any_rule(), 0..12), quantity in 1i32..30,
    ) {
        let ask = Ask { quantity: quantity.into(), ..ask("1") };
        let whole = rules(&all);
        let seen = resolve(&ask, &whole, &lists());
        let about = |it: &PriceRule| {
            it.company.as_deref() != Some("zeta") && it.item.as_deref() != Some("nut") && it.holds(ask.at)
        };
        let fewer = whole.into_iter().filter(|(_, it)| about(it)).collect();
        prop_assert_eq!(resolve(&ask, &fewer, &lists()), seen);
    }

    #[test]
    fn a_price_is_never_below_zero_and_says_where_it_is_from(
        all in prop::collection::vec(any_rule(), 1..12), quantity in 1i32..30,
    ) {
        let ask = Ask { quantity: quantity.into(), ..ask("1") };
        let all = rules(&all);
        if let Ok(paid) = resolve(&ask, &all, &lists()) {
            prop_assert!(!paid.unit_price.is_negative());
            prop_assert!(paid.unit_price.parts().1 <= 6);
            prop_assert!(all.contains_key(&paid.rule));
            let is_fixed = matches!(all[&paid.rule].pays, Pays::Fixed { .. });
            prop_assert!(!is_fixed || paid.unit_price == paid.base && paid.adjusted_by.is_none());
        }
    }

    #[test]
    fn another_rule_of_the_same_weight_never_makes_it_dearer(
        all in prop::collection::vec(any_rule(), 1..8), amount in 1i64..2_000,
    ) {
        // What is everybody's and of every item, as before, but for one more fixed price.
        let plain = |it: &PriceRule| it.company.is_none() && it.item.is_none() && !matches!(it.pays, Pays::Percent { .. });
        let mut all: Vec<PriceRule> = all.into_iter().filter(plain).collect();
        let before = resolve(&ask("1"), &rules(&all), &lists());
        all.push(rule(None, None, Pays::Fixed { amount: Decimal::new(amount, 2).unwrap(), breaks: Vec::new() }));
        let after = resolve(&ask("1"), &rules(&all), &lists()).unwrap();
        prop_assert!(before.is_err() || after.unit_price <= before.unwrap().unit_price);
    }
}
