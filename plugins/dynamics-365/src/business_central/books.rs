//! One company's books: where they are, and how their collections are read.

use serde::{Deserialize, Serialize};
use truthsource_sdk::host::{HttpFault, Response};
use truthsource_sdk::{Context, Fault, Host, json};

use super::settings::{Place, Settings};
use crate::odata::{Row, any_of, encoded, followed, relative};
use crate::wire::{Load, Wire, collection, refusal};

/// The company is looked up again after this time.
const FRESH_MS: u64 = 10 * 60 * 1_000;
const KEY: &str = "company";
/// What a cursor holds of a link.
const LINK_BYTES_MAX: usize = 3_500;
/// A listing that timed out is tried once more with pages this much smaller.
const SMALLER: u32 = 8;

/// Messages come in the caller's language.
const HEADERS: &[(&str, &str)] = &[("accept", "application/json"), ("accept-language", "en-US")];

/// One company, for the length of one call.
pub(crate) struct Books<'a> {
    pub wire: Wire<'a>,
    pub settings: Settings,
    /// The company's id.
    pub company: String,
    skew_ms: i64,
}

/// What is kept between calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    /// What the settings called the company.
    named: String,
    id: String,
    skew_ms: i64,
    at_ms: u64,
}

/// What is asked of a collection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pub select: String,
    pub expand: &'static str,
    pub filter: String,
    pub order: &'static str,
    /// So many records at the most, of all pages; 0: all.
    pub top: u32,
}

impl Query {
    /// These properties of every record.
    pub(crate) fn of(select: &str) -> Self {
        Self { select: select.to_owned(), ..Self::default() }
    }

    /// Only the records of which this holds.
    pub(crate) fn only(&self, filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), ..self.clone() }
    }

    fn text(&self) -> String {
        let mut parts = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                parts.push(format!("${name}={}", encoded(value)));
            }
        };
        add("filter", &self.filter);
        add("select", &self.select);
        add("expand", self.expand);
        add("orderby", self.order);
        if self.top > 0 {
            add("top", &self.top.to_string());
        }
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }
}

/// Rows of one page.
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    /// Where the next page is.
    pub next: Option<String>,
}

impl<'a> Books<'a> {
    pub(crate) fn open(host: &'a dyn Host, ctx: &'a Context) -> Result<Self, Fault> {
        let settings = Settings::read(ctx)?;
        let wire = Wire::new(host, ctx, settings.base_url.clone(), HEADERS);
        let kept: Option<Kept> = host.get(KEY).ok().flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_fresh =
            |it: &Kept| it.named == settings.company && it.at_ms <= ctx.now_ms && ctx.now_ms - it.at_ms < FRESH_MS;
        let kept = match kept.filter(is_fresh) {
            Some(kept) => kept,
            None => {
                let found = look_up(&wire, &settings)?;
                // Kept or not, what was read is right.
                let _ = host.set(KEY, json::text(&found).as_bytes());
                found
            }
        };
        Ok(Self { wire, settings, company: kept.id, skew_ms: kept.skew_ms })
    }

    /// The moment of the call. The system does not tell its own time but in a header that gateways and proxies set, so
    /// that nothing but advice rests on it: deltas reach back further than clocks that are kept are apart.
    pub(crate) fn now_ms(&self) -> u64 {
        self.wire.ctx.now_ms
    }

    /// How far the system's clock seems to be ahead of ours.
    pub(crate) fn skew_ms(&self) -> i64 {
        self.skew_ms
    }

    /// The address of a collection, or with `rest` of something in it.
    pub(crate) fn url(&self, place: &Place, rest: &str) -> String {
        format!("{}/api/{}/{}{rest}", self.wire.base_url, place.api, self.within(place))
    }

    /// The address of a collection within its API.
    pub(crate) fn within(&self, place: &Place) -> String {
        format!("companies({})/{}", self.company, place.set)
    }

