//! What a tenant stores for a connection.

use serde::Deserialize;

use super::Secret;

/// A connection's credentials, as the tenant's JSON: `{"scheme": "shopify-token", "token": "…"}`. The schemes have
/// the names that connectors list in `description.auth`. Unknown members are refused, so that a typing error is not
/// a missing secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Credentials {
    /// Nothing is added.
    None {},
    /// HTTP Basic.
    Basic {
        /// Without a colon.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// A fixed key in a header.
    ApiKeyHeader {
        /// The header's name, lower case.
        header: String,
        /// Its value.
        value: Secret,
    },
    /// A permanent Shopify access token.
    ShopifyToken {
        /// `shpat_…`.
        token: Secret,
    },
    /// A session of SAP Business One's Service Layer.
    B1Session(B1Session),
    /// OAuth 1.0a with HMAC-SHA256: NetSuite's token-based authentication.
    #[serde(rename = "oauth1-tba")]
    Oauth1Tba(TbaToken),
    /// OAuth 2.0 client credentials.
    #[serde(rename = "oauth2-client-credentials")]
    Oauth2ClientCredentials(ClientCredentials),
    /// OAuth 2.0 client credentials by a signed JWT: NetSuite's machine-to-machine flow.
    #[serde(rename = "oauth2-jwt-bearer")]
    Oauth2JwtBearer(JwtBearer),
}

/// A user of a company in SAP Business One.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct B1Session {
    /// `https://<host>:50000/b1s/v2/Login`; subject to the same guard as every request.
    pub login_url: String,
    /// The company's database.
    pub company: String,
    /// The user's code.
    pub username: String,
    /// The user's password.
    pub password: Secret,
    /// The language of messages, by its number.
    #[serde(default)]
    pub language: Option<u32>,
}

/// An OAuth 1.0a token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TbaToken {
    /// The account, as the realm wants it: upper case, with `_`.
    pub realm: String,
    /// The integration's key.
    pub consumer_key: Secret,
    /// The integration's secret.
    pub consumer_secret: Secret,
    /// The token's id.
    pub token: Secret,
    /// The token's secret.
    pub token_secret: Secret,
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Where tokens are fetched; subject to the same guard as every request.
    pub token_url: String,
    /// The client's id.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Secret,
    /// What is asked for, if the server wants to be told.
    #[serde(default)]
    pub scope: Option<String>,
    /// How the token request is written.
    #[serde(default)]
    pub body: TokenBody,
    /// Where the token goes.
    #[serde(default)]
    pub present: Present,
}

/// How a token request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenBody {
    /// As RFC 6749 says.
    #[default]
    Form,
    /// As a JSON object: Shopify.
    Json,
}

/// Where a token goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Present {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// `X-Shopify-Access-Token: …`.
    Shopify,
}

/// OAuth 2.0 client credentials by a signed JWT.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtBearer {
    /// Where tokens are fetched, and the JWT's audience.
    pub token_url: String,
    /// The JWT's issuer.
    pub client_id: String,
    /// The JWT's `kid`.
    pub certificate_id: String,
    /// PEM: PKCS#8, or PKCS#1 for RSA.
    pub private_key: Secret,
    /// What the key signs with.
    pub algorithm: JwtAlgorithm,
    /// The JWT's scope.
    #[serde(default = "rest_webservices")]
    pub scope: Vec<String>,
}

fn rest_webservices() -> Vec<String> {
    vec!["rest_webservices".to_owned()]
}

/// The algorithms that the flow allows and the library has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the registered names")]
pub enum JwtAlgorithm {
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
}

impl Credentials {
    /// The scheme's name, as connectors list it.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::None {} => "none",
            Self::Basic { .. } => "basic",
            Self::ApiKeyHeader { .. } => "api-key-header",
            Self::ShopifyToken { .. } => "shopify-token",
            Self::B1Session(_) => "b1-session",
            Self::Oauth1Tba(_) => "oauth1-tba",
            Self::Oauth2ClientCredentials(_) => "oauth2-client-credentials",
            Self::Oauth2JwtBearer(_) => "oauth2-jwt-bearer",
        }
    }

    /// Every secret among them, to be scrubbed from whatever comes back.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::None {} => vec![],
            Self::Basic { password, .. } => vec![password.expose()],
            Self::ApiKeyHeader { value, .. } => vec![value.expose()],
            Self::ShopifyToken { token } => vec![token.expose()],
            Self::Oauth1Tba(it) => {
                [&it.consumer_key, &it.consumer_secret, &it.token, &it.token_secret].map(Secret::expose).into()
            }
            Self::B1Session(it) => vec![it.password.expose()],
            Self::Oauth2ClientCredentials(it) => vec![it.client_secret.expose()],
            Self::Oauth2JwtBearer(it) => vec![it.private_key.expose()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expect: Result<&str, &str>) {
        match (serde_json::from_str::<Credentials>(json), expect) {
            (Ok(seen), Ok(scheme)) => {
                assert_eq!(seen.scheme(), scheme);
                assert!(!format!("{seen:?}").contains("hidden"), "{seen:?}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (seen, _) => panic!("{seen:?}"),
        }
    }

    #[test]
    fn credentials_are_read_strictly_and_never_printed() {
        check(r#"{"scheme":"none"}"#, Ok("none"));
        check(r#"{"scheme":"shopify-token","token":"hidden"}"#, Ok("shopify-token"));
        check(r#"{"scheme":"shopify-token","token":"hidden","tokn":"x"}"#, Err("unknown field"));
        check(r#"{"scheme":"basic","username":"u"}"#, Err("missing field `password`"));
        check(
            r#"{"scheme":"b1-session","login_url":"https://x/b1s/v2/Login","company":"SBO","username":"u","password":"hidden"}"#,
            Ok("b1-session"),
        );
        check(r#"{"scheme":"telepathy"}"#, Err("unknown variant"));
        check(
            r#"{"scheme":"oauth1-tba","realm":"1","consumer_key":"hidden1","consumer_secret":"hidden2","token":"hidden3","token_secret":"hidden4"}"#,
            Ok("oauth1-tba"),
        );
        check(
            r#"{"scheme":"oauth2-client-credentials","token_url":"https://x/t","client_id":"a","client_secret":"hidden","body":"json","present":"shopify"}"#,
            Ok("oauth2-client-credentials"),
        );
        check(
            r#"{"scheme":"oauth2-jwt-bearer","token_url":"https://x/t","client_id":"a","certificate_id":"k","private_key":"hidden","algorithm":"ES256"}"#,
            Ok("oauth2-jwt-bearer"),
        );
        check(
            r#"{"scheme":"oauth2-jwt-bearer","token_url":"https://x/t","client_id":"a","certificate_id":"k","private_key":"hidden","algorithm":"none"}"#,
            Err("unknown variant"),
        );
    }
}
