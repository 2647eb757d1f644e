//! OAuth 2.0 client credentials: an assertion signed with the integration's certificate buys an access token.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use truthsource_core::UnixMs;

use super::{Auth, Denied};
use crate::netsuite::settings::{ExpiresIn, Oauth2, Settings};
use crate::netsuite::wire;
use crate::system::{Request, Response, json as json_response};

/// Where tokens are given out.
pub(in crate::netsuite) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";
/// How long an access token lives.
const LIFE_MS: u64 = 3_600_000;
/// How far the caller's clock may be ahead.
const CLOCK_S: u64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(text) => text.split([' ', ',']).any(|it| it == wanted),
            Self::More(list) => list.iter().any(|it| it == wanted),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    scope: OneOrMore,
    aud: OneOrMore,
    iat: u64,
    exp: u64,
}

impl Auth {
    /// Answers a request at the token endpoint.
    pub(in crate::netsuite) fn give_token(&mut self, settings: &Settings, now: UnixMs, request: &Request) -> Response {
        match check(settings, now, request) {
            Ok(()) => {
                self.issued += 1;
                let digest = Sha256::digest(format!("{}/{}/{}", settings.account, self.issued, now));
                let token = format!("eyJ{}", URL_SAFE_NO_PAD.encode(digest));
                self.bearers.insert(token.clone(), now.plus(LIFE_MS));
                let seconds = LIFE_MS / 1_000;
                let expires_in = match settings.expires_in {
                    ExpiresIn::Number => json!(seconds),
                    ExpiresIn::Text => json!(seconds.to_string()),
                };
                let body = json!({ "access_token": token, "expires_in": expires_in, "token_type": "Bearer" });
                json_response(200, "application/json", &body)
            }
            Err(denied) => {
                let body = json!({ "error": denied.reason });
                self.note(now, denied);
                json_response(400, "application/json", &body)
            }
        }
    }
}

fn check(settings: &Settings, now: UnixMs, request: &Request) -> Result<(), Denied> {
    let denied = |reason: &'static str, detail: &str| Denied::new("token", reason, detail);
    if request.method() != http::Method::POST {
        return Err(denied("invalid_request", "the token endpoint takes POST"));
    }
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(request.body()).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" || field("client_assertion_type") != ASSERTION_TYPE {
        return Err(denied("invalid_request", "grant_type or client_assertion_type"));
    }
    let client = settings.oauth2.as_ref().ok_or_else(|| denied("invalid_client", "OAuth 2.0 is off"))?;
    let claims = verify(client, field("client_assertion"))?;
    if claims.iss != client.client_id {
        return Err(denied("invalid_client", "iss is not the client id"));
    }
    let here = format!("{}{TOKEN_PATH}", wire::origin(request));
    let official = format!("https://{}.suitetalk.api.netsuite.com{TOKEN_PATH}", settings.host_label());
    if !claims.aud.has(&here) && !claims.aud.has(&official) {
        return Err(denied("invalid_grant", "aud is not the token URL"));
    }
    if !claims.scope.has("rest_webservices") {
        return Err(denied("invalid_grant", "scope lacks rest_webservices"));
    }
    let second = now.0 / 1_000;
    let is_dated = claims.iat <= second + CLOCK_S && second < claims.exp && claims.exp <= claims.iat + 3_600;
    if is_dated { Ok(()) } else { Err(denied("invalid_grant", "iat and exp: expired, in the future, or over an hour")) }
}

/// Checks the signature. Times are the caller's business: this code has no clock.
fn verify(client: &Oauth2, assertion: &str) -> Result<Claims, Denied> {
    let denied = |reason: &'static str, detail: String| Denied::new("token", reason, detail);
    let header: Header = part(assertion, 0).ok_or_else(|| denied("invalid_request", "no header".to_owned()))?;
    if header.kid.as_deref() != Some(client.certificate_id.as_str()) {
        return Err(denied("invalid_client", "kid is not the certificate id".to_owned()));
    }
    if header.alg == "ES512" {
        return verify_es512(client, assertion).map_err(|(reason, detail)| denied(reason, detail.to_owned()));
    }
    let header = jsonwebtoken::decode_header(assertion).map_err(|it| denied("invalid_request", it.to_string()))?;
    let pem = client.public_key_pem.as_bytes();
    let key = match header.alg {
        Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 => DecodingKey::from_rsa_pem(pem),
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem),
        other => return Err(denied("invalid_grant", format!("{other:?} is not allowed"))),
    };
    let key = key.map_err(|it| denied("invalid_client", it.to_string()))?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let token = jsonwebtoken::decode::<Claims>(assertion, &key, &validation);
    token.map(|it| it.claims).map_err(|it| denied("invalid_grant", it.to_string()))
}

