//! What a component's author says about it, inside its bytes, so that the digest covers it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::egress::Origin;
use crate::world::World;

/// The custom section that holds the manifest, as TOML.
pub const SECTION: &str = "truthsource:manifest";
/// The largest manifest, in bytes.
pub const BYTES_MAX: usize = 16 << 10;
/// The most origins a manifest may name.
pub const EGRESS_MAX: usize = 32;

/// A component's manifest.
///
/// ```toml
/// name = "volume-pricing"
/// version = "1.2.0"
/// world = "pricing-rule"
///
/// [wants]
/// memory-mib = 32
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// 1 to 64 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The author's own version: 1 to 32 printable characters.
    pub version: String,
    /// What it is for.
    pub world: World,
    /// For people, at most 1 000 characters.
    #[serde(default)]
    pub about: String,
    /// What it would like to be granted.
    #[serde(default)]
    pub wants: Wants,
}

/// What a component would like to be granted. The tenant decides.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wants {
    /// Settings of the connection that hold an origin to send requests to: `base-url`. Connectors only.
    #[serde(default)]
    pub http: BTreeSet<String>,
    /// Further origins, the same for every connection: `https://login.example`. Connectors only.
    #[serde(default)]
    pub egress: BTreeSet<Origin>,
    /// Small state per connection. Connectors only.
    #[serde(default)]
    pub kv: bool,
    /// Memory, in MiB; 0 for what its world gives.
    #[serde(default)]
    pub memory_mib: u32,
    /// Instances may serve several calls of one tenant: for languages that start slowly.
    #[serde(default)]
    pub reuse: bool,
}

/// Why there is no manifest to read. Its author has to act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// There is no section of that name.
    #[error("the component has no custom section `{SECTION}`")]
    Missing,
    /// There are several.
    #[error("the component has more than one custom section `{SECTION}`")]
    Twice,
    /// It is too large.
    #[error("the manifest is over {BYTES_MAX} bytes")]
    TooLarge,
    /// It is not TOML, or not this TOML.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// A member breaks its rule.
    #[error("the manifest's `{member}` {rule}")]
    Rule {
        /// Which.
        member: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadManifest> {
        if bytes.len() > BYTES_MAX {
            return Err(BadManifest::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BadManifest::Malformed("it is not UTF-8".to_owned()))?;
        let manifest: Self =
            toml::from_str(text).map_err(|error| BadManifest::Malformed(error.message().to_owned()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), BadManifest> {
        let rule = |holds: bool, member: &'static str, rule: &'static str| {
            if holds { Ok(()) } else { Err(BadManifest::Rule { member, rule }) }
        };
        let name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let named = !self.name.is_empty() && self.name.len() <= 64 && self.name.bytes().all(name);
        rule(named, "name", "must be 1 to 64 of `a-z`, `0-9` and `-`")?;
        let versioned = (1..=32).contains(&self.version.len()) && self.version.bytes().all(|it| it.is_ascii_graphic());
        rule(versioned, "version", "must be 1 to 32 printable characters")?;
        rule(self.about.chars().count() <= 1_000, "about", "must be at most 1000 characters")?;
        rule(self.wants.egress.len() <= EGRESS_MAX, "wants.egress", "must be at most 32 origins")?;
        rule(self.wants.egress.iter().all(Origin::is_https), "wants.egress", "must be https origins")?;
        rule(self.wants.http.len() <= EGRESS_MAX, "wants.http", "must be at most 32 settings")?;
        let setting = |it: &String| (1..=64).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_graphic());
        rule(self.wants.http.iter().all(setting), "wants.http", "must be names of settings")?;
        let pure = self.world != World::Connector;
        rule(!pure || self.wants.egress.is_empty(), "wants.egress", "is for connectors only")?;
        rule(!pure || self.wants.http.is_empty(), "wants.http", "is for connectors only")?;
        rule(!pure || !self.wants.kv, "wants.kv", "is for connectors only")?;
        rule(self.wants.memory_mib <= 64, "wants.memory-mib", "must be at most 64")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let seen = Manifest::parse(text.as_bytes()).map_or_else(|it| it.to_string(), |it| it.world.to_string());
        assert!(seen.starts_with(expect), "{seen}");
    }

    #[test]
    fn a_manifest_is_read_strictly() {
        let rule = "name = \"a\"\nversion = \"1\"\nworld = \"pricing-rule\"\n";
        check(rule, "pricing-rule");
        check(&format!("{rule}wants = {{ memory-mib = 32, reuse = true }}"), "pricing-rule");
        check(&format!("{rule}colour = 1"), "the manifest cannot be read: unknown field `colour`");
        check(&rule.replace("\"a\"", "\"A/b\""), "the manifest's `name` must be 1 to 64");
        check(&rule.replace("pricing-rule", "oracle"), "the manifest cannot be read: unknown variant `oracle`");
        check(
            &format!("{rule}wants = {{ egress = [\"https://x\"] }}"),
            "the manifest's `wants.egress` is for connectors",
        );
        check(&format!("{rule}wants = {{ memory-mib = 65 }}"), "the manifest's `wants.memory-mib` must be at most 64");
        check(&"#".repeat(BYTES_MAX + 1), "the manifest is over 16384 bytes");
        let connector = rule.replace("pricing-rule", "connector");
        let wants = |what: &str| format!("{connector}wants = {{ {what} }}");
        check(&wants("kv = true, http = [\"base-url\"]"), "connector");
        check(&wants("egress = [\"https://login.example\"]"), "connector");
        check(&wants("egress = [\"https://x/y\"]"), "the manifest cannot be read: `https://x/y` is not an origin");
        check(&wants("egress = [\"http://x\"]"), "the manifest's `wants.egress` must be https");
        check(&wants("http = [\"\"]"), "the manifest's `wants.http` must be names");
        check(&format!("{rule}wants = {{ http = [\"base-url\"] }}"), "the manifest's `wants.http` is for connectors");
    }
}
