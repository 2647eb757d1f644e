//! What is kept of a call: enough to explain it, bill it and, when asked, to run it again.

mod encoded;
mod weight;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use truthsource_core::{Fields, Kind, UnixMs};

use crate::digest::Digest;
use crate::error::CallError;
use crate::model::{
    Basket, Conflict, Context, Decision, Description, Fault, Finding, HeldRecord, Level, Notice, Observed, Outcome,
    Page, Priced, Pull, RangeDigest, RangeTold, Standing, State, Target, Verdict, Webhook, Write,
};
use crate::world::World;
use truthsource_core::Decimal;

/// What a component was asked: one variant per function of the contracts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "function", content = "arguments")]
#[allow(missing_docs, reason = "the variants are the functions of `wit/`, and documented there")]
pub enum Input {
    Price(Basket),
    Publish(Vec<Level>),
    Decide(Vec<Conflict>),
    Validate { kind: Kind, records: Vec<Fields> },
    ToCanonical { context: Context, kind: Kind, records: Vec<Fields> },
    FromCanonical { context: Context, kind: Kind, records: Vec<Fields> },
    Describe { settings: BTreeMap<String, String> },
    Check(Context),
    Pull { context: Context, pull: Pull },
    Read { context: Context, kind: Kind, remote_ids: Vec<String>, certain: bool },
    Push { context: Context, writes: Vec<Write> },
    Find { context: Context, kind: Kind, command_key: String },
    Receive { context: Context, webhook: Webhook },
    Project { context: Context, kind: Kind, records: Vec<Fields> },
    Ensure { context: Context, target: Target },
    Tell { context: Context, kind: Kind },
    Add { context: Context, kind: Kind, records: Vec<HeldRecord> },
}

/// What a component answered: one variant per function of the contracts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "function", content = "answer")]
#[allow(missing_docs, reason = "the variants are the functions of `wit/`, and documented there")]
pub enum Output {
    Price(Vec<Priced>),
    Publish(Vec<Decimal>),
    Decide(Vec<Decision>),
    Validate(Vec<Verdict>),
    ToCanonical(Vec<Option<Fields>>),
    FromCanonical(Vec<Fields>),
    Describe(Description),
    Check(Vec<Finding>),
    Pull(Page),
    Read(Vec<Observed>),
    Push(Vec<Outcome>),
    Find(Option<State>),
    Receive(Vec<Notice>),
    Project(Vec<Fields>),
    Ensure(Standing),
    Tell(Option<Vec<RangeTold>>),
    Add(Vec<RangeDigest>),
}

impl Input {
    /// The contract's name of the function.
    #[must_use]
    pub fn function(&self) -> &'static str {
        match self {
            Self::Price(_) => "price",
            Self::Publish(_) => "publish",
            Self::Decide(_) => "decide",
            Self::Validate { .. } => "validate",
            Self::ToCanonical { .. } => "to-canonical",
            Self::FromCanonical { .. } => "from-canonical",
            Self::Describe { .. } => "describe",
            Self::Check(_) => "check",
            Self::Pull { .. } => "pull",
            Self::Read { .. } => "read",
            Self::Push { .. } => "push",
            Self::Find { .. } => "find",
            Self::Receive { .. } => "receive",
            Self::Project { .. } => "project",
            Self::Ensure { .. } => "ensure",
            Self::Tell { .. } => "tell",
            Self::Add { .. } => "add",
        }
    }

    /// The contract says "pure": such a call reaches nothing, whatever its setup allows.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        let reaches = matches!(
            self,
            Self::Check(_)
                | Self::Pull { .. }
                | Self::Read { .. }
                | Self::Push { .. }
                | Self::Find { .. }
                | Self::Ensure { .. }
                | Self::Tell { .. }
        );
        !reaches
    }

    /// The digest of its canonical JSON: equal inputs have equal digests on every machine.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(self)
    }
}

impl Output {
    /// The digest of its canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(self)
    }
}

/// Names are sorted (`BTreeMap`), decimals have one spelling: the JSON of equal values is equal.
fn digest_of(value: &impl Serialize) -> Digest {
    // Serialising these types to memory cannot fail: string keys, no foreign implementations.
    Digest::of(&serde_json::to_vec(value).unwrap_or_default())
}

