//! The production transport: vetted addresses only, bounded in bytes and time.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{Origin, RESPONSE_BYTES_MAX, Transport, TransportError, is_global_unicast};

/// How long a connection, with its TLS handshake, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept: below the minute after which most servers close theirs, because a request
/// sent into a closing connection has an unknown outcome.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);
/// The most headers an answer may have, and so the most memory they take.
const HEADERS_MAX: usize = 128;

/// Turns names into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// Every address of `host`.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's own resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|it| it.ip()).collect())
    }
}

/// The production [`Transport`]. Make one per connection: its pool of connections is then nobody else's. TLS older than
/// 1.3 is not spoken, so that a system which has nothing newer cannot be reached.
pub struct Guarded {
    /// Resolves through the guard.
    public: reqwest::Client,
    /// For the operator's own origins.
    trusted: reqwest::Client,
    allowed: BTreeSet<Origin>,
}

impl Guarded {
    /// A transport to the public internet by `https`, and to the exact origins in `allowed`: the operator's own list
    /// of what may be reached on private addresses or without TLS.
    ///
    /// # Errors
    /// The TLS library's reason, when it cannot start (no root certificates).
    pub fn new(lookup: Arc<dyn Lookup>, allowed: BTreeSet<Origin>) -> Result<Self, TransportError> {
        Self::trusting(lookup, allowed, &[])
    }

    /// Trusts these roots, too.
    fn trusting(
        lookup: Arc<dyn Lookup>,
        allowed: BTreeSet<Origin>,
        roots: &[reqwest::Certificate],
    ) -> Result<Self, TransportError> {
        let public = client(Arc::new(Vetted { lookup: lookup.clone(), vets: true }), roots)?;
        let trusted = client(Arc::new(Vetted { lookup, vets: false }), roots)?;
        Ok(Self { public, trusted, allowed })
    }

    /// The client for `url`, or why it may not be asked. Names are vetted when they are resolved; the HTTP library
    /// does not resolve addresses written as such, so those are vetted here.
    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, TransportError> {
        let denied = |why: &str| Err(TransportError::Denied(why.to_owned()));
        let Some(origin) = Origin::of(url) else { return denied("only https is spoken") };
        if self.allowed.contains(&origin) {
            return Ok(&self.trusted);
        }
        if !origin.is_https() {
            return denied("only https is spoken");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return denied("a URL carries no credentials");
        }
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            _ => None,
        };
        match literal {
            Some(address) if !is_global_unicast(address) => denied("the address is not public"),
            _ => Ok(&self.public),
        }
    }
}

fn client(resolver: Arc<Vetted>, roots: &[reqwest::Certificate]) -> Result<reqwest::Client, TransportError> {
    reqwest::Client::builder()
        .dns_resolver(resolver)
        .tls_certs_merge(roots.iter().cloned())
        .tls_version_min(reqwest::tls::Version::TLS_1_3)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .user_agent("TruthSource")
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http1_max_headers(HEADERS_MAX)
        .build()
        .map_err(|error| TransportError::Unreachable(chain(&error)))
}

/// Hands the HTTP library vetted addresses, and those are what it dials: there is no second look-up to differ.
struct Vetted {
    lookup: Arc<dyn Lookup>,
    vets: bool,
}

/// The guard's refusal, found again in the HTTP library's error.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` leads to an address that is not public")]
struct Refused(String);

