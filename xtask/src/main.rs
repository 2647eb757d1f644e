//! Developer commands. Each says what it runs, so that it can be run by hand.
#![forbid(unsafe_code)]

mod certify;
mod components;
mod run;
mod steps;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use run::Plants;

/// Developer commands of TruthSource.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a change lands: formatting, lints, docs, components, demo, tests.
    Test {
        /// Only this step, as `test` names it; repeat it for more.
        #[arg(long, value_name = "STEP")]
        only: Vec<String>,
    },
    /// Build everything and run `truthsource demo` with these arguments.
    #[command(disable_help_flag = true)]
    Demo {
        /// For `truthsource demo`; see its `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build everything, with bugs that can be planted, and run `truthsource sim` with these arguments.
    #[command(disable_help_flag = true)]
    Sim {
        /// For `truthsource sim`; see its `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build plugins and policies, and put them into `target/components`.
    Components,
    /// Build everything, try every shipped connector, and put its certificates beside it.
    Certify,
    /// Build everything and measure: `bench intake --json`, `bench call`, `bench sync`, `bench load`, `bench delta`,
    /// `bench drift`, `bench refold`.
    #[command(disable_help_flag = true)]
    Bench {
        /// For `truthsource bench`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::Test { only } => steps::test(&only),
        Command::Demo { arguments } => run::become_truthsource(Plants::No, "demo", &arguments),
        Command::Sim { arguments } => run::become_truthsource(Plants::Yes, "sim", &arguments),
        Command::Components => components::build().map(drop),
        Command::Certify => certify::certify(),
        Command::Bench { arguments } => run::become_truthsource(Plants::No, "bench", &arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
