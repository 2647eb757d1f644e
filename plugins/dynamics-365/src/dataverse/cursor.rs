//! How far a pull has read.

use serde::{Deserialize, Serialize};
use truthsource_sdk::span::{Reach, Span};
use truthsource_sdk::{Fault, json, moment};

/// How long a change may stay invisible where changes are not tracked: it is stamped when its transaction begins.
pub(crate) const LAG_MS: u32 = 30_000;
/// What a cursor holds of a link.
const LINK_BYTES_MAX: usize = 3_500;

/// Where a pull goes on, or the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Cursor {
    /// The next page of a pull under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// What has changed since the pull before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<String>,
    /// The pull under way tells of changes alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_delta: bool,
    /// Where changes are not tracked: how far times have been read, between two pulls and within one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

impl Cursor {
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Fault> {
        let foreign = || Fault::Invalid("the cursor is none of this connector's".to_owned());
        let cursor: Self = match text {
            None => Self::default(),
            Some(text) => serde_json::from_str(text).map_err(|_| foreign())?,
        };
        // A link is followed with our credentials: it leads nowhere but to a path of the system itself.
        let is_path = |it: &String| it.starts_with('/') && !it.starts_with("//");
        if cursor.next.iter().chain(&cursor.delta).all(is_path) { Ok(cursor) } else { Err(foreign()) }
    }

    pub(crate) fn text(&self) -> String {
        json::text(self)
    }

    /// A link as a cursor keeps it.
    pub(crate) fn link(link: &str) -> Result<String, Fault> {
        let link = crate::odata::relative(link);
        if link.len() > LINK_BYTES_MAX || !link.starts_with('/') {
            return Err(Fault::Protocol("a link that no cursor holds".to_owned()));
        }
        Ok(link.to_owned())
    }
}

/// The condition that a record changed within a span; none for a complete listing. Times are whole seconds.
pub(crate) fn changed(span: &Span) -> String {
    span.from_ms.map_or_else(String::new, |it| format!("modifiedon ge {}", moment::rfc3339(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_nowhere_but_to_the_system() {
        let cursor = Cursor { next: Some("/api/data/v9.2/accounts?x".to_owned()), ..Cursor::default() };
        assert_eq!(Cursor::parse(Some(&cursor.text())).unwrap(), cursor);
        assert_eq!(Cursor::link("https://o.example/api?$deltatoken=9%21").unwrap(), "/api?$deltatoken=9%21");
        for text in ["x", r#"{"next":"https://elsewhere.example/"}"#, r#"{"delta":"//elsewhere.example/"}"#] {
            assert!(matches!(Cursor::parse(Some(text)), Err(Fault::Invalid(_))), "{text}");
        }
        assert!(matches!(Cursor::link(&format!("/{}", "x".repeat(4_000))), Err(Fault::Protocol(_))));
    }
}
