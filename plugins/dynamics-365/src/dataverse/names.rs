//! What records only point to: currencies, price lists, and the units that products are sold in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use truthsource_sdk::{Fault, json};

use super::org::Org;
use crate::odata::{Row, is_guid};

const KEY: &str = "currencies";
const FRESH_MS: u64 = 10 * 60 * 1_000;

/// The ISO code of each currency, by id. They change about never, and are kept for minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Currencies {
    codes: BTreeMap<String, String>,
    at_ms: u64,
}

impl Currencies {
    pub(crate) fn read(org: &Org<'_>) -> Result<Self, Fault> {
        let now_ms = org.wire.ctx.now_ms;
        let kept = org.wire.host.get(KEY).ok().flatten();
        let kept: Option<Self> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if let Some(kept) = kept.filter(|it| it.at_ms <= now_ms && now_ms - it.at_ms < FRESH_MS) {
            return Ok(kept);
        }
        let rows = org.all("transactioncurrencies", "transactioncurrencyid,isocurrencycode", "")?;
        let code = |row: &Row| Some((row.id("transactioncurrencyid")?, row.text("isocurrencycode")?.to_uppercase()));
        let currencies = Self { codes: rows.iter().filter_map(code).collect(), at_ms: now_ms };
        // Kept or not, what was read is right.
        let _ = org.wire.host.set(KEY, json::text(&currencies).as_bytes());
        Ok(currencies)
    }

    pub(crate) fn code(&self, id: Option<String>) -> Option<String> {
        self.codes.get(&id?).cloned()
    }

    pub(crate) fn id(&self, code: &str) -> Option<&str> {
        self.codes.iter().find(|(_, it)| it.eq_ignore_ascii_case(code)).map(|(id, _)| id.as_str())
    }
}

/// A price list.
#[derive(Debug, Clone)]
pub(crate) struct PriceList {
    pub id: String,
    /// What it is called here.
    pub code: String,
    /// The id of the currency that it is in.
    pub currency: Option<String>,
    /// It holds today.
    pub is_valid: bool,
}

/// Every price list, by id.
pub(crate) fn price_lists(org: &Org<'_>) -> Result<BTreeMap<String, PriceList>, Fault> {
    let today = truthsource_sdk::moment::plain(org.wire.ctx.now_ms);
    let today = today.get(..10).unwrap_or_default();
    let rows =
        org.all("pricelevels", "pricelevelid,name,_transactioncurrencyid_value,begindate,enddate,statecode", "")?;
    let list = |row: &Row| {
        let (id, name) = (row.id("pricelevelid")?, row.text("name")?);
        let named = org.lists.get(&id).or_else(|| org.lists.get(&name)).cloned();
        let is_active = row.text("statecode").is_none_or(|it| it == "0");
        let has_begun = row.day("begindate").is_none_or(|it| it.as_str() <= today);
        let has_ended = row.day("enddate").is_some_and(|it| it.as_str() < today);
        let code = named.unwrap_or_else(|| name.to_lowercase());
        let currency = row.id("_transactioncurrencyid_value");
        Some((id.clone(), PriceList { id, code, currency, is_valid: is_active && has_begun && !has_ended }))
    };
    Ok(rows.iter().filter_map(list).collect())
}

/// The unit that each of these products is priced in by default.
pub(crate) fn units<'v>(
    org: &Org<'_>,
    products: impl Iterator<Item = &'v str>,
) -> Result<BTreeMap<String, String>, Fault> {
    let products: BTreeSet<&str> = products.filter(|it| is_guid(it)).collect();
    let rows = org.any_of(("products", "productid,_defaultuomid_value"), "productid", products)?;
    let unit = |row: &Row| Some((row.id("productid")?, row.id("_defaultuomid_value")?));
    Ok(rows.iter().filter_map(unit).collect())
}
