//! Whether a connection can do its work.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::connector::{Finding, Outcome};
use truthsource_sdk::{Context, Fault, Host};

use crate::clock::skew_ms;
use crate::exact::{Exact, Id};
use crate::odata::{Query, entity, literal, plain};
use crate::stamp::Stamps;
use crate::wire::{Service, Unwritten, refusal};

/// Ours and the server's clocks may be this far apart before somebody should look.
const SKEW_MS_MAX: u64 = 5 * 60 * 1_000;
/// The longest key that the mark of a creation holds.
const MARK_LETTERS: i64 = 64;
/// What each kind reads and writes, and what is lost without it.
const ENTITIES: &[(&str, &str)] = &[
    ("items, prices and stock", "Items"),
    ("companies", "BusinessPartners"),
    ("orders", "Orders"),
    ("drafts of orders", "Drafts"),
    ("receipts of stock", "InventoryGenEntries"),
    ("issues of stock", "InventoryGenExits"),
    ("breaks of quantity", "SpecialPrices"),
];

pub(crate) fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
    let service = match Service::open(host, ctx) {
        Ok(service) => service,
        Err(fault) => return Ok(vec![Finding::bad("settings", fault.to_string())]),
    };
    let mut findings = vec![Finding::good("settings", "complete")];
    match login(&service) {
        Ok(found) => findings.extend(found),
        Err(Fault::Denied(why)) => {
            findings.push(Finding::bad("credentials", why));
            return Ok(findings);
        }
        Err(fault) => return Err(fault),
    }
    for (what, collection) in ENTITIES {
        let asks = service.settings.quantity_breaks || *collection != "SpecialPrices";
        findings.extend(asks.then(|| permission(&service, what, collection)).transpose()?);
    }
    findings.push(told("company", company_settings(&service))?);
    findings.push(told("time-zone", zone(&service))?);
    findings.push(told("price lists", lists(&service))?);
    findings.push(told("warehouses", warehouses(&service))?);
    findings.extend(service.settings.reference_field.clone().map(|it| told(&it, field(&service, &it))).transpose()?);
    if service.settings.sql_queries {
        // Whether the user may store them as well shows when the first is missed.
        findings.push(permission(&service, "stored queries", "SQLQueries")?);
    }
    Ok(findings)
}

/// What is wrong is a finding; only a company that is away has none.
fn told(subject: &str, seen: Result<Result<String, String>, Fault>) -> Result<Finding, Fault> {
    match seen {
        Ok(Ok(message)) => Ok(Finding::good(subject, message)),
        Ok(Err(message)) | Err(Fault::Denied(message) | Fault::Protocol(message)) => Ok(Finding::bad(subject, message)),
        Err(fault) => Err(fault),
    }
}

fn login(service: &Service<'_>) -> Result<Vec<Finding>, Fault> {
    let response = service.send("GET", "Warehouses?$select=WarehouseCode&$top=1", &[], Vec::new())?;
    if response.status != 200 {
        return Err(refusal(&response, "login", service.ctx.now_ms));
    }
    let clock = match skew_ms(&response, service.ctx.now_ms) {
        None => Finding::good("clock", "the server does not tell its time: it is taken to be ours"),
        Some(skew) if skew.unsigned_abs() > SKEW_MS_MAX => {
            Finding::bad("clock", format!("the server's clock and ours are {} s apart", skew / 1_000))
        }
        Some(skew) => Finding::good("clock", format!("{} s from ours", skew / 1_000)),
    };
    Ok(vec![Finding::good("credentials", "accepted"), clock])
}

fn permission(service: &Service<'_>, what: &str, collection: &str) -> Result<Finding, Fault> {
    let subject = format!("permission {what}");
    let path = format!("{collection}?$top=1");
    told(&subject, service.list(&path, 1, |_| Ok(())).map(|_| Ok("granted".to_owned())))
}

fn company_settings(service: &Service<'_>) -> Result<Result<String, String>, Fault> {
    #[derive(Deserialize)]
    struct Admin {
        #[serde(rename = "LocalCurrency", default)]
        currency: Option<String>,
        #[serde(rename = "PriceAccuracy", default)]
        price: Option<Id>,
        #[serde(rename = "AccuracyofQuantities", default)]
        quantity: Option<Id>,
        #[serde(rename = "BlockStockNegativeQuantity", default)]
        blocks_negative_stock: Option<String>,
    }
    let admin: Admin = match service.post("CompanyService_GetAdminInfo", &serde_json::json!({})) {
        Ok(admin) => admin,
        Err(Unwritten::Denied(why)) => return Err(Fault::Denied(why)),
        Err(other) => return Ok(Err(format!("the company does not tell its settings: {:?}", Outcome::from(other)))),
    };
    let settings = &service.settings;
    let own = admin.currency.as_deref().map(|it| settings.iso(Some(it)));
    if own.as_ref().is_some_and(|it| it.as_ref() != Some(&settings.currency)) {
        let code = admin.currency.unwrap_or_default();
        return Ok(Err(format!("its currency is `{code}`: settings `currency` and `currency-codes` say otherwise")));
    }
    for (name, digits, set) in [
        ("price-decimals", admin.price, settings.price_decimals),
        ("quantity-decimals", admin.quantity, settings.quantity_decimals),
    ] {
        if let Some(digits) = digits.filter(|it| it.0 != set.to_string()) {
            return Ok(Err(format!("it keeps {} digits, and setting `{name}` is {set}", digits.0)));
        }
    }
    let blocks = admin.blocks_negative_stock.as_deref();
    let (set, is_otherwise) =
        if settings.negative_stock { ("yes", blocks == Some("tYES")) } else { ("no", blocks == Some("tNO")) };
    if is_otherwise {
        let does = if settings.negative_stock { "does not let" } else { "lets" };
        return Ok(Err(format!("it {does} stock fall below nothing, and setting `negative-stock` is {set}")));
    }
    Ok(Ok("its currency and digits are those of the settings".to_owned()))
}

