//! Webhooks: to whom they go, and that each counts once.

use tokio::sync::Semaphore;
use truthsource::auth::digest::{hex, sha256};
use truthsource::bench::intake::{Sender, counted, prepare};

use super::*;

const SECRET: &str = "both-tenants-chose-this";
const CALLERS: u64 = 16;

/// A webhook about stock of the shop's item `n`.
fn webhook(n: u64) -> String {
    json!({"inventory_item_id": n, "location_id": 67, "available": 5, "updated_at": "2026-11-21T03:01:02-05:00"})
        .to_string()
}

/// A request with a webhook that is signed with the secret, and some headers more.
fn request(path: &str, id: &str, body: &str, more: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n{more}\
         x-shopify-topic: inventory_levels/update\r\nx-shopify-hmac-sha256: {}\r\nx-shopify-webhook-id: {id}\r\n\
         content-length: {}\r\n\r\n{body}",
        signature(SECRET, body),
        body.len()
    )
    .into_bytes()
}

impl House {
    /// Shops of both tenants that sign with one secret, and a second one of `acme`.
    async fn with_shops(self) -> Self {
        for (key, names) in [(&self.acme, &["shop", "second"][..]), (&self.zeta, &["shop"])] {
            self.fill(key, "connector:shopify", "shopify").await;
            for name in names {
                let made = self.call(key, Method::POST, "/v1/connections", Body::Json(shop(name, SECRET))).await;
                assert_eq!(made.status, 201, "{made:?}");
            }
        }
        self
    }

    async fn tell(&self, path: &str, id: &str, n: u64, more: &str) -> u16 {
        let answer = say(self.addr(), &request(path, id, &webhook(n), more)).await;
        answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default()
    }

    /// Records of a tenant that webhooks were about, once all are understood.
    async fn touched(&self, key: &str) -> u64 {
        loop {
            let status = self.call(key, Method::GET, "/v1/status", Body::Nothing).await.json;
            if status["inbox"] == 0 {
                return status["touched"].as_u64().unwrap();
            }
            tokio::task::yield_now().await;
        }
    }
}

/// One secret signs for both, so a signature cannot tell them apart: the address alone says whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn w2_a_webhook_lands_at_the_tenant_it_is_addressed_to_and_nowhere_else() {
    let house = House::open().await.with_shops().await;
    assert_eq!(house.tell("/hooks/acme/shop", "1", 11, "x-tenant: zeta\r\n").await, 200);
    assert_eq!((house.touched(&house.acme).await, house.touched(&house.zeta).await), (1, 0));
    // The other's connection, and what only looks like an address of it.
    for path in ["/hooks/zeta/second", "/hooks/acme/../zeta/second", "/hooks/acme%2f..%2fzeta/shop", "/hooks/zeta"] {
        let status = house.tell(path, "2", 12, "").await;
        assert!(matches!(status, 401 | 404), "{path}: {status}");
    }
    let bearer = format!("authorization: Bearer {}\r\n", house.acme);
    assert_eq!(house.tell("/hooks/zeta/second", "2", 12, &bearer).await, 401);
    assert_eq!((house.touched(&house.acme).await, house.touched(&house.zeta).await), (1, 0));
    // An id that one tenant took is new to the other, and to another connection of the same tenant.
    assert_eq!(house.tell("/hooks/zeta/shop", "1", 13, "x-tenant: acme\r\n").await, 200);
    assert_eq!(house.tell("/hooks/acme/second", "1", 14, "").await, 200);
    assert_eq!((house.touched(&house.acme).await, house.touched(&house.zeta).await), (2, 1));
    let count = async |outcome| counted(&house.server, outcome).await.unwrap();
    assert_eq!((count("new").await, count("duplicate").await), (3, 0));
}

