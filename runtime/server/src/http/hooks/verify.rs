//! Whether a webhook comes from whom it says.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use truthsource_core::UnixMs;

use super::book::{Endpoint, KEYS, Spelling};
use super::{sent_at, single};

/// How far the sending time may be off.
const OFF_MS_MAX: u64 = 300_000;

/// Whether the raw bytes are signed with one of the endpoint's secrets. Takes the same time for every answer: each of
/// the [`KEYS`] is tried, whether it counts or not.
pub(super) fn is_signed(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8], now: UnixMs) -> bool {
    let given = single(headers, &endpoint.signature).and_then(|it| read(endpoint.spelling, it));
    let (given, is_readable) = given.map_or(([0; 32], false), |it| (it, true));
    let mut matches = false;
    for key in &endpoint.keys {
        let is_right = hmac::verify(&key.key, body, &given).is_ok();
        let counts = key.expires_at.is_none_or(|it| now < it);
        matches |= is_right & counts;
    }
    debug_assert_eq!(endpoint.keys.len(), KEYS);
    matches & is_readable & is_recent(endpoint, headers, now)
}

fn read(spelling: Spelling, text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    match spelling {
        Spelling::Base64 if text.len() == 44 => {
            let bytes = STANDARD.decode(text).ok()?;
            out.copy_from_slice(bytes.get(..32).filter(|_| bytes.len() == 32)?);
        }
        Spelling::Hex if text.len() == 64 => {
            for (byte, digits) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let digit = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
                *byte = digit(digits[0])? << 4 | digit(digits[1])?;
            }
        }
        _ => return None,
    }
    Some(out)
}

fn is_recent(endpoint: &Endpoint, headers: &HeaderMap, now: UnixMs) -> bool {
    let Some(header) = &endpoint.timestamp else { return true };
    let sent = single(headers, header).and_then(sent_at);
    sent.is_some_and(|it| now.since(it).max(it.since(now)) <= OFF_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::super::book::{Endpoint, WebhookSecret, WebhookSecrets};
    use super::*;
    use crate::auth::digest::hex;
    use truthsource_core::record::ConnectionId;
    use truthsource_host::model::WebhookScheme;

    const NOW: UnixMs = UnixMs(1_767_225_600_000);

    fn endpoint(algorithm: &str, timestamp: &str) -> Endpoint {
        let scheme = WebhookScheme {
            signature_header: "x-signature".into(),
            algorithm: algorithm.into(),
            id_header: "x-id".into(),
            topic_header: "x-topic".into(),
            timestamp_header: timestamp.into(),
        };
        let secrets = WebhookSecrets {
            secrets: vec![
                WebhookSecret { secret: "new".into(), expires_at: None },
                WebhookSecret { secret: "old".into(), expires_at: Some(NOW.plus(1_000)) },
            ],
        };
        Endpoint::new(ConnectionId(1), &scheme, &secrets).unwrap()
    }

    fn sign(secret: &str, body: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body).as_ref().to_vec()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn both_spellings_are_read() {
        let body = br#"{"a": 1}"#;
        for (algorithm, signature) in [
            ("hmac-sha256-base64", STANDARD.encode(sign("new", body))),
            ("hmac-sha256-hex", hex(&sign("new", body))),
            ("hmac-sha256-hex", hex(&sign("new", body)).to_uppercase()),
        ] {
            let headers = headers(&[("x-signature", &signature)]);
            assert!(is_signed(&endpoint(algorithm, ""), &headers, body, NOW), "{algorithm}");
            // W5: the raw bytes count, not what they say.
            assert!(!is_signed(&endpoint(algorithm, ""), &headers, br#"{"a":1}"#, NOW));
        }
    }

    #[test]
    fn w1_what_is_no_signature_is_refused() {
        let right = STANDARD.encode(sign("new", b"x"));
        let hex_of_right = hex(&sign("new", b"x"));
        let wrong = ["", "x", "AAAA", &right[..40], &format!("{right}="), &hex_of_right, &"A".repeat(100_000)];
        for signature in wrong {
            let headers = headers(&[("x-signature", signature)]);
            assert!(!is_signed(&endpoint("hmac-sha256-base64", ""), &headers, b"x", NOW), "{signature:.60}");
        }
        assert!(!is_signed(&endpoint("hmac-sha256-base64", ""), &HeaderMap::new(), b"x", NOW));
        let mut twice = headers(&[("x-signature", &right)]);
        twice.append("x-signature", right.parse().unwrap());
        assert!(!is_signed(&endpoint("hmac-sha256-base64", ""), &twice, b"x", NOW));
    }

    #[test]
    fn w6_an_old_secret_works_until_it_ends() {
        let endpoint = endpoint("hmac-sha256-base64", "");
        let check = |secret: &str, now: UnixMs| {
            is_signed(&endpoint, &headers(&[("x-signature", &STANDARD.encode(sign(secret, b"x")))]), b"x", now)
        };
        assert!(check("new", NOW) && check("old", NOW));
        assert!(check("new", NOW.plus(1_000)) && !check("old", NOW.plus(1_000)));
        assert!(!check("other", NOW) && !check("", NOW));
    }

    #[test]
    fn w4_a_sending_time_may_be_five_minutes_off() {
        let endpoint = endpoint("hmac-sha256-base64", "x-sent");
        let signature = STANDARD.encode(sign("new", b"x"));
        let check =
            |sent: &str| is_signed(&endpoint, &headers(&[("x-signature", &signature), ("x-sent", sent)]), b"x", NOW);
        let seconds = NOW.0 / 1_000;
        assert!(
            check(&seconds.to_string()) && check(&(seconds - 300).to_string()) && check(&(seconds + 300).to_string())
        );
        assert!(check("2026-01-01T00:00:00Z") && check("2026-01-01T01:02:00+01:00"));
        assert!(!check(&(seconds - 360).to_string()) && !check(&(seconds + 360).to_string()));
        for wrong in ["", "now", "-1", "1e400", "99999999999999999999", "2026-01-01"] {
            assert!(!check(wrong), "{wrong}");
        }
        assert!(!is_signed(&endpoint, &headers(&[("x-signature", &signature)]), b"x", NOW));
    }
}
