//! Every tenant's workers, for as long as the node runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use truthsource_core::draw::Draw;

use crate::app::Tenants;
use crate::engine::ports::Clock;
use crate::engine::{Engine, Pace};
use crate::plugins::Service;
use crate::store::control::TenantId;
use crate::work::Workers;

/// Starts the workers of every tenant there is and of those that are added, and stops them with the node.
pub(super) async fn run(
    tenants: Arc<Tenants>,
    service: Arc<Service>,
    clock: Arc<dyn Clock>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut running: BTreeMap<TenantId, Workers> = BTreeMap::new();
    while !*stopping.borrow() {
        for handle in tenants.all() {
            running.entry(handle.tenant.id).or_insert_with(|| {
                let engine = Engine {
                    store: handle.store.clone(),
                    guests: Arc::new(service.guests(handle.clone())),
                    clock: clock.clone(),
                    draw: Draw::new(clock.now().0),
                    // One process owns the data directory: whoever held a lane before it is gone.
                    holder: "node".to_owned(),
                    pace: Pace::default(),
                };
                Workers::start(engine, handle.wake.clone())
            });
        }
        tokio::select! {
            () = tenants.added() => {}
            _ = stopping.changed() => {}
        }
    }
    for (_, workers) in running {
        workers.stop().await;
    }
}
