//! OData: how a question is spelled, and rows whose numbers keep every digit.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use truthsource_sdk::json::Bare;
use truthsource_sdk::value::Held;
use truthsource_sdk::{Decimal, Fault, moment};

/// What a reference to nothing holds.
pub(crate) const ZERO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// How many values one question compares a column with: servers count the nodes of a filter.
const VALUES_MAX: usize = 50;
/// How long the filter of such a question gets, as it is sent. The host allows a URL of 8 192 bytes.
const FILTER_BYTES_MAX: usize = 6_000;

/// A page of a collection.
#[derive(Deserialize)]
pub(crate) struct Collection {
    pub value: Vec<Row>,
    #[serde(rename = "@odata.nextLink", default)]
    pub next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink", default)]
    pub delta_link: Option<String>,
}

/// One record as it was sent.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(transparent)]
pub(crate) struct Row(BTreeMap<String, Box<RawValue>>);

impl Row {
    /// The text of a property; `None` when it is empty, absent or null. Blanks at the ends are not data.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let raw = self.0.get(name)?.get();
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(raw).ok()?,
            b'n' | b'{' | b'[' => return None,
            _ => raw.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What a record says of a text. A property that was not sent says nothing, which is not that it is empty: it may have
    /// been taken out of the system.
    ///
    /// # Errors
    /// When the property is no text any more.
    pub(crate) fn held(&self, name: &str) -> Result<Held<String>, Fault> {
        match self.0.get(name).map(|it| it.get().as_bytes().first()) {
            None => Ok(Held::Unknown),
            Some(Some(b'"' | b'n')) => Ok(self.text(name).into()),
            Some(_) => Err(Fault::Protocol(format!("property `{name}` is no text"))),
        }
    }

    /// A property that cannot be empty.
    pub(crate) fn must(&self, name: &str) -> Result<String, Fault> {
        self.text(name).ok_or_else(|| Fault::Protocol(format!("a record without `{name}`")))
    }

    /// A choice, as people read it: what an XML name may not hold is escaped on the wire. A blank one is `None`.
    pub(crate) fn choice(&self, name: &str) -> Option<String> {
        let text = unescaped(&self.text(name)?);
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A reference; `None` when it leads nowhere.
    pub(crate) fn id(&self, name: &str) -> Option<String> {
        self.text(name).map(|it| it.to_lowercase()).filter(|it| it != ZERO_ID)
    }

    /// An exact number; `None` when it is absent or null.
    pub(crate) fn number(&self, name: &str) -> Result<Option<Decimal>, Fault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Fault::Protocol(format!("property `{name}`: {error}")))
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// A moment, whatever the length of its fraction; `None` for one that was never set.
    pub(crate) fn moment(&self, name: &str) -> Option<u64> {
        moment::parse(&self.text(name)?)
    }

    /// A date; `None` for one that was never set.
    pub(crate) fn day(&self, name: &str) -> Option<String> {
        let day = self.text(name)?.get(..10)?.to_owned();
        (day.as_str() > "0001-01-01").then_some(day)
    }

    /// The version mark; empty when there is none.
    pub(crate) fn etag(&self) -> String {
        self.text("@odata.etag").unwrap_or_default()
    }

    /// An expanded collection; `None` when it was not sent.
    pub(crate) fn rows(&self, name: &str) -> Result<Option<Vec<Row>>, Fault> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        let read = serde_json::from_str(raw.get());
        read.map(Some).map_err(|error| Fault::Protocol(format!("property `{name}`: {error}")))
    }

    /// The properties that were sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// `_x0020_` is a blank: an XML name holds no blanks, full stops or signs, and enumerations are XML names here.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        let letter = code.get(2..6).and_then(|it| u32::from_str_radix(it, 16).ok()).and_then(char::from_u32);
        match letter.filter(|_| code.as_bytes().get(6) == Some(&b'_')) {
            Some(letter) => {
                out.push(letter);
                rest = &code[7..];
            }
            None => {
                out.push_str("_x");
                rest = &code[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A value in what is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(Decimal),
    Flag(bool),
    Rows(Vec<Body>),
}

/// What is written: properties in the order in which they are to be taken over.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Body(Vec<(String, Cell)>);

impl Body {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.with(name, Cell::Text(text.into()))
    }

    pub(crate) fn number(self, name: &str, number: Decimal) -> Self {
        self.with(name, Cell::Number(number))
    }

    pub(crate) fn flag(self, name: &str, flag: bool) -> Self {
        self.with(name, Cell::Flag(flag))
    }

    pub(crate) fn rows(self, name: &str, rows: Vec<Body>) -> Self {
        self.with(name, Cell::Rows(rows))
    }

    fn with(mut self, name: &str, cell: Cell) -> Self {
        self.0.push((name.to_owned(), cell));
        self
    }

    /// These properties, too.
    pub(crate) fn texts<'a>(self, texts: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        texts.into_iter().fold(self, |body, (name, text)| body.text(name, text))
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, cell) in &self.0 {
            match cell {
                Cell::Text(text) => map.serialize_entry(name, text)?,
                Cell::Number(number) => map.serialize_entry(name, &Bare(*number))?,
                Cell::Flag(flag) => map.serialize_entry(name, flag)?,
                Cell::Rows(rows) => map.serialize_entry(name, rows)?,
            }
        }
        map.end()
    }
}

