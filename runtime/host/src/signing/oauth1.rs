//! OAuth 1.0a with HMAC-SHA256 (RFC 5849): NetSuite's token-based authentication.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

use super::credentials::TbaToken;
use super::percent;

/// When and how uniquely a request is signed. Each try needs its own.
pub(super) struct Stamp<'a> {
    /// Seconds since 1970.
    pub(super) seconds: u64,
    /// Never used before with this token.
    pub(super) nonce: &'a str,
}

/// The `Authorization` header's value. A JSON body is not part of the signature; every query parameter is.
pub(super) fn authorization(token: &TbaToken, method: &str, url: &Url, stamp: &Stamp<'_>) -> String {
    let seconds = stamp.seconds.to_string();
    let own = [
        ("oauth_consumer_key", token.consumer_key.expose()),
        ("oauth_nonce", stamp.nonce),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", seconds.as_str()),
        ("oauth_token", token.token.expose()),
        ("oauth_version", "1.0"),
    ];
    let signature = signature(token, &base_string(method, url, &own));
    let mut header = format!("OAuth realm=\"{}\"", percent(&token.realm));
    for (name, value) in own.into_iter().chain([("oauth_signature", signature.as_str())]) {
        header.push_str(&format!(", {name}=\"{}\"", percent(value)));
    }
    header
}

/// Method, URL without query, and all parameters sorted as encoded.
fn base_string(method: &str, url: &Url, own: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = own.iter().map(|(name, value)| (percent(name), percent(value))).collect();
    pairs.extend(url.query_pairs().map(|(name, value)| (percent(&name), percent(&value))));
    pairs.sort();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    format!("{}&{}&{}", method.to_ascii_uppercase(), percent(bare.as_str()), percent(&pairs.join("&")))
}

fn signature(token: &TbaToken, base: &str) -> String {
    let key = format!("{}&{}", percent(token.consumer_secret.expose()), percent(token.token_secret.expose()));
    // HMAC takes keys of any length, so this never fails; an empty signature would simply be refused.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(base.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::Secret;

    /// The keys of the vendor's documented example.
    fn token() -> TbaToken {
        let secret = |text: &str| Secret::new(text.to_owned());
        TbaToken {
            realm: "123456".to_owned(),
            consumer_key: secret("ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4"),
            consumer_secret: secret("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5"),
            token: secret("2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc"),
            token_secret: secret("c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295"),
        }
    }

    fn check(method: &str, url: &str, signature: &str) {
        let stamp = Stamp { seconds: 1_508_242_306, nonce: "fjaLirsIcCGVZWzBX0pg" };
        let header = authorization(&token(), method, &url.parse().unwrap(), &stamp);
        assert!(header.starts_with("OAuth realm=\"123456\", oauth_consumer_key=\"ef40"), "{header}");
        assert!(header.ends_with(&format!("oauth_signature=\"{}\"", percent(signature))), "{header}");
    }

    #[test]
    fn the_documented_record_request_has_the_documented_signature() {
        check(
            "GET",
            "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/employee/40",
            "B5OIWznZ2YP0OB7VrJrGkYsTh+8H+5T9Hag+o92q0zY=",
        );
    }

    #[test]
    fn query_parameters_are_signed() {
        check(
            "POST",
            "https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?script=6&deploy=1&customParam=someValue&testParam=someOtherValue",
            "+KK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ=",
        );
    }
}
