use proptest::prelude::*;

use super::*;
use crate::record::ConnectionId;

const SHOP: ConnectionId = ConnectionId(2);
const WEB: ConnectionId = ConnectionId(3);

fn promised(reserved: i32, unacknowledged: i32) -> Promised {
    let unacknowledged = [(WEB, Decimal::from(unacknowledged))].into();
    Promised { reserved: reserved.into(), unacknowledged, ..Promised::default() }
}

fn check(on_hand: i32, taken: i32, (absolute, percent): (i32, i32), cap: Option<i32>, expect: i32) {
    let cap = cap.map(Decimal::from);
    let buffer = Buffer { absolute: absolute.into(), percent: percent.into(), cap, ..Buffer::default() };
    let free = free(on_hand.into(), &promised(taken, 0), &buffer);
    assert_eq!(told(free, cap, Decimal::ZERO, Tells::OnHand), expect.into());
}

#[test]
fn a_buffer_is_held_back() {
    check(100, 0, (0, 0), None, 100);
    check(100, 20, (5, 0), None, 75);
    check(100, 0, (5, 10), None, 90);
    check(101, 0, (0, 10), None, 90);
    check(100, 0, (0, 100), None, 0);
    check(3, 0, (5, 0), None, 0);
    check(-3, 0, (0, 0), None, 0);
    check(100, 0, (0, 0), Some(7), 7);
    check(5, 0, (0, 0), Some(7), 5);
}

#[test]
fn days_of_cover_are_of_measured_demand() {
    let cover = |demand: i32, days: &str| {
        let buffer = Buffer { cover_days: days.parse().unwrap(), ..Buffer::default() };
        let promised = Promised { demand: demand.into(), ..Promised::default() };
        told(free(100.into(), &promised, &buffer), None, Decimal::ZERO, Tells::OnHand)
    };
    // 56 in 28 days are two a day.
    assert_eq!(cover(56, "7"), 86.into());
    assert_eq!(cover(56, "0"), 100.into());
    // 29 in 28 days: of two days' worth, 2.07, the third is held back whole.
    assert_eq!(cover(29, "2"), 97.into());
    assert_eq!(cover(0, "30"), 100.into());
    assert_eq!(cover(5_600, "7"), 0.into());
}

#[test]
fn a_system_is_told_what_its_quantity_means() {
    // 100 are there; its own buyers want 30, those of others 20: 50 may be sold.
    let free = free(100.into(), &promised(30, 20), &Buffer::default());
    assert_eq!(told(free, None, 30.into(), Tells::Available), 50.into());
    assert_eq!(told(free, None, 30.into(), Tells::OnHand), 80.into());
    assert_eq!(told(free, Some(10.into()), 30.into(), Tells::OnHand), 40.into());
    // More is promised than there is: 40 of its own and 80 of others, of 100.
    let short = super::free(100.into(), &promised(40, 80), &Buffer::default());
    assert_eq!(told(short, None, 40.into(), Tells::OnHand), 20.into());
    assert_eq!(told(short, None, 40.into(), Tells::Available), 0.into());
    assert_eq!(told(None, None, 40.into(), Tells::OnHand), 0.into());
}

/// The words of the domain's stock, through the rules: two locations, a kit, a shop and another channel.
mod examples {
    use super::*;
    use crate::rules::{ConnectionRule, Direction, Rules};
    use crate::stock::{BufferRule, Part, Publishes, StockRules};
    use crate::{Fields, Kind, Value};

    fn rules(publishes: Publishes, stock: StockRules) -> Rules {
        let rule = |name: &str, publishes| ConnectionRule {
            name: name.to_owned(),
            rank: 1,
            kinds: [(Kind::StockLevel, Direction::BOTH)].into(),
            publishes,
            imports: Default::default(),
        };
        let connections = [(ConnectionId(1), rule("erp", None)), (SHOP, rule("shop", Some(publishes)))].into();
        Rules { connections, fields: Vec::new(), stock }
    }

    fn level(item: &str, on_hand: Option<i32>) -> Fields {
        let mut level = Fields::from([("item".to_owned(), item.into()), ("location".to_owned(), "main".into())]);
        level.extend(on_hand.map(|it| ("on_hand".to_owned(), Value::Number(it.into()))));
        level
    }

    fn supplied(on_hand: i32, reserved: i32) -> Supplied {
        Supplied { on_hand: on_hand.into(), promised: promised(reserved, 0) }
    }

    fn kit() -> StockRules {
        let part = |item: &str, quantity: i32| Part { item: item.to_owned(), quantity: quantity.into() };
        StockRules { kits: [("kit".to_owned(), vec![part("a", 2), part("b", 1)])].into(), ..StockRules::default() }
    }

    fn of_kit(publishes: Publishes, parts: &[(&str, Supplied)]) -> Option<Decimal> {
        let parts = parts.iter().map(|(item, it)| ((*item).to_owned(), it.clone())).collect();
        rules(publishes, kit()).published(SHOP, &level("kit", Some(999)), &Supply { parts, ..Supply::default() })
    }

