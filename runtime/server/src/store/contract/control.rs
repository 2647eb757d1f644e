use super::*;
use crate::store::control::{ApiKey, Remembered, Tenant, scope_of};

fn key(id: &str, tenant: Option<TenantId>) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        tenant,
        label: "till".to_owned(),
        secret_sha256: [7; 32],
        scopes: texts(["records:read"]),
        created_at: at(0),
        expires_at: Some(at(90)),
        revoked_at: None,
        last_used_at: None,
    }
}

pub async fn tenants_have_one_name_each<P: Place>() {
    let place = P::start().await;
    let control = place.control();
    assert!(control.tenants().await.unwrap().is_empty());
    let acme = control.add_tenant("acme", at(0)).await.unwrap();
    let other = control.add_tenant("other", at(1)).await.unwrap();
    assert_eq!(acme, Tenant { id: TenantId(1), name: "acme".to_owned(), created_at: at(0), shard: 0 });
    let taken = control.add_tenant("acme", at(2)).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    assert_eq!(control.tenants().await.unwrap(), [acme, other.clone()]);
    assert_eq!(control.tenant("other").await.unwrap(), Some(other));
    assert_eq!(control.tenant("nobody").await.unwrap(), None);
}

pub async fn a_tenant_that_was_ended_leaves_its_number<P: Place>() {
    let place = P::start().await;
    let control = place.control();
    let [acme, other] = ["acme", "other"].map(|name| control.add_tenant(name, at(0)));
    let (acme, other) = (acme.await.unwrap().id, other.await.unwrap().id);
    for key in [key("a", Some(acme)), key("b", Some(other)), key("root", None)] {
        control.add_key(key).await.unwrap();
    }
    for tenant in [Some(acme), Some(other), Some(TenantId(11)), None] {
        let scope = format!("{}POST /v1/keys", scope_of(tenant));
        assert_eq!(control.remember(&scope, "k", [1; 32], at(1)).await.unwrap(), Remembered::New);
    }
    let store = control.open(acme).await.unwrap();
    assert!(matches!(control.erase(acme).await, Err(Error::Conflict(_))));
    assert!(control.end_tenant(acme, at(7)).await.unwrap());
    assert!(!control.end_tenant(acme, at(8)).await.unwrap());
    assert!(!control.end_tenant(TenantId(99), at(8)).await.unwrap());
    assert_eq!(control.ended().await.unwrap(), BTreeMap::from([(acme, at(7))]));
    assert_eq!(control.tenant("acme").await.unwrap(), None);
    assert_eq!(control.tenants().await.unwrap().iter().map(|it| it.id).collect::<Vec<_>>(), [other]);
    assert_eq!(control.key("a").await.unwrap(), None);
    assert!(control.key("b").await.unwrap().is_some() && control.key("root").await.unwrap().is_some());
    assert!(matches!(control.add_key(key("c", Some(acme))).await, Err(Error::Conflict(_))));
    for (tenant, expect) in
        [(acme, Remembered::New), (other, Remembered::InFlight), (TenantId(11), Remembered::InFlight)]
    {
        let scope = format!("{}POST /v1/keys", scope_of(Some(tenant)));
        assert_eq!(control.remember(&scope, "k", [1; 32], at(9)).await.unwrap(), expect, "{tenant:?}");
    }
    for _ in 0..2 {
        control.erase(acme).await.unwrap();
        assert!(store.connections().await.is_err());
    }
    // Its name is free, its number is not; and a start finds nothing missing.
    let place = place.restart().await;
    let again = place.control().add_tenant("acme", at(9)).await.unwrap();
    assert!(again.id > other, "{again:?}");
    assert!(place.control().open(again.id).await.unwrap().connections().await.unwrap().is_empty());
    assert_eq!(place.control().ended().await.unwrap(), BTreeMap::from([(acme, at(7))]));
}

pub async fn keys_are_found_and_revoked<P: Place>() {
    let place = P::start().await;
    let control = place.control();
    let tenant = control.add_tenant("acme", at(0)).await.unwrap().id;
    for key in [key("b", Some(tenant)), key("a", Some(tenant)), key("root", None)] {
        control.add_key(key).await.unwrap();
    }
    assert!(matches!(control.add_key(key("a", None)).await, Err(Error::Conflict(_))));
    assert!(matches!(control.add_key(key("c", Some(TenantId(9)))).await, Err(Error::Conflict(_))));
    assert_eq!(control.key("a").await.unwrap(), Some(key("a", Some(tenant))));
    assert_eq!(control.key("nobody").await.unwrap(), None);
    assert_eq!(control.keys(Some(tenant)).await.unwrap(), [key("a", Some(tenant)), key("b", Some(tenant))]);
    assert_eq!(control.keys(None).await.unwrap(), [key("root", None)]);
    // A tenant revokes its own and nobody else's.
    assert!(!control.revoke_key(Some(tenant), "root", at(5)).await.unwrap());
    assert!(!control.revoke_key(None, "a", at(5)).await.unwrap());
    assert!(control.revoke_key(Some(tenant), "a", at(5)).await.unwrap());
    assert!(control.revoke_key(Some(tenant), "a", at(6)).await.unwrap());
    assert_eq!(control.key("a").await.unwrap().unwrap().revoked_at, Some(at(5)));
    let used = |ms| BTreeMap::from([("b".to_owned(), UnixMs(ms)), ("nobody".to_owned(), UnixMs(ms))]);
    control.keys_used(&used(600_001)).await.unwrap();
    control.keys_used(&used(240_000)).await.unwrap();
    assert_eq!(control.key("b").await.unwrap().unwrap().last_used_at, Some(UnixMs(600_000)));
    assert_eq!(control.key("root").await.unwrap().unwrap().last_used_at, None);
}

pub async fn a_request_is_remembered<P: Place>() {
    let place = P::start().await;
    let control = place.control();
    let ask = async |scope: &str, request: u8, ms| control.remember(scope, "k", [request; 32], at(ms)).await.unwrap();
    let answer = Remembered::Answer { status: 201, body: b"{}".to_vec() };
    assert_eq!(ask("acme", 1, 0).await, Remembered::New);
    assert_eq!(ask("acme", 1, 1).await, Remembered::InFlight);
    assert_eq!(ask("acme", 2, 1).await, Remembered::Mismatch);
    assert_eq!(ask("other", 2, 1).await, Remembered::New);
    control.answered("acme", "k", Some((201, b"{}".to_vec()))).await.unwrap();
    assert_eq!(ask("acme", 1, 2).await, answer);
    assert_eq!(ask("acme", 2, 2).await, Remembered::Mismatch);
    // Nothing was done: whoever asks next may.
    control.answered("other", "k", None).await.unwrap();
    assert_eq!(ask("other", 3, 3).await, Remembered::New);
    // An answer is not taken back.
    control.answered("acme", "k", None).await.unwrap();
    assert_eq!(ask("acme", 1, REMEMBERED_MS - 1).await, answer);
    assert_eq!(ask("acme", 2, REMEMBERED_MS).await, Remembered::New);
}

pub async fn a_dead_process_reserves_nothing<P: Place>() {
    let place = P::start().await;
    let ask = async |place: &P, key: &str| place.control().remember("acme", key, [1; 32], at(1)).await.unwrap();
    ask(&place, "begun").await;
    ask(&place, "done").await;
    place.control().answered("acme", "done", Some((200, Vec::new()))).await.unwrap();
    let place = place.restart().await;
    assert_eq!(ask(&place, "begun").await, Remembered::New);
    assert_eq!(ask(&place, "done").await, Remembered::Answer { status: 200, body: Vec::new() });
}
