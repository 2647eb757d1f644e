//! Commands whose work is done elsewhere in this crate.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value as Json;

use super::{Failure, Global};

/// What is to be measured.
#[derive(Debug, Clone, Args)]
pub struct Bench {
    /// `intake`, `call` or `sync`.
    pub what: String,
    /// Seconds to measure for.
    #[arg(long, default_value_t = 10)]
    pub seconds: u32,
    /// Where the built components are.
    #[arg(long, value_name = "DIR")]
    pub components: Option<PathBuf>,
}

impl Bench {
    pub(super) async fn run(&self, _global: &Global) -> anyhow::Result<ExitCode> {
        Err(not_built("bench"))
    }
}

/// The process that compiles one component and ends.
pub(super) fn compile_child() -> ExitCode {
    truthsource_host::compile_child_main()
}

/// What a component is and asks for, read as the host would read it.
pub(super) fn inspect(component: &[u8]) -> anyhow::Result<Json> {
    let limits = truthsource_host::Allowance::USUAL.upload;
    let seen = truthsource_host::upload::inspect(component, &limits)
        .map_err(|error| Failure::new(error.code(), error.to_string()))?;
    Ok(serde_json::json!({
        "plugin": format!("{} {}", seen.manifest.name, seen.manifest.version),
        "world": seen.world.as_str(),
        "digest": seen.digest.to_string(),
        "imports": seen.imports,
        "egress": seen.manifest.wants.egress,
    }))
}

fn not_built(what: &str) -> anyhow::Error {
    Failure::new("not-built", format!("this build has no `{what}`")).into()
}
