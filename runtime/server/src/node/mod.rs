//! A running node: its parts, its door, and how it ends.

mod parts;
mod workers;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::auth::mint;
use crate::config::Config;
use crate::engine::ports::Clock;
use crate::http::{Door, accept, router};
use crate::telemetry;

/// The file in the data directory that says where the server is.
pub const SERVER_FILE: &str = "server.json";
/// How often last uses of keys are written down, and how far tenants have come.
const NOTES_EVERY: Duration = Duration::from_secs(30);
/// How often histograms forget.
const METRICS_EVERY: Duration = Duration::from_secs(5);

/// Where a server is: what `server.json` holds, for commands on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Its address.
    pub url: String,
}

/// A running node. Ends with [`Node::stop`]; when dropped, its door closes and nobody waits for what is open.
pub struct Node {
    /// The address it listens on.
    pub addr: SocketAddr,
    /// Its parts.
    pub app: App,
    /// Its door.
    pub door: Door,
    /// The file of the operator's first key, if this start made it.
    pub first_key: Option<PathBuf>,
    data_dir: PathBuf,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// Opens the door of a node whose parts are there already: listens, makes the operator's first key, and says
    /// where it is.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub async fn open(config: &Config, app: App, listener: TcpListener) -> anyhow::Result<Self> {
        let addr = listener.local_addr()?;
        telemetry::count();
        let door = Door::new(app.clone(), config.http.limits())?;
        let now = app.clock.now();
        let first_key = mint::first_operator_key(&*app.control, &config.data_dir, now).await?;
        say_where(config, addr)?;
        let (stop, stopped) = watch::channel(false);
        let mut tasks = vec![tokio::spawn(accept::serve(listener, router(&door), config.http.pace(), stopped.clone()))];
        tasks.push(tokio::spawn(keep_up(door.clone(), stopped)));
        Ok(Self { addr, app, door, first_key, data_dir: config.data_dir.clone(), stop, tasks })
    }

    /// Turns true when the node is to stop: for the workers that go with it.
    #[must_use]
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Takes a worker in: [`Node::stop`] waits for it.
    pub fn adopt(&mut self, worker: JoinHandle<()>) {
        self.tasks.push(worker);
    }

    /// The address for clients on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(self.addr)
    }

    /// Takes no more requests, lets those that run end, and then the workers.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
        if let Err(error) = self.door.keyring.flush_used().await {
            tracing::warn!(error = %error, "last uses of keys were not written down");
        }
        // Nobody is there any more.
        let _ = std::fs::remove_file(self.data_dir.join(SERVER_FILE));
    }
}

/// What a node stands on.
pub struct Ground {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The program that compiles components in a process of its own, as `program compile-child`.
    pub program: PathBuf,
}

impl Ground {
    /// This machine, and the program that is running.
    ///
    /// # Errors
    /// When the program cannot be found.
    pub fn machine() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find our own program")?;
        Ok(Self { clock: Arc::new(MachineClock), program })
    }
}

async fn listen(at: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(at).await.with_context(|| format!("cannot listen on {at}"))
}

