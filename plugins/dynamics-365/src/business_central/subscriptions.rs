//! Subscriptions: they live for three days, vanish without a word when a delivery is answered wrongly, and are made at
//! the API that the collection belongs to.

use std::collections::BTreeMap;

use truthsource_sdk::host::Level;
use truthsource_sdk::subscriptions::{Standing, Target};
use truthsource_sdk::{Context, Fault, Host, json, moment};

use super::books::Books;
use super::settings::Place;
use crate::odata::{Body, Row, quoted};
use crate::wire::{Load, Written, collection};

/// A subscription with less than this left is renewed: half of its life.
const RENEW_MS: u64 = 36 * 3_600_000;
/// So long before the first of them ends they are looked at again at the latest. Less than the above, so that this
/// look renews.
const LOOK_MS: u64 = 24 * 3_600_000;

/// What became of one subscription.
enum Kept {
    /// It stands until then.
    Until(u64),
    /// It was missing or had ended, and stands until then.
    Made(u64),
    /// The collection cannot be subscribed to.
    Never,
}

/// The collections that are subscribed to.
fn places(books: &Books<'_>) -> Vec<Place> {
    let standard = ["items", "customers", "salesOrders", "salesInvoices"].map(Place::standard);
    let pages = [&books.settings.stock, &books.settings.price].into_iter().flatten().map(|it| it.place.clone());
    standard.into_iter().chain(pages).collect()
}

fn resource(books: &Books<'_>, place: &Place) -> String {
    format!("/api/{}/{}", place.api, books.within(place))
}

/// Makes subscriptions that are missing, and renews those that end soon. Others', and those that lead elsewhere, are
/// left alone.
pub(crate) fn ensure(host: &dyn Host, ctx: &Context, target: &Target) -> Result<Standing, Fault> {
    let books = Books::open(host, ctx)?;
    if !books.settings.webhooks {
        return Ok(Standing::default());
    }
    let mut standing: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let (mut ends_ms, mut gap): (Option<u64>, bool) = (None, false);
    for place in places(&books) {
        if !standing.contains_key(&place.api) {
            standing.insert(place.api.clone(), ours(&books, &place.api, target)?);
        }
        let resource = resource(&books, &place);
        let found = standing.get(&place.api).into_iter().flatten().find(|it| is_about(it, &resource));
        let until = match kept(&books, target, (&place.api, &resource), found)? {
            Kept::Until(at) => at,
            Kept::Made(at) => {
                gap = true;
                at
            }
            Kept::Never => continue,
        };
        ends_ms = Some(ends_ms.map_or(until, |it: u64| it.min(until)));
    }
    Ok(Standing { renew_by_ms: ends_ms.map(|it| it.saturating_sub(LOOK_MS)), gap })
}

/// Removes the subscriptions that lead to the target.
pub(crate) fn remove(host: &dyn Host, ctx: &Context, target: &Target) -> Result<(), Fault> {
    let books = Books::open(host, ctx)?;
    let apis: std::collections::BTreeSet<String> = places(&books).into_iter().map(|it| it.api).collect();
    for api in apis {
        for row in ours(&books, &api, target)? {
            let headers = vec![("if-match", mark(&row))];
            match books.wire.write("DELETE", &one(&books, &api, &row)?, Load { headers, body: Vec::new() }) {
                Written::Done(_) | Written::Gone => {}
                refused => return Err(Fault::Unavailable(format!("a subscription was not removed: {refused:?}"))),
            }
        }
    }
    Ok(())
}

fn all(books: &Books<'_>, api: &str) -> String {
    format!("{}/api/{api}/subscriptions", books.wire.base_url)
}

fn one(books: &Books<'_>, api: &str, row: &Row) -> Result<String, Fault> {
    Ok(format!("{}({})", all(books, api), quoted(&row.must("subscriptionId")?)))
}

fn mark(row: &Row) -> String {
    let etag = row.etag();
    if etag.is_empty() { "*".to_owned() } else { etag }
}

