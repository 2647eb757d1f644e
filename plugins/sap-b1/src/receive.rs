//! What the company's own webhooks say.
//!
//! A delivery is a list of events, each with the key of what was saved. It is a hint: whatever else it says of a record
//! is not looked at, and what it names is read.

use serde::Deserialize;
use truthsource_sdk::connector::{Notice, Webhook};
use truthsource_sdk::{Context, Fault, Kind, json};

use crate::id::joined;
use crate::settings::lists;

/// An event of the CloudEvents format.
#[derive(Deserialize)]
struct Event {
    /// `sap.b1.Orders.Created.v1`.
    #[serde(rename = "type")]
    event_type: String,
    /// The key of what was saved.
    #[serde(default)]
    subject: String,
}

/// What may move stock, and is told of by none of its own.
pub(crate) const MOVES_STOCK: &[&str] = &[
    "DeliveryNotes",
    "Returns",
    "Invoices",
    "CreditNotes",
    "PurchaseDeliveryNotes",
    "PurchaseReturns",
    "PurchaseInvoices",
    "PurchaseCreditNotes",
    "InventoryGenEntries",
    "InventoryGenExits",
    "InventoryPostings",
    "StockTransfers",
];
/// What may move orders on.
const MOVES_ORDERS: &[&str] = &["DeliveryNotes", "Returns", "Invoices", "CreditNotes"];

pub(crate) fn receive(ctx: &Context, webhook: &Webhook) -> Result<Vec<Notice>, Fault> {
    let events: Vec<Event> = json::read(&webhook.body, "the webhook")?;
    let mut notices: Vec<Notice> = Vec::new();
    for event in events {
        for notice in notices_of(ctx, &event)? {
            if !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
    Ok(notices)
}

fn notices_of(ctx: &Context, event: &Event) -> Result<Vec<Notice>, Fault> {
    let Some(object) = event.event_type.strip_prefix("sap.b1.").and_then(|it| it.split('.').next()) else {
        return Ok(Vec::new());
    };
    let key = event.subject.trim();
    let touched = |kind: Kind| if key.is_empty() { Notice::Poll(kind) } else { Notice::Touched(kind, key.to_owned()) };
    let mut notices = match object {
        "Items" if key.is_empty() => vec![Notice::Poll(Kind::Item), Notice::Poll(Kind::Price)],
        "Items" => vec![touched(Kind::Item)].into_iter().chain(prices(ctx, key)?).collect(),
        "BusinessPartners" => vec![touched(Kind::Company)],
        "Orders" => vec![touched(Kind::Order)],
        "Warehouses" => vec![touched(Kind::Location)],
        "PriceLists" | "SpecialPrices" => vec![Notice::Poll(Kind::Price)],
        // Documents that hold nothing of ours, if they move nothing.
        _ => Vec::new(),
    };
    notices.extend(MOVES_STOCK.contains(&object).then_some(Notice::Poll(Kind::StockLevel)));
    notices.extend(MOVES_ORDERS.contains(&object).then_some(Notice::Poll(Kind::Order)));
    Ok(notices)
}

/// Prices live on the item.
fn prices(ctx: &Context, item: &str) -> Result<impl Iterator<Item = Notice>, Fault> {
    let lists = lists(&ctx.settings)?.into_keys();
    Ok(lists.map(move |list| Notice::Touched(Kind::Price, joined([&list, item]))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(body: &str) -> Result<Vec<Notice>, Fault> {
        let settings = [("price-lists".to_owned(), "1=base, 2=gold".to_owned())].into();
        receive(&Context { settings, now_ms: 0 }, &Webhook { body: body.as_bytes().to_vec(), ..Webhook::default() })
    }

    fn check(events: &[(&str, &str)], expect: &[Notice]) {
        let event = |(what, subject): &(&str, &str)| {
            format!(
                r#"{{"id":"x","specversion":"1.0","source":"/default/sap.b1/DB","type":"{what}","subject":"{subject}",
                "time":"2026-11-21T12:00:00Z","data":{{"DocEntry":"7","Price":"0.01"}}}}"#
            )
        };
        let body = events.iter().map(event).collect::<Vec<_>>().join(",");
        assert_eq!(received(&format!("[{body}]")).unwrap(), expect, "{events:?}");
    }

    #[test]
    fn an_event_says_what_to_read() {
        let touched = |kind, id: &str| Notice::Touched(kind, id.to_owned());
        let item = [touched(Kind::Item, "A:1"), touched(Kind::Price, "1:A%3A1"), touched(Kind::Price, "2:A%3A1")];
        check(&[("sap.b1.Items.Updated.v1", "A:1")], &item);
        check(&[("sap.b1.BusinessPartners.Deleted.v1", "C1")], &[touched(Kind::Company, "C1")]);
        let order = touched(Kind::Order, "91");
        check(&[("sap.b1.Orders.Created.v1", "91"), ("sap.b1.Orders.Closed.v1", "91")], std::slice::from_ref(&order));
        let poll = [Notice::Poll(Kind::StockLevel), Notice::Poll(Kind::Order)];
        check(&[("sap.b1.DeliveryNotes.Created.v1", "7")], &poll);
        check(&[("sap.b1.InventoryGenExits.Created.v2", "7")], &poll[..1]);
        check(&[("sap.b1.Orders.Created.v1", "")], &[Notice::Poll(Kind::Order)]);
        check(&[("sap.b1.Activities.Created.v1", "1"), ("com.other.Orders.Created", "91")], &[]);
        check(&[], &[]);
    }

    #[test]
    fn what_is_no_delivery_is_a_fault() {
        for body in ["<html>", "", "{}", r#"[{"subject":"91"}]"#, "[1]"] {
            assert!(matches!(received(body), Err(Fault::Protocol(_))), "{body}");
        }
    }
}
