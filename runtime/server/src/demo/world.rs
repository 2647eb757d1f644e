//! The world of the demonstration: a NetSuite account and a Shopify shop that know most of the same things.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use truthsource_core::draw::Draw;
use truthsource_core::{Decimal, UnixMs};
use truthsource_simulators::netsuite::seed::{Seed, SeedCustomer, SeedItem, SeedLocation, SeedPrice, SeedStock};
use truthsource_simulators::netsuite::settings::{Named, Script, Tba};
use truthsource_simulators::netsuite::{Netsuite, Settings};
use truthsource_simulators::serve::{Now, Served, serve_on};
use truthsource_simulators::shopify::seed as shop;
use truthsource_simulators::shopify::settings::Settings as ShopSettings;
use truthsource_simulators::shopify::{BreakText, LocationInput, Shopify, Status};

use crate::engine::ports::Clock;

/// Places that hold stock, in the order of their numbers in the ERP.
pub const LOCATIONS: [&str; 2] = ["Main", "Outlet"];
/// Price lists, in the order of their numbers in the ERP. The first is the shop's own prices.
pub const LISTS: [&str; 3] = ["base", "wholesale", "gold"];
/// Companies the ERP knows.
pub const COMPANIES: u32 = 20;
/// Companies the shop knows, too.
pub const COMPANIES_IN_SHOP: u32 = 15;
/// Items that the two call differently, stock differently or price differently when they meet.
pub const DIFFERING: u32 = 30;
/// What the ERP's script and the shop's app sign with.
pub const HOOK_SECRET: &str = "hush-this-signs-what-the-erp-tells";
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

/// How large the world is, and what its contents are drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Items in the ERP; seven tenths of them are in the shop.
    pub items: u32,
    /// What is drawn is drawn from this.
    pub seed: u64,
}

impl Extent {
    /// Items that the shop has, too, from the start.
    #[must_use]
    pub fn items_in_shop(self) -> u32 {
        self.items * 7 / 10
    }
}

/// Both systems, served on loopback ports. Dropping it closes them.
pub struct World {
    /// How large it is.
    pub extent: Extent,
    /// The ERP.
    pub erp: Arc<Netsuite>,
    /// The shop.
    pub shop: Arc<Shopify>,
    /// The ERP's ports.
    pub erp_at: Served,
    /// The shop's ports.
    pub shop_at: Served,
    /// Inventory items that were in the shop from the start: number in the ERP → number in the shop.
    pub linked: BTreeMap<u64, u64>,
    /// Locations of the shop, in the order of [`LOCATIONS`].
    pub shop_locations: Vec<u64>,
    /// Price lists of the shop, by number.
    pub shop_lists: BTreeMap<u64, String>,
    /// Company locations of the shop that orders can be placed for.
    pub buyers: Vec<u64>,
    clock: Arc<dyn Clock>,
}

impl World {
    /// Makes both systems and opens their ports, on the clock of the machine or another.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn open(extent: Extent, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let now = clock.now();
        let erp = Arc::new(Netsuite::new(erp_settings())?);
        erp.seed(now, erp_seed(extent))?;
        let shop = Arc::new(Shopify::new(shop_settings()));
        let seeded = shop.seed(now, &shop_seed(extent))?;
        let in_shop = |at: &u32| Some((item_id(*at), *seeded.items.get(&shop_code(*at))?));
        let linked = (0..extent.items_in_shop()).filter_map(|at| in_shop(&at)).collect();
        let location = |name: &&str| seeded.locations.get(*name).copied();
        let shop_locations = LOCATIONS.iter().filter_map(location).collect();
        let shop_lists = seeded.price_lists.iter().map(|(name, id)| (*id, name.clone())).collect();
        let buyers = seeded.company_locations.values().copied().collect();
        let ticks = clock.clone();
        let ticks: Now = Arc::new(move || ticks.now());
        let (erp_at, shop_at) = (serve_on(erp.clone(), ticks.clone()).await?, serve_on(shop.clone(), ticks).await?);
        Ok(Self { extent, erp, shop, erp_at, shop_at, linked, shop_locations, shop_lists, buyers, clock })
    }

    /// Now, by the clock of this world.
    #[must_use]
    pub fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// Has both systems tell `server` what happens in them, as an administrator of each would set it up.
    ///
    /// # Errors
    /// When the shop does not take a subscription.
    pub async fn tell(&self, server: &str, tenant: &str) -> anyhow::Result<()> {
        let hook = |connection: &str| format!("{server}/hooks/{tenant}/{connection}");
        let script = Script { url: hook("erp"), secret: HOOK_SECRET.to_owned() };
        self.erp.set_settings(Settings { script: Some(script), ..self.erp.settings() })?;
        let subscribe = "mutation On($topic: WebhookSubscriptionTopic!, $uri: String!) { \
                         webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri }) { \
                         webhookSubscription { id } userErrors { message } } }";
        let client = reqwest::Client::new();
        for topic in TOPICS {
            let body = json!({"query": subscribe, "variables": {"topic": topic, "uri": hook("shop")}});
            let url = format!("{}/admin/api/{SHOP_VERSION}/graphql.json", self.shop_url());
            let request = client.post(url).header("x-shopify-access-token", shop_token()).json(&body);
            let answer: serde_json::Value = request.send().await?.json().await?;
            let made = &answer["data"]["webhookSubscriptionCreate"]["webhookSubscription"]["id"];
            made.as_str().with_context(|| format!("the shop took no subscription to {topic}: {answer}"))?;
        }
        Ok(())
    }

    /// The ERP's address.
    #[must_use]
    pub fn erp_url(&self) -> String {
        format!("http://{}", self.erp_at.api)
    }

    /// The shop's address.
    #[must_use]
    pub fn shop_url(&self) -> String {
        format!("http://{}", self.shop_at.api)
    }
}

