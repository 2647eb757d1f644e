//! `truthsource rules`

mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::Failure;
use super::client::Client;
use super::output::{Column, Output, table};
use crate::engine::rules::RulesSpec;

/// Who owns which field, and which policy is asked when systems disagree.
#[derive(Subcommand)]
pub(super) enum Rules {
    /// Show the rules, as a document that `apply` takes.
    Show,
    /// Replace the rules. What was decided under the old ones is decided again: `truthsource status` says how far that is.
    Apply {
        /// The rules, as TOML, or as JSON if the file is called so.
        file: PathBuf,
        /// Only show what would be decided otherwise and written. Nothing is.
        #[arg(long)]
        dry_run: bool,
        /// With --dry-run: how many fields and writes to show.
        #[arg(long, value_name = "N", default_value_t = 20, requires = "dry_run")]
        examples: usize,
    },
}

const OTHERWISE: &[Column] = &[
    ("KIND", &["kind"]),
    ("KEY", &["key"]),
    ("FIELD", &["field"]),
    ("IS", &["was"]),
    ("HELD, AS", &["was_held"]),
    ("WOULD BE", &["would"]),
    ("WOULD BE HELD, AS", &["would_be_held"]),
    ("DECIDED BY", &["policy"]),
];

const FIELDS: &[Column] = &[("KIND", &["kind"]), ("FIELD", &["field"]), ("RECORDS", &["records"])];

const WRITES: &[Column] = &[
    ("CONNECTION", &["connection"]),
    ("KIND", &["kind"]),
    ("RECORDS", &["records"]),
    ("CREATED", &["created"]),
    ("FIELDS", &["fields"]),
];

impl Rules {
    pub(super) async fn run(&self, client: &Client, out: &Output) -> anyhow::Result<()> {
        match self {
            Self::Show => out.show(&client.get(&["rules"], &[]).await?, written),
            Self::Apply { file, dry_run: false, .. } => {
                let (text, rules) = read(file)?;
                let applied = client.put(&["rules"], &rules).await.map_err(|it| placed(it, file, &text))?;
                out.show(&applied, |_| {
                    "applied; what was decided is decided again: see `truthsource status`".to_owned()
                })
            }
            Self::Apply { file, dry_run: true, examples } => {
                let (text, rules) = read(file)?;
                let report = dry_run(client, out, &rules, *examples).await.map_err(|it| placed(it, file, &text))?;
                out.show(&report, human)
            }
        }
    }
}

/// Looks at every record, page by page.
async fn dry_run(client: &Client, out: &Output, rules: &Json, examples: usize) -> anyhow::Result<Json> {
    let bar = out.progress("deciding on copies".to_owned());
    let (mut done, mut query) = (Counted::default(), vec![("limit", "500".to_owned())]);
    loop {
        let page = client.post_with(&["rules", "dry-run"], &query, rules).await?;
        done.add(&page, examples);
        query.truncate(1);
        let Some(next) = page["next"].as_str() else { break };
        query.push(("cursor", next.to_owned()));
        bar.set_message(format!("deciding on copies: {} records", done.records));
    }
    bar.finish_and_clear();
    Ok(done.report())
}

/// What was counted so far.
#[derive(Default)]
struct Counted {
    records: u64,
    unasked: u64,
    /// (kind, field) → records.
    fields: BTreeMap<(String, String), u64>,
    /// (connection, kind) → records, created ones, fields.
    writes: BTreeMap<(String, String), [u64; 3]>,
    examples: Vec<Json>,
    example_writes: Vec<Json>,
}

impl Counted {
    fn add(&mut self, page: &Json, examples: usize) {
        self.records += page["records"].as_u64().unwrap_or_default();
        self.unasked += page["unasked"].as_u64().unwrap_or_default();
        let text = |it: &Json, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        for it in page["items"].as_array().into_iter().flatten() {
            *self.fields.entry((text(it, "kind"), text(it, "field"))).or_default() += 1;
            if self.examples.len() < examples {
                self.examples.push(it.clone());
            }
        }
        for it in page["writes"].as_array().into_iter().flatten() {
            let counts = self.writes.entry((text(it, "connection"), text(it, "kind"))).or_default();
            let fields = it["fields"].as_array().map_or(0, Vec::len) as u64;
            for (count, more) in counts.iter_mut().zip([1, u64::from(it["creates"] == true), fields]) {
                *count += more;
            }
            if self.example_writes.len() < examples {
                self.example_writes.push(it.clone());
            }
        }
    }

    fn report(self) -> Json {
        let fields: Vec<Json> = self
            .fields
            .into_iter()
            .map(|((kind, field), records)| json!({"kind": kind, "field": field, "records": records}))
            .collect();
        let write = |((connection, kind), [records, created, fields]): ((String, String), [u64; 3])| json!({"connection": connection, "kind": kind, "records": records, "created": created, "fields": fields});
        let writes: Vec<Json> = self.writes.into_iter().map(write).collect();
        json!({
            "records": self.records, "unasked": self.unasked, "fields": fields, "writes": writes,
            "examples": self.examples, "example_writes": self.example_writes,
        })
    }
}

fn human(report: &Json) -> String {
    let items = |name: &str| json!({"items": report[name]});
    let mut parts = vec![format!("{} records were decided on copies; nothing is written", report["records"])];
    if report["unasked"] != 0 {
        parts.push(format!("of {} nothing is known: a policy or a validator cannot be asked now", report["unasked"]));
    }
    if report["fields"].as_array().is_none_or(Vec::is_empty) {
        parts.push("nothing would be decided otherwise".to_owned());
    } else {
        parts.push(format!("would be decided otherwise:\n{}", table(&items("fields"), FIELDS)));
        parts.push(table(&items("examples"), OTHERWISE));
    }
    if report["writes"].as_array().is_none_or(Vec::is_empty) {
        parts.push("nothing would be written".to_owned());
    } else {
        parts.push(format!("would be written:\n{}", table(&items("writes"), WRITES)));
    }
    parts.join("\n\n")
}

/// The rules as TOML.
fn written(rules: &Json) -> String {
    let spec = serde_json::from_value::<RulesSpec>(rules.clone());
    // A server of another version may say more than this program knows.
    let toml = spec.ok().and_then(|it| toml::to_string(&it).ok()).unwrap_or_else(|| rules.to_string());
    if toml.trim() == "fields = []" { "# no rules: the built-in rule decides".to_owned() } else { toml }
}

/// The rules of a file, and its text.
fn read(path: &Path) -> anyhow::Result<(String, Json)> {
    let failed = |code, why: String| Failure::new(code, format!("cannot read {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|it| failed("unreadable", it.to_string()))?;
    let spec: RulesSpec = if path.extension().is_some_and(|it| it == "json") {
        serde_json::from_str(&text).map_err(|it| failed("malformed", it.to_string()))?
    } else {
        let line = |it: &toml::de::Error| it.span().map_or(1, |span| place::line(&text, span.start));
        toml::from_str(&text).map_err(|it| failed("malformed", format!("line {}: {}", line(&it), it.message())))?
    };
    Ok((text, serde_json::to_value(spec)?))
}

/// What the server says is wrong with a file, with its lines.
fn placed(error: anyhow::Error, path: &Path, text: &str) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(Failure { code, message }) if code == "invalid-rule" => {
            let is_toml = path.extension().is_none_or(|it| it != "json");
            let message = if is_toml { place::with_lines(&message, text) } else { message };
            Failure::new(&code, format!("{}: {message}", path.display())).into()
        }
        Ok(other) => other.into(),
        Err(other) => other,
    }
}
