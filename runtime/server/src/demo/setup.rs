//! What a tenant does once: uploads components, links its accounts, says who owns what.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};

use super::account;
use super::world::World;
use crate::cli::client::Client;

/// The tenant's name.
pub const TENANT: &str = "workshop";
/// The slots the demonstration fills besides those of connectors, and the component for each.
const SLOTS: [(&str, &str); 5] = [
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
    for ((rank, seat), url) in world.seats.iter().enumerate().zip(world.urls()) {
        let connector = seat.product.as_str();
        fill(client, &format!("connector:{connector}"), &components.read(connector)?).await?;
        let connection = account::connection(seat, &url, rank, world.extent.items);
        client.post(&["connections"], Some(&connection)).await?;
    }
    let owner = world.seats.first().context("a world without systems")?;
    client.put(&["rules"], &rules(owner.name())).await?;
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

/// Checks every connection; those that pass begin to work.
///
/// # Errors
/// When one does not pass.
pub async fn activate(client: &Client, world: &World) -> anyhow::Result<()> {
    for name in world.seats.iter().map(|it| it.name()) {
        let checked = client.post(&["connections", name, "check"], None).await?;
        if checked["ok"] != true {
            bail!("the check of `{name}` failed: {}", checked["findings"]);
        }
    }
    Ok(())
}

/// Who decides: what only one may say is the owner's.
#[must_use]
pub fn rules(owner: &str) -> Json {
    json!({"fields": [
        {"kind": "item", "field": "title", "policy": "conflict:newest"},
        {"kind": "item", "field": "*", "owner": owner, "policy": "conflict:owner"},
        {"kind": "company", "field": "*", "owner": owner, "policy": "conflict:owner"},
        {"kind": "stock-level", "field": "on_hand", "policy": "conflict:stock"},
        {"kind": "price", "field": "breaks", "owner": owner, "policy": "conflict:owner"},
        {"kind": "price", "field": "*", "policy": "conflict:newest"},
        {"kind": "order", "field": "status", "policy": "conflict:status"},
    ]})
}
