//! Simulated systems by themselves, for clients and connectors to be tried against.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value as Json, json};
use truthsource_simulators::serve::{Served, serve};

use super::output::Output;
use crate::conform::dialect::{Dialect, Pages};
use crate::demo::world::{Extent, catalogue};
use crate::engine::ports::Clock as _;
use crate::node::MachineClock;

/// Serve simulated systems on free ports of this machine, and say how they are reached and signed in to.
#[derive(Debug, Clone, Args)]
pub struct Simulator {
    /// Which: netsuite, shopify, sap-b1, business-central, dataverse.
    #[arg(value_name = "SYSTEM", value_delimiter = ',', required = true)]
    systems: Vec<Dialect>,
    /// Items in each.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    items: u32,
    /// What is drawn is drawn from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after so many seconds; else when interrupted.
    #[arg(long)]
    seconds: Option<u64>,
}

impl Simulator {
    /// Serves them, prints how they are reached, and waits.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        let (mut served, mut systems) = (Vec::new(), Vec::new());
        for dialect in &self.systems {
            let (port, about) = self.open(*dialect).await?;
            served.push(port);
            systems.push(about);
        }
        out.show(&json!({ "systems": systems }), text)?;
        match self.seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => tokio::signal::ctrl_c().await?,
        }
        drop(served);
        Ok(ExitCode::SUCCESS)
    }

    async fn open(&self, dialect: Dialect) -> anyhow::Result<(Served, Json)> {
        let extent = Extent { items: self.items, seed: self.seed };
        let site = dialect.fill(MachineClock.now(), &catalogue(extent, 0), Pages::Usual)?;
        let served = serve(site.system()).await?;
        let url = format!("http://{}", served.api);
        let mut credentials = json!({"auth": dialect.credentials(&url)});
        if let Some(secret) = dialect.hook_secret() {
            credentials["webhook"] = json!([{ "secret": secret }]);
        }
        let about = json!({
            "system": dialect.as_str(),
            "url": url,
            "admin": format!("http://{}", served.admin),
            "spec": dialect.connection(&site, &url),
            "credentials": credentials,
        });
        Ok((served, about))
    }
}

fn text(report: &Json) -> String {
    let said = |it: &Json, name: &str| it[name].as_str().unwrap_or_default().to_owned();
    let one = |it: &Json| {
        format!(
            "{}\n  requests: {}\n  by hand:  {}  (a page of its state, /journal, /faults)\n  signed:   {}",
            said(it, "system"),
            said(it, "url"),
            said(it, "admin"),
            it["credentials"]["auth"]
        )
    };
    let all: Vec<String> = report["systems"].as_array().into_iter().flatten().map(one).collect();
    format!("{}\nend with Ctrl-C; --json tells specs and credentials for connections too", all.join("\n"))
}
