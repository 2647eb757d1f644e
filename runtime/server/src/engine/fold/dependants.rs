//! What depends on what moved is asked anew: levels on the orders that want them, kits on their parts, and what covers
//! days of demand on the day.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use truthsource_core::fold::FOLLOWS_MS;
use truthsource_core::record::{KeyState, RecordKey};
use truthsource_core::stock::{Commitment, commitments};
use truthsource_core::{Decimal, Kind, UnixMs};

use super::Fold;
use super::supply::level;
use crate::engine::connections::Parties;
use crate::engine::shelf::{Place, day, natural, place_of};
use crate::engine::{Engine, Error};
use crate::store::{Batch, Change};

/// The setting that holds the day on which what depends on it was asked last.
const DAY: &str = "day";

/// Has all that depends on the day asked anew once a day: what is held back by measured demand, and list prices that rules
/// have a say in.
pub(super) async fn break_day(engine: &Engine, parties: &Parties) -> Result<(), Error> {
    let stock = parties.published().filter(|_| parties.rules.measures_demand()).map(|it| (it.id, Kind::StockLevel));
    let prices = parties.told(Kind::Price).filter(|it| it.spec.priced_by.is_some()).map(|it| (it.id, Kind::Price));
    let daily: Vec<_> = stock.chain(prices).collect();
    if daily.is_empty() {
        return Ok(());
    }
    let now = engine.now();
    let today = json!(day(now));
    if engine.store.setting(DAY).await?.as_ref() == Some(&today) {
        return Ok(());
    }
    let mut batch = Batch::new(now);
    batch.changes.extend(daily.into_iter().map(|(connection, kind)| Change::Retell { connection, kind }));
    batch.changes.push(Change::Setting { name: DAY.to_owned(), value: today });
    engine.store.commit(batch).await?;
    Ok(())
}

/// What moved in a fold that others depend on.
#[derive(Default)]
pub(super) struct Moved {
    /// Items that orders want more of than before, or others; and those that they only want less of.
    wanted: BTreeMap<String, bool>,
    /// Levels of which there are more or fewer.
    counted: BTreeSet<Place>,
    /// What was decided with all that in view.
    seen: BTreeSet<RecordKey>,
}

impl Moved {
    /// Notes what moved of a record, and what an order wants now.
    pub fn note(&mut self, fold: &Fold<'_>, before: &KeyState, batch: &mut Batch) {
        let after = fold.folding.state();
        match fold.key.kind {
            Kind::Order => {
                let (was, is) = (commitments(before), commitments(after));
                if was != is {
                    self.compare(&was, &is);
                    batch.changes.push(Change::Commitments { order: fold.key.key.clone(), items: is });
                }
            }
            Kind::StockLevel => {
                let on_hand = |it: &KeyState| it.truth.fields.get("on_hand").map(|it| it.value.clone());
                if on_hand(before) != on_hand(after) {
                    self.counted.extend(level(fold).as_ref().and_then(place_of));
                }
            }
            _ => return,
        }
        self.seen.insert(fold.key.clone());
    }

    fn compare(&mut self, was: &BTreeMap<String, Commitment>, is: &BTreeMap<String, Commitment>) {
        let open = |of: &BTreeMap<String, Commitment>, item| of.get(item).map_or(Decimal::ZERO, |it| it.open);
        for item in was.keys().chain(is.keys()).filter(|it| was.get(*it) != is.get(*it)) {
            *self.wanted.entry(item.clone()).or_default() |= open(is, item) >= open(was, item);
        }
    }

    /// Has every level that depends on what moved asked anew, but for those that were decided in this fold. What has left
    /// is taken from the shelf in the same step as from the order, which is heard about to follow: until then no more is
    /// shown.
    pub async fn retell(self, engine: &Engine, parties: &Parties, batch: &mut Batch) -> Result<(), Error> {
        if parties.published().next().is_none() {
            return Ok(());
        }
        let stock = &parties.rules.stock;
        let (mut now, mut later) = (BTreeSet::new(), BTreeSet::new());
        for (item, is_urgent) in &self.wanted {
            let parts = stock.kits.get(item).into_iter().flatten().map(|it| &it.item).chain([item]);
            let all = parts.flat_map(|it| stock.kits_with(it).map(|(kit, _)| kit).chain([it])).cloned();
            if *is_urgent { now.extend(all) } else { later.extend(all) }
        }
        let kits = self.counted.iter().flat_map(|(item, location)| {
            stock.kits_with(item).filter_map(|(kit, _)| natural(&(kit.clone(), location.clone())))
        });
        let kits: BTreeSet<String> = kits.collect();
        let mut due: BTreeMap<String, UnixMs> = BTreeMap::new();
        for (items, at) in [(later, batch.at.plus(FOLLOWS_MS)), (now, batch.at)] {
            if !items.is_empty() {
                due.extend(engine.store.levels_of(&items).await?.into_iter().map(|key| (key, at)));
            }
        }
        if !kits.is_empty() {
            let found = engine.store.naturals(Kind::StockLevel, &kits).await?;
            due.extend(found.into_values().flatten().map(|key| (key, batch.at)));
        }
        for (key, due_at) in due {
            let key = RecordKey::new(Kind::StockLevel, key);
            if self.seen.contains(&key) {
                continue;
            }
            let retell = |connection| Change::RetellOne { connection, key: key.clone(), due_at };
            batch.changes.extend(parties.published().map(|it| retell(it.id)));
        }
        Ok(())
    }
}