/// What was saved last was not saved in the future.
fn zone(service: &Service<'_>) -> Result<Result<String, String>, Fault> {
    let read = |raw: &RawValue| plain::<Stamps>(raw);
    let last = service.list("Orders?$orderby=DocEntry%20desc&$top=1", 1, read)?.rows.pop();
    let Some(saved) = last.and_then(|it| it.local()).and_then(|it| service.settings.zone.moment(it)) else {
        return Ok(Ok("there is no order to compare it with".to_owned()));
    };
    if saved > service.ctx.now_ms.saturating_add(SKEW_MS_MAX) {
        let ahead = (saved - service.ctx.now_ms) / 60_000;
        return Ok(Err(format!("the last order was saved {ahead} minutes from now: the zone is another")));
    }
    Ok(Ok("the last order was saved in the past".to_owned()))
}

fn lists(service: &Service<'_>) -> Result<Result<String, String>, Fault> {
    #[derive(Deserialize)]
    struct List {
        #[serde(rename = "PriceListNo")]
        number: Id,
        #[serde(rename = "BasePriceList", default)]
        base: Option<Id>,
        #[serde(rename = "Factor", default)]
        factor: Option<Exact>,
    }
    let query = Query { entity: "PriceLists", order: "PriceListNo", ..Query::default() };
    let found = service.list::<List>(&query.path(), 500, plain)?.rows;
    let named = &service.settings.lists;
    let missing: Vec<&str> =
        named.keys().filter(|it| found.iter().all(|list| list.number.0 != **it)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Ok(Err(format!("there is no price list {}", missing.join(", "))));
    }
    let is_derived = |it: &&List| {
        it.base.as_ref().is_some_and(|base| *base != it.number)
            || it.factor.is_some_and(|it| it.0 != truthsource_sdk::Decimal::ONE)
    };
    let derived = found.iter().filter(|it| named.contains_key(&it.number.0)).filter(is_derived);
    let derived: Vec<&str> = derived.map(|it| it.number.0.as_str()).collect();
    if derived.is_empty() {
        return Ok(Ok("every list of the settings exists".to_owned()));
    }
    let message = "are worked out from others: a price that is written there stays as it is from then on";
    Ok(Ok(format!("lists {} {message}", derived.join(", "))))
}

fn warehouses(service: &Service<'_>) -> Result<Result<String, String>, Fault> {
    let named = service.settings.location_codes.keys().chain(&service.settings.order_warehouse);
    let mut missing: Vec<&str> = Vec::new();
    for code in named {
        let path = Query { entity: &entity("Warehouses", &literal(code)), select: "WarehouseCode", ..Query::default() };
        if service.get::<serde::de::IgnoredAny>(&path.path())?.is_none() {
            missing.push(code);
        }
    }
    if missing.is_empty() {
        return Ok(Ok("every warehouse of the settings exists".to_owned()));
    }
    Ok(Err(format!("there is no warehouse {}", missing.join(", "))))
}

fn field(service: &Service<'_>, name: &str) -> Result<Result<String, String>, Fault> {
    #[derive(Deserialize)]
    struct Field {
        #[serde(rename = "TableName", default)]
        table: String,
        #[serde(rename = "Size", default)]
        size: Option<i64>,
        #[serde(rename = "EditSize", default)]
        edit_size: Option<i64>,
    }
    let is_named = format!("Name eq {}", literal(name.trim_start_matches("U_")));
    let query = Query { entity: "UserFieldsMD", filter: &[&is_named], ..Query::default() };
    let found = service.list::<Field>(&query.path(), 50, plain)?.rows;
    let Some(field) = found.iter().find(|it| ["OINV", "ORDR"].contains(&it.table.as_str())) else {
        return Ok(
            Err("marketing documents have no such field: add it, or leave `external-id-field` empty".to_owned()),
        );
    };
    match field.edit_size.or(field.size) {
        Some(size) if size < MARK_LETTERS => Ok(Err(format!("it holds {size} letters, and {MARK_LETTERS} are needed"))),
        _ => Ok(Ok("the field is there".to_owned())),
    }
}