    /// One page: the first that answers `query`, or the one behind `next`. Links are followed as they were given.
    pub(crate) fn page(&self, place: &Place, query: &Query, next: Option<&str>, size: u32) -> Result<Rows, Fault> {
        let url = match next {
            Some(next) => followed(&self.wire.base_url, next),
            None => self.url(place, &query.text()),
        };
        let response = match self.listing(&url, size) {
            Ok(response) if matches!(response.status, 408 | 504) => self.listing(&url, (size / SMALLER).max(1)),
            Err(HttpFault::Unknown(_)) => self.listing(&url, (size / SMALLER).max(1)),
            answer => answer,
        }?;
        if response.status != 200 {
            return Err(refusal(&response, &url, self.wire.ctx.now_ms));
        }
        let page = collection(&response, &place.set)?;
        let next = page.next_link.map(|it| relative(&it).to_owned());
        if next.as_ref().is_some_and(|it| it.len() > LINK_BYTES_MAX || !it.starts_with('/')) {
            return Err(Fault::Protocol(format!("{}: a link that no cursor holds", place.set)));
        }
        Ok(Rows { rows: page.value, next })
    }

    fn listing(&self, url: &str, size: u32) -> Result<Response, HttpFault> {
        let headers = vec![("prefer", format!("odata.maxpagesize={size}"))];
        self.wire.send("GET", url, Load { headers, body: Vec::new() })
    }

    /// Every record that answers `query`.
    pub(crate) fn all(&self, place: &Place, query: &Query, size: u32) -> Result<Vec<Row>, Fault> {
        let mut page = self.page(place, query, None, size)?;
        let mut rows = std::mem::take(&mut page.rows);
        while let Some(next) = page.next {
            page = self.page(place, query, Some(&next), size)?;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }

    /// Every record that holds one of these values in a column.
    pub(crate) fn any_of<'v>(
        &self,
        place: &Place,
        query: &Query,
        (column, is_text): (&str, bool),
        values: impl IntoIterator<Item = &'v str>,
    ) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for condition in any_of(column, values, is_text) {
            let filter =
                if query.filter.is_empty() { condition } else { format!("({condition}) and {}", query.filter) };
            rows.extend(self.all(place, &query.only(filter), 1_000)?);
        }
        Ok(rows)
    }
}

/// Finds the company that the settings name.
fn look_up(wire: &Wire<'_>, settings: &Settings) -> Result<Kept, Fault> {
    let url = format!("{}/api/v2.0/companies", wire.base_url);
    let response = wire.get(&url, Vec::new())?;
    let companies = collection(&response, "companies")?.value;
    let named = &settings.company;
    let is_named = |row: &&Row| {
        let by = |name: &str| row.text(name).is_some_and(|it| it.eq_ignore_ascii_case(named));
        by("id") || by("name")
    };
    // A shown name is no name: two companies may share one.
    let by_shown: Vec<&Row> = companies.iter().filter(|it| it.text("displayName").as_ref() == Some(named)).collect();
    let found = companies.iter().find(is_named).or_else(|| if let [one] = by_shown[..] { Some(one) } else { None });
    let Some(found) = found else {
        let known: Vec<String> = companies.iter().filter_map(|it| it.text("name")).take(20).collect();
        return Err(Fault::Invalid(format!("no company is called `{named}`; there are: {}", known.join(", "))));
    };
    let id = found.must("id")?.to_lowercase();
    Ok(Kept { named: named.clone(), id, skew_ms: wire.skew_ms(&response), at_ms: wire.ctx.now_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_spelled_for_a_url() {
        let query = Query { order: "id", top: 1, ..Query::of("id,number") }.only("number eq 'A&B'");
        let expect = "?$filter=number%20eq%20%27A%26B%27&$select=id%2Cnumber&$orderby=id&$top=1";
        assert_eq!(query.text(), expect);
        assert_eq!(Query::default().text(), "");
    }
}
