//! Whether a connection can do its work.

use truthsource_sdk::connector::Finding;
use truthsource_sdk::{Context, Fault, Host};

use crate::catalog::Catalog;
use crate::clock::measure;
use crate::query::ask;
use crate::settings::Settings;
use crate::wire::Account;

/// What each kind reads, and what is lost without it.
const TABLES: &[(&str, &str)] = &[
    ("locations", "SELECT id FROM location FETCH FIRST 1 ROWS ONLY"),
    ("items", "SELECT id FROM item FETCH FIRST 1 ROWS ONLY"),
    ("stock", "SELECT item FROM inventoryitemlocations FETCH FIRST 1 ROWS ONLY"),
    ("prices", "SELECT item FROM pricing FETCH FIRST 1 ROWS ONLY"),
    ("companies", "SELECT id FROM customer FETCH FIRST 1 ROWS ONLY"),
    ("orders", "SELECT id FROM transaction WHERE type = 'SalesOrd' FETCH FIRST 1 ROWS ONLY"),
    ("order lines", "SELECT transaction FROM transactionline FETCH FIRST 1 ROWS ONLY"),
    ("deletions", "SELECT recordid FROM deletedrecord FETCH FIRST 1 ROWS ONLY"),
];

/// A host and a server further apart than this cannot agree on signatures.
const SKEW_MS_MAX: u64 = 5 * 60 * 1_000;

pub(crate) fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
    let account = match Account::open(host, ctx) {
        Ok(account) => account,
        Err(fault) => return Ok(vec![Finding::bad("settings", fault.to_string())]),
    };
    let mut findings = vec![settings(&account.settings)];
    match measure(&account) {
        Ok(times) => {
            findings.push(Finding::good("credentials", "accepted"));
            findings.push(clock(times, ctx.now_ms));
        }
        Err(Fault::Denied(why)) => {
            findings.push(Finding::bad("credentials", why));
            return Ok(findings);
        }
        Err(Fault::Protocol(why)) => findings.push(Finding::bad("clock", why)),
        Err(fault) => return Err(fault),
    }
    for (what, q) in TABLES {
        findings.push(permission(&account, what, q)?);
    }
    findings.push(lists(&account)?);
    Ok(findings)
}

fn settings(settings: &Settings) -> Finding {
    if settings.adjustment_account.is_none() {
        let message = "`adjustment-account` is empty: stock can be read and not written";
        return Finding { subject: "settings".to_owned(), ok: true, message: message.to_owned() };
    }
    Finding::good("settings", "complete")
}

fn clock((shown_ms, server_ms): (u64, u64), now_ms: u64) -> Finding {
    let apart_ms = server_ms.abs_diff(now_ms);
    if apart_ms > SKEW_MS_MAX {
        return Finding::bad("clock", format!("the account's clock and ours are {} s apart", apart_ms / 1_000));
    }
    let minutes = (i64::try_from(shown_ms).unwrap_or(0) - i64::try_from(server_ms).unwrap_or(0)) / 60_000;
    Finding::good("clock", format!("SuiteQL shows times {minutes} minutes from UTC"))
}

fn permission(account: &Account<'_>, what: &str, q: &str) -> Result<Finding, Fault> {
    let subject = format!("permission {what}");
    match ask(account, q, &[], 1) {
        Ok(_) => Ok(Finding::good(&subject, "granted")),
        Err(Fault::Denied(why)) if what == "deletions" => {
            Ok(Finding::bad(&subject, format!("deletions are seen only by full comparisons: {why}")))
        }
        Err(Fault::Denied(why) | Fault::Protocol(why)) => Ok(Finding::bad(&subject, why)),
        Err(fault) => Err(fault),
    }
}

/// The price lists that the settings name must exist.
fn lists(account: &Account<'_>) -> Result<Finding, Fault> {
    let catalog = match Catalog::read(account) {
        Ok(catalog) => catalog,
        Err(Fault::Denied(why) | Fault::Protocol(why)) => return Ok(Finding::bad("price lists", why)),
        Err(fault) => return Err(fault),
    };
    let missing: Vec<&str> =
        account.settings.lists.keys().map(String::as_str).filter(|it| !catalog.has_level(it)).collect();
    if missing.is_empty() {
        return Ok(Finding::good("price lists", "every price level of the settings exists"));
    }
    Ok(Finding::bad("price lists", format!("there is no price level {}", missing.join(", "))))
}
