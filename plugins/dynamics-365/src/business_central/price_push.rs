//! Writing prices: an item's own is a property of it, a list's is lines.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::kinds::{Price, Record};
use truthsource_sdk::{Decimal, Fault, Held};

use super::batch::{Part, run};
use super::books::Books;
use super::keys;
use super::numbers::{Known, by_id};
use super::price::{BASE, read};
use super::price_line::{self, Line, Lines, Pair};
use super::push::{self, Plan};
use super::settings::{CustomPage, Place};
use crate::odata::Body;
use crate::wire::Written;
use crate::writes::{decide, read_back};

/// Prices to be written: the list's code, the item, and what it is to be.
struct Due<'w> {
    /// Its place among the writes.
    at: usize,
    write: &'w Write,
    pair: Pair,
    price: Price,
}

pub(crate) fn push(books: &Books<'_>, writes: &[Write]) -> Result<Vec<Outcome>, Fault> {
    let wanted = writes.iter().map(|it| Price::from_fields(&it.want)).collect::<Result<Vec<_>, _>>()?;
    let items = by_id(books, wanted.iter().filter_map(|it| it.item.as_ref()).map(String::as_str))?;
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let (mut own, mut listed) = (Vec::new(), Vec::new());
    for (at, (write, price)) in writes.iter().zip(wanted).enumerate() {
        match due(books, &items, (at, write), price) {
            Ok(due) if due.pair.0 == BASE => own.push(due),
            Ok(due) => listed.push(due),
            Err(outcome) => drop(outcomes.insert(at, outcome)),
        }
    }
    let by_number: BTreeMap<String, Known> = items.into_values().map(|it| (it.number.clone(), it)).collect();
    outcomes.extend(set_own(books, &by_number, own)?);
    outcomes.extend(set_listed(books, &by_number, listed)?);
    let decided = |at| outcomes.remove(&at).unwrap_or_else(|| Outcome::Unknown("not decided".to_owned()));
    Ok((0..writes.len()).map(decided).collect())
}

fn due<'w>(
    books: &Books<'_>,
    items: &BTreeMap<String, Known>,
    (at, write): (usize, &'w Write),
    price: Price,
) -> Result<Due<'w>, Outcome> {
    let incomplete = || Outcome::rejected("incomplete", "a price needs a list and an item that exist here");
    let number = &price.item.as_ref().and_then(|it| items.get(it)).ok_or_else(incomplete)?.number;
    let list = price.list.as_ref().ok_or_else(incomplete)?;
    let list = if list.eq_ignore_ascii_case(BASE) { BASE.to_owned() } else { books.settings.list_code(list) };
    let known = write.remote_id.as_deref().and_then(keys::split);
    let pair = known.unwrap_or_else(|| (list, number.clone()));
    if pair.0 == BASE {
        let currency = price.currency.as_ref().filter(|it| **it != books.settings.currency);
        if let Some(currency) = currency {
            let own = &books.settings.currency;
            return Err(Outcome::rejected("foreign-currency", format!("items are priced in {own}, not in {currency}")));
        }
        if price.breaks.as_ref().is_some_and(|it| !it.is_empty()) {
            return Err(Outcome::rejected("no-breaks", "an item's own price has no breaks; a price list has"));
        }
        if price.amount.as_ref().is_none() {
            return Err(Outcome::rejected("incomplete", "an item's own price needs an amount"));
        }
    }
    Ok(Due { at, write, pair, price })
}

struct Own<'b, 'a> {
    books: &'b Books<'a>,
    items: &'b BTreeMap<String, Known>,
}

impl Plan for Own<'_, '_> {
    fn target(&self, write: &Write) -> Result<String, Outcome> {
        if let Some(id) = &write.remote_id {
            return Ok(id.clone());
        }
        let price = Price::from_fields(&write.want).map_err(Outcome::not_written)?;
        let item = self.items.values().find(|it| Some(&it.id) == price.item.as_ref());
        item.map(|it| keys::join(BASE, &it.number)).ok_or_else(|| Outcome::rejected("no-item", "no such item"))
    }

    fn held(&self, targets: &[String]) -> Result<BTreeMap<String, State>, Fault> {
        Ok(read(self.books, targets)?.into_iter().map(|it| (it.remote_id.clone(), it)).collect())
    }

