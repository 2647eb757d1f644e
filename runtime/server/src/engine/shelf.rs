//! What other records say about stock that is published: orders want some of it, and kits are made of it.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::record::RecordKey;
use truthsource_core::rules::Rules;
use truthsource_core::stock::{Commitment, DEMAND_DAYS, Promised, Supplied, Supply};
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value, schema};

use crate::store::{self, Commitments, TenantStore};

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;

/// No key is behind it.
const LAST: &str = "\u{10ffff}";

/// The day of a moment, counted from 1970.
#[must_use]
pub fn day(at: UnixMs) -> u32 {
    u32::try_from(at.0 / DAY_MS).unwrap_or(u32::MAX)
}

/// When the day of a moment began.
#[must_use]
pub fn day_began(at: UnixMs) -> UnixMs {
    UnixMs(at.0 - at.0 % DAY_MS)
}

/// An item at a location.
pub type Place = (String, String);

/// Which level these fields are of, as far as that is known.
#[must_use]
pub fn place_of(level: &Fields) -> Option<Place> {
    let text = |name: &str| level.get(name)?.as_text().map(str::to_owned);
    Some((text("item")?, text("location")?))
}

/// The natural key of a level.
#[must_use]
pub fn natural((item, location): &Place) -> Option<String> {
    let fields = [("item", item), ("location", location)];
    let fields = fields.map(|(name, key)| (name.to_owned(), Value::from(key.as_str())));
    schema::of(Kind::StockLevel).natural_key(&Fields::from(fields))
}

/// What is decided and not stored yet: it counts instead of what is.
#[derive(Default)]
pub struct Undecided {
    /// What orders want, by their key.
    pub orders: BTreeMap<String, BTreeMap<String, Commitment>>,
    /// Levels, and how many there are.
    pub levels: BTreeMap<Place, Option<Decimal>>,
}

/// What is known of some levels and of what kits are made of.
pub struct Shelf<'a> {
    rules: &'a Rules,
    wants: Commitments,
    on_hand: BTreeMap<Place, Decimal>,
    /// Where a rule asks for demand.
    today: Option<u32>,
}

impl<'a> Shelf<'a> {
    /// Looks at what there is to know of these levels: in as many queries for one as for all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look(
        store: &dyn TenantStore,
        rules: &'a Rules,
        levels: &BTreeSet<Place>,
        (mut news, now): (Undecided, UnixMs),
    ) -> store::Result<Self> {
        let parts: BTreeSet<Place> = levels.iter().flat_map(|it| parts_of(rules, it)).collect();
        let stocked = levels.iter().chain(&parts).map(|(item, _)| item);
        let named = stocked.flat_map(|item| rules.stock.kits_with(item).map(|(kit, _)| kit).chain([item]));
        let today = rules.measures_demand().then(|| day(now));
        let since = today.map(|it| it.saturating_sub(DEMAND_DAYS));
        let mut wants = store.commitments(&named.cloned().collect(), since).await?;
        wants.retain(|(_, order), _| !news.orders.contains_key(order));
        for (order, items) in news.orders {
            wants.extend(items.into_iter().map(|(item, it)| ((item, order.clone()), it)));
        }
        news.levels.retain(|place, _| parts.contains(place));
        let on_hand = on_hand(store, &parts, news.levels).await?;
        Ok(Self { rules, wants, on_hand, today })
    }

    /// What is known of one of the levels.
    #[must_use]
    pub fn supply(&self, place: &Place) -> Supply {
        let parts = parts_of(self.rules, place).filter_map(|part| {
            let on_hand = *self.on_hand.get(&part)?;
            let promised = self.promised(&part);
            Some((part.0, Supplied { on_hand, promised }))
        });
        Supply { promised: self.promised(place), parts: parts.collect() }
    }

    fn promised(&self, (item, location): &Place) -> Promised {
        let named = self.rules.stock.kits_with(item).map(|(kit, _)| kit).chain([item]);
        let of = |named: &String| self.wants.range((named.clone(), String::new())..=(named.clone(), LAST.to_owned()));
        let wants = named.flat_map(of).map(|((item, _), it)| (item.as_str(), it));
        Promised::of(self.rules, (item, location), wants, self.today)
    }
}

/// The levels that a level of a kit is made of.
fn parts_of<'a>(rules: &'a Rules, (item, location): &'a Place) -> impl Iterator<Item = Place> + 'a {
    let parts = rules.stock.kits.get(item).into_iter().flatten();
    parts.map(move |it| (it.item.clone(), location.clone()))
}

/// How many there are of each, as far as that is known.
async fn on_hand(
    store: &dyn TenantStore,
    places: &BTreeSet<Place>,
    mut known: BTreeMap<Place, Option<Decimal>>,
) -> store::Result<BTreeMap<Place, Decimal>> {
    let rest: BTreeMap<String, &Place> =
        places.iter().filter(|it| !known.contains_key(*it)).filter_map(|it| Some((natural(it)?, it))).collect();
    if !rest.is_empty() {
        let found = store.naturals(Kind::StockLevel, &rest.keys().cloned().collect()).await?;
        let one = found.into_iter().filter_map(|(natural, mut keys)| Some((natural, keys.pop()?)));
        let by_key: BTreeMap<RecordKey, String> =
            one.map(|(natural, key)| (RecordKey::new(Kind::StockLevel, key), natural)).collect();
        let states = store.states(&by_key.keys().cloned().collect()).await?;
        for (key, state) in states {
            if let Some(place) = by_key.get(&key).and_then(|natural| rest.get(natural)) {
                known.insert((*place).clone(), count(&state.truth.values()));
            }
        }
    }
    Ok(known.into_iter().filter_map(|(place, count)| Some((place, count?))).collect())
}

/// How many there are.
#[must_use]
pub fn count(level: &Fields) -> Option<Decimal> {
    level.get("on_hand").and_then(Value::as_number)
}
