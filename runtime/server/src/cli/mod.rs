//! The command line: a client of a running server, and the way to run one.

mod apply;
mod batch;
mod certify;
pub mod client;
mod compare;
mod conflict;
mod connection;
mod dead;
mod failure;
mod key;
pub mod output;
mod plan;
mod plugin;
mod price;
mod rebuild;
mod rekey;
mod replay;
mod rules;
mod seams;
mod serve;
mod sim;
mod simulator;
mod status;
mod stock;
mod sweep;
mod tenant;
mod timeline;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::bench::Bench;
use crate::demo::Demo;
pub use failure::Failure;

use client::Client;
use output::Output;

/// Keeps one truth across ERPs and shops.
#[derive(Parser)]
#[command(name = "truthsource", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args)]
pub struct Global {
    /// Answer with JSON, for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", env = "TRUTHSOURCE_CONFIG")]
    config: Option<PathBuf>,
    /// The data directory; by default the configuration's.
    #[arg(long, global = true, value_name = "DIR", env = "TRUTHSOURCE_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// The server; by default the one that runs on the data directory.
    #[arg(long, global = true, env = "TRUTHSOURCE_URL")]
    url: Option<String>,
    /// The API key; by default the operator's in the data directory.
    #[arg(long, global = true, env = "TRUTHSOURCE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The tenant, for an operator's key; by default the only one.
    #[arg(long, global = true, env = "TRUTHSOURCE_TENANT")]
    tenant: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server.
    Serve(serve::Serve),
    /// Watch systems converge: a server, simulated systems, live traffic, and a report read back from all of them.
    Demo(Demo),
    /// Run the real engine and components on simulated days full of faults, and check the promises at every step.
    Sim(sim::Sim),
    /// Serve simulated systems, for clients and connectors to be tried against.
    Simulator(simulator::Simulator),
    /// Every remote field that would change, why, and what it costs.
    Plan(plan::Plan),
    /// Carry out a plan: exactly that, and only where nothing moved since; exits with 1 if anything was not written.
    Apply(apply::Apply),
    /// What happened to a record, across systems.
    Timeline(timeline::Timeline),
    /// Fold a tenant's log again and compare what comes out with what is stored.
    Rebuild(rebuild::Rebuild),
    /// Replace the key that tenants' secrets are sealed with. The server must not run; where this is broken off, do it
    /// again.
    Rekey,
    /// Take the decisions of a time again, by the rules and policies of now, and show what would be otherwise.
    Replay(replay::Replay),
    /// Who owns which field, and which policy is asked when systems disagree.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Sweeps as batches: what was read, what differed, and what became of that.
    #[command(subcommand)]
    Batch(batch::Batch),
    /// Compare everything a connection holds with the truth.
    Sweep(sweep::Sweep),
    /// What systems disagree about, and what a person says it is.
    #[command(subcommand)]
    Conflict(conflict::Conflict),
    /// Writes that were given up until a person looks.
    #[command(subcommand)]
    Dead(dead::Dead),
    /// Components and the slots they fill.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
    /// API keys.
    #[command(subcommand)]
    Key(key::Key),
    /// Tenants.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Links to accounts of systems.
    #[command(subcommand)]
    Connection(connection::Connection),
    /// What there is, what is promised of it, and what each channel may sell.
    #[command(subcommand)]
    Stock(stock::Stock),
    /// What customers pay, and the rules that say so.
    #[command(subcommand)]
    Price(price::Price),
    /// What is waiting, and whether all is quiet.
    Status,
    /// Measure what is promised.
    Bench(Bench),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    // The child that compiles components must not read a configuration or start a runtime.
    if arguments.get(1).is_some_and(|it| it == "compile-child") {
        return seams::compile_child();
    }
    run(arguments)
}

fn run(arguments: Vec<OsString>) -> ExitCode {
    let wants_json = arguments.iter().any(|it| it == "--json");
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            // Help and version, which were asked for.
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            return ExitCode::from(failure::USAGE);
        }
        Err(error) => return Failure::usage(&error).report(wants_json),
    };
    let json = cli.global.json;
    match block_on(cli) {
        Ok(code) => code,
        Err(error) => Failure::of(&error).report(json),
    }
}

fn block_on(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(dispatch(cli));
    // A component that computes still must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    ended
}

async fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    let out = Output::new(global.json);
    match command {
        Command::Serve(it) => serve::run(&it, &global, &out).await?,
        Command::Demo(demo) => return demo.run(global.data_dir, &out).await,
        Command::Sim(sim) => return sim.run(&out).await,
        Command::Simulator(it) => return it.run(&out).await,
        Command::Rebuild(it) => return it.run(&global, &out).await,
        Command::Rekey => rekey::run(&global, &out).await?,
        Command::Bench(bench) => return bench.run(&out).await,
        Command::Plugin(plugin::Plugin::Check(check)) => check.run(&out)?,
        Command::Plan(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Apply(it) => return it.run(&Client::new(&global)?, &out).await,
        Command::Plugin(plugin::Plugin::Test(test)) => return test.run(&out).await,
        Command::Timeline(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Sweep(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Replay(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Rules(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Batch(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Conflict(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Dead(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Plugin(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Key(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Tenant(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Connection(it) => return it.run(&Client::new(&global)?, &out).await,
        Command::Price(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Stock(it) => it.run(&Client::new(&global)?, &out).await?,
        Command::Status => status::run(&Client::new(&global)?, &out).await?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Global {
    /// The configuration, with the data directory that was named.
    ///
    /// # Errors
    /// See [`crate::config::load`].
    pub fn configuration(&self) -> anyhow::Result<crate::config::Config> {
        let mut config = crate::config::load(self.config.as_deref())?;
        if let Some(dir) = &self.data_dir {
            config.data_dir.clone_from(dir);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
