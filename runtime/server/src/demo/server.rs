//! The server of the demonstration: this very binary, as a process of its own, on a fresh data directory.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use crate::cli::client::{Client, read_key, read_url};

/// How long the server may take to open its door.
const OPENS_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to end what it is doing.
const ENDS_WITHIN: Duration = Duration::from_secs(40);
/// Where its log goes.
const LOG: &str = "server.log";

/// A running server. Killed when dropped.
pub struct Server {
    child: Child,
    /// Where it keeps everything.
    pub data_dir: PathBuf,
    /// Its address.
    pub url: String,
}

impl Server {
    /// Starts one that may reach `egress` and listens on a free port.
    ///
    /// # Errors
    /// When it does not open its door; its log says why.
    pub async fn start(data_dir: &Path, egress: &[String], store: Option<&str>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data_dir).with_context(|| format!("cannot make {}", data_dir.display()))?;
        let config = data_dir.join("truthsource.toml");
        std::fs::write(&config, configuration(data_dir, egress, store)?)
            .with_context(|| format!("cannot write {}", config.display()))?;
        let log = std::fs::File::create(data_dir.join(LOG))?;
        let program = std::env::current_exe().context("cannot find our own program")?;
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
        let mut server = Self { child, data_dir: data_dir.to_owned(), url: String::new() };
        server.url = tokio::time::timeout(OPENS_WITHIN, server.opened())
            .await
            .unwrap_or_else(|_| bail!("the server did not open its door; see {}", data_dir.join(LOG).display()))?;
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

fn configuration(data_dir: &Path, egress: &[String], store: Option<&str>) -> anyhow::Result<String> {
    let mut table = toml::Table::new();
    table.insert("data_dir".to_owned(), data_dir.to_str().context("the data directory's name is no text")?.into());
    let mut section = |name: &str, key: &str, value: toml::Value| {
        table.insert(name.to_owned(), toml::Table::from_iter([(key.to_owned(), value)]).into());
    };
    section("http", "listen", "127.0.0.1:0".into());
    section("egress", "allow", egress.iter().map(|it| toml::Value::from(it.as_str())).collect::<Vec<_>>().into());
    section("log", "filter", "warn".into());
    if let Some(url) = store {
        section("store", "url", url.into());
    }
    Ok(table.to_string())
}
