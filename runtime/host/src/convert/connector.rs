//! The connector world.

use truthsource_core::{Fields, Kind, UnixMs};

use super::records::{fields_in, fields_out, kind_in};
use crate::bindings::connector::truthsource::connector::{data, powers};
use crate::error::Misfit;
use crate::model::{
    Description, Effect, FieldPower, Finding, KindPower, Notice, Observed, Outcome, Page, PointsAt, Rate, Rejection,
    Setting, State, Unread, Webhook, Window, Write,
};

/// The longest remote id, in bytes: the contract's number.
pub const REMOTE_ID_BYTES_MAX: usize = 255;
/// The longest cursor, in bytes: the contract's number.
pub const CURSOR_BYTES_MAX: usize = 4_096;
/// The most entries of one page. Above it a page would not fit the limits of a call anyway.
pub const PAGE_ENTRIES_MAX: usize = 10_000;
/// The most writes of a `push` and ids of a `read`: the contract's number.
pub const BATCH_MAX: u32 = 250;
/// The longest version mark, in bytes.
const VERSION_BYTES_MAX: usize = 1_024;
/// The longest text for people, in bytes.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// Cut to what a log or a page can bear: messages come from outside and are only ever shown.
fn message(text: String) -> String {
    if text.len() <= MESSAGE_BYTES_MAX { text } else { text.chars().take(MESSAGE_BYTES_MAX / 4).collect() }
}

pub(crate) fn write_out(write: &Write) -> data::Write {
    data::Write {
        op_id: write.op_id.clone(),
        kind: write.kind.as_str().to_owned(),
        remote_id: write.remote_id.clone(),
        command_key: write.command_key.clone(),
        want: fields_out(&write.want),
        changed: write.changed.clone(),
        base: fields_out(&write.base),
        base_version: write.base_version.clone(),
        first_sent_ms: write.first_sent.map(|it| it.0),
    }
}

pub(crate) fn webhook_out(webhook: &Webhook) -> data::Webhook {
    data::Webhook { topic: webhook.topic.clone(), headers: webhook.headers.clone(), body: webhook.body.clone() }
}

pub(crate) fn state_in(kind: Kind, state: data::State) -> Result<State, Misfit> {
    let remote_id = super::id("remote-id", state.remote_id, REMOTE_ID_BYTES_MAX)?;
    if state.version.len() > VERSION_BYTES_MAX {
        return Err(Misfit::new("version", format!("longer than {VERSION_BYTES_MAX} bytes")));
    }
    let command_key = state.command_key.map(|key| super::id("command-key", key, REMOTE_ID_BYTES_MAX)).transpose()?;
    Ok(State {
        fields: fields_in(kind, state.fields).map_err(|it| it.within(&remote_id))?,
        remote_id,
        version: state.version,
        changed_at: state.changed_at_ms.map(UnixMs),
        command_key,
        unmapped: None,
    })
}

fn observed_in(kind: Kind, observed: data::Observed) -> Result<Observed, Misfit> {
    match observed {
        data::Observed::Present(state) => state_in(kind, state).map(Observed::Present),
        data::Observed::Absent(id) => super::id("absent", id, REMOTE_ID_BYTES_MAX).map(Observed::Absent),
    }
}

pub(crate) fn page_in(kind: Kind, page: data::Page) -> Result<Page, Misfit> {
    if page.cursor.len() > CURSOR_BYTES_MAX {
        return Err(Misfit::new("cursor", format!("longer than {CURSOR_BYTES_MAX} bytes")));
    }
    if page.entries.len() > PAGE_ENTRIES_MAX {
        return Err(Misfit::new("entries", format!("more than {PAGE_ENTRIES_MAX}")));
    }
    let mut known = Page { entries: Vec::new(), unread: Vec::new(), cursor: page.cursor, more: page.more };
    for entry in page.entries {
        let remote_id =
            if let data::Observed::Present(state) = &entry { state.remote_id.clone() } else { String::new() };
        match observed_in(kind, entry) {
            Ok(observed) => known.entries.push(observed),
            // What has no name cannot be asked for again: then nothing of the page counts.
            Err(misfit) => {
                let remote_id = super::id("remote-id", remote_id, REMOTE_ID_BYTES_MAX).map_err(|_| misfit.clone())?;
                known.unread.push(Unread { remote_id, reason: misfit.to_string() });
            }
        }
    }
    Ok(known)
}

