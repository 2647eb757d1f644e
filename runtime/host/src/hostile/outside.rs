//! Guests and the world outside: hanging, panicking, echoing, looping.

use std::sync::Arc;
use std::time::Duration;

use truthsource_core::Kind;

use crate::cache::SealKey;
use crate::call::Reach;
use crate::engine::Concurrency;
use crate::error::CallError;
use crate::host::{Allowance, Compiling, Host, HostConfig};
use crate::limits::Limits;
use crate::model::{Context, Fault, Pull, Webhook};
use crate::record::{Detail, FAILURE_BYTES_MAX, Input};
use crate::release::{Connector, Release};
use crate::replay::{Comparison, replay};
use crate::testing::{self, Act, Memory, Script, component, reach, release, setup};
use crate::world::EngineKind;

async fn connector(limits: Limits) -> Connector {
    let release: Release = release(&testing::connector()).await.limited(limits);
    Connector::try_from(release).unwrap()
}

async fn check(limits: Limits, reach: Reach) -> Result<String, CallError> {
    let (end, _) = connector(limits).await.check(&setup().reaching(reach), Context::default()).await;
    end.map(|findings| format!("{} {}", findings[0].ok, findings[0].message))
}

#[tokio::test]
async fn a_request_is_signed_and_its_answer_reaches_the_guest() {
    let script = Script::new(vec![Act::Answer(200, "hello")]);
    assert_eq!(check(Limits::CONNECTORS, reach(&script)).await, Ok("true hello".to_owned()));
    let seen = script.seen.lock().unwrap();
    assert_eq!(seen[0].headers()["x-shopify-access-token"], "shpat_hidden");
}

#[tokio::test]
async fn p15_an_echoed_secret_never_reaches_the_guest_or_the_recording() {
    let script = Script::new(vec![Act::Answer(401, "bad token shpat_hidden")]);
    let setup = setup().reaching(reach(&script)).keep(Detail::Full);
    let (end, recording) = connector(Limits::CONNECTORS).await.check(&setup, Context::default()).await;
    assert_eq!(end.unwrap()[0].message, "bad token ***");
    assert!(!serde_json::to_string(&recording).unwrap().contains("shpat_hidden"));
}

#[tokio::test]
async fn of_a_call_that_fails_its_input_is_kept_and_of_others_nothing() {
    let script = Script::new(vec![Act::Answer(200, "hello")]);
    let setup = setup().reaching(reach(&script)).keep(Detail::Failures);
    let connector = connector(Limits::CONNECTORS).await;
    let (end, recording) = connector.check(&setup, Context::default()).await;
    assert!(end.is_ok() && recording.input.is_none() && recording.answers.is_empty(), "{recording:?}");
    let read = async |ids: Vec<String>| connector.read(&setup, Context::default(), Kind::Item, ids, false).await;
    let (end, recording) = read(vec!["7".to_owned()]).await;
    assert!(end.is_err() && matches!(recording.input, Some(Input::Read { .. })), "{recording:?}");
    // What is too large to keep is not.
    let (end, recording) = read(vec!["x".repeat(250); FAILURE_BYTES_MAX / 250]).await;
    assert!(end.is_err() && recording.input.is_none());
}

#[tokio::test]
async fn without_a_grant_every_request_is_denied() {
    assert_eq!(
        check(Limits::CONNECTORS, Reach::default()).await,
        Ok("false the tenant has granted no http".to_owned())
    );
}

