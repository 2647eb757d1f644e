//! Record ids: 128 bits in the usual five groups.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use truthsource_core::draw::Draw;

/// A record's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(u128);

/// A text that is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID such as 5d115c9c-44e3-ea11-bb43-000d3a2feca1")]
pub struct NoGuid;

impl Guid {
    /// What an empty reference holds.
    pub const ZERO: Guid = Guid(0);

    /// The `n`th id for `purpose`: the same in every run, and no two alike.
    #[must_use]
    pub fn drawn(purpose: &str, n: u64) -> Self {
        let draw = Draw::new(n);
        let (high, low) = (draw.number(purpose, 0), draw.number(purpose, 1));
        Self(u128::from(high) << 64 | u128::from(low))
    }

    /// The `n`th id of a row: later ones are larger, as databases give them out.
    #[must_use]
    pub fn sequential(n: u64) -> Self {
        let tail = u128::from(Draw::new(n).number("row", 0));
        Self((0x5d11_0000_44e3_ea11 + (u128::from(n) << 16)) << 64 | tail)
    }

    /// The id of these bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Its bits.
    #[must_use]
    pub fn bits(self) -> u128 {
        self.0
    }

    /// Refers to nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = NoGuid;

    /// Reads the five groups, in either case.
    fn from_str(text: &str) -> Result<Self, NoGuid> {
        let groups: Vec<&str> = text.split('-').collect();
        let is_shaped = groups.iter().map(|it| it.len()).eq([8, 4, 4, 4, 12])
            && text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-');
        if !is_shaped {
            return Err(NoGuid);
        }
        u128::from_str_radix(&groups.concat(), 16).map(Self).map_err(|_| NoGuid)
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_reads_what_it_writes() {
        let text = "5d115c9c-44e3-ea11-bb43-000d3a2feca1";
        assert_eq!(text.parse::<Guid>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<Guid>().unwrap().to_string(), text);
        assert_eq!(Guid::ZERO.to_string(), "00000000-0000-0000-0000-000000000000");
        for bad in [
            "",
            "5d115c9c",
            "5d115c9c-44e3-ea11-bb43-000d3a2feca",
            "5d115c9c44e3-ea11-bb43-000d-3a2feca1",
            "+d115c9c-44e3-ea11-bb43-000d3a2feca1",
        ] {
            assert_eq!(bad.parse::<Guid>(), Err(NoGuid), "{bad}");
        }
        assert_ne!(Guid::drawn("a", 1), Guid::drawn("a", 2));
    }
}
