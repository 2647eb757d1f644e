//! `truthsource plugin compare`

use std::path::Path;

use clap::Args;
use serde_json::{Value as Json, json};

use super::Failure;
use super::client::Client;
use super::output::{Column, Output, cell, lines, table};
use super::plugin::read;

/// A second version of a policy, and what it is compared on.
#[derive(Args)]
pub(super) struct Compare {
    /// The slot: `conflict:stock-level`.
    slot: String,
    /// The version: the number of a release in the slot, or a component, which is uploaded and staged.
    #[arg(long, value_name = "RELEASE|FILE")]
    with: Option<String>,
    /// Ask it what the slot's policy was asked before, as far as it is recorded.
    #[arg(long, requires = "with", conflicts_with = "stop")]
    offline: bool,
    /// Ask it no more, and show what was seen.
    #[arg(long, conflicts_with = "with")]
    stop: bool,
}

const SEEN: &[Column] = &[
    ("release", &["release"]),
    ("digest", &["digest"]),
    ("since", &["since"]),
    ("asked", &["asked"]),
    ("disagreeing", &["disagreeing"]),
    ("share", &["disagreement"]),
    ("failed", &["failed"]),
    ("failure", &["failure"]),
    ("not asked", &["skipped"]),
];

const PAST: &[Column] = &[
    ("records", &["records"]),
    ("asked", &["asked"]),
    ("disagreeing", &["disagreeing"]),
    ("share", &["disagreement"]),
    ("failed", &["failed"]),
    ("unreadable records", &["torn"]),
];

const EXAMPLES: &[Column] = &[
    ("AT", &["at"]),
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("FIELD", &["field"]),
    ("BEFORE", &["base"]),
    ("CLAIMS", &["claims"]),
    ("DECIDED", &["is"]),
    ("WOULD BE", &["would"]),
];

/// Disagreements over the past that are shown.
const EXAMPLES_MAX: usize = 50;

impl Compare {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        let slot = self.slot.as_str();
        let release = match &self.with {
            Some(with) => Some(release(client, out, slot, with).await?),
            None => None,
        };
        match release {
            Some(release) if self.offline => out.show(&past(client, out, slot, release).await?, |it| human(it, PAST)),
            Some(release) => {
                let begun = client.post(&["slots", slot, "compare"], Some(&json!({"release": release}))).await?;
                out.show(&begun, |it| format!("release {} is asked beside what answers {slot}", cell(&it["release"])))
            }
            None if self.stop => {
                let seen = client.post(&["slots", slot, "compare", "stop"], None).await?;
                out.show(&seen, |it| human(it, SEEN))
            }
            None => out.show(&client.get(&["slots", slot, "compare"], &[]).await?, |it| human(it, SEEN)),
        }
    }
}

/// The release that is meant: one that is there, or one that is uploaded.
async fn release(client: &Client, out: &Output, slot: &str, with: &str) -> anyhow::Result<u64> {
    if let Ok(number) = with.parse() {
        return Ok(number);
    }
    let bytes = read(Path::new(with))?;
    let bar = out.progress(format!("uploading {} bytes to {slot}, checking and compiling", bytes.len()));
    let staged = client.upload(&["slots", slot, "releases"], &bytes).await;
    bar.finish_and_clear();
    let number = staged?["id"].as_u64();
    Ok(number.ok_or_else(|| Failure::new("failed", "the server gave a release without a number"))?)
}

async fn past(client: &Client, out: &Output, slot: &str, release: u64) -> anyhow::Result<Json> {
    let bar = out.progress("asking about the past".to_owned());
    let mut query = vec![("release", release.to_string()), ("limit", "500".to_owned())];
    let (mut counts, mut disagreeing, mut examples) = ([0_u64; 4], 0_u64, Vec::new());
    loop {
        let mut page = client.get(&["slots", slot, "compare", "past"], &query).await?;
        for (count, name) in counts.iter_mut().zip(["records", "asked", "failed", "torn"]) {
            *count += page[name].as_u64().unwrap_or_default();
        }
        if let Json::Array(items) = page["items"].take() {
            disagreeing += items.len() as u64;
            let room = EXAMPLES_MAX.saturating_sub(examples.len());
            examples.extend(items.into_iter().take(room));
        }
        query.truncate(2);
        let Some(next) = page["next"].as_str() else { break };
        query.push(("cursor", next.to_owned()));
        bar.set_message(format!("asking about the past: {} records", counts[0]));
    }
    bar.finish_and_clear();
    let [records, asked, failed, torn] = counts;
    let answered = asked - failed;
    let share = (answered > 0).then(|| disagreeing as f64 / answered as f64);
    Ok(json!({
        "release": release, "records": records, "asked": asked, "disagreeing": disagreeing, "disagreement": share,
        "failed": failed, "torn": torn, "examples": examples,
    }))
}

fn human(seen: &Json, members: &[Column]) -> String {
    let examples = table(&json!({"items": seen["examples"]}), EXAMPLES);
    format!("{}\n\n{examples}", lines(seen, members))
}
