//! What is read.

use super::data::{At, Known, Touch, name, place};
use super::*;
use crate::store::digest::digest_of;
use crate::store::inspect::StateHash;
use truthsource_core::stock::Commitment;

impl Data {
    pub(super) fn due_touches(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Vec<Touched> {
        let here = self.touched.iter().filter(|(place, it)| place.0 == connection && it.due_at <= now);
        let mut due: Vec<&Touch> = here.map(|(_, it)| it).collect();
        due.sort_by_key(|it| (it.due_at, it.row.seq));
        due.into_iter().take(n_max as usize).map(|it| it.row.clone()).collect()
    }

    pub(super) fn states(&self, keys: &BTreeSet<RecordKey>) -> BTreeMap<RecordKey, KeyState> {
        let state = |key: &RecordKey| {
            let truth = self.truths.get(&name(key)).map(|it| it.truth.clone()).unwrap_or_default();
            let (first, last) = ((name(key), ConnectionId(0)), (name(key), ConnectionId(u32::MAX)));
            let shadows = self.shadows.range(first..=last).map(|((_, id), it)| (*id, it.clone())).collect();
            KeyState { truth, shadows }
        };
        keys.iter().map(|key| (key.clone(), state(key))).collect()
    }

    pub(super) fn commitments(&self, items: &BTreeSet<String>, since_day: Option<u32>) -> Commitments {
        let counts =
            |it: &Commitment| it.is_open() || it.day.zip(since_day).is_some_and(|(day, since_day)| day >= since_day);
        let meant = self.commitments.iter().filter(|((item, _), it)| items.contains(item) && counts(it));
        meant.map(|(place, it)| (place.clone(), it.clone())).collect()
    }

    pub(super) fn levels_of(&self, items: &BTreeSet<String>) -> BTreeSet<String> {
        let item = |natural: &String| natural.split_once('@').map(|it| it.0.replace("%40", "@"));
        let of = |natural: &Option<String>| natural.as_ref().and_then(item).is_some_and(|it| items.contains(&it));
        let levels = self.truths.iter().filter(|((kind, _), it)| *kind == Kind::StockLevel.as_str() && of(&it.natural));
        levels.map(|((_, key), _)| key.clone()).collect()
    }

    pub(super) fn naturals(&self, kind: Kind, asked: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for ((kind_name, key), known) in &self.truths {
            if let Some(natural) = &known.natural
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
        let pending = self.pending(connection, kind);
        let heard = |id: &String| {
            let place = place(connection, kind, id);
            let link = self.links.get(&place);
            let swept = link.map_or(0, |it| it.swept);
            let heard = match (pending.get(id.as_str()), link) {
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

    pub(super) fn owing(&self) -> Vec<Owing> {
        let mut all: BTreeMap<(ConnectionId, &str), Owing> = BTreeMap::new();
        for debt in self.debts.values().map(|it| &it.debt) {
            let (connection, kind) = (debt.connection, debt.key.kind);
            let nothing = Owing { connection, kind, open: 0, begun: 0, undecided: 0, parked: 0 };
            let owing = all.entry((connection, kind.as_str())).or_insert(nothing);
            match debt.state {
                DebtState::Due | DebtState::Blocked => owing.open += 1,
                DebtState::Untold | DebtState::Settling => owing.undecided += 1,
                DebtState::Parked => owing.parked += 1,
                DebtState::Held => {}
            }
            owing.begun += u64::from(debt.state == DebtState::Due && debt.intent.is_some());
        }
        all.into_values().collect()
    }

    pub(super) fn planned_due(&self, connection: ConnectionId, now: UnixMs, n_max: u32) -> Vec<PlannedDue> {
        let open = self.planned.values().filter(|it| it.connection == connection && it.outcome.is_none());
        let mut due: Vec<&Planned> = open.filter(|it| it.due_at <= now).collect();
        due.sort_by_key(|it| (it.priority, it.due_at, it.key.kind.as_str(), &it.key.key, &it.plan));
        let is_touched = |it: &Planned| {
            let remote_id = it.write.remote_id.as_ref();
            remote_id.is_some_and(|id| self.touched.contains_key(&place(connection, it.key.kind, id)))
        };
        let due = due.into_iter().take(n_max as usize);
        due.map(|it| PlannedDue { planned: it.clone(), to_read: is_touched(it) }).collect()
    }

    pub(super) fn planned_of(&self, plan: &str, after: Option<&At>, n_max: u32) -> Vec<Planned> {
        let of_plan = self.planned.iter().filter(|((of, _), _)| of == plan);
        let later = of_plan.filter(|((_, place), _)| after.is_none_or(|after| place > after));
        later.take(n_max as usize).map(|(_, it)| it.clone()).collect()
    }

    pub(super) fn backlog(&self) -> Backlog {
        let debts = self.debts.values().map(|it| &it.debt).filter(|it| it.state != DebtState::Held);
        let (parked, open): (Vec<&Debt>, Vec<&Debt>) = debts.partition(|it| it.state == DebtState::Parked);
        Backlog {
            inbox: self.inbox.values().filter(|it| !it.done).count() as u64,
            touched: self.touched.len() as u64,
            unfolded: self.unfolded.len() as u64,
            waiting: self.waiting.len() as u64,
            debts: open.len() as u64,
            parked: parked.len() as u64,
            conflicts: self.conflicts.iter().filter(|it| it.outcome.is_none()).count() as u64,
            damaged: self.aside.len() as u64,
            oldest_debt: open.iter().map(|it| it.since).min(),
        }
    }

    pub(super) fn sizes(&self) -> BTreeMap<String, u64> {
        let sizes = [
            ("accuracy", self.accuracy.len()),
            ("command", self.commands.len()),
            ("commitment", self.commitments.len()),
            ("conflict", self.conflicts.len()),
            ("debt", self.debts.len()),
            ("drift", self.drift.len()),
            ("entry", self.log.len()),
            ("event", self.events.len()),
            ("inbox", self.inbox.len()),
            ("link", self.links.len()),
            ("price_rule", self.price_rules.len()),
            ("ruling", self.rulings.len()),
            ("shadow", self.shadows.len()),
            ("terms", self.terms.len()),
            ("touched", self.touched.len()),
            ("truth", self.truths.len()),
        ];
        sizes.into_iter().map(|(table, rows)| (table.to_owned(), rows as u64)).collect()
    }

    pub(super) fn state_hash(&self) -> Result<String> {
        let mut hash = StateHash::new();
        hash.table("truth");
        for ((kind, key), Known { truth, natural, .. }) in &self.truths {
            hash.row(&[kind, key, natural.as_deref().unwrap_or(""), &json(truth)?]);
        }
        hash.table("shadow");
        for (((kind, key), connection), shadow) in &self.shadows {
            hash.row(&[kind, key, &connection.to_string(), &json(shadow)?]);
        }
        hash.table("commitment");
        for ((item, order), it) in &self.commitments {
            hash.row(&[item, order, "", &json(it)?]);
        }
        hash.table("price_rule");
        for (id, it) in &self.price_rules {
            let of = |it: &Option<String>| it.clone().unwrap_or_default();
            hash.row(&[id, &of(&it.company), &of(&it.item), &json(it)?]);
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

pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::damaged)
}
