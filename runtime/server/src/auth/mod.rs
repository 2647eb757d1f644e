//! API keys: what they look like, what they may do, and how fast they may be guessed.
//!
//! A key is `ts_live_<id>_<secret>_<checksum>`. The store keeps the id and the SHA-256 of the secret: 256 random bits
//! need no slow hash, which would only be a way to make the server work. A key's secret is shown once.

pub mod digest;
pub mod keyring;
pub mod limiter;
pub mod mint;
pub mod scope;
pub mod token;

pub use keyring::{Denied, Keyring};
pub use limiter::Buckets;
pub use scope::Scope;
pub use token::Token;
