//! Running commands, each said before it runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::components;
use crate::workspace::{Workspace, cargo};

/// Runs a command to its end.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("    $ {}", spelled(command));
    let status = command.status().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !status.success() {
        bail!("`{}` ended with {status}", spelled(command));
    }
    Ok(())
}

/// Whether a command can be run and succeeds, silently.
pub fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|it| it.status.success())
}

/// How the binary is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the tests are: what is built for one is there for the other.
    Dev,
    /// As it is meant to run.
    Release,
}

/// Whether bugs can be planted in the binary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plants {
    /// There are none in it.
    No,
    /// The simulation can switch them on.
    Yes,
}

/// Builds components and the binary, and gives `truthsource <command> <arguments>`.
pub fn truthsource(how: (Profile, Plants), command: &str, arguments: &[OsString]) -> anyhow::Result<Command> {
    let (workspace, program) = built(how)?;
    let mut binary = Command::new(program);
    binary.arg(command).args(with_components(&workspace, arguments));
    Ok(binary)
}

/// Builds components and the binary, and says where it is.
pub fn built((profile, plants): (Profile, Plants)) -> anyhow::Result<(Workspace, PathBuf)> {
    let workspace = components::build()?;
    // Of the whole workspace, as the tests are: cargo would build what it depends on once more for the package alone.
    let mut build = cargo();
    build.args(["build", "--locked", "--bin", "truthsource"]);
    if plants == Plants::Yes {
        build.args(["--features", "truthsource/plants"]);
    }
    let built = match profile {
        Profile::Dev => "debug/truthsource",
        Profile::Release => {
            build.arg("--release");
            "release/truthsource"
        }
    };
    run(&mut build)?;
    let program = workspace.target.join(built);
    Ok((workspace, program))
}

/// Builds everything and becomes `truthsource <command> <arguments>`.
pub fn become_truthsource(plants: Plants, command: &str, arguments: &[OsString]) -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;

    let mut binary = truthsource((Profile::Release, plants), command, arguments)?;
    eprintln!("    $ {}", spelled(&binary));
    // Only returns if it could not be run.
    Err(binary.exec()).context("cannot run truthsource")
}

/// The arguments, and where the components are unless they say so.
pub fn with_components(workspace: &Workspace, arguments: &[OsString]) -> Vec<OsString> {
    let mut all = arguments.to_vec();
    let is_said = arguments.iter().filter_map(|it| it.to_str()).any(|it| it.starts_with("--components"));
    if !is_said {
        all.extend([OsString::from("--components"), workspace.components().into()]);
    }
    all
}

fn spelled(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|it| it.to_string_lossy()).collect();
    words.join(" ")
}
