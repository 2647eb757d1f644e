//! From the order log to what is promised of a level.

use super::{Commitment, DEMAND_DAYS, Promised};
use crate::Decimal;
use crate::decimal::MANTISSA_MAX;
use crate::plant::{self, Bug};
use crate::record::ConnectionId;
use crate::rules::Rules;

impl Promised {
    /// What is promised of an item at a location. `wants`: what orders want, by the item that they name: the item itself,
    /// and the kits that it is part of. `today`: the day that demand is measured before, where a rule asks for it.
    #[must_use]
    pub fn of<'a>(
        rules: &Rules,
        (item, location): (&str, &str),
        wants: impl IntoIterator<Item = (&'a str, &'a Commitment)>,
        today: Option<u32>,
    ) -> Self {
        let (mut promised, keeper) = (Self::default(), rules.keeper());
        for (named, it) in wants {
            let channel = rules.channel(it);
            let ships_from = channel.and_then(|it| rules.stock.ships_from.get(&it));
            if ships_from.is_some_and(|it| it != location) {
                continue;
            }
            for n in takes(rules, named, item) {
                let open = by(it.open, n);
                match channel.filter(|_| keeper.is_none_or(|keeper| !it.at.contains_key(&keeper))) {
                    Some(_) if plant::on(Bug::SellTwice) => {}
                    Some(channel) => add(&mut promised.unacknowledged, channel, open),
                    None => promised.reserved = plus(promised.reserved, open),
                }
                let is_recent = |today: u32| it.day.is_some_and(|day| day < today && day + DEMAND_DAYS >= today);
                if today.is_some_and(is_recent) {
                    promised.demand = plus(promised.demand, by(it.ordered, n));
                }
            }
            if named == item {
                it.at.iter().for_each(|(connection, open)| add(&mut promised.own, *connection, *open));
            }
        }
        promised
    }
}

/// How many of an item one of what is named takes: it is that, or a kit with it.
fn takes(rules: &Rules, named: &str, item: &str) -> impl Iterator<Item = Decimal> {
    let parts = rules.stock.kits.get(named).map_or(&[][..], Vec::as_slice);
    let of_kit = parts.iter().filter(|it| it.item == item).map(|it| it.quantity);
    (named == item).then_some(Decimal::ONE).into_iter().chain(of_kit.collect::<Vec<_>>())
}

fn add(sums: &mut std::collections::BTreeMap<ConnectionId, Decimal>, connection: ConnectionId, n: Decimal) {
    if n > Decimal::ZERO {
        let sum = sums.entry(connection).or_default();
        *sum = plus(*sum, n);
    }
}

/// What leaves the range is more than anybody has: all is promised.
fn plus(sum: Decimal, n: Decimal) -> Decimal {
    sum.checked_add(n).unwrap_or_else(everything)
}

fn by(n: Decimal, times: Decimal) -> Decimal {
    n.checked_mul(times).unwrap_or_else(everything)
}

