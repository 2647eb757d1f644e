//! What a run stands on: a tenant with its connections, an engine, and a node that may die.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_core::retry::Schedule;
use truthsource_core::{Kind, UnixMs};

use super::cast::Cast;
use super::plan::{CrashAt, Plan};
use super::stage::{Doors, SimClock};
use super::troupe::{Member, SUBSCRIBED_SECRET, Troupe};
use super::watch::Watch;
use crate::demo::world::Seat;
use crate::demo::{account, setup};
use crate::engine::connections::RULES;
use crate::engine::{Engine, Pace};
use crate::http::hooks::Endpoint;
use crate::plugins::{HookSecret, HookSecrets};
use crate::store::model::{Fate, ModelStore, ModelStores};
use crate::store::{Batch, Change, ConnectionSpec, ConnectionState, TenantStore as _};

/// How often every kind is polled, and locations ten times less.
pub(super) const POLL_EVERY_MS: u64 = 60_000;
/// The address of a system in a run.
pub(super) fn host_of(seat: &Seat) -> String {
    format!("{}.sim", seat.product)
}

/// The node dies at commits, as the plan has it.
pub(super) fn die(
    stores: &ModelStores,
    plan: &Plan,
    (chaos, crashed): (&Arc<AtomicBool>, &Arc<AtomicBool>),
    last: Arc<Mutex<Option<Batch>>>,
) {
    let (draw, faults) = (Draw::new(plan.seed), plan.faults.clone());
    let (chaos, crashed) = (chaos.clone(), crashed.clone());
    stores.on_commit(move |commit, batch| {
        let at = |stored| faults.crash_at == Some(CrashAt { commit, stored });
        let fate = if !chaos.load(Ordering::SeqCst) {
            Fate::Stored
        } else if draw.chance(faults.crash_before, "crash-before", commit) || at(false) {
            Fate::LostUnknown
        } else if draw.chance(faults.crash_after, "crash-after", commit) || at(true) {
            Fate::StoredUnknown
        } else {
            Fate::Stored
        };
        crashed.fetch_or(fate != Fate::Stored, Ordering::SeqCst);
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(batch.clone());
        fate
    });
}

pub(super) fn engine(store: &Arc<ModelStore>, troupe: &Arc<Troupe>, clock: &Arc<SimClock>, seed: u64) -> Engine {
    let retry = Schedule { base_ms: 100, cap_ms: 5_000, asked_ms_max: 10_000, tries_max: 200 };
    // Of two calls at once it would be up to this machine which comes first.
    let pace = Pace { calls_max: 1, deliver_max: 7, fetch_max: 9, fold_max: 13, retry, ..Pace::default() };
    Engine {
        store: store.clone(),
        guests: troupe.clone(),
        clock: clock.clone(),
        draw: Draw::new(seed),
        holder: "node-0".to_owned(),
        pace,
    }
}

pub(super) fn troupe(
    cast: &Arc<Cast>,
    (clock, network): (&Arc<SimClock>, &Arc<Doors>),
    seats: &[Seat],
    connections: &[ConnectionId],
) -> anyhow::Result<Troupe> {
    let member = |(seat, connection): (&Seat, &ConnectionId)| {
        let connector =
            cast.connectors.get(&seat.product).with_context(|| format!("no connector for {}", seat.product));
        Ok(Member {
            connection: *connection,
            connector: connector?.clone(),
            origin: format!("http://{}", host_of(seat)),
            credentials: account::credentials(seat.product, &format!("http://{}", host_of(seat))),
        })
    };
    let members = seats.iter().zip(connections).map(member).collect::<anyhow::Result<_>>()?;
    let followed = seats.iter().zip(connections).map(|(seat, id)| (*id, seat.name(), seat.site.system())).collect();
    let owner = connections.first().copied().context("a world without systems")?;
    Troupe::gather(cast.clone(), (clock.clone(), network.clone()), members, Watch::new(owner, followed))
}

/// Where each system's webhooks come to.
pub(super) async fn endpoints(engine: &Engine, seats: &[Seat]) -> anyhow::Result<Vec<Arc<Endpoint>>> {
    let connections = engine.store.connections().await?;
    let mut endpoints = Vec::with_capacity(seats.len());
    for (seat, connection) in seats.iter().zip(&connections) {
        let described = engine.guests.describe(connection).await?;
        let scheme = described.webhook.as_ref().with_context(|| format!("{} has no webhooks", seat.name()))?;
        let secret = account::hook_secret(seat.product).unwrap_or_else(|| SUBSCRIBED_SECRET.to_owned());
        let secrets = HookSecrets { secrets: vec![HookSecret { secret, expires_at: None }] };
        let endpoint = Endpoint::new(connection.id, scheme, &secrets);
        endpoints.push(Arc::new(endpoint.with_context(|| format!("{} has no webhook secret", seat.name()))?));
    }
    Ok(endpoints)
}

pub(super) async fn connect(store: &ModelStore, seats: &[Seat], now: UnixMs) -> anyhow::Result<Vec<ConnectionId>> {
    let mut batch = Batch::new(now);
    for (rank, seat) in seats.iter().enumerate() {
        let mut made = account::connection(seat, &format!("http://{}", host_of(seat)), rank, 0);
        let spec: ConnectionSpec = serde_json::from_value(made["spec"].take())?;
        let every = |kind| (kind, if kind == Kind::Location { 10 * POLL_EVERY_MS } else { POLL_EVERY_MS });
        let spec = ConnectionSpec { poll_every_ms: Kind::ALL.map(every).into(), sweep_every_ms: 0, ..spec };
        batch.changes.push(Change::NewConnection { name: seat.name().to_owned(), spec });
    }
    let owner = seats.first().context("a world without systems")?;
    batch.changes.push(Change::Setting { name: RULES.to_owned(), value: setup::rules(owner.name()) });
    let committed = store.commit(batch).await?;
    let mut batch = Batch::new(now);
    for id in &committed.connections {
        batch.changes.push(Change::ConnectionState { id: *id, read: 0, state: ConnectionState::Active, trouble: None });
    }
    store.commit(batch).await?;
    Ok(committed.connections)
}
