//! `truthsource plugin`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::certify::Test;
use super::client::Client;
use super::compare::Compare;
use super::output::{Column, Output, cell, lines, table};
use super::{Failure, seams};
use crate::auth::digest::{hex, sha256};
use crate::certificate::{Certificate, Refused};

/// The largest file that is read: the server's own limit is below.
const BYTES_MAX: u64 = 64 << 20;

/// Components and the slots they fill.
#[derive(Subcommand)]
pub(super) enum Plugin {
    /// Read a component as the host would, and say what it is and asks for. Needs no server.
    Check(Check),
    /// Try everything that a connector declares against a simulated system, and write a certificate. Needs no server.
    Test(Test),
    /// Ask a second version of a policy what the active one is asked, and show how often they disagree.
    Compare(Compare),
    /// List slots and what fills them.
    List,
    /// List the releases of a slot.
    Releases {
        /// The slot.
        slot: String,
    },
    /// List the newest calls of a slot that failed, and the uploads that it refused.
    Calls {
        /// The slot.
        slot: String,
    },
    /// Upload a component to a slot, where it is staged.
    Push {
        /// The slot: `pricing`, `connector:shopify`, `conflict:stock-level`, …
        slot: String,
        /// The component, as built for `wasm32-wasip2`.
        component: PathBuf,
        /// Let it answer at once.
        #[arg(long)]
        activate: bool,
        /// What `plugin test` wrote about it: the engine relies on what was proved. May be given several times.
        #[arg(long = "certificate", value_name = "FILE")]
        certificates: Vec<PathBuf>,
    },
    /// Add what `plugin test` wrote about a release's component.
    Certify {
        /// The slot.
        slot: String,
        /// The release.
        release: u64,
        /// The certificate.
        certificate: PathBuf,
    },
    /// Let a release answer a slot's calls.
    Activate {
        /// The slot.
        slot: String,
        /// The release.
        release: u64,
    },
    /// Empty a slot: what its component did is done by the built-in rules from then on.
    Vacate {
        /// The slot.
        slot: String,
    },
    /// Let the release that answered before answer again.
    Rollback {
        /// The slot.
        slot: String,
    },
}

/// A component to read.
#[derive(Args)]
pub(super) struct Check {
    /// The component, as built for `wasm32-wasip2`.
    component: PathBuf,
}

const SLOTS: &[Column] = &[("SLOT", &["name"]), ("ACTIVE", &["active"]), ("PREVIOUS", &["previous"])];
const RELEASES: &[Column] = &[
    ("RELEASE", &["id"]),
    ("STATE", &["state"]),
    ("PLUGIN", &["plugin"]),
    ("DIGEST", &["digest"]),
    ("UPLOADED", &["created_at"]),
    ("CERTIFIED", &["certified"]),
];
const CERTIFIED: &[Column] =
    &[("against", &["against"]), ("proved", &["proved"]), ("untested", &["untested"]), ("refuted", &["refuted"])];
const CALLS: &[Column] = &[
    ("AT", &["at"]),
    ("FUNCTION", &["function"]),
    ("FAULT", &["fault"]),
    ("DIGEST", &["digest"]),
    ("MESSAGE", &["message"]),
];
const INSPECTED: &[Column] = &[
    ("plugin", &["plugin"]),
    ("world", &["world"]),
    ("digest", &["digest"]),
    ("imports", &["imports"]),
    ("egress", &["egress"]),
];

impl Check {
    pub(super) fn run(&self, out: &Output) -> anyhow::Result<()> {
        let seen = seams::inspect(&read(&self.component)?)?;
        out.show(&seen, |it| lines(it, INSPECTED))
    }
}

