//! What buyers are quoted, worked out a second time from what the owner's system holds and the rules as they were written,
//! and by nothing of the engine's (P10).

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::price::{Ask, Pays, PriceRule, Receipt, digits};
use truthsource_core::record::{KeyState, RecordKey};
use truthsource_core::{Decimal, Kind, UnixMs};
use truthsource_simulators::world::Held;

use super::coverage::Moment;
use super::notes::Notes;
use super::plan::{Tariff, WARE};
use crate::engine::price::prices;
use crate::store::{About, Conflict, TenantStore};

/// The currency of all lists of a run.
const CURRENCY: &str = "USD";
/// Quantities that are asked for, on both sides of every break.
const QUANTITIES: [i64; 4] = [1, 9, 10, 5_000];
/// Millionths: amounts and per cent have at most six digits after the point.
const MILLION: i128 = 1_000_000;
/// A hundred per cent.
const WHOLE: i128 = 100 * MILLION;

/// What lists say: amounts by list, code and the quantity from which they hold, all in millionths.
type Lists = BTreeMap<(String, String), BTreeMap<i128, i128>>;

/// Asks for prices of everything that the owner's lists have, for every company and for nobody, and compares.
///
/// # Errors
/// When the store fails.
pub async fn check(
    store: &dyn TenantStore,
    (owner, open): (&Held, &[Conflict]),
    (tariff, now): (&Tariff, UnixMs),
    notes: &mut Notes,
) -> anyhow::Result<()> {
    let lists = lists(owner);
    let keys = keys(store).await?;
    let codes: BTreeSet<&String> = lists.keys().map(|(_, code)| code).collect();
    let items = codes.into_iter().filter_map(|code| Some((code, keys.get(code)?)));
    let items: Vec<(&String, &String)> = items.filter(|it| !open.iter().any(|open| waits(open, *it))).collect();
    let named = tariff.values().filter_map(|it| it.company.clone()).map(Some);
    let companies: BTreeSet<Option<String>> = named.chain([None]).collect();
    for company in companies {
        let ask = |key: &String, quantity: i64| Ask {
            company: company.clone(),
            item: key.clone(),
            quantity: Decimal::new(quantity, 0).unwrap_or_default(),
            currency: CURRENCY.to_owned(),
            at: now,
        };
        let asks: Vec<(&String, Ask)> =
            items.iter().flat_map(|(code, key)| QUANTITIES.map(|n| (*code, ask(key, n)))).collect();
        let (quoted, _) = prices(store, &asks.iter().map(|it| it.1.clone()).collect::<Vec<Ask>>()).await?;
        for ((code, ask), quoted) in asks.iter().zip(quoted) {
            let counter = Counter { ask, code, tariff, lists: &lists };
            let (said, expect) = (quoted.as_ref().ok().map(|it| it.unit_price), counter.price());
            let explained = quoted.as_ref().ok().and_then(|it| counter.explained(it));
            if said != expect {
                notes.broke(format!("P10: {} is quoted {quoted:?}, and {expect:?} is paid", counter.told()));
            } else if explained != expect {
                notes.broke(format!("P10: {} is quoted {quoted:?}, of which {explained:?} comes", counter.told()));
            } else if said.is_some() {
                notes.reach(Moment::Quoted);
            }
        }
    }
    Ok(())
}

/// Systems may hold anything of the item, until a person has said what counts.
fn waits(open: &Conflict, (code, key): (&String, &String)) -> bool {
    match open.key.kind {
        // Deletions of many are not believed, be they of which items they may.
        _ if open.about == About::Mass => code.starts_with(&WARE.to_lowercase()),
        Kind::Item => open.key.key == *key,
        Kind::Price => open.key.key.split_once('@').is_some_and(|(_, item)| item == key),
        _ => false,
    }
}

/// Keys of items by their codes in lower case: one that got another code keeps its key.
async fn keys(store: &dyn TenantStore) -> anyhow::Result<BTreeMap<String, String>> {
    let known = store.records(Kind::Item, None, 10_000).await?;
    let states = store.states(&known.into_iter().map(|it| RecordKey::new(Kind::Item, it)).collect()).await?;
    let there = states.into_iter().filter(|(_, it)| it.truth.deleted_at.is_none());
    let code = |(key, state): (RecordKey, KeyState)| {
        Some((state.truth.values().get("code")?.as_text()?.to_lowercase(), key.key))
    };
    Ok(there.filter_map(code).collect())
}

