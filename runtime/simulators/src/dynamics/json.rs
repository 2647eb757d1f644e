//! JSON whose numbers keep their digits in both directions: neither service may pass money through a float here.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;
use truthsource_core::Decimal;

/// How deep a body may nest.
const DEPTH_MAX: usize = 16;

/// A JSON value. A number is the text that came or goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    /// In the order in which the members are written; read ones are in the order of their names.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document; the error is a clause for people.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|it| it.to_string())?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|it| it.to_string())?;
        Self::read(raw, 0).map_err(|it| it.to_string())
    }

    fn read(raw: &RawValue, depth: usize) -> Result<Self, serde_json::Error> {
        let text = raw.get();
        if depth > DEPTH_MAX {
            return Err(serde::de::Error::custom("nested too deeply"));
        }
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
                let read = members.into_iter().map(|(name, it)| Ok((name, Self::read(it, depth + 1)?)));
                Self::Object(read.collect::<Result<_, serde_json::Error>>()?)
            }
            Some(b'[') => {
                let entries: Vec<&RawValue> = serde_json::from_str(text)?;
                let read = entries.into_iter().map(|it| Self::read(it, depth + 1));
                Self::List(read.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Flag(serde_json::from_str(text)?),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn number(number: Decimal) -> Self {
        Self::Number(number.to_string())
    }

    /// The member of this name, of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// The text of the member of this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        if let Some(Self::Text(text)) = self.get(name) { Some(text) } else { None }
    }
}

/// An object from its members.
pub(super) fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(digits) => f.write_str(digits),
            Self::Text(text) => write_text(f, text),
            Self::List(entries) => {
                f.write_str("[")?;
                for (at, entry) in entries.iter().enumerate() {
                    write!(f, "{}{entry}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (at, (name, value)) in members.iter().enumerate() {
                    f.write_str(if at > 0 { "," } else { "" })?;
                    write_text(f, name)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quoted = serde_json::to_string(text).map_err(|_| fmt::Error)?;
    f.write_str(&quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_survive_in_both_directions() {
        let text = r#"{"a":123456789012345.678,"b":[1.10,null,true,"x\"\u0000"],"c":{}}"#;
        assert_eq!(Json::parse(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(Json::number("12.50".parse().unwrap()).to_string(), "12.5");
    }

    #[test]
    fn what_is_not_json_says_why() {
        assert!(Json::parse(b"{\"a\":").unwrap_err().contains("EOF"));
        assert!(Json::parse("[".repeat(17).as_bytes()).is_err());
        let deep = format!("{}1{}", "[".repeat(20), "]".repeat(20));
        assert!(Json::parse(deep.as_bytes()).unwrap_err().contains("nested too deeply"));
    }
}
