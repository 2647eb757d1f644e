//! The account's clock.
//!
//! SuiteQL shows and compares times in a zone that it does not name: the account's, the user's, or UTC. What it shows
//! for *now* is compared with the server's time in UTC, and the difference is kept for a few minutes. When it changes
//! (daylight saving), or may have while it could not be measured, the smaller difference is used for a day, so that a delta
//! reaches back too far, never too short.

use serde::{Deserialize, Serialize};
use truthsource_sdk::host::Level;
use truthsource_sdk::{Fault, moment};

use crate::query::{Row, ask};
use crate::wire::Account;

/// The format in which every query shows and compares times.
pub(crate) const FORMAT: &str = "YYYY-MM-DD HH24:MI:SS";
const KEY: &str = "clock";
/// How long a measurement holds.
const FRESH_MS: u64 = 10 * 60 * 1_000;
/// Zones differ by multiples of this.
const STEP_MS: i64 = 15 * 60 * 1_000;
/// By how much a zone moves at the most.
const SHIFT_MS: i64 = 3_600_000;
/// How long an earlier difference is kept in mind.
const DOUBT_MS: u64 = 25 * 3_600 * 1_000;

/// How the account's times relate to UTC and to the host's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    /// Shown time minus UTC.
    offset_ms: i64,
    /// The server's time minus the host's.
    skew_ms: i64,
    /// An offset that held until lately, and until when it is kept in mind (host's time).
    before: Option<(i64, u64)>,
    /// The zone may have moved while nothing could be measured: until when that is kept in mind (host's time).
    #[serde(default)]
    doubted: Option<u64>,
    /// When it was measured (host's time).
    at_ms: u64,
    /// False: nothing could be measured, and nothing shorter than a day is safe.
    is_measured: bool,
}

impl Clock {
    /// The server's time when the host's is `now_ms`.
    pub(crate) fn remote_now(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms)
    }

    /// By which difference times are shown, and the server's moment at which that was seen to be so.
    pub(crate) fn reading(&self) -> Reading {
        Reading { offset_ms: self.offset_ms, seen_ms: self.remote_now(self.at_ms) }
    }

    /// The earliest text under which SuiteQL may show a moment (UTC).
    pub(crate) fn shown(&self, at_ms: u64) -> String {
        let measured = self.before.map_or(self.offset_ms, |(offset_ms, _)| offset_ms.min(self.offset_ms));
        let earlier = measured - if self.doubted.is_some() { SHIFT_MS } else { 0 };
        let doubt_ms = if self.is_measured { 0 } else { DOUBT_MS };
        moment::plain(at_ms.saturating_add_signed(earlier).saturating_sub(doubt_ms))
    }

    /// The moment (UTC) of a time that SuiteQL showed.
    pub(crate) fn utc(&self, shown: &str) -> Option<u64> {
        moment::parse(shown).map(|it| it.saturating_add_signed(-self.offset_ms))
    }

    /// The account's day at a moment (UTC): a moment before the zone moved is taken by the difference that held then,
    /// as long as that is kept in mind.
    pub(crate) fn day(&self, at_ms: u64) -> String {
        let moved = self.before.filter(|(_, until_ms)| at_ms < until_ms.saturating_sub(DOUBT_MS));
        let offset_ms = moved.map_or(self.offset_ms, |(offset_ms, _)| offset_ms);
        moment::plain(at_ms.saturating_add_signed(offset_ms)).chars().take(10).collect()
    }

    /// When a row says that it changed.
    pub(crate) fn changed_at(&self, row: &Row, column: &str) -> Option<u64> {
        self.utc(&row.text(column)?)
    }

    /// As if it had been measured just now, so many hours from UTC.
    #[cfg(test)]
    pub(crate) fn measured(hours: i64, at_ms: u64) -> Self {
        Self { offset_ms: hours * 3_600_000, skew_ms: 0, before: None, doubted: None, at_ms, is_measured: true }
    }

    /// Zones move at the full quarters of UTC's hours, so a measurement holds no longer than until the next.
    fn is_fresh(&self, now_ms: u64) -> bool {
        let quarter = |at_ms: u64| self.remote_now(at_ms) / STEP_MS.unsigned_abs();
        self.at_ms <= now_ms && now_ms - self.at_ms < FRESH_MS && quarter(self.at_ms) == quarter(now_ms)
    }
}

