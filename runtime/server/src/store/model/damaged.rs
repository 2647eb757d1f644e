//! Rows that cannot be read: in the model those that somebody broke.

use truthsource_core::Value;
use truthsource_core::record::{Shadow, Truth};

use super::data::{name, owed_to, place};
use super::*;
use crate::store::digest::remote_id_of;

impl Data {
    /// Fails if the row is broken.
    pub(super) fn look_at(&self, row: impl FnOnce() -> Row) -> Result<()> {
        if self.broken.is_empty() {
            return Ok(());
        }
        let row = row();
        if self.broken.contains(&row) { Err(Error::damaged_row(row, "it was broken")) } else { Ok(()) }
    }

    pub(super) fn look_at_entries(&self, entries: &[LoggedEntry]) -> Result<()> {
        entries.iter().try_for_each(|it| self.look_at(|| row_of(it)))
    }

    pub(super) fn look_at_debts(&self, debts: &[Debt]) -> Result<()> {
        let row = |it: &Debt| Row::Debt { key: it.key.clone(), connection: it.connection, begun: it.intent.is_some() };
        debts.iter().try_for_each(|it| self.look_at(|| row(it)))
    }

    pub(super) fn look_at_planned<'a>(&self, mut planned: impl Iterator<Item = &'a Planned>) -> Result<()> {
        let row = |it: &Planned| Row::Planned { plan: it.plan.clone(), key: it.key.clone(), connection: it.connection };
        planned.try_for_each(|it| self.look_at(|| row(it)))
    }

    pub(super) fn look_at_states(&self, states: &BTreeMap<RecordKey, KeyState>) -> Result<()> {
        for (key, state) in states {
            self.look_at(|| Row::Truth { key: key.clone() })?;
            for connection in state.shadows.keys() {
                self.look_at(|| Row::Shadow { key: key.clone(), connection: *connection })?;
            }
        }
        Ok(())
    }

    /// Breaks a row that is there.
    pub(super) fn damage(&mut self, row: &Row) -> Result<()> {
        let is_there = match row {
            Row::Reading { seq, .. } | Row::Entry { seq, .. } => self.log.get(seq).is_some_and(|it| row_of(it) == *row),
            Row::Truth { key } => self.truths.contains_key(&name(key)),
            Row::Shadow { key, connection } => self.shadows.contains_key(&(name(key), *connection)),
            Row::Debt { key, connection, .. } => self.debts.contains_key(&owed_to(*connection, key)),
            Row::Touch { connection, kind, remote_id, .. } => {
                self.touched.contains_key(&place(*connection, *kind, remote_id))
            }
            Row::Webhook { id, .. } => self.inbox.contains_key(id),
            Row::Cursor { connection, kind } => self.cursors.contains_key(&(*connection, *kind)),
            Row::Question { id, .. } => self.conflicts.iter().any(|it| it.id == *id),
            Row::Planned { plan, key, connection } => {
                self.planned.contains_key(&(plan.clone(), owed_to(*connection, key)))
            }
            Row::Want { order, item } => self.commitments.contains_key(&(item.clone(), order.clone())),
        };
        self.broken.extend(is_there.then(|| row.clone()));
        is_there.then_some(()).ok_or_else(|| Error::Conflict(format!("there is no such row: {row}")))
    }

    pub(super) fn lay_aside(&mut self, at: UnixMs, damaged: Damaged) {
        let Some(row) = damaged.row.clone() else { return };
        self.broken.remove(&row);
        match &row {
            Row::Reading { seq, .. } | Row::Entry { seq, .. } => self.settle(*seq),
            Row::Truth { key } => {
                if let Some(known) = self.truths.get_mut(&name(key)) {
                    known.truth = Truth { version: 1, ..Truth::default() };
                }
            }
            Row::Shadow { key, connection } => {
                self.shadows.insert((name(key), *connection), Shadow::default());
            }
            Row::Debt { key, connection, .. } => self.lay_debt_aside(at, &owed_to(*connection, key), &damaged.why),
            Row::Touch { connection, kind, remote_id, .. } => {
                self.touched.remove(&place(*connection, *kind, remote_id));
            }
            Row::Webhook { id, .. } => {
                if let Some(webhook) = self.inbox.get_mut(id) {
                    webhook.done = true;
                }
            }
            Row::Cursor { connection, kind } => drop(self.cursors.remove(&(*connection, *kind))),
            Row::Question { id, .. } => {
                for it in self.conflicts.iter_mut().filter(|it| it.id == *id) {
                    (it.about, it.outcome) = (About::Field(String::new()), Some(Value::Null));
                    (it.claims, it.reason) = (BTreeMap::new(), damaged.why.clone());
                }
            }
            Row::Planned { plan, key, connection } => {
                self.planned.remove(&(plan.clone(), owed_to(*connection, key)));
            }
            Row::Want { order, item } => drop(self.commitments.remove(&(item.clone(), order.clone()))),
        }
        if !self.aside.iter().any(|it| it.row.as_ref() == Some(&row)) {
            self.aside.push(damaged);
        }
    }

    fn lay_debt_aside(&mut self, at: UnixMs, owed: &data::At, why: &str) {
        let Some(owed) = self.debts.get_mut(owed) else { return };
        let state = if owed.debt.intent.is_some() { DebtState::Held } else { DebtState::Untold };
        owed.token = None;
        let (intent, last_error) = (None, Some(why.to_owned()));
        owed.debt = Debt { state, intent, last_error, attempts: 0, priority: 0, due_at: at, ..owed.debt.clone() };
    }
}

/// The row of an entry.
fn row_of(it: &LoggedEntry) -> Row {
    let (seq, kind) = (it.seq, it.kind);
    match (&it.key, it.entry.connection()) {
        (None, Some(connection)) => {
            Row::Reading { seq, connection, kind, remote_id: remote_id_of(&it.entry).to_owned() }
        }
        (key, connection) => {
            Row::Entry { seq, key: RecordKey::new(kind, key.as_deref().unwrap_or_default()), connection }
        }
    }
}
