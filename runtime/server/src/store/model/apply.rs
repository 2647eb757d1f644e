//! What each change does. Nothing here fails: the batch was checked.

use super::data::{Known, Link, Owed, Touch, Webhook, name, owed_to, place};
use truthsource_core::record::Truth;

use super::*;

impl Data {
    pub(super) fn apply(&mut self, at: UnixMs, change: Change, done: &mut Committed, held: &mut log::Holdings) {
        match change {
            Change::Inbox { .. } => done.fresh.push(self.take(at, change)),
            Change::Command { connection, command_key, key } => {
                self.commands.entry((connection, command_key)).or_insert(key.key);
            }
            Change::NewConnection { name, spec } => done.connections.push(self.add_connection(at, name, spec)),
            Change::InboxDone { .. }
            | Change::Touch { .. }
            | Change::Untouch { .. }
            | Change::TouchLater { .. }
            | Change::Reread { .. }
            | Change::Cursor { .. }
            | Change::Ask { .. } => self.apply_reading(at, change),
            Change::Append { .. }
            | Change::Folded { .. }
            | Change::Wait { .. }
            | Change::Drop { .. }
            | Change::Wake { .. }
            | Change::Supersede { .. } => self.apply_log(at, change, held),
            Change::Ruling(ruling) => self.rulings.push(*ruling),
            Change::Terms(terms) => drop(self.terms.entry(terms.digest()).or_insert(*terms)),
            Change::Truth { .. }
            | Change::Shadow { .. }
            | Change::Commitments { .. }
            | Change::PriceRule { .. }
            | Change::Restate { .. }
            | Change::Link { .. }
            | Change::Unlink { .. }
            | Change::Swept { .. } => self.apply_record(change),
            Change::Owe(_)
            | Change::OweAnew(_)
            | Change::Debt { .. }
            | Change::Paid(_)
            | Change::Retell { .. }
            | Change::RetellOne { .. }
            | Change::Redrive { .. } => {
                self.apply_debt(at, change);
            }
            Change::Plan(_) | Change::PlanWaits { .. } | Change::PlanEnded { .. } | Change::PlansForgotten { .. } => {
                self.apply_plan(change)
            }
            Change::Event(_)
            | Change::Conflict(_)
            | Change::ConflictClosed { .. }
            | Change::Accuracy(_)
            | Change::Drift(_) => {
                self.apply_history(change);
            }
            Change::SetAside(damaged) => self.lay_aside(at, *damaged),
            Change::Mended(row) => self.aside.retain(|it| it.row.as_ref() != Some(&row)),
            _ => self.apply_setup(change),
        }
    }

    fn take(&mut self, at: UnixMs, change: Change) -> bool {
        let Change::Inbox { connection, event_id, topic, headers, body } = change else { return false };
        let known = self.inbox_ids.get(&(connection, event_id.clone())).copied();
        let is_over = |it: &Webhook| it.done && it.row.received_at <= at.minus(INBOX_ID_KEPT_MS);
        if known.is_some_and(|id| !self.inbox.get(&id).is_some_and(is_over)) {
            return false;
        }
        let id = known.unwrap_or_else(|| {
            self.inbox_last += 1;
            self.inbox_last
        });
        self.inbox_ids.insert((connection, event_id.clone()), id);
        let row = InboxRow { id, connection, event_id, topic, headers, body, received_at: at };
        self.inbox.insert(id, Webhook { row, done: false });
        true
    }

    fn apply_reading(&mut self, at: UnixMs, change: Change) {
        match change {
            Change::InboxDone { id } => {
                if let Some(webhook) = self.inbox.get_mut(&id) {
                    webhook.done = true;
                    webhook.row.body.clear();
                }
            }
            Change::Touch { connection, kind, remote_id, cause } => {
                self.touch_last += 1;
                let fresh = || Touch {
                    row: Touched { kind, remote_id: remote_id.clone(), seq: 0, since: at, cause, attempts: 0 },
                    due_at: at,
                };
                let touch = self.touched.entry(place(connection, kind, &remote_id)).or_insert_with(fresh);
                (touch.row.seq, touch.row.cause) = (self.touch_last, cause);
            }
            Change::Untouch { connection, kind, remote_id, seq } => {
                let place = place(connection, kind, &remote_id);
                if self.touched.get(&place).is_some_and(|it| it.row.seq == seq) {
                    self.touched.remove(&place);
                }
            }
            Change::TouchLater { connection, kind, remote_id, due_at } => {
                if let Some(touch) = self.touched.get_mut(&place(connection, kind, &remote_id)) {
                    touch.due_at = due_at;
                    touch.row.attempts += 1;
                }
            }
            Change::Reread { connection, kind } => {
                let here = self.touched.iter_mut().filter(|(it, _)| (it.0, it.1) == (connection, kind.as_str()));
                for (_, touch) in here.filter(|(_, it)| it.row.attempts > 0) {
                    touch.due_at = touch.due_at.min(at);
                }
            }
            Change::Cursor { connection, kind, row } => {
                self.cursors.insert((connection, kind), row);
            }
            Change::Ask { connection, kind, work } => {
                let asked_at = self.asks.entry((connection, kind, work)).or_default();
                *asked_at = at.max(*asked_at);
            }
            _ => {}
        }
    }