fn everything() -> Decimal {
    Decimal::new(MANTISSA_MAX, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use crate::rules::{ConnectionRule, Direction};
    use crate::stock::{Part, Publishes, StockRules};

    const ERP: ConnectionId = ConnectionId(1);
    const SHOP: ConnectionId = ConnectionId(2);
    const WEB: ConnectionId = ConnectionId(3);
    const TODAY: u32 = 20_000;

    fn rules() -> Rules {
        let rule = |name: &str, rank, publishes| ConnectionRule {
            name: name.to_owned(),
            rank,
            kinds: [(Kind::StockLevel, Direction::BOTH)].into(),
            publishes,
            imports: Default::default(),
        };
        let publishes = || Some(Publishes::default());
        let connections =
            [(ERP, rule("erp", 0, None)), (SHOP, rule("shop", 1, publishes())), (WEB, rule("web", 2, publishes()))];
        let part = |item: &str, quantity: i32| Part { item: item.to_owned(), quantity: quantity.into() };
        let kits = [("kit".to_owned(), vec![part("a", 2), part("b", 1)])].into();
        let ships_from = [(WEB, "main".to_owned())].into();
        let stock = StockRules { kits, ships_from, buffers: Vec::new() };
        Rules { connections: connections.into(), fields: Vec::new(), stock }
    }

    fn wants(ordered: i32, open: i32, at: &[(ConnectionId, i32)], day: u32) -> Commitment {
        let at = at.iter().map(|(id, n)| (*id, (*n).into())).collect();
        Commitment { ordered: ordered.into(), open: open.into(), at, day: Some(day) }
    }

    /// `reserved | unacknowledged by channel | own by channel | demand`
    fn check(place: (&str, &str), wanted: &[(&str, Commitment)], expect: &str) {
        let of = Promised::of(&rules(), place, wanted.iter().map(|(item, it)| (*item, it)), Some(TODAY));
        let by = |sums: &std::collections::BTreeMap<ConnectionId, Decimal>| {
            sums.iter().map(|(id, n)| format!("{id}:{n}")).collect::<Vec<_>>().join(" ")
        };
        let shown = format!("{} | {} | {} | {}", of.reserved, by(&of.unacknowledged), by(&of.own), of.demand);
        assert_eq!(shown, expect);
    }

    #[test]
    fn an_order_is_reserved_once_it_is_booked() {
        check(("a", "main"), &[("a", wants(5, 5, &[(SHOP, 5)], TODAY))], "0 | 2:5 | 2:5 | 0");
        check(("a", "main"), &[("a", wants(5, 5, &[(ERP, 5), (SHOP, 5)], TODAY))], "5 |  | 1:5 2:5 | 0");
        // It has left, and the shop was not told yet.
        check(("a", "main"), &[("a", wants(5, 0, &[(ERP, 0), (SHOP, 5)], TODAY))], "0 |  | 2:5 | 0");
    }

    #[test]
    fn an_order_is_of_who_sells_and_not_of_who_books() {
        let mut rules = rules();
        rules.connections.get_mut(&ERP).unwrap().rank = 9;
        let order = wants(5, 5, &[(ERP, 5), (SHOP, 5)], TODAY);
        assert_eq!(rules.channel(&order), Some(SHOP));
        assert_eq!(rules.channel(&wants(5, 5, &[(ERP, 5)], TODAY)), Some(ERP));
        assert_eq!(rules.channel(&wants(5, 5, &[], TODAY)), None);
    }

    #[test]
    fn an_order_is_held_back_where_it_leaves_or_may_leave() {
        let (shop, web) = (wants(5, 5, &[(SHOP, 5)], TODAY), wants(3, 3, &[(WEB, 3)], TODAY));
        check(("a", "main"), &[("a", shop.clone()), ("a", web.clone())], "0 | 2:5 3:3 | 2:5 3:3 | 0");
        check(("a", "outlet"), &[("a", shop), ("a", web)], "0 | 2:5 | 2:5 | 0");
    }

    #[test]
    fn a_kit_that_is_ordered_takes_its_parts() {
        let kit = wants(3, 3, &[(SHOP, 3)], TODAY - 1);
        check(("a", "main"), &[("kit", kit.clone())], "0 | 2:6 |  | 6");
        check(("b", "main"), &[("kit", kit.clone())], "0 | 2:3 |  | 3");
        check(("kit", "main"), &[("kit", kit)], "0 | 2:3 | 2:3 | 3");
    }

    #[test]
    fn demand_is_of_whole_days_and_counts_what_was_ordered() {
        let on = |day: u32| ("a", wants(4, 1, &[], day));
        check(("a", "main"), &[on(TODAY - 1)], "1 |  |  | 4");
        check(("a", "main"), &[on(TODAY)], "1 |  |  | 0");
        check(("a", "main"), &[on(TODAY - 28)], "1 |  |  | 4");
        check(("a", "main"), &[on(TODAY - 29)], "1 |  |  | 0");
    }
}
