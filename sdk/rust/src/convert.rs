//! Between the generated words of the contracts and the ones authors use.

use crate::bindings::connector::truthsource::connector::data;
use crate::bindings::shared::truthsource::types::records;
use crate::connector::{Finding, Notice, Observed, Outcome, Page, State, Webhook, Write};
use crate::{Context, Decimal, Fault, Fields, Kind, Value};

pub(crate) fn decimal(number: records::Decimal) -> Result<Decimal, Fault> {
    Decimal::new(number.mantissa, number.scale).map_err(|error| Fault::Invalid(error.to_string()))
}

pub(crate) fn wire_decimal(number: Decimal) -> records::Decimal {
    let (mantissa, scale) = number.parts();
    records::Decimal { mantissa, scale }
}

pub(crate) fn value(value: records::Value) -> Result<Value, Fault> {
    Ok(match value {
        records::Value::Null => Value::Null,
        records::Value::Text(text) => Value::Text(text),
        records::Value::Number(number) => Value::Number(decimal(number)?),
        records::Value::Flag(flag) => Value::Flag(flag),
        records::Value::Json(text) => Value::Json(text),
    })
}

pub(crate) fn wire_value(value: Value) -> records::Value {
    match value {
        Value::Null => records::Value::Null,
        Value::Text(text) => records::Value::Text(text),
        Value::Number(number) => records::Value::Number(wire_decimal(number)),
        Value::Flag(flag) => records::Value::Flag(flag),
        Value::Json(text) => records::Value::Json(text),
    }
}

pub(crate) fn fields(list: Vec<records::Field>) -> Result<Fields, Fault> {
    list.into_iter().map(|field| Ok((field.name, value(field.value)?))).collect()
}

pub(crate) fn wire_fields(fields: Fields) -> Vec<records::Field> {
    fields.into_iter().map(|(name, value)| records::Field { name, value: wire_value(value) }).collect()
}

pub(crate) fn records_of(lists: Vec<Vec<records::Field>>) -> Result<Vec<Fields>, Fault> {
    lists.into_iter().map(fields).collect()
}

pub(crate) fn context(ctx: records::Context) -> Context {
    Context { settings: ctx.settings.into_iter().collect(), now_ms: ctx.now_ms }
}

fn wire_state(state: State) -> data::State {
    data::State {
        remote_id: state.remote_id,
        fields: wire_fields(state.fields),
        version: state.version,
        changed_at_ms: state.changed_at_ms,
        command_key: state.command_key,
    }
}

pub(crate) fn wire_found(state: Option<State>) -> Option<data::State> {
    state.map(wire_state)
}

pub(crate) fn wire_observed(observed: Observed) -> data::Observed {
    match observed {
        Observed::Present(state) => data::Observed::Present(wire_state(state)),
        Observed::Absent(id) => data::Observed::Absent(id),
    }
}

pub(crate) fn wire_page(page: Page) -> data::Page {
    let entries = page.entries.into_iter().map(wire_observed).collect();
    data::Page { entries, cursor: page.cursor, more: page.more }
}

pub(crate) fn write(write: data::Write) -> Result<Write, Fault> {
    Ok(Write {
        op_id: write.op_id,
        remote_id: write.remote_id,
        command_key: write.command_key,
        want: fields(write.want)?,
        changed: write.changed,
        base: fields(write.base)?,
        base_version: write.base_version,
        first_sent_ms: write.first_sent_ms,
    })
}

pub(crate) fn wire_outcome(outcome: Outcome) -> data::Outcome {
    match outcome {
        Outcome::Applied(state) => data::Outcome::Applied(wire_state(state)),
        Outcome::Stale(observed) => data::Outcome::Stale(wire_observed(observed)),
        Outcome::Rejected(it) => {
            data::Outcome::Rejected(data::Rejection { code: it.code, message: it.message, field: it.field })
        }
        Outcome::Retry(wait_ms, why) => data::Outcome::Retry((wait_ms, why)),
        Outcome::Unknown(why) => data::Outcome::Unknown(why),
    }
}

pub(crate) fn webhook(webhook: data::Webhook) -> Webhook {
    Webhook { topic: webhook.topic, headers: webhook.headers, body: webhook.body }
}

pub(crate) fn wire_notice(notice: Notice) -> data::Notice {
    let name = |kind: Kind| kind.as_str().to_owned();
    match notice {
        Notice::Touched(kind, id) => data::Notice::Touched((name(kind), id)),
        Notice::Poll(kind) => data::Notice::Poll(name(kind)),
    }
}

pub(crate) fn wire_finding(finding: Finding) -> data::Finding {
    data::Finding { subject: finding.subject, ok: finding.ok, message: finding.message }
}