/// By which difference a pull read the account's times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// Shown time minus UTC.
    pub offset_ms: i64,
    /// When that was measured, by the server's clock.
    pub seen_ms: u64,
}

#[derive(Deserialize)]
struct ServerTime {
    #[serde(rename = "serverTime")]
    server_time: String,
}

/// The account's clock, measured anew when the last measurement is old.
pub(crate) fn read(account: &Account<'_>) -> Result<Clock, Fault> {
    let now_ms = account.ctx.now_ms;
    // A store that cannot be read costs two requests, not the call.
    let kept: Option<Clock> =
        account.host.get(KEY).ok().flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(clock) = kept.as_ref().filter(|it| it.is_fresh(now_ms)) {
        return Ok(clock.clone());
    }
    let clock = match measure(account) {
        Ok((shown_ms, server_ms)) => settle(kept.as_ref(), (shown_ms, server_ms), now_ms),
        Err(fault @ (Fault::Denied(_) | Fault::Protocol(_))) => {
            account.host.log(Level::Warn, &format!("the account's clock is not known: {fault}"));
            Clock { offset_ms: 0, skew_ms: 0, before: None, doubted: None, at_ms: now_ms, is_measured: false }
        }
        Err(fault) => return Err(fault),
    };
    if account.host.set(KEY, truthsource_sdk::json::text(&clock).as_bytes()).is_err() {
        account.host.log(Level::Debug, "the clock could not be kept");
    }
    Ok(clock)
}

/// What SuiteQL shows for now, and the server's time in UTC.
pub(crate) fn measure(account: &Account<'_>) -> Result<(u64, u64), Fault> {
    let time: Option<ServerTime> = account.get("system/v1/serverTime")?;
    let time = time.map(|it| it.server_time).unwrap_or_default();
    let server_ms = moment::parse(&time).ok_or_else(|| Fault::Protocol(format!("server time `{time}`")))?;
    let rows = ask(account, &format!("SELECT TO_CHAR(SYSDATE, '{FORMAT}') AS shown FROM dual"), &[], 1)?.rows;
    let shown = rows.first().map(|it| it.must("shown")).transpose()?.unwrap_or_default();
    let shown_ms = moment::parse(&shown).ok_or_else(|| Fault::Protocol(format!("SYSDATE `{shown}`")))?;
    Ok((shown_ms, server_ms))
}

