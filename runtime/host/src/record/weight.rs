//! How large a value is for a guest, roughly: what the limits on input and output are held against.

use std::collections::BTreeMap;

use truthsource_core::{Fields, Row, Value};

use super::{ExchangeEnd, HostAnswer, Input, Output};
use crate::model::{Basket, Claim, Conflict, Context, HeldRecord, Observed, Outcome, Page, RangeDigest, State, Write};

/// What a value takes beside its text: tags, pointers, lengths.
const EACH: usize = 16;

fn value(it: &Value) -> usize {
    EACH + match it {
        Value::Text(text) => text.len(),
        Value::Rows(rows) => rows.iter().map(row).sum(),
        Value::Null | Value::Number(_) | Value::Flag(_) => 0,
    }
}

fn row(it: &Row) -> usize {
    it.iter().map(|(name, cell)| EACH + name.len() + value(cell)).sum()
}

fn records(it: &[Fields]) -> usize {
    it.iter().map(|fields| EACH + row(fields)).sum()
}

fn settings(it: &BTreeMap<String, String>) -> usize {
    it.iter().map(|(name, text)| EACH + name.len() + text.len()).sum()
}

fn context(it: &Context) -> usize {
    EACH + settings(&it.settings)
}

fn basket(it: &Basket) -> usize {
    let line = |line: &crate::model::Line| 4 * EACH + line.item.len() + 2 * EACH * line.breaks.len();
    it.company.len() + it.currency.len() + it.lines.iter().map(line).sum::<usize>()
}

fn claim(it: &Claim) -> usize {
    2 * EACH + it.connection.len() + value(&it.was) + value(&it.now)
}

fn conflict(it: &Conflict) -> usize {
    2 * EACH + it.key.len() + it.field.len() + value(&it.base) + it.claims.iter().map(claim).sum::<usize>()
}

fn write(it: &Write) -> usize {
    let names: usize = it.changed.iter().map(|name| EACH + name.len()).sum();
    let ids = it.op_id.len() + it.remote_id.as_ref().map_or(0, String::len) + it.command_key.len();
    4 * EACH + ids + names + row(&it.want) + row(&it.base) + it.base_version.len()
}

fn state(it: &State) -> usize {
    let key = it.command_key.as_ref().map_or(0, String::len);
    4 * EACH + it.remote_id.len() + row(&it.fields) + it.version.len() + key
}

fn observed(it: &Observed) -> usize {
    match it {
        Observed::Present(it) => state(it),
        Observed::Absent(id) => EACH + id.len(),
    }
}

fn outcome(it: &Outcome) -> usize {
    EACH + match it {
        Outcome::Applied(it) => state(it),
        Outcome::Stale(it) => observed(it),
        Outcome::Rejected(it) => it.code.len() + it.message.len(),
        Outcome::Retry(_, text) | Outcome::Unknown(text) => text.len(),
    }
}

fn digest(it: &RangeDigest) -> usize {
    2 * EACH + it.range.len() + EACH * it.sums.len()
}

fn page(it: &Page) -> usize {
    it.cursor.len() + it.entries.iter().map(observed).sum::<usize>()
}

impl Input {
    /// Its size for a guest, in bytes, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Price(it) => basket(it),
            Self::Publish(levels) => {
                levels.iter().map(|it| 6 * EACH + it.item.len() + it.location.len() + it.channel.len()).sum()
            }
            Self::Decide(conflicts) => conflicts.iter().map(conflict).sum(),
            Self::Validate { records: it, .. } => records(it),
            Self::ToCanonical { context: settings, records: it, .. }
            | Self::FromCanonical { context: settings, records: it, .. }
            | Self::Project { context: settings, records: it, .. } => context(settings) + records(it),
            Self::Describe { settings: it } => settings(it),
            Self::Check(it) | Self::Tell { context: it, .. } => context(it),
            Self::Add { context: settings, records, .. } => {
                let held = |it: &HeldRecord| 2 * EACH + it.remote_id.len() + row(&it.fields);
                context(settings) + records.iter().map(held).sum::<usize>()
            }
            Self::Ensure { context: it, target } => context(it) + target.url.len(),
            Self::Pull { context: it, pull } => context(it) + pull.cursor.as_ref().map_or(0, String::len),
            Self::Read { context: it, remote_ids, .. } => {
                context(it) + remote_ids.iter().map(|id| EACH + id.len()).sum::<usize>()
            }
            Self::Push { context: it, writes } => context(it) + writes.iter().map(write).sum::<usize>(),
            Self::Find { context: it, command_key, .. } => context(it) + command_key.len(),
            Self::Receive { context: it, webhook } => {
                let headers: usize = webhook.headers.iter().map(|(name, text)| EACH + name.len() + text.len()).sum();
                context(it) + webhook.topic.len() + headers + webhook.body.len()
            }
        }
    }
}

impl HostAnswer {
    /// Its size, in bytes, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        EACH + match self {
            Self::Http(it) => {
                let end = match &it.end {
                    ExchangeEnd::Answer { headers, body, .. } => {
                        body.len() + headers.iter().map(|(name, text)| EACH + name.len() + text.len()).sum::<usize>()
                    }
                    ExchangeEnd::Fault { .. } => EACH,
                };
                2 * EACH + it.method.len() + it.url.len() + end
            }
            Self::KvGet { key, value } => key.len() + value.as_ref().map_or(0, Vec::len),
            Self::KvSet { key, value } => key.len() + value.len(),
            Self::KvDelete { key } => key.len(),
            Self::KvFault { key, fault } => key.len() + fault.len(),
        }
    }
}

impl Output {
    /// Its size, in bytes, roughly.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Price(answers) => answers.iter().map(|it| 2 * EACH + it.reason.len()).sum(),
            Self::Publish(answers) => answers.len() * EACH,
            Self::Decide(answers) => answers.len() * 2 * EACH,
            Self::Validate(answers) => answers.len() * 2 * EACH,
            Self::ToCanonical(answers) => answers.iter().flatten().map(|it| EACH + row(it)).sum(),
            Self::FromCanonical(answers) | Self::Project(answers) => records(answers),
            // Bounded by the crossing, and asked once per upload.
            Self::Describe(_) | Self::Ensure(_) => 0,
            Self::Tell(told) => told.iter().flatten().map(|it| digest(&it.digest) + it.cursor.len()).sum(),
            Self::Add(digests) => digests.iter().map(digest).sum(),
            Self::Check(findings) => findings.iter().map(|it| EACH + it.subject.len() + it.message.len()).sum(),
            Self::Pull(it) => page(it),
            Self::Read(answers) => answers.iter().map(observed).sum(),
            Self::Push(answers) => answers.iter().map(outcome).sum(),
            Self::Find(it) => it.as_ref().map_or(0, state),
            Self::Receive(notices) => notices.len() * 2 * EACH,
        }
    }
}
