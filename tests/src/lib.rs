//! Support for the integration tests; the tests are in `it/`.
//!
//! A [`Stage`] is the real thing, small: both simulated systems on ports of their own, and between them the server, with
//! the shipped components, in this process and on a clock that tests move ahead. Nothing here sleeps for a while and
//! hopes: what must happen is waited for.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use truthsource::cli::client::{Client, read_key};
use truthsource::config;
use truthsource::demo::latency::{self, Mark, since};
use truthsource::demo::server::{Server, Wishes};
use truthsource::demo::setup::{self, Components, TENANT};
use truthsource::demo::traffic::Done;
use truthsource::demo::world::{Extent, Product, World};
use truthsource::demo::{judge, watch};
use truthsource::engine::ports::Clock;
use truthsource::node::{self, Ground, MachineClock, Node};
use truthsource_core::UnixMs;
use truthsource_simulators::world::Held;

/// The clock of the machine, as far ahead as a test wishes. What waits for a moment looks at it twice a second.
#[derive(Debug, Default)]
pub struct Ahead(AtomicU64);

impl Ahead {
    /// So much time passes at once.
    pub fn pass(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Ahead {
    fn now(&self) -> UnixMs {
        MachineClock.now().plus(self.0.load(Ordering::SeqCst))
    }
}

/// A server: in this process, or one of its own where a test looks at the process.
pub enum Hosted {
    /// In this process.
    Within(Box<Node>),
    /// In its own, on the clock of the machine.
    Apart(Box<Server>),
}

impl Hosted {
    async fn within(program: &Path, data_dir: &Path, wishes: &Wishes, clock: Arc<dyn Clock>) -> Self {
        let config = config::load(Some(&wishes.write(data_dir).unwrap())).unwrap();
        let ground = Ground { clock, program: program.to_owned() };
        Self::Within(Box::new(node::start(config, ground).await.unwrap()))
    }

    fn url(&self) -> String {
        match self {
            Self::Within(node) => node.url(),
            Self::Apart(server) => server.url.clone(),
        }
    }

    /// Kills its process as a power cut would, and starts another on what it left, at the same address.
    pub async fn killed(&mut self) {
        match self {
            Self::Within(_) => panic!("a server in this process cannot be killed"),
            Self::Apart(server) => server.killed().await.unwrap(),
        }
    }

    /// Ends it, as it would be asked to end.
    pub async fn stop(self) {
        match self {
            Self::Within(node) => node.stop().await,
            Self::Apart(server) => server.stop().await.unwrap(),
        }
    }
}

/// Everything on stage.
pub struct Stage {
    /// Both systems.
    pub world: World,
    /// The server.
    pub server: Hosted,
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Speaks to it for the tenant.
    pub client: Arc<Client>,
    clock: Arc<Ahead>,
    first: Vec<Held>,
    mark: Mark,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// Both systems linked and alike, the server in this process. `program` compiles components for it.
    pub async fn open(program: &Path, items: u32) -> Self {
        Self::between(program, Product::Netsuite, items).await
    }

    /// The same with another ERP beside the shop.
    pub async fn between(program: &Path, erp: Product, items: u32) -> Self {
        Self::open_with((erp, items), async |dir: &Path, wishes: &Wishes, clock| {
            Hosted::within(program, dir, wishes, clock).await
        })
        .await
    }

    /// The same with the server in a process of its own: it keeps a log, and its clock is the machine's.
    pub async fn open_apart(program: &Path, items: u32) -> Self {
        Self::open_with((Product::Netsuite, items), async |dir: &Path, wishes: &Wishes, _| {
            Hosted::Apart(Box::new(Server::start(program, dir, wishes).await.unwrap()))
        })
        .await
    }

    async fn open_with(
        (erp, items): (Product, u32),
        host: impl AsyncFnOnce(&Path, &Wishes, Arc<Ahead>) -> Hosted,
    ) -> Self {
        let clock = Arc::new(Ahead::default());
        let products = [erp, Product::Shopify];
        let world = World::open(&products, Extent { items, seed: 7 }, clock.clone()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let wishes = Wishes { egress: world.urls(), ..Wishes::default() };
        let server = host(dir.path(), &wishes, clock.clone()).await;
        let (url, data_dir) = (server.url(), dir.path().to_owned());
        let client =
            |tenant: Option<&str>| Client::at(&url, read_key(&data_dir).unwrap(), tenant.map(str::to_owned)).unwrap();
        setup::set_up(&client(None), &components(), &world).await.unwrap();
        let client = Arc::new(client(Some(TENANT)));
        world.tell(&url, TENANT).await.unwrap();
        setup::activate(&client, &world).await.unwrap();
        watch::until_quiet(&client, world.now(), |_| ()).await.unwrap();
        let mark = Mark::now(&world.seats);
        let mut stage = Self { world, server, data_dir, client, clock, first: Vec::new(), mark, _dir: dir };
        stage.first = stage.held();
        stage
    }

    /// Returns once both systems were read again and nothing waits.
    pub async fn quiet(&self) {
        watch::until_quiet(&self.client, self.world.now(), |_| ()).await.unwrap();
    }

    /// So much time passes at once, for the server and for both systems.
    pub fn pass(&self, ms: u64) {
        assert!(matches!(self.server, Hosted::Within(_)), "a server of its own has the clock of the machine");
        self.clock.pass(ms);
    }

    /// What both systems hold now.
    #[must_use]
    pub fn held(&self) -> Vec<Held> {
        latency::held(&self.world.seats, self.world.now())
    }

    /// The story of a record as its timeline tells it, a line an event: what a failing test prints.
    pub async fn story(&self, kind: &str, key: &str) -> String {
        let told = self.client.list(&["records", kind, key, "timeline"], &[], 500).await;
        let lines = told.map(|it| it["items"].as_array().cloned().unwrap_or_default());
        lines.map_or_else(|error| error.to_string(), |it| it.iter().map(|line| format!("{line}\n")).collect())
    }

    /// Reads both systems back and compares them with each other and with what people did.
    pub fn judge(&self, done: &Done) -> judge::Verdict {
        judge::judge((&self.world.seats, self.world.now()), &self.first, &since(&self.world.seats, &self.mark), done)
    }
}

/// The shipped components, built if they are not there yet.
pub fn components() -> Components {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let dir = BUILT.get_or_init(|| {
        let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().unwrap();
        let dir = metadata.target_directory.join("components").into_std_path_buf();
        if !dir.join("netsuite.wasm").exists() {
            let built = Command::new("cargo").args(["xtask", "components"]).status().unwrap();
            assert!(built.success(), "the components were not built");
        }
        dir
    });
    Components(dir.clone())
}
