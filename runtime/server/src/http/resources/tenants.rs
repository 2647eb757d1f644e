//! Tenants, for operators.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_name;
use crate::app::TenantHandle;
use crate::auth::Scope;
use crate::http::extract::{Json, Path};
use crate::http::route::{Access, Route};
use crate::http::view::moment;
use crate::http::{ApiError, Door, List};
use crate::store::Error;
use crate::store::control::Tenant;

/// A tenant.
#[derive(Serialize, ToSchema)]
struct TenantView {
    /// Its name in addresses.
    name: String,
    /// Its number: what metrics call it.
    number: u32,
    /// When it was made.
    created_at: String,
}

/// A tenant to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// 1 to 64 of a-z, 0-9 and `-`.
    name: String,
}

pub(super) fn routes() -> Vec<Route> {
    let (read, write) = (Access::Operator(Scope::TenantsRead), Access::Operator(Scope::TenantsWrite));
    vec![
        Route::get("/v1/tenants", read, list).about("Lists tenants.").lists::<TenantView>(),
        Route::post("/v1/tenants", write, create)
            .about("Makes a tenant.")
            .takes::<NewTenant>()
            .gives::<TenantView>(201),
        Route::delete("/v1/tenants/{tenant}", write, end)
            .about(
                "Ends a tenant: its keys, its webhooks' addresses and its name are gone at once, and everything that it \
                 holds as soon as its workers have finished what they do. It cannot be taken back.",
            )
            .gives_nothing(),
    ]
}

async fn list(State(door): State<Door>) -> Result<Json<List<TenantView>>, ApiError> {
    let tenants = door.app.control.tenants().await?;
    Ok(Json(List::whole(tenants.iter().map(view))))
}

async fn create(
    State(door): State<Door>,
    Json(body): Json<NewTenant>,
) -> Result<(StatusCode, Json<TenantView>), ApiError> {
    check_name(&body.name)?;
    let added = door.app.control.add_tenant(&body.name, door.app.clock.now()).await;
    let tenant = added.map_err(|error| match error {
        Error::Conflict(_) => ApiError::conflict("name-taken", "there is a tenant of this name already"),
        other => other.into(),
    })?;
    let store = door.app.control.open(tenant.id).await?;
    let answer = view(&tenant);
    door.app.tenants.add(TenantHandle::new(tenant, store));
    Ok((StatusCode::CREATED, Json(answer)))
}

async fn end(State(door): State<Door>, Path(name): Path<String>) -> Result<StatusCode, ApiError> {
    let app = &door.app;
    let tenant = app.control.tenant(&name).await?.ok_or(ApiError::NotFound("tenant"))?;
    let keys = app.control.keys(Some(tenant.id)).await?;
    if !app.control.end_tenant(tenant.id, app.clock.now()).await? {
        return Err(ApiError::NotFound("tenant"));
    }
    app.tenants.remove(tenant.id);
    for key in keys {
        door.keyring.forget(&key.id);
    }
    tracing::warn!(tenant.number = tenant.id.0, tenant.name = name, "a tenant was ended");
    Ok(StatusCode::NO_CONTENT)
}

fn view(tenant: &Tenant) -> TenantView {
    TenantView { name: tenant.name.clone(), number: tenant.id.0, created_at: moment(tenant.created_at) }
}