    #[test]
    fn a_kit_is_the_minimum_of_its_parts() {
        let plain = Publishes::default;
        assert_eq!(of_kit(plain(), &[("a", supplied(9, 0)), ("b", supplied(7, 0))]), Some(4.into()));
        assert_eq!(of_kit(plain(), &[("a", supplied(9, 0)), ("b", supplied(7, 4))]), Some(3.into()));
        assert_eq!(of_kit(plain(), &[("a", supplied(9, 20)), ("b", supplied(7, 0))]), Some(0.into()));
        // A part that nobody stocks there.
        assert_eq!(of_kit(plain(), &[("a", supplied(9, 0))]), Some(0.into()));
        // What is held back of parts is not held back again of the kit; its cap is its own.
        let held = Publishes { absolute: 5.into(), ..plain() };
        assert_eq!(of_kit(held, &[("a", supplied(25, 0)), ("b", supplied(70, 0))]), Some(10.into()));
        let capped = Publishes { cap: Some(3.into()), ..plain() };
        assert_eq!(of_kit(capped, &[("a", supplied(25, 0)), ("b", supplied(70, 0))]), Some(3.into()));
    }

    #[test]
    fn the_first_buffer_that_fits_counts() {
        let rule = |item: Option<&str>, location: Option<&str>, absolute: i32| BufferRule {
            connection: Some(SHOP),
            item: item.map(str::to_owned),
            location: location.map(str::to_owned),
            hold: Buffer { absolute: absolute.into(), ..Buffer::default() },
        };
        let buffers = vec![rule(Some("a"), None, 10), rule(None, Some("outlet"), 100), rule(None, Some("main"), 20)];
        let rules = rules(
            Publishes { absolute: 30.into(), ..Publishes::default() },
            StockRules { buffers, ..StockRules::default() },
        );
        let shown = |item: &str| rules.published(SHOP, &level(item, Some(100)), &Supply::default());
        assert_eq!((shown("a"), shown("b")), (Some(90.into()), Some(80.into())));
        assert_eq!(rules.published(ConnectionId(1), &level("a", Some(100)), &Supply::default()), None);
        assert_eq!(rules.published(SHOP, &level("a", None), &Supply::default()), None, "nobody knows how many");
    }

    proptest! {
        #[test]
        fn a_kit_never_takes_more_of_a_part_than_is_free(
            a in -50i32..500, b in -50i32..500, reserved in 0i32..100, absolute in 0i32..20,
        ) {
            let publishes = Publishes { absolute: absolute.into(), ..Publishes::default() };
            let kits = of_kit(publishes, &[("a", supplied(a, reserved)), ("b", supplied(b, 0))]).unwrap();
            let (of_a, of_b) = (((a - reserved - absolute) / 2).max(0), (b - absolute).max(0));
            prop_assert_eq!(kits, Decimal::from(of_a.min(of_b)));
        }
    }
}

prop_compose! {
    fn anything()(
        on_hand in -1000i32..1000, reserved in 0i32..500, open in 0i32..500, own in 0i32..500, demand in 0i32..900,
        absolute in 0i32..200, percent in 0i32..=100, cover in 0i32..40, cap in prop::option::of(0i32..300),
    ) -> (Decimal, Promised, Buffer) {
        let own = [(SHOP, Decimal::from(own.min(reserved + open)))].into();
        let promised = Promised { own, demand: demand.into(), ..promised(reserved, open) };
        let cap = cap.map(Decimal::from);
        let buffer = Buffer { absolute: absolute.into(), percent: percent.into(), cover_days: cover.into(), cap };
        (on_hand.into(), promised, buffer)
    }
}

proptest! {
    #[test]
    fn p9_never_above_what_can_be_sold((on_hand, promised, buffer) in anything(), available in any::<bool>()) {
        let tells = if available { Tells::Available } else { Tells::OnHand };
        let taken = promised.reserved + promised.unacknowledged().unwrap();
        let sellable = on_hand - taken;
        let told = told(free(on_hand, &promised, &buffer), buffer.cap, promised.own(SHOP), tells);
        // What it may sell is what it is told less what it takes off itself.
        let sold = if available { told } else { told - promised.own(SHOP) };
        let held = buffer.absolute.max(sellable.max(Decimal::ZERO) * buffer.percent * Decimal::new(1, 2).unwrap());
        prop_assert!(sold <= (sellable - held).max(Decimal::ZERO));
        prop_assert!(buffer.cap.is_none_or(|cap| sold <= cap));
        prop_assert!(!told.is_negative());
    }

    #[test]
    fn more_on_hand_never_shows_less((on_hand, promised, buffer) in anything(), more in 1i32..50) {
        let shown = |on_hand| told(free(on_hand, &promised, &buffer), buffer.cap, promised.own(SHOP), Tells::OnHand);
        prop_assert!(shown(on_hand) <= shown(on_hand + more.into()));
    }

    #[test]
    fn an_order_of_its_own_changes_nothing_that_a_shop_is_told(
        on_hand in 0i32..1000, own in 0i32..500, absolute in 0i32..100,
    ) {
        let buffer = Buffer { absolute: absolute.into(), ..Buffer::default() };
        let shown = |own: i32| told(free(on_hand.into(), &promised(0, own), &buffer), None, own.into(), Tells::OnHand);
        prop_assert_eq!(shown(own), shown(0));
    }
}
