//! Every tenant's workers, for as long as the node runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use truthsource_core::draw::Draw;

use crate::app::{App, TenantHandle};
use crate::engine::{Engine, Pace};
use crate::plugins::Service;
use crate::store::control::TenantId;
use crate::work::{Pauses, Post, Workers, keep};

/// Keeps the workers of every tenant there is and of those that are added, and stops them with the node.
pub(super) async fn run(app: App, service: Arc<Service>, stopping: watch::Receiver<bool>) {
    let post = Post::node(&app.roster);
    let begin = || all(&app, &service, stopping.clone());
    keep(post, Pauses::USUAL, stopping.clone(), begin).await;
}

async fn all(app: &App, service: &Service, mut stopping: watch::Receiver<bool>) {
    let mut running: BTreeMap<TenantId, Workers> = BTreeMap::new();
    let mut leaving = JoinSet::new();
    while !*stopping.borrow() {
        for tenant in app.tenants.take_removed() {
            leaving.spawn(take_away(app.clone(), tenant, running.remove(&tenant)));
        }
        while leaving.try_join_next().is_some() {}
        for handle in app.tenants.all() {
            let start = || Workers::start(engine(app, service, &handle), &handle, &app.roster);
            running.entry(handle.tenant.id).or_insert_with(start);
        }
        tokio::select! {
            () = app.tenants.changed() => {}
            _ = stopping.changed() => {}
        }
    }
    for (_, workers) in running {
        workers.stop().await;
    }
    while leaving.join_next().await.is_some() {}
}

/// Takes away what is left of a tenant that was ended, once its workers have finished their step. What is left of it then,
/// because this failed or the node died, goes at the next start.
async fn take_away(app: App, tenant: TenantId, workers: Option<Workers>) {
    if let Some(workers) = workers {
        workers.stop().await;
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