/// A text in a filter: quotes are doubled.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// As a part of a URL's query: everything but letters, digits and `-._~` is escaped.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Conditions that a column holds one of these values, as many as are needed: none gets too long for a URL.
pub(crate) fn any_of<'a>(column: &str, values: impl IntoIterator<Item = &'a str>, is_text: bool) -> Vec<String> {
    let mut conditions: Vec<String> = Vec::new();
    let (mut parts, mut bytes) = (Vec::new(), 0);
    for value in values {
        let part = format!("{column} eq {}", if is_text { quoted(value) } else { value.to_owned() });
        let size = encoded(&part).len() + encoded(" or ").len();
        if parts.len() >= VALUES_MAX || bytes + size > FILTER_BYTES_MAX && !parts.is_empty() {
            conditions.push(parts.join(" or "));
            (parts, bytes) = (Vec::new(), 0);
        }
        bytes += size;
        parts.push(part);
    }
    if !parts.is_empty() {
        conditions.push(parts.join(" or "));
    }
    conditions
}

/// What follows the origin of a link: links are followed at the origin we were told of, whatever name the server has
/// for itself.
pub(crate) fn relative(link: &str) -> &str {
    let Some((_, rest)) = link.split_once("://") else { return link };
    rest.find('/').map_or("", |at| &rest[at..])
}

/// Where a link leads, at the origin of `base_url`.
pub(crate) fn followed(base_url: &str, link: &str) -> String {
    let host = base_url.find("://").map_or(0, |at| at + 3);
    let origin = base_url[host..].find('/').map_or(base_url, |at| &base_url[..host + at]);
    format!("{origin}{}", relative(link))
}

/// Whether a text is the id of a record. A server refuses a whole question for one that is not.
pub(crate) fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |it: &&str| it.bytes().all(|it| it.is_ascii_hexdigit());
    parts.iter().map(|it| it.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Row {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_row_reads_what_is_there_and_takes_nothing_for_empty() {
        let row =
            row(r#"{"n":140,"f":1000.80,"none":"","zero":"00000000-0000-0000-0000-000000000000","day":"0001-01-01",
            "at":"2026-11-21T09:14:07.55Z","never":"0001-01-01T00:00:00Z","off":false,"blank":"_x0020_","null":null}"#);
        assert_eq!(row.number("n").unwrap(), Some(Decimal::from(140)));
        assert_eq!(row.number("f").unwrap().unwrap().to_string(), "1000.8");
        assert_eq!((row.text("none"), row.id("zero"), row.day("day"), row.moment("never")), (None, None, None, None));
        assert_eq!((row.choice("blank"), row.text("null"), row.flag("off")), (None, None, Some(false)));
        assert_eq!(row.moment("at"), Some(1_795_252_447_550));
    }

    #[test]
    fn p9_what_is_not_sent_is_not_known_and_what_is_no_text_is_a_fault() {
        let row = row(r#"{"is":" M8 ","none":null,"blank":"","number":7,"rows":[]}"#);
        assert_eq!(row.held("is").unwrap(), Held::Is("M8".to_owned()));
        assert_eq!((row.held("none").unwrap(), row.held("blank").unwrap()), (Held::Empty, Held::Empty));
        assert_eq!(row.held("vanished").unwrap(), Held::Unknown);
        for changed in ["number", "rows"] {
            assert!(matches!(row.held(changed), Err(Fault::Protocol(_))), "{changed}");
        }
    }

    #[test]
    fn choices_are_read_as_people_write_them() {
        let check = |text: &str, expect: &str| assert_eq!(unescaped(text), expect, "{text}");
        check("_x0020_", " ");
        check("In_x0020_Review", "In Review");
        check("Positive_x0020_Adjmt_x002E_", "Positive Adjmt.");
        check("Draft", "Draft");
        check("A_xyz", "A_xyz");
        check("_x00", "_x00");
    }

    #[test]
    fn a_question_about_many_values_is_asked_in_parts() {
        let numbers: Vec<String> = (0..120).map(|n| format!("ITEM {n}'s")).collect();
        let parts = any_of("number", numbers.iter().map(String::as_str), true);
        assert_eq!(parts.len(), 3);
        assert!(parts[0].starts_with("number eq 'ITEM 0''s' or number eq "), "{}", parts[0]);
        assert!(parts.iter().all(|it| encoded(it).len() <= FILTER_BYTES_MAX));
        assert_eq!(any_of("id", ["x"; 1], false), ["id eq x"]);
        assert!(any_of("id", [], false).is_empty());
    }

    #[test]
    fn numbers_are_written_digit_by_digit() {
        let line = Body::new().number("quantity", Decimal::from(3)).number("unitPrice", "12.505".parse().unwrap());
        let body = Body::new().text("number", "A\"B").flag("blocked", false).rows("lines", vec![line]);
        let expect = r#"{"number":"A\"B","blocked":false,"lines":[{"quantity":3,"unitPrice":12.505}]}"#;
        assert_eq!(truthsource_sdk::json::text(&body), expect);
    }

    #[test]
    fn links_are_followed_at_the_origin_we_know() {
        assert_eq!(relative("https://other:7048/BC/api?$skiptoken=1"), "/BC/api?$skiptoken=1");
        assert_eq!(relative("/BC/api"), "/BC/api");
        assert_eq!(followed("https://bc.example:7048/BC", "https://other/BC/api"), "https://bc.example:7048/BC/api");
        assert_eq!(followed("https://o.example", "/api/data"), "https://o.example/api/data");
        assert!(is_guid("5d115c9c-44e3-ea11-bb43-000d3a2feca1"));
        assert!(!is_guid("5d115c9c-44e3-ea11-bb43-000d3a2feca") && !is_guid("1 or 1 eq 1"));
    }
}
