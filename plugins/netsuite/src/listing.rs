//! Listings of records that have an id and a time of change.

use std::collections::BTreeMap;

use truthsource_sdk::Fault;
use truthsource_sdk::connector::State;

use crate::clock::{Clock, FORMAT};
use crate::cursor::Walk;
use crate::query::{ROWS_MAX, Row, Rows, ask, marks, numeric};
use crate::wire::Account;

/// What is listed.
pub(crate) struct Listing {
    /// `SELECT … FROM …`.
    pub select: &'static str,
    /// A condition that always holds.
    pub filter: &'static str,
    /// The id's column.
    pub id: &'static str,
    /// The column with the time of the last change.
    pub changed: &'static str,
}

const MINUTE_MS: u64 = 60_000;

impl Listing {
    /// The next page of a walk: records behind its key, and in a delta only what changed.
    pub(crate) fn page(
        &self,
        account: &Account<'_>,
        clock: &Clock,
        walk: &Walk,
        rows_max: usize,
    ) -> Result<Rows, Fault> {
        let [after] = walk.after_parts::<1>()?;
        let mut q = format!("{} WHERE {} AND {} > ?", self.select, self.filter, self.id);
        let mut params = vec![after];
        if let Some(since_ms) = walk.since_ms {
            q.push_str(&format!(" AND {} >= TO_TIMESTAMP(?, '{FORMAT}')", self.changed));
            params.push(clock.shown(since_ms));
        }
        q.push_str(&format!(" ORDER BY {}", self.id));
        ask(account, &q, &params, rows_max)
    }

    /// The records of these ids.
    pub(crate) fn of_ids(&self, account: &Account<'_>, ids: &[String]) -> Result<Vec<Row>, Fault> {
        let ids = numeric(ids);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let marks = marks(ids.len());
        let q = format!("{} WHERE {} AND {id} IN {marks} ORDER BY {id}", self.select, self.filter, id = self.id);
        Ok(ask(account, &q, &ids, ROWS_MAX)?.rows)
    }

    /// Dates records that were read through REST, which says the minute alone, by the second that the listing says.
    /// Where that is another minute the listing lags, and the minute stays.
    pub(crate) fn dated(
        &self,
        account: &Account<'_>,
        clock: &Clock,
        mut found: Vec<State>,
    ) -> Result<Vec<State>, Fault> {
        let ids: Vec<String> = found.iter().map(|it| it.remote_id.clone()).collect();
        let rows = self.of_ids(account, &ids)?;
        let row = |row: &Row| Some((row.text(self.id)?, clock.changed_at(row, "lm")?));
        let seconds: BTreeMap<String, u64> = rows.iter().filter_map(row).collect();
        for state in &mut found {
            let second = seconds.get(&state.remote_id).copied();
            let same_minute = |it: &u64| state.changed_at_ms.is_some_and(|minute| it / MINUTE_MS == minute / MINUTE_MS);
            state.changed_at_ms = second.filter(same_minute).or(state.changed_at_ms);
        }
        Ok(found)
    }
}

/// The ids of records of these types that were deleted since the delta's beginning, as the system's own log says.
///
/// The log needs a permission of its own; without it there are no deletions to see, which `check` tells.
pub(crate) fn deleted(account: &Account<'_>, clock: &Clock, walk: &Walk, types: &[&str]) -> Result<Vec<String>, Fault> {
    let Some(since_ms) = walk.since_ms else { return Ok(Vec::new()) };
    let since = clock.shown(since_ms);
    let scripts = marks(types.len());
    let mut ids = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let q = format!(
            "SELECT recordid FROM deletedrecord WHERE deleteddate >= TO_TIMESTAMP(?, '{FORMAT}') \
             AND LOWER(scriptid) IN {scripts} AND recordid > ? ORDER BY recordid"
        );
        let mut params = vec![since.clone()];
        params.extend(types.iter().map(|it| (*it).to_owned()));
        params.push(after);
        let page = match ask(account, &q, &params, ROWS_MAX) {
            Ok(page) => page,
            Err(Fault::Denied(_)) => return Ok(ids),
            Err(fault) => return Err(fault),
        };
        for row in &page.rows {
            ids.push(row.must("recordid")?);
        }
        match ids.last() {
            Some(last) if page.more => after = last.clone(),
            _ => return Ok(ids),
        }
    }
}