/// Where systems outside reach a node that listens there, as the operator says it; `None` where nothing is said.
fn public_url(said: &str, here: SocketAddr) -> Option<String> {
    let mut url: url::Url = said.parse().ok()?;
    if url.port() == Some(0) {
        url.set_port(Some(here.port())).ok()?;
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Starts a whole node: opens the stores in the data directory, the components, the workers and the door.
///
/// # Errors
/// [`crate::store::OpenError`] for a data directory that is in use, of a newer version or not to be written; an address
/// that is taken.
pub async fn start(config: Config, ground: Ground) -> anyhow::Result<Node> {
    // First, and not served yet: the parts are told where they will be reached.
    let listener = listen(config.http.listen).await?;
    let public_url = public_url(&config.http.public_url, listener.local_addr()?);
    let parts = parts::open(&config, ground, public_url).await?;
    let mut node = Node::open(&config, parts.app, listener).await?;
    let grace = Duration::from_millis(config.work.grace_ms);
    let workers = workers::run(node.app.clone(), parts.service, grace, node.stopping());
    node.adopt(tokio::spawn(workers));
    Ok(node)
}

fn url_of(addr: SocketAddr) -> String {
    let mut near = addr;
    if addr.ip().is_unspecified() {
        near.set_ip(if addr.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    format!("http://{near}")
}

fn say_where(config: &Config, addr: SocketAddr) -> anyhow::Result<()> {
    let path = config.data_dir.join(SERVER_FILE);
    let text = serde_json::to_vec(&Whereabouts { url: url_of(addr) })?;
    mint::write_private(&path, &text).with_context(|| format!("cannot write {}", path.display()))
}

async fn keep_up(door: Door, mut stopped: watch::Receiver<bool>) {
    let mut metrics = tokio::time::interval(METRICS_EVERY);
    let mut notes = tokio::time::interval(NOTES_EVERY);
    loop {
        tokio::select! {
            _ = metrics.tick() => telemetry::keep_up(),
            _ = notes.tick() => {
                if let Err(error) = door.keyring.flush_used().await {
                    tracing::warn!(error = %error, "last uses of keys were not written down");
                }
                if let Err(error) = door.app.control.note_progress().await {
                    tracing::warn!(error = %error, "how far tenants have come was not written down");
                }
            }
            _ = async { stopped.wait_for(|it| *it).await.is_ok() } => break,
        }
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> truthsource_core::UnixMs {
        let ms = jiff::Timestamp::now().as_millisecond();
        truthsource_core::UnixMs(u64::try_from(ms).unwrap_or(0))
    }
}

/// A node in memory, for tests of the door and of the command line.
#[cfg(test)]
pub(crate) async fn of_fakes(data_dir: &std::path::Path) -> (Node, Arc<crate::http::fake::Control>) {
    let world = crate::http::fake::world();
    let mut config = crate::config::load(None).unwrap();
    config.data_dir = data_dir.to_owned();
    config.http.listen = ([127, 0, 0, 1], 0).into();
    (Node::open(&config, world.app, listen(config.http.listen).await.unwrap()).await.unwrap(), world.control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_says_where_it_is_until_it_stops() {
        let dir = tempfile::tempdir().unwrap();
        let (node, control) = of_fakes(dir.path()).await;
        let file = dir.path().join(SERVER_FILE);
        let said: Whereabouts = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(said.url, node.url());
        let key = std::fs::read_to_string(dir.path().join(mint::OPERATOR_KEY_FILE)).unwrap();
        let id = crate::auth::Token::parse(&key).unwrap().id().to_owned();
        assert!(control.keys.lock().unwrap().contains_key(&id));
        assert!(std::net::TcpStream::connect(node.addr).is_ok());
        node.stop().await;
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_second_start_makes_no_second_key() {
        let dir = tempfile::tempdir().unwrap();
        let (node, control) = of_fakes(dir.path()).await;
        let again = mint::first_operator_key(&*control, dir.path(), node.app.clock.now()).await.unwrap();
        assert_eq!((again, control.keys.lock().unwrap().len()), (None, 1));
    }

    #[tokio::test]
    async fn a_taken_address_is_said_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (node, _) = of_fakes(dir.path()).await;
        let mut config = crate::config::load(None).unwrap();
        config.data_dir = dir.path().to_owned();
        config.http.listen = node.addr;
        let error = listen(config.http.listen).await.err().unwrap();
        assert!(format!("{error:#}").contains(&node.addr.to_string()));
    }

    #[test]
    fn where_a_node_is_reached_is_what_its_operator_says() {
        let here = "127.0.0.1:4567".parse().unwrap();
        let check = |said: &str, expect: Option<&str>| assert_eq!(public_url(said, here).as_deref(), expect, "{said}");
        check("", None);
        check("https://truth.example", Some("https://truth.example"));
        check("https://truth.example:8443/", Some("https://truth.example:8443"));
        check("http://127.0.0.1:0", Some("http://127.0.0.1:4567"));
    }
}
