//! Credentials, and what is done with them. They live here and nowhere else: a component names its connection by
//! running for it, the host signs what leaves, and scrubs what comes back.

mod credentials;
mod oauth1;
mod oauth2;
mod session;
mod signer;
mod token;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use truthsource_core::UnixMs;

pub use credentials::{ClientCredentials, Credentials, JwtAlgorithm, JwtBearer, Present, TbaToken, TokenBody};
pub use signer::{BadCredentials, SignError, Signed, Signer};

/// The clock and the randomness that signatures need, from the host's one seam.
pub trait Ambient: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMs;
    /// 128 bits that were never given out before.
    fn nonce(&self) -> u128;
}

/// A secret text. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes over `text`.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// RFC 3986's encoding: everything but letters, digits and `-._~` as `%XX`.
pub(crate) fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
