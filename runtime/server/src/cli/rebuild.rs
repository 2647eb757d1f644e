//! `truthsource rebuild`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::Value as Json;

use super::output::{Output, cell};
use super::{Failure, Global};
use crate::engine::ports::Clock as _;
use crate::engine::rebuild::{Rebuilt, mend, verify};
use crate::node::MachineClock;
use crate::store::control::{ControlStore as _, Tenant};
use crate::store::sqlite::{SqliteTenant, back_up};
use crate::store::{SqliteStores, open};

/// Folds a tenant's log again and compares what comes out with what is stored. The server must not run.
#[derive(Args)]
pub(super) struct Rebuild {
    /// Write what differs as it comes out, after a copy of the file was made.
    #[arg(long)]
    write: bool,
}

impl Rebuild {
    pub(super) async fn run(&self, global: &Global, out: &Output) -> anyhow::Result<ExitCode> {
        let dir = global.configuration()?.data_dir;
        let bar = out.progress("folding again".to_owned());
        let (stores, tenant, store) = opened(&dir, global.tenant.as_deref()).await?;
        let mut seen = verify(&*store).await?;
        stores.close().await;
        let mut backup = None;
        if self.write && seen.differing > 0 {
            let now = MachineClock.now();
            backup = Some(back_up(&dir, tenant.id.0.into(), &now.0.to_string()).await?);
            let (stores, _, store) = opened(&dir, Some(&tenant.name)).await?;
            seen = mend(&*store, now).await?;
            stores.close().await;
        }
        bar.finish_and_clear();
        let is_good = seen.differing == 0 || seen.written == seen.differing;
        let mut report = serde_json::to_value(&seen)?;
        report["tenant"] = tenant.name.into();
        report["backup"] = backup.map(|it| it.display().to_string()).into();
        report["equal"] = (seen.differing == 0).into();
        out.show(&report, |it| text(it, &seen))?;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The tenant that was named, or the only one.
async fn opened(dir: &Path, named: Option<&str>) -> anyhow::Result<(SqliteStores, Tenant, Arc<SqliteTenant>)> {
    if !dir.join("control.db").is_file() {
        let message = format!("there is no data in `{}`; name the directory with --data-dir", dir.display());
        return Err(Failure::new("no-data", message).into());
    }
    let stores = open(dir).await?;
    let tenants = stores.tenants().await?;
    let found = match (named, tenants.as_slice()) {
        (Some(name), all) => all.iter().find(|it| it.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(tenant) = found.cloned() else {
        let names: Vec<String> = tenants.into_iter().map(|it| it.name).collect();
        stores.close().await;
        let message = format!("name one of the tenants with --tenant: {}", names.join(", "));
        return Err(Failure::new("no-such-tenant", message).into());
    };
    let store = stores.tenant_store(tenant.id).await?;
    Ok((stores, tenant, store))
}

fn text(report: &Json, seen: &Rebuilt) -> String {
    let mut lines = vec![format!(
        "{} records from {} rulings on {} entries, sha256 {}",
        seen.records, seen.rulings, seen.entries, seen.rebuilt_sha256
    )];
    if seen.differing == 0 {
        lines.push("what is stored is the same".to_owned());
    }
    for it in &seen.differences {
        let side = |it: &Option<String>| it.clone().unwrap_or_else(|| "nothing".to_owned());
        let (stored, rebuilt) = (side(&it.stored), side(&it.rebuilt));
        lines.push(format!("{}: {} is stored as {stored}, and comes out as {rebuilt}", it.key, it.part));
    }
    if seen.differing > 0 {
        lines.push(format!("{} records differ, {} were written anew", seen.differing, seen.written));
    }
    if !report["backup"].is_null() {
        lines.push(format!("a copy of what was is in {}", cell(&report["backup"])));
    }
    lines.join("\n")
}
