//! What lags behind: a system that answers from an index may, for a while after a change, still say what it held
//! before. Taken for news that would be somebody's change back, and a sale counted twice.

use super::Folding;
use crate::plant::{self, Bug};
use crate::record::{Before, Cause, Entry, Fresh, Observed, Shadow, State, Was};
use crate::{Fields, UnixMs, Value};

/// How late a system's readings may be, as its connector says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lag {
    /// For how long a change may not show, in milliseconds. 0: every reading is of the present.
    pub lag_ms: u32,
    /// The grain of the system's change times, in milliseconds.
    pub granularity_ms: u32,
    /// A record can also be read from itself, which never lags: what cannot be told from what it was in between is asked
    /// there.
    pub checkable: bool,
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
        let Some(fresh) = self.fresh.as_ref().filter(|_| lag.lag_ms > 0) else { return false };
        let grain_ms = u64::from(lag.granularity_ms);
        let is_recent = |since: UnixMs| at.since(since) < u64::from(lag.lag_ms).min(LAG_MS_MAX) + grain_ms;
        // What does not show may be too new to show.
        let Some(read) = read else { return is_recent(fresh.heard_at) };
        // What is still to come tells nothing: an hour that is there twice is taken for the second one.
        let seen = read.changed_at.filter(|it| *it <= at.plus(grain_ms));
        match (seen, fresh.changed_at) {
            (Some(seen), Some(known)) if is_recent(fresh.heard_at) && seen.plus(grain_ms) < known => true,
            // Times do not tell: what was there a moment ago is not there again within the next, by all likelihood. It may
            // be older than what a list or the record itself has shown since.
            (seen, known) => {
                // A newer time tells, unless the record itself had shown by then that it is something else, and not when
                // that was.
                let newer = seen.filter(|seen| known.is_some_and(|known| *seen > known));
                let may_be_old = |it: &Was| newer.is_none_or(|seen| seen.plus(grain_ms) < it.until);
                let lags = |name: &String, it: &Was| {
                    let doubtful = self.is_back(name, &it.value, read) || (lag.checkable && self.is_other(name, read));
                    is_recent(it.until) && may_be_old(it) && doubtful
                };
                fresh.before.iter().any(|(name, was)| was.iter().any(|it| lags(name, it)))
            }
        }
    }

    /// What a field was before was read of it, and it is something else.
    fn is_back(&self, name: &str, was: &Value, read: &State) -> bool {
        read.fields.get(name) == Some(was) && self.fields.get(name).is_none_or(|held| held.value != *was)
    }

    /// A field is something else than what was read of it. It moved a moment ago, and between what it was and what it is
    /// it may have been what nobody has seen.
    fn is_other(&self, name: &str, read: &State) -> bool {
        self.fields.get(name).zip(read.fields.get(name)).is_some_and(|(held, read)| held.value != *read)
    }

    /// What is known of these fields.
    pub(super) fn known<'a>(
        &'a self,
        names: impl Iterator<Item = &'a String>,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> {
        names.filter_map(|name| Some((name, &self.fields.get(name)?.value)))
    }

    /// What was there before, and `was`: by `at` it is something else.
    pub(super) fn before<'a>(&self, was: impl Iterator<Item = (&'a String, &'a Value)>, at: UnixMs) -> Before {
        let mut before = self.fresh.as_ref().map(|it| it.before.clone()).unwrap_or_default();
        for (name, value) in was {
            before.entry(name.clone()).or_default().push(Was { value: value.clone(), until: at });
        }
        for values in before.values_mut() {
            values.drain(..values.len().saturating_sub(BEFORE_MAX));
            values.retain(|it| at.since(it.until) < 2 * LAG_MS_MAX);
        }
        before.retain(|_, values| !values.is_empty());
        before
    }
}

impl Fresh {
    /// A reading, and what a write before it may have left.
    pub(super) fn read((state, tried): (&State, &Fields), at: UnixMs, known: &Shadow) -> Self {
        let moved = |(name, now): &(&String, &Value)| known.fields.get(*name).is_some_and(|it| it.value != **now);
        let moved = state.fields.iter().filter(moved).map(|(name, _)| name);
        let before = known.before(known.known(moved).chain(passed(tried, state)), at);
        let changed_at = known.fresh.as_ref().and_then(|it| it.changed_at);
        Self { changed_at: past(state, at).max(changed_at), heard_at: at, before }
    }

    /// A write of ours that was read back. It changed no earlier than we sent it, whatever the system says: some say the
    /// minute, some nothing. Where a system's clock is slow, changes made there soon after wait for the lag to pass.
    pub(super) fn written(
        (state, sent): (&State, &Fields),
        (at, sent_at): (UnixMs, Option<UnixMs>),
        known: &Shadow,
    ) -> Self {
        let before = known.before(known.known(sent.keys()).chain(passed(sent, state)), at);
        Self { changed_at: past(state, at).max(sent_at), heard_at: at, before }
    }
}

/// What a write may have left for a while: it was read, and is something else.
fn passed<'a>(sent: &'a Fields, read: &'a State) -> impl Iterator<Item = (&'a String, &'a Value)> {
    sent.iter().filter(|(name, value)| read.fields.get(*name).is_some_and(|it| it != *value))
}

/// When a record changed that was heard of at `at`: not after that, whatever the system says.
fn past(state: &State, at: UnixMs) -> Option<UnixMs> {
    state.changed_at.map(|it| it.min(at))
}

impl Folding<'_> {
    /// The entry lags, or may lag, behind what is known about its connection; see [`Shadow::outlasts`]. What was read from
    /// the record itself never does, and neither does what a person said is gone.
    #[must_use]
    pub fn lags(&self, entry: &Entry, at: UnixMs, lag: Lag) -> bool {
        let Entry::Observed { connection, cause, observed, .. } = entry else { return false };
        let read = if let Observed::Present(state) = observed { Some(state) } else { None };
        let is_certain = match cause {
            Cause::Delivery | Cause::Certain => true,
            Cause::Believed => read.is_none(),
            Cause::Webhook | Cause::Poll | Cause::Sweep | Cause::Recheck => false,
        };
        let shadow = self.shadow(*connection);
        !plant::on(Bug::StaleRead) && !is_certain && shadow.is_some_and(|it| it.outlasts(read, at, lag))
    }

    /// What is there under another id than it was, and was read before the old one was missed. It would count as older
    /// than that, however it was read, and the record as gone: it is to be read again.
    #[must_use]
    pub fn is_older_than_the_loss(&self, entry: &Entry) -> bool {
        let Entry::Observed { connection, as_of, observed: Observed::Present(read), .. } = entry else { return false };
        let is_lost = |it: &&Shadow| it.gone && it.remote_id != read.remote_id;
        self.shadow(*connection).filter(is_lost).is_some_and(|it| *as_of < it.as_of)
    }
}
