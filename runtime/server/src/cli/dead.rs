//! `truthsource dead`

use std::num::NonZeroUsize;

use clap::{Args, Subcommand};
use serde_json::json;
use truthsource_core::Kind;

use super::client::Client;
use super::output::{Column, Output, cell, table};

/// Writes that were given up until a person looks.
#[derive(Subcommand)]
pub(super) enum Dead {
    /// List them.
    List {
        /// The most to show.
        #[arg(long, default_value = "1000")]
        limit: NonZeroUsize,
    },
    /// Put them back to work: all, those of a connection, or those of a record.
    Redrive(Redrive),
}

/// What is to be tried again.
#[derive(Args)]
pub(super) struct Redrive {
    /// Only of this connection.
    #[arg(long)]
    connection: Option<String>,
    /// Only this record, with --record.
    #[arg(long, requires = "record")]
    kind: Option<Kind>,
    /// Only this record, with --kind.
    #[arg(long, requires = "kind", value_name = "KEY")]
    record: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("SINCE", &["since"]),
    ("ATTEMPTS", &["attempts"]),
    ("LAST ERROR", &["last_error"]),
];

impl Dead {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::List { limit } => {
                let query = [("state", "parked".to_owned())];
                let parked = client.list(&["debts"], &query, limit.get()).await?;
                out.some(&parked, |it| table(it, COLUMNS))
            }
            Self::Redrive(only) => {
                let mut body = serde_json::Map::new();
                let named = [
                    ("connection", only.connection.clone()),
                    ("kind", only.kind.map(|it| it.to_string())),
                    ("key", only.record.clone()),
                ];
                body.extend(named.into_iter().filter_map(|(name, it)| Some((name.to_owned(), json!(it?)))));
                let done = client.post(&["debts", "redrive"], Some(&body.into())).await?;
                out.show(&done, |it| {
                    format!("{} put back to work, {} parked", cell(&it["redriven"]), cell(&it["parked"]))
                })
            }
        }
    }
}
