//! User-defined fields, which an object has only once they are defined.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::shape::{Datum, Edm, Property, Shape, int, maybe, text};

/// The definition of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// `TableName`, as it was given.
    pub table: String,
    /// `FieldID`: unique in its table.
    pub id: i64,
    /// `Name`, without the `U_` that its property has before it.
    pub name: String,
    /// `Type`.
    #[serde(skip)]
    pub ty: &'static str,
    /// `Size`.
    pub size: i64,
    /// `Description`.
    pub description: Option<String>,
}

const TYPES: Edm = Edm::Enum(
    "BoFieldTypes",
    &[("db_Alpha", "A"), ("db_Memo", "M"), ("db_Numeric", "N"), ("db_Date", "D"), ("db_Float", "B")],
);

impl Field {
    fn edm(&self) -> Edm {
        match self.ty {
            "db_Numeric" => Edm::Int,
            "db_Date" => Edm::Date,
            "db_Float" => Edm::Double,
            "db_Memo" => Edm::Text,
            _ => Edm::Chars(usize::try_from(self.size).unwrap_or_default()),
        }
    }
}

/// Every definition, by the name of its property and by the table that it is in. All documents share their fields,
/// whichever document's table a definition names.
#[derive(Debug, Clone, Default)]
pub(in crate::sap_b1) struct Definitions {
    by_name: BTreeMap<(&'static str, String), Field>,
}

/// The table whose fields it shares; `None`: it has none.
pub(in crate::sap_b1) fn shared_table(name: &str) -> Option<&'static str> {
    Some(match name {
        "OITM" => "OITM",
        "OCRD" => "OCRD",
        "ORDR" | "ODLN" | "OINV" | "OQUT" | "ORIN" | "ODRF" | "OIGN" | "OIGE" => "ORDR",
        "RDR1" | "DLN1" | "INV1" | "QUT1" | "RIN1" | "DRF1" | "IGN1" | "IGE1" => "RDR1",
        _ => return None,
    })
}

impl Definitions {
    /// Adds a definition. `false`: the table has a field of this name.
    pub(in crate::sap_b1) fn add(&mut self, table: &'static str, field: Field) -> bool {
        let key = (table, format!("U_{}", field.name));
        let is_new = !self.by_name.contains_key(&key);
        if is_new {
            self.by_name.insert(key, field);
        }
        is_new
    }

    pub(in crate::sap_b1) fn remove(&mut self, table: &str, id: i64) -> bool {
        let before = self.by_name.len();
        self.by_name.retain(|_, it| !(it.table == table && it.id == id));
        self.by_name.len() < before
    }

    pub(in crate::sap_b1) fn all(&self) -> impl Iterator<Item = &Field> {
        self.by_name.values()
    }

    /// The names of a table's properties.
    pub(in crate::sap_b1) fn names(&self, table: &'static str) -> impl Iterator<Item = &str> {
        let names = self.by_name.range((table, String::new())..).take_while(move |((it, _), _)| *it == table);
        names.map(|((_, name), _)| name.as_str())
    }

    /// The type of a property; `None` if there is none of this name.
    pub(in crate::sap_b1) fn edm(&self, table: &str, name: &str) -> Option<Edm> {
        let table = shared_table(table)?;
        self.by_name.get(&(table, name.to_owned())).map(Field::edm)
    }
}

impl Shape for Field {
    const TYPE: &'static str = "UserFieldMD";
    const PROPERTIES: &'static [Property<Self>] = &[
        Property::<Self>::new("TableName", Edm::Text, |it| text(&it.table)),
        Property::<Self>::new("FieldID", Edm::Int, |it| int(it.id)),
        Property::<Self>::new("Name", Edm::Chars(20), |it| text(&it.name))
            .set(|it, to| it.name = to.into_text().unwrap_or_default()),
        Property::<Self>::new("Type", TYPES, |it| Datum::Member(it.ty)).set(|it, to| {
            if let Datum::Member(ty) = to {
                it.ty = ty;
            }
        }),
        Property::<Self>::new("Size", Edm::Int, |it| int(it.size)).set(|it, to| it.size = to.int().unwrap_or(10)),
        Property::<Self>::new("Description", Edm::Chars(30), |it| maybe(&it.description))
            .set(|it, to| it.description = to.into_text()),
    ];
}
