//! What is read.

use super::data::{At, Touch, name, place};
use super::*;
use crate::store::digest::digest_of;
use crate::store::inspect::StateHash;

impl Data {
    pub(super) fn due_touches(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Vec<Touched> {
        let here = self.touched.iter().filter(|(place, it)| place.0 == connection && it.due_at <= now);
        let mut due: Vec<&Touch> = here.map(|(_, it)| it).collect();
        due.sort_by_key(|it| (it.due_at, it.row.seq));
        due.into_iter().take(n_max as usize).map(|it| it.row.clone()).collect()
    }

    pub(super) fn states(&self, keys: &BTreeSet<RecordKey>) -> BTreeMap<RecordKey, KeyState> {
        let state = |key: &RecordKey| {
            let truth = self.truths.get(&name(key)).map(|(truth, _)| truth.clone()).unwrap_or_default();
            let (first, last) = ((name(key), ConnectionId(0)), (name(key), ConnectionId(u32::MAX)));
            let shadows = self.shadows.range(first..=last).map(|((_, id), it)| (*id, it.clone())).collect();
            KeyState { truth, shadows }
        };
        keys.iter().map(|key| (key.clone(), state(key))).collect()
    }

    pub(super) fn naturals(&self, kind: Kind, asked: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for ((kind_name, key), (_, natural)) in &self.truths {
            if let Some(natural) = natural
                && *kind_name == kind.as_str()
                && asked.contains(natural)
            {
                found.entry(natural.clone()).or_default().push(key.clone());
            }
        }
        found
    }

    pub(super) fn heard(
        &self,
        connection: ConnectionId,
        kind: Kind,
        asked: &BTreeSet<String>,
    ) -> BTreeMap<String, Heard> {
        let pending = self.pending();
        let heard = |id: &String| {
            let place = place(connection, kind, id);
            let link = self.links.get(&place);
            let swept = link.map_or(0, |it| it.swept);
            let heard = match (pending.get(&place), link) {
                (Some(line), _) => Heard { digest: digest_of(line.key.as_deref(), &line.entry), pending: true, swept },
                (None, Some(link)) => Heard { digest: link.digest.clone(), pending: false, swept },
                (None, None) => return None,
            };
            Some((id.clone(), heard))
        };
        asked.iter().filter_map(heard).collect()
    }

    /// The links of a kind at a connection, in order of their remote ids.
    pub(super) fn links(&self, connection: ConnectionId, kind: Kind) -> impl Iterator<Item = (&str, &data::Link)> {
        let from = place(connection, kind, "");
        let here = self.links.range(from..).take_while(move |(it, _)| it.0 == connection && it.1 == kind.as_str());
        here.map(|(place, link)| (place.2.as_str(), link))
    }

    pub(super) fn due_debts(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Vec<Debt> {
        let here = self.debts.iter().filter(|(place, _)| place.0 == connection);
        let is_due = |it: &&Debt| it.state == DebtState::Due && it.due_at <= now;
        let mut due: Vec<&Debt> = here.map(|(_, it)| &it.debt).filter(is_due).collect();
        due.sort_by_key(|it| (it.priority, it.due_at, it.key.kind.as_str(), &it.key.key));
        due.into_iter().take(n_max as usize).cloned().collect()
    }

    pub(super) fn untold(&self, now: UnixMs, n_max: u32) -> BTreeSet<RecordKey> {
        let is_due = |it: &&Debt| it.state == DebtState::Untold && it.due_at <= now;
        let mut due: Vec<&Debt> = self.debts.values().map(|it| &it.debt).filter(is_due).collect();
        due.sort_by_key(|it| (it.due_at, it.key.kind.as_str(), &it.key.key));
        due.into_iter().take(n_max as usize).map(|it| it.key.clone()).collect()
    }

    pub(super) fn debts_in(&self, state: DebtState, after: Option<At>, n_max: u32) -> Vec<Debt> {
        let is_later = |place: &At| after.as_ref().is_none_or(|after| place > after);
        let found = self.debts.iter().filter(|(place, it)| it.debt.state == state && is_later(place));
        found.take(n_max as usize).map(|(_, it)| it.debt.clone()).collect()
    }

    pub(super) fn backlog(&self) -> Backlog {
        let (parked, open): (Vec<&Debt>, Vec<&Debt>) =
            self.debts.values().map(|it| &it.debt).partition(|it| it.state == DebtState::Parked);
        Backlog {
            inbox: self.inbox.values().filter(|it| !it.done).count() as u64,
            touched: self.touched.len() as u64,
            unfolded: self.unfolded.len() as u64,
            waiting: self.waiting.len() as u64,
            debts: open.len() as u64,
            parked: parked.len() as u64,
            conflicts: self.conflicts.iter().filter(|it| it.outcome.is_none()).count() as u64,
            oldest_debt: open.iter().map(|it| it.since).min(),
        }
    }

    pub(super) fn state_hash(&self) -> Result<String> {
        let mut hash = StateHash::new();
        hash.table("truth");
        for ((kind, key), (truth, natural)) in &self.truths {
            hash.row(&[kind, key, natural.as_deref().unwrap_or(""), &json(truth)?]);
        }
        hash.table("shadow");
        for (((kind, key), connection), shadow) in &self.shadows {
            hash.row(&[kind, key, &connection.to_string(), &json(shadow)?]);
        }
        hash.table("link");
        for ((connection, kind, remote_id), it) in &self.links {
            let seen = format!("{}/{}/{}", it.swept, it.as_of, it.digest.as_deref().unwrap_or(""));
            hash.row(&[&format!("{connection}/{kind}"), remote_id, &it.key, &seen]);
        }
        hash.table("debt");
        for owed in self.debts.values() {
            hash.row(&[&json(&owed.debt)?, owed.token.as_deref().unwrap_or("")]);
        }
        Ok(hash.finish())
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Error::Damaged(e.to_string()))
}
