//! What goes into components and what comes out, as plain types of ours.
//!
//! The generated binding types never leave `convert`: everything here is checked (decimals in range, fields against
//! their kind's schema), serialisable, and compares by meaning.

mod connector;
mod digests;
mod rules;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;
pub use truthsource_core::record::{Observed, State};

pub use connector::{
    Description, Effect, FieldPower, Finding, Handshake, KindPower, Notice, Outcome, Page, PointsAt, Proof, Pull, Rate,
    Rejection, Setting, Spelling, Standing, Target, Unread, Webhook, WebhookScheme, Window, Write,
};
pub use digests::{HeldRecord, RangeDigest, RangeTold};
pub use rules::{Basket, Claim, Conflict, Decision, Level, Line, PriceBreak, Priced, Verdict};

/// A typed refusal by a component: the contracts' `fault`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The outside system did not accept our credentials or their permissions. Retrying will not help.
    #[error("denied: {0}")]
    Denied(String),
    /// The outside system asked us to slow down; it said how many milliseconds to wait, if it did.
    #[error("throttled")]
    Throttled(Option<u32>),
    /// The outside system could not be reached or failed for now. Nothing was changed by this call.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The outside system answered with something the component does not understand.
    #[error("protocol: {0}")]
    Protocol(String),
    /// The input is not acceptable, whatever the state of the outside system.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The component does not do this.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Fault {
    /// The contract's name of this case: stable, for counters and filters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::Throttled(_) => "throttled",
            Self::Unavailable(_) => "unavailable",
            Self::Protocol(_) => "protocol",
            Self::Invalid(_) => "invalid",
            Self::Unsupported(_) => "unsupported",
            Self::Other(_) => "other",
        }
    }

    /// The same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Unavailable(_))
    }
}

/// What a connector or a mapping may know of its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Context {
    /// The connection's settings, as the tenant wrote them. Never a secret.
    pub settings: BTreeMap<String, String>,
    /// The host's clock when the call began.
    pub now: UnixMs,
}
