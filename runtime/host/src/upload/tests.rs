//! Uploads of strangers, and the compiler's child process.

use super::compile::{CompileLimits, Compiler, compile_child_main};
use super::{BadManifest, UploadError, UploadLimits, inspect};
use crate::cache::SealKey;
use crate::engine::Concurrency;
use crate::host::{Allowance, Compiling, Host, HostConfig};
use crate::testing::{component, connector, host, pricing, uploader, with_manifest};
use crate::world::{EngineKind, World};

/// Answers an empty basket.
const EMPTY: &str = r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32)
    (i64.store (i32.const 1024) (i64.const 0)) (i32.store offset=8 (i32.const 1024) (i32.const 0)) (i32.const 1024))"#;

fn seen(bytes: &[u8]) -> Result<World, UploadError> {
    inspect(bytes, &UploadLimits::USUAL).map(|it| it.world)
}

fn check_code(bytes: &[u8], expect: &str) {
    assert_eq!(seen(bytes).map_err(|it| it.code()), Err(expect));
}

#[test]
fn a_component_is_known_by_its_exports() {
    let inspected = inspect(&component(&pricing(EMPTY)), &UploadLimits::USUAL).unwrap();
    assert_eq!((inspected.world, inspected.manifest.name.as_str()), (World::PricingRule, "test"));
    let connector = inspect(&component(&connector()), &UploadLimits::USUAL).unwrap();
    assert_eq!(connector.world, World::Connector);
    assert_eq!(connector.imports, ["truthsource:http/client@1.0.0", "truthsource:kv/store@1.0.0"]);
}

#[test]
fn u2_an_upload_over_its_size_is_refused_before_it_is_read() {
    check_code(&vec![0; (8 << 20) + 1], "too-large");
    let padded =
        pricing(EMPTY).replacen("(component", &format!("(component (@custom \"pad\" \"{}\")", "x".repeat(2 << 20)), 1);
    let seen = seen(&component(&padded));
    assert!(matches!(seen, Err(UploadError::TooLarge { bytes_max, .. }) if bytes_max == 2 << 20), "{seen:?}");
}

#[test]
fn u3_native_code_is_refused_whatever_it_claims() {
    let engine = crate::engine::compiling(EngineKind::Rules).unwrap();
    check_code(&engine.precompile_component(&component(&pricing(EMPTY))).unwrap(), "native-code");
    check_code(&std::fs::read(std::env::current_exe().unwrap()).unwrap()[..4096], "native-code");
    check_code(b"MZ\x90\0\0\0\0\0", "native-code");
}

#[test]
fn u4_core_modules_and_other_files_are_refused() {
    check_code(&wat::parse_str("(module)").unwrap(), "core-module");
    check_code(b"PK\x03\x04 a zip", "not-wasm");
    check_code(b"", "not-wasm");
    check_code(b"\0asm\x0d\0\x01", "not-wasm");
    check_code(b"\0asm\x0d\0\x01\0\xff\xff\xff", "invalid");
    check_code(&component("(component)"), "no-world");
}

#[test]
fn u5_masses_of_anything_are_refused() {
    let check = |body: String, what: &str| {
        let seen = seen(&component(&pricing(&format!("{body} {EMPTY}"))));
        assert!(matches!(&seen, Err(UploadError::TooMany { what: it, .. }) if *it == what), "{seen:?}");
    };
    check("(func)".repeat(20_001), "functions");
    check(
        (0..10_001).map(|n| format!("(type (func (param {})))", "i32 ".repeat(n % 500))).collect(),
        "types, instances and aliases",
    );
    check(format!("(func {} {})", "(block ".repeat(600), ")".repeat(600)), "nested blocks");
    check(format!("(func {})", "nop ".repeat(200_000)), "bytes in one function");
    let parts = pricing(EMPTY).replacen("(component", &format!("(component {}", "(component)".repeat(300)), 1);
    assert!(matches!(
        seen(&component(&parts)),
        Err(UploadError::TooMany { what: "modules and nested components", .. })
    ));
    let mut deep = wasm_encoder::Component::new();
    for _ in 0..400 {
        let inner = std::mem::take(&mut deep);
        deep.section(&wasm_encoder::NestedComponentSection(&inner));
    }
    let deep = seen(&deep.finish());
    assert!(matches!(deep, Err(UploadError::TooMany { what: "modules and nested components", .. })), "{deep:?}");
    let sections =
        pricing(EMPTY).replacen("(component", &format!("(component {}", "(@custom \"x\" \"\")".repeat(10_001)), 1);
    assert!(matches!(seen(&component(&sections)), Err(UploadError::TooMany { what: "sections", .. })));
}

#[test]
fn proposals_that_are_off_are_refused() {
    let check = |body: &str| {
        let seen = seen(&component(&pricing(&format!("{body} {EMPTY}"))));
        assert!(matches!(seen, Err(UploadError::Invalid { .. })), "{body}: {seen:?}");
    };
    check("(memory 1)"); // a second memory
    check("(tag)");
    check("(type (struct))");
    check("(func (result externref) (ref.null extern))");
    check("(func (param v128) (drop (i32x4.relaxed_trunc_f32x4_s (local.get 0))))");
    check("(func (drop (i32.atomic.load (i32.const 0))))");
}

