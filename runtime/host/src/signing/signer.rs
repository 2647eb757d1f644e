//! Signs the requests of one connection.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use http::{Request, Response};
use truthsource_core::UnixMs;
use url::Url;

use super::credentials::{B1Session, Credentials, Present, TbaToken};
use super::oauth2::{self, Grant};
use super::token::Token;
use super::{Ambient, Secret, oauth1, session};
use crate::egress::{Transport, TransportError};
use crate::scrub::Scrubber;

/// How long a token endpoint may take.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(15);

/// Credentials that cannot work, found before anything is sent. Names the member, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCredentials(pub &'static str);

/// Why a request could not be signed. It was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The token endpoint refused the credentials: the tenant has to change them.
    #[error("{0}")]
    Denied(String),
    /// The token endpoint did not answer as it should: try again later.
    #[error("{0}")]
    Unavailable(String),
}

/// The credentials of one connection at work: signs its requests, keeps its token, knows its secrets.
pub struct Signer {
    credentials: Credentials,
    scheme: Scheme,
    ambient: Arc<dyn Ambient>,
    /// Held while a token is fetched, so that a hundred waiting requests make one fetch.
    token: tokio::sync::Mutex<Option<Token>>,
    /// Tokens handed out before may still be echoed, so the last ones stay known.
    known: RwLock<(Vec<Secret>, Arc<Scrubber>)>,
}

enum Scheme {
    None,
    Header(HeaderName, Secret),
    Tba(TbaToken),
    Fetched(Source),
}

/// Where tokens are fetched, and how they are presented.
enum Source {
    Grant(Grant),
    Session(B1Session),
}

impl Source {
    fn request(&self, now: UnixMs) -> Result<Request<Bytes>, SignError> {
        match self {
            Self::Grant(grant) => grant.request(now),
            Self::Session(login) => session::request(login),
        }
    }

    fn read(&self, response: &Response<Bytes>, now: UnixMs) -> Result<Token, SignError> {
        match self {
            Self::Grant(_) => oauth2::read(response.status(), response.body(), now),
            Self::Session(_) => session::read(response, now),
        }
    }

    /// The header that carries a token, and what stands before it there.
    fn header(&self) -> (HeaderName, &'static str) {
        match self {
            Self::Grant(grant) if grant.present() == Present::Shopify => (HeaderName::from_static(SHOPIFY_HEADER), ""),
            Self::Grant(_) => (AUTHORIZATION, "Bearer "),
            Self::Session(_) => (COOKIE, ""),
        }
    }
}

/// What a request was signed with, to tell a token that has just been replaced from one that is refused.
pub struct Signed(Option<Secret>);

impl Signer {
    /// A signer with these credentials.
    ///
    /// # Errors
    /// The member that cannot work: a key that is not PEM, a header that is not one.
    pub fn new(credentials: Credentials, ambient: Arc<dyn Ambient>) -> Result<Self, BadCredentials> {
        let scheme = scheme_of(&credentials)?;
        let mut secrets: Vec<Secret> = Vec::new();
        if let Scheme::Header(_, value) = &scheme {
            // `Basic …` as a whole, and its Base64 alone, which is what an echo quotes.
            secrets.push(Secret::new(value.expose().trim_start_matches("Basic ").to_owned()));
        }
        let scrubber = Arc::new(scrubber(&credentials, &secrets));
        let known = RwLock::new((secrets, scrubber));
        Ok(Self { credentials, scheme, ambient, token: tokio::sync::Mutex::default(), known })
    }

    /// Knows every secret of the connection, in every spelling.
    #[must_use]
    pub fn scrubber(&self) -> Arc<Scrubber> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The header this signer sets besides `Authorization`, which is never a guest's.
    #[must_use]
    pub fn reserves(&self, header: &HeaderName) -> bool {
        match &self.scheme {
            Scheme::Header(name, _) => name == header,
            Scheme::Fetched(source) => source.header().0 == *header,
            _ => false,
        }
    }

    /// Adds the credentials to `request`, fetching a token through `transport` if there is none.
    ///
    /// # Errors
    /// Why there is no token. The request was not sent.
    pub async fn sign(&self, request: &mut Request<Bytes>, transport: &dyn Transport) -> Result<Signed, SignError> {
        match &self.scheme {
            Scheme::None => Ok(Signed(None)),
            Scheme::Header(name, value) => insert(request, name.clone(), value.expose()).map(|()| Signed(None)),
            Scheme::Tba(token) => {
                let url: Url = request.uri().to_string().parse().map_err(|_| SignError::Denied("no URL".to_owned()))?;
                let nonce = format!("{:032x}", self.ambient.nonce());
                let stamp = oauth1::Stamp { seconds: self.ambient.now().0 / 1_000, nonce: &nonce };
                let value = oauth1::authorization(token, request.method().as_str(), &url, &stamp);
                insert(request, AUTHORIZATION, &value).map(|()| Signed(None))
            }
            Scheme::Fetched(source) => {
                let token = self.token(source, transport).await?;
                let (name, before) = source.header();
                insert(request, name, &format!("{before}{}", token.expose()))?;
                Ok(Signed(Some(token)))
            }
        }
    }

