//! What the account's user-event script tells.
//!
//! NetSuite has no webhooks. A script that the customer installs posts after a save what was saved:
//! `{"type": "salesorder", "id": "9001", "event": "edit", "items": ["482"]}`, where `items` names the items whose
//! stock a transaction moved. It is a hint, and polling is the truth.

use serde::Deserialize;
use truthsource_sdk::connector::{Notice, Webhook};
use truthsource_sdk::settings::pairs;
use truthsource_sdk::{Context, Fault, Kind, json};

use crate::record::Id;

#[derive(Deserialize)]
struct Saved {
    #[serde(rename = "type")]
    record_type: String,
    id: Id,
    #[serde(default)]
    items: Vec<Id>,
}

pub(crate) fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
    let saved: Saved = json::read(&webhook.body, "the script's message")?;
    let id = saved.id.0;
    let mut notices = match saved.record_type.to_lowercase().as_str() {
        "inventoryitem" | "noninventorysaleitem" | "noninventoryitem" | "assemblyitem" | "kititem" => {
            let mut notices = vec![Notice::Touched(Kind::Item, id.clone())];
            notices.extend(prices(ctx, &id)?);
            notices
        }
        "customer" => vec![Notice::Touched(Kind::Company, id)],
        "salesorder" => vec![Notice::Touched(Kind::Order, id)],
        "location" => vec![Notice::Touched(Kind::Location, id)],
        "inventoryadjustment" | "inventorytransfer" | "itemreceipt" | "inventorycount" => {
            vec![Notice::Poll(Kind::StockLevel)]
        }
        "itemfulfillment" => vec![Notice::Poll(Kind::StockLevel), Notice::Poll(Kind::Order)],
        "pricelevel" => vec![Notice::Poll(Kind::Price)],
        // Records that hold nothing of ours.
        _ => Vec::new(),
    };
    if !saved.items.is_empty() && !notices.contains(&Notice::Poll(Kind::StockLevel)) {
        notices.push(Notice::Poll(Kind::StockLevel));
    }
    Ok(notices)
}

/// Prices live on the item. Where the tenant names the price lists, only theirs are read again.
fn prices(ctx: &Context, item: &str) -> Result<Vec<Notice>, Fault> {
    let Some(lists) = ctx.setting("price-lists") else { return Ok(vec![Notice::Poll(Kind::Price)]) };
    let levels = pairs(lists)?.into_keys();
    Ok(levels.map(|level| Notice::Touched(Kind::Price, format!("{level}:{item}"))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lists: Option<&str>, body: &str, expect: &[Notice]) {
        let settings = lists.map(|it| ("price-lists".to_owned(), it.to_owned())).into_iter().collect();
        let ctx = Context { settings, now_ms: 0 };
        let webhook = Webhook { body: body.as_bytes().to_vec(), ..Webhook::default() };
        assert_eq!(receive(&ctx, &webhook).unwrap(), expect, "{body}");
    }

    #[test]
    fn a_message_says_what_to_read() {
        let touched = |kind, id: &str| Notice::Touched(kind, id.to_owned());
        let item = r#"{"type":"inventoryitem","id":"482","event":"edit","items":[],"at":1795430400}"#;
        check(None, item, &[touched(Kind::Item, "482"), Notice::Poll(Kind::Price)]);
        let expect = [touched(Kind::Item, "482"), touched(Kind::Price, "1:482"), touched(Kind::Price, "5:482")];
        check(Some("1=base, 5=gold"), item, &expect);
        let order = r#"{"type":"salesorder","id":9001,"event":"create","items":["482"]}"#;
        check(None, order, &[touched(Kind::Order, "9001"), Notice::Poll(Kind::StockLevel)]);
        check(None, r#"{"type":"inventoryadjustment","id":"7","items":["1"]}"#, &[Notice::Poll(Kind::StockLevel)]);
        check(None, r#"{"type":"customer","id":"107"}"#, &[touched(Kind::Company, "107")]);
        check(None, r#"{"type":"vendorbill","id":"1"}"#, &[]);
    }

    #[test]
    fn what_is_no_message_is_a_fault() {
        let webhook = Webhook { body: b"<html>".to_vec(), ..Webhook::default() };
        assert!(matches!(receive(&Context::default(), &webhook), Err(Fault::Protocol(_))));
    }
}
