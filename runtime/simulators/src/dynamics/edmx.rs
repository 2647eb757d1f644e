//! `$metadata`: the types of a service as its clients read them before anything else.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// A property: its name and its type, `Edm.Int32` say.
pub(super) struct Property {
    pub name: &'static str,
    pub ty: &'static str,
    /// Letters of a text.
    pub length_max: Option<usize>,
}

/// What leads from one type to another, or to many of it.
pub(super) struct Navigation {
    pub name: Cow<'static, str>,
    pub to: &'static str,
    pub to_many: bool,
}

/// A type, and the set that has its records.
pub(super) struct Type {
    pub name: &'static str,
    pub set: Cow<'static, str>,
    /// The name of the property that is the key.
    pub key: &'static str,
    pub properties: Vec<Property>,
    pub navigations: Vec<Navigation>,
}

/// The model of a service.
pub(super) struct Model {
    pub namespace: &'static str,
    pub container: &'static str,
    pub types: Vec<Type>,
}

/// A text within quotes.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '"' => f.write_str("&quot;"),
            other => f.write_char(other),
        })
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<Property Name="{}" Type="{}""#, self.name, self.ty)?;
        if let Some(max) = self.length_max {
            write!(f, r#" MaxLength="{max}""#)?;
        }
        f.write_str("/>")
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, container, types } = self;
        f.write_str(concat!(
            r#"<?xml version="1.0" encoding="utf-8"?>"#,
            r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>"#,
        ))?;
        write!(f, r#"<Schema Namespace="{namespace}" xmlns="http://docs.oasis-open.org/odata/ns/edm">"#)?;
        for ty in types {
            write!(f, r#"<EntityType Name="{}"><Key><PropertyRef Name="{}"/></Key>"#, ty.name, ty.key)?;
            ty.properties.iter().try_for_each(|it| it.fmt(f))?;
            for Navigation { name, to, to_many } in &ty.navigations {
                let (before, behind) = if *to_many { ("Collection(", ")") } else { ("", "") };
                let name = Quoted(name);
                write!(f, r#"<NavigationProperty Name="{name}" Type="{before}{namespace}.{to}{behind}"/>"#)?;
            }
            f.write_str("</EntityType>")?;
        }
        write!(f, r#"<EntityContainer Name="{container}">"#)?;
        for ty in types {
            write!(f, r#"<EntitySet Name="{}" EntityType="{namespace}.{}">"#, Quoted(&ty.set), ty.name)?;
            for Navigation { name, to, .. } in &ty.navigations {
                let target = types.iter().find(|it| it.name == *to);
                if let Some(target) = target {
                    let (name, set) = (Quoted(name), Quoted(&target.set));
                    write!(f, r#"<NavigationPropertyBinding Path="{name}" Target="{set}"/>"#)?;
                }
            }
            f.write_str("</EntitySet>")?;
        }
        f.write_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>")
    }
}
