//! What the objects look like from outside: their properties, and how these are shown, filtered and written.
//!
//! One table a type says it all; requests, `$metadata`, `$select` and `$filter` read the same table.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime, Time};
use serde_json::{Map, Value};
use truthsource_core::Decimal;

use super::json::{Json, Members};
use super::model::field::Definitions;
use super::problem::Problem;
use super::wire::{self, Style};
use crate::odata::{Cell, Row};

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edm {
    Text,
    /// A text of so many letters at most.
    Chars(usize),
    Int,
    Double,
    Date,
    Time,
    /// One of some names: of the enumeration type, and its members.
    Enum(&'static str, &'static [Member]),
}

/// A member of an enumeration type: its name, and the value that the database has for it, which writes and conditions
/// may give as well.
pub(super) type Member = (&'static str, &'static str);

/// `tNO` and `tYES`.
pub(super) const YES_NO: Edm = Edm::Enum("BoYesNoEnum", &[("tNO", "N"), ("tYES", "Y")]);

/// A value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Datum<'a> {
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Double(Decimal),
    Date(Date),
    Time(Time),
    Member(&'static str),
}

/// Values of user-defined fields, by their names.
pub(super) type UserFields = BTreeMap<String, Datum<'static>>;

pub(super) fn text(it: &str) -> Datum<'_> {
    Datum::Text(Cow::Borrowed(it))
}

pub(super) fn maybe(it: &Option<String>) -> Datum<'_> {
    it.as_deref().map_or(Datum::Null, text)
}

pub(super) fn int<'a>(it: impl TryInto<i64>) -> Datum<'a> {
    Datum::Int(it.try_into().unwrap_or(i64::MAX))
}

pub(super) fn yes_no<'a>(it: bool) -> Datum<'a> {
    Datum::Member(if it { "tYES" } else { "tNO" })
}

impl<'a> Datum<'a> {
    pub(super) fn date(it: Option<Date>) -> Self {
        it.map_or(Self::Null, Self::Date)
    }

    fn shown(&self, style: Style) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(it) => Value::String(it.to_string()),
            Self::Int(it) => Value::from(*it),
            Self::Double(it) => wire::double(*it),
            Self::Date(it) => style.date(*it),
            Self::Time(it) => Value::String(wire::minute(*it)),
            Self::Member(it) => Value::String((*it).to_owned()),
        }
    }

    fn cell(self) -> Cell {
        match self {
            Self::Null => Cell::Null,
            Self::Text(it) => Cell::Text(it.into_owned()),
            Self::Int(it) => Decimal::new(it, 0).map_or(Cell::Null, Cell::Number),
            Self::Double(it) => Cell::Number(it),
            Self::Date(it) => Cell::Date(it),
            // What is shown is what is compared: minutes.
            Self::Time(it) => Cell::Time(jiff::civil::time(it.hour(), it.minute(), 0, 0)),
            Self::Member(it) => Cell::Enum { ty: String::new(), member: it.to_owned() },
        }
    }
}

/// Reading what a write gave. A null empties: no text, zero, no.
impl Datum<'static> {
    /// `None` for null and for an empty text.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(it) if !it.is_empty() => Some(it.into_owned()),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Decimal {
        match self {
            Self::Double(it) => *it,
            Self::Int(it) => Decimal::new(*it, 0).unwrap_or_default(),
            _ => Decimal::ZERO,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        if let Self::Int(it) = self { Some(*it) } else { None }
    }

    pub(super) fn day(&self) -> Option<Date> {
        if let Self::Date(it) = self { Some(*it) } else { None }
    }

    pub(super) fn is(&self, member: &str) -> bool {
        matches!(self, Self::Member(it) if *it == member)
    }

    pub(super) fn is_yes(&self) -> bool {
        self.is("tYES")
    }
}

