//! What records of several kinds have in common.

use serde_json::{Map, Value as Json, json};
use truthsource_sdk::connector::Write;
use truthsource_sdk::value::{Held, Value};

/// Text without blanks at its ends; nothing for empty text, which the company does not tell from none.
pub(crate) fn trimmed(text: Option<String>) -> Option<String> {
    text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

/// The same of a member that may not have been sent.
pub(crate) fn text(held: Held<String>) -> Held<String> {
    held.and_then(|it| trimmed(Some(it)).into())
}

/// `tYES` and `tNO`; anything else is not known.
pub(crate) fn flag(text: Option<&str>) -> Option<bool> {
    match text? {
        "tYES" | "Y" => Some(true),
        "tNO" | "N" => Some(false),
        _ => None,
    }
}

/// A record is in use unless it is frozen: one that is neither valid nor frozen has no such mark at all.
pub(crate) fn active(frozen: Option<&str>) -> Held<bool> {
    flag(frozen).map_or(Held::Unknown, |it| Held::Is(!it))
}

/// What is known, or not told at all, rather than told to be none.
pub(crate) fn known<T>(value: Option<T>) -> Held<T> {
    value.map_or(Held::Unknown, Held::Is)
}

/// The members to write of these fields, by the names that `member` gives them.
pub(crate) fn members(
    write: &Write,
    names: impl Iterator<Item = impl AsRef<str>>,
    member: impl Fn(&str) -> Option<&'static str>,
) -> Map<String, Json> {
    let mut body = Map::new();
    for name in names {
        let name = name.as_ref();
        match (write.want.get(name), member(name)) {
            (Some(Value::Flag(active)), None) if name == "active" => {
                let word = |it: bool| json!(if it { "tYES" } else { "tNO" });
                body.insert("Valid".to_owned(), word(*active));
                body.insert("Frozen".to_owned(), word(!*active));
            }
            (Some(Value::Text(text)), Some(member)) => {
                body.insert(member.to_owned(), json!(text));
            }
            (_, Some(member)) => {
                body.insert(member.to_owned(), Json::Null);
            }
            _ => {}
        }
    }
    body
}

/// A field that is part of a creation only, among those to change.
pub(crate) fn fixed<'a>(write: &'a Write, names: &[&str]) -> Option<&'a str> {
    write.changed.iter().map(String::as_str).find(|it| names.contains(it))
}
