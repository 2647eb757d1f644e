//! The way out: one port, one guarded implementation.

mod address;
mod guarded;
mod origin;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use address::is_global_unicast;
pub use guarded::{Guarded, Lookup, SystemLookup};
pub use origin::{BadOrigin, Origin};

/// The largest answer, decompressed, in bytes: the contract's number.
pub const RESPONSE_BYTES_MAX: usize = 10 << 20;

/// Why a request got no answer. What matters is whether the other side can have acted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The address guard forbids it. Nothing was sent.
    #[error("denied: {0}")]
    Denied(String),
    /// No connection was made: the other side cannot have acted.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The request was, or may have been, sent, and no whole answer came.
    #[error("no whole answer: {0}")]
    Unknown(String),
    /// The answer, decompressed, is over [`RESPONSE_BYTES_MAX`].
    #[error("the answer is over {RESPONSE_BYTES_MAX} bytes")]
    TooLarge,
}

/// Sends requests. Real: [`Guarded`]. In tests and simulations: anything.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request to an absolute URL and waits for the whole answer, at most `timeout`. Follows no redirects.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, TransportError>;
}
