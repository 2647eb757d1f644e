//! Support for the integration tests; the tests are in `it/`.
//!
//! A [`Stage`] is the real thing, small: both simulated systems on ports of their own, and the server between them as a
//! process, with the shipped components. Nothing here sleeps for a while and hopes: what must happen is waited for.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use truthsource::cli::client::Client;
use truthsource::demo::latency::{Mark, since};
use truthsource::demo::reading::{Held, Names, Side, read};
use truthsource::demo::server::{Server, Wishes};
use truthsource::demo::setup::{self, Components, TENANT};
use truthsource::demo::traffic::Done;
use truthsource::demo::world::{Extent, World};
use truthsource::demo::{judge, watch};

/// Everything on stage.
pub struct Stage {
    /// Both systems.
    pub world: World,
    /// The server.
    pub server: Server,
    /// Speaks to it for the tenant.
    pub client: Arc<Client>,
    first: [Held; 2],
    mark: Mark,
    _dir: tempfile::TempDir,
}

impl Stage {
    /// Both systems linked and alike.
    pub async fn open(program: &Path, items: u32) -> Self {
        let world = World::open(Extent { items, seed: 7 }).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let wishes = Wishes { egress: vec![world.erp_url(), world.shop_url()], ..Wishes::default() };
        let server = Server::start(program, dir.path(), &wishes).await.unwrap();
        setup::set_up(&server.client(None).unwrap(), &components(), &world).await.unwrap();
        let client = Arc::new(server.client(Some(TENANT)).unwrap());
        world.tell(&server.url, TENANT).await.unwrap();
        setup::activate(&client).await.unwrap();
        watch::until_quiet(&client, 0, |_| ()).await.unwrap();
        let mark = Mark::now(&world);
        let mut stage = Self { world, server, client, first: Default::default(), mark, _dir: dir };
        stage.first = stage.held();
        stage
    }

    /// Returns once both systems were read again and nothing waits.
    pub async fn quiet(&self) {
        watch::until_quiet(&self.client, 0, |_| ()).await.unwrap();
    }

    /// Returns once both were read again when all their searches showed what is there by now, and nothing waits.
    pub async fn quiet_after(&self, lag_ms: u64) {
        watch::until_quiet(&self.client, lag_ms, |_| ()).await.unwrap();
    }

    /// What both systems hold now.
    #[must_use]
    pub fn held(&self) -> [Held; 2] {
        let names = Names::of(&self.world);
        Side::BOTH.map(|side| read(&self.world, &names, side))
    }

    /// Reads both systems back and compares them with each other and with what people did.
    pub fn judge(&self, done: &Done) -> judge::Verdict {
        judge::judge(&self.world, &self.first, &since(&self.world, self.mark), done)
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
