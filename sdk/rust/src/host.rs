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
