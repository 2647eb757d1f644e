//! Paths, filters and pages of OData, in both of its versions.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::host::HttpFault;
use truthsource_sdk::{Fault, json};

use crate::wire::{Service, refusal};

/// The most ids in one filter, and the most bytes of it as they stand in a URL: servers refuse longer ones.
const IDS_MAX: usize = 50;
const FILTER_BYTES_MAX: usize = 3_000;

/// A page of a collection. What it holds is read later, by whoever knows what it is.
#[derive(Deserialize)]
struct Collection {
    value: Vec<Box<RawValue>>,
    #[serde(rename = "@odata.nextLink", alias = "odata.nextLink", default)]
    next: Option<String>,
}

/// Rows of one answer.
pub(crate) struct Rows<T> {
    pub rows: Vec<T>,
    /// The company has more rows than it gave. Where the next page begins is left to the keys: what it says itself is a
    /// number of rows to skip, and rows move.
    pub more: bool,
}

impl Service<'_> {
    /// Reads one page of a collection, or of what a function answers.
    pub(crate) fn list<T>(
        &self,
        path: &str,
        rows_max: usize,
        read: impl Fn(&RawValue) -> Result<T, serde_json::Error>,
    ) -> Result<Rows<T>, Fault> {
        let prefer = format!("odata.maxpagesize={rows_max}");
        let response = match self.send("GET", path, &[("prefer", &prefer)], Vec::new()) {
            // A document of a thousand lines has its page to itself.
            Err(HttpFault::TooLarge) if rows_max > 1 => return self.list(path, 1, read),
            sent => sent?,
        };
        let what = path.split(['?', '(']).next().unwrap_or(path);
        if response.status != 200 {
            return Err(refusal(&response, what, self.ctx.now_ms));
        }
        let page: Collection = json::answer(&response.body, what)?;
        let rows: Result<Vec<T>, _> = page.value.iter().map(|it| read(it)).collect();
        let rows = rows.map_err(|error| Fault::Protocol(format!("{what}: {error}")))?;
        Ok(Rows { rows, more: page.next.is_some_and(|it| !it.is_empty()) })
    }
}

/// Every row of these keys, page after page behind the last key; `key` says a row's.
pub(crate) fn of_keys<T>(
    service: &Service<'_>,
    query: &Query<'_>,
    (keys, rows_max): (&[String], usize),
    read: impl Fn(&RawValue) -> Result<T, serde_json::Error>,
    key: impl Fn(&T) -> Option<String>,
) -> Result<Vec<T>, Fault> {
    let mut found = Vec::new();
    for any in any_of(query.order, keys) {
        let mut behind = String::new();
        loop {
            let filter: Vec<&str> = query.filter.iter().copied().chain([any.as_str(), &behind]).collect();
            let rows = service.list(&Query { filter: &filter, ..*query }.path(), rows_max, &read)?;
            let last = rows.rows.last().and_then(&key);
            found.extend(rows.rows);
            match last {
                Some(last) if rows.more => behind = format!("{} gt {last}", query.order),
                _ => break,
            }
        }
    }
    Ok(found)
}

/// Reads a row that is nothing but its members.
pub(crate) fn plain<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Result<T, serde_json::Error> {
    serde_json::from_str(raw.get())
}

/// The version that a record says it has; empty where it says none.
pub(crate) fn version(raw: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(rename = "@odata.etag", alias = "odata.etag", default)]
        etag: Option<String>,
    }
    plain::<Versioned>(raw).ok().and_then(|it| it.etag).unwrap_or_default()
}

/// A question to a collection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Query<'a> {
    pub entity: &'a str,
    /// Names of members; empty: all.
    pub select: &'a str,
    /// Conditions that all hold; empty ones do not count.
    pub filter: &'a [&'a str],
    /// The name of the key, ascending.
    pub order: &'a str,
}

