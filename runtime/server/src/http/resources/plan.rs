//! What would be written where, and why, if everything that is owed were written now.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use truthsource_core::draw::Draw;
use truthsource_core::record::{Claim, ConnectionId};
use truthsource_core::stock::{Buffer, Tells};
use truthsource_core::{Decimal, Kind};
use utoipa::{IntoParams, ToSchema};

use super::connection;
use super::stock::SupplyView;
use crate::app::TenantHandle;
use crate::auth::Scope;
use crate::engine::connections::Parties;
use crate::engine::plan::{Counted, Proposal, Why, propose};
use crate::engine::{self, Engine, Pace, priority};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Query};
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::ConnectionState;

/// Pages of debts that a page of a plan looks through at the most: not every debt is a write.
const LOOKS_MAX: u32 = 20;

/// Which part of the plan.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only this connection.
    connection: Option<String>,
    /// Only this kind.
    #[param(value_type = Option<String>)]
    kind: Option<Kind>,
    /// How many at the most, 1 to 500; 50 if absent. A page may hold fewer, and there may still be a next one.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    cursor: Option<String>,
}

/// One record's write, as it is owed now.
#[derive(Serialize, ToSchema)]
struct WriteView {
    connection: String,
    #[schema(value_type = String)]
    kind: Kind,
    key: String,
    /// The record's id there; null: it would be created.
    remote_id: Option<String>,
    /// The truth's version that would be written.
    truth_version: u64,
    /// The system's version mark that this was decided on; empty if it has none.
    base_version: String,
    /// The fields that would be written.
    fields: BTreeMap<String, StepView>,
}

/// One field's way.
#[derive(Serialize, ToSchema)]
struct StepView {
    /// What the system holds, as it was read last; null where it holds nothing.
    from: AnyJson,
    /// What it would hold.
    to: AnyJson,
    why: WhyView,
}

/// Why a field is to be what it is to be.
#[derive(Serialize, ToSchema)]
struct WhyView {
    /// What the truth says; null for a field that a mapping makes.
    truth: AnyJson,
    /// The record's version that gave the truth this value.
    version: u64,
    /// The connection whose word stands, if one's does.
    owner: Option<String>,
    /// What decided: `owner`, `newest`, or a policy as `slot@digest`.
    policy: String,
    /// What systems said that the truth came of.
    inputs: Vec<InputView>,
    /// What stands between the truth and the system, as `slot@digest`.
    through: Vec<String>,
    /// What a count that is published was worked out of.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<CountView>,
    /// The price rules that have a say in a list price of today, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    price_rules: Vec<String>,
}

/// What a count that is published was worked out of.
#[derive(Serialize, ToSchema)]
struct CountView {
    /// `null` where nobody has said.
    #[schema(value_type = Option<String>)]
    on_hand: Option<Decimal>,
    #[serde(flatten)]
    supply: SupplyView,
    /// What is held back.
    #[schema(value_type = Object)]
    hold: Buffer,
    /// What may be sold there, before `cap`; below 0 where more is promised than there is.
    #[schema(value_type = Option<String>)]
    free: Option<Decimal>,
    /// `on-hand` or `available`.
    #[schema(value_type = String)]
    tells: Tells,
}

/// What a system said.
#[derive(Serialize, ToSchema)]
struct InputView {
    connection: String,
    /// What it holds.
    said: AnyJson,
    /// When it says that it changed.
    changed_at: Option<String>,
    /// The record's version that it took part in first.
    version: u64,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/plan", Access::Tenant(Scope::RecordsRead), list)
            .about("Lists every remote field that would change, by connection, kind and record, and why.")
            .query::<Which>()
            .lists::<WriteView>(),
    ]
}

/// The tenant's engine, to look and to hand in with; lanes are worked elsewhere.
pub(super) fn engine(door: &Door, tenant: &TenantHandle) -> Engine {
    Engine {
        store: tenant.store.clone(),
        guests: door.app.plugins.guests_of(tenant),
        clock: door.app.clock.clone(),
        draw: Draw::new(0),
        holder: "door".to_owned(),
        pace: Pace::default(),
    }
}

/// What the engine's failures are to whoever asks.
pub(super) fn failed(error: engine::Error) -> ApiError {
    match error {
        engine::Error::Store(error) => error.into(),
        other => ApiError::Internal(other.into()),
    }
}

/// Where a page goes on: behind this key of a kind of a connection.
type Position = (ConnectionId, Kind, Option<String>);

