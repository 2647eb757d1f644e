//! What there is: the sets, the model, and the definitions of tables, by which clients see what is tracked.

use super::super::super::edmx::{Model, Navigation, Property, Type};
use super::super::super::json::{Json, object};
use super::super::metadata::{self, Entity, Ty};
use super::super::problem::Problem;
use super::super::state::State;
use super::{Call, bad, entities, respond};
use crate::dynamics::guid::Guid;
use crate::odata::{self, Arguments, Case, Cell, Dialect, Name, Options};
use crate::system::Response;

/// The service document.
pub(super) fn sets(state: &State, call: &Call<'_>) -> Response {
    let set = |it: &Entity| {
        object([("name", Json::text(it.plural)), ("kind", Json::text("EntitySet")), ("url", Json::text(it.plural))])
    };
    let context = Json::Text(format!("{}/$metadata", call.root));
    respond(
        200,
        Some(&object([("@odata.context", context), ("value", Json::List(entities(state).map(set).collect()))])),
    )
}

/// `$metadata`
pub(super) fn model(state: &State) -> Response {
    let types = entities(state).map(type_of).collect();
    let model = Model { namespace: "Microsoft.Dynamics.CRM", container: "System", types };
    let mut response = respond(200, None);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    *response.body_mut() = bytes::Bytes::from(model.to_string());
    response
}

fn type_of(entity: &'static Entity) -> Type {
    let id = Property { name: entity.id, ty: "Edm.Guid", length_max: None };
    let properties = entity.columns.iter().map(|it| {
        let (ty, length_max) = match it.ty {
            Ty::Text(max) => ("Edm.String", Some(max)),
            Ty::Number => ("Edm.Decimal", None),
            Ty::Choice(_) => ("Edm.Int32", None),
            Ty::Flag => ("Edm.Boolean", None),
            Ty::Moment => ("Edm.DateTimeOffset", None),
            Ty::Lookup(_) => ("Edm.Guid", None),
        };
        Property { name: it.name, ty, length_max }
    });
    let lookups = entity.columns.iter().flat_map(|it| if let Ty::Lookup(ways) = it.ty { ways } else { &[] });
    let single =
        lookups.map(|(name, set)| Navigation { name: (*name).into(), to: metadata::of(*set).name, to_many: false });
    let many = entity.owned.iter().map(|(name, set, _)| Navigation {
        name: (*name).into(),
        to: metadata::of(*set).name,
        to_many: true,
    });
    Type {
        name: entity.name,
        set: entity.plural.into(),
        key: entity.id,
        properties: std::iter::once(id).chain(properties).collect(),
        navigations: single.chain(many).collect(),
    }
}

/// A table as one of `EntityDefinitions`.
struct Definition(&'static Entity);

/// The members of a definition, in the order in which they are shown.
const MEMBERS: [&str; 8] = [
    "LogicalName",
    "EntitySetName",
    "LogicalCollectionName",
    "SchemaName",
    "PrimaryIdAttribute",
    "PrimaryNameAttribute",
    "ChangeTrackingEnabled",
    "MetadataId",
];

impl Definition {
    fn id(&self) -> Guid {
        Guid::drawn("definition", self.0.set as u64)
    }

    fn member(&self, name: &str) -> Option<Cell> {
        let Self(entity) = self;
        Some(match name {
            "LogicalName" | "SchemaName" => entity.name.into(),
            "EntitySetName" | "LogicalCollectionName" => entity.plural.into(),
            "PrimaryIdAttribute" => entity.id.into(),
            "PrimaryNameAttribute" => {
                let names = ["name", "msdyn_name", "currencyname"];
                names.into_iter().find(|it| entity.column(it).is_some()).map_or(Cell::Null, Cell::from)
            }
            "ChangeTrackingEnabled" => entity.is_tracked.into(),
            "MetadataId" => Cell::Guid(odata::Guid(self.id().bits())),
            _ => return None,
        })
    }

    fn json(&self, options: &Options) -> Json {
        let is_wanted = |name: &str| {
            let selected = options.select.as_ref();
            name == "MetadataId" || selected.is_none_or(|it| it.iter().any(|it| it.path == [name]))
        };
        let members = MEMBERS.iter().filter(|it| is_wanted(it)).map(|name| {
            let value = match self.member(name) {
                Some(Cell::Text(text)) => Json::Text(text),
                Some(Cell::Flag(flag)) => Json::Flag(flag),
                Some(Cell::Guid(guid)) => Json::text(guid.to_string()),
                _ => Json::Null,
            };
            ((*name).to_owned(), value)
        });
        Json::Object(members.collect())
    }
}

impl odata::Row for Definition {
    fn cell(&self, path: &[String]) -> Option<Cell> {
        if let [name] = path { self.member(name) } else { None }
    }
}

/// Definitions: those that a condition leaves, or the one that a logical name or an id names.
pub(super) fn answer(state: &State, call: &Call<'_>, name: &Name) -> Result<Response, Problem> {
    let options = call.options()?;
    let chosen = options.select.iter().flatten().cloned();
    let filtered = options.filter.iter().flat_map(odata::Expr::properties);
    let is_unknown = |it: &odata::Property| !matches!(it.path.as_slice(), [name] if MEMBERS.contains(&name.as_str()));
    if let Some(unknown) = chosen.chain(filtered).find(is_unknown) {
        let message = format!(
            "Could not find a property named '{}' on type 'Microsoft.Dynamics.CRM.EntityMetadata'.",
            unknown.name()
        );
        return Err(Problem::query(message));
    }
    let all = entities(state).map(Definition);
    let context = format!("{}/$metadata#EntityDefinitions", call.root);
    let Some(arguments) = &name.arguments else {
        let rules = Dialect::dataverse().rules(Case::Insensitive);
        let mut found = Vec::new();
        for it in all {
            if options.filter.as_ref().map_or(Ok(true), |filter| filter.holds(&it, &rules)).map_err(bad)? {
                found.push(it.json(&options));
            }
        }
        return Ok(respond(
            200,
            Some(&object([("@odata.context", Json::Text(context)), ("value", Json::List(found))])),
        ));
    };
    let is_meant = |it: &Definition| match arguments {
        Arguments::One(Cell::Guid(guid)) => it.id().bits() == guid.0,
        Arguments::Named(named) => {
            matches!(named.as_slice(), [(column, Cell::Text(text))] if column == "LogicalName" && it.0.name == text)
        }
        _ => false,
    };
    let missing = || Problem::new(404, "0x80060888", "Could not find an entity with the specified name or id.");
    let found = all.into_iter().find(is_meant).ok_or_else(missing)?;
    let Json::Object(members) = found.json(&options) else { return Err(missing()) };
    let context = ("@odata.context".to_owned(), Json::Text(format!("{context}/$entity")));
    Ok(respond(200, Some(&Json::Object(std::iter::once(context).chain(members).collect()))))
}
