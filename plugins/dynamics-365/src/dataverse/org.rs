//! One organisation: where its tables are, and how they are read.

use std::collections::BTreeMap;

use truthsource_sdk::host::Response;
use truthsource_sdk::settings::pairs;
use truthsource_sdk::{Context, Fault, Host};

use super::columns::Columns;
use crate::odata::{Collection, Row, any_of, encoded, followed};
use crate::settings::{base_url, requests_max, yes};
use crate::wire::{Wire, collection};

const HEADERS: &[(&str, &str)] = &[
    ("accept", "application/json"),
    ("accept-language", "en-US"),
    ("odata-version", "4.0"),
    ("odata-maxversion", "4.0"),
];

/// One organisation, for the length of one call.
pub(crate) struct Org<'a> {
    pub wire: Wire<'a>,
    /// The list's code by the name or the id that the system has for it.
    pub lists: BTreeMap<String, String>,
    /// What new records hold besides.
    pub item_defaults: BTreeMap<String, String>,
    pub company_defaults: BTreeMap<String, String>,
    pub order_defaults: BTreeMap<String, String>,
    /// Lines of booked orders are changed as they are where they were placed; otherwise a person is asked.
    pub order_edits: bool,
    /// Tables keep track of changes.
    pub is_tracked: bool,
    pub columns: Columns,
}

impl<'a> Org<'a> {
    pub(crate) fn open(host: &'a dyn Host, ctx: &'a Context) -> Result<Self, Fault> {
        requests_max(ctx)?;
        Ok(Self {
            wire: Wire::new(host, ctx, base_url(ctx)?, HEADERS),
            lists: pairs(ctx.setting_or("price-lists", ""))?,
            item_defaults: pairs(ctx.setting_or("item-defaults", ""))?,
            company_defaults: pairs(ctx.setting_or("company-defaults", ""))?,
            order_defaults: pairs(ctx.setting_or("order-defaults", ""))?,
            order_edits: yes(ctx, "order-edits", "yes")?,
            is_tracked: yes(ctx, "change-tracking", "yes")?,
            columns: Columns::read(host, ctx),
        })
    }

    /// The address of a table, or with `rest` of something in it.
    pub(crate) fn url(&self, set: &str, rest: &str) -> String {
        format!("{}/api/data/v9.2/{set}{rest}", self.wire.base_url)
    }

    /// Where a link leads: at the address that we know.
    pub(crate) fn follow(&self, link: &str) -> String {
        followed(&self.wire.base_url, link)
    }

    /// The address of those records of a table of which `filter` holds.
    pub(crate) fn listing(&self, set: &str, select: &str, filter: &str) -> String {
        let filter = if filter.is_empty() { String::new() } else { format!("&$filter={}", encoded(filter)) };
        self.url(set, &format!("?$select={}{filter}", encoded(&self.columns.of(set, select))))
    }

    /// Asks for the first page of a listing, without the columns that turn out not to be there.
    pub(crate) fn first(
        &self,
        (set, select, filter): (&str, &str, &str),
        ask: impl Fn(&str) -> Result<Collection, Fault>,
    ) -> Result<Collection, Fault> {
        loop {
            match ask(&self.listing(set, select, filter)) {
                Err(fault) if self.columns.learn((self.wire.host, self.wire.ctx), set, select, &fault) => {}
                answer => return answer,
            }
        }
    }

    /// Every record of which `filter` holds.
    pub(crate) fn all(&self, set: &str, select: &str, filter: &str) -> Result<Vec<Row>, Fault> {
        let ask = |url: &str| collection(&self.get(url, 1_000)?, set);
        let mut page = self.first((set, select, filter), ask)?;
        let mut rows = std::mem::take(&mut page.value);
        while let Some(next) = page.next_link {
            page = ask(&self.follow(&next))?;
            rows.append(&mut page.value);
        }
        Ok(rows)
    }

    fn get(&self, url: &str, size: u32) -> Result<Response, Fault> {
        self.wire.get(url, vec![("prefer", format!("odata.maxpagesize={size}"))])
    }

    /// Every record that holds one of these ids in a column.
    pub(crate) fn any_of<'v>(
        &self,
        (set, select): (&str, &str),
        column: &str,
        ids: impl IntoIterator<Item = &'v str>,
    ) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        for condition in any_of(column, ids, false) {
            rows.extend(self.all(set, select, &condition)?);
        }
        Ok(rows)
    }
}
