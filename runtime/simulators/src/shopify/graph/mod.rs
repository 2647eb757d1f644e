//! The GraphQL schema, and how one document is carried out.

pub mod connection;
mod mutations;
pub mod objects;
mod query;
pub mod scalars;

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_graphql::{
    Context, CustomDirective, Directive, EmptySubscription, Error, ErrorExtensions, Guard, Request, Response, Result,
    Value, Variables,
};
use serde_json::json;
use truthsource_core::UnixMs;

use super::access::allows;
use super::search::Warning;
use super::state::{Cause, State};
use crate::journal::Actor;

/// The schema of the Admin API, as far as this shop has it.
pub type Schema = async_graphql::Schema<query::QueryRoot, mutations::Mutation, EmptySubscription>;

/// Builds the schema.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(query::QueryRoot::default(), mutations::Mutation::default(), EmptySubscription)
        .register_output_type::<objects::node::Node>()
        .directive(idempotent)
        .disable_suggestions()
        .finish()
}

struct Idempotent;

impl CustomDirective for Idempotent {}

/// Carries the key under which a mutation may be repeated. The mutation itself reads it.
#[Directive(location = "Field")]
fn idempotent(key: String) -> impl CustomDirective {
    let _ = key;
    Idempotent
}

/// One request, as its resolvers see it.
pub struct Call {
    /// The shop.
    pub state: Arc<Mutex<State>>,
    /// When it came.
    pub now: UnixMs,
    /// The app that sent it.
    pub client_id: String,
    /// What the app may do.
    pub scopes: Vec<String>,
    /// The version it is answered in.
    pub version: String,
    warnings: Mutex<Vec<serde_json::Value>>,
}

impl Call {
    /// A request from `client_id`, who has `scopes`.
    #[must_use]
    pub fn new(state: Arc<Mutex<State>>, now: UnixMs, (client_id, scopes): (&str, &[String]), version: &str) -> Self {
        let (client_id, scopes, version) = (client_id.to_owned(), scopes.to_vec(), version.to_owned());
        Self { state, now, client_id, scopes, version, warnings: Mutex::default() }
    }

    /// The request a resolver works for.
    pub fn of<'a>(ctx: &Context<'a>) -> &'a Call {
        ctx.data_unchecked::<Arc<Call>>()
    }

    /// Looks something up in the shop.
    pub fn read<R>(ctx: &Context<'_>, look: impl FnOnce(&State) -> R) -> R {
        look(&locked(&Self::of(ctx).state))
    }

    /// Changes something in the shop.
    pub fn write<R>(ctx: &Context<'_>, change: impl FnOnce(&mut State, Cause) -> R) -> R {
        let call = Self::of(ctx);
        change(&mut locked(&call.state), Cause { at: call.now, actor: Actor::Api })
    }

    /// Whether the app may do what needs `scope`.
    #[must_use]
    pub fn may(&self, scope: &str) -> bool {
        allows(&self.scopes, scope)
    }

    /// Notes what a search left out, for the answer's extensions.
    fn warn(&self, ctx: &Context<'_>, query: &str, warnings: &[Warning]) {
        if warnings.is_empty() {
            return;
        }
        let path = ctx.path_node.map(|it| it.to_string_vec()).unwrap_or_default();
        let warnings: Vec<_> = warnings
            .iter()
            .map(|it| {
                let message = match it.code {
                    "invalid_field" => "Invalid search field for this query.",
                    _ => "Invalid value for this search field.",
                };
                json!({ "field": it.field, "message": message, "code": it.code })
            })
            .collect();
        locked(&self.warnings).push(json!({ "path": path, "query": query, "warnings": warnings }));
    }

    /// What the searches of this request left out.
    #[must_use]
    pub fn warnings(&self) -> Vec<serde_json::Value> {
        locked(&self.warnings).clone()
    }
}

/// Carries out a document whose text was read already. `None` when it does not finish: no resolver waits for
/// anything, so that would be a defect of the executor.
pub fn execute(schema: &Schema, request: Request) -> Option<Response> {
    finished(schema.execute(request))
}

/// Drives a future that waits for nothing to its end. A few turns are allowed for executors that yield.
fn finished<F: Future>(future: F) -> Option<F::Output> {
    const TURNS_MAX: usize = 10_000;
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(Waker::noop());
    (0..TURNS_MAX).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    })
}

/// A request for the executor.
#[must_use]
pub fn request(text: &str, variables: Variables, operation: Option<&str>, call: Arc<Call>) -> Request {
    let request = Request::new(text).variables(variables).data(call);
    match operation {
        Some(name) => request.operation_name(name),
        None => request,
    }
}

/// Lets a field be seen by apps that have one of the scopes.
struct Needs(&'static [&'static str]);

impl Guard for Needs {
    async fn check(&self, ctx: &Context<'_>) -> Result<()> {
        let call = Call::of(ctx);
        if self.0.iter().any(|it| call.may(it)) { Ok(()) } else { Err(denied(ctx, self.0)) }
    }
}

fn denied(ctx: &Context<'_>, scopes: &[&str]) -> Error {
    let scopes: Vec<String> = scopes.iter().map(|it| format!("`{it}` access scope")).collect();
    let required = scopes.join(" or ");
    let message = format!("Access denied for {} field. Required access: {required}.", ctx.field().name());
    Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", "ACCESS_DENIED");
        extensions.set("documentation", "https://shopify.dev/api/usage/access-scopes");
        extensions.set("requiredAccess", format!("{required}."));
    })
}

/// The key of the mutation's `@idempotent` directive.
fn idempotency_key(ctx: &Context<'_>) -> Result<Option<String>> {
    let directives = ctx.field().directives()?;
    let found = directives.into_iter().find(|it| it.name.node == "idempotent");
    Ok(found.and_then(|it| match it.get_argument("key").map(|it| &it.node) {
        Some(Value::String(key)) => Some(key.clone()),
        _ => None,
    }))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
