//! `truthsource connection`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value as Json, json};
use truthsource_core::Kind;

use super::Failure;
use super::client::Client;
use super::output::{Column, Output, cell, lines, table};

/// Links to accounts of systems.
#[derive(Subcommand)]
pub(super) enum Connection {
    /// Make a connection.
    Create {
        /// 1 to 64 of a-z, 0-9 and `-`.
        name: String,
        /// What it links and how it takes part, as JSON or TOML.
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
        /// Its secrets, as JSON or TOML: `auth` and `webhook`.
        #[arg(long, value_name = "FILE")]
        credentials: Option<PathBuf>,
    },
    /// Change how a connection takes part.
    Change {
        /// The connection.
        name: String,
        /// What it links and how it takes part, as JSON or TOML.
        #[arg(long, value_name = "FILE")]
        spec: PathBuf,
    },
    /// Replace secrets of a connection.
    Credentials {
        /// The connection.
        name: String,
        /// As JSON or TOML: `auth` and `webhook`.
        file: PathBuf,
    },
    /// List connections.
    List,
    /// Show a connection, how far each kind was read there, and whether its system tells of changes.
    Show {
        /// The connection.
        name: String,
    },
    /// Look whether a connection can do its work; exits with 1 if it cannot.
    Check {
        /// The connection.
        name: String,
    },
    /// Show what everything that was read there would be linked to, while its spec has `"links": "on-approval"`.
    Match {
        /// The connection.
        name: String,
        /// Only this kind.
        #[arg(long)]
        kind: Option<Kind>,
        /// Only this sort: exact, normalised, new, ambiguous, waits.
        #[arg(long)]
        how: Option<String>,
    },
    /// Let what was read there be linked as it was shown, and what is read later by itself.
    Approve {
        /// The connection.
        name: String,
    },
    /// Say that what the connection has under an id is this record.
    Link {
        /// The connection.
        name: String,
        /// The kind.
        kind: Kind,
        /// Its id there.
        remote_id: String,
        /// The record's key.
        #[arg(value_name = "KEY")]
        record: String,
    },
    /// Stop a connection.
    Pause {
        /// The connection.
        name: String,
    },
    /// Let a paused connection go on.
    Resume {
        /// The connection.
        name: String,
    },
}

const COLUMNS: &[Column] =
    &[("NAME", &["name"]), ("CONNECTOR", &["spec", "connector"]), ("STATE", &["state"]), ("TROUBLE", &["trouble"])];

