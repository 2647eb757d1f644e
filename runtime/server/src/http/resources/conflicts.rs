//! Conflicts: what was decided and by whom, and what waits for a person.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::record::{ConnectionId, RecordKey, Settlement, Shadow};
use truthsource_core::{Kind, UnixMs, Value, schema};
use utoipa::{IntoParams, ToSchema};

use super::plan::{engine, failed};
use crate::auth::Scope;
use crate::engine::{damage, deletions, word};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{About, Batch, Change, Conflict, Connection, TenantStore};

/// Which conflicts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those that wait for a person, or only those that do not.
    open: Option<bool>,
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
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
    /// `field`: what it is. `vanished`: whether the record is gone, or to be created again where it vanished. `unlinked`:
    /// whether what a connection has is the record. `unread`: what a connection has there, as nobody could take it in.
    /// `lost`: what the field is at a connection, as none of its records says it any more; the key says nothing then.
    /// `mass`: whether so many records of the kind are gone; the key says nothing then. `damaged`: what stood in a row of
    /// ours that cannot be read; the reason names it.
    about: &'static str,
    /// The field, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
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

/// How a person settles it: one of the four.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Settle {
    /// This connection is right. Where the record vanished: then it is deleted everywhere; another that has it: then it
    /// is created again.
    #[serde(default)]
    take: Option<String>,
    /// This value is right; numbers with a fraction as text.
    #[serde(default, deserialize_with = "given")]
    value: Option<AnyJson>,
    /// The record is created again where it vanished.
    #[serde(default)]
    recreate: bool,
    /// What cannot be read is given up, and its record read again from its systems. What they hold then counts as the first
    /// that is known of it; a word of a person is asked for again.
    #[serde(default)]
    read_again: bool,
}

/// What a person says.
enum Word {
    Take(String),
    Value(AnyJson),
    Recreate,
    ReadAgain,
}

impl Settle {
    fn word(self) -> Result<Word, ApiError> {
        match (self.take, self.value, self.recreate, self.read_again) {
            (Some(connection), None, false, false) => Ok(Word::Take(connection)),
            (None, Some(value), false, false) => Ok(Word::Value(value)),
            (None, None, true, false) => Ok(Word::Recreate),
            (None, None, false, true) => Ok(Word::ReadAgain),
            _ => Err(invalid("give one of `take`, `value`, `recreate` and `read_again`")),
        }
    }
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
        Route::get("/v1/conflicts/{id}", Access::Tenant(Scope::RecordsRead), show)
            .about("Shows a conflict, and how it was decided if it was.")
            .gives::<ConflictView>(200),
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
    let mut found = loop {
        match acting.tenant.store.conflicts(which.open, before, n_max + 1).await {
            Ok(found) => break found,
            // One that cannot be read hides no other.
            Err(error) => {
                let error = crate::engine::Error::from(error);
                if !damage::set_aside(&engine(&door, &acting.tenant), &error).await.map_err(failed)? {
                    return Err(failed(error));
                }
            }
        }
    };
    let more = found.len() > n_max as usize;
    found.truncate(n_max as usize);
    let next = found.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.id)).transpose()?;
    Ok(Json(List { items: found.into_iter().map(view).collect(), next }))
}

async fn show(acting: Acting, Path(id): Path<u64>) -> Result<Json<ConflictView>, ApiError> {
    Ok(Json(view(found(acting.tenant.store.as_ref(), id).await?)))
}

async fn found(store: &dyn TenantStore, id: u64) -> Result<Conflict, ApiError> {
    let before = id.checked_add(1).ok_or(ApiError::NotFound("conflict"))?;
    let newest = store.conflicts(None, Some(before), 1).await?;
    newest.into_iter().find(|it| it.id == id).ok_or(ApiError::NotFound("conflict"))
}

async fn settle(
    State(door): State<Door>,
    acting: Acting,
    Path(id): Path<u64>,
    Json(body): Json<Settle>,
) -> Result<Json<ConflictView>, ApiError> {
    let mut conflict = found(acting.tenant.store.as_ref(), id).await?;
    if conflict.outcome.is_some() {
        return Err(ApiError::conflict("already-settled", "this conflict was decided already"));
    }
    let (by, at) = (acting.name(), door.app.clock.now());
    let (outcome, changes) = decided(acting.tenant.store.as_ref(), &conflict, body.word()?, (&by, at)).await?;
    let mut batch = Batch { changes, ..Batch::new(at) };
    batch.changes.push(word::closed(&conflict, outcome.clone(), &by));
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    (conflict.outcome, conflict.reason) = (Some(outcome), by);
    Ok(Json(view(conflict)))
}

