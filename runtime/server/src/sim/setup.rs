//! A tenant's own connections, rules and components, to be simulated instead of the shipped ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use truthsource_core::Kind;

use crate::demo::law::Law;
use crate::demo::seated;
use crate::demo::world::Product;
use crate::engine::rules::RulesSpec;
use crate::store::Connection;

/// What of a tenant is its own. Nothing of it: the shipped components under the rules of the demonstration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Its connections, the one first that the others are compared with; none: the usual ones.
    #[serde(default)]
    pub connections: Vec<Link>,
    /// Conflict policies and validators by the slots that they fill, as paths of components.
    #[serde(default)]
    pub slots: BTreeMap<String, PathBuf>,
    /// Who owns what, and who decides.
    #[serde(default)]
    pub rules: Option<RulesSpec>,
}

/// A connection to a simulated system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which system.
    pub system: Product,
    /// What the tenant calls it.
    #[serde(default)]
    pub name: Option<String>,
    /// The path of its connector; else the shipped one.
    #[serde(default)]
    pub component: Option<PathBuf>,
    /// The path of the tenant's mapping.
    #[serde(default)]
    pub mapping: Option<PathBuf>,
    /// Its authority, 0 the highest; else its place.
    #[serde(default)]
    pub rank: Option<u32>,
    /// Settings, beside those that lead to the simulated system.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

impl Link {
    /// What the connection is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.system.connection().to_owned())
    }
}

impl Setup {
    /// Reads one. Paths in it are relative to where it lies.
    ///
    /// # Errors
    /// When it cannot be read or meant, or a component is not there.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let dir = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, dir).with_context(|| format!("{} cannot be simulated", path.display()))
    }

    fn parse(text: &str, dir: &Path) -> anyhow::Result<Self> {
        let mut setup: Self = toml::from_str(text)?;
        let systems: Vec<Product> = setup.connections.iter().map(|it| it.system).collect();
        let once: BTreeSet<Product> = systems.iter().copied().collect();
        if let Some(twice) = once.iter().find(|it| systems.iter().filter(|other| other == it).count() > 1) {
            bail!("two connections lead to {twice}: the simulation has each system once");
        }
        if systems.len() == 1 {
            bail!("it has one connection, and it takes two systems to disagree");
        }
        if !systems.is_empty() && seated(&systems)? != systems {
            bail!("the first connection leads to a shop: put an ERP first, which has the items from the start");
        }
        let names: BTreeSet<String> = setup.connections.iter().map(Link::name).collect();
        if names.len() < systems.len() {
            bail!("two connections have one name");
        }
        for slot in setup.slots.keys() {
            if !slot.starts_with("conflict:") && validated(slot).is_none() {
                bail!(
                    "slot `{slot}`: only `conflict:…` and `validator:<kind>` can be filled here; connectors and mappings are named at their connections"
                );
            }
        }
        for (what, path) in setup.paths() {
            *path = dir.join(&*path);
            if !path.is_file() {
                bail!("{what}: there is no component at {}", path.display());
            }
        }
        Ok(setup)
    }

    /// Every path in it, and what is there.
    fn paths(&mut self) -> Vec<(String, &mut PathBuf)> {
        let mut paths = Vec::new();
        for link in &mut self.connections {
            let name = link.name();
            paths.extend(link.component.as_mut().map(|it| (format!("connection `{name}`"), it)));
            paths.extend(link.mapping.as_mut().map(|it| (format!("mapping of `{name}`"), it)));
        }
        paths.extend(self.slots.iter_mut().map(|(slot, it)| (format!("slot `{slot}`"), it)));
        paths
    }

    /// What is simulated of it where only these systems are, and the systems in their places. Its connections lead to all
    /// there are, or to every system where it has none.
    ///
    /// # Errors
    /// When it has no connection to one of them, or they are too few, or none is an ERP.
    pub fn among(mut self, named: Option<&[Product]>) -> anyhow::Result<(Self, Vec<Product>)> {
        let Some(named) = named else {
            let its: Vec<Product> = self.connections.iter().map(|it| it.system).collect();
            let systems = if its.is_empty() { Product::ALL.to_vec() } else { its };
            return Ok((self, systems));
        };
        let systems = seated(named)?;
        if let Some(none) = systems.iter().find(|it| !self.connections.is_empty() && self.link(**it).is_none()) {
            bail!("no connection leads to {none}");
        }
        self.connections.retain(|it| systems.contains(&it.system));
        Ok((self, systems))
    }

    /// The connection to a system, where anything is said of it.
    #[must_use]
    pub fn link(&self, system: Product) -> Option<&Link> {
        self.connections.iter().find(|it| it.system == system)
    }

    /// Nothing of the tenant is its own.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whose word stands under its rules.
    #[must_use]
    pub fn law(&self, names: &[String]) -> Law {
        self.rules.as_ref().map_or_else(Law::default, |it| Law::of(it, names))
    }

    /// Says what of its rules cannot be meant.
    ///
    /// # Errors
    /// When there is anything; `filled` are the slots of policies.
    pub fn checked(&self, connections: &[Connection], filled: &BTreeSet<String>) -> anyhow::Result<()> {
        let mistakes = self.rules.iter().flat_map(|it| it.mistakes(connections, filled));
        let mistakes: Vec<String> = mistakes.map(|it| format!("rules{}: {}", it.at, it.what)).collect();
        if mistakes.is_empty() { Ok(()) } else { bail!("{}", mistakes.join("\n")) }
    }
}

