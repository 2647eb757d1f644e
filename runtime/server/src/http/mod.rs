//! The only door: what the outside may ask for, and how it is told no.
//!
//! Handlers are thin: an extractor says who asks, the handler acts, and a typed document answers. Everything that must
//! hold for every route (who, how much, how fast, how often) stands once, in `guard`, and every route names its
//! access in the table that [`routes`] returns.

pub mod accept;
mod body;
mod caller;
mod cursor;
pub mod extract;
mod finish;
mod guard;
pub mod hooks;
mod idempotency;
mod linger;
mod openapi;
pub mod problem;
mod readings;
mod resources;
mod route;
mod stream;
pub mod strict;
mod view;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

pub use caller::{Acting, Caller, TENANT_HEADER};
pub use cursor::List;
pub use problem::{ApiError, Problem};
pub use route::{Access, Route, Spec, Takes};

use crate::app::App;
use crate::auth::Keyring;

/// What one client may ask of the server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest JSON document.
    pub json_bytes_max: usize,
    /// The largest component.
    pub upload_bytes_max: usize,
    /// The largest webhook.
    pub hook_bytes_max: usize,
    /// What all bodies that are being read may hold together.
    pub bodies_bytes_max: usize,
    /// From a body's first byte to its last.
    pub body: Duration,
    /// From one piece of a body to the next.
    pub idle: Duration,
    /// Webhooks a second of one connection, before anything is computed about them.
    pub hooks_per_second_max: u32,
}

/// Everything that handlers reach. Cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

/// See [`Door`].
pub struct Inner {
    /// The node.
    pub app: App,
    /// API keys.
    pub keyring: Keyring,
    /// What one client may ask.
    pub limits: Limits,
    cursors: cursor::Cursors,
    hooks: hooks::Hooks,
    intake: body::Intake,
    requests: finish::Requests,
    readings: readings::Readings,
    /// Held by whoever replaces the rules on a condition, from the look to the write.
    rules: tokio::sync::Mutex<()>,
}

impl std::ops::Deref for Door {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Door {
    /// The door of a node.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(app: App, limits: Limits) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inner {
            keyring: Keyring::new(app.control.clone(), app.clock.clone()),
            cursors: cursor::Cursors::new()?,
            hooks: hooks::Hooks::new(limits.hooks_per_second_max)?,
            intake: body::Intake::new(limits.bodies_bytes_max, limits.body, limits.idle),
            requests: finish::Requests::new()?,
            readings: readings::Readings::default(),
            rules: tokio::sync::Mutex::default(),
            app,
            limits,
        })))
    }
}

/// Every route there is.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut routes = resources::routes();
    routes.extend(hooks::routes());
    routes
}

/// The OpenAPI document, as JSON.
///
/// # Errors
/// Never, in practice: the document is plain data.
pub fn openapi() -> serde_json::Result<String> {
    openapi::document(&routes()).to_pretty_json()
}

/// The service behind the accept loop.
pub fn router(door: &Door) -> Router {
    route::serve(door, routes())
        .fallback(|| async { ApiError::NotFound("path") })
        .method_not_allowed_fallback(|| async { ApiError::Method })
        .layer(axum::middleware::from_fn_with_state(door.clone(), finish::finish))
        .with_state(door.clone())
}
