//! A system behind two loopback ports, on the wall clock or one that is given.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use bytes::{Bytes, BytesMut};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use truthsource_core::UnixMs;

use crate::door::{Door, Reply};
use crate::outbox::{Answer, Departure, Webhook};
use crate::system::{Request, System};

/// The largest request body either door takes.
const BODY_BYTES_MAX: usize = 16 << 20;
/// How long a webhook may take, connection included.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the answer to a webhook is looked at.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Tells what time it is.
pub type Now = Arc<dyn Fn() -> UnixMs + Send + Sync>;

/// A system that is being served. Dropping it closes both doors.
pub struct Served {
    /// The API door's address, on loopback.
    pub api: SocketAddr,
    /// The admin door's address, on loopback.
    pub admin: SocketAddr,
    /// The system's door, for code in the same process.
    pub door: Arc<Door>,
    wake: Arc<Notify>,
    now: Now,
    _tasks: JoinSet<()>,
}

impl Served {
    /// Sends what the system now wants to send: to be called after using [`Served::door`] directly.
    pub fn collect(&self) {
        self.door.collect((self.now)());
        self.wake.notify_one();
    }
}

#[derive(Clone)]
struct Shared {
    door: Arc<Door>,
    wake: Arc<Notify>,
    api: SocketAddr,
    now: Now,
    client: reqwest::Client,
}

/// Serves `system` on two free loopback ports until the result is dropped, on the wall clock.
///
/// # Errors
/// When no port can be had or the webhook client cannot be made.
pub async fn serve(system: Arc<dyn System>) -> std::io::Result<Served> {
    serve_on(system, Arc::new(wall_clock)).await
}

/// The same on another clock, which may run ahead of this machine's and never back.
///
/// # Errors
/// As of [`serve`].
pub async fn serve_on(system: Arc<dyn System>, now: Now) -> std::io::Result<Served> {
    let api_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let admin_listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let (api, admin) = (api_listener.local_addr()?, admin_listener.local_addr()?);
    let client =
        reqwest::Client::builder().timeout(WEBHOOK_TIMEOUT).no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().map_err(std::io::Error::other)?;
    let shared = Shared { door: Arc::new(Door::new(system)), wake: Arc::default(), api, now, client };

    let mut tasks = JoinSet::new();
    let api_door = axum::Router::new().fallback(at_api).with_state(shared.clone());
    let admin_door = axum::Router::new().fallback(at_admin).with_state(shared.clone());
    tasks.spawn(async move {
        if let Err(error) = axum::serve(api_listener, api_door).await {
            tracing::error!(%error, "the API door closed");
        }
    });
    tasks.spawn(async move {
        if let Err(error) = axum::serve(admin_listener, admin_door).await {
            tracing::error!(%error, "the admin door closed");
        }
    });
    tasks.spawn(send_webhooks(shared.clone()));
    Ok(Served { api, admin, door: shared.door, wake: shared.wake, now: shared.now, _tasks: tasks })
}

async fn at_api(State(shared): State<Shared>, request: axum::extract::Request) -> axum::response::Response {
    let Some(request) = whole(request, shared.api).await else { return too_large() };
    let _in_flight = InFlight::begin(shared.door.system().clone());
    let mut reply = shared.door.api((shared.now)(), &request);
    if let Reply::After(pending) = reply {
        let said = send(&shared.client, &pending.handshake).await;
        reply = shared.door.resume((shared.now)(), &request, &pending, said.as_ref());
    }
    shared.wake.notify_one();
    match reply {
        Reply::Answer(response, after_ms) => {
            if after_ms > 0 {
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
            }
            response.map(Body::from)
        }
        // A listener cannot refuse once it has accepted: the body breaks off before its first byte.
        Reply::Refused => axum::response::Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(
            std::io::Error::from(std::io::ErrorKind::ConnectionReset),
        )]))),
        // A handshake is followed by an answer, never by another.
        Reply::Silence | Reply::After(_) => std::future::pending().await,
    }
}

/// A request that is being answered. A caller that hangs up drops the handler half-way, and the request has ended
/// then too: otherwise every unanswered call would hold one of the system's places for ever.
struct InFlight(Arc<dyn System>);

impl InFlight {
    fn begin(system: Arc<dyn System>) -> Self {
        system.in_flight(true);
        Self(system)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight(false);
    }
}

async fn at_admin(State(shared): State<Shared>, request: axum::extract::Request) -> axum::response::Response {
    let Some(request) = whole(request, shared.api).await else { return too_large() };
    let response = shared.door.admin((shared.now)(), &request);
    shared.wake.notify_one();
    response.map(Body::from)
}

/// The request with its whole body and an absolute URI, `https` where somebody in front of us took TLS off; `None` if it is
/// too large.
async fn whole(request: axum::extract::Request, here: SocketAddr) -> Option<Request> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_BYTES_MAX).await.ok()?;
    let host = parts.headers.get(http::header::HOST).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let authority = host.unwrap_or_else(|| here.to_string());
    let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let scheme = parts.headers.get("x-forwarded-proto").filter(|it| *it == "https").map_or("http", |_| "https");
    parts.uri = format!("{scheme}://{authority}{path}").parse().ok()?;
    Some(Request::from_parts(parts, body))
}