impl Resolve for Vetted {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, vets, host) = (self.lookup.clone(), self.vets, name.as_str().to_owned());
        Box::pin(async move {
            let addresses = lookup.lookup(&host).await?;
            // One bad answer spoils all: a name that is half private is an attack or a mistake.
            if vets && !addresses.iter().all(|it| is_global_unicast(*it)) {
                return Err(Refused(host).into());
            }
            let addresses: Vec<SocketAddr> = addresses.into_iter().map(|it| SocketAddr::new(it, 0)).collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[async_trait]
impl Transport for Guarded {
    async fn send(
        &self,
        mut request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let url: Url = request.uri().to_string().parse().map_err(|_| TransportError::Denied("no URL".to_owned()))?;
        let client = self.client_for(&url)?;
        // The library asks for what it can decompress, and then counts decompressed bytes.
        request.headers_mut().remove(http::header::ACCEPT_ENCODING);
        let mut request = reqwest::Request::try_from(request).map_err(|it| TransportError::Denied(chain(&it)))?;
        *request.timeout_mut() = Some(timeout);
        let response = client.execute(request).await.map_err(|error| classify(&error))?;
        collect(response).await
    }
}

async fn collect(mut response: reqwest::Response) -> Result<http::Response<Bytes>, TransportError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| TransportError::Unknown(chain(&error)))? {
        if body.len() + chunk.len() > RESPONSE_BYTES_MAX {
            return Err(TransportError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = http::Response::new(body.freeze());
    *whole.status_mut() = response.status();
    *whole.headers_mut() = std::mem::take(response.headers_mut());
    Ok(whole)
}

/// Only a failure to connect proves that nothing was sent.
fn classify(error: &reqwest::Error) -> TransportError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(it) = cause {
        if let Some(refused) = it.downcast_ref::<Refused>() {
            return TransportError::Denied(refused.to_string());
        }
        cause = it.source();
    }
    if error.is_connect() {
        return TransportError::Unreachable(chain(error));
    }
    if error.is_builder() {
        return TransportError::Denied(chain(error));
    }
    TransportError::Unknown(chain(error))
}

/// The innermost two causes, without the URL: the outer ones only repeat that a request failed.
fn chain(error: &dyn StdError) -> String {
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(it) = cause {
        texts.push(it.to_string());
        cause = it.source();
    }
    if texts.is_empty() {
        return "the request failed".to_owned();
    }
    let from = texts.len().saturating_sub(2);
    texts.split_off(from).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Answers with each list in turn, then with the last for ever.
    struct Script(Vec<Vec<&'static str>>, AtomicUsize);

    #[async_trait]
    impl Lookup for Script {
        async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
            let at = self.1.fetch_add(1, Ordering::Relaxed).min(self.0.len() - 1);
            Ok(self.0[at].iter().map(|it| it.parse().unwrap()).collect())
        }
    }

    fn guarded(answers: Vec<Vec<&'static str>>, allowed: &[&str]) -> Guarded {
        let allowed = allowed.iter().map(|it| it.parse().unwrap()).collect();
        Guarded::new(Arc::new(Script(answers, AtomicUsize::new(0))), allowed).unwrap()
    }

    async fn get(guarded: &Guarded, url: &str) -> Result<http::Response<Bytes>, TransportError> {
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        guarded.send(request, Duration::from_millis(2_000)).await
    }

    async fn check_denied(url: &str) {
        let guarded = guarded(vec![vec!["127.0.0.1"]], &[]);
        assert!(matches!(get(&guarded, url).await, Err(TransportError::Denied(_))), "{url}");
    }

    #[tokio::test]
    async fn i12_private_addresses_are_refused_in_every_disguise() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://localhost/",
            "https://localhost./",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[::1]/",
            "https://metadata.google.internal/",
            "http://shop.example/",
        ] {
            check_denied(url).await;
        }
    }

    #[tokio::test]
    async fn i12_a_name_with_one_private_answer_is_refused() {
        let guarded = guarded(vec![vec!["93.184.216.34", "10.0.0.1"]], &[]);
        let seen = get(&guarded, "https://shop.example/").await;
        let expect = "`shop.example` leads to an address that is not public";
        assert_eq!(seen.err(), Some(TransportError::Denied(expect.to_owned())));
    }

    #[tokio::test]
    async fn i12_every_connection_vets_the_addresses_it_dials() {
        // The first answer is public but goes nowhere; the second, when the name flips, is private.
        let guarded = guarded(vec![vec!["2001:4860:ffff::1"], vec!["127.0.0.1"]], &[]);
        let first = get(&guarded, "https://flip.example/").await;
        assert!(!matches!(first, Ok(_) | Err(TransportError::Denied(_))), "{first:?}");
        assert!(matches!(get(&guarded, "https://flip.example/").await, Err(TransportError::Denied(_))));
    }

    /// A server that reads one request per connection and answers `reply`; closes at once if that is empty.
    async fn server(reply: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let _ = socket.read(&mut head).await;
                let _ = socket.write_all(reply).await;
            }
        });
        origin
    }

    #[tokio::test]
    async fn an_operators_exact_origin_is_reached_without_tls() {
        let origin = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        let guarded = guarded(vec![vec!["127.0.0.1"]], &[&origin]);
        let response = get(&guarded, &format!("{origin}/x")).await.unwrap();
        assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, b"ok".as_slice()));
        // Another port of the same host is another origin.
        assert!(matches!(get(&guarded, "http://127.0.0.1:1/").await, Err(TransportError::Denied(_))));
    }

    #[tokio::test]
    async fn i12_a_redirect_is_an_answer_and_is_not_followed() {
        let origin = server(b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let guarded = guarded(vec![], &[&origin]);
        assert_eq!(get(&guarded, &origin).await.unwrap().status().as_u16(), 302);
    }

    #[tokio::test]
    async fn only_a_refused_connection_proves_that_nothing_was_sent() {
        let closed = "http://127.0.0.1:1";
        assert!(matches!(get(&guarded(vec![], &[closed]), closed).await, Err(TransportError::Unreachable(_))));
        let silent = server(b"").await;
        assert!(matches!(get(&guarded(vec![], &[&silent]), &silent).await, Err(TransportError::Unknown(_))));
        let half = server(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
        assert!(matches!(get(&guarded(vec![], &[&half]), &half).await, Err(TransportError::Unknown(_))));
    }

    #[tokio::test]
    async fn p12_an_endless_answer_is_cut_off() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut head = [0; 4096];
            let _ = socket.read(&mut head).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while socket.write_all(&[b'x'; 65_536]).await.is_ok() {}
        });
        let seen = get(&guarded(vec![], &[&origin]), &origin).await;
        assert_eq!(seen.err(), Some(TransportError::TooLarge));
    }

    #[tokio::test]
    async fn p12_an_answer_that_dribbles_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4_096]).await;
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
            let mut beats = tokio::time::interval(Duration::from_millis(20));
            while socket.write_all(b"x").await.is_ok() {
                beats.tick().await;
            }
        });
        let guarded = guarded(vec![], &[&origin]);
        let request = http::Request::get(&origin).body(Bytes::new()).unwrap();
        let sent = guarded.send(request, Duration::from_millis(200));
        let seen = tokio::time::timeout(Duration::from_secs(5), sent).await.expect("it was never given up");
        assert!(matches!(seen, Err(TransportError::Unknown(_))), "{seen:?}");
    }

    /// One byte, repeated in matches of 258: some 70 KB that unpack to more than an answer may have.
    fn swollen() -> Vec<u8> {
        let matches = RESPONSE_BYTES_MAX / 258 + 100;
        // The only block, with fixed codes: literal 0, then (length 258, distance 1) again and again.
        let mut bits = vec![1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0];
        (0..matches).for_each(|_| bits.extend([1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]));
        let byte = |bits: &[u8]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), bits.chunks(8).map(byte).collect()].concat()
    }

    #[tokio::test]
    async fn p12_an_answer_that_swells_when_unpacked_is_cut_off() {
        let body = swollen();
        assert!(body.len() < 100_000);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
        let origin = server([head.into_bytes(), body].concat().leak()).await;
        assert_eq!(get(&guarded(vec![], &[&origin]), &origin).await.err(), Some(TransportError::TooLarge));
    }
}

#[cfg(test)]
mod tls;