/// The subscriptions of this API that lead to the target.
fn ours(books: &Books<'_>, api: &str, target: &Target) -> Result<Vec<Row>, Fault> {
    let url = all(books, api);
    let rows = match books.wire.get(&url, Vec::new()) {
        Ok(response) => collection(&response, "subscriptions")?.value,
        // The tenant's own page may be of an API that is not there; `check` tells.
        Err(Fault::Protocol(why)) if api != "v2.0" => {
            books.wire.host.log(Level::Warn, &format!("no subscriptions at {api}: {why}"));
            Vec::new()
        }
        Err(fault) => return Err(fault),
    };
    Ok(rows.into_iter().filter(|it| it.text("notificationUrl").as_ref() == Some(&target.url)).collect())
}

/// The system may write a resource with its own address, or without the slash.
fn is_about(row: &Row, resource: &str) -> bool {
    let Some(text) = row.text("resource") else { return false };
    let path = text.find("api/").map_or("", |at| &text[at..]);
    path.trim_end_matches('/').eq_ignore_ascii_case(resource.trim_start_matches('/'))
}

fn kept(books: &Books<'_>, target: &Target, (api, resource): (&str, &str), found: Option<&Row>) -> Result<Kept, Fault> {
    let now = books.now_ms();
    let ends = found.and_then(|it| it.moment("expirationDateTime"));
    match (found, ends) {
        (Some(_), Some(ends)) if ends > now + RENEW_MS => Ok(Kept::Until(ends)),
        (Some(row), ends) => {
            let headers = vec![("if-match", mark(row))];
            let ended = ends.is_none_or(|it| it <= now);
            let body = body(target, resource);
            match books.wire.write("PATCH", &one(books, api, row)?, Load { headers, body }) {
                Written::Done(row) => {
                    let until = until(row.as_ref(), now);
                    Ok(if ended { Kept::Made(until) } else { Kept::Until(until) })
                }
                // It ended between the look and the renewal.
                Written::Gone | Written::Changed => make(books, target, (api, resource)),
                refused => refusal(books, resource, refused),
            }
        }
        (None, _) => make(books, target, (api, resource)),
    }
}

fn make(books: &Books<'_>, target: &Target, (api, resource): (&str, &str)) -> Result<Kept, Fault> {
    let load = Load { headers: Vec::new(), body: body(target, resource) };
    match books.wire.write("POST", &all(books, api), load) {
        Written::Done(row) => Ok(Kept::Made(until(row.as_ref(), books.now_ms()))),
        refused => refusal(books, resource, refused),
    }
}

/// A collection that cannot be subscribed to (a query, a key of several parts) is polled like any other.
fn refusal(books: &Books<'_>, resource: &str, refused: Written) -> Result<Kept, Fault> {
    use truthsource_sdk::connector::Outcome;
    match refused {
        Written::Failed(Outcome::Rejected(why)) => {
            let message = format!("no subscription to {resource}: {} {}", why.code, why.message);
            books.wire.host.log(Level::Warn, &message);
            Ok(Kept::Never)
        }
        Written::Failed(Outcome::Retry(_, why)) if why.starts_with("denied") => Err(Fault::Denied(why)),
        Written::Failed(Outcome::Retry(wait_ms, _)) => Err(Fault::Throttled(wait_ms)),
        refused => Err(Fault::Unavailable(format!("no subscription to {resource}: {refused:?}"))),
    }
}

fn body(target: &Target, resource: &str) -> Vec<u8> {
    let body = Body::new().text("notificationUrl", target.url.as_str()).text("resource", resource);
    json::text(&body.text("clientState", target.secret_mark.as_str())).into_bytes()
}

/// When a subscription ends, as the answer says. Of one that says nothing it is only known that it stands.
fn until(row: Option<&Row>, now: u64) -> u64 {
    row.and_then(|it| it.text("expirationDateTime")).and_then(|it| moment::parse(&it)).unwrap_or(now + RENEW_MS)
}
