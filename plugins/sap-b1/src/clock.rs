//! How far the server's clock is from ours.
//!
//! Records are stamped by the server's clock, and a delta asks by it. Every answer carries the server's time in its
//! `Date` header; the difference is kept for a few minutes. Without the header the clocks are taken for equal.

use serde::{Deserialize, Serialize};
use truthsource_sdk::host::{Level, Response};
use truthsource_sdk::{Fault, json};

use crate::wire::{Service, refusal};

const KEY: &str = "clock";
/// How long a measurement holds.
const FRESH_MS: u64 = 10 * 60 * 1_000;
/// What is asked to have an answer: there is at least one warehouse in any company.
const QUESTION: &str = "Warehouses?$select=WarehouseCode&$top=1";

/// The server's time minus ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clock {
    skew_ms: i64,
    /// When it was measured, by our clock.
    at_ms: u64,
}

impl Clock {
    /// The server's time when ours is `now_ms`.
    pub(crate) fn remote_now(self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.skew_ms)
    }

    fn is_fresh(self, now_ms: u64) -> bool {
        self.at_ms <= now_ms && now_ms - self.at_ms < FRESH_MS
    }
}

/// The server's clock, measured anew when the last measurement is old.
pub(crate) fn read(service: &Service<'_>) -> Result<Clock, Fault> {
    let now_ms = service.ctx.now_ms;
    // A store that cannot be read costs a request, not the call.
    let kept: Option<Clock> =
        service.host.get(KEY).ok().flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(clock) = kept.filter(|it| it.is_fresh(now_ms)) {
        return Ok(clock);
    }
    let response = service.send("GET", QUESTION, &[], Vec::new())?;
    if response.status != 200 {
        return Err(refusal(&response, "Warehouses", now_ms));
    }
    let clock = Clock { skew_ms: skew_ms(&response, now_ms).unwrap_or(0), at_ms: now_ms };
    if service.host.set(KEY, json::text(&clock).as_bytes()).is_err() {
        service.host.log(Level::Debug, "the clock could not be kept");
    }
    Ok(clock)
}

/// The server's time minus ours; `None` where the answer does not say. Half a second is within what a header can tell.
pub(crate) fn skew_ms(response: &Response, now_ms: u64) -> Option<i64> {
    let at = httpdate::parse_http_date(response.header("date")?.trim()).ok()?;
    let server_ms = at.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(i64::try_from(server_ms).ok()? - i64::try_from(now_ms).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_sdk::Context;
    use truthsource_sdk::script::Script;

    /// 2026-11-21T12:00:00Z.
    const NOW: u64 = 1_795_262_400_000;

    #[test]
    fn the_servers_clock_is_what_its_answers_say() {
        let check = |date: Option<&str>, expect: Option<i64>| {
            let headers = date.map(|it| ("date".to_owned(), it.to_owned())).into_iter().collect();
            let response = Response { status: 200, headers, body: Vec::new() };
            assert_eq!(skew_ms(&response, NOW), expect, "{date:?}");
        };
        check(Some("Sat, 21 Nov 2026 12:00:00 GMT"), Some(0));
        check(Some("Sat, 21 Nov 2026 11:55:00 GMT"), Some(-300_000));
        check(Some("Sat, 21 Nov 2026 12:00:07 GMT"), Some(7_000));
        check(Some("today"), None);
        check(None, None);
    }

    #[test]
    fn a_measurement_is_kept_for_minutes() {
        let settings = [("base-url", "https://b1.example"), ("time-zone", "UTC")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut ctx = Context { settings, now_ms: NOW };
        let script = Script::new().answer("GET", "Warehouses", 200, "{}").answer("GET", "Warehouses", 503, "<html>");
        let first = read(&Service::open(&script, &ctx).unwrap()).unwrap();
        assert_eq!(first.remote_now(NOW), NOW);
        ctx.now_ms = NOW + FRESH_MS - 1;
        assert_eq!(read(&Service::open(&script, &ctx).unwrap()).unwrap(), first);
        ctx.now_ms = NOW + FRESH_MS;
        assert!(matches!(read(&Service::open(&script, &ctx).unwrap()), Err(Fault::Unavailable(_))));
    }
}
