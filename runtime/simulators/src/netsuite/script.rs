//! The user-event script that a customer installs, because the platform itself sends no webhooks.
//!
//! After a save it posts one hint, once, without retry:
//!
//! ```text
//! POST <url>
//! content-type: application/json
//! x-truthsource-event-id: 1234567-42              unique per hint
//! x-truthsource-topic: inventoryitem.edit         record type and event: create, edit, delete
//! x-truthsource-timestamp: 1795430400             Unix seconds; also in the body, so that the signature covers it
//! x-truthsource-signature: <hex>                  HMAC-SHA256 of the raw body under the shared secret
//!
//! {"type":"inventoryitem","id":"482","event":"edit","items":[],"at":1795430400}
//! ```
//!
//! `items` names the items whose stock a transaction moved. A hint says that something changed, never what to.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use truthsource_core::UnixMs;

use super::settings::Script;
use crate::outbox::Webhook;

/// What a hint is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// The record type, as in REST.
    pub record_type: &'static str,
    pub id: u64,
    /// `create`, `edit` or `delete`.
    pub event: &'static str,
    pub items: Vec<u64>,
}

/// The hint as it leaves.
pub(super) fn webhook(script: &Script, event_id: &str, now: UnixMs, event: &Event) -> Webhook {
    let at = now.0 / 1_000;
    let record_type = event.record_type.to_lowercase();
    let items: Vec<String> = event.items.iter().map(u64::to_string).collect();
    let body = json!({
        "type": record_type, "id": event.id.to_string(), "event": event.event, "items": items, "at": at,
    });
    let body = Bytes::from(body.to_string());
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("x-truthsource-event-id", event_id.to_owned()),
        ("x-truthsource-topic", format!("{record_type}.{}", event.event)),
        ("x-truthsource-timestamp", at.to_string()),
        ("x-truthsource-signature", signature(&script.secret, &body)),
    ];
    let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Webhook { method: http::Method::POST, url: script.url.clone(), headers, body, retries_ms: &[] }
}

/// HMAC-SHA256 in lower-case hex.
fn signature(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    // HMAC takes keys of any length; the error type exists for MACs that do not.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_signed_over_its_raw_body() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_hint_names_the_record_and_is_tried_once() {
        let script = Script { url: "http://hook/".to_owned(), secret: "s".to_owned() };
        let event = Event { record_type: "inventoryItem", id: 7, event: "edit", items: Vec::new() };
        let webhook = webhook(&script, "e-1", UnixMs(5_000), &event);
        assert_eq!(webhook.body, r#"{"at":5,"event":"edit","id":"7","items":[],"type":"inventoryitem"}"#);
        assert!(webhook.headers.contains(&("x-truthsource-topic".to_owned(), "inventoryitem.edit".to_owned())));
        assert!(webhook.retries_ms.is_empty());
    }
}
