//! Uploads: what is no component leaves nothing, and what was staged answers nothing until it is told to.

use super::*;

/// A component with a section more, which nothing in it uses.
fn with_section(mut component: Vec<u8>, id: u8, content: &[u8]) -> Vec<u8> {
    component.push(id);
    let mut length = content.len();
    while length > 0x7f {
        component.push(length as u8 & 0x7f | 0x80);
        length >>= 7;
    }
    component.push(length as u8);
    component.extend(content);
    component
}

/// The shipped rule with a module whose only function is full of nested blocks. Each block sets a variable of its own
/// that the next nest reads, so that what leads to a value grows with both.
fn bomb(depth: usize, nests: usize) -> Vec<u8> {
    let opens: String =
        (0..depth).map(|n| format!("(if (local.get {n}) (then (local.set {n} (i32.const 1)) ")).collect();
    let nest = format!("{opens}{}", "))".repeat(depth));
    let function = format!("(func (local {}) {})", "i32 ".repeat(depth), nest.repeat(nests));
    let module = wat::parse_str(format!("(module {function})")).unwrap();
    with_section(components().read("volume-pricing").unwrap(), 1, &module)
}

/// The shipped rule with a custom section of so many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    with_section(components().read("volume-pricing").unwrap(), 0, &[&b"\x03pad"[..], &vec![0; bytes]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn u1_to_u4_what_is_no_component_leaves_nothing_but_a_trace() {
    let house = House::open().await;
    let too_many = bomb(600, 1);
    for (component, expect) in [
        (b"hello".to_vec(), (422, "not-wasm")),
        (Vec::new(), (422, "not-wasm")),
        (b"\x7fELF\x02\x01\x01".to_vec(), (422, "native-code")),
        (wat::parse_str("(module)").unwrap(), (422, "core-module")),
        (wat::parse_str("(component)").unwrap(), (422, "no-world")),
        (components().read("shopify").unwrap(), (422, "wrong-world")),
        (too_many.clone(), (422, "too-many")),
        (padded(3 << 20), (413, "too-large")),
        (vec![0; (32 << 20) + 1], (413, "too-large")),
    ] {
        let answer = house.upload("pricing", component).await;
        assert_eq!(answer.code(), expect, "{answer:?}");
    }
    assert_eq!(house.upload("pricing:%2e%2e", too_many).await.code(), (422, "no-such-slot"));
    assert_eq!(house.get("/v1/slots/pricing/releases").await.json["items"], json!([]));
    assert_eq!(house.get("/v1/slots").await.json["items"], json!([]));
    assert!(house.files("components").is_empty(), "bytes were kept");
    // What was read and refused can be seen; what is larger than the door was never read.
    let calls = house.get("/v1/slots/pricing/calls").await.json;
    let faults: Vec<_> = calls["items"].as_array().unwrap().iter().map(|it| it["fault"].as_str().unwrap()).collect();
    assert_eq!(
        faults,
        ["too-large", "too-many", "wrong-world", "no-world", "core-module", "native-code", "not-wasm", "not-wasm"]
    );
}

