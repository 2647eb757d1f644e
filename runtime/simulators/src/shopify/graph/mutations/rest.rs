//! Metafields and webhook subscriptions.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use truthsource_core::UnixMs;

use super::UserError;
use crate::shopify::gid::{number, split};
use crate::shopify::graph::objects::rest::{Metafield, WebhookSubscription, WebhookSubscriptionFormat};
use crate::shopify::graph::scalars::Url;
use crate::shopify::graph::{Call, denied};
use crate::shopify::refusals::{Code, MetafieldsSetUserErrorCode};
use crate::shopify::state::State;
use crate::shopify::state::metafields as fields;
use crate::shopify::state::subscriptions::Subscription;
use crate::shopify::webhooks::Topic;

/// The other mutations.
#[derive(Default)]
pub struct RestMutations;

/// The most metafields a call sets.
const METAFIELDS_MAX: usize = 25;

#[derive(InputObject)]
pub struct MetafieldInput {
    pub namespace: Option<String>,
    pub key: Option<String>,
    pub r#type: Option<String>,
    pub value: Option<String>,
}

impl MetafieldInput {
    /// As the shop takes it.
    pub fn read(self) -> fields::MetafieldInput {
        fields::MetafieldInput {
            namespace: self.namespace.unwrap_or_default(),
            key: self.key.unwrap_or_default(),
            kind: self.r#type,
            value: self.value.unwrap_or_default(),
            compare_digest: None,
        }
    }
}

#[derive(InputObject)]
struct MetafieldsSetInput {
    owner_id: ID,
    namespace: Option<String>,
    key: String,
    r#type: Option<String>,
    value: String,
    compare_digest: MaybeUndefined<String>,
}

#[derive(SimpleObject)]
struct MetafieldsSetUserError {
    code: Option<MetafieldsSetUserErrorCode>,
    element_index: Option<i32>,
    field: Option<Vec<String>>,
    message: String,
}

#[derive(SimpleObject)]
struct MetafieldsSetPayload {
    metafields: Option<Vec<Metafield>>,
    user_errors: Vec<MetafieldsSetUserError>,
}

#[derive(InputObject)]
struct WebhookSubscriptionInput {
    uri: Option<String>,
    callback_url: Option<Url>,
    format: Option<WebhookSubscriptionFormat>,
    include_fields: Option<Vec<String>>,
    name: Option<String>,
}

#[derive(SimpleObject)]
struct WebhookSubscriptionCreatePayload {
    webhook_subscription: Option<WebhookSubscription>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct WebhookSubscriptionUpdatePayload {
    webhook_subscription: Option<WebhookSubscription>,
    user_errors: Vec<UserError>,
}

#[derive(SimpleObject)]
struct WebhookSubscriptionDeletePayload {
    deleted_webhook_subscription_id: Option<ID>,
    user_errors: Vec<UserError>,
}

type Refused = (usize, crate::shopify::refusals::Refusal<MetafieldsSetUserErrorCode>);

/// The owner of a metafield, if there is such an object.
fn owner(state: &State, gid: &str) -> Option<(String, u64)> {
    let (kind, id) = split(gid)?;
    let is_there = match kind {
        "Product" => state.products.has(id),
        "ProductVariant" => state.variants.has(id),
        "Company" => state.companies.has(id),
        "CompanyLocation" => state.company_locations.has(id),
        "Customer" => state.customers.has(id),
        "Order" => state.orders.has(id),
        "Location" => state.locations.has(id),
        _ => false,
    };
    is_there.then(|| (kind.to_owned(), id))
}

/// What it takes to write metafields of `kind`.
pub fn write_scope(kind: &str) -> &'static str {
    match kind {
        "Company" | "CompanyLocation" => "write_companies",
        "Customer" => "write_customers",
        "Order" => "write_orders",
        "Location" => "write_inventory",
        _ => "write_products",
    }
}