/// What a person's word comes to, and what follows from it.
async fn decided(
    store: &dyn TenantStore,
    conflict: &Conflict,
    word: Word,
    (by, at): (&str, UnixMs),
) -> Result<(Value, Vec<Change>), ApiError> {
    match &conflict.about {
        About::Field(field) => {
            let value = chosen(conflict, field, word)?;
            let what = Settlement::Field { field: field.clone(), value: value.clone() };
            Ok((value, vec![word::said(conflict, what, by)]))
        }
        About::Vanished(connection) => {
            let what = fate(store, conflict, *connection, word).await?;
            let outcome = if matches!(what, Settlement::Deleted(_)) { "deleted" } else { "recreated" };
            Ok((outcome.into(), vec![word::said(conflict, what, by)]))
        }
        About::Mass => Ok((claimed(conflict, word)?, believed(store, conflict, at).await?)),
        About::Damaged { row } if matches!(word, Word::ReadAgain) => {
            Ok(("read again".into(), damage::read_again(store, row, at).await?))
        }
        About::Damaged { .. } => Err(invalid("only `read_again` settles what cannot be read")),
        About::Unlinked { .. } => {
            let detail = "what is linked to nothing cannot be taken: two records go by one name, so change it (an item's \
                          SKU) in one of the systems, or delete one of the two there; this settles itself then";
            Err(ApiError::unprocessable("not-linked", detail))
        }
        About::Unread { .. } => {
            let detail = "what nobody could read cannot be taken: mend the record in its system, or activate a release of \
                          the connector or the mapping that takes it in; this settles itself then";
            Err(ApiError::unprocessable("not-read", detail))
        }
        About::Lost { .. } => {
            let detail = "what no record says cannot be taken: let the connection's user see the field again, or activate \
                          a release of the connector or the mapping that reads it; this settles itself with the next \
                          sweep that does";
            Err(ApiError::unprocessable("not-said", detail))
        }
    }
}

/// A person says that a mass deletion is one.
async fn believed(store: &dyn TenantStore, conflict: &Conflict, at: UnixMs) -> Result<Vec<Change>, ApiError> {
    let connections = store.connections().await?;
    let meant = connections.iter().filter(|it| conflict.claims.contains_key(&it.name));
    Ok(meant.flat_map(|it| deletions::believe(it.id, conflict.key.kind, at)).collect())
}

/// What becomes of a record that vanished at this connection.
async fn fate(
    store: &dyn TenantStore,
    conflict: &Conflict,
    vanished_at: ConnectionId,
    word: Word,
) -> Result<Settlement, ApiError> {
    let connections = store.connections().await?;
    let there = connections.iter().find(|it| it.id == vanished_at).ok_or(ApiError::NotFound("connection"))?;
    match word {
        Word::Take(name) if name == there.name => return Ok(Settlement::Deleted(vanished_at)),
        Word::Take(name) => {
            let other = connections.iter().find(|it| it.name == name);
            if !holds(store, &conflict.key, other).await? {
                let detail = format!(
                    "`take` names `{}`, to delete the record everywhere, or a connection that has it, to create it again",
                    there.name
                );
                return Err(invalid(detail));
            }
        }
        Word::Recreate => {}
        Word::Value(_) | Word::ReadAgain => {
            return Err(invalid("only `take` and `recreate` settle whether a record is gone"));
        }
    }
    let part = there.spec.kinds.get(&conflict.key.kind);
    if !part.is_some_and(|it| it.writes && it.creates) {
        let detail = format!(
            "`{0}` is not to create records of this kind: let it, or take `{0}` to delete the record everywhere",
            there.name
        );
        return Err(ApiError::unprocessable("not-created-there", detail));
    }
    Ok(Settlement::Recreated(vanished_at))
}

/// The record exists at the connection, as far as is known.
async fn holds(store: &dyn TenantStore, key: &RecordKey, at: Option<&Connection>) -> Result<bool, ApiError> {
    let Some(connection) = at else { return Ok(false) };
    let states = store.states(&[key.clone()].into()).await?;
    let shadow = states.get(key).and_then(|it| it.shadows.get(&connection.id));
    Ok(shadow.is_some_and(Shadow::exists))
}

/// The value that a person chose, checked against the field's schema.
fn chosen(conflict: &Conflict, field: &str, word: Word) -> Result<Value, ApiError> {
    let schema = schema::of(conflict.key.kind);
    let value = match word {
        Word::Value(json) => {
            let known = schema.field(field).ok_or_else(|| invalid("there is no such field any more"))?;
            schema::from_json(&known.ty, &json).map_err(invalid)?
        }
        taken => claimed(conflict, taken)?,
    };
    schema.check(&[(field.to_owned(), value.clone())].into()).map_err(|it| invalid(it.to_string()))?;
    Ok(value)
}

/// What the connection said that a person takes at its word.
fn claimed(conflict: &Conflict, word: Word) -> Result<Value, ApiError> {
    let Word::Take(connection) = word else { return Err(invalid("only `take` settles this one")) };
    let claim = conflict.claims.get(&connection).cloned();
    claim.ok_or_else(|| {
        let said: Vec<String> = conflict.claims.keys().map(|it| format!("`{it}`")).collect();
        invalid(format!("`take` names a connection that said something: {}, and not `{connection}`", said.join(", ")))
    })
}

fn invalid(detail: impl Into<String>) -> ApiError {
    ApiError::unprocessable("invalid-value", detail)
}

fn view(conflict: Conflict) -> ConflictView {
    let open = conflict.outcome.is_none();
    let (about, field) = match conflict.about {
        About::Field(field) => ("field", Some(field)),
        About::Vanished(_) => ("vanished", None),
        About::Unlinked { .. } => ("unlinked", None),
        About::Unread { .. } => ("unread", None),
        About::Lost { field, .. } => ("lost", Some(field)),
        About::Mass => ("mass", None),
        About::Damaged { .. } => ("damaged", None),
    };
    ConflictView {
        id: conflict.id,
        at: moment(conflict.at),
        kind: conflict.key.kind,
        key: conflict.key.key,
        about,
        field,
        claims: conflict.claims.into_iter().map(|(name, it)| (name, it.to_json())).collect(),
        open,
        outcome: conflict.outcome.map(|it| it.to_json()),
        reason: conflict.reason,
        policy: conflict.policy,
    }
}
