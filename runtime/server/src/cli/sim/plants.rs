//! Planted bugs, and how many seeds it takes to find each.

use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use truthsource_core::plant::{Bug, plant};

use super::Sim;
use crate::cli::output::Output;
use crate::demo::world::Product;
use crate::sim::seeds::run_all;
use crate::sim::{Cast, Plan};

/// How often each bug is looked for, from other seeds on.
const SEARCHES: u64 = 5;
/// The seeds that a bug may need, as the median of its searches.
const MEDIAN_MAX: u64 = 200;
/// From which seed on the searches of a bug begin, so that none sees the seeds of another.
const APART: u64 = 1_000_000;

/// What is asked of planted bugs.
#[derive(Debug, Clone, Copy)]
pub enum Plant {
    /// Their names.
    List,
    /// How many seeds it takes to find each.
    All,
    /// This one.
    One(Bug),
}

impl FromStr for Plant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "list" => Ok(Self::List),
            "all" => Ok(Self::All),
            name => name.parse().map(Self::One),
        }
    }
}

/// Names every bug, one a line.
pub fn list(out: &Output) -> anyhow::Result<ExitCode> {
    let bugs: Vec<Json> = Bug::ALL.iter().map(|it| json!({"name": it.name(), "about": it.about()})).collect();
    let names = |_: &Json| Bug::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join("\n");
    out.show(&json!({ "bugs": bugs }), names)?;
    Ok(ExitCode::SUCCESS)
}

/// Plants one bug after the other and looks for each several times. Fails if one is not found within `--seeds` seeds each time,
/// or takes too many.
pub async fn plant_all(sim: Sim, (cast, systems): (Arc<Cast>, Vec<Product>), out: &Output) -> anyhow::Result<ExitCode> {
    let bar = out.progress("planting".to_owned());
    let shown = bar.clone();
    let search = move || -> anyhow::Result<Vec<Json>> {
        let mut found = Vec::new();
        for bug in Bug::ALL.iter().copied() {
            shown.set_message(format!("planting {bug}"));
            found.push(look_for(&sim, (&cast, &systems), bug)?);
        }
        plant(None);
        Ok(found)
    };
    let bugs = tokio::task::spawn_blocking(search).await??;
    bar.finish_and_clear();
    let is_found = |it: &Json| it["missed"] == 0 && it["seeds_median"].as_u64().is_some_and(|it| it <= MEDIAN_MAX);
    let is_good = bugs.iter().all(is_found);
    out.show(&json!({ "bugs": bugs }), table)?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn look_for(sim: &Sim, (cast, systems): (&Arc<Cast>, &[Product]), bug: Bug) -> anyhow::Result<Json> {
    plant(Some(bug));
    let (mut needed, mut missed, mut first) = (Vec::new(), 0, String::new());
    for search in 0..SEARCHES {
        let begin = sim.seed + search * APART;
        let seeds: Vec<u64> = (begin..begin + sim.seeds).collect();
        let tally = run_all(
            (cast, sim.store),
            (&seeds, sim.jobs(), 1),
            |seed| Plan::of(seed, systems).under(&cast.setup),
            |_| (),
        )?;
        match tally.broken.iter().next() {
            Some((seed, broken)) => {
                needed.push(seed - begin + 1);
                first = broken.violations.first().cloned().unwrap_or_default();
            }
            None => missed += 1,
        }
    }
    needed.sort_unstable();
    let promise = first.split(':').next().unwrap_or_default();
    Ok(json!({
        "name": bug.name(),
        "about": bug.about(),
        "seeds_median": needed.get(needed.len() / 2),
        "seeds_max": needed.last(),
        "missed": missed,
        "broke": promise,
        "example": first.chars().take(200).collect::<String>(),
    }))
}

fn table(report: &Json) -> String {
    let mut lines = vec![
        "| bug | what it does | broke | seeds, median | most | missed |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let number = |it: &Json| it.as_u64().map_or_else(|| "-".to_owned(), |it| it.to_string());
    let text = |it: &Json| it.as_str().unwrap_or_default().to_owned();
    for bug in report["bugs"].as_array().into_iter().flatten() {
        lines.push(format!(
            "| `{}` | {} | {} | {} | {} | {} |",
            text(&bug["name"]),
            text(&bug["about"]),
            text(&bug["broke"]),
            number(&bug["seeds_median"]),
            number(&bug["seeds_max"]),
            number(&bug["missed"]),
        ));
    }
    lines.join("\n")
}