/// What decides how the rest of an assertion is read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// The header (0) or the claims (1) of an assertion.
fn part<T: serde::de::DeserializeOwned>(assertion: &str, n: usize) -> Option<T> {
    let text = assertion.split('.').nth(n)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The one algorithm of NetSuite's that the JWT library does not have.
fn verify_es512(client: &Oauth2, assertion: &str) -> Result<Claims, (&'static str, &'static str)> {
    let (signed, signature) = assertion.rsplit_once('.').ok_or(("invalid_request", "no signature"))?;
    let signature =
        URL_SAFE_NO_PAD.decode(signature).map_err(|_| ("invalid_request", "the signature is no base64url"))?;
    let lines = client.public_key_pem.lines().filter(|it| !it.starts_with("-----"));
    let der = STANDARD.decode(lines.map(str::trim).collect::<String>());
    let der = der.map_err(|_| ("invalid_client", "the certificate's key is no PEM"))?;
    let key = UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, der);
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| ("invalid_grant", "the signature is not the certificate's"))?;
    part(assertion, 1).ok_or(("invalid_request", "the claims are not what they should be"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    };
    use jsonwebtoken::EncodingKey;

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_430_400_000);
    const URL: &str = "http://127.0.0.1:8080/services/rest/auth/oauth2/v1/token";

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> = text.as_bytes().chunks(64).map(|it| std::str::from_utf8(it).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    }

    fn settings(public_key_pem: String) -> Settings {
        let client_id = "client".to_owned();
        let oauth2 = Oauth2 { client_id, certificate_id: "cert".to_owned(), public_key_pem };
        Settings { oauth2: Some(oauth2), ..Settings::default() }
    }

    fn claims() -> serde_json::Value {
        let now = NOW.0 / 1_000;
        json!({ "iss": "client", "scope": ["rest_webservices"], "aud": URL, "iat": now, "exp": now + 3_600 })
    }

    fn ask(
        settings: &Settings,
        (key, alg): (&EncodingKey, Algorithm),
        kid: &str,
        claims: &serde_json::Value,
    ) -> String {
        let header = jsonwebtoken::Header { kid: Some(kid.to_owned()), ..jsonwebtoken::Header::new(alg) };
        give(settings, &jsonwebtoken::encode(&header, claims, key).unwrap())
    }

    fn give(settings: &Settings, jwt: &str) -> String {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", ASSERTION_TYPE)
            .append_pair("client_assertion", jwt)
            .finish();
        let request = http::Request::post(URL).body(bytes::Bytes::from(body)).unwrap();
        let mut auth = Auth::default();
        let response = auth.give_token(settings, NOW, &request);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let Some(token) = body["access_token"].as_str() else { return body["error"].as_str().unwrap().to_owned() };
        assert_eq!(body["expires_in"], "3600");
        assert!(auth.admit_bearer(NOW.plus(3_599_000), token).is_ok());
        assert!(auth.admit_bearer(NOW.plus(3_600_000), token).is_err());
        "token".to_owned()
    }

    #[test]
    fn an_assertion_signed_with_either_algorithm_buys_a_token() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = pair.to_pkcs8v1().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let ec = EncodingKey::from_ec_der(private.as_ref());
        let with_ec = settings(pem("PUBLIC KEY", public.as_ref()));
        assert_eq!(ask(&with_ec, (&ec, Algorithm::ES256), "cert", &claims()), "token");

        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let private = pem("PRIVATE KEY", private.as_ref());
        let rsa = EncodingKey::from_rsa_pem(private.as_bytes()).unwrap();
        let with_rsa = settings(pem("PUBLIC KEY", public.as_ref()));
        assert_eq!(ask(&with_rsa, (&rsa, Algorithm::PS256), "cert", &claims()), "token");
        assert_eq!(ask(&with_rsa, (&rsa, Algorithm::RS256), "cert", &claims()), "invalid_grant");
        assert_eq!(ask(&with_ec, (&rsa, Algorithm::PS256), "cert", &claims()), "invalid_client");
    }

    #[test]
    fn es512_is_an_algorithm_too() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let other = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let settings = settings(pem("PUBLIC KEY", public.as_ref()));
        let check = |pair: &EcdsaKeyPair, kid: &str, claims: &serde_json::Value, expect: &str| {
            let header = json!({ "typ": "JWT", "alg": "ES512", "kid": kid });
            let [header, claims] = [&header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
            let signed = format!("{header}.{claims}");
            let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            let jwt = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()));
            assert_eq!(give(&settings, &jwt), expect, "{kid} {claims}");
        };
        check(&pair, "cert", &claims(), "token");
        check(&pair, "old", &claims(), "invalid_client");
        check(&other, "cert", &claims(), "invalid_grant");
        let mut foreign = claims();
        foreign["iss"] = json!("someone");
        check(&pair, "cert", &foreign, "invalid_client");
        check(&pair, "cert", &json!({}), "invalid_request");
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        check(&p256, "cert", &claims(), "invalid_grant");
    }

    #[test]
    fn every_claim_is_checked() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let settings = settings(pem("PUBLIC KEY", public.as_ref()));
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let forged = EncodingKey::from_ec_der(other.to_pkcs8v1().unwrap().as_ref());
        let now = NOW.0 / 1_000;
        let check = |member: &str, value: serde_json::Value, expect: &str| {
            let mut claims = claims();
            claims[member] = value;
            assert_eq!(ask(&settings, (&key, Algorithm::ES256), "cert", &claims), expect, "{member}");
        };
        check("iss", json!("someone"), "invalid_client");
        check("aud", json!("http://elsewhere/token"), "invalid_grant");
        check("aud", json!("https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"), "token");
        check("scope", json!("restlets"), "invalid_grant");
        check("scope", json!("restlets,rest_webservices"), "token");
        check("exp", json!(now), "invalid_grant");
        check("exp", json!(now + 3_601), "invalid_grant");
        check("iat", json!(now + 301), "invalid_grant");
        assert_eq!(ask(&settings, (&key, Algorithm::ES256), "old", &claims()), "invalid_client");
        assert_eq!(ask(&settings, (&forged, Algorithm::ES256), "cert", &claims()), "invalid_grant");
    }
}