/// One answer per id, in the order asked, each about the id that was asked for: a connector cannot mix up records.
pub(crate) fn read_in(kind: Kind, asked: &[String], answers: Vec<data::Observed>) -> Result<Vec<Observed>, Misfit> {
    super::one_each(asked.len(), answers.len())?;
    let mut seen = Vec::with_capacity(answers.len());
    for (id, answer) in asked.iter().zip(answers) {
        let observed = observed_in(kind, answer)?;
        if observed.remote_id() != id {
            return Err(Misfit::new(id.as_str(), format!("answered with `{}`", observed.remote_id())));
        }
        seen.push(observed);
    }
    Ok(seen)
}

pub(crate) fn outcomes_in(writes: &[Write], answers: Vec<data::Outcome>) -> Result<Vec<Outcome>, Misfit> {
    super::one_each(writes.len(), answers.len())?;
    let pairs = writes.iter().zip(answers).enumerate();
    pairs
        .map(|(at, (write, answer))| outcome_in(write, answer).map_err(|it| it.within(&format!("write {at}"))))
        .collect()
}

fn outcome_in(write: &Write, answer: data::Outcome) -> Result<Outcome, Misfit> {
    let outcome = match answer {
        data::Outcome::Applied(state) => Outcome::Applied(state_in(write.kind, state)?),
        data::Outcome::Stale(observed) => Outcome::Stale(observed_in(write.kind, observed)?),
        data::Outcome::Rejected(it) => Outcome::Rejected(Rejection {
            code: message(it.code),
            message: message(it.message),
            field: it.field.map(message),
        }),
        data::Outcome::Retry((wait_ms, why)) => Outcome::Retry(wait_ms, message(why)),
        data::Outcome::Unknown(why) | data::Outcome::Other(why) => Outcome::Unknown(message(why)),
    };
    let about = match &outcome {
        Outcome::Applied(state) => Some(state.remote_id.as_str()),
        Outcome::Stale(observed) => Some(observed.remote_id()),
        _ => None,
    };
    match (&write.remote_id, about) {
        (Some(id), Some(about)) if id != about => Err(Misfit::new(id.as_str(), format!("answered with `{about}`"))),
        _ => Ok(outcome),
    }
}

/// Notices of kinds this host does not know are dropped: a webhook is a hint, and polling finds what it missed.
pub(crate) fn notices_in(notices: Vec<data::Notice>) -> Result<Vec<Notice>, Misfit> {
    let mut known = Vec::with_capacity(notices.len());
    for notice in notices {
        match notice {
            data::Notice::Touched((kind, id)) => {
                let id = super::id("touched", id, REMOTE_ID_BYTES_MAX)?;
                known.push(Notice::Touched(kind_in("touched", &kind)?, id));
            }
            data::Notice::Poll(kind) => known.push(Notice::Poll(kind_in("poll", &kind)?)),
            data::Notice::Other(_) => {}
        }
    }
    Ok(known)
}

pub(crate) fn findings_in(findings: Vec<data::Finding>) -> Vec<Finding> {
    let one = |it: data::Finding| Finding { subject: message(it.subject), ok: it.ok, message: message(it.message) };
    findings.into_iter().map(one).collect()
}

pub(crate) fn projected_in(
    kind: Kind,
    asked: usize,
    records: Vec<Vec<crate::bindings::connector::truthsource::types::records::Field>>,
) -> Result<Vec<Fields>, Misfit> {
    super::one_each(asked, records.len())?;
    super::records::records_in(kind, records)
}

pub(crate) fn description_in(it: powers::Description) -> Result<Description, Misfit> {
    let mut kinds: Vec<KindPower> = Vec::with_capacity(it.kinds.len());
    for power in it.kinds {
        let power = kind_power_in(power)?;
        if kinds.iter().any(|known| known.kind == power.kind) {
            return Err(Misfit::new("kinds", format!("{} stands twice", power.kind)));
        }
        kinds.push(power);
    }
    let setting = |it: powers::Setting| Setting { name: it.name, about: message(it.about), default: it.default };
    Ok(Description {
        system: super::id("system", it.system, 64)?,
        kinds,
        auth: it.auth,
        webhook: it.webhook.map(super::webhook::scheme_in).transpose()?,
        rate: match it.rate {
            powers::Rate::Concurrent(n) => Rate::Concurrent(n.max(1)),
            powers::Rate::Window(it) => Rate::Window(Window {
                requests: it.requests.clamp(1, WINDOW_REQUESTS_MAX),
                seconds: it.seconds.clamp(1, WINDOW_SECONDS_MAX),
                at_once: it.at_once.map(|it| it.max(1)),
            }),
            powers::Rate::Points(it) => Rate::Points(Box::new(points_in(it)?)),
            powers::Rate::Other(text) => Rate::Other(message(text)),
        },
        settings: it.settings.into_iter().map(setting).collect(),
    })
}

/// Requests of a window that are kept in mind.
const WINDOW_REQUESTS_MAX: u32 = 1_000_000;
/// A day.
const WINDOW_SECONDS_MAX: u32 = 86_400;

