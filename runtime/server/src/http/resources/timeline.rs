//! What happened to a record, across systems.

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value as AnyJson;
use truthsource_core::Kind;
use truthsource_core::record::RecordKey;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::auth::Scope;
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query};
use crate::http::route::{Access, Route};
use crate::http::view::{Names, event};
use crate::http::{Acting, ApiError, Door, List};

/// The part of a timeline that is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Slice {
    /// Newest first; else oldest first.
    #[serde(default)]
    newest: bool,
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// Something that happened: `id`, `at`, `event`, `connection`, and what goes with the event.
struct EventView;

impl PartialSchema for EventView {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        AnyJson::schema()
    }
}

impl ToSchema for EventView {
    fn name() -> std::borrow::Cow<'static, str> {
        "EventView".into()
    }
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/records/{kind}/{key}/timeline", Access::Tenant(Scope::RecordsRead), list)
            .about(
                "What happened to a record, oldest first or newest first: reads, decisions, writes, differences found.",
            )
            .query::<Slice>()
            .lists::<EventView>(),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Path((kind, key)): Path<(Kind, String)>,
    Query(slice): Query<Slice>,
) -> Result<Json<List<AnyJson>>, ApiError> {
    let n_max = limit(slice.limit)?;
    let key = RecordKey::new(kind, key);
    let bound = format!("{} timeline {key} {}", acting.tenant.tenant.id.0, slice.newest);
    let from: Option<u64> = door.cursors.open(&bound, slice.cursor.as_deref())?;
    let store = &acting.tenant.store;
    let mut events = match slice.newest {
        true => store.timeline_back(&key, from, n_max + 1).await?,
        false => store.timeline(&key, from.unwrap_or(0), n_max + 1).await?,
    };
    let more = events.len() > n_max as usize;
    events.truncate(n_max as usize);
    if events.is_empty() && from.is_none() {
        return Err(ApiError::NotFound("record"));
    }
    let names = Names::of(&acting.tenant).await?;
    let next = events.last().filter(|_| more).map(|last| door.cursors.seal(&bound, &last.id)).transpose()?;
    Ok(Json(List { items: events.iter().map(|it| event(it, &names)).collect(), next }))
}
