//! OAuth 2.0: how a token is asked for, and how the answer is read.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Deserializer, Serialize};
use truthsource_core::UnixMs;
use url::form_urlencoded;

use super::credentials::{ClientCredentials, JwtAlgorithm, JwtBearer, TokenBody};
use super::signer::{BadCredentials, SignError};
use super::token::Token;
use super::{Present, Secret};

/// How long a token is believed when the server does not say, in seconds.
const LIFE_DEFAULT_S: u64 = 300;
/// How long a signed JWT is good for, in seconds. The servers allow an hour; one request needs much less.
const ASSERTION_LIFE_S: u64 = 300;

/// Where tokens come from.
pub(super) enum Grant {
    Client(ClientCredentials),
    Jwt { bearer: JwtBearer, key: Box<EncodingKey> },
}

impl Grant {
    pub(super) fn jwt(bearer: JwtBearer) -> Result<Self, BadCredentials> {
        let pem = bearer.private_key.expose().as_bytes();
        let key = match bearer.algorithm {
            JwtAlgorithm::ES256 | JwtAlgorithm::ES384 => EncodingKey::from_ec_pem(pem),
            _ => EncodingKey::from_rsa_pem(pem),
        };
        // The library's reason may quote the key.
        let key = Box::new(key.map_err(|_| BadCredentials("private_key is not a PEM key for this algorithm"))?);
        Ok(Self::Jwt { bearer, key })
    }

    pub(super) fn present(&self) -> Present {
        match self {
            Self::Client(it) => it.present,
            Self::Jwt { .. } => Present::Bearer,
        }
    }

    pub(super) fn token_url(&self) -> &str {
        match self {
            Self::Client(it) => &it.token_url,
            Self::Jwt { bearer, .. } => &bearer.token_url,
        }
    }

    /// The request that asks for a token.
    pub(super) fn request(&self, now: UnixMs) -> Result<Request<Bytes>, SignError> {
        let (content_type, body) = match self {
            Self::Client(it) => client_body(it),
            Self::Jwt { bearer, key } => ("application/x-www-form-urlencoded", jwt_body(bearer, key, now)?),
        };
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.token_url())
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, "application/json");
        request.body(Bytes::from(body)).map_err(|_| SignError::Denied("token_url is not a URL".to_owned()))
    }
}

fn client_body(it: &ClientCredentials) -> (&'static str, String) {
    let mut pairs = vec![
        ("grant_type", "client_credentials"),
        ("client_id", it.client_id.as_str()),
        ("client_secret", it.client_secret.expose()),
    ];
    pairs.extend(it.scope.as_deref().map(|scope| ("scope", scope)));
    match it.body {
        TokenBody::Form => (
            "application/x-www-form-urlencoded",
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish(),
        ),
        TokenBody::Json => {
            let members = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
            ("application/json", serde_json::Value::Object(members.collect()).to_string())
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a [String],
    aud: &'a str,
    iat: u64,
    exp: u64,
}

fn jwt_body(bearer: &JwtBearer, key: &EncodingKey, now: UnixMs) -> Result<String, SignError> {
    let algorithm = match bearer.algorithm {
        JwtAlgorithm::PS256 => Algorithm::PS256,
        JwtAlgorithm::PS384 => Algorithm::PS384,
        JwtAlgorithm::PS512 => Algorithm::PS512,
        JwtAlgorithm::ES256 => Algorithm::ES256,
        JwtAlgorithm::ES384 => Algorithm::ES384,
    };
    let iat = now.0 / 1_000;
    let claims = Claims {
        iss: &bearer.client_id,
        scope: &bearer.scope,
        aud: &bearer.token_url,
        iat,
        exp: iat + ASSERTION_LIFE_S,
    };
    let header = Header { kid: Some(bearer.certificate_id.clone()), ..Header::new(algorithm) };
    let assertion = jsonwebtoken::encode(&header, &claims, key)
        .map_err(|_| SignError::Denied("private_key does not sign".to_owned()))?;
    Ok(form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", &assertion)
        .finish())
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

/// Some servers answer a number, some a string.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seconds {
        Number(u64),
        Text(String),
    }
    match Option::<Seconds>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Seconds::Number(number)) => Ok(Some(number)),
        Some(Seconds::Text(text)) => text.trim().parse().map(Some).map_err(serde::de::Error::custom),
    }
}

