//! `truthsource batch`

use std::num::NonZeroUsize;

use clap::Subcommand;
use truthsource_core::Kind;

use super::client::Client;
use super::output::{Column, Output, table};
use super::sweep::{COLUMNS, Sweep};

/// Sweeps as batches: everything of a kind is read and compared, and what differs is put right.
#[derive(Subcommand)]
pub(super) enum Batch {
    /// Run one now.
    Run(Sweep),
    /// Those that ran, newest first, and those that run.
    List {
        /// The connection.
        connection: String,
        /// Only of this kind.
        #[arg(long)]
        kind: Option<Kind>,
        /// The most to show.
        #[arg(long, default_value = "100")]
        limit: NonZeroUsize,
    },
    /// What one found to differ, and what became of that.
    Show {
        /// The connection.
        connection: String,
        /// The kind.
        kind: Kind,
        /// Its number, as `list` shows it.
        sweep: u64,
        /// The most to show.
        #[arg(long, default_value = "1000")]
        limit: NonZeroUsize,
    },
}

const DRIFT: &[Column] = &[
    ("N", &["n"]),
    ("KEY", &["key"]),
    ("ID THERE", &["remote_id"]),
    ("CLASS", &["class"]),
    ("FIELDS", &["fields"]),
    ("OUTCOME", &["outcome"]),
];

impl Batch {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Run(sweep) => sweep.run(client, out).await,
            Self::List { connection, kind, limit } => {
                let query: Vec<_> = kind.iter().map(|it| ("kind", it.to_string())).collect();
                let sweeps = client.list(&["connections", connection, "sweeps"], &query, limit.get()).await?;
                let columns: Vec<Column> =
                    std::iter::once::<Column>(("STATE", &["state"])).chain(COLUMNS.to_vec()).collect();
                out.some(&sweeps, |it| table(it, &columns))
            }
            Self::Show { connection, kind, sweep, limit } => {
                let sweep = sweep.to_string();
                let path = ["connections", connection, "sweeps", kind.as_str(), &sweep];
                out.some(&client.list(&path, &[], limit.get()).await?, |it| table(it, DRIFT))
            }
        }
    }
}
