//! Accepting and loading, and what of it a cache and a queue may save.

use std::time::Duration;

use super::*;
use crate::testing::{basket, component, pricing, setup};

const EMPTY: &str = r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
    (i64.store (i32.const 1024) (i64.const 0)) (i32.store offset=8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))"#;

fn host(dir: &Path, key: u8) -> Host {
    let few = Concurrency { calls_max: 1, calls_per_tenant_max: 1, wait: Duration::from_secs(5) };
    let config = HostConfig::new(dir.to_owned(), SealKey::new([key; 32]), Compiling::InProcess);
    let queue = CompileQueue { wait: few.wait, ..CompileQueue::USUAL };
    Host::start(HostConfig { queue, rules: few, connectors: few, ..config }).unwrap()
}

fn acme() -> Tenant {
    Tenant::new("acme")
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    all.filter(|it| it.extension().is_some_and(|it| it == extension)).collect()
}

/// Of the compiled file: another one, once it is stored anew.
fn inode(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(files(dir, "cwasm").remove(0)).unwrap().ino()
}

async fn works(release: Release) -> bool {
    crate::release::Pricing::try_from(release).unwrap().price(&setup(), basket(0)).await.0 == Ok(vec![])
}

#[tokio::test]
async fn u7_the_same_upload_again_is_the_same_release() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1);
    let bytes = component(&pricing(EMPTY));
    let first = host.accept(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    let second = host.accept(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    assert_eq!(first.digest(), second.digest());
    assert_eq!((files(dir.path(), "cwasm").len(), files(dir.path(), "draft").len()), (1, 0));
}

#[tokio::test]
async fn tampered_code_is_compiled_again_instead_of_run() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1);
    let bytes = component(&pricing(EMPTY));
    host.load(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    let path = files(dir.path(), "cwasm").remove(0);
    let honest = std::fs::read(&path).unwrap();
    for at in [0, honest.len() / 2, honest.len() - 1] {
        let mut tampered = honest.clone();
        tampered[at] ^= 1;
        std::fs::write(&path, &tampered).unwrap();
        assert!(works(host.load(&acme(), &bytes, &Allowance::USUAL).await.unwrap()).await);
        assert_ne!(std::fs::read(&path).unwrap(), tampered);
    }
    // Without its seal it is nothing, either.
    std::fs::remove_file(files(dir.path(), "seal").remove(0)).unwrap();
    assert!(works(host.load(&acme(), &bytes, &Allowance::USUAL).await.unwrap()).await);
}

#[tokio::test]
async fn code_of_another_component_or_key_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = component(&pricing(EMPTY));
    let entry = |host: &Host, bytes: &[u8]| Entry {
        component: crate::digest::Digest::of(bytes),
        engine: host.rules.fingerprint,
        world: crate::world::World::PricingRule,
    };
    let host_a = host(dir.path(), 1);
    host_a.load(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    assert!(matches!(host_a.cached(&host_a.rules, entry(&host_a, &bytes)).await, Ok(Found::Ready(_))));
    let host_b = host(dir.path(), 2);
    assert!(matches!(host_b.cached(&host_b.rules, entry(&host_b, &bytes)).await, Ok(Found::Broken)));
    // A broken entry was removed, and is nothing from then on.
    assert!(matches!(host_a.cached(&host_a.rules, entry(&host_a, &bytes)).await, Ok(Found::Nothing)));
}

#[tokio::test]
async fn u1_what_is_compiled_already_waits_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1);
    let bytes = component(&pricing(EMPTY));
    host.accept(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    // A compilation of its own is under way.
    let turn = host.turns.take(&acme(), Cause::Upload).await.unwrap();
    assert!(host.accept(&acme(), &bytes, &Allowance::USUAL).await.is_ok());
    assert!(host.load(&acme(), &bytes, &Allowance::USUAL).await.is_ok());
    let other = component(&pricing(&format!("(func) {EMPTY}")));
    let seen = host.accept(&acme(), &other, &Allowance::USUAL).await.err();
    assert!(matches!(seen, Some(UploadError::Busy { .. })), "{seen:?}");
    drop(turn);
    assert!(host.accept(&acme(), &other, &Allowance::USUAL).await.is_ok());
}

#[tokio::test]
async fn u1_what_waited_while_the_same_bytes_were_compiled_is_not_compiled_again() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1);
    let bytes = component(&pricing(EMPTY));
    let other = self::host(dir.path(), 1);
    let turn = host.turns.take(&Tenant::new("zeta"), Cause::Load).await.unwrap();
    let stored = async {
        other.load(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
        let stored = inode(dir.path());
        drop(turn);
        stored
    };
    let acme = acme();
    let (loaded, stored) = tokio::join!(host.load(&acme, &bytes, &Allowance::USUAL), stored);
    assert!(loaded.is_ok());
    assert_eq!(inode(dir.path()), stored);
}

#[tokio::test]
async fn the_first_call_of_an_upload_takes_a_place_of_its_tenants() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path(), 1);
    let bytes = component(&pricing(EMPTY));
    let taken = host.rules.places.take(&acme()).await.unwrap();
    let seen = host.accept(&acme(), &bytes, &Allowance::USUAL).await.err();
    assert!(matches!(seen, Some(UploadError::Smoke(crate::CallError::Busy { .. }))), "{seen:?}");
    drop(taken);
    host.accept(&acme(), &bytes, &Allowance::USUAL).await.unwrap();
    assert_eq!(host.load_of(EngineKind::Rules), Load { free: 1, calls: [("busy", 1), ("ok", 1)].into() });
}
