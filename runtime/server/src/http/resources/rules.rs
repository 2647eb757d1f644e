//! Who owns which field, and which policy is asked when systems disagree.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use truthsource_core::{Kind, schema};
use utoipa::ToSchema;

use super::check_name;
use super::records::{etag_of, with_etag};
use crate::auth::Scope;
use crate::http::extract::Json;
use crate::http::route::{Access, Route};
use crate::http::{Acting, ApiError, Door};
use crate::store::{Batch, Change};

/// The setting that holds a tenant's rules.
pub(crate) const SETTING: &str = "rules";

/// A tenant's rules about fields. How each connection takes part stands with the connection.
#[derive(Debug, Default, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesBody {
    /// The first rule that matches a field counts.
    pub fields: Vec<FieldRuleBody>,
}

/// A rule about a field.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldRuleBody {
    /// Only of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub kind: Option<Kind>,
    /// A field's name, or `*`.
    pub field: String,
    /// The connection whose word stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The slot of the policy that is asked: `conflict:stock-level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/rules", Access::Tenant(Scope::RulesRead), show)
            .about("Who owns fields and which policy is asked.")
            .gives::<RulesBody>(200),
        Route::put("/v1/rules", Access::Tenant(Scope::RulesWrite), replace)
            .about("Replaces the rules; with `If-Match`, only if they are still those that were read.")
            .conditional()
            .takes::<RulesBody>()
            .gives::<RulesBody>(200),
    ]
}

async fn show(acting: Acting, headers: HeaderMap) -> Result<Response, ApiError> {
    with_etag(&stored(&acting).await?, &headers)
}

async fn replace(
    State(door): State<Door>,
    acting: Acting,
    headers: HeaderMap,
    Json(body): Json<RulesBody>,
) -> Result<Response, ApiError> {
    check(&acting, &body).await?;
    let _replacing = door.rules.lock().await;
    if let Some(expected) = headers.get(header::IF_MATCH) {
        let now = serde_json::to_vec(&stored(&acting).await?).map_err(|it| ApiError::Internal(it.into()))?;
        // There are always rules, if none were written none: `*` matches.
        if !matches!(expected.to_str(), Ok(it) if it == "*" || it == etag_of(&now)) {
            return Err(ApiError::Stale);
        }
    }
    let value = serde_json::to_value(&body).map_err(|it| ApiError::Internal(it.into()))?;
    let mut batch = Batch::new(door.app.clock.now());
    batch.changes.push(Change::Setting { name: SETTING.to_owned(), value });
    acting.tenant.store.commit(batch).await?;
    acting.tenant.wake.notify_one();
    with_etag(&body, &HeaderMap::new())
}

async fn stored(acting: &Acting) -> Result<RulesBody, ApiError> {
    let setting = acting.tenant.store.setting(SETTING).await?;
    let rules = setting.map(serde_json::from_value).transpose().map_err(|it| ApiError::Internal(it.into()))?;
    Ok(rules.unwrap_or_default())
}

/// Every name must be one: a rule with a typing error would silently decide nothing.
async fn check(acting: &Acting, body: &RulesBody) -> Result<(), ApiError> {
    let connections = acting.tenant.store.connections().await?;
    let slots = acting.tenant.store.slots().await?;
    let filled: BTreeSet<String> = slots.into_iter().filter(|it| it.active.is_some()).map(|it| it.name).collect();
    let names: BTreeSet<&str> = connections.iter().map(|it| it.name.as_str()).collect();
    for (at, rule) in body.fields.iter().enumerate() {
        let invalid = |what: String| Err(ApiError::unprocessable("invalid-rule", format!("/fields/{at}: {what}")));
        let kinds = rule.kind.map_or_else(|| Kind::ALL.to_vec(), |it| vec![it]);
        if rule.field != "*" && kinds.iter().all(|it| schema::of(*it).field(&rule.field).is_none()) {
            return invalid("no kind has a field of this name".to_owned());
        }
        if rule.owner.as_deref().is_some_and(|it| !names.contains(it)) {
            return invalid("`owner` names no connection".to_owned());
        }
        let slot = rule.policy.as_deref().map(|it| it.strip_prefix("conflict:"));
        if slot.is_some_and(|it| it.is_none_or(|name| check_name(name).is_err())) {
            return invalid("`policy` is a slot like `conflict:stock-level`".to_owned());
        }
        if let Some(policy) = rule.policy.as_ref().filter(|it| !filled.contains(*it)) {
            return invalid(format!("nothing answers `{policy}`: activate a policy there first"));
        }
    }
    Ok(())
}