impl Edm {
    /// A value of a body; `None` if it is not of this type.
    pub(super) fn read(self, json: Json) -> Option<Datum<'static>> {
        Some(match (self, json) {
            (_, Json::Null) => Datum::Null,
            (Self::Text | Self::Chars(_), Json::Text(text)) => Datum::Text(Cow::Owned(text)),
            // Numbers are taken in quotes as well, as SAP's own examples have them.
            (Self::Int, Json::Number(text) | Json::Text(text)) => Datum::Int(whole(&text)?),
            (Self::Double, Json::Number(text) | Json::Text(text)) => Datum::Double(text.parse().ok()?),
            (Self::Date, Json::Text(text)) => Datum::Date(day(&text)?),
            (Self::Time, Json::Text(text)) => Datum::Time(text.parse().ok()?),
            (Self::Enum(..), Json::Text(text)) => Datum::Member(self.member(&text)?),
            _ => return None,
        })
    }

    /// The member of an enumeration that has this name or value.
    pub(super) fn member(self, text: &str) -> Option<&'static str> {
        let Self::Enum(_, members) = self else { return None };
        members.iter().find(|(name, value)| *name == text || *value == text).map(|it| it.0)
    }

    /// A value of a body for the property `name` of `ty`.
    ///
    /// # Errors
    /// It is not of this type, or longer than what holds it.
    pub(super) fn take(self, json: Json, name: &str, ty: &str) -> Result<Datum<'static>, Problem> {
        let datum = self.read(json).ok_or_else(|| Problem::property(name, ty))?;
        match (&datum, self) {
            (Datum::Text(text), Self::Chars(max)) if text.chars().count() > max => Err(Problem::too_long(name, ty)),
            _ => Ok(datum),
        }
    }

    /// The type's name in `$metadata`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Text | Self::Chars(_) => "Edm.String".to_owned(),
            Self::Int => "Edm.Int32".to_owned(),
            Self::Double => "Edm.Double".to_owned(),
            Self::Date => "Edm.DateTime".to_owned(),
            Self::Time => "Edm.Time".to_owned(),
            Self::Enum(name, _) => format!("SAPB1.{name}"),
        }
    }
}

fn whole(text: &str) -> Option<i64> {
    let number: Decimal = text.parse().ok()?;
    (number == number.floor()).then(|| number.to_string().parse().ok()).flatten()
}

/// A day in any of the spellings that are taken: `2026-11-21`, `20261121`, `2026-11-21T00:00:00Z`.
pub(super) fn day(text: &str) -> Option<Date> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    text.parse::<Date>().or_else(|_| text.parse::<DateTime>().map(DateTime::date)).ok()
}

/// A property of `E`.
pub(super) struct Property<E: 'static> {
    pub name: &'static str,
    pub edm: Edm,
    pub read: for<'a> fn(&'a E) -> Datum<'a>,
    /// `None`: a write that names it is taken, and changes nothing.
    pub write: Option<fn(&mut E, Datum<'static>)>,
}

impl<E> Property<E> {
    pub(super) const fn new(name: &'static str, edm: Edm, read: for<'a> fn(&'a E) -> Datum<'a>) -> Self {
        Self { name, edm, read, write: None }
    }

    pub(super) const fn set(self, write: fn(&mut E, Datum<'static>)) -> Self {
        Self { write: Some(write), ..self }
    }
}

/// Writes the rows that a body gives of a collection.
type WriteRows<E> = fn(&mut E, Vec<Json>, &Rules<'_>) -> Result<(), Problem>;

/// A collection inside of `E`, which always comes in full.
pub(super) struct Collection<E: 'static> {
    pub name: &'static str,
    pub ty: &'static str,
    pub show: fn(&E, &View<'_>) -> Vec<Value>,
    /// `None`: as of [`Property::write`].
    pub write: Option<WriteRows<E>>,
}

/// A type of the service's model.
pub(super) trait Shape: Sized + 'static {
    /// Its name in the model: `Item`.
    const TYPE: &'static str;
    const PROPERTIES: &'static [Property<Self>];
    const COLLECTIONS: &'static [Collection<Self>] = &[];

    /// The table whose user-defined fields it has, and their values.
    fn user_fields(&self) -> Option<(&'static str, &UserFields)> {
        None
    }

    fn user_fields_mut(&mut self) -> Option<(&'static str, &mut UserFields)> {
        None
    }
}

/// How objects are shown.
#[derive(Clone, Copy)]
pub(super) struct View<'s> {
    pub style: Style,
    pub fields: &'s Definitions,
}

/// How objects are written.
#[derive(Clone, Copy)]
pub(super) struct Rules<'s> {
    pub fields: &'s Definitions,
    /// A collection that is given is the whole of it.
    pub replace: bool,
}

/// An object as JSON; `wanted` decides which members.
pub(super) fn show<E: Shape>(it: &E, view: &View<'_>, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut shown = Map::new();
    for property in E::PROPERTIES.iter().filter(|it| wanted(it.name)) {
        shown.insert(property.name.to_owned(), (property.read)(it).shown(view.style));
    }
    for collection in E::COLLECTIONS.iter().filter(|it| wanted(it.name)) {
        shown.insert(collection.name.to_owned(), Value::Array((collection.show)(it, view)));
    }
    if let Some((table, values)) = it.user_fields() {
        for name in view.fields.names(table).filter(|it| wanted(it)) {
            let value = values.get(name).map_or(Value::Null, |it| it.shown(view.style));
            shown.insert(name.to_owned(), value);
        }
    }
    shown
}