fn lists(owner: &Held) -> Lists {
    let mut lists = Lists::new();
    for (cell, value) in owner {
        let Some((list, item)) = cell.record.strip_prefix("price/").and_then(|it| it.split_once('/')) else { continue };
        let amounts = lists.entry((list.to_owned(), item.to_lowercase())).or_default();
        match cell.field {
            "amount" => drop(amounts.insert(0, millionths(value))),
            "breaks" => amounts.extend(value.split(' ').filter_map(|row| {
                let (from, amount) = row.split_once(':')?;
                Some((millionths(from), millionths(amount)))
            })),
            _ => {}
        }
    }
    lists.retain(|_, amounts| amounts.contains_key(&0));
    lists
}

/// An amount of whole millionths.
fn millionths(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    // What is none of that equals nothing that anybody is quoted.
    format!("{whole}{part:0<6}").parse().ok().filter(|_| part.len() <= 6).unwrap_or(i128::from(i64::MIN))
}

fn of(decimal: Decimal) -> i128 {
    millionths(&decimal.to_string())
}

/// A price to begin with: millionths of millionths of a hundredth.
struct Begun {
    said: i128,
    /// The quantity from which that holds; 0: the first.
    from: i128,
    exact: i128,
    listed: bool,
}

/// Where it is worked out.
struct Counter<'a> {
    ask: &'a Ask,
    /// What the item is called in lists, in lower case.
    code: &'a str,
    tariff: &'a Tariff,
    lists: &'a Lists,
}

impl<'a> Counter<'a> {
    /// Rules that count, the most special first: about this company and this item, the company, the item, nobody.
    fn tiers(&self) -> [Vec<&'a PriceRule>; 4] {
        let ask = self.ask;
        let tier = |(company, item): (bool, bool)| {
            let fits = |it: &&PriceRule| {
                let is_mine =
                    if company { it.company.is_some() && it.company == ask.company } else { it.company.is_none() };
                let is_its = if item { it.item.as_ref() == Some(&ask.item) } else { it.item.is_none() };
                let begun = it.from.is_none_or(|from| ask.at.0 >= from.0);
                let over = it.until.is_some_and(|until| ask.at.0 >= until.0);
                is_mine && is_its && begun && !over && it.currency == ask.currency
            };
            self.tariff.values().filter(fits).collect()
        };
        [(true, true), (true, false), (false, true), (false, false)].map(tier)
    }

    /// What a rule gives to begin with.
    fn begin(&self, rule: &PriceRule) -> Option<Begun> {
        let quantity = of(self.ask.quantity);
        match &rule.pays {
            Pays::Fixed { amount, breaks } => {
                let reached = breaks.iter().rfind(|it| of(it.from) <= quantity);
                let (from, said) = reached.map_or((0, of(*amount)), |it| (of(it.from), of(it.amount)));
                Some(Begun { said, from, exact: said * WHOLE, listed: false })
            }
            Pays::List { list, percent } => {
                let amounts = self.lists.get(&(list.clone(), self.code.to_owned()))?;
                let (from, said) = amounts.range(..=quantity).next_back().map(|(from, said)| (*from, *said))?;
                Some(Begun { said, from, exact: said * (WHOLE + of(*percent)), listed: true })
            }
            Pays::Percent { .. } => None,
        }
    }

    fn percent(&self, rule: &PriceRule) -> Option<i128> {
        match rule.pays {
            Pays::Percent { percent, from_quantity } if of(from_quantity) <= of(self.ask.quantity) => Some(of(percent)),
            _ => None,
        }
    }

    /// What is paid by the rules; `None` where they say nothing.
    fn price(&self) -> Option<Decimal> {
        let tiers = self.tiers();
        let begun = tiers.iter().map(|tier| tier.iter().filter_map(|it| self.begin(it)).collect::<Vec<_>>());
        let first = begun.into_iter().find(|it| !it.is_empty())?;
        // Of equal ones a fixed price counts.
        let begun = first.into_iter().min_by_key(|it| (it.exact, it.listed))?;
        let percent = tiers.iter().find_map(|tier| tier.iter().filter_map(|it| self.percent(it)).min());
        rounded(&begun, percent.filter(|_| begun.listed).unwrap_or(0))
    }

