//! Lines of price lists, and what they come to for one item on one list.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::connector::State;
use truthsource_sdk::kinds::{Break, Price, Record};
use truthsource_sdk::{Decimal, Fault, moment};

use super::books::{Books, Query};
use super::keys;
use super::numbers::Known;
use super::settings::CustomPage;
use crate::odata::Row;

/// A line that counts today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub id: String,
    pub version: String,
    pub from: Decimal,
    pub amount: Decimal,
    /// Whom it is for, as the system spells it; empty where the page does not say.
    pub source: String,
    /// Which group or customer of these; empty: everybody.
    pub group: String,
    /// Empty: the local one.
    pub currency: String,
    pub changed_at_ms: Option<u64>,
}

/// A list's code and an item's number, as the system has them.
pub(crate) type Pair = (String, String);

/// The lines that count today, by pair.
pub(crate) type Lines = BTreeMap<Pair, Vec<Line>>;

/// The company's day at a moment.
pub(crate) fn day(books: &Books<'_>, at_ms: u64) -> String {
    let local = at_ms.saturating_add_signed(books.settings.utc_offset_ms);
    moment::plain(local).get(..10).unwrap_or_default().to_owned()
}

/// Whose price a row is about, whether or not it counts; `None` for what is no item's.
pub(crate) fn pair(page: &CustomPage, row: &Row) -> Option<Pair> {
    let is_item = page.name("type").is_none_or(|it| row.choice(it).is_none_or(|it| it == "Item"));
    let pair = (row.text(page.must("list"))?, row.text(page.must("item"))?);
    is_item.then_some(pair)
}

/// The lines of these items that count today and are for many, and the pairs of those that are for a single customer or a
/// campaign.
pub(crate) fn lines(
    books: &Books<'_>,
    page: &CustomPage,
    items: &BTreeMap<String, Known>,
) -> Result<(Lines, BTreeSet<Pair>), Fault> {
    let numbers = items.keys().map(String::as_str);
    let rows = books.any_of(&page.place, &Query::of(&page.select()), (page.must("item"), true), numbers)?;
    let today = day(books, books.now_ms());
    let (mut lines, mut single) = (Lines::new(), BTreeSet::new());
    for row in &rows {
        let Some((list, number)) = pair(page, row) else { continue };
        let Some(item) = items.get(&number) else { continue };
        let Some(line) = line(page, row, (item, &today))? else { continue };
        let source = page.name("source").and_then(|it| row.choice(it));
        if source.is_none_or(|it| FOR_MANY.contains(&it.as_str())) {
            lines.entry((list, number)).or_default().push(line);
        } else {
            single.insert((list, number));
        }
    }
    Ok((lines, single))
}

/// Whom a price is for, where a list is about more than one customer.
const FOR_MANY: [&str; 3] = ["All", "All Customers", "Customer Price Group"];

/// The line of a row; `None` when it does not count: it is not in force, of a variant, per another unit,
/// or no plain price.
fn line(page: &CustomPage, row: &Row, (item, today): (&Known, &str)) -> Result<Option<Line>, Fault> {
    let text = |field: &str| page.name(field).and_then(|it| row.text(it));
    let day = |field: &str| page.name(field).and_then(|it| row.day(it));
    let is_active = page.name("status").is_none_or(|it| row.choice(it).is_some_and(|it| it == "Active"));
    let has_begun = day("starts").is_none_or(|it| it.as_str() <= today);
    let has_ended = day("ends").is_some_and(|it| it.as_str() < today);
    let is_plain = text("variant").is_none() && item.is_base_unit(text("unit").as_deref());
    // Where a line gives a discount it has no price, or not the one that is charged.
    let discount = page.name("discount").map(|it| row.number(it)).transpose()?.flatten();
    let is_discount = discount.is_some_and(|it| it != Decimal::ZERO);
    if !is_active || !has_begun || has_ended || !is_plain || is_discount {
        return Ok(None);
    }
    let Some(amount) = row.number(page.must("amount"))? else { return Ok(None) };
    let from = page.name("from").map(|it| row.number(it)).transpose()?.flatten().unwrap_or(Decimal::ZERO);
    Ok(Some(Line {
        id: row.must("id")?,
        version: row.etag(),
        from,
        amount,
        source: text("source").unwrap_or_default(),
        group: text("source-number").unwrap_or_default(),
        currency: text("currency").unwrap_or_default(),
        changed_at_ms: page.name("changed").and_then(|it| row.moment(it)),
    }))
}

/// The lines that the price is told of: for everybody, where there are such, or else for the first group by name, and of
/// these in the local currency, or else in the first by name. One price has one currency here, and is for one group.
pub(crate) fn told_of(lines: &[Line]) -> Vec<&Line> {
    let told = lines.iter().map(|it| (&it.group, &it.currency)).min();
    lines.iter().filter(|it| Some((&it.group, &it.currency)) == told).collect()
}

/// What the lines of a pair come to. Where several count from one quantity, the system charges the least.
pub(crate) fn state(books: &Books<'_>, page: &CustomPage, pair: &Pair, item: &Known, lines: &[Line]) -> State {
    let counted = told_of(lines);
    let mut amounts: BTreeMap<Decimal, Decimal> = BTreeMap::new();
    for line in &counted {
        amounts.entry(line.from).and_modify(|it| *it = line.amount.min(*it)).or_insert(line.amount);
    }
    let currency = counted.first().map(|it| it.currency.clone()).filter(|it| !it.is_empty());
    let breaks: Vec<Break> = amounts
        .iter()
        .filter(|(from, _)| **from > Decimal::ZERO)
        .map(|(from, amount)| Break { from: *from, amount: *amount })
        .collect();
    let price = Price {
        list: books.settings.list(&pair.0).into(),
        item: item.id.clone().into(),
        currency: books.settings.currency_of(currency).into(),
        amount: amounts.get(&Decimal::ZERO).copied().into(),
        breaks: if page.name("from").is_some() { breaks.into() } else { truthsource_sdk::Held::Unknown },
    };
    State {
        remote_id: keys::join(&pair.0, &pair.1),
        fields: price.into_fields(),
        version: String::new(),
        changed_at_ms: counted.iter().filter_map(|it| it.changed_at_ms).max(),
        command_key: None,
    }
}

/// The prices of these pairs, and those that have none today.
pub(crate) fn of_pairs(
    books: &Books<'_>,
    page: &CustomPage,
    (pairs, items): (&BTreeSet<Pair>, &BTreeMap<String, Known>),
) -> Result<(Vec<State>, Vec<String>), Fault> {
    let (lines, _) = lines(books, page, items)?;
    let (mut found, mut gone) = (Vec::new(), Vec::new());
    for pair in pairs {
        match (items.get(&pair.1), lines.get(pair)) {
            (Some(item), Some(lines)) => found.push(state(books, page, pair, item, lines)),
            _ => gone.push(keys::join(&pair.0, &pair.1)),
        }
    }
    Ok((found, gone))
}
