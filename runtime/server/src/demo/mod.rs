//! The demonstration: systems converge while people change all of them, and a report says how well, read back from the
//! systems themselves.

pub mod account;
pub mod judge;
pub mod latency;
pub mod law;
pub mod report;
#[cfg(test)]
pub(crate) mod scene;
pub mod server;
pub mod setup;
pub mod swap;
pub mod traffic;
pub mod usage;
pub mod watch;
pub mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use truthsource_core::accuracy;
use truthsource_simulators::journal::Actor;

use crate::cli::Failure;
use crate::cli::client::Client;
use crate::cli::output::Output;
use crate::node::MachineClock;
use latency::{Mark, since};
use report::{Latency, Orders, Report};
use server::{Server, Wishes};
use setup::{Components, TENANT};
use swap::{Callers, Swap};
use traffic::{Done, Flow};
use usage::Watch;
use world::{Extent, Product, World};

/// How long nobody may write, once all is quiet: every pull that reaches back comes at least once in 30 s.
const QUIET_FOR_MS: u64 = 32_000;

/// How many of the slowest changes are named.
const SLOWEST_MAX: usize = 20;

/// What the demonstration is to show.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// The systems, the one first that owns what only one may say.
    #[arg(long, value_delimiter = ',', default_value = "netsuite,shopify")]
    pub systems: Vec<Product>,
    /// Items in the first system; seven tenths of them are in the others.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(50..=1_000_000))]
    pub items: u32,
    /// Seconds of live traffic.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Changes a second.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rate: u32,
    /// What all randomness is drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The store, as an address; by default files in the data directory.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Where the built components are.
    #[arg(long, value_name = "DIR")]
    pub components: Option<PathBuf>,
    /// Go on running afterwards, to be looked at, until interrupted.
    #[arg(long)]
    pub keep: bool,
    /// The program that is the server, where it is not this one.
    #[arg(skip)]
    pub program: Option<PathBuf>,
}

impl Demo {
    /// Shows it, and prints the report. `data_dir`: where the server keeps everything; by default a directory that is
    /// removed at the end.
    ///
    /// # Errors
    /// When it cannot be carried out, or found something wrong: that is in the report, which is printed all the same.
    pub async fn run(&self, data_dir: Option<PathBuf>, out: &Output) -> anyhow::Result<ExitCode> {
        let dir = Directory::fresh(data_dir)?;
        let stage = Stage::open(self, &dir.path).await?;
        let report = stage.show(self, out).await?;
        let failures = report.failures();
        out.show(&serde_json::to_value(&report)?, |_| report.text())?;
        if self.keep {
            stage.keep(out).await?;
        }
        stage.server.stop().await?;
        if failures.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::new("not-converged", failures.join("; ")).into())
    }

    /// Shows it without printing anything.
    ///
    /// # Errors
    /// When it cannot be carried out.
    pub async fn measure(&self, data_dir: Option<PathBuf>, out: &Output) -> anyhow::Result<Report> {
        let dir = Directory::fresh(data_dir)?;
        let stage = Stage::open(self, &dir.path).await?;
        let report = stage.show(self, out).await?;
        stage.server.stop().await?;
        Ok(report)
    }
}

/// The systems in their places: the owner is an ERP, and comes first.
///
/// # Errors
/// When they are too few, or one stands twice, or none is an ERP.
pub fn seated(systems: &[Product]) -> anyhow::Result<Vec<Product>> {
    let mut once = systems.to_vec();
    if once.len() < 2 || systems.iter().collect::<BTreeSet<_>>().len() != systems.len() {
        bail!("`--systems` names two systems at the least, each of them once");
    }
    let Some(owner) = once.iter().position(|it| !it.is_shop()) else {
        bail!("`--systems` names no ERP, and somebody has to own the items");
    };
    once[..=owner].rotate_right(1);
    Ok(once)
}

/// Where the server keeps everything: a directory that was named, or one that is gone afterwards.
struct Directory {
    path: PathBuf,
    _temporary: Option<tempfile::TempDir>,
}

