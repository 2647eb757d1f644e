//! `truthsource:http`: requests to granted origins, checked, signed, scrubbed and recorded by the host.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use url::Url;

use crate::bindings::connector::truthsource::http::client as wit;
use crate::call::Reach;
use crate::digest::Digest;
use crate::egress::{Origin, RESPONSE_BYTES_MAX, Transport, TransportError};
use crate::record::{Exchange, ExchangeEnd, HostAnswer};
use crate::scrub::Scrubber;
use crate::signing::{Secret, SignError, Signer};
use crate::state::{HostState, Source};

/// Requests of one call: the contract's number. A page takes one or two; a hundred means a loop.
pub const REQUESTS_MAX: u32 = 64;
/// The longest URL, in bytes: the contract's number, and about what servers accept.
pub const URL_BYTES_MAX: usize = 8_192;
/// The most headers of a request: the contract's number.
pub const HEADERS_MAX: usize = 64;
/// All headers of a request together, in bytes: the contract's number.
pub const HEADER_BYTES_MAX: usize = 16_384;
/// The largest body of a request, in bytes: the contract's number.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The longest wait for an answer, in milliseconds: the contract's number.
pub const TIMEOUT_MS_MAX: u32 = 30_000;

/// Headers that are the host's or the connection's own business. A guest that sets one is refused; an answer's are
/// removed.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Further headers that a guest may not set.
const RESERVED: [&str; 4] = ["host", "content-length", "authorization", "expect"];

/// Stands for the webhook secret in what a connector sends to subscribe.
pub(crate) const WEBHOOK_SECRET_MARK: &str = "theSecretThatDeliveriesProveThemselvesWith7f3a";

/// The secret that a system's deliveries are to prove themselves with. It is put into requests as they leave, so that no
/// guest ever sees it.
#[derive(Clone)]
pub struct WebhookSecret(Secret, Arc<Scrubber>);

impl WebhookSecret {
    /// `None` for a text that would have to be quoted in a body: only letters, digits, `-` and `_` stay as they are.
    #[must_use]
    pub fn new(secret: Secret) -> Option<Self> {
        let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        if secret.expose().is_empty() || !secret.expose().bytes().all(is_plain) {
            return None;
        }
        let scrubber = Arc::new(Scrubber::new([secret.expose()]));
        Some(Self(secret, scrubber))
    }

    /// The answer without the secret. Where the system shows it, its mark stands again: so a connector sees whether what
    /// a system holds is the secret of today.
    fn hide(&self, answer: wit::Response) -> wit::Response {
        let text = |it: String| self.1.text(&it).into_owned();
        let headers = answer.headers.into_iter().map(|(name, value)| (name, text(value))).collect();
        let marked = replaced(&answer.body, self.0.expose(), WEBHOOK_SECRET_MARK);
        let body = self.1.bytes(marked.as_deref().unwrap_or(&answer.body)).into_owned();
        wit::Response { status: answer.status, headers, body }
    }

    /// The body with the secret in its mark's place; `None` if there is no mark in it.
    fn put_into(&self, body: &[u8]) -> Option<Bytes> {
        replaced(body, WEBHOOK_SECRET_MARK, self.0.expose()).map(Bytes::from)
    }
}

/// A connection's way out: where it may go, how it gets there, and with whose credentials.
pub struct Outbound {
    origins: BTreeSet<Origin>,
    /// Those that the credentials are for: to no other are they sent.
    signed: BTreeSet<Origin>,
    transport: Arc<dyn Transport>,
    signer: Signer,
}

impl Outbound {
    /// A way to exactly these origins, with credentials for those that are `signed`. Keep it for as long as the
    /// connection: it holds the connection's token.
    #[must_use]
    pub fn new(
        (origins, signed): (BTreeSet<Origin>, BTreeSet<Origin>),
        transport: Arc<dyn Transport>,
        signer: Signer,
    ) -> Self {
        Self { origins, signed, transport, signer }
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Checks what the guest wrote, and whether credentials go where it goes. The error is what the guest is told.
    fn check(&self, request: wit::Request) -> Result<(Request<Bytes>, bool), wit::Fault> {
        let denied = |why: &str| wit::Fault::Denied(why.to_owned());
        let method = match request.method.as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            _ => return Err(denied("method must be GET, POST, PUT, PATCH or DELETE")),
        };
        let (url, origin) = self.check_url(&request.url)?;
        if request.body.len() > BODY_BYTES_MAX {
            return Err(denied("the body is over its limit"));
        }
        if request.timeout_ms == 0 || request.timeout_ms > TIMEOUT_MS_MAX {
            return Err(denied("timeout-ms must be 1 to 30000"));
        }
        let mut checked = Request::new(Bytes::from(request.body));
        *checked.method_mut() = method;
        *checked.headers_mut() = self.check_headers(&request.headers)?;
        // The parsed URL is sent, not the guest's spelling of it: what was checked is what is dialled.
        *checked.uri_mut() = url.as_str().parse().map_err(|_| denied("the URL is not one"))?;
        Ok((checked, self.signed.contains(&origin)))
    }