/// Reads the server's answer. Nothing of its body is quoted but the registered `error` code: it may echo secrets.
pub(super) fn read(status: StatusCode, body: &[u8], now: UnixMs) -> Result<Token, SignError> {
    if status.is_success() {
        let granted: Granted = serde_json::from_slice(body)
            .map_err(|_| SignError::Unavailable("the token endpoint's answer has no token".to_owned()))?;
        let life_ms = granted.expires_in.unwrap_or(LIFE_DEFAULT_S).saturating_mul(1_000);
        return Ok(Token::fixed(granted.access_token, life_ms, now));
    }
    let code = serde_json::from_slice::<serde_json::Value>(body)
        .ok()
        .and_then(|it| it.get("error")?.as_str().map(str::to_owned))
        .filter(|code| code.len() <= 64 && code.bytes().all(|it| it.is_ascii_lowercase() || it == b'_'));
    let why = format!("the token endpoint answered {} {}", status.as_u16(), code.unwrap_or_default());
    let why = why.trim_end().to_owned();
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::REQUEST_TIMEOUT {
        Err(SignError::Denied(why))
    } else {
        Err(SignError::Unavailable(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{DecodingKey, Validation};

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    fn check(algorithm: JwtAlgorithm, der: &[u8], public: DecodingKey, expect: Algorithm) {
        let bearer = JwtBearer {
            token_url: "https://1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token".to_owned(),
            client_id: "client".to_owned(),
            certificate_id: "cert".to_owned(),
            private_key: Secret::new(pem(der)),
            algorithm,
            scope: vec!["rest_webservices".to_owned()],
        };
        let url = bearer.token_url.clone();
        let request = Grant::jwt(bearer).unwrap().request(UnixMs(1_700_000_000_500)).unwrap();
        let form: Vec<(String, String)> = form_urlencoded::parse(request.body()).into_owned().collect();
        assert_eq!(form[0], ("grant_type".to_owned(), "client_credentials".to_owned()));
        assert_eq!(form[1].1, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let mut validation = Validation::new(expect);
        validation.set_audience(&[&url]);
        validation.set_issuer(&["client"]);
        validation.validate_exp = false;
        let seen = jsonwebtoken::decode::<serde_json::Value>(&form[2].1, &public, &validation).unwrap();
        assert_eq!((seen.header.alg, seen.header.kid.as_deref()), (expect, Some("cert")));
        assert_eq!(
            (seen.claims["iat"].as_u64(), seen.claims["exp"].as_u64()),
            (Some(1_700_000_000), Some(1_700_000_300))
        );
        assert_eq!(seen.claims["scope"], serde_json::json!(["rest_webservices"]));
    }

    #[test]
    fn an_es256_assertion_is_signed_by_the_key() {
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &rng).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap();
        check(
            JwtAlgorithm::ES256,
            der.as_ref(),
            DecodingKey::from_ec_der(pair.public_key().as_ref()),
            Algorithm::ES256,
        );
    }

    #[test]
    fn a_ps256_assertion_is_signed_by_the_key() {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        check(JwtAlgorithm::PS256, der.as_ref(), public, Algorithm::PS256);
    }

    #[test]
    fn a_life_is_read_as_number_or_text_and_believed_for_a_while_if_absent() {
        let check = |body: &str, fresh_until_ms: u64| {
            let token = read(StatusCode::OK, body.as_bytes(), UnixMs(0)).unwrap();
            assert!(token.is_fresh(UnixMs(fresh_until_ms - 1)) && !token.is_fresh(UnixMs(fresh_until_ms)), "{body}");
        };
        check(r#"{"access_token":"a","expires_in":3600}"#, 3_540_000);
        check(r#"{"access_token":"a","expires_in":"3600"}"#, 3_540_000);
        check(r#"{"access_token":"a","expires_in":null}"#, 240_000);
        check(r#"{"access_token":"a"}"#, 240_000);
    }
}