    fn apply_plan(&mut self, change: Change) {
        match change {
            Change::Plan(planned) => {
                let place = (planned.plan.clone(), owed_to(planned.connection, &planned.key));
                if self.planned.get(&place).is_none_or(|it| it.outcome.is_some()) {
                    self.planned.insert(place, planned);
                }
            }
            Change::PlanWaits { plan, connection, key, due_at, waits } => {
                let open = self.planned.get_mut(&(plan, owed_to(connection, &key))).filter(|it| it.outcome.is_none());
                if let Some(planned) = open {
                    (planned.due_at, planned.waits) = (due_at, Some(waits));
                }
            }
            Change::PlanEnded { plan, connection, key, outcome } => {
                let open = self.planned.get_mut(&(plan, owed_to(connection, &key))).filter(|it| it.outcome.is_none());
                if let Some(planned) = open {
                    (planned.outcome, planned.waits) = (Some(outcome), None);
                }
            }
            Change::PlansForgotten { before } => self.planned.retain(|_, it| it.at >= before),
            _ => {}
        }
    }

    fn apply_record(&mut self, change: Change) {
        match change {
            Change::Truth { key, truth, natural, basis } => {
                let natural = natural.filter(|_| truth.deleted_at.is_none());
                self.truths.insert(name(&key), Known { truth, natural, basis });
            }
            Change::Shadow { key, connection, shadow } => {
                self.shadows.insert((name(&key), connection), shadow);
            }
            Change::Commitments { order, items } => {
                self.commitments.retain(|(_, of), _| *of != order);
                self.commitments.extend(items.into_iter().map(|(item, it)| ((item, order.clone()), it)));
            }
            Change::PriceRule { id, rule: Some(rule) } => drop(self.price_rules.insert(id, rule)),
            Change::PriceRule { id, rule: None } => drop(self.price_rules.remove(&id)),
            Change::Restate { key, state, natural } => self.restate(&key, *state, natural),
            Change::Link { connection, key, remote_id } => {
                self.linked.insert(owed_to(connection, &key), remote_id.clone());
                let link = || Link { key: key.key.clone(), swept: 0, as_of: 0, digest: None };
                self.links.entry(place(connection, key.kind, &remote_id)).or_insert_with(link);
            }
            Change::Unlink { connection, key } => {
                if let Some(remote_id) = self.linked.remove(&owed_to(connection, &key)) {
                    self.links.remove(&place(connection, key.kind, &remote_id));
                }
            }
            Change::Swept { connection, kind, sweep, remote_ids } => {
                for remote_id in remote_ids {
                    if let Some(link) = self.links.get_mut(&place(connection, kind, &remote_id)) {
                        link.swept = link.swept.max(sweep);
                    }
                }
            }
            _ => {}
        }
    }

    fn restate(&mut self, key: &RecordKey, state: KeyState, natural: Option<String>) {
        let name = name(key);
        self.truths.remove(&name);
        self.shadows.retain(|(of, _), _| *of != name);
        if state.truth != Truth::default() {
            let natural = natural.filter(|_| state.truth.deleted_at.is_none());
            let known = Known { truth: state.truth, natural, basis: String::new() };
            self.truths.insert(name.clone(), known);
        }
        self.shadows.extend(state.shadows.into_iter().map(|(connection, it)| ((name.clone(), connection), it)));
    }

    fn apply_debt(&mut self, at: UnixMs, change: Change) {
        match change {
            Change::Owe(debt) if self.settles(&debt) => {}
            Change::Owe(debt) | Change::OweAnew(debt) => self.owe(debt),
            Change::Debt { debt, token } => self.note_debt(at, debt, token),
            Change::Paid(read) => {
                let place = owed_to(read.connection, &read.key);
                let plan = |it: &Debt| (it.truth_version, it.due_at, it.state);
                let is_it = |it: &Owed| it.debt.intent.is_none() && plan(&it.debt) == plan(&read);
                if self.debts.get(&place).is_some_and(is_it) {
                    self.debts.remove(&place);
                }
            }
            Change::Retell { connection, kind } => self.retell(at, connection, kind),
            Change::RetellOne { connection, key, due_at } => self.retell_one(at, connection, key, due_at),
            Change::Redrive { connection, key } => {
                let is_meant = |it: &Debt| {
                    it.state == DebtState::Parked
                        && connection.is_none_or(|id| id == it.connection)
                        && key.as_ref().is_none_or(|key| *key == it.key)
                };
                for owed in self.debts.values_mut().filter(|it| is_meant(&it.debt)) {
                    let state = if owed.debt.intent.is_none() { DebtState::Untold } else { DebtState::Due };
                    (owed.debt.state, owed.debt.attempts, owed.debt.due_at) = (state, 0, at);
                }
            }
            _ => {}
        }
    }

