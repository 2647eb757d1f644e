//! What there is in an API: its sets, and their types.

use std::borrow::Cow;

use super::super::catalogue::{self, ENTITIES, Entity, Ty, Way};
use super::super::state::State;
use super::{Call, address, respond};
use crate::dynamics::edmx::{Model, Navigation, Property, Type};
use crate::dynamics::json::{Json, object};
use crate::system::Response;

/// The type of which everything else is a part.
const COMPANY: &str = "company";

/// The entities of the API that is called, with their names in it.
fn entities<'s>(state: &'s State, call: &Call<'_>) -> Vec<(&'static Entity, &'s str)> {
    let named = ENTITIES.iter().map(|it| (it, address::name_of(&state.settings, it)));
    let is_here = |(it, name): &(&'static Entity, &str)| {
        call.address.entity(&state.settings, name).is_some_and(|found| found.set == it.set)
    };
    named.filter(is_here).collect()
}

/// The service document.
pub(super) fn sets(state: &State, call: &Call<'_>) -> Response {
    let names = std::iter::once("companies").chain(entities(state, call).into_iter().map(|it| it.1));
    let set = |it| object([("name", Json::text(it)), ("kind", Json::text("EntitySet")), ("url", Json::text(it))]);
    let context = Json::Text(format!("{}/$metadata", call.address.root));
    respond(200, Some(&object([("@odata.context", context), ("value", Json::List(names.map(set).collect()))])))
}

/// `$metadata`
pub(super) fn document(state: &State, call: &Call<'_>) -> Response {
    let entities = entities(state, call);
    let texts = ["systemVersion", "name", "displayName", "businessProfileId"];
    let texts = texts.map(|name| Property { name, ty: "Edm.String", length_max: None });
    let id = Property { name: "id", ty: "Edm.Guid", length_max: None };
    let of_company = |(it, name): &(&'static Entity, &str)| Navigation {
        name: Cow::Owned((*name).to_owned()),
        to: it.singular,
        to_many: true,
    };
    let company = Type {
        name: COMPANY,
        set: "companies".into(),
        key: "id",
        properties: std::iter::once(id).chain(texts).collect(),
        navigations: entities.iter().map(of_company).collect(),
    };
    let types = std::iter::once(company).chain(entities.iter().map(|(it, name)| type_of(it, name))).collect();
    let model = Model { namespace: "Microsoft.NAV", container: "default", types };
    let mut response = respond(200, None);
    let media = http::HeaderValue::from_static("application/xml");
    response.headers_mut().insert(http::header::CONTENT_TYPE, media);
    *response.body_mut() = bytes::Bytes::from(model.to_string());
    response
}

fn type_of(entity: &'static Entity, set: &str) -> Type {
    let property = |it: &catalogue::Column| {
        let (ty, length_max) = match it.ty {
            Ty::Text(max) | Ty::Code(max) => ("Edm.String", Some(max)),
            // A member of an enumeration, which conditions and bodies have as text.
            Ty::Choice(_) => ("Edm.String", None),
            Ty::Number => ("Edm.Decimal", None),
            Ty::Integer => ("Edm.Int32", None),
            Ty::Flag => ("Edm.Boolean", None),
            Ty::Id => ("Edm.Guid", None),
            Ty::Day => ("Edm.Date", None),
            Ty::Moment => ("Edm.DateTimeOffset", None),
        };
        Property { name: it.name, ty, length_max }
    };
    let navigation = |it: &catalogue::Nav| {
        let to = catalogue::of(it.to)?.singular;
        Some(Navigation { name: it.name.into(), to, to_many: it.way == Way::Owned })
    };
    Type {
        name: entity.singular,
        set: Cow::Owned(set.to_owned()),
        key: "id",
        properties: entity.columns.iter().map(property).collect(),
        navigations: entity.navs.iter().filter_map(navigation).collect(),
    }
}
