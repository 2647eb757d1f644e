//! Listings of records that have a key and say when they changed.
//!
//! What records hold is read through OData. When they changed is told there to the minute, and compared to the day; with
//! stored queries both are seconds.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use truthsource_sdk::Fault;
use truthsource_sdk::connector::State;

use crate::cursor::Walk;
use crate::exact::Id;
use crate::odata::{Query, Rows, entity, literal, of_keys, plain, version};
use crate::sql::{Param, Stored};
use crate::stamp::{Seconds, Stamps, changed_at, plain_day, plain_time};
use crate::wire::Service;

/// What is listed.
pub(crate) struct Listing {
    /// The collection.
    pub entity: &'static str,
    /// Its members that are read; empty: all, where names depend on the version.
    pub select: &'static str,
    /// The member that is the key.
    pub key: &'static str,
    /// The key is a text, else a number.
    pub is_text: bool,
    /// A condition that always holds, if any.
    pub filter: &'static str,
    /// The member with the day of creation.
    pub created: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The same condition for the table.
    pub condition: &'static str,
    /// Records of one page.
    pub page: usize,
}

/// A record as it was read, with its version and when it changed.
pub(crate) struct Found {
    pub raw: Box<RawValue>,
    pub key: String,
    pub version: String,
    pub changed_at_ms: Option<u64>,
}

/// Changed records of one page: their keys alone are read first.
const CHANGES_MAX: usize = 200;
/// Keys of one stored query.
const KEYS_MAX: usize = 20;

impl Listing {
    /// The next page of a walk: records behind its key, and in a delta only what changed. The key to go on from, if
    /// there is more.
    pub(crate) fn page(&self, service: &Service<'_>, walk: &Walk) -> Result<(Vec<Found>, Option<String>), Fault> {
        match walk.since {
            None => self.everything(service, walk),
            Some(since) if service.settings.sql_queries => self.changes(service, walk, since),
            Some(since) => self.changes_of_the_day(service, walk, since),
        }
    }

    fn everything(&self, service: &Service<'_>, walk: &Walk) -> Result<(Vec<Found>, Option<String>), Fault> {
        let behind = self.behind(walk)?;
        let rows = self.ask(service, &[self.filter, &behind])?;
        let last = rows.rows.last().map(|it| it.key.clone());
        if let (true, Some(last)) = (service.settings.sql_queries, &last) {
            let params = [("after", self.param(walk.after.as_deref())?), ("last", self.param(Some(last))?)];
            let condition = format!("T0.{} > :after AND T0.{} <= :last", self.key, self.key);
            let dated = self.stored("range", &condition).run(service, &params, self.page)?;
            return Ok((dated_by(service, rows.rows, dated.rows), Some(last.clone()).filter(|_| rows.more)));
        }
        let more = rows.more;
        Ok((rows.rows, last.filter(|_| more)))
    }

    /// What changed since, to the second.
    fn changes(
        &self,
        service: &Service<'_>,
        walk: &Walk,
        (from_ms, until_ms): (u64, u64),
    ) -> Result<(Vec<Found>, Option<String>), Fault> {
        let since = service.settings.zone.earliest(from_ms, until_ms);
        let (day, time) = (Param::Text(plain_day(since)), Param::Number(plain_time(since)));
        let params = [("after", self.param(walk.after.as_deref())?), ("day", day), ("time", time)];
        let condition = format!(
            "T0.{} > :after AND (T0.UpdateDate > :day OR (T0.UpdateDate = :day AND T0.UpdateTS >= :time) \
             OR T0.CreateDate > :day OR (T0.CreateDate = :day AND T0.CreateTS >= :time))",
            self.key
        );
        let changes: Rows<Seconds> = self.stored("changes", &condition).run(service, &params, CHANGES_MAX)?;
        let keys: Vec<String> = changes.rows.iter().map(|it| it.key.0.clone()).collect();
        let found = self.of_keys(service, &keys)?;
        let after = keys.last().filter(|_| changes.more).cloned();
        Ok((dated_by(service, found, changes.rows), after))
    }

    /// What changed since, without stored queries: all that changed on that day or later is read, and what changed
    /// before the minute is left out.
    fn changes_of_the_day(
        &self,
        service: &Service<'_>,
        walk: &Walk,
        (from_ms, until_ms): (u64, u64),
    ) -> Result<(Vec<Found>, Option<String>), Fault> {
        let since = service.settings.zone.earliest(from_ms, until_ms);
        let day = literal(&since.date().to_string());
        let changed = format!("(UpdateDate ge {day} or {} ge {day})", self.created);
        let behind = self.behind(walk)?;
        let mut rows = self.ask(service, &[self.filter, &behind, &changed])?;
        let after = rows.rows.last().filter(|_| rows.more).map(|it| it.key.clone());
        let minute = since.with().second(0).subsec_nanosecond(0).build().unwrap_or(since);
        rows.rows.retain(|it| stamps(&it.raw).is_none_or(|it| it >= minute));
        Ok((rows.rows, after))
    }

    /// The records of these keys.
    pub(crate) fn of_keys(&self, service: &Service<'_>, keys: &[String]) -> Result<Vec<Found>, Fault> {
        let known: Vec<String> = keys.iter().filter_map(|it| self.literal(it)).collect();
        let query = Query { entity: self.entity, select: self.select, filter: &[self.filter], order: self.key };
        let read = |raw: &RawValue| self.found(service, raw.to_owned());
        of_keys(service, &query, (&known, self.page), read, |it| self.literal(&it.key))
    }

