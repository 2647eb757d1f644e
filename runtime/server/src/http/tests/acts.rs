//! What may be done with a connection, and what it comes to when others do something at the same time.

use truthsource_core::UnixMs;
use truthsource_core::record::ConnectionId;

use super::*;
use crate::store::{Batch, Change, ConnectionState, TenantStore as _};

/// Something that is done with a connection.
#[derive(Debug, Clone, Copy)]
enum Act {
    Check,
    Pause,
    Resume,
    Sweep,
    /// How it takes part is changed.
    Change,
    /// What requests are signed with is replaced.
    Auth,
    /// What webhooks are signed with is replaced.
    Webhook,
}

impl House {
    async fn act(&self, name: &str, act: Act) -> Answer {
        let at = |tail: &str| format!("/v1/connections/{name}{tail}");
        let (method, path, body) = match act {
            Act::Check => (Method::POST, at("/check"), Json::Null),
            Act::Pause => (Method::POST, at("/pause"), Json::Null),
            Act::Resume => (Method::POST, at("/resume"), Json::Null),
            Act::Sweep => (Method::POST, at("/sweep"), Json::Null),
            Act::Change => (Method::PUT, at(""), json!({"spec": shop(name)["spec"]})),
            Act::Auth => {
                (Method::PUT, at("/credentials"), json!({"auth": {"scheme": "shopify-token", "token": "new"}}))
            }
            Act::Webhook => (Method::PUT, at("/credentials"), json!({"webhook": [{"secret": "new"}]})),
        };
        self.call(&self.key, method, &path, body).await
    }

    fn state(&self) -> ConnectionState {
        self.acme.connections.lock().unwrap()[0].state
    }
}

#[tokio::test]
async fn a_connection_works_only_after_a_check_whatever_is_done_with_it() {
    use ConnectionState::{Active, Denied, New, Paused};
    let (done, nothing) = ((200, ""), (204, ""));
    let first = (409, "check-first");
    let inactive = (409, "not-active");
    for (act, expect) in [
        (Act::Check, [(New, done, Active), (Active, done, Active), (Paused, done, Paused), (Denied, done, Active)]),
        (
            Act::Pause,
            [(New, inactive, New), (Active, done, Paused), (Paused, done, Paused), (Denied, inactive, Denied)],
        ),
        (Act::Resume, [(New, first, New), (Active, done, Active), (Paused, done, Active), (Denied, first, Denied)]),
        (
            Act::Sweep,
            [(New, inactive, New), (Active, (202, ""), Active), (Paused, inactive, Paused), (Denied, inactive, Denied)],
        ),
        (Act::Change, [New, Active, Paused, Denied].map(|state| (state, done, state))),
        // Of a connection that was refused, only what it was refused for is worth another try.
        (
            Act::Auth,
            [(New, nothing, New), (Active, nothing, Active), (Paused, nothing, Paused), (Denied, nothing, Active)],
        ),
        (Act::Webhook, [New, Active, Paused, Denied].map(|state| (state, nothing, state))),
    ] {
        for (before, code, after) in expect {
            let house = House::new().await.with_shop().await;
            house.acme.connections.lock().unwrap()[0].state = before;
            let answer = house.act("shop", act).await;
            assert_eq!((answer.code(), house.state()), (code, after), "{act:?} of one that is {before:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn what_a_check_found_takes_back_nothing_that_was_done_meanwhile() {
    let house = House::new().await;
    assert_eq!(house.post("/v1/connections", shop("contested")).await.status, 201);
    house.acme.connections.lock().unwrap()[0].state = ConnectionState::Denied;
    // Somebody does something while the system takes its time to answer.
    let checked = house.act("contested", Act::Check).await;
    assert_eq!(checked.code(), (409, "changed-meanwhile"));
    assert!(checked.body["detail"].as_str().unwrap().contains("look at it"), "{checked:?}");
    assert_eq!(house.state(), ConnectionState::Paused);
}

#[tokio::test]
async fn new_secrets_make_decisions_on_the_old_ones_void() {
    let house = House::new().await.with_shop().await;
    house.acme.connections.lock().unwrap()[0].state = ConnectionState::Active;
    let read = house.acme.connections.lock().unwrap()[0].revision;
    assert_eq!(house.act("shop", Act::Auth).await.status, 204);
    let (id, state) = (ConnectionId(1), ConnectionState::Denied);
    let denied = Change::ConnectionState { id, read, state, trouble: None };
    assert!(house.acme.commit(Batch { changes: vec![denied], ..Batch::new(UnixMs(0)) }).await.is_err());
    assert_eq!(house.state(), ConnectionState::Active);
}
