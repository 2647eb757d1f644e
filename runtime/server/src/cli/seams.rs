//! Commands whose work is done elsewhere in this crate.

use std::process::ExitCode;

use serde_json::Value as Json;

use super::Failure;

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
