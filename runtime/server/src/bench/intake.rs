//! Webhooks in: how many a second are taken for good, and whether what was taken is there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_lc_rs::hmac;
use base64::Engine as _;
use clap::Args;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Measured, Target, ms, percentile};
use crate::cli::output::Output;
use crate::demo::server::{Server, Wishes};
use crate::demo::setup::{Components, fill};

/// The tenant that webhooks are sent to.
pub const TENANT: &str = "intake";
const SECRET: &str = "what-the-shop-signs-with";
/// One webhook of so many is sent twice.
const TWICE: u64 = 20;

/// Webhooks a second.
#[derive(Debug, Clone, Args)]
pub struct Intake {
    /// For so long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Connections that send, one webhook after the other each.
    #[arg(long, default_value_t = 64)]
    callers: u64,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    /// From the last byte sent to the answer.
    waits: Vec<Duration>,
    /// Different webhooks that were acknowledged.
    fresh: u64,
}

impl Intake {
    pub(super) async fn run(&self, components: Option<&Path>, out: &Output) -> anyhow::Result<Measured> {
        let dir = tempfile::tempdir()?;
        // Nothing is to be turned away: what is measured is how much can be taken.
        let wishes = Wishes { hooks_per_second_max: Some(1_000_000), ..Wishes::default() };
        let server = Server::start(&std::env::current_exe()?, dir.path(), &wishes).await?;
        prepare(&server, &Components::find(components)?).await?;
        let bar = out.progress(format!("sending webhooks for {} s", self.seconds));
        let until = Instant::now() + Duration::from_secs(self.seconds);
        let mut callers = JoinSet::new();
        let began = Instant::now();
        for caller in 0..self.callers {
            callers.spawn(send(Sender::connect(&server).await?, caller, until));
        }
        let (mut waits, mut fresh) = (Vec::new(), 0);
        while let Some(seen) = callers.join_next().await {
            let seen = seen??;
            waits.extend(seen.waits);
            fresh += seen.fresh;
        }
        let took = began.elapsed();
        bar.finish_and_clear();
        let stored = counted(&server, "new").await?;
        server.stop().await?;
        waits.sort_unstable();
        let rate = waits.len() as f64 / took.as_secs_f64();
        let (p50, p99) = (ms(percentile(&waits, 500)), ms(percentile(&waits, 990)));
        let figures = json!({
            "webhooks": waits.len(),
            "per_second": rate,
            "ack_ms": {"p50": p50, "p99": p99},
            "acknowledged": fresh,
            "stored": stored,
            "callers": self.callers,
        });
        let targets = vec![
            Target::at_least("webhooks a second", rate, 3_000.0),
            Target::below("acknowledged p99 (ms)", p99, 50.0),
            Target::none("acknowledged and not stored once", fresh.abs_diff(stored)),
        ];
        Ok((figures, targets))
    }
}

/// Makes a tenant with a connection that takes webhooks.
///
/// # Errors
/// When the server refuses any of it.
pub async fn prepare(server: &Server, components: &Components) -> anyhow::Result<()> {
    server.client(None)?.post(&["tenants"], Some(&json!({"name": TENANT}))).await?;
    let client = server.client(Some(TENANT))?;
    fill(&client, "connector:shopify", &components.read("shopify")?).await?;
    let connection = json!({
        "name": "shop",
        "spec": {
            "connector": "connector:shopify", "egress": [], "rank": 1,
            "kinds": {"stock-level": {"reads": true, "writes": false, "creates": false}},
        },
        "credentials": {"webhook": [{"secret": SECRET}]},
    });
    client.post(&["connections"], Some(&connection)).await.map(drop)
}

/// How many webhooks the server has counted with this outcome since it started: `new`, `duplicate`.
///
/// # Errors
/// When it does not say.
pub async fn counted(server: &Server, outcome: &str) -> anyhow::Result<u64> {
    let text = reqwest::get(format!("{}/metrics", server.url)).await?.text().await?;
    let is_its = |it: &&str| it.starts_with("hooks_total") && it.contains(&format!("\"{outcome}\""));
    let Some(line) = text.lines().find(is_its) else { return Ok(0) };
    line.rsplit(' ').next().and_then(|it| it.parse().ok()).context("a count that is no number")
}

/// One connection that sends webhooks, one after the other.
pub struct Sender {
    addr: String,
    socket: TcpStream,
    key: hmac::Key,
    buffer: Vec<u8>,
}

impl Sender {
    /// Connects to the server.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(server: &Server) -> anyhow::Result<Self> {
        let addr = server.url.trim_start_matches("http://").to_owned();
        let socket = TcpStream::connect(&addr).await?;
        socket.set_nodelay(true)?;
        Ok(Self { addr, socket, key: hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), buffer: vec![0; 4_096] })
    }

    /// Sends webhook number `n` of `caller` and returns once it was acknowledged.
    ///
    /// # Errors
    /// When it was refused, or nobody answered.
    pub async fn send(&mut self, caller: u64, n: u64) -> anyhow::Result<()> {
        let request = webhook(&self.addr, &self.key, caller, n);
        self.send_again(&request).await
    }

    async fn send_again(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.socket.write_all(request).await?;
        answered(&mut self.socket, &mut self.buffer).await
    }
}

/// Sends webhooks one after the other over one connection.
async fn send(mut sender: Sender, caller: u64, until: Instant) -> anyhow::Result<Seen> {
    let (mut seen, mut n) = (Seen::default(), 0);
    while Instant::now() < until {
        n += 1;
        let request = webhook(&sender.addr, &sender.key, caller, n);
        for _ in 0..=u64::from(n % TWICE == 0) {
            let sent = Instant::now();
            sender.send_again(&request).await?;
            seen.waits.push(sent.elapsed());
        }
        seen.fresh += 1;
    }
    Ok(seen)
}

fn webhook(addr: &str, key: &hmac::Key, caller: u64, n: u64) -> Vec<u8> {
    let body = json!({
        "inventory_item_id": 1_000_000 + (caller * 1_000 + n) % 5_000, "location_id": 67, "available": n,
        "updated_at": "2026-11-21T03:01:02-05:00",
        "admin_graphql_api_id": format!("gid://shopify/InventoryLevel/1160?inventory_item_id={n}"),
    })
    .to_string();
    let signature = base64::engine::general_purpose::STANDARD.encode(hmac::sign(key, body.as_bytes()));
    format!(
        "POST /hooks/{TENANT}/shop HTTP/1.1\r\nhost: {addr}\r\ncontent-type: application/json\r\n\
         x-shopify-topic: inventory_levels/update\r\nx-shopify-hmac-sha256: {signature}\r\n\
         x-shopify-webhook-id: {caller}-{n}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads one answer, which has a header and, here, no body.
async fn answered(socket: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut read = 0;
    while !buffer[..read].windows(4).any(|it| it == b"\r\n\r\n") {
        let n = socket.read(&mut buffer[read..]).await?;
        if n == 0 {
            bail!("the server closed the connection");
        }
        read += n;
    }
    if !buffer.starts_with(b"HTTP/1.1 200") {
        bail!("a webhook was refused: {}", String::from_utf8_lossy(&buffer[..read]));
    }
    Ok(())
}
