//! Stored SQL queries.

use serde::Serialize;

use super::super::clock::Stamp;
use super::super::shape::{Datum, Edm, Property, Shape, text};

/// A stored query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SqlQuery {
    /// `SqlCode`: the key.
    pub code: String,
    /// `SqlName`.
    pub name: String,
    /// `SqlText`.
    pub sql: String,
    /// `ParamList`: the parameters, in the order in which the text names them.
    pub params: Vec<String>,
    /// `CreateDate`.
    pub created: Stamp,
    /// `UpdateDate`.
    pub updated: Stamp,
}

impl Shape for SqlQuery {
    const TYPE: &'static str = "SQLQuery";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("SqlCode", Edm::Text, |it| text(&it.code)),
        Property::<Self>::new("SqlName", Edm::Text, |it| text(&it.name))
            .set(|it, to| it.name = to.into_text().unwrap_or_default()),
        Property::<Self>::new("SqlText", Edm::Text, |it| text(&it.sql))
            .set(|it, to| it.sql = to.into_text().unwrap_or_default()),
        Property::<Self>::new("ParamList", Edm::Text, |it| match it.params.is_empty() {
            true => Datum::Null,
            false => Datum::Text(it.params.join(",").into()),
        }),
        Property::<Self>::new("CreateDate", Edm::Date, |it| Datum::Date(it.created.date)),
        Property::<Self>::new("UpdateDate", Edm::Date, |it| Datum::Date(it.updated.date)),
    ];
}
