//! The OpenAPI document, written from the table of routes.

use std::collections::BTreeMap;

use http::Method;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::{Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::problem::Problem;
use super::route::{Access, Route, Shape, Spec, Takes};

/// The document of these routes.
pub(super) fn document(routes: &[Route]) -> OpenApi {
    let mut schemas = BTreeMap::new();
    schemas.insert("Problem".to_owned(), Problem::schema());
    let mut paths = Paths::new();
    for route in routes {
        for shape in route.spec.doc.takes.iter().chain(&route.spec.doc.gives) {
            collect(shape, &mut schemas);
        }
        let item = PathItem::from_http_methods([method(&route.spec)], operation(&route.spec));
        match paths.paths.get_mut(route.spec.path) {
            Some(known) => known.merge_operations(item),
            None => drop(paths.paths.insert(route.spec.path.to_owned(), item)),
        }
    }
    let mut components = Components::new();
    components.schemas = schemas;
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API key: `ts_live_…`")).build();
    components.add_security_scheme("key", SecurityScheme::Http(bearer));
    let info = InfoBuilder::new().title("TruthSource").version(env!("CARGO_PKG_VERSION"));
    // Wherever the document was found.
    let here = ServerBuilder::new().url("/").build();
    OpenApiBuilder::new().info(info.build()).servers(Some([here])).paths(paths).components(Some(components)).build()
}

fn collect(shape: &Shape, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    schemas.insert((shape.name)().into_owned(), (shape.schema)());
    let mut nested = Vec::new();
    (shape.schemas)(&mut nested);
    schemas.extend(nested);
}

fn method(spec: &Spec) -> HttpMethod {
    match spec.method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn operation(spec: &Spec) -> utoipa::openapi::path::Operation {
    let doc = &spec.doc;
    let mut operation = OperationBuilder::new().summary(Some(doc.about)).operation_id(Some(operation_id(spec)));
    for name in path_parameters(spec.path) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        operation = operation.parameter(parameter.schema(Some(text())));
    }
    for parameter in &doc.query {
        operation = operation.parameter(parameter.clone());
    }
    if spec.remembers {
        let about = "Repeating a request with the same key and body gives the same answer and has no second effect.";
        operation = operation.parameter(header("Idempotency-Key", about));
    }
    if matches!(spec.access, Access::Tenant(_) | Access::Either(_)) {
        operation = operation.parameter(header("X-Tenant", "The tenant, when an operator's key asks."));
    }
    if spec.doc.conditional {
        operation =
            operation.parameter(header("If-Match", "The `ETag` of what was read: else it is done to anything."));
    }
    operation = match spec.access {
        Access::Public => operation.securities(Some([SecurityRequirement::default()])),
        Access::Operator(scope) | Access::Tenant(scope) | Access::Either(scope) => {
            operation.security(SecurityRequirement::new("key", [scope.as_str()]))
        }
    };
    let content = match (spec.takes, doc.takes) {
        (Takes::Json, Some(shape)) => Some(("application/json", reference(shape))),
        (Takes::Wasm, _) => Some(("application/wasm", text().into())),
        (Takes::Anything, _) => Some(("*/*", text().into())),
        _ => None,
    };
    if let Some((kind, schema)) = content {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content(kind, content).required(Some(Required::True));
        operation = operation.request_body(Some(body.build()));
    }
    operation.response(doc.status.to_string(), answer(spec)).response("default", problem()).build()
}

fn answer(spec: &Spec) -> utoipa::openapi::Response {
    let response = ResponseBuilder::new().description("Done.");
    let Some(shape) = spec.doc.gives else { return response.build() };
    let schema = if spec.doc.lists { page_of(reference(shape)) } else { reference(shape) };
    response.content("application/json", ContentBuilder::new().schema(Some(schema)).build()).build()
}

fn page_of(item: RefOr<Schema>) -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(item).build();
    ObjectBuilder::new().property("items", items).required("items").property("next", text()).into()
}

fn problem() -> utoipa::openapi::Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new().description("It was not done.").content("application/problem+json", content).build()
}

fn header(name: &str, about: &str) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).description(Some(about)).schema(Some(text()))
}

fn reference(shape: Shape) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name((shape.name)()))
}

fn text() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build())
}

/// `{kind}` and `{key}` of `/v1/records/{kind}/{key}`.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
}

/// `get-records-kind-key`.
fn operation_id(spec: &Spec) -> String {
    let mut id = spec.method.as_str().to_lowercase();
    for part in spec.path.trim_start_matches("/v1").split(['/', '{', '}', '.']).filter(|it| !it.is_empty()) {
        id.push('-');
        id.push_str(part);
    }
    id
}
