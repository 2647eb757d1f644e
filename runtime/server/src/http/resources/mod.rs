//! One file per resource.

mod accuracy;
mod compare;
mod conflicts;
mod connection_acts;
mod connections;
mod debts;
mod forecast;
mod health;
mod keys;
mod links;
mod named;
mod plan;
mod plan_cost;
mod plans;
mod price;
mod price_rules;
mod records;
mod replay;
mod rules;
mod slots;
mod status;
mod stock;
mod sweeps;
mod tenants;
mod timeline;

use super::ApiError;
use super::route::Route;
use crate::app::TenantHandle;
use crate::store::{Connection, Error};

/// The routes of every resource.
pub(super) fn routes() -> Vec<Route> {
    [
        health::routes(),
        tenants::routes(),
        connections::routes(),
        connection_acts::routes(),
        links::routes(),
        slots::routes(),
        compare::routes(),
        records::routes(),
        timeline::routes(),
        conflicts::routes(),
        debts::routes(),
        plan::routes(),
        plan_cost::routes(),
        plans::routes(),
        accuracy::routes(),
        sweeps::routes(),
        replay::routes(),
        status::routes(),
        price::routes(),
        price_rules::routes(),
        keys::routes(),
        rules::routes(),
        stock::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The tenant's connection of this name.
async fn connection(tenant: &TenantHandle, name: &str) -> Result<Connection, ApiError> {
    let all = tenant.store.connections().await?;
    all.into_iter().find(|it| it.name == name).ok_or(ApiError::NotFound("connection"))
}

/// The store's word on a change of a connection, which counts for what was read of it alone.
fn unless_changed(error: Error) -> ApiError {
    let detail = "the connection was changed by somebody else meanwhile: look at it, and repeat what is still right";
    match error {
        Error::Conflict(_) => ApiError::conflict("changed-meanwhile", detail),
        other => other.into(),
    }
}

/// Names of tenants and connections, which stand in addresses.
fn check_name(name: &str) -> Result<(), ApiError> {
    let letters = name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-');
    if letters && (1..=64).contains(&name.len()) && !name.starts_with('-') {
        return Ok(());
    }
    Err(ApiError::unprocessable("invalid-name", "a name is 1 to 64 of a-z, 0-9 and `-`, not beginning with `-`"))
}

/// Texts for people.
fn check_label(label: &str) -> Result<(), ApiError> {
    if label.chars().count() <= 200 && !label.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::unprocessable("invalid-label", "a label is one line of at most 200 characters"))
}
