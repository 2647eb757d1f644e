//! How an account is set up: what differs between one NetSuite customer and the next, and what nobody documents.

use serde::{Deserialize, Serialize};

/// An account's set-up. Everything that public sources leave open is a choice here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The account id, sandbox suffix included: `1234567_SB1`.
    pub account: String,
    /// The OAuth 2.0 client of the integration, if that way in is open.
    pub oauth2: Option<Oauth2>,
    /// The token of the integration (OAuth 1.0a), if that way in is open.
    pub tba: Option<Tba>,
    /// How many requests may be in flight at once.
    pub concurrency_max: usize,
    /// The IANA name of the zone in which SuiteQL shows and reads times; `UTC` for accounts that show UTC.
    pub time_zone: String,
    /// What happens to lines without a `line` key when a record is put again under its external id.
    pub put_lines: PutLines,
    /// How `expires_in` of a token answer is spelled.
    pub expires_in: ExpiresIn,
    /// Subsidiaries; writes must name one when there are several kinds of books (`one_world`).
    pub subsidiaries: Vec<Named>,
    /// The account has subsidiaries, and transactions must name theirs.
    pub one_world: bool,
    /// Currencies by internal id; the first is the account's own.
    pub currencies: Vec<Named>,
    /// Prices and customers name their currency in SuiteQL.
    pub multi_currency: bool,
    /// Price levels that exist from the start.
    pub price_levels: Vec<Named>,
    /// Accounts that an inventory adjustment may be booked to.
    pub adjustment_accounts: Vec<Named>,
    /// SuiteQL tables that the integration's role may not see.
    pub hidden_tables: Vec<String>,
    /// Whether sales lines carry negative quantities in SuiteQL.
    pub sales_lines: SalesLines,
    /// How rows that an ORDER BY leaves tied come out on different pages.
    pub ties: Ties,
    /// Saves that commit with an older time stamp than their moment.
    pub commit_skew: CommitSkew,
    /// The user-event script that the customer installed, if any.
    pub script: Option<Script>,
}

/// An OAuth 2.0 client-credentials (M2M) mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth2 {
    /// The integration's client id: the assertion's `iss`.
    pub client_id: String,
    /// The uploaded certificate's id: the assertion's `kid`.
    pub certificate_id: String,
    /// The certificate's public key (SPKI, PEM): RSA for PS256/384/512, EC for ES256/384/512.
    pub public_key_pem: String,
}

/// A token-based-authentication token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tba {
    /// The integration record's key.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: String,
    /// The token's id.
    pub token_id: String,
    /// Its secret.
    pub token_secret: String,
}

/// Something with an internal id and a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The internal id.
    pub id: u64,
    /// The name; the ISO code of a currency.
    pub name: String,
}

/// What becomes of lines that a repeated PUT brings without a `line` key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PutLines {
    /// They come after those that are there, unless the call says `?replace=`.
    Append,
    /// They replace those that are there.
    Replace,
}

/// The JSON type of `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiresIn {
    /// `3600`
    Number,
    /// `"3600"`
    Text,
}

/// The sign of a sales line's quantity in SuiteQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SalesLines {
    /// Goods that leave are negative.
    Negative,
    /// As entered.
    Positive,
}

/// The order of rows that the statement does not order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Every other page sees them the other way round, so that paging over them repeats and loses rows.
    Unstable,
    /// The same on every page.
    Stable,
}

/// How often and how far a save's time stamp lies before the moment it becomes visible, as a long transaction's does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommitSkew {
    /// Saves that are hit, of 1 000.
    pub per_mille: u32,
    /// How many milliseconds earlier they are stamped at the most.
    pub ms_max: u64,
    /// Decides who is hit.
    pub seed: u64,
}

/// A customer-installed user-event script that posts hints after saves; see [`crate::netsuite::script`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Where it posts to.
    pub url: String,
    /// The secret it signs with.
    pub secret: String,
}

impl Default for Settings {
    fn default() -> Self {
        let named = |id, name: &str| Named { id, name: name.to_owned() };
        Self {
            account: "1234567".to_owned(),
            oauth2: None,
            tba: None,
            concurrency_max: 5,
            time_zone: "America/Los_Angeles".to_owned(),
            put_lines: PutLines::Append,
            expires_in: ExpiresIn::Text,
            subsidiaries: vec![named(1, "Parent Company")],
            one_world: true,
            currencies: vec![named(1, "USD"), named(2, "EUR")],
            multi_currency: true,
            price_levels: vec![named(1, "Base Price")],
            adjustment_accounts: vec![named(58, "Inventory Adjustment")],
            hidden_tables: Vec::new(),
            sales_lines: SalesLines::Negative,
            ties: Ties::Unstable,
            commit_skew: CommitSkew::default(),
            script: None,
        }
    }
}

impl Settings {
    /// The id of the account's own currency.
    #[must_use]
    pub fn base_currency(&self) -> u64 {
        self.currencies.first().map_or(1, |it| it.id)
    }

    /// The account as its host names spell it: `1234567-sb1`.
    #[must_use]
    pub fn host_label(&self) -> String {
        self.account.to_lowercase().replace('_', "-")
    }
}

/// The name under `id`.
pub(super) fn name_of(list: &[Named], id: u64) -> Option<&str> {
    list.iter().find(|it| it.id == id).map(|it| it.name.as_str())
}
