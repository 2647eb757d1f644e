//! Whether a connection can do its work.

use serde::Deserialize;
use serde_json::json;
use truthsource_sdk::connector::Finding;
use truthsource_sdk::host::Response;
use truthsource_sdk::{Context, Fault, Host};

use crate::custom_id::{self, Definition, Owner};
use crate::graphql::Shop;
use crate::price_list;
use crate::settings::VERSION;

/// What each permission is for.
const SCOPES: &[(&str, &str)] = &[
    ("read_products", "items and prices"),
    ("write_products", "writing items and prices"),
    ("read_inventory", "stock"),
    ("write_inventory", "writing stock"),
    ("read_locations", "locations"),
    ("read_companies", "companies"),
    ("write_companies", "writing companies"),
    ("read_orders", "orders"),
];
/// Needed there, too.
const WRITE_FULFILMENTS: (&str, &str) = (
    "write_merchant_managed_fulfillment_orders",
    "telling what left; where orders are only read, set `writes-orders` to `no`",
);
/// Needed only where orders are written, which the tenant says.
const WRITE_ORDERS: (&str, &str) =
    ("write_orders", "writing orders; where they are only read, set `writes-orders` to `no`");

const DOCUMENT: &str = "query Check { shop { name currencyCode } currentAppInstallation { accessScopes { handle } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    shop: Own,
    current_app_installation: Installation,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Own {
    name: String,
    currency_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Installation {
    access_scopes: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    handle: String,
}

pub(crate) fn check(host: &dyn Host, ctx: &Context) -> Result<Vec<Finding>, Fault> {
    let shop = match Shop::open(host, ctx) {
        Ok(shop) => shop,
        Err(fault) => return Ok(vec![Finding::bad("settings", fault.to_string())]),
    };
    let mut findings = vec![Finding::good("settings", "complete")];
    let answer: Answer = match shop.query(DOCUMENT, json!({})) {
        Ok(answer) => answer,
        Err(Fault::Denied(why)) => {
            findings.push(Finding::bad("credentials", why));
            return Ok(findings);
        }
        Err(fault) => return Err(fault),
    };
    let own = format!("{}, selling in {}", answer.shop.name, answer.shop.currency_code);
    findings.push(Finding::good("credentials", own));
    findings.extend(scopes(&answer.current_app_installation.access_scopes, shop.settings.writes_orders));
    findings.push(version(&shop.send("query Version { shop { name } }", &json!({}))?));
    findings.push(lists(&shop)?);
    for (owner, kind) in [(Owner::Product, "items"), (Owner::Order, "orders")] {
        findings.push(ids(&shop, owner, kind)?);
    }
    Ok(findings)
}

/// A permission to write includes the one to read.
fn scopes(granted: &[Scope], writes_orders: bool) -> Vec<Finding> {
    let has = |scope: &str| {
        let writing = scope.replace("read_", "write_");
        granted.iter().any(|it| it.handle == scope || it.handle == writing)
    };
    let finding = |(scope, what): &(&str, &str)| {
        let subject = format!("permission {scope}");
        if has(scope) {
            Finding::good(&subject, "granted")
        } else {
            Finding::bad(&subject, format!("needed for {what}"))
        }
    };
    let more = [WRITE_ORDERS, WRITE_FULFILMENTS];
    SCOPES.iter().chain(more.iter().filter(|_| writes_orders)).map(finding).collect()
}

/// A version that has ended is served by another one without a word, but in this header.
fn version(response: &Response) -> Finding {
    match response.header("x-shopify-api-version") {
        Some(served) if served != VERSION => {
            Finding::bad("version", format!("the shop serves {served} in place of {VERSION}"))
        }
        _ => Finding::good("version", VERSION),
    }
}

/// A definition that is missing is nobody's fault: it is made with the first record that is created, and not here.
fn ids(shop: &Shop<'_>, owner: Owner, kind: &str) -> Result<Finding, Fault> {
    let subject = format!("custom ids of {kind}");
    Ok(match custom_id::look(shop, owner) {
        Ok(Definition::Id) => Finding::good(&subject, "defined"),
        Ok(Definition::Missing) => Finding::good(&subject, "missing; defined when the first is created here"),
        Ok(Definition::Other(name)) => Finding::bad(&subject, custom_id::other(&name)),
        Err(Fault::Denied(why)) => Finding::bad(&subject, why),
        Err(fault) => return Err(fault),
    })
}

fn lists(shop: &Shop<'_>) -> Result<Finding, Fault> {
    let lists = match price_list::lists(shop) {
        Ok(lists) => lists,
        Err(Fault::Denied(why)) => return Ok(Finding::bad("price lists", why)),
        Err(fault) => return Err(fault),
    };
    let base = &shop.settings.base_list;
    if lists.iter().any(|it| it.code.eq_ignore_ascii_case(base)) {
        return Ok(Finding::bad("price lists", format!("a list is called `{base}`, as the shop's own prices are")));
    }
    let codes: Vec<&str> = lists.iter().map(|it| it.code.as_str()).collect();
    Ok(Finding::good("price lists", format!("{base}, {}", codes.join(", "))))
}
