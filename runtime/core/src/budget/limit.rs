//! How an account is limited, and what it says itself about that.

use std::collections::VecDeque;

use super::Class;

/// Nobody is left alone for longer than this, whatever a system asks for.
pub const PATIENCE_MS_MAX: u64 = 3_600_000;

/// How an account is limited, as far as its connector knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most so many calls at a time.
    AtOnce(u32),
    /// At most so many calls in any stretch of time.
    Window {
        /// Calls in it.
        calls: u32,
        /// How long it is.
        ms: u64,
        /// Calls at a time; `None`: as many as come.
        at_once: Option<u32>,
    },
    /// Points, which the system counts and tells.
    Points,
    /// The system says itself when it is too much.
    Unknown,
}

impl Limit {
    /// At most so many calls in any second.
    #[must_use]
    pub fn per_second(calls: u32) -> Self {
        Self::Window { calls, ms: 1_000, at_once: None }
    }

    /// The most calls at a time, where that is limited.
    fn most(self) -> Option<u32> {
        match self {
            Self::AtOnce(n) | Self::Window { at_once: Some(n), .. } => Some(n.max(1)),
            Self::Window { at_once: None, .. } | Self::Points | Self::Unknown => None,
        }
    }
}

/// What a system says of the points that an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    /// Left.
    pub available: u64,
    /// The most that it can have.
    pub maximum: u64,
    /// Given back in a second.
    pub per_second: u64,
}

/// What was heard of the limits with an answer. The default: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// The call was turned away, as it was too much.
    pub throttled: bool,
    /// The account wants to be left alone for so long.
    pub retry_after_ms: Option<u64>,
    /// The points that are left.
    pub points: Option<Points>,
    /// What the call cost, in points; `None` where it was not carried out, or nothing is said.
    pub cost: Option<u64>,
    /// What had to be there for it; systems reserve more than they charge.
    pub needed: Option<u64>,
}

/// What is known of an account's limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// As its connector says.
    pub limit: Limit,
    /// Calls that it takes at a time, as it turned out.
    pub at_once: Option<u32>,
    /// Points, as it said last.
    pub points: Option<Points>,
    /// It is left alone until then.
    pub shut_until_ms: u64,
}

/// What is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    pub calls: usize,
    /// What it is taken to cost.
    pub points: u64,
}

/// Room in an account.
#[derive(Debug)]
pub(super) struct Gauge {
    limit: Limit,
    /// Calls that the account takes at a time, as it turned out; others may use it, too.
    at_once: u32,
    /// Calls that went well since that changed.
    went_well: u32,
    /// When the calls of the last window were made.
    recent: VecDeque<u64>,
    /// Points in thousandths, and when that was so.
    level: Option<(Points, u64, u64)>,
    /// Answers that said nothing of points before any did.
    silent: u32,
    shut_until_ms: u64,
}

/// Calls that are made at a time where nobody says how many may be.
const AT_ONCE_USUAL: u64 = 4;

/// After so many answers without a word of points an account is taken to have none.
const SILENT_MAX: u32 = 3;

impl Gauge {
    pub fn new(limit: Limit) -> Self {
        let at_once = limit.most().unwrap_or(u32::MAX);
        Self { limit, at_once, went_well: 0, recent: VecDeque::new(), level: None, silent: 0, shut_until_ms: 0 }
    }

    pub fn limit(&mut self, limit: Limit) {
        if self.limit != limit {
            *self = Self {
                shut_until_ms: self.shut_until_ms,
                recent: std::mem::take(&mut self.recent),
                ..Self::new(limit)
            };
        }
    }

    pub fn has_room(&self, now_ms: u64, load: Load, call: (Class, u64)) -> bool {
        self.has_place(load) && self.room_at(now_ms, load, call).is_some_and(|it| it <= now_ms)
    }

    /// A place for one call more, however long one waits.
    fn has_place(&self, load: Load) -> bool {
        self.limit.most().is_none() || load.calls < self.at_once as usize
    }

    /// When time makes room; `None` if only the end of a call does.
    pub fn room_at(&self, now_ms: u64, load: Load, (class, points): (Class, u64)) -> Option<u64> {
        if !self.has_place(load) {
            return None;
        }
        let open = self.shut_until_ms.max(now_ms);
        match self.limit {
            Limit::AtOnce(_) | Limit::Unknown => Some(open),
            Limit::Window { calls, ms, .. } => {
                let free_at = self.nth(share(class, calls)).map(|it| it.saturating_add(ms));
                Some(free_at.map_or(open, |it| open.max(it)))
            }
            Limit::Points => self.points_at(open, load, (class, points)),
        }
    }

    /// When the call was made after which so many were, itself counted.
    fn nth(&self, calls: u32) -> Option<u64> {
        self.recent.len().checked_sub(calls as usize).and_then(|at| self.recent.get(at)).copied()
    }

    fn points_at(&self, open: u64, load: Load, (class, points): (Class, u64)) -> Option<u64> {
        let Some((known, milli, at_ms)) = self.level else {
            // One call finds out. An account that goes on to say nothing of points has none.
            return (load.calls == 0 || self.silent >= SILENT_MAX).then_some(open);
        };
        let full = known.maximum * 1_000;
        // A sweep leaves half of what there is to whoever comes in between.
        let floor = if class == Class::Sweep { full / 2 } else { 0 };
        // What costs more than there can ever be goes by itself when all is there.
        let needed = (floor + (points + load.points) * 1_000).min(full);
        if load.calls > 0 && floor + (points + load.points) * 1_000 > full {
            return None;
        }
        let missing = needed.saturating_sub(milli);
        if missing == 0 {
            return Some(open);
        }
        // One that gives nothing back would be asked never again.
        Some(open.max(at_ms + missing.div_ceil(known.per_second.max(1))))
    }

