//! Conflicts: what was decided and by whom, and what waits for a person.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::record::{Entry, RecordKey};
use truthsource_core::{Kind, UnixMs, Value, schema};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Scope;
use crate::engine::deletions;
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{Batch, Change, Conflict, TenantStore};

/// Which conflicts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those that wait for a person, or only those that do not.
    open: Option<bool>,
    /// How many, 1 to 500; 50 if absent.
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A conflict and its outcome.
#[derive(Serialize, ToSchema)]
struct ConflictView {
    id: u64,
    at: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// The field; `*` for the record as a whole.
    field: String,
    /// What each side said.
    #[schema(value_type = Object)]
    claims: BTreeMap<String, AnyJson>,
    /// It waits for a person.
    open: bool,
    /// What the truth became.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<AnyJson>,
    reason: String,
    /// The policy's slot and digest; empty for the built-in rule.
    policy: String,
}

/// How a person settles it: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Settle {
    /// This connection is right.
    #[serde(default)]
    take: Option<String>,
    /// This value is right; numbers with a fraction as text.
    #[serde(default, deserialize_with = "given")]
    value: Option<AnyJson>,
}

/// Tells `null`, which is a value, from nothing at all.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<AnyJson>, D::Error> {
    AnyJson::deserialize(deserializer).map(Some)
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/conflicts", Access::Tenant(Scope::RecordsRead), list)
            .about("Lists conflicts and how each was decided, newest first.")
            .query::<Which>()
            .lists::<ConflictView>(),
        Route::post("/v1/conflicts/{id}/settle", Access::Tenant(Scope::ConflictsSettle), settle)
            .about("Settles a conflict that waits for a person.")
            .takes::<Settle>()
            .gives::<ConflictView>(200),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Query(which): Query<Which>,
) -> Result<Json<List<ConflictView>>, ApiError> {
    let n_max = limit(which.limit)?;
    let bound = format!("{} conflicts {:?}", acting.tenant.tenant.id.0, which.open);
    let before: Option<u64> = door.cursors.open(&bound, which.cursor.as_deref())?;
    let mut found = acting.tenant.store.conflicts(which.open, before, n_max + 1).await?;
    let more = found.len() > n_max as usize;
    found.truncate(n_max as usize);
    let next = found.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.id)).transpose()?;
    Ok(Json(List { items: found.into_iter().map(view).collect(), next }))
}

async fn settle(
    State(door): State<Door>,
    acting: Acting,
    Path(id): Path<u64>,
    Json(body): Json<Settle>,
) -> Result<Json<ConflictView>, ApiError> {
    let before = id.checked_add(1).ok_or(ApiError::NotFound("conflict"))?;
    let newest = acting.tenant.store.conflicts(None, Some(before), 1).await?;
    let mut conflict = newest.into_iter().find(|it| it.id == id).ok_or(ApiError::NotFound("conflict"))?;
    if conflict.outcome.is_some() {
        return Err(ApiError::conflict("already-settled", "this conflict was decided already"));
    }
    let value = chosen(&conflict, body)?;
    let by = acting.name();
    let RecordKey { kind, key } = conflict.key.clone();
    let mut batch = Batch::new(door.app.clock.now());
    if deletions::is_mass(&conflict) {
        batch.changes.extend(believed(acting.tenant.store.as_ref(), &conflict, batch.at).await?);
    } else {
        let entry = Entry::Settled { field: conflict.field.clone(), value: value.clone(), by: by.clone() };
        batch.changes.push(Change::Append { kind, key: Some(key), entry });
    }
    batch.changes.push(Change::ConflictClosed {
        key: conflict.key.clone(),
        field: conflict.field.clone(),
        outcome: value.clone(),
        reason: by.clone(),
    });
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    (conflict.outcome, conflict.reason) = (Some(value), by);
    Ok(Json(view(conflict)))
}

/// A person says that a mass deletion is one.
async fn believed(store: &dyn TenantStore, conflict: &Conflict, at: UnixMs) -> Result<Vec<Change>, ApiError> {
    let connections = store.connections().await?;
    let meant = connections.iter().filter(|it| conflict.claims.contains_key(&it.name));
    Ok(meant.flat_map(|it| deletions::believe(it.id, conflict.key.kind, at)).collect())
}

/// The value that a person chose, checked against the field's schema.
fn chosen(conflict: &Conflict, body: Settle) -> Result<Value, ApiError> {
    let invalid = |detail: String| ApiError::unprocessable("invalid-value", detail);
    let value = match (body.take, body.value) {
        (Some(connection), None) => {
            let claim = conflict.claims.get(&connection).cloned();
            claim.ok_or_else(|| invalid("`take` names no connection that said something".to_owned()))?
        }
        (None, Some(json)) => {
            let field = schema::of(conflict.key.kind).field(&conflict.field);
            let field = field.ok_or_else(|| invalid("only `take` settles a record as a whole".to_owned()))?;
            schema::from_json(&field.ty, &json).map_err(invalid)?
        }
        _ => return Err(invalid("give either `take` or `value`".to_owned())),
    };
    if conflict.field != "*" {
        let fields = BTreeMap::from([(conflict.field.clone(), value.clone())]);
        schema::of(conflict.key.kind).check(&fields).map_err(|it| invalid(it.to_string()))?;
    }
    Ok(value)
}

fn view(conflict: Conflict) -> ConflictView {
    let open = conflict.outcome.is_none();
    ConflictView {
        id: conflict.id,
        at: moment(conflict.at),
        kind: conflict.key.kind,
        key: conflict.key.key,
        field: conflict.field,
        claims: conflict.claims.into_iter().map(|(name, it)| (name, it.to_json())).collect(),
        open,
        outcome: conflict.outcome.map(|it| it.to_json()),
        reason: conflict.reason,
        policy: conflict.policy,
    }
}
