//! What the rules of today would have made of what systems said then.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::draw::Draw;
use truthsource_core::record::RecordKey;
use truthsource_core::{Kind, Value};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Scope;
use crate::engine::connections::Parties;
use crate::engine::replay::{Otherwise, Scope as Replay, replay};
use crate::engine::{Engine, Error, Pace};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Query};
use crate::http::route::{Access, Route};
use crate::http::view::{moment, parse_moment};
use crate::http::{Acting, ApiError, Door};

/// What is to be decided again.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// From this moment on, as RFC 3339.
    from: String,
    /// Until before this moment.
    to: String,
    /// Only of this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// Only of the record of this key, with `kind`.
    key: Option<String>,
    /// How many records, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// What would have been decided otherwise.
#[derive(Serialize, ToSchema)]
struct ReplayView {
    /// Records that were looked at.
    records: u64,
    /// Decisions that were taken again.
    decisions: u64,
    /// What they were taken on.
    entries: u64,
    /// Fields that would be otherwise.
    items: Vec<OtherwiseView>,
    /// Records that cannot be folded again.
    torn: Vec<TornView>,
    /// Give this as `cursor` to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A field that would have been decided otherwise.
#[derive(Serialize, ToSchema)]
struct OtherwiseView {
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    field: String,
    /// When it was first decided otherwise.
    at: String,
    /// What it became.
    #[schema(value_type = Object)]
    was: Option<AnyJson>,
    /// Why it waited for a person, if it did.
    was_held: Option<String>,
    /// What it would have become.
    #[schema(value_type = Object)]
    would: Option<AnyJson>,
    /// Why it would have waited for a person.
    would_be_held: Option<String>,
    /// `slot@digest` of the policy that decided it then; empty for the built-in rule.
    policy: String,
    /// It is still otherwise after the last decision of the time.
    lasts: bool,
}

/// A record that cannot be folded again.
#[derive(Serialize, ToSchema)]
struct TornView {
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// Why.
    reason: String,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/replay", Access::Tenant(Scope::RecordsRead), run)
            .about(
                "Takes the decisions of a time again, by the rules and policies of now, and says what would be otherwise. \
                 Nothing is written and nobody is told.",
            )
            .query::<Asked>()
            .gives::<ReplayView>(200),
    ]
}

async fn run(
    State(door): State<Door>,
    acting: Acting,
    Query(asked): Query<Asked>,
) -> Result<Json<ReplayView>, ApiError> {
    let n_max = limit(asked.limit)?;
    let within = parse_moment("from", &asked.from)?..parse_moment("to", &asked.to)?;
    if within.is_empty() {
        return Err(ApiError::bad("invalid-query", "`from` is before `to`"));
    }
    let key = match (asked.kind, &asked.key) {
        (Some(kind), Some(key)) => Some(RecordKey::new(kind, key)),
        (None, Some(_)) => return Err(ApiError::bad("invalid-query", "`key` goes with `kind`")),
        (_, None) => None,
    };
    let bound = format!("{} replay {within:?} {:?} {key:?}", acting.tenant.tenant.id.0, asked.kind);
    let after: Option<RecordKey> = door.cursors.open(&bound, asked.cursor.as_deref())?;
    let engine = Engine {
        store: acting.tenant.store.clone(),
        guests: door.app.plugins.guests_of(&acting.tenant),
        clock: door.app.clock.clone(),
        draw: Draw::new(0),
        holder: "replay".to_owned(),
        pace: Pace::default(),
    };
    let parties = Parties::load(&engine).await.map_err(failed)?;
    let scope = Replay { within, kind: asked.kind, key };
    let done = replay(&engine, &parties, &scope, (after.as_ref(), n_max)).await.map_err(failed)?;
    let torn = done.torn.into_iter().map(|(of, reason)| TornView { kind: of.kind, key: of.key, reason });
    Ok(Json(ReplayView {
        records: done.records,
        decisions: done.rulings,
        entries: done.entries,
        items: done.otherwise.into_iter().map(view).collect(),
        torn: torn.collect(),
        next: done.next.map(|it| door.cursors.seal(&bound, &it)).transpose()?,
    }))
}

fn failed(error: Error) -> ApiError {
    match error {
        Error::Store(error) => error.into(),
        other => ApiError::conflict("not-replayed", format!("it could not be decided again: {other}")),
    }
}

fn view(it: Otherwise) -> OtherwiseView {
    let json = |it: Option<Value>| it.map(|it| it.to_json());
    OtherwiseView {
        kind: it.key.kind,
        key: it.key.key,
        field: it.field,
        at: moment(it.at),
        was: json(it.was),
        was_held: it.was_held,
        would: json(it.would),
        would_be_held: it.would_be_held,
        policy: it.policy,
        lasts: it.lasts,
    }
}
