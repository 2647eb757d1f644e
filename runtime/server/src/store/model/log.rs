//! The log of entries, and the digests of what was folded.

use truthsource_core::record::Entry;

use super::data::{At, place};
use super::*;
use crate::store::digest::{Holding, digest_of, remote_id_of};

/// What the folded entries of a batch say that remote records hold: the newest of each, with its kind.
pub(super) type Holdings = BTreeMap<At, (Kind, Holding)>;

impl Data {
    pub(super) fn apply_log(&mut self, at: UnixMs, change: Change, held: &mut Holdings) {
        match change {
            Change::Append { kind, key, entry } => {
                let seq = self.log.len() as u64 + 1;
                self.log.insert(seq, LoggedEntry { seq, at, kind, key, entry });
                self.unfolded.insert(seq);
            }
            Change::Folded { seq, key, entry } => {
                self.settle(seq);
                let Some(line) = self.log.get_mut(&seq) else { return };
                let digest = if entry.is_none() { digest_of(line.key.as_deref(), &line.entry) } else { None };
                if let Some(entry) = entry {
                    line.entry = entry;
                }
                if let (Some(connection), Some(holding)) = (line.entry.connection(), Holding::of(&line.entry, digest)) {
                    let place = place(connection, line.kind, &holding.remote_id);
                    if held.get(&place).is_none_or(|(_, it)| it.as_of <= holding.as_of) {
                        held.insert(place, (line.kind, holding));
                    }
                }
                line.key = Some(key);
            }
            Change::Wait { seq, token } => {
                self.settle(seq);
                self.waiting.insert(seq, token);
            }
            Change::Drop { seq, .. } => self.settle(seq),
            Change::Wake { token } => self.wake(at, &token),
            Change::Supersede { connection, kind, remote_id, .. } => self.supersede(connection, kind, &remote_id),
            _ => {}
        }
    }

    fn supersede(&mut self, connection: ConnectionId, kind: Kind, remote_id: &str) {
        let about = |seq: &u64| {
            self.log.get(seq).is_some_and(|it| {
                let is_reading = !matches!(it.entry, Entry::Moved { .. });
                let is_its = it.entry.connection() == Some(connection) && it.kind == kind;
                is_its && is_reading && remote_id_of(&it.entry) == remote_id
            })
        };
        let obsolete: Vec<u64> = self.unfolded.iter().chain(self.waiting.keys()).copied().filter(about).collect();
        for seq in obsolete {
            self.settle(seq);
        }
    }

    pub(super) fn settle(&mut self, seq: u64) {
        self.unfolded.remove(&seq);
        self.waiting.remove(&seq);
    }

    fn wake(&mut self, at: UnixMs, token: &str) {
        let woken: Vec<u64> = self.waiting.iter().filter(|(_, it)| *it == token).map(|(seq, _)| *seq).collect();
        for seq in woken {
            self.waiting.remove(&seq);
            self.unfolded.insert(seq);
        }
        let waits = |it: &&mut data::Owed| it.debt.state == DebtState::Blocked && it.token.as_deref() == Some(token);
        for owed in self.debts.values_mut().filter(waits) {
            (owed.debt.state, owed.debt.due_at, owed.token) = (DebtState::Due, at, None);
        }
    }

    pub(super) fn keep_digests(&mut self, held: Holdings) {
        for (place_there, (kind, holding)) in held {
            let linked = &self.linked;
            let mut remote_id_of = |kind: Kind, key: &str| linked.get(&place(place_there.0, kind, key)).cloned();
            let digest = holding.digest(kind, &mut remote_id_of);
            if let Some(link) = self.links.get_mut(&place_there)
                && link.as_of <= holding.as_of
            {
                (link.as_of, link.digest) = (holding.as_of, digest);
            }
        }
    }

    /// The newest line about each remote record of a kind at a connection that no fold has taken.
    pub(super) fn pending(&self, connection: ConnectionId, kind: Kind) -> BTreeMap<&str, &LoggedEntry> {
        let seqs: BTreeSet<u64> = self.unfolded.iter().chain(self.waiting.keys()).copied().collect();
        let lines = seqs.into_iter().filter_map(|seq| self.log.get(&seq));
        let here = lines.filter(|it| it.kind == kind && it.entry.connection() == Some(connection));
        here.map(|it| (remote_id_of(&it.entry), it)).collect()
    }
}
