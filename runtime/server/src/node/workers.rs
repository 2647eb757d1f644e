//! Every tenant's workers, for as long as the node runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
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
    while !*stopping.borrow() {
        for handle in app.tenants.all() {
            let start = || Workers::start(engine(app, service, &handle), &handle, &app.roster);
            running.entry(handle.tenant.id).or_insert_with(start);
        }
        tokio::select! {
            () = app.tenants.added() => {}
            _ = stopping.changed() => {}
        }
    }
    for (_, workers) in running {
        workers.stop().await;
    }
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
