//! Small components in WAT, and a host to run them on, for this crate's tests.

mod connector;
mod outside;
mod wat;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use truthsource_core::UnixMs;

pub(crate) use connector::connector;
pub(crate) use outside::{Act, Memory, Script, outbound, reach};
pub(crate) use wat::{component, pricing, with_manifest};

use crate::cache::SealKey;
use crate::call::{CallSetup, Reach, Tenant};
use crate::engine::Concurrency;
use crate::host::{Allowance, Compiling, Host, HostConfig};
use crate::limits::Limits;
use crate::model::{Basket, Context, Line};
use crate::record::{Detail, Input};
use crate::release::Release;
use crate::state::HostState;
use crate::upload::CompileQueue;

/// One host for all tests of the process: a pool reserves much address space.
pub(crate) fn host() -> Arc<Host> {
    static HOST: OnceLock<Arc<Host>> = OnceLock::new();
    let start = || {
        let dir = tempfile::tempdir().unwrap().keep();
        let mut config = HostConfig::new(dir, SealKey::new([7; 32]), Compiling::InProcess);
        config.rules = Concurrency { calls_max: 16, calls_per_tenant_max: 16, wait: Duration::from_secs(30) };
        config.connectors = config.rules;
        // As many tests as there are compile at once here, each as a tenant of its own.
        config.queue = CompileQueue { uploads_max: usize::MAX, wait: Duration::from_secs(300) };
        Arc::new(Host::start(config).unwrap())
    };
    HOST.get_or_init(start).clone()
}

/// The release of a component in WAT, without a first call.
pub(crate) async fn release(wat: &str) -> Release {
    host().load(&uploader(), &component(wat), &Allowance::USUAL).await.unwrap()
}

/// Somebody who uploads nothing else.
pub(crate) fn uploader() -> Tenant {
    static UPLOADERS: AtomicU64 = AtomicU64::new(0);
    Tenant::new(&format!("uploader-{}", UPLOADERS.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn setup() -> CallSetup {
    CallSetup::new(Tenant::new("tenant-a"), UnixMs(1_700_000_000_000))
}

/// A basket of `lines` lines of one piece at 12.50.
pub(crate) fn basket(lines: usize) -> Basket {
    let line = |n: usize| Line {
        item: format!("item-{n}"),
        quantity: 1.into(),
        list_price: "12.50".parse().unwrap(),
        breaks: vec![],
    };
    Basket {
        company: "acme".to_owned(),
        currency: "EUR".to_owned(),
        at: UnixMs(1_700_000_000_000),
        lines: (0..lines).map(line).collect(),
    }
}

/// The state of a connector's call, without a guest.
pub(crate) fn state(reach: Reach, detail: Detail) -> HostState {
    let setup = setup().reaching(reach).keep(detail);
    HostState::new(&setup, Limits::CONNECTORS, &Arc::new(Input::Check(Context::default())))
}
