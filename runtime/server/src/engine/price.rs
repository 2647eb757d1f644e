//! What is paid, resolved when it is asked for: from the rules that may concern it, and the list prices that they name.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::price::{Ask, Break, ListPrice, Pays, PriceRule, Receipt, Unpriced, resolve};
use truthsource_core::record::RecordKey;
use truthsource_core::{Fields, Kind, Value, schema};

use crate::store::{self, TenantStore};

/// What there was to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    /// Rules that name the company or nobody, and one of the items or none.
    pub rules: usize,
    /// Price records that they name.
    pub prices: usize,
}

/// Prices for lines of one customer, and what was looked at: three queries, however many companies and items there are.
///
/// # Errors
/// When the store fails.
pub async fn prices(store: &dyn TenantStore, asks: &[Ask]) -> store::Result<(Vec<Result<Receipt, Unpriced>>, Looked)> {
    let items: BTreeSet<String> = asks.iter().map(|it| it.item.clone()).collect();
    let company = asks.iter().find_map(|it| it.company.as_deref());
    let rules = store.price_rules(company, &items).await?;
    let lists = lists(store, &rules, &items).await?;
    let looked = Looked { rules: rules.len(), prices: lists.values().map(BTreeMap::len).sum() };
    let nothing = BTreeMap::new();
    let price = |ask: &Ask| resolve(ask, &rules, lists.get(&ask.item).unwrap_or(&nothing));
    Ok((asks.iter().map(price).collect(), looked))
}

/// The rules that have a say in the list prices of these items as they are told: those that are everybody's and change
/// them by per cent, by id.
///
/// # Errors
/// When the store fails.
pub async fn published_by(
    store: &dyn TenantStore,
    items: &BTreeSet<String>,
) -> store::Result<BTreeMap<String, PriceRule>> {
    let mut rules = store.price_rules(None, items).await?;
    rules.retain(|_, it| matches!(it.pays, Pays::Percent { .. }));
    Ok(rules)
}

/// By item, what each list says that a rule names.
async fn lists(
    store: &dyn TenantStore,
    rules: &BTreeMap<String, PriceRule>,
    items: &BTreeSet<String>,
) -> store::Result<BTreeMap<String, BTreeMap<String, ListPrice>>> {
    // Two spellings of a list are one list.
    let mut places: BTreeMap<String, Vec<(&String, &String)>> = BTreeMap::new();
    for rule in rules.values() {
        let Pays::List { list, .. } = &rule.pays else { continue };
        for item in items.iter().filter(|it| rule.item.as_ref().is_none_or(|named| named == *it)) {
            if let Some(natural) = natural(list, item) {
                places.entry(natural).or_default().push((item, list));
            }
        }
    }
    let mut lists: BTreeMap<String, BTreeMap<String, ListPrice>> = BTreeMap::new();
    if places.is_empty() {
        return Ok(lists);
    }
    let found = store.naturals(Kind::Price, &places.keys().cloned().collect()).await?;
    let one = found.into_iter().filter_map(|(natural, mut keys)| Some((natural, keys.pop()?)));
    let by_key: BTreeMap<RecordKey, String> =
        one.map(|(natural, key)| (RecordKey::new(Kind::Price, key), natural)).collect();
    for (key, state) in store.states(&by_key.keys().cloned().collect()).await? {
        let named = by_key.get(&key).and_then(|it| places.get(it)).into_iter().flatten();
        let Some(price) = listed(&state.truth.values()) else { continue };
        for (item, list) in named {
            lists.entry((*item).clone()).or_default().insert((*list).clone(), price.clone());
        }
    }
    Ok(lists)
}

fn natural(list: &str, item: &str) -> Option<String> {
    let fields = [("list", list), ("item", item)].map(|(name, key)| (name.to_owned(), Value::from(key)));
    schema::of(Kind::Price).natural_key(&Fields::from(fields))
}

/// What a price record says.
#[must_use]
pub fn listed(truth: &Fields) -> Option<ListPrice> {
    let amount = truth.get("amount")?.as_number()?;
    let currency = truth.get("currency").and_then(Value::as_text).unwrap_or_default().to_owned();
    let rows = if let Some(Value::Rows(rows)) = truth.get("breaks") { rows.as_slice() } else { &[] };
    let breaks = rows.iter().filter_map(|row| {
        let number = |name: &str| row.get(name)?.as_number();
        Some(Break { from: number("from")?, amount: number("amount")? })
    });
    Some(ListPrice { amount, currency, breaks: breaks.collect() })
}