impl Query<'_> {
    pub(crate) fn path(&self) -> String {
        let conditions: Vec<&str> = self.filter.iter().copied().filter(|it| !it.is_empty()).collect();
        let filter = conditions.join(" and ");
        let parts = [("$select", self.select), ("$filter", &filter), ("$orderby", self.order)];
        let parts = parts.iter().filter(|(_, it)| !it.is_empty());
        let parts: Vec<String> = parts.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if parts.is_empty() { self.entity.to_owned() } else { format!("{}?{}", self.entity, parts.join("&")) }
    }
}

/// A text as it stands in a filter or a key.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The path of one record: `Items('A1')`, `Orders(91)`.
pub(crate) fn entity(name: &str, key: &str) -> String {
    format!("{name}({})", encoded(key))
}

/// Conditions that a member is one of these keys, each short enough for a URL.
pub(crate) fn any_of(member: &str, keys: &[String]) -> Vec<String> {
    let mut filters: Vec<(String, usize)> = Vec::new();
    for key in keys {
        let condition = format!("{member} eq {key}");
        let bytes = encoded(&condition).len() + 8;
        match filters.last_mut() {
            Some((filter, n)) if *n < IDS_MAX && encoded(filter).len() + bytes <= FILTER_BYTES_MAX => {
                filter.push_str(" or ");
                filter.push_str(&condition);
                *n += 1;
            }
            _ => filters.push((condition, 1)),
        }
    }
    filters.into_iter().map(|(filter, _)| format!("({filter})")).collect()
}

/// Everything but letters, digits and what has no meaning in a URL, escaped.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'\'' | b'(' | b')' | b',' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_quoted_and_escaped() {
        let check = |key: &str, path: &str| assert_eq!(entity("Items", &literal(key)), path);
        check("A1", "Items('A1')");
        check("O'Neil", "Items('O''Neil')");
        check("A/1 %&?#", "Items('A%2F1%20%25%26%3F%23')");
        check("Ü", "Items('%C3%9C')");
    }

    #[test]
    fn a_query_says_only_what_it_has() {
        let query = Query { entity: "Items", ..Query::default() };
        assert_eq!(query.path(), "Items");
        let filter = ["", "ItemCode gt 'A'", "(Valid eq 'tYES' or x eq 1)"];
        let query = Query { select: "ItemCode,ItemName", filter: &filter, order: "ItemCode", ..query };
        let expect = "Items?$select=ItemCode,ItemName\
            &$filter=ItemCode%20gt%20'A'%20and%20(Valid%20eq%20'tYES'%20or%20x%20eq%201)&$orderby=ItemCode";
        assert_eq!(query.path(), expect);
    }

    #[test]
    fn many_ids_are_several_filters() {
        let keys: Vec<String> = (0..120).map(|n| literal(&format!("A{n:03}"))).collect();
        let filters = any_of("ItemCode", &keys);
        assert_eq!(filters.len(), 3);
        assert!(filters[0].starts_with("(ItemCode eq 'A000' or ItemCode eq 'A001'"), "{}", filters[0]);
        let long: Vec<String> = (0..20).map(|_| literal(&"Ü".repeat(50))).collect();
        let filters = any_of("ItemCode", &long);
        assert!(filters.iter().all(|it| encoded(it).len() <= FILTER_BYTES_MAX + 2), "{}", filters.len());
        assert!(any_of("ItemCode", &[]).is_empty());
    }

    #[test]
    fn the_next_page_is_announced_in_two_spellings() {
        let more = |text: &str| serde_json::from_str::<Collection>(text).map(|it| it.next.is_some()).ok();
        assert_eq!(more(r#"{"value":[],"odata.nextLink":"/b1s/v1/Orders?$skip=20"}"#), Some(true));
        assert_eq!(more(r#"{"value":[{}],"@odata.nextLink":"Items?$skip=20"}"#), Some(true));
        assert_eq!(more(r#"{"@odata.context":"x","value":[]}"#), Some(false));
        assert_eq!(more("{}"), None);
    }
}