/// The longest way to a number in an answer.
const WAY_MAX: usize = 8;

fn points_in(it: powers::Points) -> Result<PointsAt, Misfit> {
    let way = |name: &str, way: Vec<String>| {
        let is_one = (1..=WAY_MAX).contains(&way.len()) && way.iter().all(|it| (1..=64).contains(&it.len()));
        let reason = format!("a way is 1 to {WAY_MAX} members of 1 to 64 bytes");
        if is_one { Ok(way) } else { Err(Misfit::new(format!("rate, {name}"), reason)) }
    };
    Ok(PointsAt {
        available: way("available", it.available)?,
        maximum: way("maximum", it.maximum)?,
        per_second: way("per-second", it.per_second)?,
        needed: way("needed", it.needed)?,
        cost: way("cost", it.cost)?,
    })
}

fn kind_power_in(it: powers::KindPower) -> Result<KindPower, Misfit> {
    let kind = kind_in("kinds", &it.kind)?;
    let schema = truthsource_core::schema::of(kind);
    let mut fields: Vec<FieldPower> = Vec::with_capacity(it.fields.len());
    for field in it.fields {
        if schema.field(&field.name).is_none() {
            return Err(Misfit::new(format!("{kind}, {}", field.name), "no such field"));
        }
        if fields.iter().any(|known| known.name == field.name) {
            return Err(Misfit::new(format!("{kind}, {}", field.name), "stands twice"));
        }
        fields.push(FieldPower { name: field.name, writable: field.writable, create_only: field.create_only });
    }
    for (at, n) in [("push-max", it.push_max), ("read-max", it.read_max)] {
        if !(1..=BATCH_MAX).contains(&n) {
            return Err(Misfit::new(format!("{kind}, {at}"), format!("must be 1 to {BATCH_MAX}")));
        }
    }
    if it.certain_max > BATCH_MAX {
        return Err(Misfit::new(format!("{kind}, certain-max"), format!("must be 0 to {BATCH_MAX}")));
    }
    Ok(KindPower {
        kind,
        fields,
        sees_creates: it.sees_creates,
        sees_updates: it.sees_updates,
        sees_deletes: it.sees_deletes,
        granularity_ms: it.granularity_ms,
        lag_ms: it.lag_ms,
        effect: match it.effect {
            powers::Effect::Absolute => Effect::Absolute,
            powers::Effect::Keyed => Effect::Keyed,
            powers::Effect::Conditional => Effect::Conditional,
            powers::Effect::Verify => Effect::Verify,
            powers::Effect::Unsafe => Effect::Unsafe,
        },
        creates: it.creates,
        push_max: it.push_max,
        read_max: it.read_max,
        certain_max: it.certain_max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(id: &str) -> data::State {
        data::State {
            remote_id: id.to_owned(),
            fields: vec![],
            version: String::new(),
            changed_at_ms: None,
            command_key: None,
        }
    }

    fn write(remote_id: Option<&str>) -> Write {
        Write {
            op_id: "op-1".into(),
            kind: Kind::Item,
            remote_id: remote_id.map(str::to_owned),
            command_key: "ck-1".into(),
            want: Fields::new(),
            changed: vec![],
            base: Fields::new(),
            base_version: String::new(),
            first_sent: None,
        }
    }

    #[test]
    fn g13_an_answer_about_another_record_is_refused() {
        let seen = read_in(Kind::Item, &["7".into()], vec![data::Observed::Present(state("8"))]);
        assert_eq!(seen.unwrap_err().to_string(), "7: answered with `8`");
        let seen = outcomes_in(&[write(Some("7"))], vec![data::Outcome::Applied(state("8"))]);
        assert_eq!(seen.unwrap_err().to_string(), "write 0, 7: answered with `8`");
        let seen = outcomes_in(&[write(None)], vec![data::Outcome::Applied(state("8"))]);
        assert!(matches!(seen.as_deref(), Ok([Outcome::Applied(it)]) if it.remote_id == "8"));
    }

    #[test]
    fn an_outcome_of_a_newer_contract_counts_as_unknown() {
        let seen = outcomes_in(&[write(None)], vec![data::Outcome::Other("half".into())]);
        assert_eq!(seen, Ok(vec![Outcome::Unknown("half".into())]));
    }

    #[test]
    fn g13_oversized_marks_are_refused() {
        let seen = state_in(Kind::Item, state(&"x".repeat(256)));
        assert_eq!(seen.unwrap_err().to_string(), "remote-id: must be 1 to 255 bytes without NUL");
        let page = data::Page { entries: vec![], cursor: "x".repeat(4_097), more: false };
        assert!(page_in(Kind::Item, page).is_err());
    }
}
