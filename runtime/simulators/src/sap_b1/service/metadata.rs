//! `$metadata` and the service document: what is played, no more.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::entity::Entity;
use super::sets::Set;
use super::{Call, with_entity};
use crate::odata::Version;
use crate::sap_b1::model::{
    Address, Contact, CountingLine, DataArea, DocumentExpense, DocumentLine, EventKind, ItemPrice, PostingLine,
    QuantityArea, Stock, TransferLine,
};
use crate::sap_b1::shape::{Edm, Shape};
use crate::sap_b1::wire::{self, Style};
use crate::system::Response;

/// The sets of the service.
pub(super) fn service_document(call: &Call<'_>) -> Response {
    let sets = Set::ALL.iter().map(|it| json!({ "name": it.name(), "kind": "EntitySet", "url": it.name() })).collect();
    let mut body = Map::new();
    call.style.describe(&mut body, &wire::origin(call.request), "");
    body.insert("value".to_owned(), Value::Array(sets));
    wire::json(200, Style::content_type(call.style.version), &body.into())
}

/// The model, as EDMX.
pub(super) fn document(call: &Call<'_>) -> Response {
    let mut model = Model { call, types: BTreeMap::new(), enums: BTreeMap::new() };
    let mut sets = String::new();
    for set in Set::ALL {
        with_entity!(set, E => model.add_entity::<E>(set));
        let ty = with_entity!(set, E => E::TYPE);
        let _ = write!(sets, r#"<EntitySet Name="{}" EntityType="SAPB1.{ty}"/>"#, set.name());
    }
    model.add_rows();
    let (version, edmx, edm) = match call.style.version {
        Version::V3 => {
            ("1.0", "http://schemas.microsoft.com/ado/2007/06/edmx", "http://schemas.microsoft.com/ado/2009/11/edm")
        }
        Version::V4 => ("4.0", "http://docs.oasis-open.org/odata/ns/edmx", "http://docs.oasis-open.org/odata/ns/edm"),
    };
    let types: String = model.enums.into_values().chain(model.types.into_values()).collect();
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><edmx:Edmx Version="{version}" xmlns:edmx="{edmx}"><edmx:DataServices><Schema Namespace="SAPB1" xmlns="{edm}">{types}<EntityContainer Name="ServiceLayer">{sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#
    );
    let mut response = Response::new(Bytes::from(body));
    wire::set(&mut response, "content-type", "application/xml");
    response
}

struct Model<'m> {
    call: &'m Call<'m>,
    types: BTreeMap<&'static str, String>,
    enums: BTreeMap<&'static str, String>,
}

impl Model<'_> {
    fn add_entity<E: Entity>(&mut self, set: Set) {
        let keys: String = set.key_properties().iter().map(|it| format!(r#"<PropertyRef Name="{it}"/>"#)).collect();
        let properties = self.properties::<E>(E::TABLE);
        let ty = format!(r#"<EntityType Name="{}"><Key>{keys}</Key>{properties}</EntityType>"#, E::TYPE);
        self.types.insert(E::TYPE, ty);
    }

    fn add_row<E: Shape>(&mut self, table: Option<&'static str>) {
        let properties = self.properties::<E>(table);
        self.types.insert(E::TYPE, format!(r#"<ComplexType Name="{}">{properties}</ComplexType>"#, E::TYPE));
    }

    /// The types of the rows in collections.
    fn add_rows(&mut self) {
        self.add_row::<ItemPrice>(None);
        self.add_row::<Stock>(None);
        self.add_row::<DataArea>(None);
        self.add_row::<QuantityArea>(None);
        self.add_row::<Address>(None);
        self.add_row::<Contact>(None);
        self.add_row::<DocumentLine>(Some("RDR1"));
        self.add_row::<DocumentExpense>(None);
        self.add_row::<CountingLine>(None);
        self.add_row::<PostingLine>(None);
        self.add_row::<TransferLine>(None);
        self.add_row::<EventKind>(None);
        self.types.insert("UoMPrice", r#"<ComplexType Name="UoMPrice"></ComplexType>"#.to_owned());
    }

    fn properties<E: Shape>(&mut self, table: Option<&'static str>) -> String {
        let mut written = String::new();
        for property in E::PROPERTIES {
            let ty = self.type_name(property.edm);
            let _ = write!(written, r#"<Property Name="{}" Type="{ty}"/>"#, property.name);
        }
        for collection in E::COLLECTIONS {
            let (name, ty) = (collection.name, collection.ty);
            let _ = write!(written, r#"<Property Name="{name}" Type="Collection(SAPB1.{ty})" Nullable="false"/>"#);
        }
        if let Some(table) = table {
            let fields = &self.call.state.fields;
            let own: Vec<_> =
                fields.names(table).filter_map(|it| Some((it.to_owned(), fields.edm(table, it)?))).collect();
            for (name, edm) in own {
                let _ = write!(written, r#"<Property Name="{name}" Type="{}"/>"#, self.type_name(edm));
            }
        }
        written
    }

    fn type_name(&mut self, edm: Edm) -> String {
        if let Edm::Enum(name, members) = edm {
            let written: String = members.iter().map(|(it, _)| format!(r#"<Member Name="{it}"/>"#)).collect();
            self.enums.insert(name, format!(r#"<EnumType Name="{name}">{written}</EnumType>"#));
        }
        match (edm, self.call.style.version) {
            (Edm::Date, Version::V4) => "Edm.DateTimeOffset".to_owned(),
            (Edm::Time, Version::V4) => "Edm.TimeOfDay".to_owned(),
            _ => edm.name(),
        }
    }
}
