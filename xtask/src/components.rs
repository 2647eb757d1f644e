//! Building guests.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::run::run;
use crate::workspace::{GUEST_TARGET, Workspace, cargo};

/// Builds every component and puts it under its package's name into `target/components`.
pub fn build() -> anyhow::Result<Workspace> {
    let workspace = Workspace::read()?;
    add_target()?;
    let mut build = cargo();
    build.args(["build", "--profile", "guest", "--target", GUEST_TARGET]);
    for guest in &workspace.guests {
        build.args(["--package", guest]);
    }
    run(&mut build)?;
    let (from, to) = (workspace.target.join(GUEST_TARGET).join("guest"), workspace.components());
    fs::create_dir_all(&to).with_context(|| format!("cannot make {}", to.display()))?;
    for guest in &workspace.guests {
        let (built, put) = (from.join(format!("{}.wasm", guest.replace('-', "_"))), to.join(format!("{guest}.wasm")));
        // Written beside it and moved, so that a server which reads the directory never sees half of one.
        let beside = put.with_extension("new");
        fs::copy(&built, &beside).with_context(|| format!("cannot copy {}", built.display()))?;
        fs::rename(&beside, &put).with_context(|| format!("cannot put {}", put.display()))?;
    }
    eprintln!("    {} components in {}", workspace.guests.len(), to.display());
    Ok(workspace)
}

/// Adds the guests' target, if rustup does not have it.
pub fn add_target() -> anyhow::Result<()> {
    let installed = Command::new("rustup").args(["target", "list", "--installed"]).output();
    let installed = installed.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    if installed.lines().any(|it| it.trim() == GUEST_TARGET) || sysroot_has_it() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", GUEST_TARGET]))
}

/// Toolchains without rustup bring their targets along.
fn sysroot_has_it() -> bool {
    let mut ask = Command::new("rustc");
    let answer = ask.args(["--print", "target-libdir", "--target", GUEST_TARGET]).output();
    answer.is_ok_and(|it| it.status.success() && Path::new(String::from_utf8_lossy(&it.stdout).trim()).is_dir())
}
