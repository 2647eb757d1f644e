//! Whether a webhook comes from whom it says.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use truthsource_core::UnixMs;
use truthsource_host::model::Spelling;

use super::book::{Endpoint, KEYS, Key, Proof};
use super::{sent_at, single};
use crate::auth::digest::sha256;
use crate::http::strict;

/// How far the sending time may be off.
const OFF_MS_MAX: u64 = 300_000;

/// Whether a delivery proves that it comes from somebody who knows one of the endpoint's secrets. Takes the same time for
/// every answer: each of the [`KEYS`] is tried, whether it counts or not.
pub(super) fn is_proved(endpoint: &Endpoint, headers: &HeaderMap, body: &[u8], now: UnixMs) -> bool {
    debug_assert_eq!(endpoint.keys.len(), KEYS);
    let is_right = match &endpoint.proof {
        Proof::Signature(header, spelling) => {
            let given = single(headers, header).and_then(|it| read(*spelling, it));
            let (given, is_readable) = given.map_or(([0; 32], false), |it| (it, true));
            is_known(endpoint, now, |key| hmac::verify(&key.key, body, &given).is_ok()) & is_readable
        }
        Proof::Body(path) => {
            let shown = shown(body, path);
            let matches = |digest: &[u8; 32]| is_known(endpoint, now, |key| is_same(&key.digest, digest));
            // Each of them: one delivery may tell of several records, and each tells whom it is from.
            shown.iter().fold(!shown.is_empty(), |all, it| all & matches(it))
        }
    };
    is_right & is_recent(endpoint, headers, now)
}

fn is_known(endpoint: &Endpoint, now: UnixMs, is_right: impl Fn(&Key) -> bool) -> bool {
    let mut matches = false;
    for key in &endpoint.keys {
        let counts = key.expires_at.is_none_or(|it| now < it);
        matches |= is_right(key) & counts;
    }
    matches
}

fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Digests of what stands where `path` leads; what is no text counts as an empty one.
fn shown(body: &[u8], path: &[String]) -> Vec<[u8; 32]> {
    if strict::too_deep(body) {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else { return Vec::new() };
    let mut found = vec![&body];
    for step in path {
        if step == "*" {
            if !found.iter().all(|it| it.is_array()) {
                return Vec::new();
            }
            found = found.into_iter().flat_map(|it| it.as_array().into_iter().flatten()).collect();
        } else if found.iter().any(|it| it[step.as_str()].is_null()) {
            // One entry without it proves nothing for itself.
            return Vec::new();
        } else {
            found = found.into_iter().map(|it| &it[step.as_str()]).collect();
        }
    }
    found.into_iter().map(|it| sha256(&[it.as_str().unwrap_or_default().as_bytes()])).collect()
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
    use super::super::book::Endpoint;
    use super::*;
    use crate::auth::digest::hex;
    use crate::plugins::{HookSecret, HookSecrets};
    use truthsource_core::record::ConnectionId;
    use truthsource_host::model::{Handshake, Proof, WebhookScheme};

    const NOW: UnixMs = UnixMs(1_767_225_600_000);

    fn endpoint(spelling: Spelling, timestamp: &str) -> Endpoint {
        proved(Proof::Signature { header: "x-signature".into(), spelling }, timestamp)
    }

    fn proved(proof: Proof, timestamp: &str) -> Endpoint {
        let scheme = WebhookScheme {
            proof,
            handshake: Handshake::None,
            id_header: "x-id".into(),
            topic_header: "x-topic".into(),
            timestamp_header: timestamp.into(),
        };
        let secrets = HookSecrets {
            secrets: vec![
                HookSecret { secret: "new".into(), expires_at: None },
                HookSecret { secret: "old".into(), expires_at: Some(NOW.plus(1_000)) },
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
    fn w5_both_spellings_are_read_and_the_raw_bytes_count() {
        let body = br#"{"a": 1}"#;
        for (spelling, signature) in [
            (Spelling::Base64, STANDARD.encode(sign("new", body))),
            (Spelling::Hex, hex(&sign("new", body))),
            (Spelling::Hex, hex(&sign("new", body)).to_uppercase()),
        ] {
            let headers = headers(&[("x-signature", &signature)]);
            assert!(is_proved(&endpoint(spelling, ""), &headers, body, NOW), "{spelling:?}");
            assert!(!is_proved(&endpoint(spelling, ""), &headers, br#"{"a":1}"#, NOW));
        }
    }

    #[test]
    fn w1_what_is_no_signature_is_refused() {
        let right = STANDARD.encode(sign("new", b"x"));
        let hex_of_right = hex(&sign("new", b"x"));
        let wrong = ["", "x", "AAAA", &right[..40], &format!("{right}="), &hex_of_right, &"A".repeat(100_000)];
        for signature in wrong {
            let headers = headers(&[("x-signature", signature)]);
            assert!(!is_proved(&endpoint(Spelling::Base64, ""), &headers, b"x", NOW), "{signature:.60}");
        }
        assert!(!is_proved(&endpoint(Spelling::Base64, ""), &HeaderMap::new(), b"x", NOW));
        let mut twice = headers(&[("x-signature", &right)]);
        twice.append("x-signature", right.parse().unwrap());
        assert!(!is_proved(&endpoint(Spelling::Base64, ""), &twice, b"x", NOW));
    }

    #[test]
    fn w6_an_old_secret_works_until_it_ends() {
        let endpoint = endpoint(Spelling::Base64, "");
        let check = |secret: &str, now: UnixMs| {
            is_proved(&endpoint, &headers(&[("x-signature", &STANDARD.encode(sign(secret, b"x")))]), b"x", now)
        };
        assert!(check("new", NOW) && check("old", NOW));
        assert!(check("new", NOW.plus(1_000)) && !check("old", NOW.plus(1_000)));
        assert!(!check("other", NOW) && !check("", NOW));
    }

    #[test]
    fn w4_a_sending_time_may_be_five_minutes_off() {
        let endpoint = endpoint(Spelling::Base64, "x-sent");
        let signature = STANDARD.encode(sign("new", b"x"));
        let check =
            |sent: &str| is_proved(&endpoint, &headers(&[("x-signature", &signature), ("x-sent", sent)]), b"x", NOW);
        let seconds = NOW.0 / 1_000;
        assert!(
            check(&seconds.to_string()) && check(&(seconds - 300).to_string()) && check(&(seconds + 300).to_string())
        );
        assert!(check("2026-01-01T00:00:00Z") && check("2026-01-01T01:02:00+01:00"));
        assert!(!check(&(seconds - 360).to_string()) && !check(&(seconds + 360).to_string()));
        for wrong in ["", "now", "-1", "1e400", "99999999999999999999", "2026-01-01"] {
            assert!(!check(wrong), "{wrong}");
        }
        assert!(!is_proved(&endpoint, &headers(&[("x-signature", &signature)]), b"x", NOW));
    }

    #[test]
    fn w1_a_secret_in_the_body_is_the_right_one_everywhere() {
        let path = ["value", "*", "clientState"].map(str::to_owned).to_vec();
        let endpoint = proved(Proof::BodySecret(path), "");
        let check = |body: &str| is_proved(&endpoint, &HeaderMap::new(), body.as_bytes(), NOW);
        assert!(check(r#"{"value":[{"clientState":"new"}]}"#));
        assert!(check(r#"{"value":[{"clientState":"new","a":1},{"clientState":"old"}]}"#));
        let deep = "[".repeat(100_000);
        for wrong in [
            r#"{"value":[{"clientState":"new"},{"clientState":"other"}]}"#,
            r#"{"value":[{"clientState":"new"},{}]}"#,
            r#"{"value":[{"clientState":"new"},7]}"#,
            r#"{"value":[{"clientState":["new"]}]}"#,
            r#"{"value":[{"clientState":null}]}"#,
            r#"{"value":[]}"#,
            r#"{"value":{"clientState":"new"}}"#,
            r#"{"clientState":"new"}"#,
            r#""new""#,
            "",
            deep.as_str(),
        ] {
            assert!(!check(wrong), "{wrong:.60}");
        }
        let later = |body: &str| is_proved(&endpoint, &HeaderMap::new(), body.as_bytes(), NOW.plus(1_000));
        assert!(!later(r#"{"value":[{"clientState":"old"}]}"#));
    }
}
