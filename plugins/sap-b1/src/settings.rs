//! What a tenant says about its company.

use std::collections::{BTreeMap, BTreeSet};

use truthsource_sdk::charges::ChargeBook;
use truthsource_sdk::settings::{pairs, yes};
use truthsource_sdk::{Context, Fault, Settings as Given};

use crate::zone::Zone;

/// The settings of a connection, read.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `https://b1.example:50000`, without a slash at the end.
    pub base_url: String,
    /// `v2` (OData 4) or `v1` (OData 3).
    pub api_version: &'static str,
    /// Where the company's server is: it stores local times.
    pub zone: Zone,
    /// The list's code by its number. Other lists are not read.
    pub lists: BTreeMap<String, String>,
    /// ISO code of the company's own currency.
    pub currency: String,
    /// The ISO code by the company's code of a currency, where the two differ.
    pub currencies: BTreeMap<String, String>,
    /// The code by warehouse; other warehouses are called by their own codes.
    pub location_codes: BTreeMap<String, String>,
    /// The user-defined field of documents that keeps the key of a creation; `None`: the customer's reference does.
    pub reference_field: Option<String>,
    /// The name of a carrier by the number of the shipping type; others are called by their numbers.
    pub carriers: BTreeMap<String, String>,
    /// As which additional expenses shipping, discounts and taxes of whole orders are booked.
    pub charges: ChargeBook,
    /// The numbering series of new orders; `None`: the default one.
    pub order_series: Option<u32>,
    /// The warehouse that new orders ship from, if the lines should say.
    pub order_warehouse: Option<String>,
    /// Days from an order's date to its delivery date.
    pub due_days: u16,
    /// The account that stock is booked against; `None`: the item's own.
    pub stock_account: Option<String>,
    /// How long a request whose answer was lost may still be carried out.
    pub in_flight_ms: u64,
    /// Digits after the point of prices.
    pub price_decimals: u8,
    /// Digits after the point of quantities.
    pub quantity_decimals: u8,
    /// The company lets stock fall below nothing.
    pub negative_stock: bool,
    /// Breaks of quantity are read.
    pub quantity_breaks: bool,
    /// Stored queries may be used.
    pub sql_queries: bool,
}

impl Settings {
    pub(crate) fn read(ctx: &Context) -> Result<Self, Fault> {
        let given = &ctx.settings;
        let base_url = required(given, "base-url", "https://<server>:50000")?;
        Ok(Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            api_version: api_version(given)?,
            zone: Zone::named(required(given, "time-zone", "the server's, such as Europe/Berlin")?)?,
            lists: lists(given)?,
            currency: given.get_or("currency", "USD").to_uppercase(),
            currencies: pairs(given.get_or("currency-codes", ""))?,
            location_codes: pairs(given.get_or("location-codes", ""))?,
            carriers: pairs(given.get_or("carriers", ""))?,
            reference_field: reference_field(given)?.map(str::to_owned),
            charges: ChargeBook::read(given)?,
            order_series: given.get("order-series").map(|it| number("order-series", it)).transpose()?,
            order_warehouse: given.get("order-warehouse").map(str::to_owned),
            due_days: number("due-days", given.get_or("due-days", "0"))?,
            stock_account: given.get("stock-account").map(str::to_owned),
            in_flight_ms: 1_000
                * number::<u64>("in-flight-seconds", given.get_or("in-flight-seconds", "45"))?.min(3_600),
            price_decimals: decimals(given, "price-decimals")?,
            quantity_decimals: decimals(given, "quantity-decimals")?,
            negative_stock: negative_stock(given)?,
            quantity_breaks: flag(given, "quantity-breaks", true)?,
            sql_queries: flag(given, "sql-queries", true)?,
        })
    }

    /// The ISO code of a currency as the company calls it; its own where there is no code. `##`, which stands for all
    /// of them, and codes that nobody explained are not known.
    pub(crate) fn iso(&self, code: Option<&str>) -> Option<String> {
        let Some(code) = code.map(str::trim).filter(|it| !it.is_empty()) else { return Some(self.currency.clone()) };
        let is_iso = code.len() == 3 && code.bytes().all(|it| it.is_ascii_uppercase());
        self.currencies.get(code).map(|it| it.to_uppercase()).or_else(|| is_iso.then(|| code.to_owned()))
    }

    /// How the company calls a currency.
    pub(crate) fn currency_code(&self, iso: &str) -> String {
        let named = self.currencies.iter().find(|(_, it)| it.eq_ignore_ascii_case(iso));
        named.map_or_else(|| iso.to_owned(), |(code, _)| code.clone())
    }

    /// The number of a list's code.
    pub(crate) fn list(&self, code: &str) -> Option<&str> {
        self.lists.iter().find(|(_, it)| it.eq_ignore_ascii_case(code)).map(|(number, _)| number.as_str())
    }
}

