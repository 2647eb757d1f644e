//! What must hold before a change lands, step by step.

use std::ffi::OsString;

use anyhow::{Context as _, bail};

use crate::components;
use crate::run::{Plants, Profile, run, truthsource, works};
use crate::workspace::{GUEST_TARGET, Workspace, cargo};

/// A step: its name, what it is for, and what it does.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> anyhow::Result<()>,
}

/// In the order in which a mistake is cheapest to find; the tests come last, so that their closing lines are.
const STEPS: [Step; 9] = [
    Step { name: "format", about: "every file is formatted", run: format },
    Step { name: "lints", about: "clippy finds nothing, on this machine's target and on the guests'", run: lints },
    Step { name: "docs", about: "the documentation builds without a warning", run: docs },
    Step { name: "deny", about: "licences, sources and advisories of dependencies, where cargo-deny is", run: deny },
    Step { name: "components", about: "plugins and policies build", run: build_components },
    Step { name: "guests", about: "unit tests of the SDK, plugins and policies", run: guests },
    Step { name: "demo", about: "the demonstration, small, with all systems: they agree in the end", run: demo },
    Step { name: "plants", about: "the simulation finds bugs that are planted", run: plants },
    Step { name: "tests", about: "unit, property and integration tests", run: tests },
];

/// Runs every step, or those that are named.
pub fn test(only: &[String]) -> anyhow::Result<()> {
    if let Some(unknown) = only.iter().find(|it| STEPS.iter().all(|step| step.name != it.as_str())) {
        let names: Vec<&str> = STEPS.iter().map(|it| it.name).collect();
        bail!("there is no step `{unknown}`; there are {}", names.join(", "));
    }
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|it| only.is_empty() || only.iter().any(|name| name == it.name)).collect();
    for (at, step) in chosen.iter().enumerate() {
        eprintln!("\n== {}/{} {}: {}", at + 1, chosen.len(), step.name, step.about);
        (step.run)().with_context(|| format!("step `{}` failed", step.name))?;
    }
    eprintln!("\n== all {} steps passed", chosen.len());
    Ok(())
}

fn format() -> anyhow::Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> anyhow::Result<()> {
    run(cargo().args(["clippy", "--locked", "--all-targets", "--", "--deny", "warnings"]))?;
    let planted = ["clippy", "--locked", "--features", "truthsource/plants", "--", "--deny", "warnings"];
    run(cargo().args(planted))?;
    let workspace = Workspace::read()?;
    components::add_target()?;
    let mut clippy = cargo();
    clippy.args(["clippy", "--locked", "--target", GUEST_TARGET, "--package", "truthsource-sdk"]);
    clippy.args(packages(&workspace.guests)).args(["--", "--deny", "warnings"]);
    run(&mut clippy)
}

fn docs() -> anyhow::Result<()> {
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    run(doc.args(["doc", "--locked", "--no-deps", "--document-private-items"]))?;
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    run(doc.args(["doc", "--locked", "--no-deps", "--package", "truthsource-sdk"]))
}

fn deny() -> anyhow::Result<()> {
    if !works(cargo().args(["deny", "--version"])) {
        eprintln!("    cargo-deny is not installed: left out (`cargo install cargo-deny` adds it)");
        return Ok(());
    }
    run(cargo().args(["deny", "check"]))
}

fn build_components() -> anyhow::Result<()> {
    components::build().map(drop)
}

fn guests() -> anyhow::Result<()> {
    let workspace = Workspace::read()?;
    let mut test = cargo();
    test.args(["test", "--locked", "--package", "truthsource-sdk"]).args(packages(&workspace.guests));
    run(&mut test)
}

/// A tenth of what people are shown, with everything in it: faults, swaps, a rule that loops. Built like the tests: a
/// release build of everything would take as long as all the other steps together.
fn demo() -> anyhow::Result<()> {
    let systems = "netsuite,shopify,sap-b1,dynamics-365";
    let arguments = ["--systems", systems, "--items", "100", "--seconds", "10", "--rate", "20"].map(OsString::from);
    run(&mut truthsource((Profile::Dev, Plants::No), "demo", &arguments)?)
}

/// A bug that is planted.
struct Planted {
    bug: &'static str,
    /// The promise that it breaks.
    breaks: &'static str,
    /// A seed shortly after which it is found: looking for it again every time would take most of the step.
    from: u32,
}

const fn planted(bug: &'static str, breaks: &'static str, from: u32) -> Planted {
    Planted { bug, breaks, from }
}

/// One bug for each way of looking: at writes, at folds, at what is published, at prices, at webhooks, at what the systems
/// hold in the end and at what they held on the way, at what the rules of then would decide, and at the neighbour. All of
/// them take a quarter of an hour, and the build that they need as long again: `cargo xtask sim --plant all`.
const PLANTED: [Planted; 10] = [
    planted("nobody-owns", "P1, P5", 1),
    planted("refresh-base", "P4", 1),
    planted("last-heard-wins", "P3", 1),
    planted("sell-twice", "P9", 2),
    planted("skip-dedupe", "W3", 1),
    planted("timeout-is-failure", "P1, P5", 1),
    planted("undo-the-others", "P7", 1),
    planted("keep-decisions", "P8", 5),
    planted("round-early", "P10", 19),
    planted("tenant-mix-up", "P11", 5),
];

fn plants() -> anyhow::Result<()> {
    for Planted { bug, breaks: promise, from } in PLANTED {
        let from = from.to_string();
        let arguments = ["--plant", bug, "--seed", &from, "--seeds", "60", "--whole", "--json"].map(OsString::from);
        let kept = Workspace::read()?.target.join("tmp");
        std::fs::create_dir_all(&kept)?;
        let mut sim = truthsource((Profile::Dev, Plants::Yes), "sim", &arguments)?;
        let output = sim.arg("--plans").arg(kept).output().context("cannot run the simulation")?;
        // A run that could not be set up fails as well, and says nothing of promises.
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let broken = broken(&report);
        if output.status.success() || !broken.contains(&promise) {
            let told = String::from_utf8_lossy(&output.stderr);
            bail!("`{bug}` was planted and is to break {promise}; found were {broken:?}: {told}");
        }
        eprintln!("    {bug} is found: it breaks {promise}");
    }
    Ok(())
}

/// The promises that were broken, as a report of the simulation says it.
fn broken(report: &serde_json::Value) -> Vec<&str> {
    let failures = report["failures"].as_array().into_iter().flatten();
    let said = failures.filter_map(|it| it["violations"].as_array()).flatten().filter_map(|it| it.as_str());
    said.filter_map(|it| it.split(": ").next()).collect()
}

fn tests() -> anyhow::Result<()> {
    run(cargo().args(["test", "--locked"]))
}

fn packages(names: &[String]) -> impl Iterator<Item = &str> {
    names.iter().flat_map(|it| ["--package", it.as_str()])
}
