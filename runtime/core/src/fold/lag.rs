//! What lags behind: a system that answers from an index may, for a while after a change, still say what it held
//! before. Taken for news that would be somebody's change back, and a sale counted twice.

use super::Folding;
use crate::plant::{self, Bug};
use crate::record::{Cause, Entry, Fresh, Observed, State};
use crate::{Fields, UnixMs};

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

impl Fresh {
    /// What was read and logged at `at` says, or may say, within `lag` of what is known, what was true before: it is no
    /// news, and the system is to be read again. `None`: the record did not show.
    #[must_use]
    pub fn outlasts(&self, read: Option<&State>, at: UnixMs, lag: Lag) -> bool {
        let grain_ms = u64::from(lag.granularity_ms);
        if lag.lag_ms == 0 || at.since(self.heard_at) >= u64::from(lag.lag_ms).min(LAG_MS_MAX) + grain_ms {
            return false;
        }
        // What does not show may be too new to show.
        let Some(read) = read else { return true };
        // What is still to come tells nothing: an hour that is there twice is taken for the second one.
        let seen = read.changed_at.filter(|it| *it <= at.plus(grain_ms));
        match (seen, self.changed_at) {
            (Some(seen), Some(known)) if seen.plus(grain_ms) < known => true,
            (Some(seen), Some(known)) if seen > known => false,
            // Times do not tell: what a write of ours replaced is not there again within a moment, by all likelihood.
            _ => !self.before.is_empty() && self.before.iter().all(|(name, was)| read.fields.get(name) == Some(was)),
        }
    }

    /// A reading.
    pub(super) fn read(state: &State, at: UnixMs, known: Option<&Self>) -> Self {
        let known = known.and_then(|it| it.changed_at);
        Self { changed_at: past(state, at).max(known), heard_at: at, before: Fields::new() }
    }

    /// A write of ours that was read back. It changed no earlier than we sent it, whatever the system says: some say the
    /// minute, some nothing. Where a system's clock is slow, changes made there soon after wait for the lag to pass.
    pub(super) fn written(state: &State, at: UnixMs, sent_at: Option<UnixMs>, before: Fields) -> Self {
        Self { changed_at: past(state, at).max(sent_at), heard_at: at, before }
    }
}

/// When a record changed that was heard of at `at`: not after that, whatever the system says.
fn past(state: &State, at: UnixMs) -> Option<UnixMs> {
    state.changed_at.map(|it| it.min(at))
}

impl Folding<'_> {
    /// The entry lags, or may lag, behind what is known about its connection; see [`Fresh::outlasts`]. What was read from
    /// the record itself never does, and neither does what a person said is gone.
    #[must_use]
    pub fn lags(&self, entry: &Entry, at: UnixMs, lag: Lag) -> bool {
        let Entry::Observed { connection, cause, observed, .. } = entry else { return false };
        let read = if let Observed::Present(state) = observed { Some(state) } else { None };
        let fresh = self.shadow(*connection).and_then(|it| it.fresh.as_ref());
        let is_certain = match cause {
            Cause::Delivery | Cause::Certain => true,
            Cause::Believed => read.is_none(),
            Cause::Webhook | Cause::Poll | Cause::Sweep | Cause::Recheck => false,
        };
        !plant::on(Bug::StaleRead) && !is_certain && fresh.is_some_and(|it| it.outlasts(read, at, lag))
    }
}
