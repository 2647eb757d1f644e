//! Numbers that are read when somebody asks for them: what waits at each tenant, and how busy the machinery is.
//!
//! Anybody may ask, so asking costs little: stores are asked every few seconds at the most, however many ask, and
//! tenants are told apart by their numbers. README.md lists what there is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use metrics::{counter, gauge};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use truthsource_core::UnixMs;
use truthsource_host::EngineKind;

use crate::app::{App, TenantHandle};
use crate::store::Backlog;
use crate::store::control::TenantId;
use crate::telemetry;

/// How long ago the stores were asked before they are asked again.
const EVERY: Duration = Duration::from_secs(5);
/// How long whoever has them asked waits for the answers. Then what was known before is told.
const PATIENCE: Duration = Duration::from_secs(2);
/// Stores that are asked at the same time: counting what waits is work for a disk.
const AT_ONCE: usize = 4;

const ENGINES: [(&str, EngineKind); 2] = [("rules", EngineKind::Rules), ("connectors", EngineKind::Connectors)];

/// What is known of the stores.
#[derive(Default)]
pub(super) struct Readings(tokio::sync::Mutex<State>);

#[derive(Default)]
struct State {
    asked_at: Option<Instant>,
    /// Goes on however long it takes: a store that is slow is not asked twice at the same time.
    reading: Option<JoinHandle<Known>>,
    known: Known,
    known_at: Option<Instant>,
}

/// The tenants whose stores answered.
type Known = BTreeMap<TenantId, Backlog>;

impl Readings {
    /// Every number that is read, in Prometheus' text format.
    pub async fn text(&self, app: &App) -> String {
        let tenants = app.tenants.all();
        let (known, age) = self.known(&tenants).await;
        telemetry::once(|| {
            machinery(app);
            for tenant in &tenants {
                let id = tenant.tenant.id;
                gauge!("tenant_worked_for", "tenant" => id.0.to_string()).set(u8::from(app.roster.works_for(id)));
            }
            for (id, backlog) in &known {
                waiting(*id, backlog, app.clock.now());
            }
            gauge!("tenants_unread").set(number(tenants.len().saturating_sub(known.len()) as u64));
            gauge!("backlog_reading_age_seconds").set(age.as_secs_f64());
        })
    }

    /// What is known of the stores, and for how long it has been.
    async fn known(&self, tenants: &[Arc<TenantHandle>]) -> (Known, Duration) {
        let mut state = self.0.lock().await;
        let is_due = state.reading.is_none() && state.asked_at.is_none_or(|it| it.elapsed() >= EVERY);
        if is_due {
            (state.asked_at, state.reading) = (Some(Instant::now()), Some(tokio::spawn(read(tenants.to_vec()))));
        }
        let patience = if is_due { PATIENCE } else { Duration::ZERO };
        if let Some(reading) = &mut state.reading
            && let Ok(read) = tokio::time::timeout(patience, reading).await
        {
            state.reading = None;
            if let Ok(known) = read {
                (state.known, state.known_at) = (known, Some(Instant::now()));
            }
        }
        (state.known.clone(), state.known_at.map(|it| it.elapsed()).unwrap_or_default())
    }
}

async fn read(tenants: Vec<Arc<TenantHandle>>) -> Known {
    let asked = tenants.into_iter().map(async |it| (it.tenant.id, it.store.backlog().await));
    let answers = futures::stream::iter(asked).buffer_unordered(AT_ONCE);
    answers.filter_map(async |(id, backlog)| Some((id, backlog.ok()?))).collect().await
}

fn machinery(app: &App) {
    for (name, engine) in ENGINES {
        let load = app.engines.load_of(engine);
        gauge!("component_places_free", "engine" => name).set(number(load.free as u64));
        for (outcome, calls) in load.calls {
            counter!("component_calls_total", "engine" => name, "outcome" => outcome).absolute(calls);
        }
    }
    for (worker, failures) in app.roster.failures() {
        counter!("worker_failures_total", "worker" => worker).absolute(failures);
    }
}

fn waiting(tenant: TenantId, backlog: &Backlog, now: UnixMs) {
    let tenant = tenant.0.to_string();
    let set = |name: &'static str, n: u64| gauge!(name, "tenant" => tenant.clone()).set(number(n));
    set("tenant_webhooks_waiting", backlog.inbox);
    set("tenant_records_to_read", backlog.touched);
    set("tenant_entries_unfolded", backlog.unfolded);
    set("tenant_entries_waiting", backlog.waiting);
    set("tenant_conflicts_open", backlog.conflicts);
    set("tenant_rows_damaged", backlog.damaged);
    for (state, debts) in [("open", backlog.debts), ("parked", backlog.parked)] {
        gauge!("tenant_debts", "tenant" => tenant.clone(), "state" => state).set(number(debts));
    }
    let age_ms = backlog.oldest_debt.map_or(0, |since| now.since(since));
    gauge!("tenant_oldest_debt_age_seconds", "tenant" => tenant).set(Duration::from_millis(age_ms).as_secs_f64());
}

/// As Prometheus has it: exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "nobody has so much waiting")]
fn number(n: u64) -> f64 {
    n as f64
}
