//! Each capability, three times: granted, not granted, over its limit.

use std::sync::Arc;

use crate::bindings::connector::truthsource::{http::client, kv::store, log::logger};
use crate::call::Reach;
use crate::capability::http::{WEBHOOK_SECRET_MARK, WebhookSecret};
use crate::capability::kv::{KEY_BYTES_MAX, KEYS_MAX, VALUE_BYTES_MAX};
use crate::egress::TransportError;
use crate::record::{Detail, ExchangeEnd, HostAnswer};
use crate::signing::Secret;
use crate::state::HostState;
use crate::testing::{Act, Memory, Script, outbound, reach, state};

fn get(url: &str) -> client::Request {
    client::Request { method: "GET".to_owned(), url: url.to_owned(), headers: vec![], body: vec![], timeout_ms: 1_000 }
}

async fn send(state: &mut HostState, request: client::Request) -> Result<client::Response, client::Fault> {
    client::Host::send(state, request).await.unwrap()
}

fn denied(text: &str) -> Result<String, client::Fault> {
    Err(client::Fault::Denied(text.to_owned()))
}

/// What the guest is told about `request`, when the other side answers 200.
async fn check(request: client::Request, expect: Result<String, client::Fault>) {
    let script = Script::new(vec![Act::Answer(200, "fine")]);
    let mut state = state(reach(&script), Detail::Counters);
    let seen = send(&mut state, request).await.map(|it| String::from_utf8(it.body).unwrap());
    assert_eq!(format!("{seen:?}"), format!("{expect:?}"));
    assert_eq!(script.seen.lock().unwrap().len(), usize::from(expect.is_ok()));
}

#[tokio::test]
async fn http_granted_a_plain_request_passes() {
    check(get("https://shop.example/x"), Ok("fine".to_owned())).await;
    check(get("https://SHOP.example:443/x?y=%20z"), Ok("fine".to_owned())).await;
}

#[tokio::test]
async fn http_not_granted_other_origins_and_headers_are_denied() {
    check(get("https://other.example/"), denied("the tenant has not granted https://other.example")).await;
    check(get("http://shop.example/"), denied("the tenant has not granted http://shop.example")).await;
    check(get("https://shop.example:8443/"), denied("the tenant has not granted https://shop.example:8443")).await;
    check(get("https://shop.example./"), denied("the tenant has not granted https://shop.example.")).await;
    check(get("https://shop.example@evil.example/"), denied("a URL carries no user information")).await;
    check(get("https://shop.example/#x"), denied("a URL carries no fragment")).await;
    check(get("file:///etc/passwd"), denied("the URL is not http or https")).await;
    check(get("shop.example"), denied("the URL is not one")).await;
    check(
        client::Request { method: "CONNECT".into(), ..get("https://shop.example/") },
        denied("method must be GET, POST, PUT, PATCH or DELETE"),
    )
    .await;
    let header = |name: &str, value: &str| client::Request {
        headers: vec![(name.to_owned(), value.to_owned())],
        ..get("https://shop.example/")
    };
    check(header("x-mine", "1"), Ok("fine".to_owned())).await;
    for name in ["host", "authorization", "content-length", "transfer-encoding", "connection", "x-shopify-access-token"]
    {
        check(header(name, "x"), denied(&format!("`{name}` is the host's to set"))).await;
    }
    check(header("X-Mine", "1"), denied("header names are lower case")).await;
    check(header("x\r\nhost", "1"), denied("a header name is none")).await;
    check(header("x-mine", "1\r\nhost: evil"), denied("the value of `x-mine` is none")).await;
}

/// Another's origin may be granted beside the system's own: it is sent no credentials.
#[tokio::test]
async fn s2_credentials_go_where_they_belong_and_nowhere_else() {
    let script = Script::new(vec![Act::Answer(200, "fine"), Act::Answer(401, "who are you?")]);
    let mut state = state(reach(&script), Detail::Counters);
    send(&mut state, get("https://shop.example/x")).await.unwrap();
    assert_eq!(send(&mut state, get("https://partner.example/x")).await.unwrap().status, 401);
    let seen = script.seen.lock().unwrap();
    let signed: Vec<bool> = seen.iter().map(|it| it.headers().contains_key("x-shopify-access-token")).collect();
    assert_eq!(signed, [true, false]);
}