    fn part(&self, write: &Write, _target: &str, held: Option<&State>) -> Result<Part, Outcome> {
        let held_price = held.and_then(|it| Price::from_fields(&it.fields).ok());
        if held_price.as_ref().is_some_and(|it| it.amount == Held::Unknown) {
            let why = "the item's own price includes taxes, and prices are told without";
            return Err(Outcome::rejected("price-includes-tax", why));
        }
        let id = held_price.and_then(|it| it.item.into_option());
        let amount = Price::from_fields(&write.want).ok().and_then(|it| it.amount.into_option());
        match (held, id, amount) {
            (Some(held), Some(id), Some(amount)) => {
                let body = Body::new().number("unitPrice", amount);
                Ok(Part::change(&Place::standard("items"), (&id, &held.version), body))
            }
            _ => Err(Outcome::rejected("no-item", "there is no such item to have a price")),
        }
    }
}

fn set_own(
    books: &Books<'_>,
    items: &BTreeMap<String, Known>,
    own: Vec<Due<'_>>,
) -> Result<Vec<(usize, Outcome)>, Fault> {
    let writes: Vec<Write> = own.iter().map(|it| it.write.clone()).collect();
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let outcomes = push::push(books, &Own { books, items }, &writes)?;
    Ok(own.into_iter().map(|it| it.at).zip(outcomes).collect())
}

