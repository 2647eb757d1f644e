//! The simulation: many seeds, or one plan again.

#[cfg(feature = "plants")]
mod plants;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::output::Output;
use crate::demo::setup::Components;
use crate::demo::world::Product;
use crate::sim::seeds::{Broken, Stores, Tally, alone, run_all};
use crate::sim::setup::Setup;
use crate::sim::shrink::shrink;
use crate::sim::{Cast, Plan};

/// Run the real engine and components on simulated days full of faults, and check the promises at every step.
#[derive(Debug, Clone, Args)]
pub struct Sim {
    /// How many seeds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Carry out this plan instead of seeds, as a failing run has written it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "seed", "systems"])]
    plan: Option<PathBuf>,
    /// A tenant's own connections, rules and components, as TOML: see docs/simulation.md.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The systems, the one first that owns what only one may say; of the tenant's own connections those that lead to them.
    /// All, where nothing is said.
    #[arg(long, value_delimiter = ',')]
    systems: Option<Vec<Product>>,
    /// What they keep their data in.
    #[arg(long, value_enum, default_value_t = Stores::Model)]
    store: Stores,
    /// Runs at the same time; by default one on each processor.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Where a failing plan is written, made small.
    #[arg(long, value_name = "DIR", default_value = ".")]
    plans: PathBuf,
    /// Write failing plans as they are, without making them small.
    #[arg(long)]
    whole: bool,
    /// End with 1 as well where something that could be was never reached: nothing is proved about that.
    #[arg(long, conflicts_with = "plan")]
    covered: bool,
    /// Where the built components are.
    #[arg(long, value_name = "DIR")]
    components: Option<PathBuf>,
    /// Plant a bug, and see that it is found: `list` names them, `all` plants one after the other and says how many seeds
    /// each took.
    #[cfg(feature = "plants")]
    #[arg(long, value_name = "BUG")]
    plant: Option<plants::Plant>,
}

impl Sim {
    /// Runs them and says what they came to.
    ///
    /// # Errors
    /// When a run cannot be set up. What the engine does wrong is in the answer, and in the exit code.
    pub async fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        #[cfg(feature = "plants")]
        if let Some(plants::Plant::List) = self.plant {
            return plants::list(out);
        }
        #[cfg(feature = "plants")]
        if let (Some(plants::Plant::All), Some(plan)) = (self.plant, &self.plan) {
            anyhow::bail!("`--plant all` takes seeds, and not the plan {}: name one bug", plan.display());
        }
        // Said now, and not when the first plan that fails was made small.
        std::fs::create_dir_all(&self.plans).with_context(|| format!("cannot make {}", self.plans.display()))?;
        let plan = self.plan.as_ref().map(|path| read(path)).transpose()?;
        let setup = self.config.as_ref().map(|path| Setup::read(path)).transpose()?.unwrap_or_default();
        let named = plan.as_ref().map(|it| &it.systems).or(self.systems.as_ref());
        let (setup, systems) = setup.among(named.map(Vec::as_slice))?;
        let components = Components::find(self.components.as_deref())?;
        let program = std::env::current_exe().context("cannot find our own program")?;
        let cast = Arc::new(Cast::of(&components, program, (&systems, setup)).await?);
        #[cfg(feature = "plants")]
        match self.plant {
            Some(plants::Plant::All) => return plants::plant_all(self.clone(), (cast, systems), out).await,
            Some(plants::Plant::One(bug)) => truthsource_core::plant::plant(Some(bug)),
            Some(plants::Plant::List) | None => {}
        }
        let this = self.clone();
        let bar = out.progress("simulating".to_owned());
        let out_bar = bar.clone();
        let report = tokio::task::spawn_blocking(move || this.carry_out(&cast, &systems, plan, &out_bar)).await??;
        bar.finish_and_clear();
        let is_good = report["violations"] == 0 && (!self.covered || never(&report).is_empty());
        out.show(&report, text)?;
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn jobs(&self) -> usize {
        self.jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
    }

    /// Of a bug that was planted one sign is enough.
    fn broken_max(&self) -> usize {
        #[cfg(feature = "plants")]
        if self.plant.is_some() {
            return 1;
        }
        BROKEN_MAX
    }

