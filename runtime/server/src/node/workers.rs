//! Every tenant's workers, for as long as the node runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use truthsource_core::draw::Draw;

use crate::app::{App, TenantHandle};
use crate::engine::{Engine, Pace, damage};
use crate::plugins::Service;
use crate::store;
use crate::store::control::TenantId;
use crate::work::{Pauses, Post, Worker, Workers, keep};

/// Tenants that are looked over at once before their work begins.
const LOOKED_AT_MAX: usize = 16;

/// How long a tenant is left alone whose work cannot be begun.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Keeps the workers of every tenant there is and of those that are added, and stops them with the node.
pub(super) async fn run(app: App, service: Arc<Service>, grace: Duration, stopping: watch::Receiver<bool>) {
    let post = Post::node(&app.roster);
    let begin = || all(&app, &service, grace, stopping.clone());
    keep(post, Pauses::USUAL, stopping.clone(), begin).await;
}

async fn all(app: &App, service: &Service, grace: Duration, mut stopping: watch::Receiver<bool>) {
    let mut running: BTreeMap<TenantId, Workers> = BTreeMap::new();
    let (mut leaving, mut refused) = (JoinSet::new(), BTreeSet::new());
    while !*stopping.borrow() {
        for tenant in app.tenants.take_removed() {
            leaving.spawn(take_away(app.clone(), tenant, running.remove(&tenant), grace));
        }
        while leaving.try_join_next().is_some() {}
        let idle = app.tenants.all().into_iter().filter(|it| !running.contains_key(&it.tenant.id));
        let look = |it: Arc<TenantHandle>| async move {
            let looked = damage::look_over(&*it.store).await;
            (it, looked)
        };
        // Nobody waits for one who has much.
        let looked: Vec<_> = stream::iter(idle).map(look).buffer_unordered(LOOKED_AT_MAX).collect().await;
        for (handle, looked) in looked {
            if is_sound(&handle, looked, &mut refused) {
                let workers = Workers::start(engine(app, service, &handle), &handle, &app.roster);
                running.insert(handle.tenant.id, workers);
            }
        }
        tokio::select! {
            () = app.tenants.changed() => {}
            _ = stopping.changed() => {}
            () = tokio::time::sleep(LOOK_AGAIN), if !refused.is_empty() => {}
        }
    }
    stop(running, grace).await;
    while leaving.join_next().await.is_some() {}
}

/// Stops all workers at once, and says how that went.
async fn stop(running: BTreeMap<TenantId, Workers>, grace: Duration) {
    let began = Instant::now();
    let stop = async |(tenant, workers): (TenantId, Workers)| (tenant, workers.stop(grace).await);
    let stopped = join_all(running.into_iter().map(stop)).await;
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let cut_off = cut_off(&stopped);
    if cut_off.is_empty() {
        tracing::info!(took_ms, "all workers have ended");
    } else {
        tracing::warn!(took_ms, cut_off, "some workers were cut off: the next start finds what they were doing");
    }
}

/// Who was cut off, by tenant.
fn cut_off(stopped: &[(TenantId, Vec<Worker>)]) -> String {
    let name = |tenant: &TenantId, it: &Worker| format!("tenant {}: {it}", tenant.0);
    let names = stopped.iter().flat_map(|(tenant, of)| of.iter().map(move |it| name(tenant, it)));
    names.collect::<Vec<_>>().join(", ")
}

/// Everything of the tenant that its work cannot do without can be read. Where not, it stands still, and says why once.
fn is_sound(handle: &TenantHandle, looked: store::Result<()>, refused: &mut BTreeSet<TenantId>) -> bool {
    let Err(error) = looked else {
        refused.remove(&handle.tenant.id);
        return true;
    };
    if refused.insert(handle.tenant.id) {
        let (name, error) = (&handle.tenant.name, &error as &dyn std::error::Error);
        tracing::error!(
            tenant.name = name,
            error,
            "a tenant's work is not begun: set what cannot be read anew, or put back the newest copy of its file"
        );
    }
    false
}

/// Takes away what is left of a tenant that was ended, once its workers have finished their step. What is left of it then,
/// because this failed or the node died, goes at the next start.
async fn take_away(app: App, tenant: TenantId, workers: Option<Workers>, grace: Duration) {
    if let Some(workers) = workers {
        workers.stop(grace).await;
    }
    match erase(&app, tenant).await {
        Ok(()) => tracing::info!(tenant.number = tenant.0, "everything of an ended tenant is removed"),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(tenant.number = tenant.0, error, "an ended tenant is removed at the next start");
        }
    }
}

async fn erase(app: &App, tenant: TenantId) -> anyhow::Result<()> {
    app.control.erase(tenant).await?;
    app.vault.forget(tenant);
    app.plugins.erase(tenant, &app.tenants).await
}

fn engine(app: &App, service: &Service, tenant: &Arc<TenantHandle>) -> Engine {
    Engine {
        store: tenant.store.clone(),
        guests: Arc::new(service.guests(tenant.clone())),
        clock: app.clock.clone(),
        draw: Draw::new(app.clock.now().0),
        // One process owns the data directory: whoever held a lane before it is gone.
        holder: "node".to_owned(),
        pace: Pace::default(),
    }
}

#[cfg(test)]
mod tests {
    use truthsource_core::record::ConnectionId;

    use super::*;

    #[test]
    fn c12_who_was_cut_off_is_said_in_one_line() {
        let lane = Worker::Lane(ConnectionId(3));
        let stopped = [(TenantId(1), vec![Worker::Folder, lane]), (TenantId(2), vec![]), (TenantId(4), vec![lane])];
        assert_eq!(cut_off(&stopped), "tenant 1: folder, tenant 1: lane 3, tenant 4: lane 3");
        assert_eq!(cut_off(&[]), "");
    }
}
