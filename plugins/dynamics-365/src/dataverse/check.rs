//! Whether a connection can do its work.

use truthsource_sdk::connector::Finding;
use truthsource_sdk::{Context, Fault, Host};

use super::names::price_lists;
use super::org::Org;
use super::table::Table;
use super::{account, order, price, product};
use crate::wire::collection;

const TABLES: [(&str, &Table); 4] =
    [("items", &product::TABLE), ("companies", &account::TABLE), ("prices", &price::TABLE), ("orders", &order::TABLE)];

pub(crate) fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
    let org = match Org::open(host, ctx) {
        Ok(org) => org,
        Err(fault) => return Ok(vec![Finding::bad("settings", fault.to_string())]),
    };
    let mut findings = vec![Finding::good("settings", "complete")];
    match org.wire.get(&org.url("WhoAmI", ""), Vec::new()) {
        Ok(_) => findings.push(Finding::good("credentials", "accepted")),
        Err(Fault::Denied(why)) => {
            findings.push(Finding::bad("credentials", why));
            return Ok(findings);
        }
        Err(Fault::Protocol(why)) => findings.push(Finding::bad("base-url", format!("there is no Web API: {why}"))),
        Err(fault) => return Err(fault),
    }
    for (what, table) in TABLES {
        findings.push(permission(&org, what, table)?);
    }
    findings.push(lists(&org)?);
    Ok(findings)
}

/// Asks for one record, and where deltas go by the table's own record of changes, whether it keeps one.
fn permission(org: &Org<'_>, what: &str, table: &Table) -> Result<Finding, Fault> {
    let subject = format!("permission {what}");
    let tracks = if org.is_tracked { "odata.track-changes," } else { "" };
    let ask = |url: &str| {
        let response = org.wire.get(url, vec![("prefer", format!("{tracks}odata.maxpagesize=1"))])?;
        collection(&response, table.set)
    };
    let asked = org.first((table.set, table.select, ""), ask);
    match asked {
        Ok(page) if org.is_tracked && page.next_link.is_none() && page.delta_link.is_none() => Ok(Finding::bad(
            &subject,
            "the table keeps no track of changes: turn it on, or set `change-tracking` to no",
        )),
        Ok(_) => Ok(Finding::good(&subject, "granted")),
        Err(Fault::Denied(why) | Fault::Protocol(why)) => Ok(Finding::bad(&subject, why)),
        Err(fault) => Err(fault),
    }
}

/// The price lists that the settings name must exist.
fn lists(org: &Org<'_>) -> Result<Finding, Fault> {
    let known = match price_lists(org) {
        Ok(known) => known,
        Err(Fault::Denied(why) | Fault::Protocol(why)) => return Ok(Finding::bad("price lists", why)),
        Err(fault) => return Err(fault),
    };
    let is_known = |code: &&String| known.values().any(|it| it.code == **code);
    let missing: Vec<&str> = org.lists.values().filter(|it| !is_known(it)).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(Finding::good("price lists", "every price list of the settings exists"));
    }
    Ok(Finding::bad("price lists", format!("there is no price list for {}", missing.join(", "))))
}