impl Plugin {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Check(check) => check.run(out),
            // It has an exit code of its own, and is run without a server.
            Self::Test(test) => test.run(out).await.map(drop),
            Self::Compare(compare) => compare.run(client, out).await,
            Self::List => out.show(&client.get(&["slots"], &[]).await?, |it| table(it, SLOTS)),
            Self::Releases { slot } => {
                out.show(&client.get(&["slots", slot, "releases"], &[]).await?, |it| table(&told(it), RELEASES))
            }
            Self::Calls { slot } => out.show(&client.get(&["slots", slot, "calls"], &[]).await?, |it| table(it, CALLS)),
            Self::Push { slot, component, activate, certificates } => {
                let bytes = read(component)?;
                // What is no certificate of it is found out before anything is uploaded.
                let of_it = |it: &PathBuf| certificate_of(&bytes, it);
                let certificates = certificates.iter().map(of_it).collect::<anyhow::Result<Vec<_>>>()?;
                let bar = out.progress(format!("uploading {} bytes to {slot}, checking and compiling", bytes.len()));
                let pushed = client.upload(&["slots", slot, "releases"], &bytes).await;
                bar.finish_and_clear();
                let mut release = pushed?;
                for certificate in &certificates {
                    let kept = certified(client, slot, &release["id"], certificate).await?;
                    if let Some(certificates) = release["certificates"].as_array_mut() {
                        certificates.push(kept);
                    }
                }
                if *activate {
                    return activated(client, out, slot, &release["id"]).await;
                }
                out.show(&release, |it| format!("release {} of {slot}: {}", cell(&it["id"]), cell(&it["state"])))
            }
            Self::Certify { slot, release, certificate } => {
                let kept = certified(client, slot, &json!(release), &document(certificate)?).await?;
                out.show(&kept, |it| lines(it, CERTIFIED))
            }
            Self::Activate { slot, release } => activated(client, out, slot, &json!(release)).await,
            Self::Vacate { slot } => {
                let emptied = client.post(&["slots", slot, "vacate"], None).await?;
                out.show(&emptied, |it| format!("nothing answers {}", cell(&it["name"])))
            }
            Self::Rollback { slot } => {
                let filled = client.post(&["slots", slot, "rollback"], None).await?;
                out.show(&filled, now_answers)
            }
        }
    }
}

/// Releases, with what their certificates say in a word.
fn told(releases: &Json) -> Json {
    let mut releases = releases.clone();
    for release in releases["items"].as_array_mut().into_iter().flatten() {
        let word = |it: &Json| {
            let refuted = it["refuted"].as_array().map_or(0, Vec::len);
            format!("{}: {} proved, {refuted} refuted", cell(&it["against"]), cell(&it["proved"]))
        };
        let words: Vec<String> = release["certificates"].as_array().into_iter().flatten().map(word).collect();
        release["certified"] = if words.is_empty() { Json::Null } else { words.join("; ").into() };
    }
    releases
}

async fn certified(client: &Client, slot: &str, release: &Json, certificate: &Json) -> anyhow::Result<Json> {
    let release = cell(release);
    client.post(&["slots", slot, "releases", &release, "certificates"], Some(certificate)).await
}

/// A certificate that is one of this component.
fn certificate_of(component: &[u8], path: &Path) -> anyhow::Result<Json> {
    let document = document(path)?;
    let refused = |it: Refused| Failure::new(it.code(), format!("{}: {it}", path.display()));
    Certificate::read(document.to_string().as_bytes(), &hex(&sha256(&[component]))).map_err(refused)?;
    Ok(document)
}

fn document(path: &Path) -> anyhow::Result<Json> {
    let malformed = |error: serde_json::Error| {
        Failure::new("no-certificate", format!("{} is no certificate: {error}", path.display()))
    };
    Ok(serde_json::from_slice(&read(path)?).map_err(malformed)?)
}

async fn activated(client: &Client, out: &Output, slot: &str, release: &Json) -> anyhow::Result<()> {
    let filled = client.post(&["slots", slot, "activate"], Some(&json!({"release": release}))).await?;
    out.show(&filled, now_answers)
}

fn now_answers(slot: &Json) -> String {
    format!("release {} answers {}", cell(&slot["active"]), cell(&slot["name"]))
}

pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable =
        |error: std::io::Error| Failure::new("unreadable", format!("cannot read {}: {error}", path.display()));
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > BYTES_MAX {
        return Err(Failure::new("too-large", format!("{} is larger than {BYTES_MAX} bytes", path.display())).into());
    }
    Ok(std::fs::read(path).map_err(unreadable)?)
}