#[tokio::test]
async fn a_pure_function_reaches_nothing_whatever_is_granted() {
    let script = Script::new(vec![]);
    let webhook = Webhook { topic: String::new(), headers: vec![], body: vec![] };
    let connector = connector(Limits::CONNECTORS).await;
    let (end, _) = connector.receive(&setup().reaching(reach(&script)), Context::default(), webhook).await;
    assert_eq!(end, Err(CallError::Refused(Fault::Denied("the tenant has granted no http".to_owned()))));
    assert!(script.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn g10_a_call_that_waits_for_ever_is_ended() {
    let limits = Limits { wall_ms_max: 50, ..Limits::CONNECTORS };
    let script = Script::new(vec![Act::Hang, Act::Answer(200, "again")]);
    assert_eq!(check(limits, reach(&script)).await, Err(CallError::TimedOut { wall_ms_max: 50 }));
    assert_eq!(check(limits, reach(&script)).await, Ok("true again".to_owned()));
}

#[tokio::test]
async fn g10_whoever_waits_for_ever_gives_the_only_place_back() {
    let dir = tempfile::tempdir().unwrap();
    let one = Concurrency { calls_max: 1, calls_per_tenant_max: 1, wait: Duration::from_millis(100) };
    let config = HostConfig::new(dir.path().to_owned(), SealKey::new([1; 32]), Compiling::InProcess);
    let host = Host::start(HostConfig { rules: one, connectors: one, ..config }).unwrap();
    let release = host.load(&testing::uploader(), &component(&testing::connector()), &Allowance::USUAL).await.unwrap();
    let hasty = release.limited(Limits { wall_ms_max: 50, ..Limits::CONNECTORS });
    let (hasty, patient) = (Connector::try_from(hasty).unwrap(), Connector::try_from(release).unwrap());
    let script = Script::new(vec![Act::Hang, Act::Hang, Act::Panic, Act::Answer(200, "again")]);
    let setup = setup().reaching(reach(&script));
    for _ in 0..2 {
        let seen = hasty.check(&setup, Context::default()).await.0;
        assert_eq!(seen, Err(CallError::TimedOut { wall_ms_max: 50 }));
        assert_eq!(host.load_of(EngineKind::Connectors).free, 1);
    }
    assert!(matches!(patient.check(&setup, Context::default()).await.0, Err(CallError::Panicked { .. })));
    assert!(patient.check(&setup, Context::default()).await.0.is_ok());
}

#[tokio::test]
async fn g12_a_panic_of_the_host_ends_the_call_only() {
    let script = Script::new(vec![Act::Panic, Act::Answer(200, "alive")]);
    let seen = check(Limits::CONNECTORS, reach(&script)).await;
    assert_eq!(seen, Err(CallError::Panicked { message: "the transport broke".to_owned() }));
    assert_eq!(check(Limits::CONNECTORS, reach(&script)).await, Ok("true alive".to_owned()));
}

#[tokio::test]
async fn g1_a_looping_connector_runs_out_of_processor_time() {
    let limits = Limits { cpu_ms_max: 50, ..Limits::CONNECTORS };
    let pull = Pull { kind: Kind::Item, cursor: None, overlap_ms: 0 };
    let (end, _) = connector(limits).await.pull(&setup(), Context::default(), pull).await;
    assert_eq!(end, Err(CallError::OutOfTime { cpu_ms_max: 50 }));
}

#[tokio::test]
async fn g5_a_list_of_aliased_strings_is_not_copied() {
    let script = Script::new(vec![]);
    let setup = setup().reaching(reach(&script));
    let (end, _) = connector(Limits::CONNECTORS).await.project(&setup, Context::default(), Kind::Item, vec![]).await;
    assert_eq!(end, Err(CallError::CrossingTooLarge { bytes_max: Limits::CONNECTORS.crossing_bytes_max }));
    assert!(script.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn kv_is_durable_when_the_call_ends_well_and_only_then() {
    let memory = Arc::new(Memory::default());
    let setup = setup().reaching(memory.grant());
    let connector = connector(Limits::CONNECTORS).await;
    assert!(connector.read(&setup, Context::default(), Kind::Item, vec![], false).await.0.is_err());
    assert!(memory.0.lock().unwrap().is_empty());
    let found = connector.find(&setup, Context::default(), Kind::Item, "ck".to_owned()).await.0;
    assert_eq!(found, Ok(None));
    assert_eq!(memory.0.lock().unwrap().get("k").map(Vec::as_slice), Some(b"GET".as_slice()));
}

#[tokio::test]
async fn a_recorded_call_replays_without_the_outside() {
    let script = Script::new(vec![Act::Answer(200, "hello")]);
    let connector = connector(Limits::CONNECTORS).await;
    let setup = setup().reaching(reach(&script)).keep(Detail::Full).slot("connector:shop-eu");
    let (_, recording) = connector.check(&setup, Context::default()).await;
    // Through JSON, as a store would keep it.
    let recording = serde_json::from_str(&serde_json::to_string(&recording).unwrap()).unwrap();
    let again = replay(connector.release(), setup.tenant.clone(), &recording).await;
    assert_eq!((again.comparison, again.output), (Comparison::Same, recording.output.clone()));
    assert_eq!(script.seen.lock().unwrap().len(), 1);

    let mut shorter = recording.clone();
    shorter.answers.clear();
    let again = replay(connector.release(), setup.tenant.clone(), &shorter).await;
    assert!(matches!(again.comparison, Comparison::Diverged { .. }), "{again:?}");

    let mut other = recording.clone();
    other.output = None;
    assert_eq!(replay(connector.release(), setup.tenant, &other).await.comparison, Comparison::Different);
}
