//! How far a pull has read.
//!
//! A delta asks for what changed between two moments. The upper one is the moment it began, so that rows which change
//! while it runs move out of it instead of through its pages.

use serde::{Deserialize, Serialize};
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::span::{Reach, Span};
use truthsource_sdk::{Fault, Kind, json, moment};

/// How long a change may be unknown to the shop's search.
pub(crate) const LAG_MS: u32 = 30_000;
/// How long a change of a price list may be unknown: what has no time of change is read whole, and a large catalogue
/// would spend all of a shop's points on that.
pub(crate) const LISTS_LAG_MS: u32 = 600_000;

/// A pull under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Where in a listing of several parts it is; empty at the start.
    pub place: String,
    /// The shop's cursor within the part.
    pub after: Option<String>,
    span: Span,
    lag_ms: u32,
}

#[derive(Serialize, Deserialize, Default)]
struct Cursor {
    /// Between two walks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    /// Of the walk under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    place: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Walk {
    /// Goes on where `cursor` says.
    pub(crate) fn resume(kind: Kind, cursor: Option<&str>, (now_ms, overlap_ms): (u64, u32)) -> Result<Self, Fault> {
        let cursor: Cursor = match cursor {
            None => Cursor::default(),
            Some(text) => serde_json::from_str(text)
                .map_err(|_| Fault::Invalid("the cursor is none of this connector's".to_owned()))?,
        };
        let span = cursor.span.unwrap_or_else(|| Span::open(cursor.reach, now_ms, overlap_ms));
        let lag_ms = if kind == Kind::Price { LISTS_LAG_MS } else { LAG_MS };
        Ok(Self { place: cursor.place, after: cursor.after, span, lag_ms })
    }

    /// Whether only changes are asked for.
    pub(crate) fn is_delta(&self) -> bool {
        self.span.from_ms.is_some()
    }

    /// Whether what cannot be asked for by time is read, too: in a listing, and once per lag.
    pub(crate) fn is_deep(&self) -> bool {
        self.span.is_deep()
    }

    /// The search that keeps a delta between its moments; `None` in a complete listing.
    pub(crate) fn window(&self) -> Option<String> {
        let (since, until) = (moment::rfc3339(self.span.from_ms?), moment::rfc3339(self.span.until_ms));
        Some(format!("updated_at:>='{since}' AND updated_at:<='{until}'"))
    }

    /// A page with more behind this place.
    pub(crate) fn go_on(&self, found: Vec<State>, place: &str, after: Option<String>) -> Page {
        let cursor = Cursor { reach: None, span: Some(self.span), place: place.to_owned(), after };
        Page { entries: present(found), cursor: json::text(&cursor), more: true }
    }

    /// The last page.
    pub(crate) fn end(&self, found: Vec<State>) -> Page {
        let cursor = Cursor { reach: Some(self.span.close(self.lag_ms)), ..Cursor::default() };
        Page { entries: present(found), cursor: json::text(&cursor), more: false }
    }

    /// The page after one of the shop's.
    pub(crate) fn turn(&self, found: Vec<State>, info: PageInfo) -> Page {
        match info.next() {
            Some(after) => self.go_on(found, &self.place, Some(after)),
            None => self.end(found),
        }
    }
}

fn present(found: Vec<State>) -> Vec<Observed> {
    found.into_iter().map(Observed::Present).collect()
}

/// Where a connection goes on.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

impl PageInfo {
    pub(crate) fn next(&self) -> Option<String> {
        self.end_cursor.clone().filter(|_| self.has_next_page)
    }
}

/// One page of a connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Nodes<T> {
    #[serde(default = "Vec::new")]
    pub nodes: Vec<T>,
    #[serde(default)]
    pub page_info: Option<PageInfo>,
}

impl<T> Nodes<T> {
    pub(crate) fn info(&self) -> PageInfo {
        self.page_info.clone().unwrap_or(PageInfo { has_next_page: false, end_cursor: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_248_062_000; // 2026-11-21T08:01:02Z

    #[test]
    fn a_delta_lies_between_two_moments_and_follows_on() {
        let listing = Walk::resume(Kind::Item, None, (NOW, 0)).unwrap();
        assert_eq!(listing.window(), None);
        let page = listing.go_on(Vec::new(), "67", Some("abc".to_owned()));
        let later = Walk::resume(Kind::Item, Some(&page.cursor), (NOW + 500_000, 0)).unwrap();
        assert_eq!((later.place.as_str(), later.after.as_deref()), ("67", Some("abc")));
        let delta = Walk::resume(Kind::Item, Some(&later.end(Vec::new()).cursor), (NOW + 60_000, 2_000)).unwrap();
        let expect = "updated_at:>='2026-11-21T08:00:30Z' AND updated_at:<='2026-11-21T08:02:02Z'";
        assert_eq!((delta.window().as_deref(), delta.is_deep()), (Some(expect), true));
        assert!(delta.place.is_empty() && delta.after.is_none());
    }
}
