//! How a company is set up: what differs between one Business One customer and the next, and what nobody documents.

use serde::{Deserialize, Serialize};
use truthsource_core::Decimal;

/// A company's set-up. Everything that public sources leave open is a choice here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The company database: `CompanyDB` of a login.
    pub company: String,
    /// The company's name, for people.
    pub company_name: String,
    /// Who may log in.
    pub users: Vec<User>,
    /// The code of a refused login.
    pub bad_login: BadLogin,
    /// How long a session lives after its last call, in minutes.
    pub session_timeout_min: u64,
    /// Service Layer nodes behind the load balancer. A session lives on one: a call that is routed elsewhere has none.
    pub nodes: u32,
    /// The `Version` of a login.
    pub version: String,
    /// Rows on a page when the caller names no number.
    pub page_size: usize,
    /// How links to next pages are spelled.
    pub next_links: NextLinks,
    /// The IANA name of the zone that the company's server lives in: of every date and time.
    pub time_zone: String,
    /// Currencies; the first is the company's own.
    pub currencies: Vec<Currency>,
    /// Digits after the point of prices.
    pub price_decimals: u32,
    /// Digits after the point of totals.
    pub total_decimals: u32,
    /// Sorts of additional expenses.
    pub expenses: Vec<Expense>,
    /// Tax codes of sales; the first is every line's that names none.
    pub taxes: Vec<Tax>,
    /// Groups of items, by `ItemsGroupCode`; the first is that of an item that names none.
    pub item_groups: Vec<i64>,
    /// Groups of business partners, by `GroupCode`; as of items.
    pub partner_groups: Vec<i64>,
    /// The warehouse of lines that name none.
    pub default_warehouse: String,
    /// Whether goods may leave that are not there.
    pub negative_stock: NegativeStock,
    /// What lists by a factor do when their base changes.
    pub factor_lists: FactorLists,
    /// Sales orders whose total is above this are answered -2028 and wait as drafts; `None`: no approval procedure.
    pub approval_above: Option<Decimal>,
    /// A customer may use a reference (`NumAtCard`) once.
    pub unique_references: bool,
    /// What `UpdateDate` of a new item or business partner holds.
    pub fresh_update_date: FreshUpdateDate,
    /// Records have ETags (FP2102 and later).
    pub etags: bool,
    /// Tables that SQL queries may name.
    pub sql_tables: Vec<String>,
    /// How SQL queries show days.
    pub sql_dates: SqlDates,
    /// Native webhooks exist (FP2602 and later). They are off until the company switches them on.
    pub webhooks: bool,
    /// Business objects in the catalogue of events.
    pub webhook_objects: Vec<String>,
    /// The media type of a delivery.
    pub webhook_media: String,
    /// How many deliveries in a row must be given up before a subscription becomes inactive.
    pub webhook_failures_max: u32,
}

/// Someone who may log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// `UserName`.
    pub name: String,
    /// `Password`.
    pub password: String,
    /// Business objects, services and `SQLQueries` that this user is not permitted to touch.
    #[serde(default)]
    pub denied: Vec<String>,
}

/// A currency of the company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// The company's own code, which need not be ISO: `$`.
    pub code: String,
    /// The code on documents, which is ISO as a rule: `USD`.
    pub iso: String,
    /// Its name.
    pub name: String,
}

/// A sort of additional expense: freight, packing, what is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expense {
    /// `ExpensCode`.
    pub code: i64,
    /// Its name.
    pub name: String,
}

/// A sales tax code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    /// Its code.
    pub code: String,
    /// Percent.
    pub percent: Decimal,
}

/// What a refused login answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadLogin {
    /// -304
    Sld,
    /// 100000027
    Installation,
}

/// How `nextLink` is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextLinks {
    /// `Items?$skip=20`: from the service root.
    Relative,
    /// `/b1s/v2/Items?$skip=20`: from the host's root.
    FromHost,
}

/// Whether a warehouse may hold less than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeStock {
    /// -10
    Refused,
    /// It may.
    Allowed,
}

/// What happens to prices of a list that has a base list and a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactorLists {
    /// They follow the base list, unless entered by hand.
    Recalculated,
    /// They stay as they are.
    Stored,
}

/// When master data gets its first `UpdateDate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FreshUpdateDate {
    /// With the first update.
    Empty,
    /// When it is made.
    Created,
}

/// The spelling of days in the rows of SQL queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SqlDates {
    /// `20261121`
    Compact,
    /// `2026-11-21`
    Iso,
}

impl Default for Settings {
    fn default() -> Self {
        let text = |it: &str| it.to_owned();
        let currency =
            |code: &str, iso: &str, name: &str| Currency { code: text(code), iso: text(iso), name: text(name) };
        let list = |names: &[&str]| names.iter().map(|it| text(it)).collect();
        Self {
            company: text("SBODEMOUS"),
            company_name: text("OEC Computers"),
            users: vec![User { name: text("manager"), password: text("manager"), denied: Vec::new() }],
            bad_login: BadLogin::Sld,
            session_timeout_min: 30,
            nodes: 1,
            version: text("1000290"),
            page_size: 20,
            next_links: NextLinks::Relative,
            time_zone: text("America/New_York"),
            currencies: vec![currency("$", "USD", "US Dollar"), currency("EUR", "EUR", "Euro")],
            price_decimals: 6,
            total_decimals: 2,
            expenses: [(1, "Freight"), (2, "Sales tax of the shop"), (3, "Discount of the shop")]
                .map(|(code, name)| Expense { code, name: text(name) })
                .to_vec(),
            taxes: vec![Tax { code: text("EX"), percent: Decimal::ZERO }],
            item_groups: vec![100],
            partner_groups: vec![100],
            default_warehouse: text("01"),
            negative_stock: NegativeStock::Refused,
            factor_lists: FactorLists::Recalculated,
            approval_above: None,
            unique_references: false,
            fresh_update_date: FreshUpdateDate::Empty,
            etags: true,
            sql_tables: list(&["OITM", "OITW", "ITM1", "OPLN", "OCRD", "CRD1", "OCPR", "ORDR", "RDR1"]),
            sql_dates: SqlDates::Compact,
            webhooks: false,
            webhook_objects: list(&[
                "BusinessPartners",
                "DeliveryNotes",
                "InventoryGenEntries",
                "InventoryGenExits",
                "InventoryPostings",
                "Items",
                "Orders",
                "StockTransfers",
                "Warehouses",
            ]),
            webhook_media: text("application/json"),
            webhook_failures_max: 3,
        }
    }
}

impl Settings {
    /// The code of the company's own currency.
    #[must_use]
    pub fn local_currency(&self) -> &str {
        self.currencies.first().map_or("", |it| it.code.as_str())
    }

    /// The ISO code of a currency; empty for `##`, which is all of them, and for none.
    #[must_use]
    pub fn iso(&self, code: &str) -> &str {
        self.currencies.iter().find(|it| it.code == code).map_or("", |it| it.iso.as_str())
    }
}
