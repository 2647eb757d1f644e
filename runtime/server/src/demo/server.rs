//! A server as a process of its own, on a data directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use crate::cli::client::{Client, read_key, read_url};
use crate::node::SERVER_FILE;

/// How long the server may take to open its door.
const OPENS_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to end what it is doing.
const ENDS_WITHIN: Duration = Duration::from_secs(40);
/// Where its log goes.
const LOG: &str = "server.log";

/// What is wished beside the defaults.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Origins that connections may reach although they are on this machine.
    pub egress: Vec<String>,
    /// Where data is kept.
    pub store: Option<String>,
    /// Webhooks a second for one connection.
    pub hooks_per_second_max: Option<u32>,
    /// Where its door is; by default wherever there is room.
    pub listen: Option<SocketAddr>,
}

impl Wishes {
    /// Writes the configuration of a server that keeps everything in this directory, and gives its file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data_dir: &Path) -> anyhow::Result<PathBuf> {
        std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
        let config = data_dir.join("truthsource.toml");
        std::fs::write(&config, configuration(data_dir, self)?)
            .with_context(|| format!("cannot write {}", config.display()))?;
        Ok(config)
    }
}

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    program: PathBuf,
    wishes: Wishes,
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Its address.
    pub url: String,
}

impl Server {
    /// Starts `program serve`.
    ///
    /// # Errors
    /// When it does not open its door; its log says why.
    pub async fn start(program: &Path, data_dir: &Path, wishes: &Wishes) -> anyhow::Result<Self> {
        let config = wishes.write(data_dir)?;
        // One that was killed could not take back where it was.
        let _ = std::fs::remove_file(data_dir.join(SERVER_FILE));
        let log = std::fs::File::create(data_dir.join(LOG))?;
        let child = Command::new(program)
            .arg("--config")
            .arg(&config)
            .args(["serve", "--until-stdin-ends"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the server")?;
        let (program, wishes, data_dir) = (program.to_owned(), wishes.clone(), data_dir.to_owned());
        let mut server = Self { child, program, wishes, data_dir, url: String::new() };
        server.url = tokio::time::timeout(OPENS_WITHIN, server.opened()).await.unwrap_or_else(|_| {
            bail!("the server did not open its door; see {}", server.data_dir.join(LOG).display())
        })?;
        Ok(server)
    }

    async fn opened(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.data_dir.join(LOG)).unwrap_or_default();
                bail!("the server ended with {status}: {}", log.trim());
            }
            if let Ok(url) = read_url(&self.data_dir) {
                return Ok(url);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A client with the operator's key.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn client(&self, tenant: Option<&str>) -> anyhow::Result<Client> {
        Client::at(&self.url, read_key(&self.data_dir)?, tenant.map(str::to_owned))
    }

    /// The number of its process; `None` when it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the server had ended already")
    }

    /// Kills it as a power cut would, and starts another on what it left, at the same address.
    ///
    /// # Errors
    /// When it has ended already, or the other does not open its door.
    pub async fn killed(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("the server had ended already")?;
        let address = self.url.trim_start_matches("http://");
        let listen = Some(address.parse().with_context(|| format!("`{address}` is no address"))?);
        *self = Self::start(&self.program, &self.data_dir, &Wishes { listen, ..self.wishes.clone() }).await?;
        Ok(())
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or not well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let ended = tokio::time::timeout(ENDS_WITHIN, self.child.wait()).await;
        let status = ended.context("the server did not end")??;
        if !status.success() {
            bail!("the server ended with {status}; see {}", self.data_dir.join(LOG).display());
        }
        Ok(())
    }
}

fn configuration(data_dir: &Path, wishes: &Wishes) -> anyhow::Result<String> {
    let dir = data_dir.to_str().context("the data directory's name is no text")?;
    let listen = wishes.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))).to_string();
    let here = [("public_url", format!("http://{listen}")), ("listen", listen)];
    let mut http: toml::Table = here.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    if let Some(n) = wishes.hooks_per_second_max {
        http.insert("hooks_per_second_max".to_owned(), i64::from(n).into());
    }
    let allow: Vec<toml::Value> = wishes.egress.iter().map(|it| it.as_str().into()).collect();
    let mut sections = vec![
        ("http", http),
        ("egress", toml::Table::from_iter([("allow".to_owned(), allow.into())])),
        // The shipped connectors are certified by tests of their own.
        ("plugins", toml::Table::from_iter([("trust".to_owned(), "declared".into())])),
        ("log", toml::Table::from_iter([("filter".to_owned(), "warn".into())])),
    ];
    if let Some(url) = &wishes.store {
        sections.push(("store", toml::Table::from_iter([("url".to_owned(), url.as_str().into())])));
    }
    let mut table = toml::Table::from_iter([("data_dir".to_owned(), dir.into())]);
    table.extend(sections.into_iter().map(|(name, section)| (name.to_owned(), section.into())));
    Ok(table.to_string())
}
