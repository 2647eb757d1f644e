//! How an environment is set up: what differs between one customer and the next, and what nobody documents.

use serde::{Deserialize, Serialize};
use truthsource_core::draw::Draw;

use super::super::guid::Guid;
use super::super::token::Application;

/// An environment's set-up. Everything that public sources leave open is a choice here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The application that may call, and its directory.
    pub application: Application,
    /// The environment's name in URLs.
    pub environment: String,
    /// The companies; records are in the first, the others are empty.
    pub companies: Vec<Company>,
    /// The ISO code that stands behind an empty `currencyCode`.
    pub local_currency: String,
    /// Where the customer's own pages are; `None`: the customer has none.
    pub custom: Option<Custom>,
    /// The status that a stale etag is answered with: 409, or 412 as other OData services do.
    pub stale_status: u16,
    /// The status that a number or code of another record is refused with: 400 or 409.
    pub same_key_status: u16,
    /// Accounts of the general ledger that lines of orders may name: their numbers, and what they are called.
    pub accounts: Vec<(String, String)>,
    /// Whether customers take a number from the caller.
    pub customer_numbers: Numbers,
    /// What a new quantity does to a row of the custom stock page: it is stored, and subscribers are told; or it is a
    /// FlowField, and nothing tells.
    pub stock_stamp: Stamp,
    /// What a line's change does to its order's header.
    pub header_stamp: Stamp,
    /// What a line's change does to the other lines of its order: where discounts of the whole are spread over them, it
    /// moves them.
    pub sibling_stamp: Stamp,
    /// An extension of the customer's commits whatever it is called for: a batch with `Isolation: snapshot` is no
    /// transaction then, and what was carried out before a failure stays.
    pub batches_commit: bool,
    /// The limits of calls.
    pub limits: Limits,
    /// Webhooks.
    pub webhooks: Webhooks,
    /// Requests answered 400 "Please try again later."
    pub try_later: Rate,
    /// Writes to documents and stock that meet another user's lock.
    pub locks: Rate,
    /// The status that a lock is answered with.
    pub lock_status: u16,
}

/// A company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Its id.
    pub id: Guid,
    /// Its name.
    pub name: String,
}

/// The customer's own API pages. Invented: a standard environment has neither stock per location, nor movements of it
/// that bear the caller's reference, nor price lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custom {
    /// Stock per location.
    pub stocks: Page,
    /// Movements of that stock, each under a reference of the caller's; `None`: the customer's extension has no such
    /// page.
    #[serde(default)]
    pub adjustments: Option<Page>,
    /// Price list heads (table 7000).
    pub price_lists: Page,
    /// Price list lines (table 7001).
    pub price_lines: Page,
}

/// The address of a custom page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// `APIPublisher`
    pub publisher: String,
    /// `APIGroup`
    pub group: String,
    /// `APIVersion`
    pub version: String,
    /// `EntitySetName`
    pub set: String,
}

/// Who numbers new records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// The caller may, the series does otherwise.
    Manual,
    /// The series alone: a given number is refused.
    Series,
}

/// Whether a record's stamp and etag move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stamp {
    /// They do.
    Moves,
    /// They do not.
    Stays,
}

/// Limits of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests within the window.
    pub requests_max: usize,
    /// How long the window is.
    pub window_ms: u64,
    /// Requests at once: five that run and 95 that wait.
    pub connections_max: usize,
    /// Whether a 429 says `Retry-After`.
    pub retry_after_s: Option<u64>,
    /// Operations in a batch.
    pub batch_max: usize,
    /// Rows of a page, and what `odata.maxpagesize` may ask for at the most.
    pub page_max: usize,
}

/// How webhooks are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// How long after the first change a notification leaves.
    pub delay_ms: u64,
    /// More changes than this become one `collection` entry.
    pub collection_over: usize,
    /// Whether a notification's `resource` begins with a slash.
    pub leading_slash: bool,
    /// How a receiver is asked whether it wants notifications.
    pub handshake: Handshake,
    /// How long a subscription lives.
    pub life_ms: u64,
    /// The most subscriptions.
    pub subscriptions_max: usize,
}

/// The method of the request that a receiver answers with the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Handshake {
    /// `POST`
    Post,
    /// `GET`
    Get,
}

/// How often something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Of 1 000.
    pub per_mille: u32,
    /// Decides who is hit.
    pub seed: u64,
}

impl Rate {
    /// The `n`th is hit.
    pub(super) fn hits(self, purpose: &str, n: u64) -> bool {
        Draw::new(self.seed).chance(self.per_mille, purpose, n)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 6_000,
            window_ms: 300_000,
            connections_max: 100,
            retry_after_s: None,
            batch_max: 100,
            page_max: 20_000,
        }
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            delay_ms: 30_000,
            collection_over: 1_000,
            leading_slash: false,
            handshake: Handshake::Post,
            life_ms: 3 * 24 * 3_600_000,
            subscriptions_max: 200,
        }
    }
}

impl Default for Custom {
    fn default() -> Self {
        let page = |group: &str, set: &str| Page {
            publisher: "erpsync".to_owned(),
            group: group.to_owned(),
            version: "v1.0".to_owned(),
            set: set.to_owned(),
        };
        Self {
            stocks: page("inventory", "itemLocationStocks"),
            adjustments: Some(page("inventory", "itemLocationAdjustments")),
            price_lists: page("pricing", "priceLists"),
            price_lines: page("pricing", "priceListLines"),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let company = |n: u64, name: &str| Company { id: Guid::drawn("company", n), name: name.to_owned() };
        Self {
            application: Application::default(),
            environment: "Production".to_owned(),
            companies: vec![company(1, "CRONUS"), company(2, "My Company")],
            local_currency: "USD".to_owned(),
            custom: Some(Custom::default()),
            stale_status: 409,
            same_key_status: 400,
            accounts: [("6810", "Freight"), ("5410", "Sales tax of the shop"), ("6910", "Discounts of the shop")]
                .map(|(number, name)| (number.to_owned(), name.to_owned()))
                .to_vec(),
            customer_numbers: Numbers::Manual,
            stock_stamp: Stamp::Moves,
            header_stamp: Stamp::Stays,
            sibling_stamp: Stamp::Stays,
            batches_commit: false,
            limits: Limits::default(),
            webhooks: Webhooks::default(),
            try_later: Rate::default(),
            locks: Rate::default(),
            lock_status: 400,
        }
    }
}
