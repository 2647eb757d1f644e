//! Request bodies: JSON whose numbers keep their digits, read field by field.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use truthsource_core::Decimal;

use super::problem::Problem;

/// How deep a body may nest.
const DEPTH_MAX: usize = 16;

/// A JSON value. Numbers are the text that came, because a float would lose digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Null,
    Flag(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a whole document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let broken = |why: String| Problem::new(400, "INVALID_CONTENT", format!("Invalid request body: {why}."));
        let text = std::str::from_utf8(bytes).map_err(|it| broken(it.to_string()))?;
        let raw: &RawValue = serde_json::from_str(text).map_err(|it| broken(it.to_string()))?;
        Self::read(raw, 0).map_err(|it| broken(it.to_string()))
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
}

/// A field as a body gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given<T> {
    /// Not mentioned: stays as it is.
    Absent,
    /// `null`: emptied.
    Null,
    /// This value.
    Value(T),
}

impl<T> Given<T> {
    /// Changes what an optional field holds.
    pub(super) fn onto(self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *field = None,
            Self::Value(value) => *field = Some(value),
        }
    }

    pub(super) fn value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// A JSON object that is read by the fields its reader knows; what nobody asked for is unknown.
#[derive(Debug)]
pub(super) struct Body {
    /// Where in the request this object stands: `item.items[0].`, or nothing.
    prefix: String,
    members: BTreeMap<String, Json>,
    asked: BTreeSet<String>,
    unknown: Vec<String>,
}

impl Body {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        Self::of(Json::parse(bytes)?, String::new())
    }

    fn of(json: Json, prefix: String) -> Result<Self, Problem> {
        match json {
            Json::Object(members) => Ok(Self { prefix, members, asked: BTreeSet::new(), unknown: Vec::new() }),
            _ => Err(Problem::content(prefix.trim_end_matches('.'), "Invalid content: a JSON object was expected.")),
        }
    }

    /// The path of a field in the request.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Paths of the fields that nobody asked for, children's included.
    pub(super) fn into_unknown(self) -> Vec<String> {
        let own = self.members.keys().filter(|it| !self.asked.contains(*it)).map(|it| format!("{}{it}", self.prefix));
        own.chain(self.unknown).collect()
    }

    /// Fields that the record has but that no write changes.
    pub(super) fn read_only(&mut self, names: &[&str]) {
        self.asked.extend(names.iter().map(|it| (*it).to_owned()));
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Given<String>, Problem> {
        self.given(name, "a string", |json| match json {
            Json::Text(text) => Some(text.clone()),
            Json::Number(text) => Some(text.clone()),
            _ => None,
        })
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Given<bool>, Problem> {
        self.given(name, "a boolean", |json| if let Json::Flag(flag) = json { Some(*flag) } else { None })
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Given<Decimal>, Problem> {
        self.given(name, "a number", as_number)
    }

    /// A break's quantity: `5` or `{"value": 5}`.
    pub(super) fn quantity(&mut self, name: &str) -> Result<Given<Decimal>, Problem> {
        self.given(name, "a quantity", |json| match json {
            Json::Object(members) => members.get("value").and_then(as_number),
            other => as_number(other),
        })
    }

    /// The id of a reference: `{"id": "7"}`.
    pub(super) fn reference(&mut self, name: &str) -> Result<Given<String>, Problem> {
        self.given(name, "a reference such as {\"id\": \"1\"}", |json| match json {
            Json::Object(members) => match members.get("id")? {
                Json::Text(id) | Json::Number(id) => Some(id.clone()),
                _ => None,
            },
            _ => None,
        })
    }

    /// The entries of a sublist: `{"items": [ … ]}`.
    pub(super) fn sublist(&mut self, name: &str) -> Result<Option<Vec<Body>>, Problem> {
        let path = self.path(name);
        let expected = || Problem::content(&path, "Invalid content: a sublist is an object with a list of `items`.");
        self.asked.insert(name.to_owned());
        let entries = match self.members.get(name) {
            None => return Ok(None),
            Some(Json::Object(members)) => members.get("items"),
            Some(_) => return Err(expected()),
        };
        let Some(Json::List(entries)) = entries else { return Err(expected()) };
        let bodies = entries.iter().enumerate();
        bodies.map(|(at, it)| Self::of(it.clone(), format!("{path}.items[{at}]."))).collect::<Result<_, _>>().map(Some)
    }

    /// Remembers what a sublist's entry did not know.
    pub(super) fn adopt_unknown(&mut self, child: Body) {
        self.unknown.extend(child.into_unknown());
    }

    fn given<T>(&mut self, name: &str, ty: &str, read: impl Fn(&Json) -> Option<T>) -> Result<Given<T>, Problem> {
        self.asked.insert(name.to_owned());
        match self.members.get(name) {
            None => Ok(Given::Absent),
            Some(Json::Null) => Ok(Given::Null),
            Some(json) => read(json).map(Given::Value).ok_or_else(|| {
                let detail = format!("Invalid value for the resource or sub-resource field '{name}': it must be {ty}.");
                Problem::content(self.path(name), detail)
            }),
        }
    }
}

fn as_number(json: &Json) -> Option<Decimal> {
    match json {
        Json::Number(text) | Json::Text(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_digits() {
        let mut body = Body::parse(br#"{"price": 123456789012345.678, "qty": {"value": "5"}}"#).unwrap();
        assert_eq!(body.number("price").unwrap(), Given::Value("123456789012345.678".parse().unwrap()));
        assert_eq!(body.quantity("qty").unwrap(), Given::Value(Decimal::from(5)));
    }

    #[test]
    fn what_nobody_asked_for_is_unknown() {
        let mut body = Body::parse(br#"{"a": 1, "b": null, "list": {"items": [{"x": 1, "y": 2}]}}"#).unwrap();
        assert_eq!(body.text("b").unwrap(), Given::Null);
        let mut lines = body.sublist("list").unwrap().unwrap();
        let mut line = lines.remove(0);
        line.number("x").unwrap();
        body.adopt_unknown(line);
        assert_eq!(body.into_unknown(), ["a", "list.items[0].y"]);
    }

    #[test]
    fn a_wrong_type_says_where() {
        let mut body = Body::parse(br#"{"list": {"items": [{"flag": "yes"}]}}"#).unwrap();
        let mut line = body.sublist("list").unwrap().unwrap().remove(0);
        let problem = line.flag("flag").unwrap_err();
        assert_eq!(problem.place, Some(("o:errorPath", "list.items[0].flag".to_owned())));
    }
}
