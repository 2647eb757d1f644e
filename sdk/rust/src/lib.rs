//! What the author of a TruthSource component uses, in Rust.
//!
//! A component is one type that implements one trait of this crate ([`PricingRule`], [`StockRule`], [`Validator`],
//! [`ConflictPolicy`], [`Mapping`] or [`Connector`]), one export macro, and a manifest:
//!
//! ```ignore
//! struct Flat;
//! impl truthsource_sdk::PricingRule for Flat { /* … */ }
//! truthsource_sdk::export_pricing_rule!(Flat);
//! truthsource_sdk::manifest!("../manifest.toml");
//! ```
//!
//! Built with `cargo build --profile guest --target wasm32-wasip2`, that is a component. The same crate builds
//! natively, where its logic is tested without any host: rules are plain functions, and a connector reaches the
//! outside only through [`Host`], which a test fakes.
//!
//! Invariants: numbers are [`Decimal`], exact from the text of a remote answer to the text of a request, never a
//! float. Walks over fields are in the order of their names. Nothing here reads a clock or draws a random number.

#![warn(missing_docs)]

#[doc(hidden)]
pub mod bindings;
pub mod charges;
pub mod connector;
mod convert;
pub mod decimal;
pub mod digests;
pub mod edits;
mod export;
mod fault;
#[doc(hidden)]
pub mod glue;
pub mod host;
pub mod json;
pub mod kind;
pub mod kinds;
mod manifest;
pub mod moment;
pub mod rules;
pub mod script;
pub mod settings;
pub mod span;
pub mod subscriptions;
pub mod value;

pub use connector::Connector;
pub use decimal::Decimal;
pub use digests::Digests;
pub use fault::Fault;
pub use host::Host;
pub use kind::Kind;
pub use rules::{ConflictPolicy, Mapping, PricingRule, StockRule, Validator};
pub use subscriptions::Subscriptions;
pub use value::{Fields, Held, Value};

/// What every call of a connector or a mapping may know of its surroundings.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The connection's settings.
    pub settings: Settings,
    /// The host's clock when the call began, in milliseconds since 1970-01-01T00:00:00Z.
    pub now_ms: u64,
}

/// The settings of a connection, as the tenant wrote them. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings(std::collections::BTreeMap<String, String>);

impl Settings {
    /// The same with this setting, in place of what it was.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The setting of this name; `None` when it was not given or is blank.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|it| it.trim()).filter(|it| !it.is_empty())
    }

    /// The setting of this name, or `default`.
    #[must_use]
    pub fn get_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.get(name).unwrap_or(default)
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<const N: usize> From<[(String, String); N]> for Settings {
    fn from(pairs: [(String, String); N]) -> Self {
        Self(pairs.into())
    }
}

impl Context {
    /// The setting of this name; `None` when it was not given or is blank.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name)
    }

    /// The setting of this name, or `default`.
    #[must_use]
    pub fn setting_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.setting(name).unwrap_or(default)
    }
}
