//! What connectors reach in this crate's tests: scripted transports, and a store in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use truthsource_core::UnixMs;

use crate::call::Reach;
use crate::capability::http::Outbound;
use crate::capability::kv::{KvGrant, KvStore, Unavailable};
use crate::egress::{Origin, Transport, TransportError};
use crate::signing::{Ambient, Signer};

/// A clock that stands and nonces that count.
#[derive(Default)]
pub(crate) struct Still(Mutex<u128>);

impl Ambient for Still {
    fn now(&self) -> UnixMs {
        UnixMs(1_700_000_000_000)
    }
    fn nonce(&self) -> u128 {
        let mut last = self.0.lock().unwrap();
        *last += 1;
        *last
    }
}

/// What a scripted transport does with a request.
pub(crate) enum Act {
    Answer(u16, &'static str),
    Fail(TransportError),
    Hang,
    Panic,
}

/// Acts in order, and remembers the requests it saw.
#[derive(Default)]
pub(crate) struct Script {
    acts: Mutex<VecDeque<Act>>,
    pub(crate) seen: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    pub(crate) fn new(acts: Vec<Act>) -> Arc<Self> {
        Arc::new(Self { acts: Mutex::new(acts.into()), seen: Mutex::default() })
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, TransportError> {
        self.seen.lock().unwrap().push(request);
        let act = self.acts.lock().unwrap().pop_front().unwrap();
        match act {
            Act::Answer(status, body) => Ok(Response::builder()
                .status(status)
                .header("content-type", "text/plain")
                .header("connection", "close")
                .header("x-echo", body)
                .body(Bytes::from_static(body.as_bytes()))
                .unwrap()),
            Act::Fail(error) => Err(error),
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("the transport broke"),
        }
    }
}

/// A way to `https://shop.example` with these credentials, and to a partner's without.
pub(crate) fn outbound(script: &Arc<Script>, credentials: &str) -> Arc<Outbound> {
    let credentials = serde_json::from_str(credentials).unwrap();
    let signer = Signer::new(credentials, Arc::new(Still::default())).unwrap();
    let shop: Origin = "https://shop.example".parse().unwrap();
    let origins = [shop.clone(), "https://partner.example".parse().unwrap()].into();
    Arc::new(Outbound::new((origins, [shop].into()), script.clone(), signer))
}

/// Reaches `https://shop.example` through `script` with a Shopify token.
pub(crate) fn reach(script: &Arc<Script>) -> Reach {
    Reach { http: Some(outbound(script, r#"{"scheme":"shopify-token","token":"shpat_hidden"}"#)), ..Reach::default() }
}

/// A store in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    pub(crate) fn grant(self: &Arc<Self>) -> Reach {
        Reach { kv: Some(KvGrant(self.clone())), ..Reach::default() }
    }
}

#[async_trait]
impl KvStore for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        Ok(self.0.lock().unwrap().get(key).cloned())
    }
    async fn count(&self) -> Result<usize, Unavailable> {
        Ok(self.0.lock().unwrap().len())
    }
    async fn apply(&self, writes: BTreeMap<String, Option<Vec<u8>>>) -> Result<(), Unavailable> {
        let mut kept = self.0.lock().unwrap();
        for (key, value) in writes {
            match value {
                Some(value) => kept.insert(key, value),
                None => kept.remove(&key),
            };
        }
        Ok(())
    }
}
