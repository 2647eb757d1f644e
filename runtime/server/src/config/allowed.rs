//! Origins that the operator allows beside the public internet, and to whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use truthsource_host::egress::{BadOrigin, Origin};

/// An origin that connections may reach although it is on a private address or without TLS: `http://10.0.0.5` for every
/// tenant's, `acme=http://10.0.0.5` for those of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// The tenant's name; `None`: all of them.
    pub tenant: Option<String>,
    /// What its connections may reach.
    pub origin: Origin,
}

impl Allowed {
    /// The tenant of this name may reach it.
    #[must_use]
    pub fn is_for(&self, tenant: &str) -> bool {
        self.tenant.as_ref().is_none_or(|it| it == tenant)
    }
}

impl FromStr for Allowed {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        // No origin has a `=`.
        let (tenant, origin) = match text.split_once('=') {
            Some((tenant, origin)) => (Some(tenant.trim().to_owned()), origin.trim()),
            None => (None, text),
        };
        Ok(Self { tenant, origin: origin.parse()? })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tenant {
            Some(tenant) => write!(f, "{tenant}={}", self.origin),
            None => self.origin.fmt(f),
        }
    }
}

impl Serialize for Allowed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Allowed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_what_is_allowed_to_one_tenant_is_no_others() {
        let check = |text: &str, acme: bool, zeta: bool| {
            let allowed: Allowed = text.parse().unwrap();
            assert_eq!((allowed.is_for("acme"), allowed.is_for("zeta")), (acme, zeta), "{text}");
            assert_eq!(allowed.to_string().parse::<Allowed>().unwrap(), allowed);
        };
        check("http://10.0.0.5", true, true);
        check("acme=http://10.0.0.5", true, false);
        check("acme = http://10.0.0.5:8080", true, false);
        for bad in ["=", "acme=", "acme=10.0.0.5", "acme=http://10.0.0.5/rest"] {
            assert!(bad.parse::<Allowed>().is_err(), "{bad}");
        }
    }
}
