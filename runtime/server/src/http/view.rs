//! How things look from outside: moments as RFC 3339, connections by name, values as plain JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use truthsource_core::record::ConnectionId;
use truthsource_core::value::fields_to_json;
use truthsource_core::{UnixMs, Value};

use super::ApiError;
use crate::app::TenantHandle;
use crate::store::{Event, What};

/// A moment as text, in UTC.
pub(super) fn moment(at: UnixMs) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(ms).map_or_else(|_| at.to_string(), |it| it.to_string())
}

/// The moment of a text in RFC 3339.
pub(super) fn parse_moment(field: &str, text: &str) -> Result<UnixMs, ApiError> {
    let ms = text.parse::<Timestamp>().ok().and_then(|it| u64::try_from(it.as_millisecond()).ok());
    ms.map(UnixMs).ok_or_else(|| {
        ApiError::unprocessable("invalid-moment", format!("`{field}` is a moment like 2026-01-31T12:00:00Z"))
    })
}

/// Names of connections.
pub(super) struct Names(BTreeMap<ConnectionId, String>);

impl Names {
    pub(super) async fn of(tenant: &TenantHandle) -> Result<Self, ApiError> {
        let all = tenant.store.connections().await?;
        Ok(Self(all.into_iter().map(|it| (it.id, it.name)).collect()))
    }

    /// The name, or the number of a connection that is no more.
    pub(super) fn get(&self, id: ConnectionId) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// An event as one flat object.
pub(super) fn event(event: &Event, names: &Names) -> Json {
    let mut out = what(&event.what);
    out.insert("id".to_owned(), json!(event.id));
    out.insert("at".to_owned(), json!(moment(event.at)));
    if let Some(connection) = event.connection {
        out.insert("connection".to_owned(), json!(names.get(connection)));
    }
    Json::Object(out)
}

fn what(what: &What) -> Map<String, Json> {
    let json = match what {
        What::Noticed { topic, event_id } => json!({"event": "noticed", "topic": topic, "event_id": event_id}),
        What::Observed { cause, moved, changed_at, version } => json!({
            "event": "observed",
            "cause": cause,
            "moved": pairs(moved.iter().map(|(name, (was, now))| (name, was.as_ref(), Some(now)))),
            "changed_at": changed_at.map(moment),
            "version": version,
        }),
        What::Vanished => json!({"event": "vanished"}),
        What::Linked { remote_id, by } => json!({"event": "linked", "remote_id": remote_id, "by": by}),
        What::Resolved { version, fields } => {
            json!({"event": "resolved", "version": version, "fields": fields_to_json(fields)})
        }
        What::Unlinked => json!({"event": "unlinked"}),
        What::Decided { field, outcome, policy, reason } => {
            json!({"event": "decided", "field": field, "outcome": outcome, "policy": policy, "reason": reason})
        }
        What::Asked { about, reason } => json!({"event": "asked", "about": about, "reason": reason}),
        What::Answered { about, outcome, by } => {
            json!({"event": "answered", "about": about, "outcome": outcome.to_json(), "by": by})
        }
        What::Overtaken { op_id } => json!({"event": "overtaken", "op_id": op_id}),
        What::Began { op_id, fields, through } => {
            json!({"event": "began", "op_id": op_id, "fields": fields_to_json(fields), "through": through})
        }
        What::Confirmed { op_id, version } => json!({"event": "confirmed", "op_id": op_id, "version": version}),
        What::Failed { error, attempts } => json!({"event": "failed", "error": error, "attempts": attempts}),
        What::Parked { error } => json!({"event": "parked", "error": error}),
        What::Redriven { by } => json!({"event": "redriven", "by": by}),
        What::Diverged { class, fields } => json!({
            "event": "diverged",
            "class": class,
            "moved": pairs(fields.iter().map(|(name, (expected, found))| (name, expected.as_ref(), found.as_ref()))),
        }),
    };
    if let Json::Object(members) = json { members } else { Map::new() }
}

/// `{"field": {"was": …, "now": …}}`; a side that is not known is absent.
pub(super) fn pairs<'a>(moved: impl Iterator<Item = (&'a String, Option<&'a Value>, Option<&'a Value>)>) -> Json {
    let side = |name: &str, value: Option<&Value>| value.map(|it| (name.to_owned(), it.to_json()));
    let members = moved.map(|(name, was, now)| {
        let sides: Map<String, Json> = side("was", was).into_iter().chain(side("now", now)).collect();
        (name.clone(), Json::Object(sides))
    });
    Json::Object(members.collect())
}
