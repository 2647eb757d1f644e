//! What a tenant does once: uploads components, links its accounts, says who owns what.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};

use super::world::{HOOK_SECRET, World, erp_credentials, shop_credentials, shop_hook_secret};
use crate::cli::client::Client;

/// The tenant's name.
pub const TENANT: &str = "workshop";
/// The slots the demonstration fills, and the component for each.
const SLOTS: [(&str, &str); 7] = [
    ("connector:netsuite", "netsuite"),
    ("connector:shopify", "shopify"),
    ("pricing", "volume-pricing"),
    ("conflict:owner", "owner-wins"),
    ("conflict:newest", "newest-wins"),
    ("conflict:stock", "stock-delta"),
    ("conflict:status", "status-lattice"),
];

/// Where components are.
#[derive(Debug, Clone)]
pub struct Components(pub PathBuf);

impl Components {
    /// The directory that was named, or the one next to the build.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn find(named: Option<&Path>) -> anyhow::Result<Self> {
        let dir = named.map_or_else(|| PathBuf::from("target/components"), Path::to_owned);
        if !dir.is_dir() {
            bail!("there are no components in {}: build them with `cargo xtask components`", dir.display());
        }
        Ok(Self(dir))
    }

    /// A component's bytes.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.0.join(format!("{name}.wasm"));
        std::fs::read(&path).with_context(|| format!("cannot read {}: run `cargo xtask components`", path.display()))
    }
}

/// Makes the tenant with its components, connections and rules. Nothing moves yet: see [`activate`].
///
/// # Errors
/// When the server refuses any of it.
pub async fn set_up(client: &Client, components: &Components, world: &World) -> anyhow::Result<()> {
    client.post(&["tenants"], Some(&json!({"name": TENANT}))).await?;
    for (slot, component) in SLOTS {
        fill(client, slot, &components.read(component)?).await?;
    }
    for connection in [erp(world), shop(world)] {
        client.post(&["connections"], Some(&connection)).await?;
    }
    client.put(&["rules"], &rules()).await?;
    Ok(())
}

/// Uploads a component and lets it answer its slot. Gives the release.
///
/// # Errors
/// When the server refuses it.
pub async fn fill(client: &Client, slot: &str, component: &[u8]) -> anyhow::Result<u64> {
    let release = client.upload(&["slots", slot, "releases"], component).await?;
    let number = release["id"].as_u64().context("a release without a number")?;
    client.post(&["slots", slot, "activate"], Some(&json!({"release": number}))).await?;
    Ok(number)
}

/// Checks both connections; those that pass begin to work.
///
/// # Errors
/// When one does not pass.
pub async fn activate(client: &Client) -> anyhow::Result<()> {
    for name in ["erp", "shop"] {
        let checked = client.post(&["connections", name, "check"], None).await?;
        if checked["ok"] != true {
            bail!("the check of `{name}` failed: {}", checked["findings"]);
        }
    }
    Ok(())
}

fn erp(world: &World) -> Json {
    let url = world.erp_url();
    json!({
        "name": "erp",
        "spec": {
            "connector": "connector:netsuite",
            "settings": {
                "base-url": url,
                "adjustment-account": "58",
                "price-lists": "1=base, 2=wholesale, 3=gold",
                "order-location": "1",
            },
            "egress": [url],
            "rank": 0,
            "kinds": {
                "location": direction(false), "item": direction(true), "company": direction(true), "stock-level": direction(true), "price": direction(true),
                "order": direction(true),
            },
            "poll_every_ms": polls(1_500 * u64::from(world.extent.items).div_ceil(1_000)),
            "overlap_ms": 0,
        },
        "credentials": {"auth": erp_credentials(), "webhook": [{"secret": HOOK_SECRET}]},
    })
}

fn shop(world: &World) -> Json {
    let url = world.shop_url();
    json!({
        "name": "shop",
        "spec": {
            "connector": "connector:shopify",
            "settings": {"base-url": url},
            "egress": [url],
            "rank": 1,
            "kinds": {
                "location": direction(false), "item": direction(true), "company": direction(true), "stock-level": direction(true), "price": direction(true),
                "order": direction(false),
            },
            "poll_every_ms": polls(700),
            "overlap_ms": 0,
        },
        "credentials": {"auth": shop_credentials(), "webhook": [{"secret": shop_hook_secret()}]},
    })
}

/// Everything that can be asked for by time is polled more than once a second. The ERP's prices cannot: they are read
/// whole, so the more there are, the seldomer.
fn polls(prices_ms: u64) -> Json {
    json!({
        "location": 60_000, "item": 700, "company": 10_000, "stock-level": 700, "order": 700,
        "price": prices_ms,
    })
}

fn rules() -> Json {
    json!({"fields": [
        {"kind": "item", "field": "title", "policy": "conflict:newest"},
        {"kind": "item", "field": "*", "owner": "erp", "policy": "conflict:owner"},
        {"kind": "company", "field": "*", "owner": "erp", "policy": "conflict:owner"},
        {"kind": "stock-level", "field": "on_hand", "policy": "conflict:stock"},
        {"kind": "price", "field": "breaks", "owner": "erp", "policy": "conflict:owner"},
        {"kind": "price", "field": "*", "policy": "conflict:newest"},
        {"kind": "order", "field": "status", "policy": "conflict:status"},
    ]})
}

fn direction(writes: bool) -> Json {
    json!({"reads": true, "writes": writes, "creates": writes})
}