    fn note_debt(&mut self, at: UnixMs, mut debt: Debt, mut token: Option<String>) {
        let place = owed_to(debt.connection, &debt.key);
        let newest = self.debts.get(&place).map_or(0, |it| it.debt.truth_version);
        if newest > debt.truth_version {
            debt.truth_version = newest;
            if matches!(debt.state, DebtState::Parked | DebtState::Blocked) {
                debt.state = if debt.intent.is_none() { DebtState::Untold } else { DebtState::Due };
                (debt.attempts, debt.due_at, token) = (0, at, None);
            }
        }
        self.debts.insert(place, Owed { debt, token });
    }

    /// What became of its last write is not taken in yet.
    fn settles(&self, debt: &Debt) -> bool {
        let present = self.debts.get(&owed_to(debt.connection, &debt.key));
        present.is_some_and(|it| it.debt.state == DebtState::Settling)
    }

    fn owe(&mut self, mut debt: Debt) {
        let place = owed_to(debt.connection, &debt.key);
        if let Some(Owed { debt: old, token }) = self.debts.remove(&place) {
            if old.state == DebtState::Parked && debt.truth_version <= old.truth_version {
                self.debts.insert(place, Owed { debt: old, token });
                return;
            }
            if old.state == DebtState::Parked {
                debt.attempts = 0;
            }
            debt.since = old.since;
            debt.intent = old.intent.or(debt.intent);
        }
        self.debts.insert(place, Owed { debt, token: None });
    }

    fn retell(&mut self, at: UnixMs, connection: ConnectionId, kind: Kind) {
        let meant = self.truths.iter().filter(|((it, _), _)| *it == kind.as_str());
        let meant: Vec<RecordKey> = meant.map(|((_, key), _)| RecordKey::new(kind, key)).collect();
        for key in meant {
            if let Some(owed) = self.untell(at, connection, key, at) {
                owed.debt.due_at = at;
            }
        }
    }

    fn retell_one(&mut self, at: UnixMs, connection: ConnectionId, key: RecordKey, due_at: UnixMs) {
        if self.truths.contains_key(&name(&key)) {
            self.untell(at, connection, key, due_at);
        }
    }

    /// What is owed is to be asked anew; `None` while a write is open, or settles.
    fn untell(&mut self, at: UnixMs, connection: ConnectionId, key: RecordKey, due_at: UnixMs) -> Option<&mut Owed> {
        let truth_version = self.truths.get(&name(&key)).map_or(0, |it| it.truth.version);
        let owed = self.debts.entry(owed_to(connection, &key)).or_insert_with(|| {
            let (state, since, intent) = (DebtState::Untold, at, None);
            let (priority, attempts, last_error) = (0, 0, None);
            let debt =
                Debt { connection, key, truth_version, priority, due_at, since, attempts, state, last_error, intent };
            Owed { debt, token: None }
        });
        if owed.debt.intent.is_some() || owed.debt.state == DebtState::Settling {
            return None;
        }
        let is_asked = owed.debt.state == DebtState::Untold;
        let due_at = if is_asked { owed.debt.due_at.min(due_at) } else { due_at };
        (owed.debt.state, owed.debt.due_at, owed.debt.attempts) = (DebtState::Untold, due_at, 0);
        owed.token = None;
        Some(owed)
    }