    fn check_url(&self, text: &str) -> Result<(Url, Origin), wit::Fault> {
        let denied = |why: &str| wit::Fault::Denied(why.to_owned());
        if text.len() > URL_BYTES_MAX {
            return Err(denied("the URL is over its limit"));
        }
        let url: Url = text.parse().map_err(|_| denied("the URL is not one"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(denied("a URL carries no user information"));
        }
        if url.fragment().is_some() {
            return Err(denied("a URL carries no fragment"));
        }
        let origin = Origin::of(&url).ok_or_else(|| denied("the URL is not http or https"))?;
        if !self.origins.contains(&origin) {
            return Err(wit::Fault::Denied(format!("the tenant has not granted {origin}")));
        }
        Ok((url, origin))
    }

    fn check_headers(&self, headers: &[(String, String)]) -> Result<HeaderMap, wit::Fault> {
        let denied = |why: String| wit::Fault::Denied(why);
        let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if headers.len() > HEADERS_MAX || bytes > HEADER_BYTES_MAX {
            return Err(denied("the headers are over their limit".to_owned()));
        }
        let mut checked = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            // Refuses what is no token, and so any smuggled line.
            let parsed =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| denied("a header name is none".to_owned()))?;
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Err(denied("header names are lower case".to_owned()));
            }
            let reserved = HOP_BY_HOP.iter().chain(&RESERVED).any(|it| *it == parsed.as_str());
            if reserved || self.signer.reserves(&parsed) {
                return Err(denied(format!("`{parsed}` is the host's to set")));
            }
            let value = HeaderValue::from_str(value).map_err(|_| denied(format!("the value of `{parsed}` is none")))?;
            checked.append(parsed, value);
        }
        Ok(checked)
    }

    /// Signs, sends, and after a 401 signs with a new token and sends once more: a 401 was not carried out.
    async fn exchange(
        &self,
        (request, is_signed): (Request<Bytes>, bool),
        timeout: Duration,
    ) -> Result<Response<Bytes>, wit::Fault> {
        if !is_signed {
            return self.transport.send(request, timeout).await.map_err(fault_of);
        }
        let mut first = request.clone();
        let signed = self.sign(&mut first).await?;
        let response = self.transport.send(first, timeout).await.map_err(fault_of)?;
        if response.status() != StatusCode::UNAUTHORIZED || !self.signer.renew(&signed).await {
            return Ok(response);
        }
        let mut second = request;
        self.sign(&mut second).await?;
        self.transport.send(second, timeout).await.map_err(fault_of)
    }

    async fn sign(&self, request: &mut Request<Bytes>) -> Result<crate::signing::Signed, wit::Fault> {
        let signed = self.signer.sign(request, self.transport.as_ref()).await;
        signed.map_err(|error| match error {
            SignError::Denied(why) => wit::Fault::Denied(why),
            SignError::Unavailable(why) => wit::Fault::Unreachable(why),
        })
    }

    /// What the guest may see of the answer.
    fn scrub(&self, response: Response<Bytes>) -> Result<wit::Response, wit::Fault> {
        if response.body().len() > RESPONSE_BYTES_MAX {
            return Err(wit::Fault::TooLarge);
        }
        let scrubber = self.signer.scrubber();
        let mut headers = Vec::with_capacity(response.headers().len());
        for (name, value) in response.headers() {
            if !HOP_BY_HOP.contains(&name.as_str()) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                headers.push((name.as_str().to_owned(), scrubber.text(&value).into_owned()));
            }
        }
        let body = scrubber.bytes(response.body()).into_owned();
        Ok(wit::Response { status: response.status().as_u16(), headers, body })
    }

    /// A fault's text may quote the outside, too.
    fn scrub_fault(&self, fault: wit::Fault) -> wit::Fault {
        let scrubber = self.signer.scrubber();
        let clean = |text: String| scrubber.text(&text).into_owned();
        match fault {
            wit::Fault::Denied(text) => wit::Fault::Denied(clean(text)),
            wit::Fault::Unreachable(text) => wit::Fault::Unreachable(clean(text)),
            wit::Fault::Unknown(text) => wit::Fault::Unknown(clean(text)),
            wit::Fault::Other(text) => wit::Fault::Other(clean(text)),
            wit::Fault::TooLarge | wit::Fault::TooMany => fault,
        }
    }

    async fn send(&self, request: wit::Request, reach: &Reach) -> Result<wit::Response, wit::Fault> {
        let timeout = Duration::from_millis(u64::from(request.timeout_ms));
        let secret = reach.webhook_secret.as_ref();
        let (mut request, is_signed) = self.check(request)?;
        request.extensions_mut().insert(reach.class);
        if let Some(body) = secret.and_then(|it| it.put_into(request.body())) {
            if !is_signed {
                return Err(wit::Fault::Denied("the secret goes where the credentials go".to_owned()));
            }
            *request.body_mut() = body;
        }
        let end = match self.exchange((request, is_signed), timeout).await {
            Ok(response) => self.scrub(response),
            Err(fault) => Err(fault),
        };
        // Systems show what they were told.
        let end = end.map(|it| if let Some(secret) = secret { secret.hide(it) } else { it });
        end.map_err(|fault| self.scrub_fault(fault))
    }
}

