//! Runs a recorded call again, on the same component or another, with the host's answers as they were.

use serde::{Deserialize, Serialize};

use crate::call::{CallSetup, Tenant};
use crate::record::{Detail, Failure, Output, Recording};
use crate::release::Release;

/// How a replay compares with its recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The same answer, or the same refusal.
    Same,
    /// Another answer.
    Different,
    /// The component asked the host something else, so there is nothing to compare.
    Diverged {
        /// Where.
        reason: String,
    },
    /// The recording was not kept in full.
    NotRecorded,
}

/// A call run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// How it compares.
    pub comparison: Comparison,
    /// The new answer.
    pub output: Option<Output>,
    /// The new failure.
    pub failure: Option<Failure>,
    /// Fuel burnt now, to be compared with [`Recording::fuel`]: equal for the same rule on any machine.
    pub fuel: Option<u64>,
}

/// Runs `recorded` on `release`. Nothing leaves the host: every question to it is answered from the recording, and
/// one that the recording does not answer ends the replay.
pub async fn replay(release: &Release, tenant: Tenant, recorded: &Recording) -> Replay {
    let Some(input) = recorded.input.clone() else {
        return Replay { comparison: Comparison::NotRecorded, output: None, failure: None, fuel: None };
    };
    let setup = CallSetup::new(tenant, recorded.now).keep(Detail::Counters);
    let (end, fresh) = release.call_recorded(&setup, input, recorded.answers.clone()).await;
    let output = end.ok();
    let comparison = match &fresh.failure {
        Some(failure) if failure.code == "diverged" => Comparison::Diverged { reason: failure.message.clone() },
        failure => {
            let same_end = output == recorded.output && code(failure.as_ref()) == code(recorded.failure.as_ref());
            if same_end { Comparison::Same } else { Comparison::Different }
        }
    };
    Replay { comparison, output, failure: fresh.failure, fuel: fresh.fuel }
}

fn code(failure: Option<&Failure>) -> Option<&str> {
    failure.map(|it| it.code.as_str())
}
