//! The accounts of the demonstration: how each is set up, and what its connection is made of.

use anyhow::Context as _;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use truthsource_simulators::dynamics::business_central;
use truthsource_simulators::dynamics::business_central::settings::Stamp;
use truthsource_simulators::netsuite::Settings;
use truthsource_simulators::netsuite::settings::{PutLines, SalesLines, Tba, Ties};
use truthsource_simulators::sap_b1;
use truthsource_simulators::sap_b1::settings::{FreshUpdateDate, NextLinks, SqlDates, User};
use truthsource_simulators::shopify::settings::Settings as ShopSettings;
use truthsource_simulators::world::{CHARGE_ACCOUNTS, CHARGE_EXPENSES, CHARGE_ITEMS, charge_names};

use super::world::{Product, Seat};

/// What the ERP's script signs with.
const HOOK_SECRET: &str = "hush-this-signs-what-the-erp-tells";
/// The password of our user in SAP Business One.
const SAP_PASSWORD: &str = "hush-this-opens-the-company";
const SHOP_VERSION: &str = "2026-10";
/// Topics the shop tells us about.
const TOPICS: [&str; 11] = [
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "INVENTORY_LEVELS_CONNECT",
    "INVENTORY_LEVELS_UPDATE",
    "INVENTORY_LEVELS_DISCONNECT",
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "COMPANIES_CREATE",
    "COMPANIES_UPDATE",
    "LOCATIONS_UPDATE",
];

/// How an account is set up. Two ways of many: what a connector takes for given and only one of them does is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edition {
    /// The newest release, with all that it can.
    #[default]
    Newest,
    /// A release of years ago; and where nobody documents what a system does, the other thing that it may do.
    Older,
}

fn tba() -> Tba {
    Tba {
        consumer_key: "9ef1c3".to_owned(),
        consumer_secret: "consumer-of-the-demonstration".to_owned(),
        token_id: "5b7a20".to_owned(),
        token_secret: "token-of-the-demonstration".to_owned(),
    }
}

pub(crate) fn netsuite_settings(edition: Edition) -> Settings {
    let newest = Settings { tba: Some(tba()), ..Settings::default() };
    match edition {
        Edition::Newest => newest,
        Edition::Older => Settings {
            one_world: false,
            put_lines: PutLines::Replace,
            sales_lines: SalesLines::Positive,
            ties: Ties::Stable,
            ..newest
        },
    }
}

/// A shop of the largest plan, as fifty changes a second want it: two thousand points a second.
pub(crate) fn shopify_settings(edition: Edition) -> ShopSettings {
    let newest = ShopSettings { restore_rate: 2_000, bucket_max: 40_000, ..ShopSettings::default() };
    match edition {
        Edition::Newest => newest,
        Edition::Older => ShopSettings { activate_on_set: true, price_decimals: Some(2), ..newest },
    }
}

/// A company: of the newest release it tells of changes, and of one before FP2602 it does not.
pub(crate) fn sap_b1_settings(edition: Edition) -> sap_b1::Settings {
    let user = User { name: "truthsource".to_owned(), password: SAP_PASSWORD.to_owned(), denied: Vec::new() };
    let newest = sap_b1::Settings { users: vec![user], webhooks: true, ..sap_b1::Settings::default() };
    match edition {
        Edition::Newest => newest,
        Edition::Older => sap_b1::Settings {
            webhooks: false,
            next_links: NextLinks::FromHost,
            fresh_update_date: FreshUpdateDate::Created,
            sql_dates: SqlDates::Iso,
            sql_tables: Vec::new(),
            ..newest
        },
    }
}

/// What ten users may ask Business Central or Dataverse for in five minutes.
pub(crate) const REQUESTS_MAX: usize = 60_000;

