//! What the conformance suite found out about a connector: each power that it declares, and whether it was seen.
//!
//! A certificate is for one component, by its digest, and for what that component declared to the settings it was tried
//! with. It says nothing about other bytes, and nothing about a power that is declared otherwise elsewhere.

mod show;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use truthsource_core::Kind;
use truthsource_host::model::KindPower;

pub use show::{markdown, text};

/// The form of certificates that is written and read here.
pub const FORM: u32 = 3;
/// The largest certificate that is read, in bytes: a real one is about 30 KiB.
pub const BYTES_MAX: usize = 256 << 10;

/// Something that a connector promises of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// A delta shows new records.
    Creates,
    /// A delta shows changed records.
    Updates,
    /// A delta shows deletions.
    Deletes,
    /// A deleted record is told to be absent when it is asked for, and a listing is without it.
    Absence,
    /// Changes within one grain of the system's times are all seen. Measured: the grain, in milliseconds.
    Granularity,
    /// Of no record a delta tells something older after something newer, and what changes while its pages are read does
    /// not fall behind its cursor.
    Ordering,
    /// What shows late is seen all the same. Measured: how late, in milliseconds, at the most that was tried.
    Lag,
    /// A complete listing misses nothing that was there throughout, whatever else changes meanwhile.
    Listing,
    /// Several ids are read at once: each is answered, in order.
    Reads,
    /// A certain reading is of the present, however far searches lag.
    Certain,
    /// A creation whose answer was lost takes place once.
    RepeatedCreate,
    /// A change whose answer was lost takes place once.
    RepeatedUpdate,
    /// What was created is found by its command key, and nothing else is.
    Find,
    /// A write that was decided on an old state is stale, and changes nothing.
    StaleBase,
    /// The same, where somebody is faster by a moment only.
    Race,
    /// What a record is said to become there is what is read back.
    Projection,
    /// What the system adds up is what it holds.
    Digests,
}

impl Power {
    /// Its name in certificates and tables.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What was found out about a power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was tried, and it is as declared.
    Proved,
    /// It was tried, and it is not.
    Refuted,
    /// It is declared, and could not be tried.
    Untested,
    /// The connector does not claim it.
    Undeclared,
}

/// A power, tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was found out.
    pub verdict: Verdict,
    /// What is declared, in a word: `yes`, `1000 ms`, `keyed`.
    pub declared: String,
    /// What was done and what was seen, or why nothing could be.
    pub told: String,
    /// What was measured, where there is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<u64>,
}

/// What is known of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certified {
    /// What was declared when it was tried.
    pub declared: KindPower,
    /// Each power.
    pub powers: BTreeMap<Power, Finding>,
}

/// What is known of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORM`]
    pub form: u32,
    /// The component's sha256, in hex.
    pub digest: String,
    /// Its name and version.
    pub plugin: String,
    /// What it was tried against: `netsuite`, `dataverse`.
    pub against: String,
    /// What was drawn was drawn from this.
    pub seed: u64,
    /// What belongs to no kind: `credentials`, `description`, `webhooks`.
    pub connection: BTreeMap<String, Finding>,
    /// Each kind that it declares.
    pub kinds: BTreeMap<Kind, Certified>,
    /// sha256 over everything else, in hex: a certificate that was edited, by whoever it was, is none.
    pub seal: String,
}

/// Why a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none.
    #[error("this is no certificate: {0}")]
    Malformed(String),
    /// It is of another time.
    #[error("the certificate is of form {0}, and {FORM} is understood; run `truthsource plugin test` again")]
    Form(u32),
    /// It was changed after it was written.
    #[error("the certificate is not as it was written: its seal does not hold; run `truthsource plugin test` again")]
    Broken,
    /// It is for other bytes.
    #[error("the certificate is for component {certified}, and this is {component}; test the one that you upload")]
    OtherComponent {
        /// Whose it is.
        certified: String,
        /// Whose it should be.
        component: String,
    },
}

impl Refused {
    /// A stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Form(_) => "no-certificate",
            Self::Broken => "certificate-broken",
            Self::OtherComponent { .. } => "other-component",
        }
    }
}

impl Certificate {
    /// The same, sealed.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.seal = self.seal_of();
        self
    }

    fn seal_of(&self) -> String {
        let open = Self { seal: String::new(), ..self.clone() };
        let bytes = serde_json::to_vec(&open).unwrap_or_default();
        Sha256::digest(bytes).iter().map(|it| format!("{it:02x}")).collect()
    }

    /// Reads a certificate for a component.
    ///
    /// # Errors
    /// When it is none, or not this component's.
    pub fn read(bytes: &[u8], component: &str) -> Result<Self, Refused> {
        if bytes.len() > BYTES_MAX {
            return Err(Refused::Malformed(format!("it is over {BYTES_MAX} bytes")));
        }
        let document: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| Refused::Malformed(error.to_string()))?;
        // What a later form holds cannot be known.
        if let Some(form) = document["form"].as_u64().filter(|it| *it != u64::from(FORM)) {
            return Err(Refused::Form(u32::try_from(form).unwrap_or(u32::MAX)));
        }
        let certificate: Self =
            serde_json::from_value(document).map_err(|error| Refused::Malformed(error.to_string()))?;
        if certificate.seal != certificate.seal_of() {
            return Err(Refused::Broken);
        }
        if certificate.digest != component {
            return Err(Refused::OtherComponent { certified: certificate.digest, component: component.to_owned() });
        }
        Ok(certificate)
    }

    /// What was refuted, by the place it stands at: `item updates`, `credentials`.
    pub fn refuted(&self) -> impl Iterator<Item = (String, &Finding)> {
        self.findings().filter(|(_, it)| it.verdict == Verdict::Refuted)
    }

    /// How many powers came to this.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings().filter(|(_, it)| it.verdict == verdict).count()
    }

    /// Everything that was looked at.
    pub fn findings(&self) -> impl Iterator<Item = (String, &Finding)> {
        let connection = self.connection.iter().map(|(name, it)| (name.clone(), it));
        connection.chain(self.kinds.iter().flat_map(|(kind, it)| places(*kind, it)))
    }
}

fn places(kind: Kind, certified: &Certified) -> Vec<(String, &Finding)> {
    certified.powers.iter().map(|(power, it)| (format!("{kind} {}", power.name()), it)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
