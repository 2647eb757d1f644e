//! What is owed to systems: above all, what was given up until a person looks.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use truthsource_core::Kind;
use truthsource_core::record::{ConnectionId, RecordKey};
use utoipa::{IntoParams, ToSchema};

use super::connection;
use crate::auth::Scope;
use crate::http::cursor::limit;
use crate::http::extract::{Json, Query};
use crate::http::route::{Access, Route};
use crate::http::view::{Names, moment};
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{Batch, Change, Debt, DebtState, Event, What};

/// Which debts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `due`, `settling`, `blocked`, `held`, `untold` or `parked`; `parked` if absent.
    #[param(value_type = Option<String>)]
    state: Option<DebtState>,
    /// How many, 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// A debt.
#[derive(Serialize, ToSchema)]
struct DebtView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// `due`, `settling`, `blocked`, `held`, `untold` or `parked`.
    #[schema(value_type = String)]
    state: DebtState,
    /// The truth's version that is owed.
    truth_version: u64,
    /// 0 is most urgent.
    priority: u8,
    since: String,
    due_at: String,
    attempts: u32,
    last_error: Option<String>,
    /// A write was begun whose result is not known.
    in_doubt: bool,
}

/// What is to be tried again; everything that is parked, if nothing is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Redrive {
    /// Only of this connection.
    #[serde(default)]
    connection: Option<String>,
    /// Only this record, with `key`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    kind: Option<Kind>,
    /// Only this record, with `kind`.
    #[serde(default)]
    key: Option<String>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct Redriven {
    /// Debts that were put back to work.
    redriven: u64,
    /// Debts that are parked still.
    parked: u64,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/debts", Access::Tenant(Scope::WorkRead), list)
            .about("Lists what is owed to systems, by connection and record.")
            .query::<Which>()
            .lists::<DebtView>(),
        Route::post("/v1/debts/redrive", Access::Tenant(Scope::WorkWrite), redrive)
            .about("Puts parked debts back to work, one or many.")
            .takes::<Redrive>()
            .gives::<Redriven>(200),
    ]
}

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Query(which): Query<Which>,
) -> Result<Json<List<DebtView>>, ApiError> {
    let n_max = limit(which.limit)?;
    let state = which.state.unwrap_or(DebtState::Parked);
    let bound = format!("{} debts {state:?}", acting.tenant.tenant.id.0);
    let after: Option<(ConnectionId, RecordKey)> = door.cursors.open(&bound, which.cursor.as_deref())?;
    let mut debts = acting.tenant.store.debts(state, after.as_ref(), n_max + 1).await?;
    let more = debts.len() > n_max as usize;
    debts.truncate(n_max as usize);
    let last = debts.last().filter(|_| more).map(|it| (it.connection, it.key.clone()));
    let next = last.map(|it| door.cursors.seal(&bound, &it)).transpose()?;
    let names = Names::of(&acting.tenant).await?;
    Ok(Json(List { items: debts.into_iter().map(|it| view(it, &names)).collect(), next }))
}

async fn redrive(
    State(door): State<Door>,
    acting: Acting,
    Json(body): Json<Redrive>,
) -> Result<Json<Redriven>, ApiError> {
    let key = match (body.kind, body.key) {
        (Some(kind), Some(key)) => Some(RecordKey::new(kind, key)),
        (None, None) => None,
        _ => return Err(ApiError::unprocessable("invalid-record", "`kind` and `key` go together")),
    };
    let only = match body.connection {
        Some(name) => Some(connection(&acting.tenant, &name).await?.id),
        None => None,
    };
    let before = acting.tenant.store.backlog().await?.parked;
    let mut batch = Batch::new(door.app.clock.now());
    tell(&acting, (only, key.as_ref()), &mut batch).await?;
    batch.changes.push(Change::Redrive { connection: only, key });
    acting.tenant.store.commit(batch).await?;
    let parked = acting.tenant.store.backlog().await?.parked;
    acting.tenant.wake.notify_one();
    Ok(Json(Redriven { redriven: before.saturating_sub(parked), parked }))
}

/// Debts whose records' timelines say that somebody put them back to work: of more the answer says how many.
const TOLD_MAX: u32 = 1_000;

/// Says in the timelines who put what back to work.
async fn tell(
    acting: &Acting,
    (only, key): (Option<ConnectionId>, Option<&RecordKey>),
    batch: &mut Batch,
) -> Result<(), ApiError> {
    let parked = acting.tenant.store.debts(DebtState::Parked, None, TOLD_MAX).await?;
    let fits = |it: &Debt| only.is_none_or(|only| only == it.connection) && key.is_none_or(|key| *key == it.key);
    for debt in parked.into_iter().filter(fits) {
        let (at, key, connection) = (batch.at, debt.key, Some(debt.connection));
        let what = What::Redriven { by: acting.name() };
        batch.changes.push(Change::Event(Event { id: 0, at, key, connection, what }));
    }
    Ok(())
}

fn view(debt: Debt, names: &Names) -> DebtView {
    DebtView {
        connection: names.get(debt.connection),
        kind: debt.key.kind,
        key: debt.key.key,
        state: debt.state,
        truth_version: debt.truth_version,
        priority: debt.priority,
        since: moment(debt.since),
        due_at: moment(debt.due_at),
        attempts: debt.attempts,
        last_error: debt.last_error,
        in_doubt: debt.intent.is_some(),
    }
}
