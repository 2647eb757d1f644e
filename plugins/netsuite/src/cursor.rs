//! How far a pull has read.
//!
//! A listing goes by key, and what changes while it runs is left to the next delta: that one reaches back to the moment
//! the listing *started*, less the lag within which a save may still appear. So a listing can neither repeat for ever
//! nor lose what moved behind it.

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::span::{Reach, Span};
use truthsource_sdk::{Fault, json};

use crate::clock::{Clock, Reading};

/// How long a save may stay invisible: long transactions commit with the time they began.
pub(crate) const LAG_MS: u32 = 30_000;

/// A pull under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Only what changed since (UTC); `None`: everything.
    pub since_ms: Option<u64>,
    /// The key of the last record seen; `None` at the start.
    pub after: Option<String>,
    /// Only what comes before this item; `None`: to the end.
    pub until: Option<u64>,
    span: Span,
    reading: Reading,
}

#[derive(Serialize, Deserialize, Default)]
struct Cursor {
    /// Between two walks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    /// How the account's times were read when this walk, or the one before, began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
    /// Of the walk under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
    /// The key of the last record seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// The item before which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

impl Walk {
    /// Goes on where `cursor` says, at `now_ms` by the host's clock.
    pub(crate) fn resume(cursor: Option<&str>, clock: &Clock, now_ms: u64, overlap_ms: u32) -> Result<Self, Fault> {
        let cursor: Cursor = match cursor {
            None => Cursor::default(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| Fault::Invalid("the cursor is none of this connector's".to_owned()))?,
        };
        if let Some(span) = cursor.span {
            let reading = cursor.reading.unwrap_or_else(|| clock.reading());
            return Ok(Self { since_ms: span.from_ms, after: cursor.after, until: cursor.until, span, reading });
        }
        let mut span = Span::open(cursor.reach, clock.remote_now(now_ms), overlap_ms);
        // The zone has moved since the last walk, which asked for times by the difference of before: from the moment on
        // at which that was last seen to hold, it may have missed what it asked for.
        let moved = cursor.reading.filter(|it| it.offset_ms != clock.reading().offset_ms);
        if let Some(before) = moved {
            span.from_ms = span.from_ms.map(|it| it.min(before.seen_ms.saturating_sub(LAG_MS.into())));
        }
        Ok(Self { since_ms: span.from_ms, after: cursor.after, until: None, span, reading: clock.reading() })
    }

    /// Where a listing begins that goes from behind a key to before an item.
    pub(crate) fn within(clock: &Clock, now_ms: u64, after: String, until: u64) -> String {
        let span = Some(Span::open(None, clock.remote_now(now_ms), 0));
        let (reading, until) = (Some(clock.reading()), Some(until));
        json::text(&Cursor { reach: None, reading, span, after: Some(after), until })
    }

    /// A page with more behind the record of this key.
    pub(crate) fn go_on(&self, found: Vec<State>, after: String) -> Page {
        let (reading, span) = (Some(self.reading), Some(self.span));
        let cursor = Cursor { reach: None, reading, span, after: Some(after), until: self.until };
        Page { entries: present(found), cursor: json::text(&cursor), more: true }
    }

    /// The last page, with the ids of what was deleted.
    pub(crate) fn end(&self, found: Vec<State>, deleted: Vec<String>) -> Page {
        let mut entries = present(found);
        entries.extend(deleted.into_iter().map(Observed::Absent));
        let reach = Some(self.span.close(LAG_MS));
        let cursor = Cursor { reach, reading: Some(self.reading), ..Cursor::default() };
        Page { entries, cursor: json::text(&cursor), more: false }
    }

    /// The parts of the key behind which this page begins, as numbers; zeros at the start.
    pub(crate) fn after_parts<const N: usize>(&self) -> Result<[String; N], Fault> {
        let text = self.after.clone().unwrap_or_else(|| vec!["0"; N].join(":"));
        let parts: Vec<String> = text.split(':').map(str::to_owned).collect();
        let is_number = |it: &String| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        let broken = || Fault::Invalid("the cursor is none of this connector's".to_owned());
        if !parts.iter().all(is_number) {
            return Err(broken());
        }
        parts.try_into().map_err(|_| broken())
    }
}

fn present(found: Vec<State>) -> Vec<Observed> {
    found.into_iter().map(Observed::Present).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000_000;

    #[test]
    fn a_delta_reaches_back_to_the_start_of_the_listing_it_follows() {
        let clock = Clock::measured(0, NOW);
        let listing = Walk::resume(None, &clock, NOW, 0).unwrap();
        assert_eq!(listing.since_ms, None);
        let page = listing.go_on(Vec::new(), "7".to_owned());
        let later = Walk::resume(Some(&page.cursor), &clock, NOW + 500_000, 0).unwrap();
        assert_eq!((later.since_ms, later.after_parts::<1>().unwrap()), (None, ["7".to_owned()]));
        let end = later.end(Vec::new(), Vec::new());
        let delta = Walk::resume(Some(&end.cursor), &clock, NOW + 600_000, 2_000).unwrap();
        assert_eq!(delta.since_ms, Some(NOW - u64::from(LAG_MS) - 2_000));
        assert_eq!(delta.after, None);
    }

    /// The clocks were put back while the last measurement was believed: what changed meanwhile was shown an hour earlier
    /// than it was asked for.
    #[test]
    fn p10_a_delta_after_the_clocks_were_put_back_reads_what_the_one_before_could_not_see() {
        const MINUTE: u64 = 60_000;
        let summer = Clock::measured(-7, NOW);
        let listing = Walk::resume(None, &summer, NOW, 0).unwrap().end(Vec::new(), Vec::new());
        let blind = Walk::resume(Some(&listing.cursor), &summer, NOW + 9 * MINUTE, 0).unwrap();
        assert!(blind.since_ms > Some(NOW - MINUTE));
        let blind = blind.end(Vec::new(), Vec::new());
        let winter = Clock::measured(-8, NOW + 10 * MINUTE);
        let seeing = Walk::resume(Some(&blind.cursor), &winter, NOW + 10 * MINUTE, 0).unwrap();
        assert_eq!(seeing.since_ms, Some(NOW - u64::from(LAG_MS)));
        // Once is enough.
        let seeing = seeing.end(Vec::new(), Vec::new());
        let next = Walk::resume(Some(&seeing.cursor), &winter, NOW + 11 * MINUTE, 0).unwrap();
        assert!(next.since_ms > Some(NOW + 9 * MINUTE), "{next:?}");
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        let clock = Clock::measured(0, NOW);
        assert!(matches!(Walk::resume(Some("eyJ"), &clock, NOW, 0), Err(Fault::Invalid(_))));
        let walk = Walk::resume(Some(r#"{"after":"7; DROP"}"#), &clock, NOW, 0).unwrap();
        assert!(walk.after_parts::<1>().is_err());
        let walk = Walk::resume(Some(r#"{"after":"7"}"#), &clock, NOW, 0).unwrap();
        assert!(walk.after_parts::<2>().is_err());
    }
}