impl Connection {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create { name, spec, credentials } => {
                let mut body = json!({"name": name, "spec": read(spec)?});
                if let Some(file) = credentials {
                    body["credentials"] = read(file)?;
                }
                out.show(&client.post(&["connections"], Some(&body)).await?, state)?;
            }
            Self::Change { name, spec } => {
                let body = json!({"spec": read(spec)?});
                out.show(&client.put(&["connections", name], &body).await?, state)?;
            }
            Self::Credentials { name, file } => {
                client.put(&["connections", name, "credentials"], &read(file)?).await?;
                out.show(&json!({"replaced": name}), |_| format!("{name} has new secrets"))?;
            }
            Self::List => out.show(&client.get(&["connections"], &[]).await?, |it| table(it, COLUMNS))?,
            Self::Show { name } => out.show(&client.get(&["connections", name], &[]).await?, shown)?,
            Self::Check { name } => {
                let checked = client.post(&["connections", name, "check"], None).await?;
                out.show(&checked, findings)?;
                return Ok(if checked["ok"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Self::Match { name, kind, how } => {
                let mut query = vec![("limit", MATCHES_MAX.to_string())];
                query.extend(kind.iter().map(|it| ("kind", it.to_string())));
                query.extend(how.iter().map(|it| ("how", it.clone())));
                out.show(&client.get(&["connections", name, "matches"], &query).await?, matches)?;
            }
            Self::Approve { name } => out.show(&client.post(&["connections", name, "approve"], None).await?, state)?,
            Self::Link { name, kind, remote_id, record } => {
                let body = json!({"kind": kind, "remote_id": remote_id, "key": record});
                client.post(&["connections", name, "links"], Some(&body)).await?;
                out.show(&json!({"linked": body}), |_| format!("{remote_id} at {name} is {kind}/{record}"))?;
            }
            Self::Pause { name } => out.show(&client.post(&["connections", name, "pause"], None).await?, state)?,
            Self::Resume { name } => out.show(&client.post(&["connections", name, "resume"], None).await?, state)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

const LINES: &[Column] = &[
    ("name", &["name"]),
    ("connector", &["spec", "connector"]),
    ("state", &["state"]),
    ("trouble", &["trouble"]),
    ("rank", &["spec", "rank"]),
    ("delivers", &["spec", "deliver"]),
    ("made", &["created_at"]),
];

const SUBSCRIBED: &[Column] = &[
    ("subscriptions looked at", &["subscribed", "at"]),
    ("to be renewed by", &["subscribed", "renew_by"]),
    ("could not be looked at", &["subscribed", "failure"]),
];

const PROGRESS: &[Column] = &[
    ("KIND", &["kind"]),
    ("LISTED", &["listed"]),
    ("PULLED", &["pulled_at"]),
    ("NEXT PULL", &["poll_at"]),
    ("SWEPT", &["swept_at"]),
    ("FAILURES", &["failures"]),
];

fn shown(connection: &Json) -> String {
    let columns: Vec<Column> = match connection["subscribed"].is_null() {
        true => LINES.to_vec(),
        false => LINES.iter().chain(SUBSCRIBED).copied().collect(),
    };
    let kinds = connection["progress"].as_object().into_iter().flatten().map(|(kind, progress)| {
        let mut row = progress.clone();
        row["kind"] = json!(kind);
        row
    });
    let kinds = json!({"items": kinds.collect::<Vec<_>>()});
    format!("{}\n\n{}", lines(connection, &columns), table(&kinds, PROGRESS))
}

fn state(connection: &Json) -> String {
    format!("{} is {}", cell(&connection["name"]), cell(&connection["state"]))
}

const MATCHES: &[Column] = &[
    ("KIND", &["kind"]),
    ("ID THERE", &["remote_id"]),
    ("CALLED", &["called"]),
    ("MATCH", &["how"]),
    ("RECORD", &["key"]),
    ("WHY", &["reason"]),
];

/// Matches that the server shows at once; it counts them all.
const MATCHES_MAX: usize = 500;

fn matches(found: &Json) -> String {
    let counts = found["counts"].as_object().into_iter().flatten().flat_map(|(kind, sorts)| {
        let sorts = sorts.as_object().into_iter().flatten();
        sorts.map(move |(how, n)| json!({"kind": kind, "how": how, "records": n}))
    });
    let counts = json!({"items": counts.collect::<Vec<_>>()});
    let columns: &[Column] = &[("KIND", &["kind"]), ("MATCH", &["how"]), ("RECORDS", &["records"])];
    let more = if found["more"] == true { "\nand more than were looked at" } else { "" };
    let is_full = found["items"].as_array().is_some_and(|it| it.len() == MATCHES_MAX);
    let rest = if is_full { "\nthese are the first; --kind and --how show others" } else { "" };
    format!("{}{more}\n\n{}{rest}", table(&counts, columns), table(found, MATCHES))
}

fn findings(checked: &Json) -> String {
    let lines = checked["findings"].as_array().into_iter().flatten().map(|it| {
        let mark = if it["ok"] == true { "ok  " } else { "FAIL" };
        format!("{mark}  {}: {}", cell(&it["subject"]), cell(&it["message"]))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A document as TOML, if the file is called so, else as JSON.
pub(super) fn read(path: &Path) -> anyhow::Result<Json> {
    let failed = |code, why: String| Failure::new(code, format!("cannot read {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|it| failed("unreadable", it.to_string()))?;
    let read = if path.extension().is_some_and(|it| it == "toml") {
        toml::from_str(&text).map_err(|it| it.message().to_owned())
    } else {
        serde_json::from_str(&text).map_err(|it| it.to_string())
    };
    Ok(read.map_err(|why| failed("malformed", why))?)
}
