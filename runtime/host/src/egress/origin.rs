//! Where a request may go: scheme, host and port, exactly.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// `https://shop.example`: a scheme, a host and a port. Compared exactly, after the URL standard's normalisation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// A text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin like `https://shop.example` or `https://erp.example:8443`")]
pub struct BadOrigin(pub String);

impl Origin {
    /// The origin of `url`. `None` for anything but `http` and `https`.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        // `shop.example.` names the same host as `shop.example`, but it is not what was granted: kept apart.
        let host = url.host_str()?.to_owned();
        Some(Self { scheme: url.scheme().to_owned(), host, port: url.port_or_known_default()? })
    }

    /// It is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.chars().take(100).collect());
        let url: Url = text.parse().map_err(|_| bad())?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if bare { Self::of(&url).ok_or_else(bad) } else { Err(bad()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = if self.is_https() { 443 } else { 80 };
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let seen = text.parse::<Origin>().map_or_else(|_| "bad".to_owned(), |it| it.to_string());
        assert_eq!(seen, expect, "{text}");
    }

    #[test]
    fn an_origin_has_one_spelling() {
        check("https://Shop.Example:443/", "https://shop.example");
        check("https://erp.example:8443", "https://erp.example:8443");
        check("http://127.0.0.1:4567", "http://127.0.0.1:4567");
        check("http://0x7f.1:4567", "http://127.0.0.1:4567");
        check("https://shop.example/admin", "bad");
        check("https://user@shop.example", "bad");
        check("https://shop.example?x", "bad");
        check("ftp://shop.example", "bad");
        check("shop.example", "bad");
    }
}
