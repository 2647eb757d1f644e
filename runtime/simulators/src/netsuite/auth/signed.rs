//! Token-based authentication: OAuth 1.0a with HMAC-SHA256 over the request's line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use truthsource_core::UnixMs;

use super::Denied;
use crate::netsuite::settings::{Settings, Tba};
use crate::netsuite::wire::percent_decoded;
use crate::system::Request;

/// How far a request's clock may be off.
pub(super) const TOLERANCE_MS: u64 = 5 * 60 * 1_000;

/// Checks a signed request but for its nonce, which is given back with its second.
pub(super) fn verify(
    settings: &Settings,
    now: UnixMs,
    request: &Request,
    header: &str,
) -> Result<(u64, String), Denied> {
    let denied = |reason: &'static str, detail: &str| Denied::new("oauth1", reason, detail);
    let params = parse_header(header).ok_or_else(|| denied("InvalidSignature", "malformed header"))?;
    let param = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    let tba = settings.tba.as_ref().ok_or_else(|| denied("FeatureDisabled", "token-based authentication is off"))?;
    if param("oauth_consumer_key") != tba.consumer_key {
        return Err(denied("consumer_key_unknown", param("oauth_consumer_key")));
    }
    let account = settings.account.to_uppercase().replace('-', "_");
    if param("oauth_token") != tba.token_id || param("realm") != account {
        return Err(denied("token_rejected", "no such token in this account"));
    }
    if param("oauth_signature_method") != "HMAC-SHA256" {
        return Err(denied("UnknownAlgorithm", param("oauth_signature_method")));
    }
    let second: u64 = param("oauth_timestamp").parse().map_err(|_| denied("InvalidTimestamp", "not a number"))?;
    let at = UnixMs(second.saturating_mul(1_000));
    if at.since(now).max(now.since(at)) > TOLERANCE_MS {
        return Err(denied("InvalidTimestamp", param("oauth_timestamp")));
    }
    let nonce = param("oauth_nonce");
    if nonce.is_empty() {
        return Err(denied("NonceUsed", "no nonce"));
    }
    let base = base_string(request.method().as_str(), request.uri(), &params);
    let signature = STANDARD.decode(param("oauth_signature")).unwrap_or_default();
    match mac(tba, &base).map(|it| it.verify_slice(&signature)) {
        Some(Ok(())) => Ok((second, nonce.to_owned())),
        _ => Err(denied("InvalidSignature", &base)),
    }
}

fn mac(tba: &Tba, base: &str) -> Option<Hmac<Sha256>> {
    let key = format!("{}&{}", encode(&tba.consumer_secret), encode(&tba.token_secret));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(base.as_bytes());
    Some(mac)
}

/// `realm="…", oauth_token="…", …`, decoded.
fn parse_header(header: &str) -> Option<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    for part in header.split(',') {
        let (name, value) = part.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        params.insert(name.to_owned(), percent_decoded(value)?);
    }
    Some(params)
}

/// What is signed: method, URL without query, and all parameters in order.
fn base_string(method: &str, uri: &http::Uri, header: &BTreeMap<String, String>) -> String {
    let from_header = header.iter().filter(|(name, _)| *name != "realm" && *name != "oauth_signature");
    let mut params: Vec<(String, String)> = from_header.map(|(name, value)| (encode(name), encode(value))).collect();
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    params.extend(query.map(|(name, value)| (encode(&name), encode(&value))));
    params.sort();
    let params: Vec<String> = params.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let scheme = uri.scheme_str().unwrap_or("https").to_lowercase();
    let host = uri.host().unwrap_or_default().to_lowercase();
    let port = match (scheme.as_str(), uri.port_u16()) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    let url = format!("{scheme}://{host}{port}{}", uri.path());
    format!("{}&{}&{}", method.to_uppercase(), encode(&url), encode(&params.join("&")))
}

/// Percent-encoding of RFC 3986: all but letters, digits and `-._~`.
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The `Authorization` header of a request, as a client signs it.
#[cfg(test)]
pub(in crate::netsuite) fn sign(
    tba: &Tba,
    realm: &str,
    (method, uri): (&str, &http::Uri),
    when: (u64, &str),
) -> String {
    let (second, nonce) = when;
    let second = second.to_string();
    let params = [
        ("oauth_consumer_key", tba.consumer_key.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", &second),
        ("oauth_token", &tba.token_id),
        ("oauth_version", "1.0"),
    ];
    let params: BTreeMap<String, String> = params.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let base = base_string(method, uri, &params);
    let signature = STANDARD.encode(mac(tba, &base).unwrap().finalize().into_bytes());
    let fields: Vec<String> = params.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
    format!("OAuth realm=\"{realm}\", {}, oauth_signature=\"{}\"", fields.join(", "), encode(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tba() -> Tba {
        Tba {
            consumer_key: "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4".to_owned(),
            consumer_secret: "d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5".to_owned(),
            token_id: "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc".to_owned(),
            token_secret: "c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295".to_owned(),
        }
    }

    /// The vendor's own example request, with the vendor's signature.
    fn check(method: &str, uri: &str, signature: &str) {
        let header = format!(
            "realm=\"123456\", oauth_token=\"{}\", oauth_consumer_key=\"{}\", oauth_nonce=\"fjaLirsIcCGVZWzBX0pg\", \
             oauth_timestamp=\"1508242306\", oauth_signature_method=\"HMAC-SHA256\", oauth_version=\"1.0\", \
             oauth_signature=\"{}\"",
            tba().token_id,
            tba().consumer_key,
            encode(signature)
        );
        let settings = Settings { account: "123456".to_owned(), tba: Some(tba()), ..Settings::default() };
        let request = http::Request::builder().method(method).uri(uri).body(bytes::Bytes::new()).unwrap();
        let seen = verify(&settings, UnixMs(1_508_242_306_000), &request, &header);
        assert_eq!(seen, Ok((1_508_242_306, "fjaLirsIcCGVZWzBX0pg".to_owned())));
        let late = verify(&settings, UnixMs(1_508_242_607_000), &request, &header);
        assert_eq!(late.unwrap_err().reason, "InvalidTimestamp");
    }

    #[test]
    fn golden_vector_without_query() {
        let uri = "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/employee/40";
        check("GET", uri, "B5OIWznZ2YP0OB7VrJrGkYsTh+8H+5T9Hag+o92q0zY=");
    }

    #[test]
    fn golden_vector_with_query() {
        let uri = "https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?script=6&deploy=1&customParam=someValue&testParam=someOtherValue";
        check("POST", uri, "+KK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ=");
    }

    #[test]
    fn the_base_string_is_the_documented_one() {
        let uri = "https://123456.suitetalk.api.netsuite.com:443/services/rest/record/v1/employee/40".parse().unwrap();
        let params = BTreeMap::from([("oauth_nonce".to_owned(), "n".to_owned())]);
        let expect = "GET&https%3A%2F%2F123456.suitetalk.api.netsuite.com%2Fservices%2Frest%2Frecord%2Fv1%2Femployee%2F40&oauth_nonce%3Dn";
        assert_eq!(base_string("get", &uri, &params), expect);
    }
}
