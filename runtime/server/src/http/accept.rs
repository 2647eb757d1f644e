//! The accept loop: how long a client may take, and how many there may be.
//!
//! `axum::serve` sets no timer, so that a client which sends half a header holds its connection for ever. Here a header
//! must be complete in time, a body must arrive in time (see `body`), and an answer must be taken in time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::Service as _;

use super::linger::Lingering;
use super::stream::Paced;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How patient the server is.
#[derive(Debug, Clone)]
pub struct Pace {
    /// From the first moment of a connection, or of being idle, to the end of a request's header.
    pub header: Duration,
    /// From the first byte of an answer that the client does not take to its last.
    pub answer: Duration,
    /// Connections at a time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// How long open requests may take once the server shuts down.
    pub grace: Duration,
}

/// Serves until `stop` says so, then lets open requests end. Returns when all did, or after the grace.
pub async fn serve(listener: TcpListener, router: Router, pace: Pace, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(pace.connections_max));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let one = Connection { router: router.clone(), pace: pace.clone(), peer, stop: stop.clone() };
        tokio::spawn(async move {
            one.run(stream).await;
            drop(place);
        });
    }
    // Whoever comes now is refused, and not kept waiting for an answer that never comes.
    drop(listener);
    let everybody = u32::try_from(pace.connections_max).unwrap_or(u32::MAX);
    if tokio::time::timeout(pace.grace, places.acquire_many(everybody)).await.is_err() {
        tracing::warn!(open = pace.connections_max - places.available_permits(), "requests were cut off at shutdown");
    }
}

/// Returns once the server is to stop, or whoever could say so is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|it| *it).await;
}

/// The next connection, once there is a place for it. `None` after an error, which is about one connection or passes.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::warn!(error = %error, "a connection could not be accepted");
            // Out of file descriptors: trying at once would only burn a processor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

struct Connection {
    router: Router,
    pace: Pace,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
}

impl Connection {
    async fn run(self, stream: TcpStream) {
        let Self { router, pace, peer, mut stop } = self;
        // Answers are written whole: waiting for more to send would only delay them.
        let _ = stream.set_nodelay(true);
        let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(|body| Body::new(Lingering::new(body)));
            request.extensions_mut().insert(Peer(peer));
            router.clone().call(request)
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(pace.header).max_headers(64).max_buf_size(64 * 1024);
        let connection = builder.serve_connection(TokioIo::new(Paced::new(stream, pace.answer)), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = %error, "a connection ended badly");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const SHORT: Duration = Duration::from_millis(150);

    struct Served {
        addr: SocketAddr,
        stop: watch::Sender<bool>,
        done: tokio::task::JoinHandle<()>,
    }

    async fn served(router: Router) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let pace = Pace { header: SHORT, answer: SHORT, connections_max: 4, grace: Duration::from_secs(5) };
        let (stop, stopped) = watch::channel(false);
        let done = tokio::spawn(serve(listener, router, pace, stopped));
        Served { addr, stop, done }
    }

    fn hello() -> Router {
        Router::new()
            .route("/", axum::routing::any(|body: bytes::Bytes| async move { format!("{} bytes", body.len()) }))
    }

    /// Everything the server says until it closes, and whether that took less than a second.
    async fn say(addr: SocketAddr, words: &[u8]) -> (String, bool) {
        let began = tokio::time::Instant::now();
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(words).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await;
        (String::from_utf8_lossy(&answer).into_owned(), began.elapsed() < Duration::from_secs(1))
    }

    #[tokio::test]
    async fn i11_half_a_header_is_not_waited_for() {
        let served = served(hello()).await;
        for words in ["", "GET / HTTP/1.1\r\nhost: x\r\nx-slow: "] {
            let (answer, soon) = say(served.addr, words.as_bytes()).await;
            assert!(soon && !answer.contains("200"), "{words:?}: {answer}");
        }
    }

    #[tokio::test]
    async fn i11_an_idle_connection_is_closed() {
        let served = served(hello()).await;
        let (answer, soon) = say(served.addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(soon && answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn i11_an_answer_that_nobody_takes_is_given_up() {
        let big = Router::new().route("/", axum::routing::get(|| async { vec![7u8; 64 << 20] }));
        let served = served(big).await;
        let mut stream = TcpStream::connect(served.addr).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        tokio::time::sleep(SHORT * 3).await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest)).await.unwrap();
        assert!(rest.len() < 64 << 20, "all of it was still sent");
    }

    #[tokio::test]
    async fn i6_lengths_that_differ_are_refused() {
        let served = served(hello()).await;
        let request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd";
        let (answer, _) = say(served.addr, request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }

    #[tokio::test]
    async fn whoever_is_refused_while_still_sending_is_told_why() {
        let refusing = Router::new().route("/", axum::routing::post(|| async { (http::StatusCode::FORBIDDEN, "no") }));
        let served = served(refusing).await;
        let length = 16 << 20;
        let mut request = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        request.resize(request.len() + length, b'x');
        let (answer, _) = say(served.addr, &request).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.ends_with("no"), "{answer}");
    }

    /// Chunks count, as RFC 9112 §6.3 says, and the connection ends: what follows is never taken for a request.
    #[tokio::test]
    async fn i6_a_length_beside_chunks_smuggles_nothing() {
        let served = served(hello()).await;
        for head in
            ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
        {
            let request =
                format!("POST / HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n");
            let (answer, soon) = say(served.addr, request.as_bytes()).await;
            assert!(soon && answer.matches("HTTP/1.1").count() == 1, "{answer}");
        }
        let unknown = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n";
        let (answer, _) = say(served.addr, unknown).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }

    #[tokio::test]
    async fn more_connections_than_places_wait_their_turn() {
        let served = served(hello()).await;
        let mut holders = Vec::new();
        for _ in 0..4 {
            holders.push(TcpStream::connect(served.addr).await.unwrap());
        }
        let (answer, _) = say(served.addr, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn c12_an_open_request_is_let_end() {
        let (started, begun) = tokio::sync::oneshot::channel::<()>();
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let parts = Arc::new(std::sync::Mutex::new(Some((started, gone))));
        let handler = move || async move {
            let (started, gone) = parts.lock().unwrap().take().unwrap();
            started.send(()).unwrap();
            gone.await.unwrap();
            "done"
        };
        let served = served(Router::new().route("/", axum::routing::get(handler))).await;
        let answer = tokio::spawn(say_owned(served.addr));
        begun.await.unwrap();
        served.stop.send(true).unwrap();
        go.send(()).unwrap();
        served.done.await.unwrap();
        assert!(answer.await.unwrap().ends_with("done"));
    }

    async fn say_owned(addr: SocketAddr) -> String {
        say(addr, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.0
    }
}