/// An environment whose limits are those of ten users.
pub(crate) fn business_central_settings(edition: Edition) -> business_central::Settings {
    let limits = business_central::settings::Limits { requests_max: REQUESTS_MAX, ..Default::default() };
    let newest = business_central::Settings { limits, ..business_central::Settings::default() };
    match edition {
        Edition::Newest => newest,
        Edition::Older => business_central::Settings {
            stale_status: 412,
            stock_stamp: Stamp::Stays,
            header_stamp: Stamp::Moves,
            lock_status: 409,
            webhooks: business_central::settings::Webhooks { leading_slash: true, ..newest.webhooks },
            ..newest
        },
    }
}

/// What the host signs the requests of a product at `url` with.
#[must_use]
pub fn credentials(product: Product, url: &str) -> Json {
    match product {
        Product::Netsuite => {
            let Tba { consumer_key, consumer_secret, token_id, token_secret } = tba();
            json!({
                "scheme": "oauth1-tba",
                "realm": Settings::default().account,
                "consumer_key": consumer_key,
                "consumer_secret": consumer_secret,
                "token": token_id,
                "token_secret": token_secret,
            })
        }
        Product::Shopify => json!({"scheme": "shopify-token", "token": shop_token()}),
        Product::SapB1 => json!({
            "scheme": "b1-session",
            "login_url": format!("{url}/b1s/v2/Login"),
            "company": sap_b1::Settings::default().company,
            "username": "truthsource",
            "password": SAP_PASSWORD,
        }),
        Product::Dynamics365 => {
            let application = business_central::Settings::default().application;
            json!({
                "scheme": "oauth2-client-credentials",
                "token_url": format!("{url}/{}/oauth2/v2.0/token", application.tenant),
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "scope": format!("{}/.default", business_central::RESOURCE),
            })
        }
    }
}

fn shop_token() -> String {
    ShopSettings::default().apps.into_iter().next().and_then(|it| it.token).unwrap_or_default()
}

/// What a product's deliveries are proved by; nothing where its connector subscribes.
#[must_use]
pub fn hook_secret(product: Product) -> Option<String> {
    match product {
        Product::Netsuite => Some(HOOK_SECRET.to_owned()),
        Product::Shopify => ShopSettings::default().apps.into_iter().next().map(|it| it.client_secret),
        Product::SapB1 | Product::Dynamics365 => None,
    }
}

/// What an administrator of the system does so that it tells of changes at `hook`, where its connector does not see to that:
/// the requests that are still to be sent to it.
///
/// # Errors
/// When the system does not let an administrator do that.
pub fn subscribe(seat: &Seat, url: &str, hook: &str) -> anyhow::Result<Vec<http::Request<Bytes>>> {
    match seat.product {
        Product::Netsuite => {
            seat.site.install_hook(hook, HOOK_SECRET)?;
            Ok(Vec::new())
        }
        // Their connectors do.
        Product::SapB1 | Product::Dynamics365 => Ok(Vec::new()),
        Product::Shopify => TOPICS.into_iter().map(|topic| subscribe_shop(url, topic, hook)).collect(),
    }
}

fn subscribe_shop(shop: &str, topic: &str, hook: &str) -> anyhow::Result<http::Request<Bytes>> {
    let subscribe = "mutation On($topic: WebhookSubscriptionTopic!, $uri: String!) { \
                     webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri }) { \
                     webhookSubscription { id } userErrors { message } } }";
    let body = json!({"query": subscribe, "variables": {"topic": topic, "uri": hook}});
    let request = http::Request::post(format!("{shop}/admin/api/{SHOP_VERSION}/graphql.json"))
        .header("x-shopify-access-token", shop_token())
        .header("content-type", "application/json");
    Ok(request.body(Bytes::from(body.to_string()))?)
}

/// Whether a request of [`subscribe`] was taken.
///
/// # Errors
/// What the system said instead.
pub fn subscribed(answer: &[u8]) -> anyhow::Result<()> {
    let answer: Json = serde_json::from_slice(answer)?;
    let made = &answer["data"]["webhookSubscriptionCreate"]["webhookSubscription"]["id"];
    made.as_str().map(drop).with_context(|| format!("the shop took no subscription: {answer}"))
}

