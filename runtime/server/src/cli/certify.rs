//! `truthsource plugin test`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::Value as Json;
use truthsource_host::{CallError, UploadError};

use super::Failure;
use super::output::Output;
use super::plugin::read;
use crate::certificate::{Certificate, markdown, text};
use crate::conform::{Dialect, Stand, examine};

/// What to try, and against what.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The connector, as built for `wasm32-wasip2`.
    component: PathBuf,
    /// The simulated system: netsuite, shopify, sap-b1, business-central or dataverse. By default what the component's name
    /// says.
    #[arg(long)]
    against: Option<Dialect>,
    /// A setting of its connection, as `name=value`; `{url}` in it is the simulated system's address.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// What is drawn is drawn from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Keep the certificate in this file, for `plugin push --certificate`.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Print a table in Markdown.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Test {
    /// Tries everything and prints the certificate. The exit code says whether anything was refuted.
    ///
    /// # Errors
    /// When it is no connector, or does not even say what it can do.
    pub(super) async fn run(&self, out: &Output) -> anyhow::Result<ExitCode> {
        let bytes = read(&self.component)?;
        let program = std::env::current_exe().context("cannot find our own program")?;
        let settings: BTreeMap<String, String> = self.settings.iter().cloned().collect();
        let stand = Stand::build((&bytes, program), self.against, settings, self.seed).await.map_err(named)?;
        let bar = out.progress(format!("trying {} against {}", stand.plugin, stand.against));
        let examined = examine(&stand, |what| bar.set_message(format!("trying {what}"))).await;
        bar.finish_and_clear();
        let certificate = examined.map_err(named)?;
        self.keep(&certificate)?;
        let document = serde_json::to_value(&certificate)?;
        out.show(&document, |_| if self.markdown { markdown(&certificate) } else { text(&certificate) })?;
        let is_good = certificate.refuted().next().is_none();
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn keep(&self, certificate: &Certificate) -> anyhow::Result<()> {
        let Some(path) = &self.certificate else { return Ok(()) };
        let document: Json = serde_json::to_value(certificate)?;
        let text = format!("{document:#}\n");
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The stable names of what a component did wrong before anything could be tried.
fn named(error: anyhow::Error) -> anyhow::Error {
    let upload = error.downcast_ref::<UploadError>().map(UploadError::code);
    let call = error.downcast_ref::<CallError>().map(CallError::code);
    let world = error.downcast_ref::<truthsource_host::WrongWorld>().map(|_| "wrong-world");
    match upload.or(call).or(world) {
        Some(code) => Failure::new(code, format!("{error:#}")).into(),
        None => error,
    }
}