fn too_large() -> axum::response::Response {
    let mut response = axum::response::Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
    response
}

async fn send_webhooks(shared: Shared) {
    let mut sending = JoinSet::new();
    loop {
        for departure in shared.door.take_webhooks((shared.now)()) {
            sending.spawn(depart(shared.clone(), departure));
        }
        while sending.try_join_next().is_some() {}
        let wait_ms = shared.door.next_webhook_at().map_or(1_000, |at| at.since((shared.now)()).clamp(1, 1_000));
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
        }
    }
}

async fn depart(shared: Shared, departure: Departure) {
    let said = send(&shared.client, &departure.webhook).await;
    shared.door.webhook_answered((shared.now)(), departure, said.as_ref());
    shared.wake.notify_one();
}

/// Sends a webhook or a handshake; `None` if nobody answered.
async fn send(client: &reqwest::Client, webhook: &Webhook) -> Option<Answer> {
    let mut request = client.request(webhook.method.clone(), &webhook.url).body(webhook.body.clone());
    for (name, value) in &webhook.headers {
        request = request.header(name, value);
    }
    let mut response = request.send().await.ok()?;
    let mut body = BytesMut::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            body.truncate(ANSWER_BYTES_MAX);
            break;
        }
    }
    Some(Answer { status: response.status().as_u16(), body: body.freeze() })
}

/// The wall clock. The one place of this crate that reads it.
#[expect(clippy::disallowed_methods, reason = "the shell owns the wall clock; the systems are given moments")]
fn wall_clock() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixMs(since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{HeaderMap, Method};
    use tokio::sync::mpsc;

    use super::*;
    use crate::faults::Faults;
    use crate::journal::Journal;
    use crate::outbox::Webhook;
    use crate::system::{Response, Step};

    /// A system that asks its own callers' addresses for the token `t` before it answers, and then tells them.
    #[derive(Default)]
    struct Asking {
        journal: Journal,
        outgoing: Mutex<Vec<Webhook>>,
    }

    fn webhook(method: Method, url: &str, body: &'static str) -> Webhook {
        let headers = vec![("x-token".to_owned(), "t".to_owned())];
        Webhook { method, url: url.to_owned(), headers, body: Bytes::from(body), retries_ms: &[] }
    }

    fn status(code: u16) -> Response {
        crate::system::json(code, "application/json", &serde_json::Value::Null)
    }

    impl System for Asking {
        fn name(&self) -> &'static str {
            "asking"
        }
        fn answer(&self, _: UnixMs, _: &Request) -> Response {
            status(404)
        }
        fn begin(&self, _: UnixMs, request: &Request) -> Step {
            let url = std::str::from_utf8(request.body()).unwrap();
            Step::Ask(webhook(Method::GET, url, ""))
        }
        fn resume(&self, _: UnixMs, _: &Request, asked: &Webhook, said: Option<&Answer>) -> Response {
            if said.is_none_or(|it| !it.is_taken() || it.body != "t") {
                return status(400);
            }
            self.outgoing.lock().unwrap().push(webhook(Method::POST, &asked.url, "told"));
            status(201)
        }
        fn overloaded(&self) -> Response {
            status(503)
        }
        fn broken(&self) -> Response {
            status(500)
        }
        fn admin(&self, _: UnixMs, _: &Request) -> Response {
            status(404)
        }
        fn take_webhooks(&self) -> Vec<Webhook> {
            std::mem::take(&mut self.outgoing.lock().unwrap())
        }
        fn journal(&self) -> &Journal {
            &self.journal
        }
        fn set_faults(&self, _: &Faults) {}
        fn copy(&self) -> Box<dyn System> {
            Box::<Self>::default()
        }
        fn is_sign_in(&self, _: &Request) -> bool {
            false
        }
        fn sign_everybody_out(&self) {}
        fn unsubscribe_everybody(&self) {}
    }

    /// A receiver that answers `GET` with the token it is asked for, and passes on what it is told.
    async fn receiver() -> (String, mpsc::UnboundedReceiver<String>) {
        let (told, heard) = mpsc::unbounded_channel();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/in", listener.local_addr().unwrap());
        let echo = |headers: HeaderMap| async move { headers["x-token"].to_str().unwrap().to_owned() };
        let take = move |body: String| async move { told.send(body).unwrap() };
        let app = axum::Router::new().route("/in", axum::routing::get(echo).post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url, heard)
    }

    #[tokio::test]
    async fn a_handshake_goes_out_before_the_answer_and_what_is_told_after() {
        let (url, mut heard) = receiver().await;
        let served = serve(Arc::new(Asking::default())).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let subscribe = |url: String| client.post(format!("http://{}/", served.api)).body(url).send();
        assert_eq!(subscribe(url.clone()).await.unwrap().status(), 201);
        assert_eq!(heard.recv().await.unwrap(), "told");
        let nowhere = url.replace("/in", "/nowhere");
        assert_eq!(subscribe(nowhere).await.unwrap().status(), 400);
        assert_eq!(subscribe("http://127.0.0.1:1/".to_owned()).await.unwrap().status(), 400);
    }
}
