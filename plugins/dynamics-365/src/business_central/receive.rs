//! What notifications tell: which records changed, and nothing of what they hold.

use serde::Deserialize;
use truthsource_sdk::connector::{Notice, Webhook};
use truthsource_sdk::{Context, Fault, Kind, json};

use super::settings::Settings;
use crate::odata::is_guid;

#[derive(Deserialize)]
struct Notifications {
    value: Vec<Notification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    resource: String,
    #[serde(default)]
    change_type: String,
}

pub(crate) fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
    let settings = Settings::of_any(ctx)?;
    let told: Notifications = json::read(&webhook.body, "the notification")?;
    let mut notices = Vec::new();
    for it in &told.value {
        for notice in notice(ctx, &settings, it) {
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
    Ok(notices)
}

/// Where something changed: `api/v2.0/companies(…)/customers(…)`, with or without a slash before it, or for many
/// changes at once the address of a filtered collection.
struct Resource<'r> {
    api: &'r str,
    company: &'r str,
    set: &'r str,
    id: Option<&'r str>,
}

fn parse(resource: &str) -> Option<Resource<'_>> {
    let path = resource.split('?').next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    let (_, path) = path.split_once("api/")?;
    let (api, rest) = path.split_once("/companies(")?;
    let (company, rest) = rest.split_once(")/")?;
    let set = rest.split(['(', '/']).next()?;
    let id = rest.get(set.len()..)?.strip_prefix('(').and_then(|it| it.split(')').next()).filter(|it| is_guid(it));
    Some(Resource { api, company, set, id })
}

fn notice(ctx: &Context, settings: &Settings, told: &Notification) -> Vec<Notice> {
    let Some(resource) = parse(&told.resource) else { return Vec::new() };
    // Another company's news is none. Where the settings name ours by its name, they cannot be told apart here.
    if ctx.setting("company").is_some_and(|it| is_guid(it) && !it.eq_ignore_ascii_case(resource.company)) {
        return Vec::new();
    }
    let id = resource.id.filter(|_| told.change_type != "collection").map(str::to_lowercase);
    let touched = |kind| id.clone().map_or(Notice::Poll(kind), |id| Notice::Touched(kind, id));
    let is = |page: &Option<super::settings::CustomPage>| {
        page.as_ref().is_some_and(|it| it.place.api == resource.api && it.place.set == resource.set)
    };
    match (resource.api, resource.set) {
        ("v2.0", "items") => vec![touched(Kind::Item), Notice::Poll(Kind::Price)],
        ("v2.0", "customers") => vec![touched(Kind::Company)],
        ("v2.0", "salesOrders") => vec![touched(Kind::Order)],
        ("v2.0", "salesInvoices") if settings.knows_stock() => {
            vec![Notice::Poll(Kind::Order), Notice::Poll(Kind::StockLevel)]
        }
        ("v2.0", "salesInvoices") => vec![Notice::Poll(Kind::Order)],
        // The rows of the tenant's pages have ids of their own, which say nothing here.
        _ if is(&settings.stock) => vec![Notice::Poll(Kind::StockLevel)],
        _ if is(&settings.price) => vec![Notice::Poll(Kind::Price)],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5d115c9c-44e3-ea11-bb43-000d3a2feca1";
    const COMPANY: &str = "bb6d48b6-c7b2-4a38-9a93-ad5506407f12";

    fn check(resource: &str, change: &str, expect: &[Notice]) {
        let body = format!(
            r#"{{"value":[{{"subscriptionId":"x","clientState":"s","resource":"{resource}",
            "changeType":"{change}","lastModifiedDateTime":"2026-11-21T09:14:07Z"}}]}}"#
        );
        let webhook = Webhook { body: body.into_bytes(), ..Webhook::default() };
        let ctx = Context { settings: [("company".to_owned(), COMPANY.to_owned())].into(), now_ms: 0 };
        assert_eq!(receive(&ctx, &webhook).unwrap(), expect, "{resource}");
    }

    #[test]
    fn a_notification_says_what_to_read() {
        let customer = [Notice::Touched(Kind::Company, ID.to_owned())];
        check(&format!("api/v2.0/companies({COMPANY})/customers({ID})"), "updated", &customer);
        check(&format!("/api/v2.0/companies({COMPANY})/customers({ID})"), "deleted", &customer);
        let item = [Notice::Touched(Kind::Item, ID.to_owned()), Notice::Poll(Kind::Price)];
        check(&format!("api/v2.0/companies({COMPANY})/items({ID})"), "created", &item);
        let stock = format!("/api/erpsync/inventory/v1.0/companies({COMPANY})/itemLocationStocks({ID})");
        check(&stock, "updated", &[Notice::Poll(Kind::StockLevel)]);
        check(&format!("api/v2.0/companies({COMPANY})/vendors({ID})"), "updated", &[]);
        check(&format!("api/v2.0/companies({ID})/customers({ID})"), "updated", &[]);
        check("nonsense", "updated", &[]);
    }

    #[test]
    fn many_changes_at_once_are_pulled() {
        let filtered = format!(
            "https://api.businesscentral.dynamics.com/v2.0/api/v2.0/companies({COMPANY})/salesOrders\
             ?$filter=lastDateTimeModified%20gt%202018-10-15T11:00:00Z"
        );
        check(&filtered, "collection", &[Notice::Poll(Kind::Order)]);
        check(&format!("api/v2.0/companies({COMPANY})/salesOrders({ID})"), "collection", &[Notice::Poll(Kind::Order)]);
    }

    #[test]
    fn what_is_no_notification_is_a_fault() {
        let webhook = Webhook { body: b"<html>".to_vec(), ..Webhook::default() };
        assert!(matches!(receive(&Context::default(), &webhook), Err(Fault::Protocol(_))));
    }
}
