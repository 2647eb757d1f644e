//! Talking to a server.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use url::Url;

use super::{Failure, Global};
use crate::auth::mint::OPERATOR_KEY_FILE;
use crate::http::{Problem, TENANT_HEADER};
use crate::node::{SERVER_FILE, Whereabouts};

/// A server, and the key to it.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: SecretString,
    /// The tenant that was named, or found to be the only one.
    tenant: Mutex<Option<String>>,
}

/// A body to send.
enum Body<'a> {
    None,
    Json(&'a Json),
    Wasm(&'a [u8]),
}

impl Client {
    /// The server and key that were named, or those of the data directory.
    pub(super) fn new(global: &Global) -> anyhow::Result<Self> {
        let needs_dir = global.url.is_none() || global.key.is_none();
        let dir = if needs_dir { Some(global.configuration()?.data_dir) } else { None };
        let url = match (&global.url, &dir) {
            (Some(url), _) => url.clone(),
            (None, dir) => read_url(dir.as_deref().unwrap_or(Path::new(".")))?,
        };
        let key = match (&global.key, &dir) {
            (Some(key), _) => SecretString::from(key.clone()),
            (None, dir) => read_key(dir.as_deref().unwrap_or(Path::new(".")))?,
        };
        Self::at(&url, key, global.tenant.clone())
    }

    /// A server at this address, and a key to it. `tenant`: for an operator's key.
    pub fn at(url: &str, key: SecretString, tenant: Option<String>) -> anyhow::Result<Self> {
        let mut base = Url::parse(url).map_err(|_| Failure::new("usage", format!("`{url}` is no address")))?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // Uploads wait for the compiler.
            .timeout(Duration::from_secs(120))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { http, base, key, tenant: Mutex::new(tenant) })
    }

    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Json> {
        self.send(Method::GET, self.address(path, query)?, Body::None).await
    }

    pub async fn post(&self, path: &[&str], body: Option<&Json>) -> anyhow::Result<Json> {
        self.send(Method::POST, self.address(path, &[])?, body.map_or(Body::None, Body::Json)).await
    }

    pub async fn post_query(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Json> {
        self.send(Method::POST, self.address(path, query)?, Body::None).await
    }

    pub async fn post_with(&self, path: &[&str], query: &[(&str, String)], body: &Json) -> anyhow::Result<Json> {
        self.send(Method::POST, self.address(path, query)?, Body::Json(body)).await
    }

    pub async fn put(&self, path: &[&str], body: &Json) -> anyhow::Result<Json> {
        self.send(Method::PUT, self.address(path, &[])?, Body::Json(body)).await
    }

    pub async fn delete(&self, path: &[&str]) -> anyhow::Result<Json> {
        self.send(Method::DELETE, self.address(path, &[])?, Body::None).await
    }

    pub async fn upload(&self, path: &[&str], component: &[u8]) -> anyhow::Result<Json> {
        self.send(Method::POST, self.address(path, &[])?, Body::Wasm(component)).await
    }

    /// A listing, page by page, of at most `n_max` items; `more` says whether it has others.
    pub async fn list(&self, path: &[&str], query: &[(&str, String)], n_max: usize) -> anyhow::Result<Json> {
        let mut items = Vec::new();
        let mut query = query.to_vec();
        query.push(("limit", n_max.clamp(1, 500).to_string()));
        let fixed = query.len();
        let more = loop {
            let page = self.get(path, &query).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) if items.len() < n_max => {
                    query.truncate(fixed);
                    query.push(("cursor", next.to_owned()));
                }
                next => break next.is_some() || items.len() > n_max,
            }
        };
        items.truncate(n_max);
        Ok(serde_json::json!({"items": items, "more": more}))
    }

    /// An address under the server's, each part of the path encoded.
    fn address(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        let mut parts =
            url.path_segments_mut().map_err(|()| Failure::new("usage", "the server's address has no path"))?;
        parts.pop_if_empty().push("v1").extend(path);
        drop(parts);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends, and names the only tenant if the server asks which.
    async fn send(&self, method: Method, url: Url, body: Body<'_>) -> anyhow::Result<Json> {
        let first = self.send_once(method.clone(), url.clone(), &body).await;
        let unnamed = |it: &anyhow::Error| it.downcast_ref::<Failure>().is_some_and(|it| it.code == "tenant-missing");
        if !first.as_ref().is_err_and(unnamed) {
            return first;
        }
        let tenants = self.send_once(Method::GET, self.address(&["tenants"], &[])?, &Body::None).await?;
        let names: Vec<&str> =
            tenants["items"].as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
        let [only] = names[..] else {
            let message = match names[..] {
                [] => "there is no tenant yet: `truthsource tenant create` makes one".to_owned(),
                _ => format!("name a tenant with --tenant: there are {}", names.join(", ")),
            };
            return Err(Failure::new("tenant-missing", message).into());
        };
        self.tenant.lock().unwrap_or_else(std::sync::PoisonError::into_inner).replace(only.to_owned());
        self.send_once(method, url, &body).await
    }

    async fn send_once(&self, method: Method, url: Url, body: &Body<'_>) -> anyhow::Result<Json> {
        let mut request = self.http.request(method, url).bearer_auth(self.key.expose_secret());
        let tenant = self.tenant.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(tenant) = tenant {
            request = request.header(TENANT_HEADER, tenant);
        }
        request = match body {
            Body::None => request,
            Body::Json(json) => request.json(json),
            Body::Wasm(bytes) => request.header("content-type", "application/wasm").body(bytes.to_vec()),
        };
        let unreachable = |error: reqwest::Error| {
            let why = match error.is_connect() {
                true => "nobody answers there".to_owned(),
                false => format!("the connection broke: {}", root_of(&error)),
            };
            Failure::new("unreachable", format!("cannot reach the server at {}: {why}", self.base))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            return if bytes.is_empty() { Ok(Json::Null) } else { Ok(serde_json::from_slice(&bytes)?) };
        }
        match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Err(Failure::of_problem(problem).into()),
            Err(_) => {
                let message = format!("{} is no TruthSource server: it answered {status}", self.base);
                Err(Failure::new("unreachable", message).into())
            }
        }
    }
}

/// The innermost cause.
fn root_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_of)
}

pub fn read_url(dir: &Path) -> anyhow::Result<String> {
    let path = dir.join(SERVER_FILE);
    let missing = || {
        let message = format!("no server runs on {}: start one with `truthsource serve`, or give --url", dir.display());
        Failure::new("no-server", message)
    };
    let text = std::fs::read(&path).map_err(|_| missing())?;
    let found: Whereabouts =
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {}", path.display()))?;
    Ok(found.url)
}

pub fn read_key(dir: &Path) -> anyhow::Result<SecretString> {
    let path: PathBuf = dir.join(OPERATOR_KEY_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::new("no-key", format!("no key: cannot read {}: {error}; give --key", path.display()))
    })?;
    Ok(SecretString::from(text.trim().to_owned()))
}
