//! What writes to orders took from the stock of the system they were sent to.
//!
//! Such a write moves stock by a difference, and one to the stock itself leaves a value. Which of the two came first
//! decides what is there, so that of an item only one of them is under way at a time ([`UnderWay`]): while its answer is
//! not known, the other waits.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::taken;
use truthsource_core::plant::{self, Bug};
use truthsource_core::record::{Cause, ConnectionId, Entry, Observed};
use truthsource_core::{Decimal, Fields, Kind, UnixMs, Value, schema};
use truthsource_host::model::Outcome;

use super::address::Links;
use super::deliver::{Ready, Sent};
use super::{Engine, Error};
use crate::store::{Batch, Change, Debt, Intent};

/// The items of which a connection's stock is moved by writes that have not come to an end.
#[derive(Default)]
pub(super) struct UnderWay {
    /// By writes to orders.
    along: BTreeSet<String>,
    /// By writes to the stock itself.
    set: BTreeSet<String>,
}

impl UnderWay {
    /// What was begun at the connection, if anything that is to be begun has to know.
    pub async fn at(engine: &Engine, connection: ConnectionId, intended: &[(Debt, Intent)]) -> Result<Self, Error> {
        let mut under_way = Self::default();
        if intended.iter().all(|(debt, intent)| moved(debt.key.kind, intent).is_empty()) {
            return Ok(under_way);
        }
        for debt in engine.store.begun_debts(connection, UnixMs(u64::MAX), u32::MAX).await? {
            if let Some(intent) = &debt.intent {
                under_way.of(debt.key.kind).1.extend(moved(debt.key.kind, intent));
            }
        }
        Ok(under_way)
    }

    /// Whether a write may be begun; it is under way from then on.
    pub fn admits(&mut self, kind: Kind, intent: &Intent) -> bool {
        let moved = moved(kind, intent);
        let (others, own) = self.of(kind);
        if !others.is_disjoint(&moved) && !plant::on(Bug::StockInTwoWays) {
            return false;
        }
        own.extend(moved);
        true
    }

    /// What is moved the other way, and the way of this kind.
    fn of(&mut self, kind: Kind) -> (&BTreeSet<String>, &mut BTreeSet<String>) {
        if kind == Kind::Order { (&self.set, &mut self.along) } else { (&self.along, &mut self.set) }
    }
}

/// The items of which a write moves the stock.
fn moved(kind: Kind, intent: &Intent) -> BTreeSet<String> {
    let changes = |name: &str| intent.changed.iter().any(|it| it == name);
    let item = |fields: &Fields| fields.get("item").and_then(Value::as_text).map(str::to_owned);
    match (kind, intent.want.get("fulfilments")) {
        (Kind::StockLevel, _) => item(&intent.want).into_iter().collect(),
        (Kind::Order, Some(Value::Rows(rows))) if changes("fulfilments") => rows.iter().filter_map(item).collect(),
        _ => BTreeSet::new(),
    }
}

/// What the writes of one call took from stock: (item, location) → how much.
#[derive(Default)]
pub(super) struct Carried(BTreeMap<(String, String), Decimal>);

impl Carried {
    /// Notes what a write took, whether it was carried out as it was meant or something else was found since.
    pub fn note(&mut self, links: &Links, Ready { debt, intent, .. }: &Ready, outcome: &Outcome) {
        let (Outcome::Applied(state) | Outcome::Stale(Observed::Present(state))) = outcome else { return };
        if debt.key.kind != Kind::Order || !intent.changed.iter().any(|it| it == "fulfilments") {
            return;
        }
        let held = links.canonical(Kind::Order, state.clone()).fields;
        for (place, n) in taken(&intent.base, &intent.want, &held) {
            let sum = self.0.entry(place).or_default();
            *sum = sum.checked_add(n).unwrap_or(*sum);
        }
    }

    /// Logs the moves of the stock levels that are known at the connection, and has each read again.
    pub async fn append(
        self,
        engine: &Engine,
        connection: ConnectionId,
        sent: Sent,
        batch: &mut Batch,
    ) -> Result<(), Error> {
        let kind = Kind::StockLevel;
        let mut by_natural: BTreeMap<String, Decimal> = BTreeMap::new();
        for ((item, location), n) in self.0 {
            let place = Fields::from([("item".to_owned(), item.into()), ("location".to_owned(), location.into())]);
            by_natural.extend(schema::of(kind).natural_key(&place).map(|it| (it, n)));
        }
        let naturals: BTreeSet<String> = by_natural.keys().cloned().collect();
        for (natural, keys) in engine.store.naturals(kind, &naturals).await? {
            let Some(taken) = by_natural.get(&natural) else { continue };
            for (key, remote_id) in engine.store.links_to(connection, kind, &keys.into_iter().collect()).await? {
                let by = BTreeMap::from([("on_hand".to_owned(), -*taken)]);
                let (as_of, sent_at) = (sent.as_of, sent.at);
                let entry = Entry::Moved { connection, remote_id: remote_id.clone(), as_of, by, sent_at };
                batch.changes.push(Change::Append { kind, key: Some(key), entry });
                batch.changes.push(Change::Touch { connection, kind, remote_id, cause: Cause::Recheck });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::value::Row;

    use super::*;

    fn intent(changed: &str, want: Fields) -> Intent {
        Intent {
            op_id: "op".to_owned(),
            remote_id: Some("7".to_owned()),
            command_key: "key".to_owned(),
            want,
            changed: vec![changed.to_owned()],
            base: Fields::new(),
            base_version: String::new(),
            truth_version: 1,
            begun_at: UnixMs(0),
            of: Fields::new(),
            accepted: 0,
            plan: None,
            unmapped: None,
        }
    }

    fn stock(item: &str) -> (Kind, Intent) {
        (Kind::StockLevel, intent("on_hand", Fields::from([("item".to_owned(), item.into())])))
    }

    fn order(changed: &str, items: &[&str]) -> (Kind, Intent) {
        let row = |item: &&str| Row::from([("item".to_owned(), (*item).into())]);
        let rows = Value::Rows(items.iter().map(row).collect());
        (Kind::Order, intent(changed, Fields::from([("fulfilments".to_owned(), rows)])))
    }

    /// Writes that want to be begun one after the other, and which of them may.
    fn check(writes: &[(Kind, Intent)], expect: &[bool]) {
        let mut under_way = UnderWay::default();
        let seen: Vec<bool> = writes.iter().map(|(kind, intent)| under_way.admits(*kind, intent)).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn p9_stock_is_moved_in_one_way_at_a_time() {
        check(&[stock("a"), order("fulfilments", &["a", "b"]), stock("b")], &[true, false, true]);
        check(&[order("fulfilments", &["a", "b"]), stock("b"), stock("c")], &[true, false, true]);
        // The same way is no other way: each write is compared with the one before.
        check(&[stock("a"), stock("a")], &[true, true]);
        check(&[order("fulfilments", &["a"]), order("fulfilments", &["a"])], &[true, true]);
        // An order that is told something else takes nothing along.
        check(&[stock("a"), order("status", &["a"])], &[true, true]);
    }
}
