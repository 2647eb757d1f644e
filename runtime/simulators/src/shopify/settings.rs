//! What an operator of the simulated shop may choose, with the real system's figures as defaults.

use serde::{Deserialize, Serialize};

/// How the shop is set up. Everything the real system leaves open, or that differs between plans, is a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The permanent shop domain, as webhooks name it.
    pub shop_domain: String,
    /// The shop's name.
    pub shop_name: String,
    /// The shop currency: what `variant.price` is in.
    pub currency: String,
    /// The shop's IANA time zone: webhook bodies carry its offset.
    pub time_zone: String,
    /// Digits after the point that prices are rounded to; `None` keeps what was sent. The real figure depends on the
    /// currency and is not documented.
    pub price_decimals: Option<u32>,
    /// API versions that are served, oldest first; an older request falls forward to the first.
    pub versions: Vec<String>,
    /// The first version in which inventory writes must carry `@idempotent`.
    pub idempotent_since: String,
    /// How long an idempotency key is remembered, in milliseconds.
    pub idempotency_ms: u64,
    /// Whether `changeFromQuantity` must be sent, as a number or as an explicit null.
    pub change_from_required: bool,
    /// Whether setting a quantity stocks the item at a location where it was not stocked.
    pub activate_on_set: bool,
    /// Cost points that come back per second.
    pub restore_rate: u64,
    /// Cost points the bucket holds.
    pub bucket_max: u64,
    /// The most one query may cost.
    pub query_cost_max: u64,
    /// What a page of so many nodes weighs, as steps of (page size, weight); between steps the last one below
    /// holds. Empty: a page weighs as many as it has nodes.
    pub page_weights: Vec<(u32, u64)>,
    /// How long an access token of the client-credentials grant lives, in seconds.
    pub token_s: u64,
    /// How long after a rotation webhooks may still be signed with the previous secret, in milliseconds.
    pub secret_overlap_ms: u64,
    /// Failures in a row after which a webhook subscription is deleted.
    pub webhook_failures_max: u32,
    /// What the shop is closed for.
    pub closed: Closed,
    /// The apps that may call.
    pub apps: Vec<App>,
}

/// An app's access to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct App {
    /// What it calls itself when it asks for a token.
    pub client_id: String,
    /// What it proves itself with, and what its webhooks are signed with.
    pub client_secret: String,
    /// A permanent access token, as old custom apps have.
    pub token: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// Why a shop answers nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// It is open.
    #[default]
    Open,
    /// The bill was not paid: 402.
    Frozen,
    /// Locked: 423.
    Locked,
    /// No such shop: 404.
    Unknown,
}

/// Every scope the shop knows, as a full grant.
pub const SCOPES: &[&str] = &[
    "read_products",
    "write_products",
    "read_inventory",
    "write_inventory",
    "read_locations",
    "read_companies",
    "write_companies",
    "read_customers",
    "write_customers",
    "read_orders",
    "write_orders",
    "read_merchant_managed_fulfillment_orders",
    "write_merchant_managed_fulfillment_orders",
    "read_all_orders",
];

impl Default for App {
    fn default() -> Self {
        Self {
            client_id: "truthsource".into(),
            client_secret: "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".into(),
            token: Some("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".into()),
            scopes: SCOPES.iter().map(|it| (*it).to_owned()).collect(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shop_domain: "truthsource-demo.myshopify.com".into(),
            shop_name: "TruthSource Demo".into(),
            currency: "USD".into(),
            time_zone: "America/New_York".into(),
            price_decimals: None,
            versions: ["2026-01", "2026-04", "2026-07", "2026-10"].map(str::to_owned).into(),
            idempotent_since: "2026-04".into(),
            idempotency_ms: 24 * 60 * 60 * 1000,
            change_from_required: true,
            activate_on_set: false,
            restore_rate: 100,
            bucket_max: 2000,
            query_cost_max: 1000,
            // A page of 250 was seen to weigh 11 times one of its nodes; the steps between follow 2 ln n.
            page_weights: vec![
                (1, 1),
                (2, 2),
                (3, 3),
                (5, 4),
                (10, 5),
                (20, 6),
                (35, 7),
                (50, 8),
                (100, 9),
                (150, 10),
                (250, 11),
            ],
            token_s: 86_399,
            secret_overlap_ms: 60 * 60 * 1000,
            webhook_failures_max: 8,
            closed: Closed::Open,
            apps: vec![App::default()],
        }
    }
}

impl Settings {
    /// The version a request for `asked` is served with: itself, the oldest one for an older one, or `None` for one
    /// that does not exist yet or was never a version.
    #[must_use]
    pub fn serve_version(&self, asked: &str) -> Option<&str> {
        if let Some(version) = self.versions.iter().find(|it| *it == asked) {
            return Some(version);
        }
        let oldest = self.versions.first()?;
        (is_version(asked) && asked < oldest.as_str()).then_some(oldest)
    }

    /// What a page of `nodes` nodes weighs in a query's cost.
    #[must_use]
    pub fn page_weight(&self, nodes: u64) -> u64 {
        if self.page_weights.is_empty() {
            return nodes;
        }
        let below = self.page_weights.iter().take_while(|(size, _)| u64::from(*size) <= nodes).last();
        below.map_or(0, |(_, weight)| *weight)
    }
}

/// `2026-10`: a year and the first month of a quarter.
fn is_version(text: &str) -> bool {
    let Some((year, month)) = text.split_once('-') else { return false };
    year.len() == 4 && year.bytes().all(|it| it.is_ascii_digit()) && ["01", "04", "07", "10"].contains(&month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_version_falls_forward() {
        let settings = Settings::default();
        let served = |asked: &str| settings.serve_version(asked).map(str::to_owned);
        assert_eq!(served("2026-10").as_deref(), Some("2026-10"));
        assert_eq!(served("2024-01").as_deref(), Some("2026-01"));
        assert_eq!(served("2027-01"), None);
        assert_eq!(served("2024-02"), None);
        assert_eq!(served("admin"), None);
    }

    #[test]
    fn a_page_weighs_less_than_its_nodes() {
        let settings = Settings::default();
        let weights: Vec<u64> = [0, 1, 10, 49, 250].map(|nodes| settings.page_weight(nodes)).into();
        assert_eq!(weights, [0, 1, 5, 7, 11]);
        let linear = Settings { page_weights: Vec::new(), ..Settings::default() };
        assert_eq!(linear.page_weight(250), 250);
    }
}
