//! Writes: look, compare, write on the condition that the record has not moved, look again.

use truthsource_sdk::connector::{Observed, Outcome, State, Write};
use truthsource_sdk::{Fault, json};

use super::key;
use super::org::Org;
use super::table::Table;
use crate::odata::Body;
use crate::wire::{Load, Written};
use crate::writes::{decide, read_back};

/// What is particular to one kind.
pub(crate) trait Rule {
    /// What a record would be found by that somebody else made already; `None`: by nothing.
    fn twin(&self, org: &Org<'_>, write: &Write) -> Result<Result<Option<String>, Outcome>, Fault>;

    /// What is to be sent.
    fn body(&self, org: &Org<'_>, write: &Write) -> Result<Result<Body, Outcome>, Fault>;
}

/// Requests that a write may take.
const REQUESTS: u32 = 12;
/// A record that changes while it is being written is read again, and left to a later call after so many rounds.
const ROUNDS: u32 = 3;

/// One outcome per write. When the organisation refuses us or is out of reach, the writes after that are not tried.
pub(crate) fn each(
    org: &Org<'_>,
    writes: &[Write],
    one: impl Fn(&Write) -> Result<Outcome, Fault>,
) -> Result<Vec<Outcome>, Fault> {
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut stopped: Option<Outcome> = None;
    for write in writes {
        let outcome = match &stopped {
            Some(stopped) => stopped.clone(),
            None if !org.wire.can_send(REQUESTS) => Outcome::Retry(None, "this call has sent enough".to_owned()),
            None => match one(write) {
                Ok(outcome) => outcome,
                Err(fault) if outcomes.is_empty() => return Err(fault),
                Err(fault) => Outcome::not_written(fault),
            },
        };
        if stopped.is_none() && matches!(outcome, Outcome::Retry(..)) {
            stopped = Some(outcome.clone());
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

pub(crate) fn one(org: &Org<'_>, table: &Table, rule: &dyn Rule, write: &Write) -> Result<Outcome, Fault> {
    match &write.remote_id {
        Some(id) => change(org, table, rule, (write, id)),
        None => create(org, table, rule, write),
    }
}

fn look(org: &Org<'_>, table: &Table, id: &str) -> Result<Option<State>, Fault> {
    Ok(table.read(org, &[id.to_owned()])?.pop())
}

fn change(org: &Org<'_>, table: &Table, rule: &dyn Rule, (write, id): (&Write, &str)) -> Result<Outcome, Fault> {
    for _ in 0..ROUNDS {
        let held = look(org, table, id)?;
        if let Some(outcome) = decide(write, held.as_ref(), id) {
            return Ok(outcome);
        }
        let body = match rule.body(org, write)? {
            Ok(body) => body,
            Err(outcome) => return Ok(outcome),
        };
        let version = held.map_or_else(|| "*".to_owned(), |it| it.version);
        match send(org, table, id, ("if-match", &version), &body) {
            Written::Done(_) => return Ok(read_back(look(org, table, id))),
            Written::Gone => return Ok(Outcome::Stale(Observed::Absent(id.to_owned()))),
            Written::Changed => {}
            Written::Exists(outcome) | Written::Failed(outcome) => return Ok(outcome),
        }
    }
    Ok(Outcome::Retry(None, "the record keeps changing".to_owned()))
}

/// Creates a record under the id that its command key makes. A try that is repeated finds the first one there.
fn create(org: &Org<'_>, table: &Table, rule: &dyn Rule, write: &Write) -> Result<Outcome, Fault> {
    let id = key::guid(&write.command_key);
    if let Some(held) = look(org, table, &id)? {
        return Ok(Outcome::Applied(held));
    }
    let twin = match rule.twin(org, write)? {
        Ok(Some(filter)) => table.only(org, &filter)?.into_iter().next(),
        Ok(None) => None,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(outcome) = decide(write, twin.as_ref(), &id) {
        return Ok(outcome);
    }
    let body = match rule.body(org, write)? {
        Ok(body) => body,
        Err(outcome) => return Ok(outcome),
    };
    Ok(match send(org, table, &id, ("if-none-match", "*"), &body) {
        // There already: an earlier try came through after we looked.
        Written::Done(_) | Written::Changed => read_back(look(org, table, &id)),
        Written::Gone => Outcome::rejected("no-reference", "something that the record points to is not there"),
        Written::Exists(outcome) | Written::Failed(outcome) => outcome,
    })
}

fn send(org: &Org<'_>, table: &Table, id: &str, (name, value): (&'static str, &str), body: &Body) -> Written {
    let load = Load { headers: vec![(name, value.to_owned())], body: json::text(body).into_bytes() };
    org.wire.write("PATCH", &org.url(table.set, &format!("({id})")), load)
}
