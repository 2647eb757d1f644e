//! Names that records only point to: price levels and currencies. They change about never, and are kept for minutes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use truthsource_sdk::{Fault, json};

use crate::query::{ROWS_MAX, ask};
use crate::wire::Account;

const KEY: &str = "catalog";
const FRESH_MS: u64 = 10 * 60 * 1_000;

/// What ids stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Catalog {
    /// The name of each price level.
    levels: BTreeMap<String, String>,
    /// The ISO code of each currency.
    currencies: BTreeMap<String, String>,
    at_ms: u64,
}

impl Catalog {
    pub(crate) fn read(account: &Account<'_>) -> Result<Self, Fault> {
        let now_ms = account.ctx.now_ms;
        let kept: Option<Self> =
            account.host.get(KEY).ok().flatten().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(kept) = kept.filter(|it| it.at_ms <= now_ms && now_ms - it.at_ms < FRESH_MS) {
            return Ok(kept);
        }
        let levels = names(account, "SELECT id, name AS label FROM pricelevel ORDER BY id")?;
        let currencies = if account.settings.multi_currency {
            names(account, "SELECT id, symbol AS label FROM currency ORDER BY id")?
        } else {
            BTreeMap::new()
        };
        let catalog = Self { levels, currencies, at_ms: now_ms };
        // Kept or not, what was read is right.
        let _ = account.host.set(KEY, json::text(&catalog).as_bytes());
        Ok(catalog)
    }

    /// The list's code of a price level.
    pub(crate) fn list(&self, account: &Account<'_>, level: &str) -> Option<String> {
        let named = account.settings.lists.get(level).cloned();
        named.or_else(|| self.levels.get(level).map(|it| it.to_lowercase()))
    }

    /// Whether the account has this price level.
    pub(crate) fn has_level(&self, level: &str) -> bool {
        self.levels.contains_key(level)
    }

    /// The price level of a list's code.
    pub(crate) fn level(&self, account: &Account<'_>, list: &str) -> Option<String> {
        let ids = self.levels.keys().chain(account.settings.lists.keys());
        let mut matching = ids.filter(|it| self.list(account, it).is_some_and(|it| it.eq_ignore_ascii_case(list)));
        matching.next().cloned()
    }

    /// The ISO code of a currency; the account's own where it has only one.
    pub(crate) fn currency(&self, account: &Account<'_>, id: Option<&str>) -> Option<String> {
        if !account.settings.multi_currency {
            return Some(account.settings.currency.clone());
        }
        self.currencies.get(id?).map(|it| it.to_uppercase())
    }

    /// The id of a currency.
    pub(crate) fn currency_id(&self, account: &Account<'_>, code: &str) -> Option<String> {
        if !account.settings.multi_currency {
            return (code == account.settings.currency).then(|| account.settings.currency_id.clone());
        }
        self.currencies.iter().find(|(_, it)| it.eq_ignore_ascii_case(code)).map(|(id, _)| id.clone())
    }
}

fn names(account: &Account<'_>, q: &str) -> Result<BTreeMap<String, String>, Fault> {
    let rows = ask(account, q, &[], ROWS_MAX)?.rows;
    rows.iter().map(|row| Ok((row.must("id")?, row.must("label")?))).collect()
}
