//! What writes to orders took from the stock of the system they were sent to.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_core::fold::taken;
use truthsource_core::record::{Cause, ConnectionId, Entry, Observed};
use truthsource_core::{Decimal, Fields, Kind, schema};
use truthsource_host::model::Outcome;

use super::address::Links;
use super::deliver::{Ready, Sent};
use super::{Engine, Error};
use crate::store::{Batch, Change};

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
