//! The model as a [`TenantStore`].

use super::data::{owed_to, place};
use super::*;

fn first<T>(n_max: u32, found: impl Iterator<Item = T>) -> Vec<T> {
    found.take(n_max as usize).collect()
}

#[async_trait]
impl TenantStore for ModelStore {
    async fn commit(&self, batch: Batch) -> Result<Committed> {
        self.with(|data| data.commit(batch))?
    }

    async fn lease(&self, lane: &str, holder: &str, now: UnixMs, ttl_ms: u64) -> Result<Option<u64>> {
        self.with(|data| data.lease(lane, holder, now, now.plus(ttl_ms)))
    }

    async fn renew(&self, lane: &str, fence: u64, now: UnixMs, ttl_ms: u64) -> Result<bool> {
        self.with(|data| data.renew(lane, fence, now.plus(ttl_ms)))
    }

    async fn release(&self, holder: &str) -> Result<u64> {
        self.with(|data| data.release(holder))
    }

    async fn connections(&self) -> Result<Vec<Connection>> {
        self.with(|data| data.connections.values().cloned().collect())
    }

    async fn credentials(&self, connection: ConnectionId, purpose: &str) -> Result<Option<Vec<u8>>> {
        self.with(|data| data.credentials.get(&(connection, purpose.to_owned())).cloned())
    }

    async fn inbox(&self, n_max: u32) -> Result<Vec<InboxRow>> {
        self.with(|data| {
            let found = first(n_max, data.inbox.values().filter(|it| !it.done).map(|it| it.row.clone()));
            let row = |it: &InboxRow| Row::Webhook { id: it.id, connection: it.connection };
            found.iter().try_for_each(|it| data.look_at(|| row(it)))?;
            Ok(found)
        })?
    }

