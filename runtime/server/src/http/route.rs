//! The table of routes: what the router serves, what the document says, and who may call it, in one place.
//!
//! A route cannot be made without naming its [`Access`], and the OpenAPI document is written from the same table, so
//! neither can be forgotten.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::Method;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use super::Door;
use super::guard::{Gate, guard};
use crate::auth::Scope;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; hooks prove themselves by their signature.
    Public,
    /// Operators' keys with this scope.
    Operator(Scope),
    /// Keys with this scope, about one tenant.
    Tenant(Scope),
    /// Keys with this scope, about one tenant or, for an operator who names none, about operators.
    Either(Scope),
}

/// What a route reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// No body.
    Nothing,
    /// A JSON document.
    Json,
    /// A component.
    Wasm,
    /// Whatever an outside system sends.
    Anything,
}

/// What a route is, apart from its handler.
pub struct Spec {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it reads.
    pub takes: Takes,
    /// It may be given an Idempotency-Key.
    pub remembers: bool,
    pub(super) doc: Doc,
}

/// What the document says about a route.
pub(super) struct Doc {
    pub about: &'static str,
    pub query: Vec<Parameter>,
    pub takes: Option<Shape>,
    pub gives: Option<Shape>,
    pub lists: bool,
    /// It takes `If-Match`.
    pub conditional: bool,
    pub status: u16,
}

/// A schema that can be named in the document.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub name: fn() -> std::borrow::Cow<'static, str>,
    pub schema: fn() -> RefOr<Schema>,
    pub schemas: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    fn of<T: ToSchema>() -> Self {
        Self { name: T::name, schema: T::schema, schemas: T::schemas }
    }
}

/// A route: its [`Spec`] and its handler.
pub struct Route {
    /// What it is.
    pub spec: Spec,
    handler: MethodRouter<Door>,
}

impl Route {
    pub(super) fn get<H: Handler<T, Door>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Method::GET, path, access, on(MethodFilter::GET, handler))
    }

    pub(super) fn post<H: Handler<T, Door>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Method::POST, path, access, on(MethodFilter::POST, handler))
    }

    pub(super) fn put<H: Handler<T, Door>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Method::PUT, path, access, on(MethodFilter::PUT, handler))
    }

    pub(super) fn delete<H: Handler<T, Door>, T: 'static>(path: &'static str, access: Access, handler: H) -> Self {
        Self::new(Method::DELETE, path, access, on(MethodFilter::DELETE, handler))
    }

    fn new(method: Method, path: &'static str, access: Access, handler: MethodRouter<Door>) -> Self {
        let remembers = !method.is_safe() && access != Access::Public;
        let doc = Doc {
            about: "",
            query: Vec::new(),
            takes: None,
            gives: None,
            lists: false,
            conditional: false,
            status: 200,
        };
        Self { spec: Spec { method, path, access, takes: Takes::Nothing, remembers, doc }, handler }
    }

    /// What it does, in one sentence.
    pub(super) fn about(mut self, about: &'static str) -> Self {
        self.spec.doc.about = about;
        self
    }

    /// Its query parameters.
    pub(super) fn query<Q: IntoParams>(mut self) -> Self {
        self.spec.doc.query = Q::into_params(|| Some(utoipa::openapi::path::ParameterIn::Query));
        self
    }

    /// It reads a JSON document of this shape.
    pub(super) fn takes<T: ToSchema>(mut self) -> Self {
        self.spec.takes = Takes::Json;
        self.spec.doc.takes = Some(Shape::of::<T>());
        self
    }

    /// It reads bytes.
    pub(super) fn takes_bytes(mut self, takes: Takes) -> Self {
        self.spec.takes = takes;
        self
    }

    /// It answers with a JSON document of this shape.
    pub(super) fn gives<T: ToSchema>(mut self, status: u16) -> Self {
        self.spec.doc.gives = Some(Shape::of::<T>());
        self.spec.doc.status = status;
        self
    }

    /// With `If-Match` it is done only to what was read.
    pub(super) fn conditional(mut self) -> Self {
        self.spec.doc.conditional = true;
        self
    }

    /// It answers with no more than a status.
    pub(super) fn gives_nothing(mut self) -> Self {
        self.spec.doc.status = 204;
        self
    }

    /// It answers with a page of these.
    pub(super) fn lists<T: ToSchema>(mut self) -> Self {
        self.spec.doc.gives = Some(Shape::of::<T>());
        self.spec.doc.lists = true;
        self
    }

    /// Repeating it changes nothing, so there is nothing to remember.
    pub(super) fn without_memory(mut self) -> Self {
        self.spec.remembers = false;
        self
    }
}

/// The router of these routes, each behind its guard.
pub(super) fn serve(door: &Door, routes: Vec<Route>) -> Router<Door> {
    routes.into_iter().fold(Router::new(), |router, route| {
        let path = route.spec.path;
        let gate = Gate { door: door.clone(), spec: Arc::new(route.spec) };
        let layer = axum::middleware::from_fn_with_state(gate, guard);
        router.route(path, route.handler.route_layer(layer))
    })
}
