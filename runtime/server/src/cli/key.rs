//! `truthsource key`

use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::client::Client;
use super::output::{Column, Output, cell, table};

/// API keys.
#[derive(Subcommand)]
pub(super) enum Key {
    /// Make a key, and show it this once.
    Create {
        /// What it is for.
        label: String,
        /// What it may do, as `records:read`; repeat it for more.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// When it ends: `2027-01-01T00:00:00Z`.
        #[arg(long, value_name = "MOMENT")]
        expires_at: Option<String>,
    },
    /// List keys, without their secrets.
    List,
    /// Revoke a key, at once.
    Revoke {
        /// Its id.
        id: String,
    },
    /// Replace a key by one like it, and show that this once.
    Rotate {
        /// Its id.
        id: String,
        /// Seconds for which the old key goes on working.
        #[arg(long, default_value_t = 3_600)]
        overlap_s: u32,
    },
}

const COLUMNS: &[Column] = &[
    ("ID", &["id"]),
    ("LABEL", &["label"]),
    ("SCOPES", &["scopes"]),
    ("EXPIRES", &["expires_at"]),
    ("REVOKED", &["revoked_at"]),
    ("LAST USED", &["last_used_at"]),
];

impl Key {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Create { label, scopes, expires_at } => {
                let mut body = json!({"label": label, "scopes": scopes});
                if let Some(moment) = expires_at {
                    body["expires_at"] = json!(moment);
                }
                out.show(&client.post(&["keys"], Some(&body)).await?, shown_once)
            }
            Self::List => out.show(&client.get(&["keys"], &[]).await?, |it| table(it, COLUMNS)),
            Self::Revoke { id } => {
                client.delete(&["keys", id]).await?;
                out.show(&json!({"revoked": id}), |_| format!("{id} is revoked"))
            }
            Self::Rotate { id, overlap_s } => {
                let body = json!({"overlap_s": overlap_s});
                out.show(&client.post(&["keys", id, "rotate"], Some(&body)).await?, shown_once)
            }
        }
    }
}

/// The key alone, so that a shell can take it.
fn shown_once(key: &Json) -> String {
    cell(&key["key"])
}
