//! Pricing while rules are swapped: somebody asks all the time, and every answer must be right for the release that
//! gave it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::setup::{Components, fill};
use crate::cli::Failure;
use crate::cli::client::Client;

/// How many ask at once.
const CALLERS: usize = 2;
/// How long each waits between two questions.
const PAUSE: Duration = Duration::from_millis(5);
/// How often the rule that loops is asked.
const LOOPS: usize = 5;
/// The slot of the rule that loops: a trial, beside the one that everybody uses.
const TRIAL: &str = "pricing:trial";

/// What came of asking all the while.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swap {
    /// Questions asked.
    pub calls: u64,
    /// Questions that were refused, failed, or answered as no release would.
    pub errors: u64,
    /// Releases that answered.
    pub releases: u64,
    /// How long activating took, in milliseconds: the upload was done before.
    pub activate_ms: u64,
    /// Calls of the rule that loops for ever.
    pub runaway_calls: u64,
    /// Those of them that ended as out of fuel, as all should.
    pub runaway_stopped: u64,
}

/// People who ask for prices until they are told to stop.
pub struct Callers {
    tasks: JoinSet<(u64, u64, BTreeSet<u64>)>,
    stop: Arc<AtomicBool>,
}

impl Callers {
    /// Begins to ask.
    #[must_use]
    pub fn start(client: &Arc<Client>) -> Self {
        let (mut tasks, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
        for _ in 0..CALLERS {
            let (client, stop) = (client.clone(), stop.clone());
            tasks.spawn(async move {
                let (mut calls, mut errors, mut releases) = (0, 0, BTreeSet::new());
                while !stop.load(Ordering::Relaxed) {
                    calls += 1;
                    match client.post(&["price"], Some(&basket())).await {
                        Ok(answer) if is_right(&answer) => {
                            releases.extend(answer["receipt"]["release"].as_u64());
                        }
                        Ok(answer) => {
                            tracing::error!(%answer, "a price that no release would give");
                            errors += 1;
                        }
                        Err(error) => {
                            tracing::error!(%error, "a price was refused");
                            errors += 1;
                        }
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                (calls, errors, releases)
            });
        }
        Self { tasks, stop }
    }

    /// Stops asking and counts.
    ///
    /// # Errors
    /// When somebody who asked broke down: what was counted then is not all.
    pub async fn stop(mut self, swap: &mut Swap) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let mut answered = BTreeSet::new();
        while let Some(asked) = self.tasks.join_next().await {
            let (calls, errors, releases) = asked?;
            swap.calls += calls;
            swap.errors += errors;
            answered.extend(releases);
        }
        swap.releases = answered.len() as u64;
        Ok(())
    }
}

/// Ten lines: 10 of each at 10.00, but 100 of the last.
fn basket() -> Json {
    let line = |n: u32| json!({"item": format!("BOLT-{n:05}"), "quantity": if n == 9 { "100" } else { "10" }, "list_price": "10"});
    json!({"company": "C-100", "currency": "USD", "lines": (0..10).map(line).collect::<Vec<_>>()})
}

/// Both rules agree with themselves: either the line of a hundred alone is cheaper, or every line is by the season's
/// share. Anything between would be of two releases.
fn is_right(answer: &Json) -> bool {
    let lines = answer["lines"].as_array().into_iter().flatten();
    let prices: Vec<&str> = lines.filter_map(|it| it["unit_price"].as_str()).collect();
    let Some((many, few)) = prices.split_last() else { return false };
    let is =
        |few_cost: &str, many_cost: &str| few.len() == 9 && few.iter().all(|it| *it == few_cost) && *many == many_cost;
    is("10", "9.5") || is("9.3", "9.3")
}

/// Uploads the season's rule and activates it.
///
/// # Errors
/// When the server refuses it.
pub async fn season(client: &Client, components: &Components, swap: &mut Swap) -> anyhow::Result<()> {
    let release = client.upload(&["slots", "pricing", "releases"], &components.read("season-pricing")?).await?;
    let began = tokio::time::Instant::now();
    client.post(&["slots", "pricing", "activate"], Some(&json!({"release": release["id"]}))).await?;
    swap.activate_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(())
}

/// Goes back to the rule before.
///
/// # Errors
/// When the server refuses.
pub async fn rollback(client: &Client) -> anyhow::Result<()> {
    client.post(&["slots", "pricing", "rollback"], None).await.map(drop)
}

/// Uploads a rule that loops for ever, and asks it.
///
/// # Errors
/// When it answers.
pub async fn runaway(client: &Client, components: &Components, swap: &mut Swap) -> anyhow::Result<()> {
    fill(client, TRIAL, &components.read("endless-pricing")?).await?;
    for _ in 0..LOOPS {
        let mut basket = basket();
        basket["slot"] = TRIAL.into();
        swap.runaway_calls += 1;
        match client.post(&["price"], Some(&basket)).await {
            Ok(answer) => bail!("a rule that loops for ever answered: {answer}"),
            Err(error) if error.downcast_ref::<Failure>().is_some_and(|it| it.code == "out-of-fuel") => {
                swap.runaway_stopped += 1;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