/// One thing the host told the component, in the order it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostAnswer {
    /// `http/client.send`.
    Http(Exchange),
    /// `kv/store.get`.
    KvGet {
        /// The key asked for.
        key: String,
        /// What was there.
        #[serde(with = "encoded::optional")]
        value: Option<Vec<u8>>,
    },
    /// `kv/store.set`.
    KvSet {
        /// The key written.
        key: String,
        /// What was stored.
        #[serde(with = "encoded::bytes")]
        value: Vec<u8>,
    },
    /// `kv/store.delete`.
    KvDelete {
        /// The key forgotten.
        key: String,
    },
    /// A `kv/store` function that ended in a fault.
    KvFault {
        /// The key named.
        key: String,
        /// The contract's name of the fault.
        fault: String,
    },
}

/// One HTTP request of a component as it left the guest (never with credentials), and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// The digest of the request's body.
    pub body: Digest,
    /// What came of it.
    pub end: ExchangeEnd,
}

/// What came of an HTTP request, as the component saw it: scrubbed of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExchangeEnd {
    /// An answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its headers.
        headers: Vec<(String, String)>,
        /// Its body, decompressed.
        #[serde(with = "encoded::bytes")]
        body: Vec<u8>,
    },
    /// No answer.
    Fault {
        /// The contract's name of the fault.
        fault: String,
        /// Its text.
        message: String,
    },
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the usual four")]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

/// A line a component wrote: control characters escaped, known secrets removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: Severity,
    /// The text.
    pub message: String,
}

/// The most input that is kept of a call that failed, and the most of the host's answers.
pub const FAILURE_BYTES_MAX: usize = 256 * 1024;

/// How much is kept of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// Fuel, duration, log lines, the error: costs nothing worth measuring.
    #[default]
    Counters,
    /// And, of a call that fails, its input and the host's answers, up to [`FAILURE_BYTES_MAX`]: what its author needs to
    /// see why.
    Failures,
    /// And the digests of input and output: what a receipt carries.
    Receipt,
    /// And input, output and the host's answers: what a replay needs.
    Full,
}

/// How a call failed, in a form that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// [`CallError::code`].
    pub code: String,
    /// For people.
    pub message: String,
    /// The component's own words, if it refused.
    pub fault: Option<Fault>,
}

impl From<&CallError> for Failure {
    fn from(error: &CallError) -> Self {
        let fault = if let CallError::Refused(fault) = error { Some(fault.clone()) } else { None };
        Self { code: error.code().to_owned(), message: error.to_string(), fault }
    }
}

/// What is kept of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// The slot it filled, if the caller named one.
    #[serde(with = "encoded::shared")]
    pub slot: Option<Arc<str>>,
    /// The component.
    pub digest: Digest,
    /// Its world.
    pub world: World,
    /// The contract's name of the function.
    pub function: Cow<'static, str>,
    /// The call's moment: the component's clock.
    pub now: UnixMs,
    /// The digest of the input; from [`Detail::Receipt`] on.
    pub input_digest: Option<Digest>,
    /// The digest of the output, if there was one; from [`Detail::Receipt`] on.
    pub output_digest: Option<Digest>,
    /// The input; with [`Detail::Full`], and of calls that failed from [`Detail::Failures`] on.
    pub input: Option<Input>,
    /// The output, if there was one; with [`Detail::Full`].
    pub output: Option<Output>,
    /// What the host told the component; as the input.
    pub answers: Vec<HostAnswer>,
    /// How it failed, if it did.
    pub failure: Option<Failure>,
    /// Fuel burnt: exact and reproducible for rules; `None` for connectors, which burn none.
    pub fuel: Option<u64>,
    /// From the free place to the answer, in microseconds.
    pub duration_us: u64,
    /// HTTP requests made.
    pub http_requests: u32,
    /// What the component wrote.
    pub logs: Vec<LogLine>,
    /// How many log lines did not fit.
    pub logs_dropped: u32,
}