#[tokio::test]
async fn http_over_the_limit_is_refused() {
    let url = format!("https://shop.example/{}", "x".repeat(8_192));
    check(get(&url), denied("the URL is over its limit")).await;
    let request = client::Request { body: vec![0; (1 << 20) + 1], ..get("https://shop.example/") };
    check(request, denied("the body is over its limit")).await;
    let headers = vec![("x".to_owned(), "1".to_owned()); 65];
    check(client::Request { headers, ..get("https://shop.example/") }, denied("the headers are over their limit"))
        .await;
    for timeout_ms in [0, 30_001] {
        let request = client::Request { timeout_ms, ..get("https://shop.example/") };
        check(request, denied("timeout-ms must be 1 to 30000")).await;
    }
    let script = Script::new((0..64).map(|_| Act::Answer(204, "")).collect());
    let mut state = state(reach(&script), Detail::Counters);
    for _ in 0..64 {
        assert!(send(&mut state, get("https://shop.example/")).await.is_ok());
    }
    assert!(matches!(send(&mut state, get("https://shop.example/")).await, Err(client::Fault::TooMany)));
}

#[tokio::test]
async fn a_fault_keeps_apart_what_may_have_acted() {
    let check = async |error: TransportError, expect: client::Fault| {
        let mut state = state(reach(&Script::new(vec![Act::Fail(error)])), Detail::Counters);
        let seen = send(&mut state, get("https://shop.example/")).await.unwrap_err();
        assert_eq!(format!("{seen:?}"), format!("{expect:?}"));
    };
    check(TransportError::Unreachable("x".into()), client::Fault::Unreachable("x".into())).await;
    check(TransportError::Unknown("shpat_hidden".into()), client::Fault::Unknown("***".into())).await;
    check(TransportError::Denied("x".into()), client::Fault::Denied("x".into())).await;
    check(TransportError::TooLarge, client::Fault::TooLarge).await;
}

#[tokio::test]
async fn an_answer_is_scrubbed_stripped_and_recorded() {
    let script = Script::new(vec![Act::Answer(403, "no shpat_hidden here")]);
    let mut state = state(reach(&script), Detail::Full);
    let response = send(&mut state, get("https://shop.example/")).await.unwrap();
    assert_eq!(response.body, b"no *** here");
    let names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "x-echo"]);
    assert_eq!(response.headers[1].1, "no *** here");
    let [HostAnswer::Http(exchange)] = state.answers.as_slice() else { panic!("{:?}", state.answers) };
    assert!(matches!(&exchange.end, ExchangeEnd::Answer { status: 403, body, .. } if body == b"no *** here"));
}

const OAUTH: &str = r#"{"scheme":"oauth2-client-credentials","token_url":"https://login.example/t","client_id":"id","client_secret":"hush-hush"}"#;

