//! Breaks of quantity: special prices that hold for a whole list (of the partner `*1` for list 1), in the period that
//! today is in.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use truthsource_sdk::{Decimal, Fault};

use crate::exact::Exact;
use crate::odata::{Query, literal, plain};
use crate::stamp::date;
use crate::wire::Service;

/// By list and item: the amount from each quantity on.
pub(crate) type Breaks = BTreeMap<(String, String), BTreeMap<Decimal, Decimal>>;

const PAGE: usize = 200;
/// Pages of special prices that one page of prices may need.
const PAGES_MAX: usize = 10;

#[derive(Debug, Clone, Deserialize)]
struct Special {
    #[serde(rename = "CardCode")]
    card: String,
    #[serde(rename = "ItemCode")]
    item: String,
    #[serde(rename = "SpecialPriceDataAreas", default)]
    periods: Vec<Period>,
}

#[derive(Debug, Clone, Deserialize)]
struct Period {
    #[serde(rename = "DateFrom", default)]
    from: Option<String>,
    /// The service spells it like this.
    #[serde(rename = "Dateto", alias = "DateTo", default)]
    to: Option<String>,
    #[serde(rename = "SpecialPriceQuantityAreas", default)]
    quantities: Vec<Quantity>,
}

#[derive(Debug, Clone, Deserialize)]
struct Quantity {
    #[serde(rename = "Quantity", default)]
    from: Option<Exact>,
    #[serde(rename = "SpecialPrice", default)]
    price: Option<Exact>,
}

impl Period {
    fn is_on(&self, today: Date) -> bool {
        let day = |it: &Option<String>| it.as_deref().and_then(date);
        day(&self.from).is_none_or(|it| it <= today) && day(&self.to).is_none_or(|it| today <= it)
    }
}

/// Items that are in the order of the company's own: a range of them.
pub(crate) fn range(first: &str, last: &str) -> Vec<String> {
    vec![format!("ItemCode ge {} and ItemCode le {}", literal(first), literal(last))]
}

/// The breaks of the items of these filters, on the lists that the tenant named.
pub(crate) fn of(service: &Service<'_>, items: &[String]) -> Result<Breaks, Fault> {
    if service.settings.lists.is_empty() {
        return Ok(Breaks::new());
    }
    let cards = service.settings.lists.keys().map(|it| format!("CardCode eq {}", literal(&format!("*{it}"))));
    let cards = format!("({})", cards.collect::<Vec<_>>().join(" or "));
    let mut breaks = Breaks::new();
    for items in items {
        add(service, (&cards, items), &mut breaks)?;
    }
    Ok(breaks)
}

fn add(service: &Service<'_>, (cards, items): (&str, &str), breaks: &mut Breaks) -> Result<(), Fault> {
    let today = service.settings.zone.local(service.ctx.now_ms).date();
    let mut behind = String::new();
    for _ in 0..PAGES_MAX {
        let filter = [cards, items, &behind];
        let query = Query {
            entity: "SpecialPrices",
            select: "CardCode,ItemCode,SpecialPriceDataAreas",
            filter: &filter,
            order: "ItemCode,CardCode",
        };
        let page = service.list::<Special>(&query.path(), PAGE, plain)?;
        let next = page.rows.last().filter(|_| page.more).map(|it| {
            let (item, card) = (literal(&it.item), literal(&it.card));
            format!("(ItemCode gt {item} or (ItemCode eq {item} and CardCode gt {card}))")
        });
        breaks.extend(page.rows.into_iter().filter_map(|it| amounts(it, today)));
        let Some(next) = next else { return Ok(()) };
        behind = next;
    }
    Err(Fault::Protocol("the special prices of one page of prices do not end".to_owned()))
}

fn amounts(special: Special, today: Date) -> Option<((String, String), BTreeMap<Decimal, Decimal>)> {
    let list = special.card.strip_prefix('*')?.to_owned();
    let period = special.periods.into_iter().find(|it| it.is_on(today))?;
    let amount = |it: Quantity| Some((it.from?.0, it.price?.0)).filter(|(from, _)| *from > Decimal::ZERO);
    Some(((list, special.item), period.quantities.into_iter().filter_map(amount).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIAL: &str = r#"{"CardCode":"*1","ItemCode":"A1","Price":11.0,"SpecialPriceDataAreas":[
        {"DateFrom":"2026-01-01T00:00:00Z","Dateto":"2026-10-31T00:00:00Z","SpecialPriceQuantityAreas":[{"Quantity":5.0,"SpecialPrice":9.0}]},
        {"DateFrom":"2026-11-01T00:00:00Z","Dateto":null,"SpecialPriceQuantityAreas":[
            {"Quantity":10.0,"SpecialPrice":10.0,"Discountin":20.0},{"Quantity":100.0,"SpecialPrice":8.9000000000000004}]}]}"#;

    fn check(json: &str, today: &str, expect: Option<&[(&str, &str)]>) {
        let seen = amounts(serde_json::from_str(json).unwrap(), today.parse().unwrap()).map(|(_, it)| it);
        let number = |it: &str| it.parse::<Decimal>().unwrap();
        let expect = expect.map(|it| it.iter().map(|(from, amount)| (number(from), number(amount))).collect());
        assert_eq!(seen, expect, "{today}");
    }

    #[test]
    fn the_period_of_today_counts() {
        check(SPECIAL, "2026-10-31", Some(&[("5", "9")]));
        check(SPECIAL, "2026-11-01", Some(&[("10", "10"), ("100", "8.9")]));
        check(SPECIAL, "2025-12-31", None);
        check(&SPECIAL.replace("*1", "C20000"), "2026-11-01", None);
        check(r#"{"CardCode":"*2","ItemCode":"A1"}"#, "2026-11-01", None);
    }
}