/// Webhooks came with version 10.0 FP2602, and never to OData 3.
pub(crate) fn webhooks(given: &Given) -> bool {
    given.get("webhooks") == Some("yes") && given.get_or("api-version", "v2") == "v2"
}

/// A list of the lists' numbers with their codes.
pub(crate) fn lists(given: &Given) -> Result<BTreeMap<String, String>, Fault> {
    let lists = pairs(given.get_or("price-lists", "1=base"))?;
    for list in lists.keys() {
        number::<u32>("price-lists", list)?;
    }
    let codes: BTreeSet<String> = lists.values().map(|it| it.to_lowercase()).collect();
    if codes.len() < lists.len() {
        return Err(Fault::Invalid("setting `price-lists` calls two lists by one code".to_owned()));
    }
    Ok(lists)
}

/// The name of a user-defined field stands in URLs: it is checked to be a name.
pub(crate) fn reference_field(given: &Given) -> Result<Option<&str>, Fault> {
    let Some(field) = given.get("external-id-field") else { return Ok(None) };
    let is_name = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if field.strip_prefix("U_").is_some_and(is_name) {
        return Ok(Some(field));
    }
    Err(Fault::Invalid(format!("setting `external-id-field`: `{field}` is no user-defined field such as U_ExtId")))
}

/// Digits after the point, at most the six that the database keeps.
pub(crate) fn decimals(given: &Given, name: &str) -> Result<u8, Fault> {
    let places: u8 = number(name, given.get_or(name, "6"))?;
    if places <= PLACES_MAX { Ok(places) } else { Err(Fault::Invalid(format!("setting `{name}` is at most 6"))) }
}

/// Whether the company lets stock fall below nothing.
pub(crate) fn negative_stock(given: &Given) -> Result<bool, Fault> {
    flag(given, "negative-stock", false)
}

/// Digits after the point that the database keeps.
pub(crate) const PLACES_MAX: u8 = 6;

fn api_version(given: &Given) -> Result<&'static str, Fault> {
    match given.get_or("api-version", "v2") {
        "v2" => Ok("v2"),
        "v1" => Ok("v1"),
        other => Err(Fault::Invalid(format!("setting `api-version` is v1 or v2, not `{other}`"))),
    }
}

fn required<'a>(given: &'a Given, name: &str, what: &str) -> Result<&'a str, Fault> {
    given.get(name).ok_or_else(|| Fault::Invalid(format!("setting `{name}` is missing: {what}")))
}

pub(crate) fn flag(given: &Given, name: &str, default: bool) -> Result<bool, Fault> {
    given.get(name).map_or(Ok(default), |it| yes(name, it))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::Invalid(format!("setting `{name}`: `{text}` is no such number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ctx(extra: &[(&str, &str)]) -> Context {
        let settings = [("base-url", "https://b1.example:50000/"), ("time-zone", "Europe/Berlin")];
        let settings = settings.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Context { settings: settings.collect(), now_ms: 0 }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let check = |name: &str, value: &str| {
            let fault = Settings::read(&ctx(&[(name, value)])).unwrap_err();
            assert!(matches!(&fault, Fault::Invalid(_)), "{name}={value}: {fault}");
        };
        check("time-zone", "Mars/Olympus");
        check("time-zone", " ");
        check("api-version", "v3");
        check("price-lists", "base=1");
        check("price-lists", "1=base, 2=Base");
        check("external-id-field", "U_Ext Id");
        check("external-id-field", "NumAtCard");
        check("sql-queries", "maybe");
        check("price-decimals", "7");
        check("due-days", "-1");
        assert_eq!(Settings::read(&ctx(&[])).unwrap().base_url, "https://b1.example:50000");
    }

    #[test]
    fn currencies_have_codes_of_the_companys_own() {
        let settings = Settings::read(&ctx(&[("currency-codes", "$=USD, CAN=CAD"), ("currency", "usd")])).unwrap();
        let check = |code: Option<&str>, iso: Option<&str>| assert_eq!(settings.iso(code).as_deref(), iso, "{code:?}");
        check(Some("$"), Some("USD"));
        check(Some("EUR"), Some("EUR"));
        check(Some("CAN"), Some("CAD"));
        check(Some("##"), None);
        check(Some("£"), None);
        check(None, Some("USD"));
        check(Some(" "), Some("USD"));
        assert_eq!([settings.currency_code("USD"), settings.currency_code("EUR")], ["$", "EUR"]);
    }

    #[test]
    fn webhooks_need_the_newer_version() {
        let check =
            |extra: &[(&str, &str)], expect: bool| assert_eq!(webhooks(&ctx(extra).settings), expect, "{extra:?}");
        check(&[], false);
        check(&[("webhooks", "yes")], true);
        check(&[("webhooks", "yes"), ("api-version", "v1")], false);
    }
}