#[test]
fn a_manifest_is_needed_once_and_must_agree() {
    let manifest = with_manifest("pricing-rule");
    let check = |manifests: &str, expect: UploadError| {
        assert_eq!(seen(&component(&pricing(EMPTY).replace(&manifest, manifests))), Err(expect));
    };
    check("", BadManifest::Missing.into());
    check(&format!("{manifest} {manifest}"), BadManifest::Twice.into());
    let other = UploadError::OtherWorld { says: World::StockRule, is: World::PricingRule };
    check(&with_manifest("stock-rule"), other);
    // Where a linker puts it: in the module.
    let inside = pricing(&format!("{manifest} {EMPTY}")).replacen(&manifest, "", 1);
    assert_eq!(seen(&component(&inside)), Ok(World::PricingRule));
}

#[tokio::test]
async fn a_component_of_the_wrong_type_is_refused() {
    let wrong = pricing(EMPTY).replace(r#"(field "reason" string)"#, r#"(field "reason" u64)"#);
    let seen = host().accept(&uploader(), &component(&wrong), &Allowance::USUAL).await.err();
    assert!(seen.as_ref().is_some_and(|it| it.to_string().contains("type")), "{seen:?}");
    // A function that the first call does not come to.
    let wrong =
        connector().replace("(result (option $state) (error $fault))", "(result (option string) (error $fault))");
    let seen = host().accept(&uploader(), &component(&wrong), &Allowance::USUAL).await.err();
    assert!(seen.as_ref().is_some_and(|it| it.to_string().contains("type")), "{seen:?}");
    let renamed = pricing(EMPTY).replace(r#"(export "price" (func $price))"#, r#"(export "cost" (func $price))"#);
    let seen = host().accept(&uploader(), &component(&renamed), &Allowance::USUAL).await.err();
    assert_eq!(seen.map(|it| it.code()), Some("does-not-link"));
}

#[tokio::test]
async fn a_component_that_fails_its_first_call_is_refused() {
    let traps = r#"(func (export "price") (param i32 i32 i32 i32 i64 i32 i32) (result i32) unreachable)"#;
    let seen = host().accept(&uploader(), &component(&pricing(traps)), &Allowance::USUAL).await.err();
    assert_eq!(seen.map(|it| it.code()), Some("failed-first-call"));
    assert!(host().accept(&uploader(), &component(&pricing(EMPTY)), &Allowance::USUAL).await.is_ok());
}

/// Not a test: what the compiler's child runs, when this very binary is started as one.
#[test]
#[ignore = "the compiler's child process"]
fn compiler_child() {
    if std::env::args().any(|it| it == CHILD) {
        compile_child_main()
    }
}

const CHILD: &str = "upload::tests::compiler_child";

fn compiler() -> Compiler {
    let args = ["--ignored", "--nocapture", "--exact", CHILD].map(str::to_owned);
    Compiler { program: std::env::current_exe().unwrap(), args: args.into() }
}

async fn compile(wasm: &[u8], limits: CompileLimits) -> Result<Vec<u8>, UploadError> {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("code.draft");
    compiler().compile(EngineKind::Rules, wasm, &out, &limits).await?;
    Ok(std::fs::read(out).unwrap())
}

#[tokio::test]
async fn what_a_child_compiles_runs_here() {
    let dir = tempfile::tempdir().unwrap();
    let few = Concurrency { calls_max: 1, calls_per_tenant_max: 1, wait: std::time::Duration::from_secs(5) };
    let config = HostConfig::new(dir.path().to_owned(), SealKey::new([1; 32]), Compiling::Child(compiler()));
    let host = Host::start(HostConfig { rules: few, connectors: few, ..config }).unwrap();
    let release = host.accept(&uploader(), &component(&pricing(EMPTY)), &Allowance::USUAL).await.unwrap();
    assert_eq!(release.world(), World::PricingRule);
    let connector = host.load(&uploader(), &component(&connector()), &Allowance::USUAL).await.unwrap();
    assert_eq!(connector.world(), World::Connector);
}

#[tokio::test]
async fn what_does_not_compile_says_why() {
    let seen = compile(b"\0asm\x0d\0\x01\0\xff", CompileLimits::USUAL).await;
    assert!(matches!(&seen, Err(UploadError::DoesNotCompile { reason }) if !reason.is_empty()), "{seen:?}");
}

/// Within every limit of [`UploadLimits`], and still slow: many functions full of nested blocks.
fn bomb() -> Vec<u8> {
    let nest = format!("{}{}", "(if (local.get 0) (then (local.set 0 (i32.const 1)) ".repeat(200), "))".repeat(200));
    let function = format!("(func (param i32) {})", nest.repeat(40));
    component(&pricing(&format!("{} {EMPTY}", function.repeat(20))))
}

#[tokio::test]
async fn u1_a_compile_bomb_is_killed_by_the_clock() {
    let bomb = bomb();
    assert_eq!(seen(&bomb), Ok(World::PricingRule));
    let seen = compile(&bomb, CompileLimits { wall_ms: 300, ..CompileLimits::USUAL }).await;
    assert_eq!(seen, Err(UploadError::Expensive { reason: "over 300 ms".to_owned() }));
}

#[tokio::test]
async fn u1_a_compile_bomb_is_killed_by_its_processor_time() {
    let seen = compile(&bomb(), CompileLimits { cpu_s: 1, ..CompileLimits::USUAL }).await;
    assert_eq!(seen, Err(UploadError::Expensive { reason: "its processor time".to_owned() }));
}