/// `body` with every `from` replaced by `to`; `None` if there is none in it.
fn replaced(body: &[u8], from: &str, to: &str) -> Option<Vec<u8>> {
    let from = from.as_bytes();
    let mut out: Option<Vec<u8>> = None;
    let mut rest = body;
    while let Some(at) = rest.windows(from.len()).position(|it| it == from) {
        let out = out.get_or_insert_with(|| Vec::with_capacity(body.len()));
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to.as_bytes());
        rest = &rest[at + from.len()..];
    }
    out.as_mut()?.extend_from_slice(rest);
    out
}

fn fault_of(error: TransportError) -> wit::Fault {
    match error {
        TransportError::Denied(why) => wit::Fault::Denied(why),
        TransportError::Unreachable(why) => wit::Fault::Unreachable(why),
        TransportError::Unknown(why) => wit::Fault::Unknown(why),
        TransportError::TooLarge => wit::Fault::TooLarge,
    }
}

fn end_of(result: &Result<wit::Response, wit::Fault>) -> ExchangeEnd {
    let fault = |name: &str, message: &str| ExchangeEnd::Fault { fault: name.to_owned(), message: message.to_owned() };
    match result {
        Ok(it) => ExchangeEnd::Answer { status: it.status, headers: it.headers.clone(), body: it.body.clone() },
        Err(wit::Fault::Denied(text)) => fault("denied", text),
        Err(wit::Fault::Unreachable(text)) => fault("unreachable", text),
        Err(wit::Fault::Unknown(text)) => fault("unknown", text),
        Err(wit::Fault::TooLarge) => fault("too-large", ""),
        Err(wit::Fault::TooMany) => fault("too-many", ""),
        Err(wit::Fault::Other(text)) => fault("other", text),
    }
}

fn result_of(end: ExchangeEnd) -> Result<wit::Response, wit::Fault> {
    match end {
        ExchangeEnd::Answer { status, headers, body } => Ok(wit::Response { status, headers, body }),
        ExchangeEnd::Fault { fault, message } => Err(match fault.as_str() {
            "denied" => wit::Fault::Denied(message),
            "unreachable" => wit::Fault::Unreachable(message),
            "unknown" => wit::Fault::Unknown(message),
            "too-large" => wit::Fault::TooLarge,
            "too-many" => wit::Fault::TooMany,
            _ => wit::Fault::Other(message),
        }),
    }
}

impl wit::Host for HostState {
    async fn send(&mut self, request: wit::Request) -> wasmtime::Result<Result<wit::Response, wit::Fault>> {
        self.count_host_call()?;
        let (method, url, body) = (request.method.clone(), request.url.clone(), Digest::of(&request.body));
        if let Source::Recorded(recorded) = &mut self.source {
            return match recorded.next()? {
                HostAnswer::Http(it) if it.method == method && it.url == url && it.body == body => {
                    Ok(result_of(it.end))
                }
                _ => recorded.diverged(&format!("{method} {url}")),
            };
        }
        let result = match self.reach.http.clone() {
            None => Err(wit::Fault::Denied("the tenant has granted no http".to_owned())),
            Some(_) if self.http_requests >= REQUESTS_MAX => Err(wit::Fault::TooMany),
            Some(outbound) => {
                self.http_requests += 1;
                outbound.send(request, &self.reach).await
            }
        };
        self.keep(|| HostAnswer::Http(Exchange { method, url, body, end: end_of(&result) }));
        Ok(result)
    }
}
