//! How far a pull has read.
//!
//! A pull walks through stages, each a collection of its own, and each by the links that the system gives. What changes
//! while it walks is left to the next delta: that one reaches back to the moment this one *started*, less the time a
//! change may stay invisible.

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Page};
use truthsource_sdk::span::{Reach, Span};
use truthsource_sdk::{Fault, json, moment};

/// How long a change may stay invisible: it is stamped within its transaction and seen when that ends, and postings
/// take their time.
pub(crate) const LAG_MS: u32 = 120_000;

/// How far the ledger of stock has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Every entry up to here is known, however late it became visible.
    pub known: u64,
    /// The last entry that the last deep pull saw.
    pub seen: u64,
    /// The last entry that was seen at all.
    pub last: u64,
}

impl Ledger {
    /// When a deep pull has ended. An entry that is not visible yet may have a lower number than one that is, so that
    /// what is known moves on only to what was seen a whole lag ago.
    fn deepened(self) -> Self {
        Self { known: self.seen, seen: self.last, last: self.last }
    }
}

/// A pull under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Only what changed since (UTC); `None`: everything.
    pub since_ms: Option<u64>,
    /// Which collection is being read.
    pub stage: u8,
    /// Where in it; `None` at its start.
    pub next: Option<String>,
    pub ledger: Option<Ledger>,
    span: Span,
}

#[derive(Serialize, Deserialize, Default)]
struct Cursor {
    /// Between two walks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    /// Of the walk under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
    #[serde(default, skip_serializing_if = "is_first")]
    stage: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<Ledger>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde asks for it.
fn is_first(stage: &u8) -> bool {
    *stage == 0
}

impl Walk {
    /// Goes on where `cursor` says, at `now_ms`.
    pub(crate) fn resume(cursor: Option<&str>, now_ms: u64, overlap_ms: u32) -> Result<Self, Fault> {
        let foreign = || Fault::Invalid("the cursor is none of this connector's".to_owned());
        let cursor: Cursor = match cursor {
            None => Cursor::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| foreign())?,
        };
        // A link is followed with our credentials: it leads nowhere but to a path of the system itself.
        if cursor.next.as_ref().is_some_and(|it| !it.starts_with('/') || it.starts_with("//")) {
            return Err(foreign());
        }
        let span = cursor.span.unwrap_or_else(|| Span::open(cursor.reach, now_ms, overlap_ms));
        let (stage, next, ledger) = (cursor.stage, cursor.next, cursor.ledger);
        Ok(Self { since_ms: span.from_ms, stage, next, ledger, span })
    }

    /// This walk reads everything, whenever it changed.
    pub(crate) fn is_complete(&self) -> bool {
        self.since_ms.is_none()
    }

    /// The condition that a record changed since this walk's beginning; none for a complete one: records that were
    /// never touched since there are stamps have none.
    pub(crate) fn changed(&self, column: &str) -> String {
        self.since_ms.map_or_else(String::new, |it| format!("{column} gt {}", moment::rfc3339(it)))
    }

    /// The moment this walk began.
    pub(crate) fn began_ms(&self) -> u64 {
        self.span.until_ms
    }

    /// The page that was read, with more behind it: where its collection goes on, or at the next of `stages`.
    pub(crate) fn turn(&self, entries: Vec<Observed>, next: Option<String>, stages: u8) -> Page {
        match next {
            Some(next) => self.more(entries, self.stage, Some(next)),
            None if self.stage + 1 < stages => self.more(entries, self.stage + 1, None),
            None => self.end(entries),
        }
    }

    fn more(&self, entries: Vec<Observed>, stage: u8, next: Option<String>) -> Page {
        let cursor = Cursor { reach: None, span: Some(self.span), stage, next, ledger: self.ledger };
        Page { entries, cursor: json::text(&cursor), more: true }
    }

    fn end(&self, entries: Vec<Observed>) -> Page {
        let reach = Some(self.span.close(LAG_MS));
        let ledger = if self.span.is_deep() { self.ledger.map(Ledger::deepened) } else { self.ledger };
        let cursor = Cursor { reach, ledger, ..Cursor::default() };
        Page { entries, cursor: json::text(&cursor), more: false }
    }

    /// The same walk, in the knowledge that the ledger has an entry of this number.
    pub(crate) fn saw_entry(&self, number: u64) -> Self {
        let ledger = self.ledger.map_or(Ledger { known: number, seen: number, last: number }, |it| Ledger {
            last: it.last.max(number),
            ..it
        });
        Self { ledger: Some(ledger), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_262_400_000;

    #[test]
    fn a_delta_reaches_back_to_the_start_of_the_listing_it_follows() {
        let listing = Walk::resume(None, NOW, 0).unwrap();
        assert_eq!((listing.since_ms, listing.changed("x")), (None, String::new()));
        let page = listing.turn(Vec::new(), Some("/api?$skiptoken=1".to_owned()), 2);
        let later = Walk::resume(Some(&page.cursor), NOW + 500_000, 0).unwrap();
        assert_eq!((later.since_ms, later.stage, later.next.as_deref()), (None, 0, Some("/api?$skiptoken=1")));
        let second = later.turn(Vec::new(), None, 2);
        assert!(second.more);
        let last = Walk::resume(Some(&second.cursor), NOW + 500_000, 0).unwrap();
        assert_eq!((last.stage, last.next.clone()), (1, None));
        let end = last.turn(Vec::new(), None, 2);
        assert!(!end.more);
        let delta = Walk::resume(Some(&end.cursor), NOW + 600_000, 2_000).unwrap();
        assert_eq!(delta.since_ms, Some(NOW - u64::from(LAG_MS) - 2_000));
        assert_eq!(delta.changed("changed"), "changed gt 2026-11-21T11:57:58Z");
        assert_eq!((delta.stage, delta.next), (0, None));
    }

    #[test]
    fn an_entry_that_shows_late_is_not_passed_over() {
        let pull = |cursor: Option<&str>, now: u64, last: u64| {
            let walk = Walk::resume(cursor, now, 0).unwrap();
            let known = walk.ledger.map(|it| it.known);
            (known, walk.saw_entry(last).turn(Vec::new(), None, 1).cursor)
        };
        let (_, cursor) = pull(None, NOW, 100);
        let (known, cursor) = pull(Some(&cursor), NOW + 1_000, 105);
        assert_eq!(known, Some(100), "a shallow pull");
        let (known, cursor) = pull(Some(&cursor), NOW + 300_000, 110);
        assert_eq!(known, Some(100), "the first deep one");
        let (known, cursor) = pull(Some(&cursor), NOW + 600_000, 120);
        assert_eq!(known, Some(100), "what the first deep one saw is a lag old only now");
        let (known, _) = pull(Some(&cursor), NOW + 900_000, 120);
        assert_eq!(known, Some(110));
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for text in ["eyJ", r#"{"next":"https://elsewhere.example/"}"#, r#"{"next":"//elsewhere.example/"}"#] {
            assert!(matches!(Walk::resume(Some(text), NOW, 0), Err(Fault::Invalid(_))), "{text}");
        }
    }
}