fn set_listed(
    books: &Books<'_>,
    items: &BTreeMap<String, Known>,
    listed: Vec<Due<'_>>,
) -> Result<Vec<(usize, Outcome)>, Fault> {
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let Some(page) = &books.settings.price else {
        let refused = || Outcome::rejected("no-price-path", "setting `price-path` is `none`: only items have prices");
        return Ok(listed.iter().map(|it| (it.at, refused())).collect());
    };
    let of_listed: BTreeMap<String, Known> =
        listed.iter().filter_map(|it| items.get(&it.pair.1).map(|known| (it.pair.1.clone(), known.clone()))).collect();
    let (lines, single) = price_line::lines(books, page, &of_listed)?;
    let mut outcomes = Vec::new();
    let (mut sent, mut parts): (Vec<(Due<'_>, usize)>, Vec<Part>) = (Vec::new(), Vec::new());
    for due in listed {
        if single.contains(&due.pair) && !lines.contains_key(&due.pair) {
            let why = "the list has this price for single customers, and for nobody else";
            outcomes.push((due.at, Outcome::rejected("for-one-customer", why)));
            continue;
        }
        match decided(books, page, &of_listed, &lines, &due) {
            Ok(more) => {
                sent.push((due, more.len()));
                parts.extend(more);
            }
            Err(outcome) => outcomes.push((due.at, outcome)),
        }
    }
    let mut written = run(books, &parts).into_iter();
    let mut done = Vec::new();
    for (due, n) in sent {
        match verdict(written.by_ref().take(n).collect()) {
            Some(outcome) => outcomes.push((due.at, outcome)),
            None => done.push(due),
        }
    }
    let pairs: BTreeSet<Pair> = done.iter().map(|it| it.pair.clone()).collect();
    let back = if done.is_empty() {
        Ok(Vec::new())
    } else {
        price_line::of_pairs(books, page, (&pairs, &of_listed)).map(|it| it.0)
    };
    for due in done {
        let id = keys::join(&due.pair.0, &due.pair.1);
        let held = back.as_ref().map(|it| it.iter().find(|it| it.remote_id == id).cloned());
        outcomes.push((due.at, read_back(held.map_err(Clone::clone))));
    }
    Ok(outcomes)
}

/// What a write needs to be sent, or the outcome that it has without.
fn decided(
    books: &Books<'_>,
    page: &CustomPage,
    items: &BTreeMap<String, Known>,
    lines: &Lines,
    due: &Due<'_>,
) -> Result<Vec<Part>, Outcome> {
    let id = keys::join(&due.pair.0, &due.pair.1);
    let held_lines = lines.get(&due.pair).map_or(&[][..], Vec::as_slice);
    let item = items.get(&due.pair.1).ok_or_else(|| Outcome::Stale(Observed::Absent(id.clone())))?;
    let held = (!held_lines.is_empty()).then(|| price_line::state(books, page, &due.pair, item, held_lines));
    if let Some(outcome) = decide(due.write, held.as_ref(), &id) {
        return Err(outcome);
    }
    let counted = price_line::told_of(held_lines);
    if let (Some(line), Some(wanted)) = (counted.first(), due.price.currency.as_ref())
        && books.settings.currency_code(wanted) != line.currency
    {
        return Err(Outcome::rejected(
            "foreign-currency",
            format!("the list has this price in another currency than {wanted}"),
        ));
    }
    parts(books, page, due, &counted)
}

/// Lines that differ are changed, those that are missing are made, and those that are gone are taken away.
fn parts(books: &Books<'_>, page: &CustomPage, due: &Due<'_>, held: &[&Line]) -> Result<Vec<Part>, Outcome> {
    let wanted = amounts(&due.price);
    let mut by_from: BTreeMap<Decimal, &Line> = BTreeMap::new();
    for line in held {
        if by_from.insert(line.from, line).is_some() {
            let why = "two lines price this from one quantity; which of them is to change is for a person to say";
            return Err(Outcome::rejected("ambiguous-lines", why));
        }
    }
    let Some(from) = page.name("from").or_else(|| wanted.keys().all(|it| *it == Decimal::ZERO).then_some("")) else {
        return Err(Outcome::rejected("no-breaks", "the page of price lines has no quantity to price from"));
    };
    let mut parts = Vec::new();
    for (quantity, amount) in &wanted {
        match by_from.get(quantity) {
            Some(line) if line.amount == *amount => {}
            Some(line) => {
                let body = Body::new().number(page.must("amount"), *amount);
                parts.push(Part::change(&page.place, (&line.id, &line.version), body));
            }
            None => {
                let line = new_line(books, page, (due, held.first().copied()), (from, *quantity, *amount));
                parts.push(Part::create(&page.place, line));
            }
        }
    }
    let gone = by_from.iter().filter(|(quantity, _)| !wanted.contains_key(quantity));
    parts.extend(gone.map(|(_, line)| Part::delete(&page.place, (&line.id, &line.version))));
    Ok(parts)
}

/// Beside lines of a group's it is for that group; others are for whoever their list is for.
fn new_line(
    books: &Books<'_>,
    page: &CustomPage,
    (due, beside): (&Due<'_>, Option<&Line>),
    (from, quantity, amount): (&str, Decimal, Decimal),
) -> Body {
    let mut body = Body::new().text(page.must("list"), due.pair.0.as_str());
    let of_group = beside.filter(|it| !it.group.is_empty());
    if let (Some(line), Some(source), Some(number)) = (of_group, page.name("source"), page.name("source-number")) {
        body = body.text(source, line.source.as_str()).text(number, line.group.as_str());
    }
    if let Some(name) = page.name("type") {
        body = body.text(name, "Item");
    }
    body = body.text(page.must("item"), due.pair.1.as_str());
    if let (Some(name), Some(currency)) = (page.name("currency"), due.price.currency.as_ref()) {
        body = body.text(name, books.settings.currency_code(currency));
    }
    if !from.is_empty() {
        body = body.number(from, quantity);
    }
    body.number(page.must("amount"), amount)
}

fn amounts(price: &Price) -> BTreeMap<Decimal, Decimal> {
    let first = price.amount.as_ref().map(|it| (Decimal::ZERO, *it));
    let breaks = price.breaks.as_ref().into_iter().flatten().map(|it| (it.from, it.amount));
    first.into_iter().chain(breaks).collect()
}

/// What became of one price, of which each line was a write of its own; `None`: all of it was carried out. Of one that
/// was carried out in part the next reading says what it holds.
fn verdict(written: Vec<Written>) -> Option<Outcome> {
    let n = written.len();
    let failed: Vec<Outcome> = written
        .into_iter()
        .filter_map(|it| match it {
            Written::Done(_) => None,
            Written::Changed | Written::Gone => Some(Outcome::Retry(None, "a line has changed meanwhile".to_owned())),
            Written::Exists(outcome) | Written::Failed(outcome) => Some(outcome),
        })
        .collect();
    let unknown = failed.iter().find(|it| matches!(it, Outcome::Unknown(_)));
    match (unknown.or(failed.first()), failed.len() == n) {
        (None, _) => None,
        (Some(outcome), true) => Some(outcome.clone()),
        (Some(outcome), false) => Some(Outcome::Unknown(format!("some of its lines were written: {outcome:?}"))),
    }
}