/// An item's number in the ERP.
#[must_use]
pub fn item_id(at: u32) -> u64 {
    1_000 + u64::from(at)
}

fn code(at: u32) -> String {
    format!("BOLT-{at:05}")
}

/// Every tenth item is spelled otherwise in the shop.
fn shop_code(at: u32) -> String {
    if at % 10 == 3 { code(at).to_lowercase() } else { code(at) }
}

fn title(at: u32) -> String {
    let thread = [4, 5, 6, 8, 10, 12][at as usize % 6];
    format!("Hex bolt M{thread} x {}, box {at}", 10 + 5 * (at % 9))
}

fn barcode(at: u32) -> String {
    format!("{:013}", 4_000_000_000_000_u64 + u64::from(at) * 17)
}

/// The price of an item on a list, in cents.
fn cents(extent: Extent, at: u32, list: usize) -> i64 {
    let base = 500 + Draw::new(extent.seed).below(9_500, "price", at.into());
    i64::try_from(base).unwrap_or(500) * [100, 80, 70][list] / 100
}

fn money(cents: i64) -> Decimal {
    Decimal::new(cents, 2).unwrap_or_default()
}

/// Every third item is cheaper by the box on the lists of companies.
fn breaks(extent: Extent, at: u32, list: usize) -> Vec<(u32, Decimal)> {
    if list == 0 || !at.is_multiple_of(3) {
        return Vec::new();
    }
    let cents = cents(extent, at, list);
    vec![(10, money(cents * 95 / 100)), (50, money(cents * 90 / 100))]
}

fn on_hand(extent: Extent, at: u32, location: usize) -> i64 {
    let n = u64::from(at) * LOCATIONS.len() as u64 + location as u64;
    100 + i64::try_from(Draw::new(extent.seed).below(400, "stock", n)).unwrap_or(0)
}

fn company(at: u32) -> (String, String) {
    (format!("C-{:03}", 100 + at), format!("Workshop {} Ltd", 100 + at))
}

fn tba() -> Tba {
    Tba {
        consumer_key: "9ef1c3".to_owned(),
        consumer_secret: "consumer-of-the-demonstration".to_owned(),
        token_id: "5b7a20".to_owned(),
        token_secret: "token-of-the-demonstration".to_owned(),
    }
}