/// The kind whose records a slot's validator looks at.
#[must_use]
pub fn validated(slot: &str) -> Option<Kind> {
    let kind = slot.strip_prefix("validator:")?;
    Kind::ALL.into_iter().find(|it| it.as_str() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a setup that cannot be simulated.
    fn said(text: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.wasm"), b"").unwrap();
        Setup::parse(text, dir.path()).map_or_else(|it| format!("{it:#}"), |_| "nothing".to_owned())
    }

    const ERP: &str = "[[connections]]\nsystem = 'netsuite'\n";
    const SHOP: &str = "[[connections]]\nsystem = 'shopify'\n";

    #[test]
    fn some_of_its_systems_are_simulated() {
        let among = |text: &str, named: Option<&[Product]>| {
            let setup = Setup::parse(text, Path::new("")).unwrap().among(named);
            setup.map(|(setup, systems)| (setup.connections.len(), systems)).map_err(|it| it.to_string())
        };
        let two = [Product::Netsuite, Product::Shopify];
        let three = format!("{ERP}{SHOP}[[connections]]\nsystem = 'sap-b1'\n");
        assert_eq!(among(&three, None), Ok((3, vec![Product::Netsuite, Product::Shopify, Product::SapB1])));
        assert_eq!(among(&three, Some(&two)), Ok((2, two.to_vec())));
        assert_eq!(among("", Some(&two)), Ok((0, two.to_vec())));
        assert_eq!(among("", None), Ok((0, Product::ALL.to_vec())));
        let other = [Product::Netsuite, Product::Dynamics365];
        assert_eq!(among(&three, Some(&other)), Err("no connection leads to dynamics-365".to_owned()));
    }

    #[test]
    fn o3_what_cannot_be_simulated_is_said() {
        let cases = [
            (format!("{ERP}{SHOP}"), "nothing"),
            (format!("{ERP}component = 'mine.wasm'\n{SHOP}mapping = 'mine.wasm'"), "nothing"),
            (format!("{ERP}{SHOP}[slots]\n'conflict:mine' = 'mine.wasm'\n'validator:item' = 'mine.wasm'"), "nothing"),
            (format!("{ERP}component = 'none.wasm'\n{SHOP}"), "connection `erp`: there is no component at"),
            (format!("{ERP}{SHOP}[slots]\n'conflict:mine' = 'none.wasm'"), "slot `conflict:mine`: there is no"),
            (format!("{ERP}{SHOP}[slots]\n'pricing' = 'mine.wasm'"), "slot `pricing`: only"),
            (format!("{ERP}{ERP}"), "two connections lead to netsuite"),
            (String::new(), "nothing"),
            (ERP.to_owned(), "it has one connection"),
            (format!("{SHOP}{ERP}"), "the first connection leads to a shop"),
            (format!("{ERP}name = 'one'\n{SHOP}name = 'one'"), "two connections have one name"),
            (
                format!("{ERP}[[connections]]\nsystem = 'oracle'"),
                "unknown variant `oracle`, expected one of `netsuite`",
            ),
            (format!("{ERP}{SHOP}nme = 'x'"), "unknown field `nme`"),
        ];
        for (text, expect) in cases {
            assert!(said(&text).contains(expect), "{text}: {}", said(&text));
        }
    }
}