#[tokio::test]
async fn p11_a_401_renews_the_token_once_and_no_more() {
    let token = |text: &'static str| Act::Answer(200, text);
    let script = Script::new(vec![
        token(r#"{"access_token":"token-1"}"#),
        Act::Answer(401, "old"),
        token(r#"{"access_token":"token-2"}"#),
        Act::Answer(401, "still"),
    ]);
    let mut state = state(Reach { http: Some(outbound(&script, OAUTH)), ..Reach::default() }, Detail::Counters);
    let response = send(&mut state, get("https://shop.example/x")).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (401, b"still".as_slice()));
    let seen = script.seen.lock().unwrap();
    let uris: Vec<String> = seen.iter().map(|it| it.uri().to_string()).collect();
    let (login, shop) = ("https://login.example/t", "https://shop.example/x");
    assert_eq!(uris, [login, shop, login, shop]);
    assert_eq!(seen[3].headers()["authorization"], "Bearer token-2");
}

#[tokio::test]
async fn refused_credentials_look_denied_and_a_lost_login_unreachable() {
    let check = async |act: Act, expect: client::Fault| {
        let script = Script::new(vec![act]);
        let mut state = state(Reach { http: Some(outbound(&script, OAUTH)), ..Reach::default() }, Detail::Counters);
        let seen = send(&mut state, get("https://shop.example/")).await.unwrap_err();
        assert_eq!(format!("{seen:?}"), format!("{expect:?}"));
    };
    let refused = client::Fault::Denied("the token endpoint answered 400 invalid_client".into());
    check(Act::Answer(400, r#"{"error":"invalid_client"}"#), refused).await;
    // Even if the token request was carried out, the guest's own request was never sent.
    let lost = client::Fault::Unreachable("the token endpoint: no whole answer: x".into());
    check(Act::Fail(TransportError::Unknown("x".into())), lost).await;
}

/// A connector subscribes with a secret that it never sees: not when it sends it, and not when the system shows it.
#[tokio::test]
async fn s2_the_secret_of_deliveries_is_put_in_by_the_host_and_shown_to_no_guest() {
    const SECRET: &str = "5ecre7-of_the_deliveries";
    const SHOWN: &str = r#"{"clientState":"5ecre7-of_the_deliveries","old":"another"}"#;
    let subscribe = |url: &str| {
        let body = format!(r#"{{"nested":"{{\"Key\":\"{WEBHOOK_SECRET_MARK}\"}}","again":"{WEBHOOK_SECRET_MARK}"}}"#);
        client::Request { method: "POST".into(), body: body.into_bytes(), ..get(url) }
    };
    let script = Script::new(vec![Act::Answer(200, SHOWN), Act::Answer(200, "fine")]);
    let secret = WebhookSecret::new(Secret::new(SECRET.to_owned()));
    let mut state = state(Reach { webhook_secret: secret, ..reach(&script) }, Detail::Full);
    let seen = send(&mut state, subscribe("https://shop.example/subscriptions")).await.unwrap();
    let shown = String::from_utf8(seen.body).unwrap();
    assert_eq!(shown, format!(r#"{{"clientState":"{WEBHOOK_SECRET_MARK}","old":"another"}}"#));
    let header = seen.headers.iter().find(|(name, _)| name == "x-echo").unwrap();
    assert!(!header.1.contains(SECRET), "{header:?}");
    let sent = String::from_utf8(script.seen.lock().unwrap()[0].body().to_vec()).unwrap();
    assert_eq!(sent, format!(r#"{{"nested":"{{\"Key\":\"{SECRET}\"}}","again":"{SECRET}"}}"#));
    assert!(!format!("{:?}", state.answers).contains(SECRET));
    // Where the credentials do not go, it does not go either; what has no mark goes as ever.
    let refused = send(&mut state, subscribe("https://partner.example/")).await;
    assert!(matches!(refused, Err(client::Fault::Denied(_))), "{refused:?}");
    assert!(send(&mut state, get("https://partner.example/")).await.is_ok());
    for unfit in ["", "a b", "quote\"", "ü"] {
        assert!(WebhookSecret::new(Secret::new(unfit.to_owned())).is_none(), "{unfit}");
    }
}

async fn set(state: &mut HostState, key: &str, value: &[u8]) -> String {
    let end = store::Host::set(state, key.to_owned(), value.to_vec()).await.unwrap();
    end.map_or_else(|fault| format!("{fault:?}"), |()| "done".to_owned())
}

#[tokio::test]
async fn kv_granted_a_call_reads_its_own_writes() {
    let memory = Arc::new(Memory::default());
    let mut state = state(memory.grant(), Detail::Counters);
    assert_eq!(set(&mut state, "a", b"1").await, "done");
    assert_eq!(store::Host::get(&mut state, "a".into()).await.unwrap().unwrap(), Some(b"1".to_vec()));
    store::Host::delete(&mut state, "a".into()).await.unwrap().unwrap();
    assert_eq!(store::Host::get(&mut state, "a".into()).await.unwrap().unwrap(), None);
    assert!(memory.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn kv_not_granted_is_denied() {
    let mut state = state(Reach::default(), Detail::Counters);
    assert!(set(&mut state, "a", b"1").await.ends_with("Denied"));
    let seen = store::Host::get(&mut state, "a".into()).await.unwrap();
    assert!(matches!(seen, Err(store::Fault::Denied)));
}

#[tokio::test]
async fn kv_over_the_limit_is_refused() {
    let memory = Arc::new(Memory::default());
    let mut state = state(memory.grant(), Detail::Counters);
    assert!(set(&mut state, &"k".repeat(KEY_BYTES_MAX + 1), b"").await.ends_with("TooLarge"));
    assert!(set(&mut state, "a", &vec![0; VALUE_BYTES_MAX + 1]).await.ends_with("TooLarge"));
    for n in 0..KEYS_MAX {
        memory.0.lock().unwrap().insert(format!("k{n}"), vec![]);
    }
    assert!(set(&mut state, "one-more", b"1").await.ends_with("TooLarge"));
    assert_eq!(set(&mut state, "k1", b"1").await, "done");
}

#[tokio::test]
async fn log_keeps_lines_up_to_its_limit_without_secrets() {
    let mut state = state(reach(&Script::new(vec![])), Detail::Counters);
    let line = "token shpat_hidden \u{1b}[2J".to_owned();
    logger::Host::log(&mut state, logger::Level::Warn, line).await.unwrap();
    assert_eq!(state.logs.lines[0].message, "token *** \\u{1b}[2J");
    for _ in 0..5_000 {
        logger::Host::log(&mut state, logger::Level::Info, "x".repeat(1_000)).await.unwrap();
    }
    let kept: usize = state.logs.lines.iter().map(|it| it.message.len()).sum();
    assert!(kept <= 65_536 && state.logs.dropped > 4_000, "{kept}, {}", state.logs.dropped);
}