    /// What is asked, with the names of the records that it is about.
    fn told(&self) -> String {
        let Ask { company, quantity, .. } = self.ask;
        let lists = self.lists.keys().filter(|(_, code)| code == self.code);
        let lists: Vec<String> = lists.map(|(list, code)| format!("price/{list}/{code}")).collect();
        format!("{quantity} of item/{} for {company:?} by {:?} of {lists:?}", self.code, self.tariff)
    }

    /// What comes of a receipt alone and of the rules that it names, where they and the lists say what it says.
    fn explained(&self, receipt: &Receipt) -> Option<Decimal> {
        let rule = self.tariff.get(&receipt.rule)?;
        let list = if let Pays::List { list, .. } = &rule.pays { Some(list) } else { None };
        let begun = self.begin(rule)?;
        let from = (begun.from > 0).then_some(begun.from);
        if begun.said != of(receipt.base) || receipt.list.as_ref() != list || receipt.from_quantity.map(of) != from {
            return None;
        }
        let percent = match &receipt.adjusted_by {
            Some(id) => self.percent(self.tariff.get(id)?)?,
            None => 0,
        };
        rounded(&begun, percent)
    }
}

/// Rounded once, half up, to the digits of the currency or of the list, whichever are more.
fn rounded(begun: &Begun, percent: i128) -> Option<Decimal> {
    let exact = begun.exact * (WHOLE + percent);
    let spelled = (0..=6).find(|places| begun.said % 10_i128.pow(6 - places) == 0)?;
    let places = spelled.max(digits(CURRENCY));
    let unit = WHOLE * WHOLE * 10_i128.pow(6 - places);
    let whole = (2 * exact + unit) / (2 * unit);
    Decimal::new(i64::try_from(whole).ok()?, places).ok()
}

#[cfg(test)]
mod tests {
    use truthsource_core::price::Break;
    use truthsource_simulators::world::Cell;

    use super::*;

    fn rule(company: Option<&str>, item: Option<&str>, pays: Pays) -> PriceRule {
        let (company, item) = (company.map(str::to_owned), item.map(str::to_owned));
        PriceRule { company, item, currency: CURRENCY.to_owned(), from: None, until: None, pays }
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_paid_is_worked_out_by_hand() {
        let cell = |field: &'static str| Cell::named("price/base/BOLT-1".to_owned(), field).unwrap();
        let owner: Held =
            [(cell("amount"), "12.51".to_owned()), (cell("breaks"), "10:9.5 100:9.125".to_owned())].into();
        let lists = lists(&owner);
        let list = |percent: &str| Pays::List { list: "base".to_owned(), percent: decimal(percent) };
        let less = |percent: &str, from: u32| Pays::Percent { percent: decimal(percent), from_quantity: from.into() };
        let fixed =
            Pays::Fixed { amount: decimal("12"), breaks: vec![Break { from: 10.into(), amount: decimal("8.4") }] };
        let tariff: Tariff = [
            ("all".to_owned(), rule(None, None, list("0"))),
            ("ten".to_owned(), rule(None, None, less("-10", 10))),
            ("mine".to_owned(), rule(Some("c-1"), None, list("12.345"))),
            ("mine and its".to_owned(), rule(Some("c-2"), Some("bolt-1"), fixed)),
        ]
        .into();
        let paid = |company: Option<&str>, quantity: u32| {
            let (company, quantity) = (company.map(str::to_owned), quantity.into());
            let at = UnixMs(0);
            let ask = Ask { company, item: "bolt-1".to_owned(), quantity, currency: CURRENCY.to_owned(), at };
            Counter { ask: &ask, code: "bolt-1", tariff: &tariff, lists: &lists }.price().unwrap().to_string()
        };
        // 9.5 less a tenth; 9.125 less a tenth is 8.2125, and three digits are the list's.
        assert_eq!([1, 10, 100].map(|n| paid(None, n)), ["12.51", "8.55", "8.213"]);
        // 12.51 and 12.345 per cent are 14.0543595; 9.5 so much more and a tenth less are 9.60549…
        assert_eq!([1, 10].map(|n| paid(Some("c-1"), n)), ["14.05", "9.61"]);
        assert_eq!([1, 10].map(|n| paid(Some("c-2"), n)), ["12", "8.4"]);
    }
}
