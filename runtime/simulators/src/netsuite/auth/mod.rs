//! Who may come in. A caller learns only that it may not; the account's side log keeps why.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderValue;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use serde::Serialize;
use truthsource_core::UnixMs;

use super::problem::Problem;
use super::settings::Settings;
use crate::system::{Request, Response};

pub(super) mod bearer;
pub(super) mod signed;

/// Failures in a row that lock a token.
const FAILURES_MAX: u32 = 5;
/// How long it stays locked.
const LOCK_MS: u64 = 30 * 60 * 1_000;

/// A refused login, as the account's login audit trail shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// When.
    pub at: UnixMs,
    /// `oauth1`, `oauth2`, `token` (the token endpoint) or `none`.
    pub scheme: &'static str,
    /// The audit trail's word for it: `InvalidSignature`, `NonceUsed`, …
    pub reason: &'static str,
    /// More, for people.
    pub detail: String,
}

/// What the account remembers of logins.
#[derive(Debug, Clone, Default)]
pub(super) struct Auth {
    /// Access tokens that were given out, and when each ends.
    bearers: BTreeMap<String, UnixMs>,
    issued: u64,
    /// (second, nonce) of every signed request that was let in of late.
    nonces: BTreeSet<(u64, String)>,
    failures: u32,
    locked_until: Option<UnixMs>,
    refusals: Vec<Refusal>,
}

/// Why a request stays outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Denied {
    scheme: &'static str,
    reason: &'static str,
    detail: String,
}

impl Denied {
    fn new(scheme: &'static str, reason: &'static str, detail: impl Into<String>) -> Self {
        Self { scheme, reason, detail: detail.into() }
    }
}

impl Auth {
    /// Every refused login so far.
    pub(super) fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Ends every access token, as an administrator who revokes them does.
    pub(super) fn revoke_bearers(&mut self) {
        self.bearers.clear();
    }

    /// The answer to a request to any service that may not come in; `None` lets it in.
    pub(super) fn turn_away(&mut self, settings: &Settings, now: UnixMs, request: &Request) -> Option<Response> {
        let header = request.headers().get(AUTHORIZATION).map(|it| it.to_str().unwrap_or_default());
        let (scheme, rest) = header.and_then(|it| it.split_once(' ')).unwrap_or((header.unwrap_or_default(), ""));
        let outcome = match scheme.to_ascii_lowercase().as_str() {
            "oauth" => self.admit_signed(settings, now, request, rest),
            "bearer" => self.admit_bearer(now, rest),
            "" => Err(Denied::new("none", "MissingAuthorization", "no Authorization header")),
            other => Err(Denied::new("none", "UnknownScheme", other)),
        };
        let denied = outcome.err()?;
        let response = answer(settings, &denied);
        self.note(now, denied);
        Some(response)
    }

    fn note(&mut self, at: UnixMs, denied: Denied) {
        self.refusals.push(Refusal { at, scheme: denied.scheme, reason: denied.reason, detail: denied.detail });
    }

    fn admit_signed(
        &mut self,
        settings: &Settings,
        now: UnixMs,
        request: &Request,
        header: &str,
    ) -> Result<(), Denied> {
        if self.locked_until.is_some_and(|until| now < until) {
            return Err(Denied::new("oauth1", "temporary_locked", "too many failures"));
        }
        match signed::verify(settings, now, request, header) {
            Ok((second, nonce)) => {
                let oldest = now.minus(2 * signed::TOLERANCE_MS).0 / 1_000;
                self.nonces = self.nonces.split_off(&(oldest, String::new()));
                if !self.nonces.insert((second, nonce)) {
                    return self.count_failure(now, Denied::new("oauth1", "NonceUsed", "sent before"));
                }
                self.failures = 0;
                Ok(())
            }
            Err(denied) => self.count_failure(now, denied),
        }
    }

    fn count_failure(&mut self, now: UnixMs, denied: Denied) -> Result<(), Denied> {
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            self.failures = 0;
            self.locked_until = Some(now.plus(LOCK_MS));
        }
        Err(denied)
    }

    fn admit_bearer(&mut self, now: UnixMs, token: &str) -> Result<(), Denied> {
        self.bearers.retain(|_, until| now < *until);
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err(Denied::new("oauth2", "invalid_request", "malformed Authorization header"));
        }
        if self.bearers.contains_key(token) {
            Ok(())
        } else {
            Err(Denied::new("oauth2", "invalid_token", "unknown or expired access token"))
        }
    }
}

/// How a refused login is answered.
fn answer(settings: &Settings, denied: &Denied) -> Response {
    if denied.reason != "invalid_request" && denied.scheme != "oauth2" {
        return Problem::invalid_login().response();
    }
    let is_malformed = denied.reason == "invalid_request";
    let mut response = if is_malformed {
        Problem::new(400, "INVALID_REQUEST", "The Authorization header is malformed.").response()
    } else {
        Problem::invalid_login().response()
    };
    let description = "error_description=\"Invalid login attempt.\"";
    let value = format!("Bearer realm=\"{}\", error=\"{}\", {description}", settings.account, denied.reason);
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
