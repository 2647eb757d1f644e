//! SAP Business One: a session at Service Layer, kept by cookies.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, SET_COOKIE};
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;

use super::Secret;
use super::credentials::B1Session;
use super::signer::SignError;
use super::token::Token;

/// How long a session is believed when the server does not say, in minutes: the product's default.
const LIFE_DEFAULT_MIN: u64 = 30;
/// The cookies that are sent back: the session, and the node behind the load balancer that holds it.
const COOKIES: [&str; 2] = ["B1SESSION", "ROUTEID"];

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Login<'a> {
    #[serde(rename = "CompanyDB")]
    company_db: &'a str,
    user_name: &'a str,
    password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<u32>,
}

/// The request that opens a session.
pub(super) fn request(login: &B1Session) -> Result<Request<Bytes>, SignError> {
    let body = Login {
        company_db: &login.company,
        user_name: &login.username,
        password: login.password.expose(),
        language: login.language,
    };
    let body = serde_json::to_vec(&body).map_err(|_| SignError::Denied("the login cannot be written".to_owned()))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(&login.login_url)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json");
    request.body(Bytes::from(body)).map_err(|_| SignError::Denied("login_url is not a URL".to_owned()))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Opened {
    session_id: String,
    #[serde(default)]
    session_timeout: Option<u64>,
}

/// Reads the server's answer into the cookies that every request carries. Installations differ in how they refuse a
/// login, so only what a load balancer says counts as a failure that passes.
pub(super) fn read(response: &Response<Bytes>, now: UnixMs) -> Result<Token, SignError> {
    let status = response.status();
    if !status.is_success() {
        let why = format!("the login was answered {}", status.as_u16());
        return Err(if status.is_server_error() { SignError::Unavailable(why) } else { SignError::Denied(why) });
    }
    let opened: Opened = serde_json::from_slice(response.body())
        .map_err(|_| SignError::Unavailable("the login's answer has no session".to_owned()))?;
    let mut cookies = cookies(response);
    if cookies.is_empty() {
        // A proxy took the cookie away; the body has it, too.
        cookies.push(format!("{}={}", COOKIES[0], opened.session_id));
    }
    let life_ms = opened.session_timeout.unwrap_or(LIFE_DEFAULT_MIN).saturating_mul(60_000);
    Ok(Token::sliding(Secret::new(cookies.join("; ")), life_ms, now))
}

/// The cookies by hand: theirs have no path and end in a semicolon, which cookie jars take amiss.
fn cookies(response: &Response<Bytes>) -> Vec<String> {
    let given = response.headers().get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = given.filter_map(|it| it.split(';').next()).map(str::trim);
    let ours = |pair: &&str| pair.split_once('=').is_some_and(|(name, _)| COOKIES.contains(&name));
    pairs.filter(ours).map(str::to_owned).collect()
}

/// What the cookies hold: an echo may quote one of them alone.
pub(super) fn parts(token: &Secret) -> impl Iterator<Item = &str> {
    token.expose().split("; ").filter_map(|pair| Some(pair.split_once('=')?.1))
}
