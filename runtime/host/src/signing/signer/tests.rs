use super::*;
use async_trait::async_trait;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock to be set and nonces that count.
#[derive(Default)]
struct Bench {
    now: AtomicU64,
    nonce: AtomicU64,
}

impl Ambient for Bench {
    fn now(&self) -> UnixMs {
        UnixMs(self.now.load(Ordering::Relaxed))
    }
    fn nonce(&self) -> u128 {
        self.nonce.fetch_add(1, Ordering::Relaxed).into()
    }
}

/// Answers with what it was given, in order, and remembers what it was asked.
#[derive(Default)]
struct Endpoint {
    answers: Mutex<VecDeque<(u16, &'static str)>>,
    bodies: Mutex<Vec<String>>,
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, TransportError> {
        self.bodies.lock().unwrap().push(String::from_utf8(request.body().to_vec()).unwrap());
        let (status, body) = self.answers.lock().unwrap().pop_front().unwrap();
        Ok(Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    }
}

fn endpoint(answers: &[(u16, &'static str)]) -> Endpoint {
    Endpoint { answers: Mutex::new(answers.iter().copied().collect()), bodies: Mutex::default() }
}

fn signer(json: &str, bench: &Arc<Bench>) -> Signer {
    Signer::new(serde_json::from_str(json).unwrap(), bench.clone()).unwrap()
}

async fn headers(signer: &Signer, endpoint: &Endpoint) -> Result<http::HeaderMap, SignError> {
    let mut request = Request::get("https://shop.example/x?b=2&a=1").body(Bytes::new()).unwrap();
    signer.sign(&mut request, endpoint).await?;
    Ok(request.headers().clone())
}

const CLIENT: &str = r#"{"scheme":"oauth2-client-credentials","token_url":"https://x.example/t","client_id":"id","client_secret":"hush-hush"}"#;

#[tokio::test]
async fn fixed_credentials_become_headers() {
    let bench = Arc::new(Bench::default());
    let none = endpoint(&[]);
    let basic = signer(r#"{"scheme":"basic","username":"Aladdin","password":"open sesame"}"#, &bench);
    assert_eq!(headers(&basic, &none).await.unwrap()["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    let key = signer(r#"{"scheme":"api-key-header","header":"x-key","value":"k1k2k3"}"#, &bench);
    assert_eq!(headers(&key, &none).await.unwrap()["x-key"], "k1k2k3");
    assert!(key.reserves(&HeaderName::from_static("x-key")));
    let shop = signer(r#"{"scheme":"shopify-token","token":"shpat_1"}"#, &bench);
    assert_eq!(headers(&shop, &none).await.unwrap()["x-shopify-access-token"], "shpat_1");
    assert!(headers(&signer(r#"{"scheme":"none"}"#, &bench), &none).await.unwrap().is_empty());
}

#[tokio::test]
async fn each_oauth1_signature_has_its_own_nonce() {
    let bench = Arc::new(Bench::default());
    let json = r#"{"scheme":"oauth1-tba","realm":"1","consumer_key":"a","consumer_secret":"b","token":"c","token_secret":"d"}"#;
    let tba = signer(json, &bench);
    let none = endpoint(&[]);
    let first = headers(&tba, &none).await.unwrap()["authorization"].clone();
    assert_ne!(first, headers(&tba, &none).await.unwrap()["authorization"]);
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_ends() {
    let bench = Arc::new(Bench::default());
    let oauth = signer(CLIENT, &bench);
    let server = endpoint(&[
        (200, r#"{"access_token":"token-1","expires_in":"3600"}"#),
        (200, r#"{"access_token":"token-2","expires_in":3600}"#),
    ]);
    for _ in 0..3 {
        assert_eq!(headers(&oauth, &server).await.unwrap()["authorization"], "Bearer token-1");
    }
    assert_eq!(
        server.bodies.lock().unwrap().as_slice(),
        ["grant_type=client_credentials&client_id=id&client_secret=hush-hush"]
    );
    bench.now.store(3_540_000, Ordering::Relaxed);
    assert_eq!(headers(&oauth, &server).await.unwrap()["authorization"], "Bearer token-2");
    assert_eq!(oauth.scrubber().text("token-1 token-2 hush-hush"), "*** *** ***");
}

/// What a system quotes of our own request is no secret any more, whichever scheme wrote it.
#[tokio::test]
async fn p15_an_echo_of_the_header_that_we_sent_tells_nothing() {
    let tba = r#"{"scheme":"oauth1-tba","realm":"1","consumer_key":"consumer-key","consumer_secret":"consumer-secret","token":"token-id-1","token_secret":"token-secret"}"#;
    let basic = r#"{"scheme":"basic","username":"Aladdin","password":"open sesame"}"#;
    let key = r#"{"scheme":"api-key-header","header":"x-key","value":"k1k2k3k4"}"#;
    let shop = r#"{"scheme":"shopify-token","token":"shpat_1234"}"#;
    for (json, header, hidden) in [
        (basic, "authorization", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        (key, "x-key", "k1k2k3k4"),
        (shop, "x-shopify-access-token", "shpat_1234"),
        (tba, "authorization", "consumer-key"),
        (tba, "authorization", "token-id-1"),
        (CLIENT, "authorization", "token-1"),
    ] {
        let signer = signer(json, &Arc::new(Bench::default()));
        let sent = headers(&signer, &endpoint(&[(200, r#"{"access_token":"token-1"}"#)])).await.unwrap();
        let sent = sent[header].to_str().unwrap();
        assert!(sent.contains(hidden), "{sent}");
        // As a whole, and the part alone.
        let shown = signer.scrubber().text(&format!("cannot read {sent}: {hidden} is unknown")).into_owned();
        assert!(!shown.contains(hidden) && shown.contains("*** is unknown"), "{shown}");
    }
}

#[tokio::test]
async fn the_shopify_variant_speaks_json_and_its_own_header() {
    let json = CLIENT.replace("\"}", r#"","body":"json","present":"shopify"}"#);
    let shop = signer(&json, &Arc::new(Bench::default()));
    let server = endpoint(&[(200, r#"{"access_token":"shpat_2","scope":"read_products","expires_in":86399}"#)]);
    assert_eq!(headers(&shop, &server).await.unwrap()["x-shopify-access-token"], "shpat_2");
    let body = server.bodies.lock().unwrap()[0].clone();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["grant_type"], "client_credentials");
    assert!(shop.reserves(&HeaderName::from_static("x-shopify-access-token")));
}

#[tokio::test]
async fn p11_refused_credentials_are_denied_without_quoting_them() {
    let bench = Arc::new(Bench::default());
    let check = async |status: u16, body: &'static str, expect: SignError| {
        assert_eq!(headers(&signer(CLIENT, &bench), &endpoint(&[(status, body)])).await.err(), Some(expect));
    };
    let denied = |text: &str| SignError::Denied(text.to_owned());
    let unavailable = |text: &str| SignError::Unavailable(text.to_owned());
    check(400, r#"{"error":"invalid_client"}"#, denied("the token endpoint answered 400 invalid_client")).await;
    check(401, r#"{"error":"your secret hush-hush is wrong"}"#, denied("the token endpoint answered 401")).await;
    check(503, "<html>", unavailable("the token endpoint answered 503")).await;
    check(429, "", unavailable("the token endpoint answered 429")).await;
    check(200, "{}", unavailable("the token endpoint's answer has no token")).await;
}

#[tokio::test]
async fn only_a_fetched_token_is_renewed_after_a_401() {
    let bench = Arc::new(Bench::default());
    let oauth = signer(CLIENT, &bench);
    let server = endpoint(&[(200, r#"{"access_token":"t1"}"#), (200, r#"{"access_token":"t2"}"#)]);
    let mut request = Request::get("https://x.example/").body(Bytes::new()).unwrap();
    let signed = oauth.sign(&mut request, &server).await.unwrap();
    assert!(oauth.renew(&signed).await);
    let again = oauth.sign(&mut request, &server).await.unwrap();
    assert_eq!(request.headers()["authorization"], "Bearer t2");
    // A late 401 about the first token must not throw away the second.
    assert!(oauth.renew(&signed).await);
    assert!(oauth.token.lock().await.is_some());
    assert!(again.0.is_some());
    let fixed = signer(r#"{"scheme":"shopify-token","token":"shpat_1"}"#, &bench);
    let signed = fixed.sign(&mut request, &server).await.unwrap();
    assert!(!fixed.renew(&signed).await);
}

const B1: &str = r#"{"scheme":"b1-session","login_url":"https://b1.example:50000/b1s/v2/Login","company":"SBO","username":"manager","password":"hush-hush","language":3}"#;

/// Answers every request with the next of these sessions.
struct Logins(Mutex<VecDeque<Response<Bytes>>>, Mutex<Vec<String>>);

#[async_trait]
impl Transport for Logins {
    async fn send(&self, request: Request<Bytes>, _: Duration) -> Result<Response<Bytes>, TransportError> {
        self.1.lock().unwrap().push(String::from_utf8(request.body().to_vec()).unwrap());
        Ok(self.0.lock().unwrap().pop_front().unwrap())
    }
}

fn opened(session: &str) -> Response<Bytes> {
    let body = format!(r#"{{"SessionId":"{session}","Version":"1000290","SessionTimeout":30}}"#);
    Response::builder()
        .header("set-cookie", format!("B1SESSION={session};HttpOnly;"))
        .header("set-cookie", "ROUTEID=.node3; path=/b1s")
        .header("set-cookie", "other=1")
        .body(Bytes::from(body))
        .unwrap()
}

async fn cookie(signer: &Signer, logins: &Logins) -> Result<String, SignError> {
    let mut request = Request::get("https://b1.example:50000/b1s/v2/Items").body(Bytes::new()).unwrap();
    signer.sign(&mut request, logins).await?;
    Ok(request.headers()["cookie"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_session_is_opened_once_and_lives_for_as_long_as_it_is_used() {
    let bench = Arc::new(Bench::default());
    let b1 = signer(B1, &bench);
    let logins = Logins(Mutex::new([opened("7a3e-1"), opened("7a3e-2")].into()), Mutex::default());
    for minute in [0, 25, 50, 75] {
        bench.now.store(minute * 60_000, Ordering::Relaxed);
        assert_eq!(cookie(&b1, &logins).await.unwrap(), "B1SESSION=7a3e-1; ROUTEID=.node3", "{minute}");
    }
    let login = r#"{"CompanyDB":"SBO","UserName":"manager","Password":"hush-hush","Language":3}"#;
    assert_eq!(logins.1.lock().unwrap().as_slice(), [login]);
    bench.now.store(105 * 60_000, Ordering::Relaxed);
    assert_eq!(cookie(&b1, &logins).await.unwrap(), "B1SESSION=7a3e-2; ROUTEID=.node3");
    let shown = b1.scrubber().text("7a3e-1 7a3e-2 B1SESSION=7a3e-2 hush-hush").into_owned();
    assert_eq!(shown, "*** *** B1SESSION=*** ***");
    assert!(b1.reserves(&COOKIE) && !b1.reserves(&AUTHORIZATION));
}

#[tokio::test]
async fn p11_a_refused_login_is_denied_and_a_dead_node_is_away() {
    let check = async |status: u16, body: &'static str, expect: SignError| {
        let answer = Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap();
        let logins = Logins(Mutex::new([answer].into()), Mutex::default());
        assert_eq!(cookie(&signer(B1, &Arc::new(Bench::default())), &logins).await.err(), Some(expect));
    };
    let denied = |status: u16| SignError::Denied(format!("the login was answered {status}"));
    check(401, r#"{"error":{"code":-304,"message":{"value":"hush-hush"}}}"#, denied(401)).await;
    check(400, "{}", denied(400)).await;
    check(503, "<html>", SignError::Unavailable("the login was answered 503".to_owned())).await;
    check(200, "<html>", SignError::Unavailable("the login's answer has no session".to_owned())).await;
}

#[test]
fn bad_credentials_are_found_at_once_and_not_quoted() {
    let check = |json: &str, expect: &'static str| {
        let seen = Signer::new(serde_json::from_str(json).unwrap(), Arc::new(Bench::default()));
        assert_eq!(seen.err(), Some(BadCredentials(expect)));
    };
    check(r#"{"scheme":"basic","username":"a:b","password":"x"}"#, "username holds a colon");
    check(r#"{"scheme":"shopify-token","token":"a\nb"}"#, "the value does not fit in a header");
    check(
        r#"{"scheme":"oauth2-jwt-bearer","token_url":"https://x/t","client_id":"a","certificate_id":"k","private_key":"x","algorithm":"PS256"}"#,
        "private_key is not a PEM key for this algorithm",
    );
}
