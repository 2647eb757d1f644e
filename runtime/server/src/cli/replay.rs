//! `truthsource replay`

use clap::Args;
use serde_json::{Value as Json, json};
use truthsource_core::Kind;

use super::client::Client;
use super::output::{Column, Output, table};

/// Takes the decisions of a time again, by the rules and policies of now, and shows what would be otherwise. Nothing is
/// written.
#[derive(Args)]
pub(super) struct Replay {
    /// From this moment on, like 2026-01-31T12:00:00Z.
    #[arg(long)]
    from: String,
    /// Until before this moment.
    #[arg(long)]
    to: String,
    /// Only of this kind.
    #[arg(long)]
    kind: Option<Kind>,
    /// Only of the record of this key, with --kind.
    #[arg(long = "record", alias = "of", requires = "kind", value_name = "KEY")]
    record: Option<String>,
}

const COLUMNS: &[Column] = &[
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("FIELD", &["field"]),
    ("SINCE", &["at"]),
    ("WAS", &["was"]),
    ("WOULD BE", &["would"]),
    ("HELD, AS", &["would_be_held"]),
    ("DECIDED BY", &["policy"]),
    ("LASTS", &["lasts"]),
];

impl Replay {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        let bar = out.progress("deciding again".to_owned());
        let mut query = vec![("from", self.from.clone()), ("to", self.to.clone()), ("limit", "500".to_owned())];
        query.extend(self.kind.iter().map(|it| ("kind", it.to_string())));
        query.extend(self.record.iter().map(|it| ("key", it.clone())));
        let fixed = query.len();
        let (mut counts, mut items, mut torn) = ([0_u64; 3], Vec::new(), Vec::new());
        loop {
            let mut page = client.get(&["replay"], &query).await?;
            for (count, name) in counts.iter_mut().zip(["records", "decisions", "entries"]) {
                *count += page[name].as_u64().unwrap_or_default();
            }
            for (all, name) in [(&mut items, "items"), (&mut torn, "torn")] {
                if let Json::Array(some) = page[name].take() {
                    all.extend(some);
                }
            }
            query.truncate(fixed);
            let Some(next) = page["next"].as_str() else { break };
            query.push(("cursor", next.to_owned()));
            bar.set_message(format!("deciding again: {} records", counts[0]));
        }
        bar.finish_and_clear();
        let [records, decisions, entries] = counts;
        let report =
            json!({"records": records, "decisions": decisions, "entries": entries, "items": items, "torn": torn});
        out.show(&report, text)
    }
}

fn text(report: &Json) -> String {
    let mut lines = vec![format!(
        "{} decisions about {} records, on {} entries, taken again; otherwise:",
        report["decisions"], report["records"], report["entries"]
    )];
    lines.push(table(report, COLUMNS));
    let torn = report["torn"].as_array().into_iter().flatten();
    lines.extend(torn.map(|it| format!("{}/{} cannot be decided again: {}", it["kind"], it["key"], it["reason"])));
    lines.join("\n")
}
