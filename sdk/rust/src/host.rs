//! The outside, as a connector reaches it: HTTP, a log, a small memory.

use crate::bindings::connector::truthsource::{http::client, kv::store};
use crate::bindings::shared::truthsource::log::logger;

/// A request. The host adds the credentials; a guest never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// An absolute URL within the connection's grant.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty for none.
    pub body: Vec<u8>,
    /// How long to wait for the whole answer, in milliseconds: 1 to 30 000.
    pub timeout_ms: u32,
}

/// An answer of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// How long the system wants to be left alone, in milliseconds, no more than an hour: `Retry-After` in seconds, or
    /// as a date, which is taken against the answer's own `Date` (a system's clock may be wrong) or else against
    /// `now_ms`. `None` when it does not say, or says nothing that makes sense.
    #[must_use]
    pub fn retry_after_ms(&self, now_ms: u64) -> Option<u32> {
        let asked = self.header("retry-after")?.trim();
        let wait_ms = match seconds_ms(asked) {
            Some(wait_ms) => wait_ms,
            None => http_date_ms(asked)?.saturating_sub(self.header("date").and_then(http_date_ms).unwrap_or(now_ms)),
        };
        Some(u32::try_from(wait_ms).unwrap_or(u32::MAX).min(RETRY_AFTER_MS_MAX))
    }
}

/// Longer waits are taken for a mistake, or worse.
const RETRY_AFTER_MS_MAX: u32 = 3_600_000;

/// Seconds as `2` or `2.5`; so many that no number holds them are the largest there is.
fn seconds_ms(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(whole.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000).saturating_add(millis))
}

fn http_date_ms(text: &str) -> Option<u64> {
    let at = httpdate::parse_http_date(text.trim()).ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFault {
    /// The grant, the address guard or a header rule forbids it. Nothing was sent.
    Denied(String),
    /// No connection was made, so the other side cannot have acted.
    Unreachable(String),
    /// The request may have been sent and no whole answer came: look before repeating a write.
    Unknown(String),
    /// The answer is over its limit. A write may have been carried out.
    TooLarge,
    /// This call has used its number of requests. Nothing was sent.
    TooMany,
    /// Anything else.
    Other(String),
}

/// Why a key could not be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvFault {
    /// The tenant's grant does not include `kv`.
    Denied,
    /// The value, the key or the number of keys is over its limit.
    TooLarge,
    /// A later call may succeed.
    Unavailable,
    /// Anything else.
    Other(String),
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the author.
    Debug,
    /// For the tenant.
    Info,
    /// Something is odd, and the call goes on.
    Warn,
    /// Something is wrong.
    Error,
}

/// What a connector may ask of its surroundings. In a component this is the imports; in a test, a fake.
pub trait Host {
    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// When there is no whole answer; an answer of any status is none.
    fn send(&self, request: &Request) -> Result<Response, HttpFault>;

    /// Keeps one line for the author and the tenant.
    fn log(&self, level: Level, message: &str);

    /// The value last stored under `key`.
    ///
    /// # Errors
    /// When the store cannot be used.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvFault>;

    /// Replaces the value under `key`; durable when the call ends well.
    ///
    /// # Errors
    /// When the store cannot be used.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), KvFault>;
}

/// The host of a running component: its imports.
#[derive(Debug, Clone, Copy)]
pub struct Imports;

impl Host for Imports {
    fn send(&self, request: &Request) -> Result<Response, HttpFault> {
        let sent = client::send(&client::Request {
            method: request.method.to_owned(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            timeout_ms: request.timeout_ms,
        });
        match sent {
            Ok(answer) => Ok(Response { status: answer.status, headers: answer.headers, body: answer.body }),
            Err(client::Fault::Denied(why)) => Err(HttpFault::Denied(why)),
            Err(client::Fault::Unreachable(why)) => Err(HttpFault::Unreachable(why)),
            Err(client::Fault::Unknown(why)) => Err(HttpFault::Unknown(why)),
            Err(client::Fault::TooLarge) => Err(HttpFault::TooLarge),
            Err(client::Fault::TooMany) => Err(HttpFault::TooMany),
            Err(client::Fault::Other(why)) => Err(HttpFault::Other(why)),
        }
    }

    fn log(&self, level: Level, message: &str) {
        log(level, message);
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvFault> {
        store::get(key).map_err(KvFault::from)
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), KvFault> {
        store::set(key, value).map_err(KvFault::from)
    }
}

impl From<store::Fault> for KvFault {
    fn from(fault: store::Fault) -> Self {
        match fault {
            store::Fault::Denied => Self::Denied,
            store::Fault::TooLarge => Self::TooLarge,
            store::Fault::Unavailable => Self::Unavailable,
            store::Fault::Other(why) => Self::Other(why),
        }
    }
}

/// Keeps one line of a rule's log. Outside a component it goes nowhere.
pub fn log(level: Level, message: &str) {
    if cfg!(target_family = "wasm") {
        let level = match level {
            Level::Debug => logger::Level::Debug,
            Level::Info => logger::Level::Info,
            Level::Warn => logger::Level::Warn,
            Level::Error => logger::Level::Error,
        };
        logger::log(level, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p2_a_wait_is_understood_and_bounded() {
        // 1994-11-06T08:49:37Z
        const NOW: u64 = 784_111_777_000;
        let check = |asked: &str, date: Option<&str>, expect: Option<u32>| {
            let named = [("retry-after", Some(asked)), ("date", date)];
            let headers = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            let response = Response { status: 429, headers: headers.collect(), body: Vec::new() };
            assert_eq!(response.retry_after_ms(NOW), expect, "{asked} {date:?}");
        };
        check("2", None, Some(2_000));
        check(" 2.5 ", None, Some(2_500));
        check("0", None, Some(0));
        check("1000000000", None, Some(3_600_000));
        check(&"9".repeat(400), None, Some(3_600_000));
        check("Sun, 06 Nov 1994 08:49:47 GMT", None, Some(10_000));
        check("Sunday, 06-Nov-94 08:49:47 GMT", None, Some(10_000));
        check("Sun, 06 Nov 1994 08:49:07 GMT", None, Some(0));
        check("Fri, 31 Dec 9999 23:59:59 GMT", None, Some(3_600_000));
        // Its clock is a day behind ours.
        check("Sat, 05 Nov 1994 08:49:47 GMT", Some("Sat, 05 Nov 1994 08:49:37 GMT"), Some(10_000));
        check("Sat, 05 Nov 1994 08:49:47 GMT", Some("yesterday"), Some(0));
        for nothing in ["", "-1", "soon", "1e9", "2.x", "0x10", "Sun, 99 Nov 1994 08:49:47 GMT"] {
            check(nothing, None, None);
        }
        assert_eq!(Response { status: 429, headers: Vec::new(), body: Vec::new() }.retry_after_ms(NOW), None);
    }
}
