//! What the shop's webhooks tell.

use serde::Deserialize;
use serde_json::value::RawValue;
use truthsource_sdk::connector::{Notice, Webhook};
use truthsource_sdk::{Fault, Kind, json};

use crate::gid::is_number;
use crate::price::BASE;

/// What is read of a body: ids, which are numbers, and never anything that decides.
#[derive(Deserialize, Default)]
struct Body {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    #[serde(default)]
    inventory_item_id: Option<Box<RawValue>>,
    #[serde(default)]
    location_id: Option<Box<RawValue>>,
    #[serde(default)]
    variants: Vec<Variant>,
    #[serde(default)]
    company: Option<Company>,
}

#[derive(Deserialize)]
struct Variant {
    #[serde(default)]
    inventory_item_id: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Company {
    #[serde(default)]
    id: Option<Box<RawValue>>,
}

pub(crate) fn receive(webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
    let (subject, event) = webhook.topic.split_once('/').unwrap_or((webhook.topic.as_str(), ""));
    let body: Body = json::read(&webhook.body, &webhook.topic)?;
    Ok(match subject {
        "inventory_levels" => match (id(&body.inventory_item_id), id(&body.location_id)) {
            (Some(item), Some(location)) => vec![Notice::Touched(Kind::StockLevel, format!("{item}:{location}"))],
            _ => vec![Notice::Poll(Kind::StockLevel)],
        },
        "inventory_items" => touched(Kind::Item, &body.id),
        "products" if event != "delete" && !body.variants.is_empty() => products(&body.variants),
        "products" => vec![Notice::Poll(Kind::Item), Notice::Poll(Kind::Price)],
        "orders" => touched(Kind::Order, &body.id),
        "companies" => touched(Kind::Company, &body.id),
        "company_locations" | "company_contacts" => match body.company.and_then(|it| id(&it.id)) {
            Some(company) => vec![Notice::Touched(Kind::Company, company)],
            None => vec![Notice::Poll(Kind::Company)],
        },
        "customers" => vec![Notice::Poll(Kind::Company)],
        "locations" => touched(Kind::Location, &body.id),
        _ => Vec::new(),
    })
}

fn products(variants: &[Variant]) -> Vec<Notice> {
    let items = variants.iter().filter_map(|it| id(&it.inventory_item_id));
    items
        .flat_map(|item| {
            let price = Notice::Touched(Kind::Price, format!("{BASE}:{item}"));
            [Notice::Touched(Kind::Item, item), price]
        })
        .collect()
}

fn touched(kind: Kind, found: &Option<Box<RawValue>>) -> Vec<Notice> {
    vec![id(found).map_or(Notice::Poll(kind), |id| Notice::Touched(kind, id))]
}

/// The digits of an id, as sent: some are longer than a float is exact.
fn id(raw: &Option<Box<RawValue>>) -> Option<String> {
    let digits = raw.as_ref()?.get().trim_matches('"');
    is_number(digits).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(topic: &str, body: &str, expect: &[Notice]) {
        let webhook = Webhook { topic: topic.to_owned(), body: body.as_bytes().to_vec(), ..Webhook::default() };
        assert_eq!(receive(&webhook).unwrap(), expect, "{topic}");
    }

    #[test]
    fn a_webhook_says_what_to_read() {
        let touched = |kind, id: &str| Notice::Touched(kind, id.to_owned());
        let level = r#"{"inventory_item_id":4501,"location_id":67,"available":118}"#;
        check("inventory_levels/update", level, &[touched(Kind::StockLevel, "4501:67")]);
        let product = r#"{"id":1,"variants":[{"id":2,"inventory_item_id":9007199254740993}]}"#;
        let item = "9007199254740993";
        let expect = [touched(Kind::Item, item), touched(Kind::Price, "base:9007199254740993")];
        check("products/update", product, &expect);
        check("products/delete", r#"{"id":1}"#, &[Notice::Poll(Kind::Item), Notice::Poll(Kind::Price)]);
        check("orders/cancelled", r#"{"id":5512}"#, &[touched(Kind::Order, "5512")]);
        check("companies/create", r#"{"id":31}"#, &[touched(Kind::Company, "31")]);
        check("company_locations/update", r#"{"id":7,"company":{"id":31}}"#, &[touched(Kind::Company, "31")]);
        check("customers/update", r#"{"id":7}"#, &[Notice::Poll(Kind::Company)]);
        check("inventory_items/delete", r#"{"id":4501}"#, &[touched(Kind::Item, "4501")]);
        check("app/uninstalled", r#"{"id":1}"#, &[]);
        check("orders/updated", r#"{"id":"../x"}"#, &[Notice::Poll(Kind::Order)]);
    }

    #[test]
    fn what_is_no_json_is_a_fault() {
        let webhook = Webhook { topic: "orders/updated".to_owned(), body: b"<html>".to_vec(), ..Webhook::default() };
        assert!(matches!(receive(&webhook), Err(Fault::Protocol(_))));
    }
}
