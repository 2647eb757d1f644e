//! `truthsource tenant`

use clap::Subcommand;
use serde_json::json;

use super::client::Client;
use super::output::{Column, Output, cell, table};

/// Tenants.
#[derive(Subcommand)]
pub(super) enum Tenant {
    /// Make a tenant.
    Create {
        /// 1 to 64 of a-z, 0-9 and `-`.
        name: String,
    },
    /// List tenants.
    List,
}

const COLUMNS: &[Column] = &[("NAME", &["name"]), ("MADE", &["created_at"])];

impl Tenant {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create { name } => {
                let made = client.post(&["tenants"], Some(&json!({"name": name}))).await?;
                out.show(&made, |it| format!("{} is made", cell(&it["name"])))
            }
            Self::List => out.show(&client.get(&["tenants"], &[]).await?, |it| table(it, COLUMNS)),
        }
    }
}