/// A bomb within every limit on what a component may look like: it is the compiler that must be stopped, as it takes
/// more memory than it may.
#[tokio::test(flavor = "multi_thread")]
async fn u1_a_bomb_is_stopped_while_others_are_served() {
    let house = House::open().await;
    let bomb = bomb(250, 52);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let exploded = async {
        let answer = house.upload("pricing", bomb).await;
        stop.send(()).unwrap();
        answer
    };
    let others = async {
        let (mut n, mut beats) = (0, tokio::time::interval(std::time::Duration::from_millis(50)));
        while stopped.is_empty() {
            beats.tick().await;
            let status = house.call(&house.zeta, Method::GET, "/v1/status", Body::Nothing).await;
            assert_eq!(status.status, 200, "{status:?}");
            n += 1;
        }
        n
    };
    let (answer, n) = tokio::join!(exploded, others);
    assert_eq!(answer.code(), (422, "too-expensive"));
    assert!(n > 20, "others were served {n} times only");
    assert_eq!(house.get("/v1/slots/pricing/releases").await.json["items"], json!([]));
    assert!(house.files("components").is_empty() && house.files("compiled").is_empty(), "something was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn u7_the_same_bytes_at_once_are_one_release() {
    let house = House::open().await;
    let component = components().read("volume-pricing").unwrap();
    // Compiled once: after that nothing keeps the others from arriving together.
    assert_eq!(house.upload("pricing", component.clone()).await.status, 201);
    for slot in (0..10).map(|n| format!("pricing:{n}")) {
        let at_once = (0..8).map(|_| house.upload(&slot, component.clone()));
        let answers = futures::future::join_all(at_once).await;
        assert!(answers.iter().all(|it| it.status == 201 && it.json == answers[0].json), "{answers:?}");
        let listed = house.get(&format!("/v1/slots/{slot}/releases")).await;
        assert_eq!(listed.json["items"], json!([answers[0].json]));
    }
    // Another tenant's release of them is its own.
    house.fill(&house.zeta, "pricing", "volume-pricing").await;
    assert_eq!(house.get("/v1/slots").await.json["items"][0]["active"], Json::Null);
}

/// The rule loops until it has no fuel left. It is not asked for ever, and its slot says so; the one before answers.
#[tokio::test(flavor = "multi_thread")]
async fn g18_a_rule_that_only_fails_is_left_alone_until_it_is_replaced() {
    let house = House::open().await;
    house.fill(&house.acme, "pricing", "volume-pricing").await;
    house.fill(&house.acme, "pricing", "endless-pricing").await;
    for n in 1..=20 {
        assert_eq!(house.post("/v1/price", basket("pricing")).await.code(), (502, "out-of-fuel"), "call {n}");
    }
    assert_eq!(house.post("/v1/price", basket("pricing")).await.code(), (503, "failing"));
    let failing = house.get("/v1/slots").await.json["items"][0]["failing"].clone();
    assert_eq!((&failing["failures"], &failing["code"]), (&json!(20), &json!("out-of-fuel")));
    // Its author sees what it was asked.
    let calls = house.get("/v1/slots/pricing/calls?limit=1").await.json;
    let whole = house.get(&format!("/v1/slots/pricing/calls/{}", calls["items"][0]["id"])).await.json;
    let asked = whole["recording"]["input"].to_string();
    assert!(asked.contains(basket("pricing")["lines"][0]["item"].as_str().unwrap()), "{whole}");
    let back = house.post("/v1/slots/pricing/rollback", Json::Null).await;
    assert_eq!((back.status, &back.json["failing"]), (200, &Json::Null));
    assert_eq!(house.post("/v1/price", basket("pricing")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn u10_a_release_that_was_staged_before_the_power_went_answers_nothing() {
    let house = House::open().await;
    house.fill(&house.acme, "pricing", "volume-pricing").await;
    let priced =
        async |house: &House| house.post("/v1/price", basket("pricing")).await.json["receipt"]["digest"].clone();
    let old = priced(&house).await;
    let staged = house.upload("pricing", components().read("season-pricing").unwrap()).await;
    let house = house.killed().await;
    assert_eq!(priced(&house).await, old);
    let slot = house.get("/v1/slots").await.json["items"][0].clone();
    assert_eq!((&slot["active"], &slot["previous"]), (&json!(1), &Json::Null));
    let listed = house.get("/v1/slots/pricing/releases").await.json["items"].clone();
    assert_eq!((&listed[0], listed.as_array().unwrap().len()), (&staged.json, 2));
    // And it is whole: it answers once it is told to, and so it does after the next power cut.
    let active = house.post("/v1/slots/pricing/activate", json!({"release": staged.json["id"]})).await;
    assert_eq!(active.status, 200, "{active:?}");
    let house = house.killed().await;
    assert_eq!(priced(&house).await, staged.json["digest"]);
}