/// Rows of a collection as JSON.
pub(super) fn show_all<'e, E: Shape>(rows: impl IntoIterator<Item = &'e E>, view: &View<'_>) -> Vec<Value> {
    rows.into_iter().map(|it| Value::Object(show(it, view, |_| true))).collect()
}

/// Writes what a body gives. Members that are nobody's are refused, read-only ones are passed over.
pub(super) fn fill<E: Shape>(it: &mut E, members: Members, rules: &Rules<'_>) -> Result<(), Problem> {
    for (name, json) in members {
        // Annotations describe the body: they are no part of the object.
        if name.contains('.') {
            continue;
        }
        let invalid = || Problem::property(&name, E::TYPE);
        if let Some(property) = E::PROPERTIES.iter().find(|it| it.name == name) {
            let Some(write) = property.write else { continue };
            write(it, property.edm.take(json, &name, E::TYPE)?);
        } else if let Some(collection) = E::COLLECTIONS.iter().find(|it| it.name == name) {
            let (Some(write), false) = (collection.write, json == Json::Null) else { continue };
            let Json::List(entries) = json else { return Err(invalid()) };
            write(it, entries, rules)?;
        } else {
            let (table, values) = it.user_fields_mut().ok_or_else(invalid)?;
            let edm = rules.fields.edm(table, &name).ok_or_else(invalid)?;
            values.insert(name.clone(), edm.take(json, &name, E::TYPE)?);
        }
    }
    Ok(())
}

/// A row of a collection.
pub(super) trait Line: Shape + Clone {
    /// The property that names it among its siblings.
    const KEY: &'static str;
    fn key(&self) -> i64;
    /// A row that a body adds.
    fn blank(key: i64) -> Self;
}

/// Merges rows of a body into a collection by their keys: what a row is not named in stays, unless the body is the
/// whole. A row without a key, or with one that nobody has, is new.
pub(super) fn merge<L: Line>(rows: &mut Vec<L>, entries: Vec<Json>, rules: &Rules<'_>) -> Result<(), Problem> {
    let mut kept = Vec::new();
    for entry in entries {
        let Json::Object(mut members) = entry else { return Err(Problem::body("an object was expected")) };
        let key = match members.remove(L::KEY) {
            None | Some(Json::Null) => None,
            Some(Json::Number(text) | Json::Text(text)) => {
                Some(whole(&text).ok_or_else(|| Problem::property(L::KEY, L::TYPE))?)
            }
            Some(_) => return Err(Problem::property(L::KEY, L::TYPE)),
        };
        let at = key.and_then(|key| rows.iter().position(|it| it.key() == key)).unwrap_or_else(|| {
            let next = rows.iter().map(|it| it.key() + 1).max().unwrap_or(0);
            rows.push(L::blank(key.unwrap_or(next)));
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            fill(row, members, rules)?;
            kept.push(row.key());
        }
    }
    if rules.replace {
        rows.retain(|it| kept.contains(&it.key()));
    }
    Ok(())
}

/// An object as conditions see it. Collections cannot be looked into.
pub(super) struct Filtered<'s, E> {
    pub object: &'s E,
    pub fields: &'s Definitions,
}

impl<E: Shape> Row for Filtered<'_, E> {
    fn cell(&self, path: &[String]) -> Option<Cell> {
        let [name] = path else { return None };
        if let Some(property) = E::PROPERTIES.iter().find(|it| it.name == *name) {
            return Some((property.read)(self.object).cell());
        }
        let (table, values) = self.object.user_fields()?;
        self.fields.edm(table, name)?;
        Some(values.get(name).map_or(Cell::Null, |it| it.clone().cell()))
    }
}

/// Whether the type has a member of this name.
pub(super) fn knows<E: Shape>(name: &str, table: Option<&str>, fields: &Definitions) -> bool {
    edm_of::<E>(name, table, fields).is_some() || E::COLLECTIONS.iter().any(|it| it.name == name)
}

/// What a property holds; `None`: the type has no property of this name.
pub(super) fn edm_of<E: Shape>(name: &str, table: Option<&str>, fields: &Definitions) -> Option<Edm> {
    let own = E::PROPERTIES.iter().find(|it| it.name == name).map(|it| it.edm);
    own.or_else(|| fields.edm(table?, name))
}
