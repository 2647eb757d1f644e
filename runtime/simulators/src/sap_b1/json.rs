//! Request bodies: JSON whose numbers keep their digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::problem::Problem;

/// How deep a body may nest.
const DEPTH_MAX: usize = 16;

/// The members of an object.
pub(super) type Members = BTreeMap<String, Json>;

/// A JSON value. Numbers are the text that came, because a float would lose digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Members),
}

impl Json {
    /// Reads a whole document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(bytes).map_err(|it| Problem::body(&it.to_string()))?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|it| Problem::body(&it.to_string()))?;
        Self::read(raw, 0).map_err(|it| Problem::body(&it.to_string()))
    }

    /// Reads a document that is an object.
    pub(super) fn members(bytes: &[u8]) -> Result<Members, Problem> {
        match Self::parse(bytes)? {
            Self::Object(members) => Ok(members),
            _ => Err(Problem::body("an object was expected")),
        }
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
                Self::List(entries.into_iter().map(|it| Self::read(it, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            Some(b't' | b'f') => Self::Flag(serde_json::from_str(text)?),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// The text of a member that is one.
    pub(super) fn text<'m>(members: &'m Members, name: &str) -> Option<&'m str> {
        match members.get(name) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits() {
        let members = Json::members(br#"{"Price": 123456789012345.678, "List": [null, true]}"#).unwrap();
        assert_eq!(members["Price"], Json::Number("123456789012345.678".to_owned()));
        assert_eq!(members["List"], Json::List(vec![Json::Null, Json::Flag(true)]));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let deep = [&[b'['; 40][..], &[b']'; 40]].concat();
        for body in [&b"[]"[..], b"", b"{", b"{\"a\":1}x", b"\xff", &deep] {
            assert_eq!(Json::members(body).unwrap_err().code, -1000);
        }
    }
}
