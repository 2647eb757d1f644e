//! A table: how it is pulled and read.

use truthsource_sdk::Fault;
use truthsource_sdk::connector::{Observed, Page, State};
use truthsource_sdk::host::Level;
use truthsource_sdk::span::Span;

use super::cursor::{Cursor, LAG_MS, changed};
use super::org::Org;
use crate::odata::{Collection, Row, is_guid};
use crate::wire::{Load, collection, refusal};

/// A table, and what becomes of its rows.
pub(crate) struct Table {
    pub set: &'static str,
    /// The column of the id.
    pub id: &'static str,
    pub select: &'static str,
    /// Rows of one page; what belongs to them is asked for together.
    pub page: u32,
    /// The records of these rows. A row that is no record for now has no state.
    pub states: fn(&Org<'_>, &[Row]) -> Result<Vec<State>, Fault>,
}

impl Table {
    pub(crate) fn pull(&self, org: &Org<'_>, cursor: Option<&str>, overlap_ms: u32) -> Result<Page, Fault> {
        let cursor = Cursor::parse(cursor)?;
        if org.is_tracked { self.tracked(org, &cursor) } else { self.by_time(org, cursor, overlap_ms) }
    }

    /// By the table's own record of changes.
    fn tracked(&self, org: &Org<'_>, cursor: &Cursor) -> Result<Page, Fault> {
        let is_delta = cursor.delta.is_some() || cursor.is_delta;
        let link = cursor.next.as_ref().or(cursor.delta.as_ref());
        let page = match link {
            Some(link) => self.page(org, &org.follow(link), true),
            None => self.listing(org, "", true),
        };
        let page = match page {
            // The link is too old, or the table has been tracked anew: it starts over, and a comparison finds what was
            // deleted meanwhile.
            Err(Fault::Protocol(why)) if is_delta => {
                org.wire.host.log(Level::Warn, &format!("{} is read from the beginning: {why}", self.set));
                return self.tracked(org, &Cursor::default());
            }
            page => page?,
        };
        let entries = self.entries(org, &page, is_delta)?;
        let (next, delta) = (page.next_link.as_deref(), page.delta_link.as_deref());
        let next = next.map(Cursor::link).transpose()?;
        if next.is_some() {
            let cursor = Cursor { next, is_delta, ..Cursor::default() };
            return Ok(Page { entries, cursor: cursor.text(), more: true });
        }
        let untracked = || {
            let why = format!("{} keeps no track of changes: turn it on, or set `change-tracking` to no", self.set);
            Fault::Denied(why)
        };
        let delta = delta.map(Cursor::link).transpose()?.ok_or_else(untracked)?;
        let cursor = Cursor { delta: Some(delta), ..Cursor::default() };
        Ok(Page { entries, cursor: cursor.text(), more: false })
    }

    /// By the time of the last change, to the second. Deletions do not show.
    fn by_time(&self, org: &Org<'_>, cursor: Cursor, overlap_ms: u32) -> Result<Page, Fault> {
        let span = cursor.span.unwrap_or_else(|| Span::open(cursor.reach, org.wire.ctx.now_ms, overlap_ms));
        let page = match &cursor.next {
            Some(next) => self.page(org, &org.follow(next), false)?,
            None => self.listing(org, &changed(&span), false)?,
        };
        let entries = self.entries(org, &page, span.from_ms.is_some())?;
        let next = page.next_link.as_deref().map(Cursor::link).transpose()?;
        let more = next.is_some();
        let cursor = if more {
            Cursor { next, span: Some(span), ..Cursor::default() }
        } else {
            Cursor { reach: Some(span.close(LAG_MS)), ..Cursor::default() }
        };
        Ok(Page { entries, cursor: cursor.text(), more })
    }

    fn listing(&self, org: &Org<'_>, filter: &str, tracks: bool) -> Result<Collection, Fault> {
        org.first((self.set, self.select, filter), |url| self.page(org, url, tracks))
    }

    fn page(&self, org: &Org<'_>, url: &str, tracks: bool) -> Result<Collection, Fault> {
        let tracks = if tracks { "odata.track-changes," } else { "" };
        let headers = vec![("prefer", format!("{tracks}odata.maxpagesize={}", self.page))];
        let response = org.wire.send("GET", url, Load { headers, body: Vec::new() })?;
        match response.status {
            200 => collection(&response, self.set),
            // A link that is no longer good.
            410 => Err(Fault::Protocol("the link is gone".to_owned())),
            _ => Err(refusal(&response, url, org.wire.ctx.now_ms)),
        }
    }

    /// What a page says. In a complete listing what is no record for now is not mentioned.
    fn entries(&self, org: &Org<'_>, page: &Collection, is_delta: bool) -> Result<Vec<Observed>, Fault> {
        let is_deleted = |it: &Row| it.text("@odata.context").is_some_and(|it| it.ends_with("$deletedEntity"));
        let (deleted, rows): (Vec<Row>, Vec<Row>) = page.value.iter().cloned().partition(is_deleted);
        let found = (self.states)(org, &rows)?;
        let mut entries = Vec::with_capacity(page.value.len());
        if is_delta {
            for row in &rows {
                let id = row.must(self.id)?.to_lowercase();
                if !found.iter().any(|it| it.remote_id == id) {
                    entries.push(Observed::Absent(id));
                }
            }
        }
        entries.extend(found.into_iter().map(Observed::Present));
        for row in &deleted {
            entries.push(Observed::Absent(row.must("id")?.to_lowercase()));
        }
        Ok(entries)
    }

    /// The records of these ids. What is no id is nobody's.
    pub(crate) fn read(&self, org: &Org<'_>, ids: &[String]) -> Result<Vec<State>, Fault> {
        let ids = ids.iter().map(String::as_str).filter(|it| is_guid(it));
        (self.states)(org, &org.any_of((self.set, self.select), self.id, ids)?)
    }

    /// The records of which `filter` holds.
    pub(crate) fn only(&self, org: &Org<'_>, filter: &str) -> Result<Vec<State>, Fault> {
        (self.states)(org, &org.all(self.set, self.select, filter)?)
    }
}
