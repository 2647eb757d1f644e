//! How far a pull has read.
//!
//! A listing goes by key, and what changes while it runs is left to the next delta: that one reaches back to the moment
//! the listing *started*, less the lag within which a save may still appear. So a listing can neither repeat for ever
//! nor lose what moved behind it.

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::span::{Reach, Span};
use truthsource_sdk::{Fault, json};

use crate::id;

/// How long a save may stay invisible: a long transaction commits with the time that it began, and the clocks of the
/// database and of the service are two.
pub(crate) const LAG_MS: u32 = 30_000;

/// A pull under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Only what changed since, and the moment the pull began (both UTC, by the server's clock); `None`: everything.
    pub since: Option<(u64, u64)>,
    /// The key of the last record seen; `None` at the start.
    pub after: Option<String>,
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
    /// The key of the last record seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

fn foreign() -> Fault {
    Fault::Invalid("the cursor is none of this connector's".to_owned())
}

impl Walk {
    /// Goes on where `cursor` says, at `remote_now_ms` by the server's clock.
    pub(crate) fn resume(cursor: Option<&str>, remote_now_ms: u64, overlap_ms: u32) -> Result<Self, Fault> {
        let cursor: Cursor = match cursor {
            None => Cursor::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| foreign())?,
        };
        let span = cursor.span.unwrap_or_else(|| Span::open(cursor.reach, remote_now_ms, overlap_ms));
        // An hour that happens twice may lie between the beginning and a page that is read long after.
        let since = span.from_ms.map(|it| (it, span.until_ms.max(remote_now_ms)));
        Ok(Self { since, after: cursor.after, span })
    }

    /// A page with more behind the record of this key.
    pub(crate) fn go_on(&self, found: Vec<State>, after: String) -> Page {
        let cursor = Cursor { reach: None, span: Some(self.span), after: Some(after) };
        Page { entries: present(found), cursor: json::text(&cursor), more: true }
    }

    /// The last page.
    pub(crate) fn end(&self, found: Vec<State>) -> Page {
        let cursor = Cursor { reach: Some(self.span.close(LAG_MS)), ..Cursor::default() };
        Page { entries: present(found), cursor: json::text(&cursor), more: false }
    }

    /// A page with more behind it, if there is a key to go on from.
    pub(crate) fn turn(&self, found: Vec<State>, after: Option<String>) -> Page {
        match after {
            Some(after) => self.go_on(found, after),
            None => self.end(found),
        }
    }

    /// The two parts of the key behind which this page begins.
    pub(crate) fn after_two(&self) -> Result<Option<[String; 2]>, Fault> {
        self.after.as_deref().map(|it| id::split(it).ok_or_else(foreign)).transpose()
    }

    /// The number behind which this page begins; zero at the start.
    pub(crate) fn after_number(&self) -> Result<i64, Fault> {
        self.after.as_deref().map_or(Ok(0), |it| it.parse().map_err(|_| foreign()))
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
        let listing = Walk::resume(None, NOW, 0).unwrap();
        assert_eq!(listing.since, None);
        let page = listing.go_on(Vec::new(), "7".to_owned());
        let later = Walk::resume(Some(&page.cursor), NOW + 500_000, 0).unwrap();
        assert_eq!((later.since, later.after_number().unwrap()), (None, 7));
        let end = later.end(Vec::new());
        let delta = Walk::resume(Some(&end.cursor), NOW + 600_000, 2_000).unwrap();
        assert_eq!(delta.since, Some((NOW - u64::from(LAG_MS) - 2_000, NOW + 600_000)));
        assert_eq!(delta.after, None);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert!(matches!(Walk::resume(Some("eyJ"), NOW, 0), Err(Fault::Invalid(_))));
        let walk = Walk::resume(Some(r#"{"after":"7 or 1 eq 1"}"#), NOW, 0).unwrap();
        assert!(walk.after_number().is_err());
        assert!(walk.after_two().is_err());
    }
}