    pub fn took(&mut self, now_ms: u64) {
        if let Limit::Window { calls, ms, .. } = self.limit {
            self.recent.push_back(now_ms);
            let is_over = |it: &u64| it.saturating_add(ms) <= now_ms;
            while self.recent.len() > calls.max(1) as usize || self.recent.front().is_some_and(is_over) {
                self.recent.pop_front();
            }
        }
    }

    /// With the end of a call that was taken to cost so much. `others`: calls that are under way still.
    pub fn heard(&mut self, now_ms: u64, (points, others): (u64, usize), heard: &Heard) {
        if heard.throttled {
            // Half of what was too much: somebody else may be using the account.
            let half = u32::try_from(others.div_ceil(2)).unwrap_or(u32::MAX).max(1);
            (self.at_once, self.went_well) = (self.at_once.min(half), 0);
        } else if let Some(most) = self.limit.most() {
            self.went_well += 1;
            if self.went_well >= self.at_once && self.at_once < most {
                (self.at_once, self.went_well) = (self.at_once + 1, 0);
            }
        }
        if let Some(asked_ms) = heard.retry_after_ms {
            self.shut_until_ms = self.shut_until_ms.max(now_ms + asked_ms.min(PATIENCE_MS_MAX));
        }
        match (heard.points, self.level) {
            (Some(points), _) => self.level = Some((points, points.available.min(points.maximum) * 1_000, now_ms)),
            (None, Some((known, milli, at_ms))) => {
                let given = now_ms.saturating_sub(at_ms).saturating_mul(known.per_second);
                let milli = milli.saturating_add(given).min(known.maximum * 1_000).saturating_sub(points * 1_000);
                self.level = Some((known, milli, now_ms));
            }
            (None, None) => self.silent = self.silent.saturating_add(1),
        }
    }

    /// Calls a second, in thousandths. What a call costs and how long it takes are in thousandths, too.
    pub fn rate_milli(&self, cost_milli: u64, latency_milli: Option<u64>) -> Option<u64> {
        let at_once = |n: u64| latency_milli.map(|it| n * 1_000_000_000 / it.max(1));
        match self.limit {
            Limit::Window { calls, ms, .. } => {
                let most = (u64::from(calls) * 1_000_000 / ms.max(1)).max(1);
                let taken = self.limit.most().and_then(|_| at_once(self.at_once.into()));
                Some(taken.map_or(most, |it| it.min(most)))
            }
            Limit::AtOnce(_) => at_once(self.at_once.into()),
            Limit::Points => {
                self.level.map(|(known, ..)| known.per_second.saturating_mul(1_000_000) / cost_milli.max(1))
            }
            Limit::Unknown => at_once(AT_ONCE_USUAL),
        }
    }

    pub fn reading(&self) -> Reading {
        let at_once = self.limit.most().map(|_| self.at_once);
        let points = self.level.map(|(points, ..)| points);
        let full_until = match self.limit {
            Limit::Window { calls, ms, .. } => self.nth(calls.max(1)).map_or(0, |it| it.saturating_add(ms)),
            _ => 0,
        };
        Reading { limit: self.limit, at_once, points, shut_until_ms: self.shut_until_ms.max(full_until) }
    }
}

/// So many calls of a window a class may have: a sweep leaves half of it to whoever comes in between, and the catalogue,
/// as at a first load, a tenth: a window that is spent stays so for long.
fn share(class: Class, calls: u32) -> u32 {
    let left = match class {
        Class::Sweep => calls / 2,
        Class::Catalogue => calls / 10,
        _ => 0,
    };
    (calls - left).max(1)
}

/// What something is usually like: the mean, in which the newest count most.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Average {
    /// In thousandths.
    milli: u64,
    seen: u64,
}

/// How many of the last are as good as all.
const REMEMBERED: u64 = 32;
/// What a call costs while none was seen, in points: a write to a shop.
pub(super) const COST_DEFAULT: u64 = 10;

impl Average {
    pub fn add(&mut self, value: u64) {
        self.seen = (self.seen + 1).min(REMEMBERED);
        let value = value.saturating_mul(1_000);
        self.milli = match value >= self.milli {
            true => self.milli + (value - self.milli) / self.seen,
            false => self.milli - (self.milli - value) / self.seen,
        };
    }

    /// The same of what may be more at any time: a larger value counts at once, smaller ones little by little.
    pub fn add_peak(&mut self, value: u64) {
        let milli = value.saturating_mul(1_000);
        self.milli = milli.max(self.milli - self.milli.saturating_sub(milli) / REMEMBERED);
        self.seen = REMEMBERED;
    }

    /// In thousandths; `None` while nothing was seen.
    pub fn milli(&self) -> Option<u64> {
        (self.seen > 0).then_some(self.milli)
    }

    /// Whole points, rounded up.
    pub fn of_points(&self) -> u64 {
        self.milli().map_or(COST_DEFAULT, |it| it.div_ceil(1_000)).max(1)
    }
}
