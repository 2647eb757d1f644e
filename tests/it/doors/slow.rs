//! Clients that take their time.

use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::time::{Instant, interval, timeout};
use truthsource::cli::client::read_url;

use super::*;

/// What the server waits for, each time; and by when whoever is waited for in vain is cut off for sure.
const PATIENCE_MS: &str = "400";
const LATEST: Duration = Duration::from_secs(5);

/// A server of little patience; its settings come from the environment.
struct Hasty {
    _child: tokio::process::Child,
    _dir: tempfile::TempDir,
    addr: String,
}

impl Hasty {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(dir.path().join("server.log")).unwrap();
        let child = tokio::process::Command::new(crate::program())
            .args(["serve", "--data-dir"])
            .arg(dir.path())
            .env("TRUTHSOURCE_HTTP__LISTEN", "127.0.0.1:0")
            .envs(["HEADER", "BODY", "ANSWER"].map(|it| (format!("TRUTHSOURCE_HTTP__{it}_MS"), PATIENCE_MS)))
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut looks = interval(Duration::from_millis(20));
        let opened = async {
            loop {
                match read_url(dir.path()) {
                    Ok(url) => return url,
                    Err(_) => looks.tick().await,
                };
            }
        };
        let url = timeout(Duration::from_secs(30), opened).await.unwrap();
        Self { _child: child, addr: url.trim_start_matches("http://").to_owned(), _dir: dir }
    }
}

/// Writes a byte of these again and again, and gives what was answered until the other end closed.
async fn drip(addr: &str, head: &str, byte: u8) -> String {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut reads, mut writes) = socket.into_split();
    let mut beats = interval(Duration::from_millis(50));
    let mut answer = Vec::new();
    tokio::select! {
        read = timeout(LATEST, reads.read_to_end(&mut answer)) => drop(read.expect("it was never cut off")),
        () = async { loop { beats.tick().await; let _ = writes.write_all(&[byte]).await; } } => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_whoever_sends_byte_by_byte_is_cut_off() {
    let server = Hasty::start().await;
    let header = drip(&server.addr, "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ", b'a').await;
    assert!(!header.contains("200"), "{header}");
    for framing in ["content-length: 1000", "transfer-encoding: chunked\r\n\r\n3e8"] {
        let head = format!("POST /hooks/acme/shop HTTP/1.1\r\nhost: x\r\n{framing}\r\n");
        let head = if framing.contains("chunked") { head } else { format!("{head}\r\n") };
        let body = drip(&server.addr, &head, b' ').await;
        assert!(body.starts_with("HTTP/1.1 408") && body.contains("\"too-slow\""), "{framing}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_whoever_reads_byte_by_byte_is_cut_off() {
    let server = Hasty::start().await;
    let whole = say(&server.addr, b"GET /openapi.json HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.len();
    // More than every buffer on the way holds.
    let n = (32 << 20) / whole;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut socket = socket.connect(server.addr.parse().unwrap()).await.unwrap();
    let requests = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(n);
    let (mut reads, mut writes) = socket.split();
    let began = Instant::now();
    let mut beats = interval(Duration::from_millis(20));
    // Taking a byte now and then does not buy more time: what was given up is not sent when the reader wakes up.
    let (_, rest) = tokio::join!(timeout(LATEST, writes.write_all(&requests)), async {
        while began.elapsed() < Duration::from_millis(2_000) {
            beats.tick().await;
            if reads.read_u8().await.is_err() {
                break;
            }
        }
        let mut rest = Vec::new();
        let _ = timeout(LATEST, reads.read_to_end(&mut rest)).await.expect("it was never cut off");
        rest.len()
    });
    assert!(rest < n * whole / 2, "{rest} bytes of {} were sent all the same", n * whole);
    let fine = say(&server.addr, b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(fine.starts_with("HTTP/1.1 200"), "{fine}");
}

/// Nothing of it ever comes: it is refused for what it says of itself.
#[tokio::test(flavor = "multi_thread")]
async fn u2_a_body_that_says_it_is_too_large_is_not_waited_for() {
    let server = Hasty::start().await;
    let head = "POST /hooks/acme/shop HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n";
    let answer = say(&server.addr, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"too-large\""), "{answer}");
}
