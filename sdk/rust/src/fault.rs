//! A typed refusal, the same in every contract.

use crate::bindings::shared::truthsource::types::records;
use crate::host;

/// Why a call has no answer. The host decides by the case whether to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// The outside system answered with something this component does not understand.
    #[error("not understood: {0}")]
    Protocol(String),
    /// The input is not acceptable, whatever the state of the outside system.
    #[error("invalid: {0}")]
    Invalid(String),
    /// The component does not do this: an unknown kind, a direction it did not declare.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<Fault> for records::Fault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied(why) => Self::Denied(why),
            Fault::Throttled(wait_ms) => Self::Throttled(wait_ms),
            Fault::Unavailable(why) => Self::Unavailable(why),
            Fault::Protocol(why) => Self::Protocol(why),
            Fault::Invalid(why) => Self::Invalid(why),
            Fault::Unsupported(why) => Self::Unsupported(why),
            Fault::Other(why) => Self::Other(why),
        }
    }
}

impl From<host::HttpFault> for Fault {
    /// For reads, where an answer that never came changed nothing. A write must look at [`host::HttpFault::Unknown`]
    /// itself.
    fn from(fault: host::HttpFault) -> Self {
        use host::HttpFault as Http;
        match fault {
            Http::Denied(why) => Self::Denied(why),
            Http::Unreachable(why) | Http::Unknown(why) => Self::Unavailable(why),
            Http::TooLarge => Self::Protocol("the answer is larger than 10 MiB".to_owned()),
            Http::TooMany => Self::Other("one call may send at most 64 requests".to_owned()),
            Http::Other(why) => Self::Other(why),
        }
    }
}