    fn carry_out(
        &self,
        cast: &Arc<Cast>,
        systems: &[Product],
        plan: Option<Plan>,
        bar: &indicatif::ProgressBar,
    ) -> anyhow::Result<Json> {
        let began = Instant::now();
        let seeds: Vec<u64> = match &plan {
            Some(plan) => vec![plan.seed],
            None => (self.seed..self.seed.saturating_add(self.seeds)).collect(),
        };
        let jobs = self.jobs();
        let of = |seed| plan.clone().unwrap_or_else(|| Plan::of(seed, systems).under(&cast.setup));
        let told = |it: &Tally| bar.set_message(format!("{} seeds, {} broken", it.seeds, it.broken.len()));
        let tally = run_all((cast, self.store), (&seeds, jobs, self.broken_max()), of, told)?;
        let seconds = began.elapsed().as_secs_f64();
        let mut failures = Vec::new();
        for (seed, broken) in &tally.broken {
            let plan = self.keep(cast, broken, bar)?;
            let Broken { violations, story, .. } = broken;
            failures.push(json!({"seed": seed, "violations": violations, "plan": plan, "story": story}));
        }
        Ok(json!({
            "seeds": tally.seeds,
            "violations": tally.broken.values().map(|it| it.violations.len()).sum::<usize>(),
            "simulated_hours": tally.simulated_ms as f64 / 3_600_000.0,
            "seconds": seconds,
            "seeds_per_second": tally.seeds as f64 / seconds.max(0.001),
            "faults_by_kind": tally.faults_by_kind,
            "coverage": tally.coverage(cast, self.store),
            "failures": failures,
        }))
    }

    /// Makes a failing plan small and writes it down. Gives the file.
    fn keep(
        &self,
        cast: &Arc<Cast>,
        Broken { plan, violations, .. }: &Broken,
        bar: &indicatif::ProgressBar,
    ) -> anyhow::Result<String> {
        // The promise and the field: one that is broken in another way is another story.
        let class = |it: &str| {
            let words: Vec<&str> = it.split(' ').collect();
            let promise = words.first().copied().unwrap_or_default();
            let field =
                ["on_hand", "title", "barcode", "active", "amount", "breaks", "name", "code", "order", "parked"];
            let about = field.into_iter().find(|it| words.iter().any(|word| word.trim_end_matches(':') == *it));
            (promise.to_owned(), about)
        };
        let broken = violations.first().map(|it| class(it)).unwrap_or_default();
        let mut runs = 0;
        let fails = |it: &Plan| {
            runs += 1;
            bar.set_message(format!(
                "making the plan of seed {} small: {runs} runs, {} acts",
                plan.seed,
                it.acts.len()
            ));
            alone(cast, it, self.store).is_ok_and(|it| it.notes.violations.iter().any(|it| class(it) == broken))
        };
        let small = if self.whole { plan.clone() } else { shrink(plan, fails) };
        let path = self.plans.join(format!("sim-{}.json", plan.seed));
        let text = serde_json::to_string_pretty(&small)?;
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }
}

/// Failing runs that are looked at: more would tell nothing more.
const BROKEN_MAX: usize = 3;

fn read(path: &std::path::Path) -> anyhow::Result<Plan> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no plan", path.display()))
}

/// What could be reached and never was.
fn never(report: &Json) -> Vec<&str> {
    let coverage = report["coverage"].as_object().into_iter().flatten();
    coverage.filter(|(_, times)| times.as_u64() == Some(0)).map(|(name, _)| name.as_str()).collect()
}

fn text(report: &Json) -> String {
    let number = |name: &str| report[name].as_f64().unwrap_or_default();
    let mut lines = vec![format!(
        "{} seeds, {:.1} simulated hours in {:.1} s ({:.1} seeds/s), {} violations",
        report["seeds"],
        number("simulated_hours"),
        number("seconds"),
        number("seeds_per_second"),
        report["violations"]
    )];
    for (title, name) in [("faults, by the seeds they were on in", "faults_by_kind"), ("reached", "coverage")] {
        lines.push(format!("{title}:"));
        let rows = report[name].as_object().into_iter().flatten();
        let rows = rows.filter(|(_, times)| times.as_u64() != Some(0));
        lines.extend(rows.map(|(name, times)| format!("  {name:<50} {times:>12}")));
    }
    let never = never(report);
    if !never.is_empty() {
        lines.push(format!("never reached: {}", never.join("; ")));
    }
    for failure in report["failures"].as_array().into_iter().flatten() {
        lines.push(format!("seed {} broke promises:", failure["seed"]));
        let said = failure["violations"].as_array().into_iter().flatten().filter_map(Json::as_str);
        lines.extend(said.map(|it| format!("  {it}")));
        let story = failure["story"].as_array().into_iter().flatten().filter_map(Json::as_str);
        lines.extend(story.map(|it| format!("    {it}")));
        lines.push(format!("  again: truthsource sim --plan {}", failure["plan"].as_str().unwrap_or_default()));
    }
    lines.join("\n")
}
