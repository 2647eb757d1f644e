//! What an operator can set. The environment is read here and nowhere else.

mod allowed;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format as _, Toml};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

pub use self::allowed::Allowed;
use crate::http::Limits;
use crate::http::accept::Pace;
use crate::telemetry::LogFormat;

const DEFAULTS: &str = include_str!("../config.default.toml");
/// The store that needs nothing installed.
const SQLITE: &str = "sqlite:";
const PREFIX: &str = "TRUTHSOURCE_";
/// What the command line reads of the environment by itself; see `cli`.
const OF_THE_COMMAND_LINE: [&str; 5] = ["config", "data_dir", "url", "key", "tenant"];

/// Every setting; `config.default.toml` says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The door.
    pub http: Http,
    /// Where data is kept.
    pub store: Store,
    /// The way out.
    pub egress: Egress,
    /// What is done in the background.
    pub work: Work,
    /// Components.
    pub plugins: Plugins,
    /// Log lines.
    pub log: Log,
}

/// See `[http]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Http {
    pub listen: SocketAddr,
    pub public_url: String,
    pub connections_max: u32,
    pub header_ms: u64,
    pub body_ms: u64,
    pub idle_ms: u64,
    pub answer_ms: u64,
    pub grace_ms: u64,
    pub json_bytes_max: usize,
    pub upload_bytes_max: usize,
    pub hook_bytes_max: usize,
    pub bodies_bytes_max: usize,
    pub hooks_per_second_max: u32,
}

/// See `[store]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Store {
    pub url: String,
}

/// See `[egress]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Egress {
    pub allow: BTreeSet<Allowed>,
}

/// See `[work]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Work {
    pub grace_ms: u64,
}

/// See `[plugins]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Plugins {
    pub trust: Trust,
}

/// Whose word is taken for what a connector declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Its certificate's alone.
    Certified,
    /// Its own, where it has no certificate.
    Declared,
}

/// See `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml documents every key, and a test compares the two")]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

/// Why there is no configuration, in one line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The file system's words.
        reason: std::io::Error,
    },
    /// A source says something that is no setting.
    #[error("the configuration is not valid: {0}")]
    Invalid(String),
}