#[Object]
impl RestMutations {
    /// Writes metafields, all or none.
    async fn metafields_set(
        &self,
        ctx: &Context<'_>,
        metafields: Vec<MetafieldsSetInput>,
    ) -> Result<Option<MetafieldsSetPayload>> {
        let kinds = metafields.iter().filter_map(|it| split(&it.owner_id)).map(|(kind, _)| write_scope(kind));
        if let Some(scope) = kinds.into_iter().find(|it| !Call::of(ctx).may(it)) {
            return Err(denied(ctx, &[scope]));
        }
        let outcome = Call::write(ctx, |state, cause| {
            let mut refused: Vec<Refused> = Vec::new();
            let mut good = Vec::new();
            if metafields.len() > METAFIELDS_MAX {
                refused.push((METAFIELDS_MAX, MetafieldsSetUserErrorCode::LessThanOrEqualTo.at("metafields")));
            }
            for (n, it) in metafields.into_iter().enumerate() {
                let Some(owner) = owner(state, &it.owner_id) else {
                    refused.push((n, MetafieldsSetUserErrorCode::Invalid.at(&format!("metafields.{n}.ownerId"))));
                    continue;
                };
                let compare_digest = match it.compare_digest {
                    MaybeUndefined::Undefined => None,
                    MaybeUndefined::Null => Some(None),
                    MaybeUndefined::Value(digest) => Some(Some(digest)),
                };
                let namespace = it.namespace.unwrap_or_default();
                let input =
                    fields::MetafieldInput { namespace, key: it.key, kind: it.r#type, value: it.value, compare_digest };
                match state.check_metafield(&owner, &input) {
                    Ok(()) => good.push((owner, input)),
                    Err(mut why) => {
                        why.field.splice(0..0, ["metafields".to_owned(), n.to_string()]);
                        refused.push((n, why));
                    }
                }
            }
            if !refused.is_empty() {
                return Err(refused);
            }
            Ok(good.into_iter().map(|(owner, input)| Metafield(state.put_metafield(cause, owner, input))).collect())
        });
        let error = |(n, why): Refused| MetafieldsSetUserError {
            code: Some(why.code),
            element_index: i32::try_from(n).ok(),
            field: Some(why.field),
            message: why.message,
        };
        Ok(Some(match outcome {
            Ok(metafields) => MetafieldsSetPayload { metafields: Some(metafields), user_errors: vec![] },
            Err(refused) => {
                MetafieldsSetPayload { metafields: None, user_errors: refused.into_iter().map(error).collect() }
            }
        }))
    }

    async fn webhook_subscription_create(
        &self,
        ctx: &Context<'_>,
        topic: Topic,
        webhook_subscription: WebhookSubscriptionInput,
    ) -> Result<Option<WebhookSubscriptionCreatePayload>> {
        let call = Call::of(ctx);
        if !topic.scopes().is_empty() && !topic.scopes().iter().any(|it| call.may(it)) {
            return Err(denied(ctx, topic.scopes()));
        }
        let refused = |message: &str| {
            let user_errors = vec![UserError::at("webhookSubscription.uri", message)];
            Ok(Some(WebhookSubscriptionCreatePayload { webhook_subscription: None, user_errors }))
        };
        let Some(uri) = address(&webhook_subscription) else { return refused("Address can't be blank") };
        if !is_address(&uri) {
            return refused("Address is invalid");
        }
        let subscription = Subscription {
            id: 0,
            client_id: call.client_id.clone(),
            topic,
            uri,
            name: webhook_subscription.name,
            include_fields: webhook_subscription.include_fields.unwrap_or_default(),
            version: call.version.clone(),
            failures: 0,
            created: UnixMs(0),
            updated: UnixMs(0),
        };
        let made = Call::write(ctx, |state, cause| {
            let id = state.subscribe(cause, subscription)?;
            state.subscriptions.get(id).cloned()
        });
        match made.map(WebhookSubscription) {
            None => refused("Address for this topic has already been taken"),
            made => Ok(Some(WebhookSubscriptionCreatePayload { webhook_subscription: made, user_errors: vec![] })),
        }
    }

    async fn webhook_subscription_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        webhook_subscription: WebhookSubscriptionInput,
    ) -> Option<WebhookSubscriptionUpdatePayload> {
        let own = &Call::of(ctx).client_id;
        let number = number(&id, "WebhookSubscription").unwrap_or(0);
        let uri = address(&webhook_subscription);
        if uri.as_deref().is_some_and(|it| !is_address(it)) {
            let user_errors = vec![UserError::at("webhookSubscription.uri", "Address is invalid")];
            return Some(WebhookSubscriptionUpdatePayload { webhook_subscription: None, user_errors });
        }
        let changed = Call::write(ctx, |state, cause| {
            state.subscriptions.get(number).filter(|it| it.client_id == *own)?;
            state.subscriptions.edit(cause.at, number, |it| {
                it.uri = uri.unwrap_or_else(|| it.uri.clone());
                it.include_fields = webhook_subscription.include_fields.unwrap_or_else(|| it.include_fields.clone());
                it.name = webhook_subscription.name.or_else(|| it.name.clone());
                it.updated = cause.second();
            })
        });
        let user_errors = if changed.is_some() { vec![] } else { vec![missing()] };
        Some(WebhookSubscriptionUpdatePayload { webhook_subscription: changed.map(WebhookSubscription), user_errors })
    }

    async fn webhook_subscription_delete(&self, ctx: &Context<'_>, id: ID) -> Option<WebhookSubscriptionDeletePayload> {
        let own = &Call::of(ctx).client_id;
        let number = number(&id, "WebhookSubscription").unwrap_or(0);
        let deleted = Call::write(ctx, |state, _| {
            state.subscriptions.get(number).filter(|it| it.client_id == *own)?;
            state.subscriptions.remove(number)
        });
        Some(match deleted {
            Some(_) => {
                WebhookSubscriptionDeletePayload { deleted_webhook_subscription_id: Some(id), user_errors: vec![] }
            }
            None => {
                WebhookSubscriptionDeletePayload { deleted_webhook_subscription_id: None, user_errors: vec![missing()] }
            }
        })
    }
}

fn missing() -> UserError {
    UserError::at("id", "Webhook subscription does not exist")
}

fn address(input: &WebhookSubscriptionInput) -> Option<String> {
    input.uri.clone().or_else(|| input.callback_url.as_ref().map(|it| it.0.clone())).filter(|it| !it.is_empty())
}

/// HTTPS anywhere; plain HTTP only to this machine, where a simulated shop sends to.
fn is_address(uri: &str) -> bool {
    let Ok(url) = url::Url::parse(uri) else { return false };
    match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        _ => false,
    }
}