    /// The record of this key as it is now.
    pub(crate) fn one(&self, service: &Service<'_>, key: &str) -> Result<Option<Found>, Fault> {
        let Some(literal) = self.literal(key) else { return Ok(None) };
        let path = Query { entity: &entity(self.entity, &literal), select: self.select, ..Query::default() }.path();
        let raw: Option<Box<RawValue>> = service.get(&path)?;
        let found = raw.map(|it| self.found(service, it)).transpose();
        found.map_err(|error| Fault::Protocol(format!("{path}: {error}")))
    }

    /// Dates records by the second, where stored queries tell it.
    pub(crate) fn dated(&self, service: &Service<'_>, mut found: Vec<State>) -> Result<Vec<State>, Fault> {
        if !service.settings.sql_queries {
            return Ok(found);
        }
        let zone = &service.settings.zone;
        for part in found.chunks_mut(KEYS_MAX) {
            let names: Vec<String> = (0..KEYS_MAX).map(|n| format!("k{n}")).collect();
            let any: Vec<String> = names.iter().map(|it| format!("T0.{} = :{it}", self.key)).collect();
            // A query has always as many parameters: what there are no keys for stands for the last one once more.
            let key = |n: usize| part.get(n).or(part.last()).map(|it| it.remote_id.as_str());
            let params = names.iter().enumerate().map(|(n, name)| Ok((name.as_str(), self.param(key(n))?)));
            let params = params.collect::<Result<Vec<_>, Fault>>()?;
            let stored = self.stored("keys", &format!("({})", any.join(" OR ")));
            let seconds = by_key(stored.run(service, &params, KEYS_MAX)?.rows);
            for state in part {
                let minute = state.changed_at_ms.map(|it| zone.local(it));
                let second = seconds.get(&state.remote_id).and_then(Seconds::local);
                state.changed_at_ms = changed_at(zone, minute, second);
            }
        }
        Ok(found)
    }

    fn ask(&self, service: &Service<'_>, filter: &[&str]) -> Result<Rows<Found>, Fault> {
        let query = Query { entity: self.entity, select: self.select, filter, order: self.key };
        service.list(&query.path(), self.page, |raw| self.found(service, raw.to_owned()))
    }

    fn found(&self, service: &Service<'_>, raw: Box<RawValue>) -> Result<Found, serde_json::Error> {
        let head: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get())?;
        let key = head.get(self.key).ok_or_else(|| serde::de::Error::missing_field(self.key))?;
        let key = plain::<Id>(key)?.0;
        Ok(Found {
            key,
            version: version(&raw),
            changed_at_ms: changed_at(&service.settings.zone, stamps(&raw), None),
            raw,
        })
    }

    fn behind(&self, walk: &Walk) -> Result<String, Fault> {
        if !self.is_text {
            return Ok(format!("{} gt {}", self.key, walk.after_number()?));
        }
        Ok(walk.after.as_deref().map(|it| format!("{} gt {}", self.key, literal(it))).unwrap_or_default())
    }

    /// A key as it stands in a filter; `None` for what cannot be one.
    pub(crate) fn literal(&self, key: &str) -> Option<String> {
        if self.is_text {
            return (!key.is_empty()).then(|| literal(key));
        }
        key.parse::<i64>().ok().map(|it| it.to_string())
    }

    fn param(&self, key: Option<&str>) -> Result<Param, Fault> {
        if self.is_text {
            return Ok(Param::Text(key.unwrap_or_default().to_owned()));
        }
        let number = key.map_or(Ok(0), str::parse);
        number.map(Param::Number).map_err(|_| Fault::Invalid("a key that is no number".to_owned()))
    }

    fn stored(&self, name: &str, condition: &str) -> Stored {
        let (table, key) = (self.table, self.key);
        let always = if self.condition.is_empty() { String::new() } else { format!("{} AND ", self.condition) };
        let text = format!(
            "SELECT T0.{key} AS TheKey, T0.UpdateDate AS UpdateDate, T0.UpdateTS AS UpdateTS, \
             T0.CreateDate AS CreateDate, T0.CreateTS AS CreateTS FROM {table} T0 \
             WHERE {always}{condition} ORDER BY T0.{key}"
        );
        Stored::new(&format!("{}_{}", &table[1..], &name[..1]), text)
    }
}

/// The same records, dated by what a stored query said of them.
fn dated_by(service: &Service<'_>, found: Vec<Found>, dated: Vec<Seconds>) -> Vec<Found> {
    let zone = &service.settings.zone;
    let seconds = by_key(dated);
    let date = |it: Found| {
        let second = seconds.get(&it.key).and_then(Seconds::local);
        Found { changed_at_ms: changed_at(zone, stamps(&it.raw), second), ..it }
    };
    found.into_iter().map(date).collect()
}

fn by_key(rows: Vec<Seconds>) -> BTreeMap<String, Seconds> {
    rows.into_iter().map(|it| (it.key.0.clone(), it)).collect()
}

fn stamps(raw: &RawValue) -> Option<jiff::civil::DateTime> {
    plain::<Stamps>(raw).ok()?.local()
}