async fn list(
    State(door): State<Door>,
    acting: Acting,
    Query(which): Query<Which>,
) -> Result<Json<List<WriteView>>, ApiError> {
    let n_max = limit(which.limit)?;
    let only = match &which.connection {
        Some(name) => Some(connection(&acting.tenant, name).await?.id),
        None => None,
    };
    let bound = format!("{} plan {only:?} {:?}", acting.tenant.tenant.id.0, which.kind);
    let from: Option<Position> = door.cursors.open(&bound, which.cursor.as_deref())?;
    let engine = engine(&door, &acting.tenant);
    let parties = Parties::load(&engine).await.map_err(failed)?;
    let (proposals, next) = page(&engine, &parties, (only, which.kind), from, n_max).await?;
    let next = next.map(|it| door.cursors.seal(&bound, &it)).transpose()?;
    Ok(Json(List { items: proposals.into_iter().map(|it| view(it, &parties)).collect(), next }))
}

async fn page(
    engine: &Engine,
    parties: &Parties,
    only: (Option<ConnectionId>, Option<Kind>),
    from: Option<Position>,
    n_max: u32,
) -> Result<(Vec<Proposal>, Option<Position>), ApiError> {
    let mut places = places(parties, only).into_iter().peekable();
    let mut after = None;
    if let Some((id, kind, key)) = from {
        while places.next_if(|it| *it != (id, kind)).is_some() {}
        after = key;
    }
    let mut proposals = Vec::new();
    for _ in 0..LOOKS_MAX {
        let left = n_max - u32::try_from(proposals.len()).unwrap_or(n_max);
        let Some((id, kind)) = places.peek().copied() else { return Ok((proposals, None)) };
        if left == 0 {
            return Ok((proposals, Some((id, kind, after))));
        }
        let Some(connection) = parties.connections.get(&id) else { continue };
        let asked = propose(engine, parties, (connection, kind), after.as_deref(), left);
        let (found, last) = asked.await.map_err(failed)?;
        proposals.extend(found);
        if last.is_none() {
            places.next();
        }
        after = last;
    }
    Ok((proposals, places.peek().map(|(id, kind)| (*id, *kind, after))))
}

/// Everything that can be owed, in the order of a plan: by connection, and of each what is urgent first.
fn places(parties: &Parties, (only, only_kind): (Option<ConnectionId>, Option<Kind>)) -> Vec<(ConnectionId, Kind)> {
    let connections = parties.connections.values();
    let at_work = connections.filter(|it| it.state != ConnectionState::New && only.is_none_or(|only| only == it.id));
    let places = at_work.flat_map(|it| {
        let mut kinds: Vec<Kind> = it.spec.kinds.iter().filter(|(_, it)| it.writes).map(|(kind, _)| *kind).collect();
        kinds.retain(|kind| only_kind.is_none_or(|only| only == *kind));
        kinds.sort_by_key(|kind| (priority(*kind), *kind));
        kinds.into_iter().map(|kind| (it.id, kind))
    });
    places.collect()
}

fn view(it: Proposal, parties: &Parties) -> WriteView {
    let Proposal { connection, key, write, mut why } = it;
    let step = |(name, step): (String, crate::store::Step)| {
        let why = why_view(why.remove(&name).unwrap_or_default(), parties);
        (name, StepView { from: step.from, to: step.to, why })
    };
    WriteView {
        connection: parties.name(connection),
        kind: key.kind,
        key: key.key,
        remote_id: write.remote_id,
        truth_version: write.truth_version,
        base_version: write.base_version,
        fields: write.fields.into_iter().map(step).collect(),
    }
}

fn count_view(it: Counted, parties: &Parties) -> CountView {
    let supply = SupplyView::of(&it.supply, it.takes, parties);
    CountView { on_hand: it.on_hand, supply, hold: it.hold, free: it.free, tells: it.tells }
}

fn why_view(why: Why, parties: &Parties) -> WhyView {
    let input = |it: Claim| InputView {
        connection: parties.name(it.connection),
        said: it.now.to_json(),
        changed_at: it.changed_at.map(moment),
        version: it.version,
    };
    WhyView {
        truth: why.truth.map_or(AnyJson::Null, |it| it.to_json()),
        version: why.version,
        owner: why.owner.map(|it| parties.name(it)),
        policy: why.policy,
        inputs: why.inputs.into_iter().map(input).collect(),
        through: why.through,
        count: why.count.map(|it| count_view(it, parties)),
        price_rules: why.price_rules,
    }
}