/// Defaults, then `file`, then `TRUTHSOURCE_*`; the later source wins.
///
/// # Errors
/// An unreadable file, text that is no TOML, an unknown key, a value that is none of its key.
pub fn load(file: Option<&Path>) -> Result<Config, Error> {
    let mut sources = Figment::from(Toml::string(DEFAULTS));
    if let Some(path) = file {
        let unreadable = |reason| Error::Unreadable { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        // Read on its own first, for an error that names the line.
        toml::from_str::<toml::Table>(&text).map_err(|error| {
            let line = error.span().map_or(1, |it| text[..it.start.min(text.len())].lines().count().max(1));
            Error::Invalid(format!("{}, line {line}: {}", path.display(), error.message().replace('\n', " ")))
        })?;
        sources = sources.merge(Toml::string(&text));
    }
    let environment = Env::prefixed(PREFIX).ignore(&OF_THE_COMMAND_LINE).split("__");
    let config: Config = sources.merge(environment).extract().map_err(|error| Error::Invalid(one_line(&error)))?;
    check(&config)?;
    Ok(config)
}

fn one_line(error: &figment::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    lines.join("; ")
}

fn check(config: &Config) -> Result<(), Error> {
    if config.store.url != SQLITE {
        let scheme = config.store.url.split(':').next().unwrap_or_default();
        return Err(Error::Invalid(format!("store.url: this build has no store for `{scheme}:`; there is `{SQLITE}`")));
    }
    let http = &config.http;
    let least = [http.header_ms, http.body_ms, http.idle_ms, http.answer_ms].into_iter().min().unwrap_or_default();
    if least == 0 || http.connections_max == 0 || http.hooks_per_second_max == 0 {
        return Err(Error::Invalid("times and numbers in [http] are above zero".to_owned()));
    }
    if !http.public_url.is_empty() && !is_origin(&http.public_url) {
        let why = "http.public_url is an address like `https://truth.example`, without a path";
        return Err(Error::Invalid(why.to_owned()));
    }
    let largest = http.json_bytes_max.max(http.upload_bytes_max).max(http.hook_bytes_max);
    if http.bodies_bytes_max < largest {
        return Err(Error::Invalid("http.bodies_bytes_max has no room for the largest body".to_owned()));
    }
    check_filter(&config.log.filter).map_err(|why| Error::Invalid(format!("log.filter: {why}")))
}

fn is_origin(text: &str) -> bool {
    let Ok(url) = text.parse::<url::Url>() else { return false };
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    matches!(url.scheme(), "http" | "https") && is_bare && url.path() == "/" && url.fragment().is_none()
}

/// A word alone is a level: taken for the name of a module, a misspelt one would silence everything.
fn check_filter(filter: &str) -> Result<(), String> {
    let words = filter.split(',').filter(|it| !it.is_empty() && !it.contains(['=', '[', ']', '{', '}']));
    for word in words {
        word.parse::<LevelFilter>().map_err(|_| format!("`{word}` is neither a level nor like `truthsource=debug`"))?;
    }
    EnvFilter::try_new(filter).map(drop).map_err(|error| format!("`{filter}`: {error}"))
}

impl Http {
    /// How patient the accept loop is.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            header: Duration::from_millis(self.header_ms),
            answer: Duration::from_millis(self.answer_ms),
            connections_max: usize::try_from(self.connections_max).unwrap_or(usize::MAX),
            grace: Duration::from_millis(self.grace_ms),
        }
    }

    /// What one client may ask.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            json_bytes_max: self.json_bytes_max,
            upload_bytes_max: self.upload_bytes_max,
            hook_bytes_max: self.hook_bytes_max,
            bodies_bytes_max: self.bodies_bytes_max,
            body: Duration::from_millis(self.body_ms),
            idle: Duration::from_millis(self.idle_ms),
            hooks_per_second_max: self.hooks_per_second_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("truthsource.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path)).map_err(|it| it.to_string())
    }

    #[test]
    fn the_defaults_are_whole_and_every_key_is_explained() {
        let config = load(None).unwrap();
        assert_eq!(config.http.listen, "127.0.0.1:8080".parse().unwrap());
        let mut explained = false;
        for line in DEFAULTS.lines() {
            match line.split_once(" = ") {
                Some((key, _)) if !line.starts_with('#') => {
                    assert!(explained, "{key} has no comment");
                    explained = false;
                }
                _ => explained = line.starts_with('#'),
            }
        }
    }

    #[test]
    fn a_file_overrides_what_it_names() {
        let config = with("[http]\nlisten = \"[::1]:0\"\n").unwrap();
        assert_eq!(config.http.listen, "[::1]:0".parse().unwrap());
        assert_eq!(config.http.json_bytes_max, 1 << 20);
    }

    #[test]
    fn a_mistake_is_one_clear_line() {
        for (text, word) in [
            ("data_dirs = \"x\"", "data_dirs"),
            ("[http]\nport = 80", "port"),
            ("[http]\nlisten = 80", "listen"),
            ("[http]\nlisten = \"nowhere\"", "listen"),
            ("[http]\nlisten = ", "line 2"),
            ("[http]\npublic_url = \"truth.example\"", "public_url"),
            ("[http]\npublic_url = \"https://truth.example/base\"", "public_url"),
            ("[http]\npublic_url = \"https://me@truth.example\"", "public_url"),
            ("[store]\nurl = \"oracle://scott:tiger@db\"", "`oracle:`"),
            ("[http]\nheader_ms = 0", "above zero"),
            ("[http]\nheader_ms = -1", "header_ms"),
            ("[http]\nbodies_bytes_max = 10", "no room"),
            ("[log]\nformat = \"xml\"", "xml"),
            ("[log]\nfilter = \"inof\"", "log.filter: `inof`"),
            ("[log]\nfilter = \"info,truthsource\"", "log.filter: `truthsource`"),
            ("[log]\nfilter = \"truthsource=loud\"", "log.filter: `truthsource=loud`"),
            ("[egress]\nallow = [\"erp.example\"]", "egress.allow"),
            ("[egress]\nallow = [\"https://a.example\", \"https://erp.example/rest\"]", "`https://erp.example/rest`"),
            ("[egress]\nallow = [\"ftp://erp.example\"]", "egress.allow"),
            ("[egress]\nallow = \"https://erp.example\"", "egress.allow"),
        ] {
            let error = with(text).unwrap_err();
            assert!(error.contains(word) && error.lines().count() == 1, "{text:?}: {error}");
        }
    }

    #[test]
    fn what_is_right_is_taken() {
        for text in [
            "[log]\nfilter = \"\"",
            "[log]\nfilter = \"off\"",
            "[log]\nfilter = \"WARN,truthsource::engine=debug,hyper=off\"",
            "[log]\nfilter = \"warn,[{tenant=acme}]=trace\"",
            "[egress]\nallow = [\"http://127.0.0.1:4567\", \"https://erp.example/\"]",
        ] {
            assert_eq!(with(text).err(), None, "{text:?}");
        }
    }

    #[test]
    fn i11_by_default_nobody_is_waited_for_longer_than_promised() {
        let http = load(None).unwrap().http;
        assert!(http.header_ms <= 10_000 && http.idle_ms <= 10_000, "a header, a pause");
        assert!(http.body_ms <= 30_000 && http.answer_ms <= 30_000, "a body, an answer");
    }

    #[test]
    fn an_unreadable_file_is_an_error_with_its_name() {
        let error = load(Some(Path::new("/no/such/file.toml"))).unwrap_err().to_string();
        assert!(error.contains("/no/such/file.toml") && error.lines().count() == 1, "{error}");
        assert!(load(Some(Path::new("/"))).is_err());
    }
}
