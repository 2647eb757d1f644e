//! Money, metafields, events, subscriptions and the shop itself.

use async_graphql::{Context, ID, Interface, Object, Result, SimpleObject};
use truthsource_core::Decimal as Amount;

use super::around;
use crate::shopify::gid::gid;
use crate::shopify::graph::Call;
use crate::shopify::graph::connection::{Connection, Pages};
use crate::shopify::graph::scalars::{CurrencyCode, DateTime, Decimal, FormattedString, UnsignedInt64, Url};
use crate::shopify::state::events;
use crate::shopify::state::metafields as fields;
use crate::shopify::state::orders::Both;
use crate::shopify::state::subscriptions;
use crate::shopify::webhooks::Topic;

/// An amount with its currency.
#[derive(Debug, Clone, SimpleObject)]
pub struct MoneyV2 {
    amount: Decimal,
    currency_code: CurrencyCode,
}

/// An amount in shop currency and in the buyer's.
#[derive(Debug, Clone, SimpleObject)]
pub struct MoneyBag {
    shop_money: MoneyV2,
    presentment_money: MoneyV2,
}

impl MoneyV2 {
    /// An amount of a currency.
    pub fn new(amount: Amount, currency: String) -> Self {
        Self { amount: Decimal(amount), currency_code: CurrencyCode(currency) }
    }
}

impl MoneyBag {
    /// Both amounts with their currencies.
    pub fn new(both: Both, shop: &str, presentment: &str) -> Self {
        Self {
            shop_money: MoneyV2::new(both.shop, shop.to_owned()),
            presentment_money: MoneyV2::new(both.presentment, presentment.to_owned()),
        }
    }
}

/// A value on an object.
#[derive(Debug, Clone)]
pub struct Metafield(pub fields::Metafield);

/// An object's metafield.
pub fn metafield(
    ctx: &Context<'_>,
    (kind, id): (&str, u64),
    namespace: Option<String>,
    key: &str,
) -> Option<Metafield> {
    // `namespace.key` in one is taken too.
    let (namespace, key) = match (&namespace, key.split_once('.')) {
        (None, Some((namespace, key))) => (namespace, key),
        (namespace, _) => (namespace.as_deref().unwrap_or_default(), key),
    };
    let owner = (kind.to_owned(), id);
    Call::read(ctx, |state| state.metafields.get(&owner, namespace, key).cloned()).map(Metafield)
}

/// An object's metafields.
pub fn metafields(
    ctx: &Context<'_>,
    (kind, id): (&str, u64),
    namespace: Option<String>,
    pages: &Pages,
) -> Result<Connection<Metafield>> {
    let owner = (kind.to_owned(), id);
    let fields: Vec<_> = Call::read(ctx, |state| state.metafields.of(&owner).cloned().collect());
    let mut fields: Vec<_> =
        fields.into_iter().filter(|it| namespace.as_ref().is_none_or(|name| it.namespace == *name)).collect();
    fields.sort_by_key(|it| it.id);
    pages.slice(fields.into_iter().map(|it| (it.id, it)), Metafield)
}

#[Object]
impl Metafield {
    pub async fn id(&self) -> ID {
        gid("Metafield", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn namespace(&self) -> &str {
        &self.0.namespace
    }
    async fn key(&self) -> &str {
        &self.0.key
    }
    async fn r#type(&self) -> &str {
        &self.0.kind
    }
    async fn value(&self) -> &str {
        &self.0.value
    }
    async fn compare_digest(&self) -> String {
        self.0.digest()
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
}

around!(
    /// Something that happened to an object.
    BasicEvent,
    events::Event
);

/// Anything that happened.
#[derive(Debug, Clone, Interface)]
#[graphql(field(name = "id", ty = "ID"))]
#[graphql(field(name = "action", ty = "&str"))]
#[graphql(field(name = "created_at", ty = "DateTime"))]
#[graphql(field(name = "critical_alert", ty = "bool"))]
#[graphql(field(name = "message", ty = "FormattedString"))]
pub enum Event {
    /// Something that happened to an object.
    BasicEvent(BasicEvent),
}

/// What sort of object something happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum EventSubjectType {
    Company,
    CompanyLocation,
    Customer,
    Order,
    Product,
    ProductVariant,
    Unknown,
}

/// What events are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
#[allow(missing_docs)]
pub enum EventSortKeys {
    CreatedAt,
    Id,
}

#[Object]
impl BasicEvent {
    pub async fn id(&self) -> ID {
        gid("BasicEvent", self.0.id).into()
    }
    async fn action(&self) -> &str {
        self.0.action
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn critical_alert(&self) -> bool {
        false
    }
    async fn message(&self) -> FormattedString {
        FormattedString(format!("{}: {}", self.0.subject_kind, self.0.action))
    }
    async fn subject_id(&self) -> ID {
        gid(self.0.subject_kind, self.0.subject).into()
    }
    async fn subject_type(&self) -> EventSubjectType {
        match self.0.subject_kind {
            "Company" => EventSubjectType::Company,
            "CompanyLocation" => EventSubjectType::CompanyLocation,
            "Customer" => EventSubjectType::Customer,
            "Order" => EventSubjectType::Order,
            "Product" => EventSubjectType::Product,
            "ProductVariant" => EventSubjectType::ProductVariant,
            _ => EventSubjectType::Unknown,
        }
    }
}

around!(
    /// Somebody who wants to be told.
    WebhookSubscription,
    subscriptions::Subscription
);

/// How bodies are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
pub enum WebhookSubscriptionFormat {
    /// As JSON.
    Json,
}

/// A version of the API.
#[derive(Debug, Clone, SimpleObject)]
pub struct ApiVersion {
    handle: String,
    display_name: String,
    supported: bool,
}

#[Object]
impl WebhookSubscription {
    pub async fn id(&self) -> ID {
        gid("WebhookSubscription", self.0.id).into()
    }
    async fn legacy_resource_id(&self) -> UnsignedInt64 {
        UnsignedInt64(self.0.id)
    }
    async fn topic(&self) -> Topic {
        self.0.topic
    }
    async fn uri(&self) -> &str {
        &self.0.uri
    }
    #[graphql(deprecation = "Use `uri` instead.")]
    async fn callback_url(&self) -> Url {
        Url(self.0.uri.clone())
    }
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
    async fn format(&self) -> WebhookSubscriptionFormat {
        WebhookSubscriptionFormat::Json
    }
    async fn include_fields(&self) -> &[String] {
        &self.0.include_fields
    }
    async fn api_version(&self) -> ApiVersion {
        let handle = self.0.version.clone();
        ApiVersion { display_name: handle.clone(), handle, supported: true }
    }
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created)
    }
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated)
    }
}

/// The shop.
#[derive(Debug, Clone, SimpleObject)]
pub struct Shop {
    /// Its id.
    pub id: ID,
    /// What it is called.
    pub name: String,
    /// Its permanent domain.
    pub myshopify_domain: String,
    /// Its currency.
    pub currency_code: CurrencyCode,
    /// Its time zone.
    pub iana_timezone: String,
}

/// What an app may do.
#[derive(Debug, Clone, SimpleObject)]
pub struct AccessScope {
    /// The scope.
    pub handle: String,
    /// The scope, for people.
    pub description: String,
}

/// An app in a shop.
#[derive(Debug, Clone, SimpleObject)]
pub struct AppInstallation {
    /// Its id.
    pub id: ID,
    /// What it may do.
    pub access_scopes: Vec<AccessScope>,
}
