//! What a webhook of the company looks like on its way out.
//!
//! ```text
//! GET <url>   X-B1-Webhook-Token: <uuid>        →  200 {"Challenge": "<uuid>"}
//! POST <url>  X-B1-Webhook-Signature: <base64>  [{"id": …, "type": "sap.b1.Orders.Created.v1", "subject": "91", …}]
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::{Sha256, Sha384, Sha512};

use super::model::Subscription;
use super::problem::Problem;
use crate::outbox::Webhook;

/// Waits between the tries of a webhook.
pub(super) const RETRIES_MS: &[u64] = &[2_000, 2_000, 2_000];
/// The most events in one delivery.
pub(super) const BATCH_MAX: usize = 1_024;
/// How long an event may wait to be delivered.
pub(super) const LIFE_MS: u64 = 24 * 3_600_000;
/// How long what became of an event is kept.
pub(super) const KEPT_MS: u64 = 30 * 24 * 3_600_000;
/// The most subscriptions.
pub(super) const SUBSCRIPTIONS_MAX: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HmacCredential {
    key: String,
    #[serde(default = "sha256")]
    algorithm: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BasicCredential {
    user_name: String,
    password: String,
}

fn sha256() -> String {
    "HMACSha256".to_owned()
}

/// The headers that prove who sends; refused when the credential is none.
pub(super) fn proof(subscription: &Subscription, signed: &[u8]) -> Result<Vec<(String, String)>, Problem> {
    let credential = subscription.credential.as_deref().unwrap_or_default();
    let malformed = || Problem::rule("AuthenticationCred does not fit AuthenticationType");
    let header = |name: &str, value| vec![(name.to_owned(), value)];
    Ok(match subscription.authentication {
        "None" => Vec::new(),
        "Basic" => {
            let it: BasicCredential = serde_json::from_str(credential).map_err(|_| malformed())?;
            let pair = STANDARD.encode(format!("{}:{}", it.user_name, it.password));
            header("Authorization", format!("Basic {pair}"))
        }
        "HMAC" => {
            let it: HmacCredential = serde_json::from_str(credential).map_err(|_| malformed())?;
            let signature = signature(&it.algorithm, it.key.as_bytes(), signed).ok_or_else(malformed)?;
            header("X-B1-Webhook-Signature", signature)
        }
        other => return Err(Problem::rule(format!("AuthenticationType '{other}' is not set up"))),
    })
}

/// Base64 of the HMAC; `None` for an algorithm that there is not.
fn signature(algorithm: &str, key: &[u8], signed: &[u8]) -> Option<String> {
    fn of<M: Mac + KeyInit>(key: &[u8], signed: &[u8]) -> Option<String> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        mac.update(signed);
        Some(STANDARD.encode(mac.finalize().into_bytes()))
    }
    match algorithm {
        "HMACSha256" => of::<Hmac<Sha256>>(key, signed),
        "HMACSha384" => of::<Hmac<Sha384>>(key, signed),
        "HMACSha512" => of::<Hmac<Sha512>>(key, signed),
        _ => None,
    }
}

/// A handshake: the address must answer with the token.
pub(super) fn handshake(subscription: &Subscription, token: &str) -> Result<Webhook, Problem> {
    let mut headers = proof(subscription, token.as_bytes())?;
    headers.push(("X-B1-Webhook-Token".to_owned(), token.to_owned()));
    let url = subscription.url.clone();
    Ok(Webhook { method: http::Method::GET, url, headers, body: Bytes::new(), retries_ms: RETRIES_MS })
}

/// A delivery of events.
pub(super) fn delivery(
    subscription: &Subscription,
    media: &str,
    events: &[serde_json::Value],
) -> Result<Webhook, Problem> {
    let body = Bytes::from(serde_json::Value::Array(events.to_vec()).to_string());
    let mut headers = proof(subscription, &body)?;
    headers.push(("Content-Type".to_owned(), media.to_owned()));
    let url = subscription.url.clone();
    Ok(Webhook { method: http::Method::POST, url, headers, body, retries_ms: RETRIES_MS })
}

/// The token that a receiver answered a handshake with.
pub(super) fn challenge(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Challenge {
        challenge: String,
    }
    serde_json::from_slice::<Challenge>(body).ok().map(|it| it.challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(algorithm: &str, expected: Option<&str>) {
        // RFC 4231, test case 2.
        let signature = signature(algorithm, b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature.as_deref().map(|it| &it[..12]), expected);
    }

    #[test]
    fn a_signature_is_base64_of_an_hmac() {
        check("HMACSha256", Some("W9zBRr9gdU5q"));
        check("HMACSha384", Some("r0XS43ZIQDFh"));
        check("HMACSha512", Some("Fkt6e/z4GeLj"));
        check("MD5", None);
    }
}
