//! What a connector says of its system's webhooks.

use truthsource_core::UnixMs;

use crate::bindings::connector::truthsource::connector::powers;
use crate::bindings::subscriptions::exports::truthsource::connector::subscriptions;
use crate::error::Misfit;
use crate::model::{Handshake, Proof, Spelling, Standing, Target, WebhookScheme};

/// The longest name of a header, parameter or member, in bytes.
const NAME_BYTES_MAX: usize = 100;
/// The most steps of a path in a body: no system hides its secret deeper.
const STEPS_MAX: usize = 8;

pub(super) fn scheme_in(it: powers::WebhookScheme) -> Result<WebhookScheme, Misfit> {
    Ok(WebhookScheme {
        proof: proof_in(it.proof)?,
        handshake: handshake_in(it.handshake)?,
        id_header: header_or_none("webhook, id-header", it.id_header)?,
        topic_header: header_or_none("webhook, topic-header", it.topic_header)?,
        timestamp_header: header_or_none("webhook, timestamp-header", it.timestamp_header)?,
    })
}

fn proof_in(it: powers::Proof) -> Result<Proof, Misfit> {
    const AT: &str = "webhook, proof";
    match it {
        powers::Proof::Signature(it) => Ok(Proof::Signature {
            header: header(AT, it.header)?,
            spelling: match it.algorithm.as_str() {
                "hmac-sha256-base64" => Spelling::Base64,
                "hmac-sha256-hex" => Spelling::Hex,
                _ => return Err(Misfit::new(AT, "the algorithm must be hmac-sha256-base64 or hmac-sha256-hex")),
            },
        }),
        powers::Proof::BodySecret(path) => {
            let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
            let is_path = steps.len() <= STEPS_MAX && steps.iter().all(|it| is_name(it));
            if is_path { Ok(Proof::BodySecret(steps)) } else { Err(Misfit::new(AT, "must be members joined by `.`")) }
        }
        // Of a newer contract: what cannot be verified is not taken.
        powers::Proof::Other(_) => Err(Misfit::new(AT, "this host knows no such proof")),
    }
}

fn handshake_in(it: powers::Handshake) -> Result<Handshake, Misfit> {
    const AT: &str = "webhook, handshake";
    let name = |name: String| {
        if is_name(&name) { Ok(name) } else { Err(Misfit::new(AT, "must be a name of 1 to 100 printable characters")) }
    };
    match it {
        powers::Handshake::None => Ok(Handshake::None),
        powers::Handshake::EchoQuery(parameter) => name(parameter).map(Handshake::EchoQuery),
        powers::Handshake::EchoHeader(it) => {
            Ok(Handshake::EchoHeader { header: header(AT, it.header)?, member: name(it.member)? })
        }
        powers::Handshake::Other(_) => Err(Misfit::new(AT, "this host knows no such handshake")),
    }
}

fn header(at: &str, name: String) -> Result<String, Misfit> {
    if name.is_empty() { Err(Misfit::new(at, NO_HEADER)) } else { header_or_none(at, name) }
}

fn header_or_none(at: &str, name: String) -> Result<String, Misfit> {
    let is_lower = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_lower && name.len() <= NAME_BYTES_MAX { Ok(name) } else { Err(Misfit::new(at, NO_HEADER)) }
}

const NO_HEADER: &str = "must be a header name in lower case";

fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
}

pub(crate) fn target_out(target: &Target) -> subscriptions::Target {
    subscriptions::Target {
        url: target.url.clone(),
        secret_mark: crate::capability::http::WEBHOOK_SECRET_MARK.to_owned(),
    }
}

pub(crate) fn standing_in(it: subscriptions::Standing) -> Standing {
    Standing { renew_by: it.renew_by_ms.map(UnixMs), gap: it.gap }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(proof: powers::Proof, handshake: powers::Handshake) -> powers::WebhookScheme {
        let none = String::new;
        powers::WebhookScheme { proof, handshake, id_header: none(), topic_header: none(), timestamp_header: none() }
    }

    fn check(proof: powers::Proof, expect: Result<Proof, &str>) {
        let seen = scheme_in(scheme(proof, powers::Handshake::None));
        assert_eq!(seen.map(|it| it.proof).map_err(|it| it.to_string()), expect.map_err(str::to_owned));
    }

    #[test]
    fn a_proof_is_one_that_this_host_can_verify() {
        let signature = |header: &str, algorithm: &str| {
            powers::Proof::Signature(powers::Signature { header: header.into(), algorithm: algorithm.into() })
        };
        let hex = Proof::Signature { header: "x-sig".into(), spelling: Spelling::Hex };
        check(signature("x-sig", "hmac-sha256-hex"), Ok(hex));
        check(signature("", "hmac-sha256-hex"), Err("webhook, proof: must be a header name in lower case"));
        check(signature("X-Sig", "hmac-sha256-hex"), Err("webhook, proof: must be a header name in lower case"));
        let algorithm = "webhook, proof: the algorithm must be hmac-sha256-base64 or hmac-sha256-hex";
        check(signature("x-sig", "none"), Err(algorithm));
        let path = ["value", "*", "clientState"].map(str::to_owned).to_vec();
        check(powers::Proof::BodySecret("value.*.clientState".into()), Ok(Proof::BodySecret(path)));
        for none in ["", "a..b", "a. b", "1.2.3.4.5.6.7.8.9"] {
            check(powers::Proof::BodySecret(none.into()), Err("webhook, proof: must be members joined by `.`"));
        }
        check(powers::Proof::Other("ed25519".into()), Err("webhook, proof: this host knows no such proof"));
    }

    #[test]
    fn a_handshake_is_one_that_this_host_can_answer() {
        let seen =
            |handshake| scheme_in(scheme(powers::Proof::BodySecret("a".into()), handshake)).map(|it| it.handshake);
        let echo = powers::Echo { header: "x-token".into(), member: "Challenge".into() };
        let expect = Handshake::EchoHeader { header: "x-token".into(), member: "Challenge".into() };
        assert_eq!(seen(powers::Handshake::EchoHeader(echo)), Ok(expect));
        assert!(seen(powers::Handshake::EchoQuery("a b".into())).is_err());
        assert!(seen(powers::Handshake::Other("dance".into())).is_err());
    }
}
