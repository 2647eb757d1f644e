//! Where things are, as cargo says.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The target that guests are built for.
pub const GUEST_TARGET: &str = "wasm32-wasip2";

/// What is needed of `cargo metadata`.
pub struct Workspace {
    /// Where cargo builds: `CARGO_TARGET_DIR` is in it already.
    pub target: PathBuf,
    /// Names of the packages that are components, in order.
    pub guests: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn read() -> anyhow::Result<Self> {
        let out = cargo().args(["metadata", "--format-version=1", "--no-deps"]).output().context("cannot run cargo")?;
        if !out.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr).trim());
        }
        let metadata: Value = serde_json::from_slice(&out.stdout).context("cargo metadata is no JSON")?;
        let path = |name: &str| metadata[name].as_str().map(PathBuf::from).with_context(|| format!("no `{name}`"));
        let root = path("workspace_root")?;
        let packages = metadata["packages"].as_array().context("no `packages`")?;
        let mut guests: Vec<String> = packages.iter().filter_map(|it| guest_name(it, &root)).collect();
        guests.sort();
        Ok(Self { target: path("target_directory")?, guests })
    }

    /// Where built components are put.
    pub fn components(&self) -> PathBuf {
        self.target.join("components")
    }
}

/// The package's name, if it is a component: those are kept apart by their directory.
fn guest_name(package: &Value, root: &Path) -> Option<String> {
    let manifest = Path::new(package["manifest_path"].as_str()?).strip_prefix(root).ok()?;
    let is_guest = ["plugins", "policies", "tests/components"].iter().any(|it| manifest.starts_with(it));
    is_guest.then(|| package["name"].as_str().map(str::to_owned)).flatten()
}

/// Cargo, of the toolchain that this runs with.
pub fn cargo() -> Command {
    Command::new("cargo")
}