    async fn touched(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Touched>> {
        self.with(|data| {
            let due = data.due_touches(connection, now, n_max);
            let row = |it: &Touched| {
                let (kind, remote_id) = (it.kind, it.remote_id.clone());
                Row::Touch { seq: it.seq, connection, kind, remote_id }
            };
            due.iter().try_for_each(|it| data.look_at(|| row(it)))?;
            Ok(due)
        })?
    }

    async fn asks(&self, connection: ConnectionId) -> Result<Asks> {
        self.with(|data| {
            let here = data.asks.iter().filter(|((id, ..), _)| *id == connection);
            here.map(|((_, kind, work), at)| ((*work, *kind), *at)).collect()
        })
    }

    async fn cursors(&self, connection: ConnectionId) -> Result<BTreeMap<Kind, CursorRow>> {
        self.with(|data| {
            let here = data.cursors.iter().filter(|((id, _), _)| *id == connection);
            let here: BTreeMap<_, _> = here.map(|((_, kind), row)| (*kind, row.clone())).collect();
            here.keys().try_for_each(|kind| data.look_at(|| Row::Cursor { connection, kind: *kind }))?;
            Ok(here)
        })?
    }

    async fn unfolded(&self, n_max: u32) -> Result<Vec<LoggedEntry>> {
        self.with(|data| {
            let found = first(n_max, data.unfolded.iter().filter_map(|seq| data.log.get(seq).cloned()));
            data.look_at_entries(&found)?;
            Ok(found)
        })?
    }

    async fn unread(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        self.with(|data| {
            let mut here = data.touched.iter().filter(|(at, _)| (at.0, at.1) == (connection, kind.as_str()));
            here.any(|(at, it)| it.row.is_unread() && !data.links.contains_key(at))
        })
    }

    async fn unidentified(&self, connection: ConnectionId, kind: Kind) -> Result<bool> {
        self.with(|data| {
            let mut lines = data.unfolded.iter().filter_map(|seq| data.log.get(seq));
            lines.any(|it| it.key.is_none() && it.kind == kind && it.entry.connection() == Some(connection))
        })
    }

    async fn waiting(&self, token: &str, after: u64, n_max: u32) -> Result<Vec<LoggedEntry>> {
        self.with(|data| {
            let later = data.waiting.range(after + 1..).filter(|(_, it)| *it == token);
            let found: Vec<_> = later.filter_map(|(seq, _)| data.log.get(seq)).take(n_max as usize).cloned().collect();
            data.look_at_entries(&found)?;
            Ok(found)
        })?
    }

    async fn states(&self, keys: &BTreeSet<RecordKey>) -> Result<BTreeMap<RecordKey, KeyState>> {
        self.with(|data| {
            let states = data.states(keys);
            data.look_at_states(&states)?;
            Ok(states)
        })?
    }

    async fn commitments(&self, items: &BTreeSet<String>, since_day: Option<u32>) -> Result<Commitments> {
        self.with(|data| {
            let found = data.commitments(items, since_day);
            let row = |(item, order): &(String, String)| Row::Want { order: order.clone(), item: item.clone() };
            found.keys().try_for_each(|it| data.look_at(|| row(it)))?;
            Ok(found)
        })?
    }

    async fn levels_of(&self, items: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        self.with(|data| data.levels_of(items))
    }

    async fn price_rules(
        &self,
        company: Option<&str>,
        items: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, PriceRule>> {
        let is_meant = |it: &PriceRule| {
            it.company.as_deref().is_none_or(|it| Some(it) == company)
                && it.item.as_ref().is_none_or(|it| items.contains(it))
        };
        self.with(|data| {
            let meant = data.price_rules.iter().filter(|(_, it)| is_meant(it));
            meant.map(|(id, it)| (id.clone(), it.clone())).collect()
        })
    }

    async fn all_price_rules(&self, after: Option<&str>, n_max: u32) -> Result<BTreeMap<String, PriceRule>> {
        self.with(|data| {
            let later = data.price_rules.iter().filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
            later.take(n_max as usize).map(|(id, it)| (id.clone(), it.clone())).collect()
        })
    }

    async fn links_from(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.with(|data| {
            let key = |id: &String| Some((id.clone(), data.links.get(&place(connection, kind, id))?.key.clone()));
            remote_ids.iter().filter_map(key).collect()
        })
    }

    async fn links_to(
        &self,
        connection: ConnectionId,
        kind: Kind,
        keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.with(|data| {
            let id = |key: &String| Some((key.clone(), data.linked.get(&place(connection, kind, key))?.clone()));
            keys.iter().filter_map(id).collect()
        })
    }

    async fn commands(
        &self,
        connection: ConnectionId,
        command_keys: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, String>> {
        self.with(|data| {
            let found = |it: &String| Some((it.clone(), data.commands.get(&(connection, it.clone()))?.clone()));
            command_keys.iter().filter_map(found).collect()
        })
    }

    async fn naturals(&self, kind: Kind, naturals: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>> {
        self.with(|data| data.naturals(kind, naturals))
    }

    async fn heard(
        &self,
        connection: ConnectionId,
        kind: Kind,
        remote_ids: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Heard>> {
        self.with(|data| data.heard(connection, kind, remote_ids))
    }

    async fn unswept(&self, connection: ConnectionId, kind: Kind, sweep: u64) -> Result<Vec<String>> {
        self.with(|data| {
            let missed = data.links(connection, kind).filter(|(_, link)| link.swept < sweep && !link.is_gone());
            missed.map(|(id, _)| id.to_owned()).collect()
        })
    }

    async fn linked(&self, connection: ConnectionId, kind: Kind) -> Result<u64> {
        self.with(|data| data.links(connection, kind).filter(|(_, link)| !link.is_gone()).count() as u64)
    }

    async fn vanished(&self, connection: ConnectionId, kind: Kind, since: UnixMs) -> Result<u64> {
        self.with(|data| {
            let told = data.events.iter().filter(|it| it.connection == Some(connection) && it.key.kind == kind);
            told.filter(|it| it.what == What::Vanished && it.at >= since).count() as u64
        })
    }

    async fn due_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        self.with(|data| {
            let due = data.due_debts(connection, now, n_max);
            data.look_at_debts(&due)?;
            Ok(due)
        })?
    }

    async fn untold(&self, now: UnixMs, n_max: u32) -> Result<BTreeSet<RecordKey>> {
        self.with(|data| data.untold(now, n_max))
    }

    async fn debts_of(&self, keys: &BTreeSet<RecordKey>) -> Result<Vec<Debt>> {
        self.with(|data| {
            let owed = data.debts.values().filter(|it| keys.contains(&it.debt.key));
            let owed: Vec<_> = owed.map(|it| it.debt.clone()).collect();
            data.look_at_debts(&owed)?;
            Ok(owed)
        })?
    }

    async fn debts(
        &self,
        state: DebtState,
        after: Option<&(ConnectionId, RecordKey)>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        let after = after.map(|(connection, key)| owed_to(*connection, key));
        self.with(|data| data.debts_in(state, after, n_max))
    }

    async fn uncreated(
        &self,
        connection: ConnectionId,
        kind: Kind,
        after: Option<&str>,
        n_max: u32,
    ) -> Result<Vec<Debt>> {
        self.with(|data| {
            let owed = data.debts.values().map(|it| &it.debt);
            let owed = owed.filter(|it| it.connection == connection && it.key.kind == kind);
            let later = owed.filter(|it| after.is_none_or(|after| it.key.key.as_str() > after));
            let uncreated = later.filter(|it| !data.linked.contains_key(&place(connection, kind, &it.key.key)));
            uncreated.take(n_max as usize).cloned().collect()
        })
    }

    async fn owed(&self, connection: ConnectionId, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<Debt>> {
        self.with(|data| {
            let owed = data.debts.values().map(|it| &it.debt);
            let here = owed.filter(|it| it.connection == connection && it.key.kind == kind);
            let later = here.filter(|it| after.is_none_or(|after| it.key.key.as_str() > after));
            first(n_max, later.cloned())
        })
    }

    async fn owing(&self) -> Result<Vec<Owing>> {
        self.with(|data| data.owing())
    }

    async fn begun_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<Debt>> {
        self.with(|data| {
            let due = data.due_debts(connection, now, u32::MAX);
            first(n_max, due.into_iter().filter(|it| it.intent.is_some()))
        })
    }

    async fn planned_due(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Result<Vec<PlannedDue>> {
        self.with(|data| {
            let due = data.planned_due(connection, now, n_max);
            data.look_at_planned(due.iter().map(|it| &it.planned))?;
            Ok(due)
        })?
    }

    async fn planned(&self, plan: &str, after: Option<&(ConnectionId, RecordKey)>, n_max: u32) -> Result<Vec<Planned>> {
        let after = after.map(|(connection, key)| owed_to(*connection, key));
        self.with(|data| {
            let found = data.planned_of(plan, after.as_ref(), n_max);
            data.look_at_planned(found.iter())?;
            Ok(found)
        })?
    }

    async fn plan_counts(&self, plan: &str) -> Result<BTreeMap<String, u64>> {
        self.with(|data| {
            let mut counts = BTreeMap::new();
            for it in data.planned.values().filter(|it| it.plan == plan) {
                let name = it.outcome.as_ref().map_or("", |it| it.name());
                *counts.entry(name.to_owned()).or_default() += 1;
            }
            counts
        })
    }

    async fn set_aside(&self) -> Result<Vec<Damaged>> {
        self.with(|data| data.aside.clone())
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.with(|data| data.backlog())
    }

    async fn records(&self, kind: Kind, after: Option<&str>, n_max: u32) -> Result<Vec<String>> {
        self.with(|data| {
            let is_meant = |key: &&String| after.is_none_or(|after| key.as_str() > after);
            let keys = data.truths.keys().filter(|(name, _)| *name == kind.as_str()).map(|(_, key)| key);
            first(n_max, keys.filter(is_meant).cloned())
        })
    }

    async fn timeline(&self, key: &RecordKey, after: u64, n_max: u32) -> Result<Vec<Event>> {
        self.with(|data| first(n_max, data.events.iter().filter(|it| it.key == *key && it.id > after).cloned()))
    }

    async fn timeline_back(&self, key: &RecordKey, before: Option<u64>, n_max: u32) -> Result<Vec<Event>> {
        let is_meant = |it: &&Event| it.key == *key && before.is_none_or(|before| it.id < before);
        self.with(|data| first(n_max, data.events.iter().rev().filter(is_meant).cloned()))
    }

    async fn conflicts(&self, open: Option<bool>, before: Option<u64>, n_max: u32) -> Result<Vec<Conflict>> {
        let is_meant = |it: &&Conflict| {
            open.is_none_or(|open| open == it.outcome.is_none()) && before.is_none_or(|before| it.id < before)
        };
        self.with(|data| {
            let found = first(n_max, data.conflicts.iter().rev().filter(is_meant).cloned());
            found.iter().try_for_each(|it| data.look_at(|| Row::Question { id: it.id, key: it.key.clone() }))?;
            Ok(found)
        })?
    }

    async fn accuracy(&self) -> Result<Vec<Accuracy>> {
        self.with(|data| {
            let newest: BTreeMap<_, _> = data.accuracy.iter().map(|((name, kind, _), it)| ((name, kind), it)).collect();
            newest.into_values().cloned().collect()
        })
    }

    async fn figures(
        &self,
        connection: &str,
        kind: Option<Kind>,
        before: Option<u64>,
        n_max: u32,
    ) -> Result<Vec<Accuracy>> {
        self.with(|data| {
            let fits = |it: &&Accuracy| {
                it.connection == connection
                    && kind.is_none_or(|kind| kind == it.kind)
                    && before.is_none_or(|before| it.sweep < before)
            };
            let mut found: Vec<Accuracy> = data.accuracy.values().filter(fits).cloned().collect();
            found.sort_by_key(|it| (std::cmp::Reverse(it.sweep), it.kind.as_str()));
            first(n_max, found.into_iter())
        })
    }

    async fn drift(&self, (connection, kind, sweep): (&str, Kind, u64), after: u64, n_max: u32) -> Result<Vec<Drift>> {
        self.with(|data| {
            let place = |n| (connection.to_owned(), kind.as_str(), sweep, n);
            let found = data.drift.range(place(after.saturating_add(1))..=place(u64::MAX));
            first(n_max, found.map(|(_, it)| it.clone()))
        })
    }

    async fn slots(&self) -> Result<Vec<Slot>> {
        self.with(|data| data.slots.values().cloned().collect())
    }

    async fn releases(&self, slot: &str) -> Result<Vec<Release>> {
        self.with(|data| data.releases.values().rev().filter(|it| it.slot == slot).cloned().collect())
    }

    async fn calls(&self, slot: &str, n_max: u32) -> Result<Vec<CallRow>> {
        self.with(|data| first(n_max, data.calls.get(slot).into_iter().flatten().rev().cloned()))
    }

    async fn kv_get(&self, connection: ConnectionId, key: &str) -> Result<Option<Vec<u8>>> {
        self.with(|data| data.kv.get(&(connection, key.to_owned())).cloned())
    }

    async fn kv_count(&self, connection: ConnectionId) -> Result<u64> {
        self.with(|data| data.kv.keys().filter(|it| it.0 == connection).count() as u64)
    }

    async fn setting(&self, name: &str) -> Result<Option<serde_json::Value>> {
        self.with(|data| data.settings.get(name).cloned())
    }
}

#[async_trait]
impl Inspect for ModelStore {
    async fn state_hash(&self) -> Result<String> {
        self.with(|data| data.state_hash())?
    }

    async fn damage(&self, row: &Row) -> Result<()> {
        self.with(|data| data.damage(row))?
    }

    async fn sizes(&self) -> Result<BTreeMap<String, u64>> {
        self.with(|data| data.sizes())
    }
}