/// The connection to a system at `url`, as its tenant makes it. `rank` is its place among the systems.
#[must_use]
pub fn connection(seat: &Seat, url: &str, rank: usize, items: u32) -> Json {
    let (mut settings, prices_ms) = match seat.product {
        Product::Netsuite => (
            json!({
                "base-url": url,
                "adjustment-account": "58",
                "price-lists": "1=base, 2=wholesale, 3=gold",
                "order-location": "1",
                "order-charges": charge_names(CHARGE_ITEMS),
            }),
            // Its prices are read whole, so the more there are, the seldomer.
            1_500 * u64::from(items).div_ceil(1_000),
        ),
        Product::Shopify => (json!({"base-url": url}), 700),
        Product::SapB1 => (
            json!({
                "base-url": url,
                "time-zone": sap_b1::Settings::default().time_zone,
                "price-lists": "1=base, 2=wholesale, 3=gold",
                "external-id-field": format!("U_{}", truthsource_simulators::world::EXTERNAL_ID),
                "order-warehouse": "Main",
                "order-charges": charge_names(CHARGE_EXPENSES),
                "in-flight-seconds": "5",
                "currency-codes": "$=USD",
                "carriers": "1=UPS, 2=DHL",
                "webhooks": "yes",
            }),
            // Read whole, as NetSuite's.
            1_500 * u64::from(items).div_ceil(1_000),
        ),
        Product::Dynamics365 => (
            json!({
                "base-url": format!("{url}/v2.0/{}", business_central::Settings::default().environment),
                "requests-max": REQUESTS_MAX.to_string(),
                "company": "CRONUS",
                "price-lists": "WHOLESALE=wholesale, GOLD=gold",
                "location-codes": "MAIN=Main, OUTLET=Outlet",
                "order-location": "Main",
                "order-charges": charge_names(CHARGE_ACCOUNTS),
                "order-wait-seconds": "5",
                "shipment-carrier": "shippingAgentCode",
                "shipment-tracking": "packageTrackingNo",
            }),
            700,
        ),
    };
    if seat.edition == Edition::Older {
        settings.as_object_mut().into_iter().for_each(|it| it.extend(older(seat.product)));
    }
    let webhook = hook_secret(seat.product).map(|it| json!([{"secret": it}]));
    let mut credentials = json!({"auth": credentials(seat.product, url)});
    if let Some(webhook) = webhook {
        credentials["webhook"] = webhook;
    }
    json!({
        "name": seat.name(),
        "spec": {
            "connector": format!("connector:{}", seat.product),
            "settings": settings,
            "egress": [url],
            "rank": rank,
            // Nothing is booked that is not paid for.
            "import_when": if seat.product.is_shop() { "any" } else { "paid" },
            "kinds": {
                "location": direction(false), "item": direction(true), "company": direction(true),
                "stock-level": direction(true), "price": direction(true), "order": orders(seat),
            },
            "poll_every_ms": {
                "location": 60_000, "item": 700, "company": 10_000, "stock-level": 700, "order": 700,
                "price": prices_ms,
            },
            "overlap_ms": 0,
        },
        "credentials": credentials,
    })
}

/// What a connection to an older edition says otherwise.
fn older(product: Product) -> impl Iterator<Item = (String, Json)> {
    let said: &[(&str, &str)] = match product {
        Product::Netsuite | Product::Shopify => &[],
        Product::SapB1 => &[("api-version", "v1"), ("sql-queries", "no"), ("webhooks", "no")],
        // Its stamp does not move with the quantity.
        Product::Dynamics365 => {
            &[("stock-fields", "item=itemNumber, location=locationCode, on-hand=quantity, variant=variantCode")]
        }
    };
    said.iter().map(|(name, value)| ((*name).to_owned(), Json::from(*value)))
}

/// Orders are placed in the shop, which is told what becomes of them and is given none.
fn orders(seat: &Seat) -> Json {
    json!({"reads": true, "writes": true, "creates": !seat.product.is_shop()})
}

fn direction(writes: bool) -> Json {
    json!({"reads": true, "writes": writes, "creates": writes})
}
