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
    /// End a tenant: its keys and its name are gone at once, and everything that it holds. It cannot be taken back.
    Delete {
        /// Its name.
        name: String,
        /// Its name once more: nothing is asked.
        #[arg(long, value_name = "NAME")]
        confirm: String,
    },
}

const COLUMNS: &[Column] = &[("NAME", &["name"]), ("MADE", &["created_at"])];

impl Tenant {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create { name } => {
                let made = client.post(&["tenants"], Some(&json!({"name": name}))).await?;
                out.show(&made, |it| format!("{} is made", cell(&it["name"])))
            }
            Self::Delete { name, confirm } => {
                anyhow::ensure!(name == confirm, "`--confirm {name}` is needed: everything that it holds is removed");
                client.delete(&["tenants", name]).await?;
                out.show(&json!({"ended": name}), |_| format!("{name} is ended"))
            }
            Self::List => out.show(&client.get(&["tenants"], &[]).await?, |it| table(it, COLUMNS)),
        }
    }
}
