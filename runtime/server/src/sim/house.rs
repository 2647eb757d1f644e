//! What a run stands on: a tenant with its connections, an engine, and a node that may die.

use std::sync::Arc;

use anyhow::Context as _;
use truthsource_core::draw::Draw;
use truthsource_core::record::ConnectionId;
use truthsource_core::retry::Schedule;
use truthsource_core::{Kind, UnixMs};
use truthsource_host::egress::Transport;

use super::cast::Cast;
use super::plan::{Habits, Plan, Regime};
use super::setup::Setup;
use super::stage::{Doors, SimClock};
use super::store::MortalStore;
use super::troupe::{Member, Of, SUBSCRIBED_SECRET, Troupe};
use super::watch::Watch;
use crate::demo::account;
use crate::demo::world::Seat;
use crate::engine::rules::RULES;
use crate::engine::stock_rules::STOCK_RULES;
use crate::engine::{Engine, Pace};
use crate::http::hooks::Endpoint;
use crate::plugins::{HookSecret, HookSecrets};
use crate::store::{Batch, Change, ConnectionSpec, ConnectionState, TenantStore as _};

/// The address of a tenant's system in a run.
pub(super) fn host_of(tenant: &str, seat: &Seat) -> String {
    format!("{}.{tenant}", seat.product)
}

pub(super) fn engine(store: &Arc<MortalStore>, troupe: &Arc<Troupe>, clock: &Arc<SimClock>, plan: &Plan) -> Engine {
    let Habits { lease_ms, fetch_max, fold_max, deliver_max, tries_max, .. } = plan.habits;
    let retry = Schedule { base_ms: 100, cap_ms: 5_000, asked_ms_max: 10_000, tries_max };
    // Of two calls at once it would be up to this machine which comes first.
    let pace = Pace { calls_max: 1, lease_ms, fetch_max, fold_max, deliver_max, retry, ..Pace::default() };
    Engine {
        store: store.clone(),
        guests: troupe.clone(),
        clock: clock.clone(),
        draw: Draw::new(plan.seed),
        holder: "node-0".to_owned(),
        pace,
    }
}

pub(super) fn troupe(
    cast: &Arc<Cast>,
    (clock, network): (&Arc<SimClock>, &Arc<Doors>),
    (plan, seats): (&Plan, &[Seat]),
    (of, connections): (Of, &[ConnectionId]),
) -> anyhow::Result<Troupe> {
    let member = |(seat, connection): (&Seat, &ConnectionId)| {
        let connector =
            cast.connectors.get(&seat.product).with_context(|| format!("no connector for {}", seat.product));
        Ok(Member {
            connection: *connection,
            connector: connector?.clone(),
            mapping: cast.mappings.get(&seat.product).cloned(),
            origin: format!("http://{}", host_of(of.tenant, seat)),
            credentials: account::credentials(seat.product, &format!("http://{}", host_of(of.tenant, seat))),
        })
    };
    let members = seats.iter().zip(connections).map(member).collect::<anyhow::Result<_>>()?;
    let followed =
        seats.iter().zip(connections).map(|(seat, id)| (*id, seat.called.clone(), seat.site.system())).collect();
    let names: Vec<String> = seats.iter().map(|it| it.called.clone()).collect();
    let reaching: (_, Arc<dyn Transport>) = (clock.clone(), network.clone());
    Troupe::gather(
        (cast.clone(), of),
        reaching,
        members,
        (plan.seed, &plan.faults),
        Watch::new(cast.setup.law(&names), followed),
    )
}

/// What makes these the tenant's rules.
pub(super) fn regime(regime: Regime, seats: &[Seat]) -> Change {
    let names: Vec<&str> = seats.iter().map(Seat::name).collect();
    Change::Setting { name: RULES.to_owned(), value: regime.rules(&names) }
}

/// The rules that a day begins with: the tenant's own, if it has any.
fn opening(setup: &Setup, seats: &[Seat]) -> anyhow::Result<Change> {
    let Some(rules) = &setup.rules else { return Ok(regime(Regime::Usual, seats)) };
    Ok(Change::Setting { name: RULES.to_owned(), value: serde_json::to_value(rules)? })
}

/// Where each system's webhooks come to, if it sends any.
pub(super) async fn endpoints(engine: &Engine, seats: &[Seat]) -> anyhow::Result<Vec<Option<Arc<Endpoint>>>> {
    let connections = engine.store.connections().await?;
    let mut endpoints = Vec::with_capacity(seats.len());
    for (seat, connection) in seats.iter().zip(&connections) {
        let described = engine.guests.describe(connection).await?;
        let Some(scheme) = described.webhook.as_ref() else {
            endpoints.push(None);
            continue;
        };
        let secret = account::hook_secret(seat.product).unwrap_or_else(|| SUBSCRIBED_SECRET.to_owned());
        let secrets = HookSecrets { secrets: vec![HookSecret { secret, expires_at: None }] };
        let endpoint = Endpoint::new(connection.id, scheme, &secrets);
        endpoints.push(Some(Arc::new(endpoint.with_context(|| format!("{} has no webhook secret", seat.name()))?)));
    }
    Ok(endpoints)
}

pub(super) async fn connect(
    (store, cast): (&MortalStore, &Cast),
    (tenant, seats, plan): (&str, &[Seat], &Plan),
    now: UnixMs,
) -> anyhow::Result<Vec<ConnectionId>> {
    let mut batch = Batch::new(now);
    for (rank, seat) in seats.iter().enumerate() {
        let mut made = account::connection(seat, &format!("http://{}", host_of(tenant, seat)), rank, 0);
        let spec: ConnectionSpec = serde_json::from_value(made["spec"].take())?;
        let habits = &plan.habits;
        let publishes = plan.shelf.as_ref().filter(|_| seat.product.is_shop()).map(|it| it.publishes.clone());
        let every = |kind| (kind, habits.poll_every_ms * if kind == Kind::Location { 10 } else { 1 });
        let (poll_every_ms, sweep_every_ms) = (Kind::ALL.map(every).into(), habits.sweep_every_ms);
        let mut spec = ConnectionSpec { poll_every_ms, sweep_every_ms, publishes, ..spec };
        if let Some(link) = cast.setup.link(seat.product) {
            spec.rank = link.rank.unwrap_or(spec.rank);
            spec.settings.extend(link.settings.clone());
        }
        batch.changes.push(Change::NewConnection { name: seat.name().to_owned(), spec });
    }
    anyhow::ensure!(!seats.is_empty(), "a world without systems");
    batch.changes.push(opening(&cast.setup, seats)?);
    if let Some(shelf) = &plan.shelf {
        let shops: Vec<&str> = seats.iter().filter(|it| it.product.is_shop()).map(Seat::name).collect();
        batch.changes.push(Change::Setting { name: STOCK_RULES.to_owned(), value: shelf.rules(&shops) });
    }
    let rules = plan.tariff.iter().map(|(id, rule)| (id.clone(), Some(rule.clone())));
    batch.changes.extend(rules.map(|(id, rule)| Change::PriceRule { id, rule }));
    let committed = store.commit(batch).await?;
    let mut batch = Batch::new(now);
    for id in &committed.connections {
        batch.changes.push(Change::ConnectionState { id: *id, read: 0, state: ConnectionState::Active, trouble: None });
    }
    store.commit(batch).await?;
    cast.setup.checked(&store.connections().await?, &cast.policies.keys().cloned().collect())?;
    Ok(committed.connections)
}
