//! Whether a connection can do its work.

use std::collections::BTreeSet;

use truthsource_sdk::connector::Finding;
use truthsource_sdk::{Context, Fault, Host};

use super::books::{Books, Query};
use super::numbers::locations;
use super::settings::{CustomPage, Place, Settings};

/// What each kind reads of the standard API.
const COLLECTIONS: &[(&str, &str, &str)] = &[
    ("locations", "locations", "id,code"),
    ("items", "items", "id,number,unitPrice"),
    ("companies", "customers", "id,number,currencyCode"),
    ("orders", "salesOrders", "id,number,externalDocumentNumber"),
    ("invoices", "salesInvoices", "id,orderId,orderNumber"),
    ("shipments", "salesShipments", "id,orderNumber"),
];

/// Clocks further apart than this are worth a word: deltas reach back by two minutes and what the connection says.
const SKEW_MS_MAX: i64 = 60_000;

pub(crate) fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
    if let Err(fault) = Settings::read(ctx) {
        return Ok(vec![Finding::bad("settings", fault.to_string())]);
    }
    let mut findings = vec![Finding::good("settings", "complete")];
    let books = match Books::open(host, ctx) {
        Ok(books) => books,
        Err(Fault::Denied(why)) => {
            findings.push(Finding::bad("credentials", why));
            return Ok(findings);
        }
        Err(Fault::Invalid(why)) => {
            findings.push(Finding::good("credentials", "accepted"));
            findings.push(Finding::bad("company", why));
            return Ok(findings);
        }
        Err(Fault::Protocol(why)) => {
            findings.push(Finding::bad("base-url", format!("there is no API v2.0: {why}")));
            return Ok(findings);
        }
        Err(fault) => return Err(fault),
    };
    findings.push(Finding::good("credentials", "accepted"));
    findings.push(Finding::good("company", format!("found: {}", books.company)));
    findings.push(clock(&books));
    for (what, set, select) in COLLECTIONS {
        findings.push(permission(&books, what, &Place::standard(set), select)?);
    }
    findings.extend(stock(&books)?);
    findings.extend(prices(&books)?);
    findings.push(codes(&books)?);
    Ok(findings)
}

fn clock(books: &Books<'_>) -> Finding {
    let apart_s = books.skew_ms() / 1_000;
    if books.skew_ms().abs() > SKEW_MS_MAX {
        let advice = "where that is true, `overlap_ms` must be more";
        return Finding::good("clock", format!("the system's clock seems to be {apart_s} s ahead of ours: {advice}"));
    }
    Finding::good("clock", "the system's clock is ours")
}

/// Asks for one record. What it is not to be bothered with is a fault.
fn permission(books: &Books<'_>, what: &str, place: &Place, select: &str) -> Result<Finding, Fault> {
    let subject = format!("permission {what}");
    let query = Query { top: 1, ..Query::of(select) };
    match books.page(place, &query, None, 1) {
        Ok(_) => Ok(Finding::good(&subject, "granted")),
        Err(Fault::Denied(why) | Fault::Protocol(why)) => Ok(Finding::bad(&subject, why)),
        Err(fault) => Err(fault),
    }
}

fn stock(books: &Books<'_>) -> Result<Vec<Finding>, Fault> {
    let ledger = || permission(books, "ledger", &Place::standard("itemLedgerEntries"), "entryNumber,itemNumber");
    match (&books.settings.stock, &books.settings.stock_location) {
        (Some(page), _) => {
            let mut findings = vec![custom(books, "stock-path", page)?];
            if let Some(page) = &books.settings.adjustment {
                findings.push(custom(books, "adjustment-path", page)?);
            }
            if page.name("changed").is_none() {
                findings.push(ledger()?);
            }
            Ok(findings)
        }
        (None, Some(code)) => {
            let known = locations(books)?.keys().any(|it| it.eq_ignore_ascii_case(code));
            let place = if known {
                Finding::good("stock-location", "the company's stock is taken to be there")
            } else {
                Finding::bad("stock-location", format!("there is no location {code}"))
            };
            Ok(vec![place, ledger()?])
        }
        (None, None) => Ok(vec![Finding::good("stock", "neither read nor written: no setting says where it is")]),
    }
}

/// A page of the tenant's own must be there and have every property that the settings name. An older one leaves out
/// what it does not have, instead of saying so.
fn custom(books: &Books<'_>, setting: &str, page: &CustomPage) -> Result<Finding, Fault> {
    let query = Query { top: 1, ..Query::of(&page.select()) };
    let rows = match books.page(&page.place, &query, None, 1) {
        Ok(page) => page.rows,
        Err(Fault::Denied(why) | Fault::Protocol(why)) => return Ok(Finding::bad(setting, why)),
        Err(fault) => return Err(fault),
    };
    let Some(row) = rows.first() else { return Ok(Finding::good(setting, "reachable, and empty")) };
    let missing: Vec<&str> = page.names().chain(["id"]).filter(|it| !row.has(it)).collect();
    if missing.is_empty() {
        return Ok(Finding::good(setting, "reachable, with every property"));
    }
    Ok(Finding::bad(setting, format!("the page has no {}", missing.join(", "))))
}

/// The price lists that the settings name must have lines.
fn prices(books: &Books<'_>) -> Result<Vec<Finding>, Fault> {
    let Some(page) = &books.settings.price else {
        return Ok(vec![Finding::good("price lists", "items have prices of their own, and no others are read")]);
    };
    let reached = custom(books, "price-path", page)?;
    if !reached.ok || books.settings.lists.is_empty() {
        return Ok(vec![reached]);
    }
    let list = page.must("list");
    let codes = books.settings.lists.keys().map(String::as_str);
    let rows = books.any_of(&page.place, &Query::of(list), (list, true), codes)?;
    let known: BTreeSet<String> = rows.iter().filter_map(|it| it.text(list)).collect();
    let missing: Vec<&str> =
        books.settings.lists.keys().map(String::as_str).filter(|it| !known.contains(*it)).collect();
    let lists = if missing.is_empty() {
        Finding::good("price lists", "every list of the settings has lines")
    } else {
        Finding::bad("price lists", format!("there is no line of {}", missing.join(", ")))
    };
    Ok(vec![reached, lists])
}

/// The locations that the settings name must exist.
fn codes(books: &Books<'_>) -> Result<Finding, Fault> {
    let known = match locations(books) {
        Ok(known) => known,
        Err(Fault::Denied(why) | Fault::Protocol(why)) => return Ok(Finding::bad("locations", why)),
        Err(fault) => return Err(fault),
    };
    let named = books.settings.location_codes.keys().chain(&books.settings.order_location);
    let missing: Vec<&str> = named.map(String::as_str).filter(|it| !known.contains_key(&it.to_uppercase())).collect();
    if missing.is_empty() {
        return Ok(Finding::good("locations", "every location of the settings exists"));
    }
    Ok(Finding::bad("locations", format!("there is no location {}", missing.join(", "))))
}