    fn apply_history(&mut self, change: Change) {
        match change {
            Change::Event(event) => {
                let id = self.events.len() as u64 + 1;
                self.events.push(Event { id, ..event });
            }
            Change::Conflict(conflict) => self.note_conflict(conflict),
            Change::ConflictClosed { kind, key, about, outcome, reason } => {
                let is_meant = |it: &&mut Conflict| {
                    let is_it = it.key.kind == kind && key.as_ref().is_none_or(|key| *key == it.key.key);
                    is_it && it.about == about && it.outcome.is_none()
                };
                for conflict in self.conflicts.iter_mut().filter(is_meant) {
                    (conflict.outcome, conflict.reason) = (Some(outcome.clone()), reason.clone());
                }
            }
            Change::Accuracy(figure) => {
                let (connection, kind) = (figure.connection.clone(), figure.kind.as_str());
                self.accuracy.insert((connection.clone(), kind, figure.sweep), figure);
                let here = (connection.clone(), kind, 0)..=(connection.clone(), kind, u64::MAX);
                let oldest = self.accuracy.range(here).rev().nth(FIGURES_KEPT as usize - 1).map(|(it, _)| it.2);
                let is_old = |of: &String, other: &str, sweep: u64| {
                    *of == connection && other == kind && oldest.is_some_and(|oldest| sweep < oldest)
                };
                self.accuracy.retain(|(of, other, sweep), _| !is_old(of, other, *sweep));
                self.drift.retain(|(of, other, sweep, _), _| !is_old(of, other, *sweep));
            }
            Change::Drift(it) => {
                self.drift.insert((it.connection.clone(), it.kind.as_str(), it.sweep, it.n), *it);
            }
            _ => {}
        }
    }

    fn note_conflict(&mut self, conflict: Conflict) {
        let is_it = |it: &&mut Conflict| {
            let is_same = it.key == conflict.key && it.about == conflict.about && it.outcome.is_none();
            is_same && (it.about != About::Mass || it.claims.keys().eq(conflict.claims.keys()))
        };
        match self.conflicts.iter_mut().find(is_it).filter(|_| conflict.outcome.is_none()) {
            Some(it) => (it.claims, it.reason, it.policy) = (conflict.claims, conflict.reason, conflict.policy),
            None => {
                let id = self.conflicts.len() as u64 + 1;
                self.conflicts.push(Conflict { id, ..conflict });
            }
        }
    }

    fn add_connection(&mut self, at: UnixMs, name: String, spec: ConnectionSpec) -> ConnectionId {
        let id = ConnectionId(self.connections.len() as u32 + 1);
        let (state, trouble, revision) = (ConnectionState::New, None, 0);
        self.connections.insert(id, Connection { id, name, spec, state, trouble, created_at: at, revision });
        id
    }

    fn apply_setup(&mut self, change: Change) {
        match change {
            Change::ConnectionSpec { id, spec, .. } => {
                if let Some(it) = self.connections.get_mut(&id) {
                    (it.spec, it.revision) = (spec, it.revision + 1);
                }
            }
            Change::ConnectionState { id, state, trouble, .. } => {
                if let Some(it) = self.connections.get_mut(&id) {
                    (it.state, it.trouble, it.revision) = (state, trouble, it.revision + 1);
                }
            }
            Change::Credentials { id, purpose, sealed } if sealed.is_empty() => {
                self.credentials.remove(&(id, purpose));
            }
            Change::Credentials { id, purpose, sealed } => {
                self.credentials.insert((id, purpose), sealed);
            }
            Change::Release(release) => self.add_release(release),
            Change::Activate { slot, release } => self.activate(&slot, release),
            Change::Vacate { slot } => self.vacate(&slot),
            Change::Call(call) => {
                self.call_last += 1;
                let calls = self.calls.entry(call.slot.clone()).or_default();
                calls.push(CallRow { id: self.call_last, ..call });
                calls.drain(..calls.len().saturating_sub(CALLS_KEPT as usize));
            }
            Change::Kv { connection, key, value: Some(value) } => {
                self.kv.insert((connection, key), value);
            }
            Change::Kv { connection, key, value: None } => {
                self.kv.remove(&(connection, key));
            }
            Change::Setting { name, value } => {
                self.settings.insert(name, value);
            }
            _ => {}
        }
    }

    fn add_release(&mut self, release: Release) {
        let next = self.releases.last_key_value().map_or(1, |(last, _)| last + 1);
        let id = if release.id == 0 { next } else { release.id };
        let empty = || Slot { name: release.slot.clone(), active: None, previous: None };
        self.slots.entry(release.slot.clone()).or_insert_with(empty);
        self.releases.insert(id, Release { id, ..release });
    }

    fn vacate(&mut self, slot: &str) {
        let Some(slot) = self.slots.get_mut(slot) else { return };
        let Some(active) = slot.active.take() else { return };
        slot.previous = Some(active);
        if let Some(release) = self.releases.get_mut(&active) {
            release.state = "retired".to_owned();
        }
    }

    fn activate(&mut self, slot: &str, release: u64) {
        if let Some(slot) = self.slots.get_mut(slot) {
            let others = [slot.active, slot.previous].into_iter().flatten();
            slot.previous = others.into_iter().find(|it| *it != release);
            slot.active = Some(release);
        }
        for it in self.releases.values_mut().filter(|it| it.slot == slot) {
            if it.id == release {
                it.state = "active".to_owned();
            } else if it.state == "active" {
                it.state = "retired".to_owned();
            }
        }
    }
}