    /// After a 401 to a request that was signed as `signed`: forgets that token. True if signing again would use
    /// another one. Only fetched tokens are renewed: repeating a refused fixed credential can lock an account.
    pub async fn renew(&self, signed: &Signed) -> bool {
        let Some(refused) = &signed.0 else { return false };
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|it| it.value.expose() == refused.expose()) {
            *token = None;
        }
        true
    }

    async fn token(&self, source: &Source, transport: &dyn Transport) -> Result<Secret, SignError> {
        let mut kept = self.token.lock().await;
        let now = self.ambient.now();
        if let Some(token) = kept.as_mut().filter(|it| it.is_fresh(now)) {
            token.touch(now);
            return Ok(token.value.clone());
        }
        let request = source.request(now)?;
        let response = transport.send(request, TOKEN_TIMEOUT).await.map_err(|error| match error {
            TransportError::Denied(why) => SignError::Denied(format!("the token endpoint: {why}")),
            other => SignError::Unavailable(format!("the token endpoint: {other}")),
        })?;
        let token = source.read(&response, now)?;
        if let Source::Session(_) = source {
            session::parts(&token.value).for_each(|it| self.know(&Secret::new(it.to_owned())));
        }
        self.know(&token.value);
        *kept = Some(token.clone());
        Ok(token.value)
    }

    fn know(&self, token: &Secret) {
        const TOKENS_KNOWN: usize = 6;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.0.len() >= TOKENS_KNOWN {
            known.0.remove(0);
        }
        known.0.push(token.clone());
        known.1 = Arc::new(scrubber(&self.credentials, &known.0));
    }
}

const SHOPIFY_HEADER: &str = "x-shopify-access-token";

fn scrubber(credentials: &Credentials, tokens: &[Secret]) -> Scrubber {
    Scrubber::new(credentials.secrets().into_iter().chain(tokens.iter().map(Secret::expose)))
}

impl Credentials {
    /// Whether they could work at all: before they are kept, and without asking anybody.
    ///
    /// # Errors
    /// The member that cannot work.
    pub fn check(&self) -> Result<(), BadCredentials> {
        if self.secrets().iter().any(|it| it.is_empty()) {
            return Err(BadCredentials("a secret is empty"));
        }
        scheme_of(self).map(drop)
    }
}

fn scheme_of(credentials: &Credentials) -> Result<Scheme, BadCredentials> {
    match credentials {
        Credentials::None {} => Ok(Scheme::None),
        Credentials::Basic { username, .. } if username.contains(':') => Err(BadCredentials("username holds a colon")),
        Credentials::Basic { username, password } => {
            let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
            header(AUTHORIZATION, Secret::new(format!("Basic {pair}")))
        }
        Credentials::ApiKeyHeader { header: name, value } => {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| BadCredentials("header is no header name"))?;
            header(name, value.clone())
        }
        Credentials::ShopifyToken { token } => header(HeaderName::from_static(SHOPIFY_HEADER), token.clone()),
        Credentials::B1Session(it) => {
            check_url(&it.login_url, "login_url is not a plain URL")?;
            Ok(Scheme::Fetched(Source::Session(it.clone())))
        }
        Credentials::Oauth1Tba(token) => Ok(Scheme::Tba(token.clone())),
        Credentials::Oauth2ClientCredentials(it) => {
            check_url(&it.token_url, NO_TOKEN_URL)?;
            Ok(Scheme::Fetched(Source::Grant(Grant::Client(it.clone()))))
        }
        Credentials::Oauth2JwtBearer(it) => {
            check_url(&it.token_url, NO_TOKEN_URL)?;
            Grant::jwt(it.clone()).map(|it| Scheme::Fetched(Source::Grant(it)))
        }
    }
}

fn header(name: HeaderName, value: Secret) -> Result<Scheme, BadCredentials> {
    HeaderValue::from_str(value.expose()).map_err(|_| BadCredentials("the value does not fit in a header"))?;
    Ok(Scheme::Header(name, value))
}

const NO_TOKEN_URL: &str = "token_url is not a plain URL";

fn check_url(text: &str, otherwise: &'static str) -> Result<(), BadCredentials> {
    let url: Url = text.parse().map_err(|_| BadCredentials(otherwise))?;
    let bare = url.username().is_empty() && url.password().is_none();
    if bare && url.has_host() { Ok(()) } else { Err(BadCredentials(otherwise)) }
}

fn insert(request: &mut Request<Bytes>, name: HeaderName, value: &str) -> Result<(), SignError> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| SignError::Unavailable("the token does not fit in a header".to_owned()))?;
    // Keeps it out of debug output and out of HTTP/2's compression tables.
    value.set_sensitive(true);
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests;
