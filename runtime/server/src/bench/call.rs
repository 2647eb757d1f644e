//! What a pricing call costs.

use std::path::Path;

use clap::Args;
use serde_json::json;
use truthsource_core::UnixMs;
use truthsource_host::bench::pricing_call;
use truthsource_host::model::{Basket, Line};
use truthsource_host::{Allowance, CallSetup, Compiler, Compiling, Host, HostConfig, Pricing, SealKey, Tenant};

use super::{Measured, Target};
use crate::demo::setup::Components;

/// What a pricing call costs.
#[derive(Debug, Clone, Args)]
pub(super) struct Call {
    /// Calls each way.
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// Lines of the basket.
    #[arg(long, default_value_t = 10)]
    lines: u32,
}

impl Call {
    pub(super) async fn run(&self, components: Option<&Path>) -> anyhow::Result<Measured> {
        let component = Components::find(components)?.read("volume-pricing")?;
        let dir = tempfile::tempdir()?;
        let compiler = Compiler { program: std::env::current_exe()?, args: vec!["compile-child".to_owned()] };
        let config = HostConfig::new(dir.path().to_owned(), SealKey::new([7; 32]), Compiling::Child(compiler));
        let host = Host::start(config)?;
        let tenant = Tenant::new("bench");
        let release = host.accept(&tenant, &component, &Allowance::USUAL).await?;
        let rule = Pricing::try_from(release).map_err(|_| anyhow::anyhow!("volume-pricing is no pricing rule"))?;
        let line = |n: u32| Line {
            item: format!("BOLT-{n:05}"),
            quantity: (1 + n * 37).into(),
            list_price: 10.into(),
            breaks: Vec::new(),
        };
        let lines = (0..self.lines).map(line).collect();
        let basket = Basket { company: "C-100".to_owned(), currency: "USD".to_owned(), at: UnixMs(0), lines };
        let setup = CallSetup::new(tenant, UnixMs(0));
        let calls = self.calls;
        let cost = tokio::spawn(async move { pricing_call(&rule, &setup, &basket, calls).await }).await??;
        let us = |time: std::time::Duration| time.as_secs_f64() * 1e6;
        let added = (us(cost.host.p50) / us(cost.bare.p50) - 1.0) * 100.0;
        let figures = json!({
            "lines": self.lines,
            "calls": self.calls,
            "host_us": {"p50": us(cost.host.p50), "p99": us(cost.host.p99)},
            "bare_us": {"p50": us(cost.bare.p50), "p99": us(cost.bare.p99)},
            "added_percent": added,
        });
        let targets = vec![
            Target::below("call p99 (us)", us(cost.host.p99), 100.0),
            Target::below("added by the host (%)", added, 30.0),
        ];
        Ok((figures, targets))
    }
}
