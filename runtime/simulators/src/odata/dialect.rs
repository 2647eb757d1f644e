//! What a service understands of OData.

use super::call::Function;
use super::cell::{Case, Rules};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V3,
    V4,
}

/// How literals of dates and date-times are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// `2026-11-21T08:00:00.000Z`, as OData 4 has them.
    Bare,
    /// As text, which the property's type gives its meaning: `'2026-11-01'`, `'20261101'`.
    Quoted,
}

/// What `$expand` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expansion {
    /// Paths: `Customer/Address`.
    Paths,
    /// Paths with options of their own: `salesOrderLines($select=id;$top=5)`.
    Nested,
}

/// What a service understands. Whatever is not named here is refused as unsupported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Decides the literals: `guid'…'`, `datetime'…'` and number suffixes in 3, bare GUIDs in 4.
    pub version: Version,
    pub functions: &'static [Function],
    pub dates: Dates,
    /// A text may be compared with a GUID property.
    pub quoted_guids: bool,
    /// `or` between conditions on different properties.
    pub or_over_fields: bool,
    /// `add`, `sub`, `mul` and the minus sign before a property.
    pub arithmetic: bool,
    /// `ItemCode in ('A','B')`.
    pub in_lists: bool,
    /// `lines/any(it:it/quantity gt 5)`.
    pub lambdas: bool,
    pub expansion: Expansion,
    /// The system options it takes: `$select` and so on. `$count` and `$inlinecount` are two.
    pub options: &'static [&'static str],
}

const SUBSTRINGS: &[Function] = &[Function::StartsWith, Function::EndsWith, Function::Contains];
const SUBSTRINGS_V3: &[Function] = &[Function::StartsWith, Function::EndsWith, Function::SubstringOf];

impl Dialect {
    /// SAP Business One's Service Layer: `/b1s/v1` is version 3, `/b1s/v2` version 4.
    #[must_use]
    pub fn sap_b1(version: Version) -> Self {
        let (functions, options): (_, &[&str]) = match version {
            Version::V3 => {
                (SUBSTRINGS_V3, &["$select", "$filter", "$orderby", "$expand", "$top", "$skip", "$inlinecount"])
            }
            // Clients of version 3 go on saying `$inlinecount` here, and are understood.
            Version::V4 => {
                (SUBSTRINGS, &["$select", "$filter", "$orderby", "$expand", "$top", "$skip", "$count", "$inlinecount"])
            }
        };
        Self {
            version,
            functions,
            dates: Dates::Quoted,
            quoted_guids: false,
            or_over_fields: true,
            arithmetic: false,
            in_lists: false,
            lambdas: false,
            expansion: Expansion::Paths,
            options,
        }
    }

    /// Business Central's API. It refuses `or` between conditions on different properties, and documents that it ignores
    /// a filter with `any` or `all`; that is refused here, so that nobody relies on it.
    #[must_use]
    pub fn business_central() -> Self {
        Self {
            version: Version::V4,
            functions: Function::ALL_V4,
            dates: Dates::Bare,
            quoted_guids: false,
            or_over_fields: false,
            arithmetic: false,
            in_lists: true,
            lambdas: false,
            expansion: Expansion::Nested,
            options: &[
                "$select",
                "$filter",
                "$orderby",
                "$expand",
                "$top",
                "$skip",
                "$count",
                "$skiptoken",
                "$schemaversion",
            ],
        }
    }

    /// The Dataverse Web API: it pages by `$skiptoken` only.
    #[must_use]
    pub fn dataverse() -> Self {
        Self {
            version: Version::V4,
            functions: SUBSTRINGS,
            dates: Dates::Bare,
            quoted_guids: true,
            or_over_fields: true,
            arithmetic: false,
            in_lists: true,
            lambdas: true,
            expansion: Expansion::Nested,
            options: &["$select", "$filter", "$orderby", "$expand", "$top", "$count", "$skiptoken", "$deltatoken"],
        }
    }

    /// How values compare here, by a collation with or without `case`.
    #[must_use]
    pub fn rules(&self, case: Case) -> Rules {
        Rules { case, quoted_dates: self.dates == Dates::Quoted, quoted_guids: self.quoted_guids }
    }
}
