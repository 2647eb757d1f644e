//! The worlds a component may be written for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;

/// What a component is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum World {
    /// Reads and writes one outside system.
    Connector,
    /// Prices a basket.
    PricingRule,
    /// Publishes stock.
    StockRule,
    /// Decides conflicts.
    ConflictPolicy,
    /// Accepts or refuses candidate truths.
    Validator,
    /// Translates between a connection's records and the canonical ones.
    Mapping,
}

/// The engine a world's components run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// Fuel and determinism: same bytes in, same bytes out, same fuel.
    Rules,
    /// Epochs and a wall clock: code that parses much and waits for others.
    Connectors,
}

impl World {
    /// Every world.
    pub const ALL: [Self; 6] =
        [Self::Connector, Self::PricingRule, Self::StockRule, Self::ConflictPolicy, Self::Validator, Self::Mapping];

    /// Its name in manifests, URLs and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::PricingRule => "pricing-rule",
            Self::StockRule => "stock-rule",
            Self::ConflictPolicy => "conflict-policy",
            Self::Validator => "validator",
            Self::Mapping => "mapping",
        }
    }

    /// The interface that a component of this world exports, without its version.
    #[must_use]
    pub fn export(self) -> &'static str {
        match self {
            Self::Connector => "truthsource:connector/connector",
            Self::PricingRule => "truthsource:pricing-rule/pricing",
            Self::StockRule => "truthsource:stock-rule/stock",
            Self::ConflictPolicy => "truthsource:conflict-policy/policy",
            Self::Validator => "truthsource:validator/validator",
            Self::Mapping => "truthsource:mapping/mapping",
        }
    }

    /// The engine it runs on.
    #[must_use]
    pub fn engine(self) -> EngineKind {
        if self == Self::Connector { EngineKind::Connectors } else { EngineKind::Rules }
    }

    /// What its calls may use, unless a grant says otherwise.
    #[must_use]
    pub fn limits(self) -> Limits {
        match self {
            Self::Connector => Limits::CONNECTORS,
            Self::Validator | Self::Mapping => Limits::RECORDS,
            Self::PricingRule | Self::StockRule | Self::ConflictPolicy => Limits::RULES,
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no world")]
pub struct Unknown(pub String);

impl FromStr for World {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|it| it.as_str() == name).ok_or_else(|| Unknown(name.chars().take(40).collect()))
    }
}