fn settle(kept: Option<&Clock>, (shown_ms, server_ms): (u64, u64), now_ms: u64) -> Clock {
    let signed = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let apart = signed(shown_ms) - signed(server_ms);
    let offset_ms = (apart + STEP_MS / 2).div_euclid(STEP_MS) * STEP_MS;
    let was = kept.filter(|it| it.is_measured);
    let before = match was {
        Some(it) if it.offset_ms != offset_ms => Some((it.offset_ms, now_ms + DOUBT_MS)),
        Some(it) => it.before.filter(|(_, until_ms)| now_ms < *until_ms),
        None => None,
    };
    let doubted = match kept {
        Some(it) if !it.is_measured => Some(now_ms + DOUBT_MS),
        Some(it) => it.doubted.filter(|until_ms| now_ms < *until_ms),
        None => None,
    };
    let skew_ms = signed(server_ms) - signed(now_ms);
    Clock { offset_ms, skew_ms, before, doubted, at_ms: now_ms, is_measured: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const NOON: u64 = 1_795_262_400_000; // 2026-11-21T12:00:00Z

    fn clock(hours: i64) -> Clock {
        let shown = NOON.saturating_add_signed(hours * 3_600_000);
        settle(None, (shown + 1_500, NOON), NOON - 5_000)
    }

    #[test]
    fn a_time_goes_there_and_back() {
        let clock = clock(-8);
        assert_eq!(clock.shown(NOON), "2026-11-21 04:00:00");
        assert_eq!(clock.utc("2026-11-21 04:00:00"), Some(NOON));
        assert_eq!(clock.remote_now(NOON - 5_000), NOON);
    }

    #[test]
    fn a_zone_that_moved_is_doubted_for_a_day() {
        let before = clock(-7);
        let after = settle(Some(&before), (NOON - 8 * HOUR, NOON), NOON);
        assert_eq!(after.shown(NOON), "2026-11-21 04:00:00");
        let back = settle(Some(&after), (NOON - 7 * HOUR, NOON), NOON + HOUR);
        assert_eq!(back.shown(NOON), "2026-11-21 04:00:00", "reaches back too far rather than too short");
        let later = settle(Some(&back), (NOON - 7 * HOUR, NOON), NOON + 27 * HOUR);
        assert_eq!(later.shown(NOON), "2026-11-21 05:00:00");
    }

    #[test]
    fn p10_a_measurement_holds_until_a_zone_may_move() {
        let clock = clock(-7);
        // It was made five seconds before noon by the host's clock, which is noon by the server's.
        for (after_ms, expect) in [(0, true), (FRESH_MS - 1, true), (FRESH_MS, false)] {
            assert_eq!(clock.is_fresh(NOON - 5_000 + after_ms), expect, "{after_ms}");
        }
        let late = Clock { at_ms: NOON - 5_000 + 14 * 60_000, ..clock };
        assert!(late.is_fresh(NOON - 5_000 + 15 * 60_000 - 1) && !late.is_fresh(NOON - 5_000 + 15 * 60_000));
    }

    #[test]
    fn a_day_begins_at_midnight_where_the_account_is() {
        let check = |clock: &Clock, at: &str, expect: &str| {
            assert_eq!(clock.day(moment::parse(at).unwrap()), expect, "{at} {clock:?}");
        };
        check(&clock(-8), "2026-11-22T07:59:59Z", "2026-11-21");
        check(&clock(-8), "2026-11-22T08:00:00Z", "2026-11-22");
        check(&clock(9), "2026-11-21T14:59:59Z", "2026-11-21");
        check(&clock(9), "2026-11-21T15:00:00Z", "2026-11-22");
        check(&clock(0), "2026-11-21T23:59:59Z", "2026-11-21");
        check(&clock(1), "2026-12-31T23:00:00Z", "2027-01-01");
        // Daylight saving ended at this noon: what was placed before it was placed by the clock of then.
        let moved = settle(Some(&clock(-7)), (NOON - 8 * HOUR, NOON), NOON);
        check(&moved, "2026-11-21T06:59:59Z", "2026-11-20");
        check(&moved, "2026-11-21T07:00:00Z", "2026-11-21");
        check(&moved, "2026-11-22T07:59:59Z", "2026-11-21");
        check(&moved, "2026-11-22T08:00:00Z", "2026-11-22");
    }

    #[test]
    fn a_clock_that_could_not_be_measured_reaches_back_a_day() {
        let clock = Clock { offset_ms: 0, skew_ms: 0, before: None, doubted: None, at_ms: NOON, is_measured: false };
        assert_eq!(clock.shown(NOON), "2026-11-20 11:00:00");
        // The zone may have moved while nobody could tell: what was shown then is still asked for.
        let known = settle(Some(&clock), (NOON - 7 * HOUR, NOON), NOON);
        assert_eq!(known.shown(NOON), "2026-11-21 04:00:00");
        assert_eq!(known.day(NOON - 5 * HOUR), "2026-11-21", "what it is by the difference that is known");
        let later = settle(Some(&known), (NOON - 7 * HOUR, NOON), NOON + 27 * HOUR);
        assert_eq!(later.shown(NOON), "2026-11-21 05:00:00");
    }
}