impl Directory {
    fn fresh(named: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = named else {
            let temporary = tempfile::tempdir().context("cannot make a temporary directory")?;
            return Ok(Self { path: temporary.path().to_owned(), _temporary: Some(temporary) });
        };
        if std::fs::read_dir(&path).is_ok_and(|mut it| it.next().is_some()) {
            bail!("{} is not empty: the demonstration wants a fresh directory", path.display());
        }
        Ok(Self { path, _temporary: None })
    }
}

/// The systems and the server between them.
struct Stage {
    world: World,
    server: Server,
    client: Arc<Client>,
    components: Components,
    watch: Watch,
}

impl Stage {
    async fn open(demo: &Demo, data_dir: &Path) -> anyhow::Result<Self> {
        let components = Components::find(demo.components.as_deref())?;
        let products = seated(&demo.systems)?;
        let extent = Extent { items: demo.items, seed: demo.seed };
        let world = World::open(&products, extent, Arc::new(MachineClock)).await?;
        let wishes = Wishes { egress: world.urls(), store: demo.store.clone(), ..Wishes::default() };
        let own = || std::env::current_exe().context("cannot find our own program");
        let program = demo.program.clone().map_or_else(own, Ok)?;
        let server = Server::start(&program, data_dir, &wishes).await?;
        let watch = Watch::start(server.pid().context("the server has ended")?);
        setup::set_up(&server.client(None)?, &components, &world).await?;
        let client = Arc::new(server.client(Some(TENANT))?);
        world.tell(&server.url, TENANT).await?;
        Ok(Self { world, server, client, components, watch })
    }

    async fn show(&self, demo: &Demo, out: &Output) -> anyhow::Result<Report> {
        let initial_sync_s = self.initial_sync(out).await?;
        let first = latency::held(&self.world.seats, self.world.now());
        let mark = Mark::now(&self.world.seats);
        let began = self.world.now();
        let cpu_before = self.watch.cpu_ms();
        let flow = Flow { rate: demo.rate, seconds: demo.seconds, seed: demo.seed };
        let (done, swap) = self.traffic(flow, out).await?;
        let quiet_after_s = self.quiet(out, "waiting until quiet").await?;
        let cpu_ms = self.watch.cpu_ms() - cpu_before;

        let changes = since(&self.world.seats, &mark);
        let mut verdict = judge::judge((&self.world.seats, self.world.now()), &first, &changes, &done);
        let mut took = latency::measure(&self.world.seats, first, &changes);
        took.confirmed.append(&mut verdict.orders.took);
        let writes_after_quiet = self.stays_quiet(out).await;
        let (accuracy, accuracy_lower_95) = accuracy::bounds(verdict.fields, verdict.wrong()).unwrap_or((0.0, 0.0));
        let (conflicts, conflicts_open) = self.conflicts().await?;
        Ok(Report {
            items: demo.items,
            seed: demo.seed,
            records: verdict.records,
            fields_checked: verdict.fields,
            mismatches: verdict.mismatches,
            accuracy,
            accuracy_lower_95,
            e2e_ms: Latency {
                p50: took.percentile(500, |_| true),
                p99: took.percentile(990, |_| true),
                p99_outside_outage: took.percentile(990, |it| done.is_outside_outage(it.made)),
                max: took.percentile(1_000, |_| true),
                confirmed: took.confirmed.len() as u64,
                open: took.open as u64,
            },
            slowest: took.slowest(began, SLOWEST_MAX),
            orders: Orders {
                placed: done.orders.len() as u64,
                in_erp: verdict.orders.in_erp,
                duplicates: verdict.orders.duplicates,
            },
            swap,
            conflicts,
            conflicts_open,
            changes: done.changes,
            writes_after_quiet,
            initial_sync_s,
            quiet_after_s,
            rss_mb_max: self.watch.peak_mb(),
            cpu_ms_per_change: cpu_ms as f64 / done.changes.max(1) as f64,
            examples: verdict.examples,
        })
    }

    /// All connections begin to work, everything is read, linked and made alike. Gives the seconds it took.
    async fn initial_sync(&self, out: &Output) -> anyhow::Result<f64> {
        let began = tokio::time::Instant::now();
        setup::activate(&self.client, &self.world).await?;
        self.quiet(out, "linking and synchronising").await?;
        Ok((began.elapsed().as_secs_f64() - watch::SETTLED.as_secs_f64()).max(0.0))
    }

