//! What lags behind: a system that answers from an index may, for a while after a change, still say what it held
//! before. Taken for news that would be somebody's change back, and a sale counted twice.

use super::Folding;
use crate::plant::{self, Bug};
use crate::record::{Before, Cause, Entry, Fresh, Observed, Shadow, State};
use crate::{Fields, UnixMs, Value};

/// How late a system's readings may be, as its connector says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// For how long a change may not show, in milliseconds. 0: every reading is of the present.
    pub lag_ms: u32,
    /// The grain of the system's change times, in milliseconds.
    pub granularity_ms: u32,
}

/// Nobody waits longer than this to see whether a reading was true, whatever a connector says.
pub const LAG_MS_MAX: u64 = 60_000;

/// Of a field that moves again and again so many earlier values are known.
const BEFORE_MAX: usize = 8;

impl Shadow {
    /// What was read and logged at `at` says, or may say, within `lag` of what is known, what was true before: it is no
    /// news, and the system is to be read again. `None`: the record did not show.
    #[must_use]
    pub fn outlasts(&self, read: Option<&State>, at: UnixMs, lag: Lag) -> bool {
        let Some(fresh) = &self.fresh else { return false };
        let grain_ms = u64::from(lag.granularity_ms);
        if lag.lag_ms == 0 || at.since(fresh.heard_at) >= u64::from(lag.lag_ms).min(LAG_MS_MAX) + grain_ms {
            return false;
        }
        // What does not show may be too new to show.
        let Some(read) = read else { return true };
        // What is still to come tells nothing: an hour that is there twice is taken for the second one.
        let seen = read.changed_at.filter(|it| *it <= at.plus(grain_ms));
        match (seen, fresh.changed_at) {
            (Some(seen), Some(known)) if seen.plus(grain_ms) < known => true,
            (Some(seen), Some(known)) if seen > known => false,
            // Times do not tell: what was there a moment ago is not there again within the next, by all likelihood.
            _ => fresh.before.iter().any(|(name, was)| was.iter().any(|it| self.is_back(name, it, read))),
        }
    }

    /// What a field was before was read of it, and it is something else.
    fn is_back(&self, name: &str, was: &Value, read: &State) -> bool {
        read.fields.get(name) == Some(was) && self.fields.get(name).is_none_or(|held| held.value != *was)
    }
}

impl Fresh {
    /// A reading. One of the record itself may be ahead of what lists it, as a write is.
    pub(super) fn read((state, cause): (&State, Cause), at: UnixMs, known: &Shadow) -> Self {
        let mut before = Before::new();
        if is_certain(cause) {
            before = known.fresh.iter().flat_map(|it| it.before.clone()).collect();
            for (name, now) in &state.fields {
                if let Some(was) = known.fields.get(name).filter(|it| it.value != *now) {
                    let values = before.entry(name.clone()).or_default();
                    values.push(was.value.clone());
                    values.drain(..values.len().saturating_sub(BEFORE_MAX));
                }
            }
        }
        let changed_at = known.fresh.as_ref().and_then(|it| it.changed_at);
        Self { changed_at: past(state, at).max(changed_at), heard_at: at, before }
    }

    /// A write of ours that was read back. It changed no earlier than we sent it, whatever the system says: some say the
    /// minute, some nothing. Where a system's clock is slow, changes made there soon after wait for the lag to pass.
    pub(super) fn written(state: &State, at: UnixMs, sent_at: Option<UnixMs>, before: Fields) -> Self {
        let before = before.into_iter().map(|(name, was)| (name, vec![was])).collect();
        Self { changed_at: past(state, at).max(sent_at), heard_at: at, before }
    }
}

/// When a record changed that was heard of at `at`: not after that, whatever the system says.
fn past(state: &State, at: UnixMs) -> Option<UnixMs> {
    state.changed_at.map(|it| it.min(at))
}

/// It was read of the record itself, and not of a list.
fn is_certain(cause: Cause) -> bool {
    matches!(cause, Cause::Delivery | Cause::Certain)
}

impl Folding<'_> {
    /// The entry lags, or may lag, behind what is known about its connection; see [`Shadow::outlasts`]. What was read from
    /// the record itself never does, and neither does what a person said is gone.
    #[must_use]
    pub fn lags(&self, entry: &Entry, at: UnixMs, lag: Lag) -> bool {
        let Entry::Observed { connection, cause, observed, .. } = entry else { return false };
        let read = if let Observed::Present(state) = observed { Some(state) } else { None };
        // A person said what is gone.
        let is_certain = is_certain(*cause) || *cause == Cause::Believed && read.is_none();
        let shadow = self.shadow(*connection);
        !plant::on(Bug::StaleRead) && !is_certain && shadow.is_some_and(|it| it.outlasts(read, at, lag))
    }
}