/// The server dies while every caller waits for an answer; what was stored and never answered comes again.
#[tokio::test(flavor = "multi_thread")]
async fn w8_a_webhook_that_was_never_answered_counts_once_when_it_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let wishes = Wishes { hooks_per_second_max: Some(1_000_000), ..Wishes::default() };
    let mut server = Server::start(crate::program(), dir.path(), &wishes).await.unwrap();
    prepare(&server, &components()).await.unwrap();
    let (mut next, mut repeated) = ([1; CALLERS as usize], 0);
    for round in 1..=30 {
        let acknowledged = Semaphore::new(0);
        let mut senders = Vec::new();
        for _ in 0..CALLERS {
            senders.push(Sender::connect(&server).await.unwrap());
        }
        let callers = senders.into_iter().zip(0..).map(|(mut sender, caller)| {
            let (mut n, acknowledged) = (next[caller as usize], &acknowledged);
            async move {
                while sender.send(caller, n).await.is_ok() {
                    acknowledged.add_permits(1);
                    n += 1;
                }
                n
            }
        });
        let killed = async {
            drop(acknowledged.acquire_many(100 + 37 * round).await.unwrap());
            server.kill().await.unwrap();
        };
        let (unanswered, ()) = tokio::join!(futures::future::join_all(callers), killed);
        server = Server::start(crate::program(), dir.path(), &wishes).await.unwrap();
        for twice in [false, true] {
            for (n, caller) in unanswered.iter().zip(0..) {
                Sender::connect(&server).await.unwrap().send(caller, *n).await.unwrap();
            }
            let (new, known) = (counted(&server, "new").await.unwrap(), counted(&server, "duplicate").await.unwrap());
            assert_eq!(new + known, CALLERS * (1 + u64::from(twice)));
            match twice {
                false => repeated += known,
                true => assert!(known >= CALLERS, "{new} counted again"),
            }
        }
        next = unanswered.iter().map(|n| n + 1).collect::<Vec<_>>().try_into().unwrap();
        if repeated > 0 {
            return;
        }
    }
    panic!("the server never died between storing a webhook and answering it");
}

#[tokio::test(flavor = "multi_thread")]
async fn w11_an_id_or_a_header_of_a_megabyte_leaves_nothing() {
    let house = House::open().await.with_shops().await;
    let long = "a".repeat(1 << 20);
    let body = webhook(1);
    let many: String = (0..1_000).map(|n| format!("x-shopify-{n}: {n}\r\n")).collect();
    for (id, more, expect) in [
        (long.as_str(), String::new(), "431"),
        ("1", format!("x-shopify-more: {long}\r\n"), "431"),
        ("1", many, "431"),
        (&long[..32 << 10], String::new(), "400"),
    ] {
        let answer = say(house.addr(), &request("/hooks/acme/shop", id, &body, &more)).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expect} ")), "{answer}");
        assert!(answer.len() < 1_000, "the answer has {} bytes", answer.len());
    }
    assert_eq!(house.touched(&house.acme).await, 0);
    // The door is open still, and the id was not taken.
    assert_eq!(house.tell("/hooks/acme/shop", "1", 1, "").await, 200);
    assert_eq!((house.touched(&house.acme).await, counted(&house.server, "new").await.unwrap()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn w12_of_a_bomb_only_its_digest_is_kept() {
    let house = House::open().await.with_shops().await;
    let bomb = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = say(house.addr(), &request("/hooks/acme/shop", "1", &bomb, "")).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"too-deep\""), "{answer}");
    assert_eq!(house.touched(&house.acme).await, 0);
    let log = std::fs::read_to_string(house.dir.path().join("server.log")).unwrap();
    assert!(log.contains(&hex(&sha256(&[bomb.as_bytes()]))), "{log}");
    let mut grep = std::process::Command::new("grep");
    let found = grep.args(["-rlaF", "--"]).arg("[".repeat(64)).arg(house.dir.path()).output().unwrap();
    assert_eq!((found.status.code(), String::from_utf8_lossy(&found.stdout).as_ref()), (Some(1), ""), "it was kept");
    // Its id was not taken.
    assert_eq!(house.tell("/hooks/acme/shop", "1", 1, "").await, 200);
    assert_eq!((house.touched(&house.acme).await, counted(&house.server, "new").await.unwrap()), (1, 1));
}