    /// Waits until every kind of every connection was read to its end after now, and nothing waits. Gives the seconds
    /// until then.
    async fn quiet(&self, out: &Output, what: &str) -> anyhow::Result<f64> {
        let bar = out.progress(what.to_owned());
        let took =
            watch::until_quiet(&self.client, self.world.now(), |status| bar.set_message(format!("{what}: {status}")))
                .await;
        bar.finish_and_clear();
        took
    }

    /// People change the systems, while rules are swapped.
    async fn traffic(&self, flow: Flow, out: &Output) -> anyhow::Result<(Done, Swap)> {
        let outage = traffic::disturb(&self.world, flow);
        let callers = Callers::start(&self.client);
        let bar = out.progress(String::new());
        let total = flow.total();
        let changes = traffic::run(&self.world, flow, |n| bar.set_message(format!("live traffic: {n} of {total}")));
        let swaps = self.swaps(flow);
        let (done, swap) = tokio::join!(changes, swaps);
        traffic::heal(&self.world);
        bar.finish_and_clear();
        let mut swap = swap?;
        callers.stop(&mut swap).await?;
        Ok((Done { outage, ..done? }, swap))
    }

    async fn swaps(&self, flow: Flow) -> anyhow::Result<Swap> {
        let mut swap = Swap::default();
        let pause = std::time::Duration::from_secs(flow.seconds.into()) / 5;
        tokio::time::sleep(pause).await;
        swap::season(&self.client, &self.components, &mut swap).await?;
        tokio::time::sleep(pause).await;
        swap::rollback(&self.client).await?;
        tokio::time::sleep(pause).await;
        swap::runaway(&self.client, &self.components, &mut swap).await?;
        Ok(swap)
    }

    /// Counts what the engine writes while nobody changes anything.
    async fn stays_quiet(&self, out: &Output) -> u64 {
        let bar = out.progress("listening for writes after quiet".to_owned());
        let mark = Mark::now(&self.world.seats);
        tokio::time::sleep(std::time::Duration::from_millis(QUIET_FOR_MS)).await;
        bar.finish_and_clear();
        since(&self.world.seats, &mark).iter().filter(|(_, it)| it.actor == Actor::Api).count() as u64
    }

    /// Conflicts by who decided them, and how many wait for a person.
    async fn conflicts(&self) -> anyhow::Result<(BTreeMap<String, u64>, u64)> {
        let all = self.client.list(&["conflicts"], &[], 100_000).await?;
        let (mut decided, mut open) = (BTreeMap::new(), 0);
        for it in all["items"].as_array().into_iter().flatten() {
            if it["open"] == true {
                open += 1;
                continue;
            }
            let policy = it["policy"].as_str().unwrap_or_default().split('@').next().unwrap_or_default();
            let by = if policy.is_empty() { it["reason"].as_str().unwrap_or_default() } else { policy };
            *decided.entry(by.to_owned()).or_default() += 1;
        }
        Ok((decided, open))
    }

    /// Says how to look further, and waits.
    async fn keep(&self, out: &Output) -> anyhow::Result<()> {
        let url = &self.server.url;
        let dir = self.server.data_dir.display();
        let seats = self.world.seats.iter().zip(&self.world.ports);
        let admin: BTreeMap<&str, String> =
            seats.map(|(seat, port)| (seat.name(), format!("http://{}", port.admin))).collect();
        let screens: Vec<String> = admin.iter().map(|(name, url)| format!("{url} ({name})")).collect();
        let about = serde_json::json!({"url": url, "data_dir": self.server.data_dir, "admin": admin});
        let last = self.world.seats.last().map_or("shop", |it| it.name());
        out.show(&about, |_| {
            format!(
                "running on: {url} (key in {dir}/operator.key)\n\
                 the systems, to see and edit: {}\n\
                 look further:\n  truthsource --data-dir {dir} timeline item bolt-00001\n  \
                 truthsource --data-dir {dir} sweep {last}\n  truthsource --data-dir {dir} status\n\
                 end with Ctrl-C",
                screens.join(", "),
            )
        })?;
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}