/// What the host signs the ERP's requests with.
#[must_use]
pub fn erp_credentials() -> serde_json::Value {
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

/// What the host signs the shop's requests with.
#[must_use]
pub fn shop_credentials() -> serde_json::Value {
    json!({"scheme": "shopify-token", "token": shop_token()})
}

/// What the shop signs its webhooks with.
#[must_use]
pub fn shop_hook_secret() -> String {
    ShopSettings::default().apps.into_iter().next().map(|it| it.client_secret).unwrap_or_default()
}

fn shop_token() -> String {
    ShopSettings::default().apps.into_iter().next().and_then(|it| it.token).unwrap_or_default()
}

fn erp_settings() -> Settings {
    let level = |(at, name): (usize, &&str)| Named { id: at as u64 + 1, name: format!("{name} price") };
    Settings { tba: Some(tba()), price_levels: LISTS.iter().enumerate().map(level).collect(), ..Settings::default() }
}

/// A shop of the largest plan, as fifty changes a second want it: two thousand points a second.
fn shop_settings() -> ShopSettings {
    ShopSettings { restore_rate: 2_000, bucket_max: 40_000, ..ShopSettings::default() }
}

fn erp_seed(extent: Extent) -> Seed {
    let mut seed = Seed::default();
    let location = |(at, name): (usize, &&str)| SeedLocation { id: Some(at as u64 + 1), name: (*name).to_owned() };
    seed.locations = LOCATIONS.iter().enumerate().map(location).collect();
    for at in 0..extent.items {
        let item = item_id(at);
        seed.items.push(SeedItem {
            id: Some(item),
            title: Some(title(at)),
            barcode: Some(barcode(at)),
            ..SeedItem::new(code(at))
        });
        for list in 0..LISTS.len() {
            let level = list as u64 + 1;
            let base = (0, money(cents(extent, at, list)));
            let price = |(from, amount): (u32, Decimal)| SeedPrice {
                item,
                level,
                currency: None,
                from: Decimal::from(from),
                amount,
            };
            seed.prices.extend(std::iter::once(base).chain(breaks(extent, at, list)).map(price));
        }
        for location in 0..LOCATIONS.len() {
            let on_hand = Decimal::new(on_hand(extent, at, location), 0).unwrap_or_default();
            seed.stock.push(SeedStock { item, location: location as u64 + 1, on_hand });
        }
    }
    for at in 0..COMPANIES {
        let (code, name) = company(at);
        let email = Some(format!("orders@workshop-{}.example", 100 + at));
        seed.customers.push(SeedCustomer { name: Some(name), email, ..SeedCustomer::new(code) });
    }
    seed
}

/// Seven tenths of the ERP's items. The first thirty differ: ten in their title, ten in their stock, ten in their
/// price.
fn shop_seed(extent: Extent) -> shop::Seed {
    let differs = |at: u32, what: u32| at < DIFFERING && at % 3 == what;
    let location = |name: &&str| shop::SeedLocation { name: (*name).to_owned(), fulfills_online_orders: true };
    let product = |at: u32| {
        let off = if differs(at, 1) { 7 } else { 0 };
        let stock = (0..LOCATIONS.len()).map(|it| (LOCATIONS[it].to_owned(), on_hand(extent, at, it) + off));
        let cents = cents(extent, at, 0) + if differs(at, 2) { 150 } else { 0 };
        shop::SeedProduct {
            title: if differs(at, 0) { format!("{} (old)", title(at)) } else { title(at) },
            status: Status::Active,
            variants: vec![shop::SeedVariant {
                sku: shop_code(at),
                barcode: Some(barcode(at)),
                price: money(cents),
                value: None,
                stock: stock.collect(),
            }],
            ..shop::SeedProduct::default()
        }
    };
    let list = |list: usize| shop::SeedPriceList {
        name: LISTS[list].to_owned(),
        currency: None,
        adjustment: None,
        prices: (0..extent.items_in_shop())
            .map(|at| shop::SeedPrice {
                sku: shop_code(at),
                amount: money(cents(extent, at, list)),
                breaks: breaks(extent, at, list)
                    .into_iter()
                    .map(|(from, amount)| BreakText { from: from.into(), amount })
                    .collect(),
            })
            .collect(),
    };
    let company = |at: u32| {
        let (code, name) = company(at);
        let about = LocationInput { name: format!("{name}, yard"), ..LocationInput::default() };
        let price_lists = vec![LISTS[1 + at as usize % 2].to_owned()];
        shop::SeedCompany {
            name,
            external_id: Some(code),
            contact: None,
            locations: vec![shop::SeedCompanyLocation { about, price_lists }],
        }
    };
    shop::Seed {
        locations: LOCATIONS.iter().map(location).collect(),
        products: (0..extent.items_in_shop()).map(product).collect(),
        price_lists: (1..LISTS.len()).map(list).collect(),
        companies: (0..COMPANIES_IN_SHOP).map(company).collect(),
    }
}
