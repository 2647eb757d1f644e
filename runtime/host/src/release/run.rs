//! One call from its place to its recording.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::time::Instant;
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::{Broken, Release};
use crate::call::CallSetup;
use crate::error::{CallError, Misfit};
use crate::limits::{EPOCH_MS, FUEL_YIELD, Limits};
use crate::record::{Detail, FAILURE_BYTES_MAX, Failure, HostAnswer, Input, Output, Recording, Severity};
use crate::state::{HostState, Recorded, Source, Stop};
use crate::world::EngineKind;

pub(super) async fn live(release: &Release, setup: &CallSetup, input: Input) -> (Result<Output, CallError>, Recording) {
    call(release, setup, input, Source::Live).await
}

pub(super) async fn recorded(
    release: &Release,
    setup: &CallSetup,
    input: Input,
    answers: Vec<HostAnswer>,
) -> (Result<Output, CallError>, Recording) {
    call(release, setup, input, Source::Recorded(Recorded(answers.into()))).await
}

async fn call(
    release: &Release,
    setup: &CallSetup,
    input: Input,
    source: Source,
) -> (Result<Output, CallError>, Recording) {
    let mut recording = blank(release, setup, &input);
    let limits = &release.loaded.limits;
    if input.weight() > limits.input_bytes_max {
        let misfit = Misfit::new("input", format!("over {} bytes", limits.input_bytes_max));
        return refuse(recording, CallError::BadInput(misfit));
    }
    // Held until the store is gone: a place is a slot of the pool.
    let _place = match release.loaded.runner.places.take(&setup.tenant).await {
        Ok(place) => place,
        Err(busy) => return refuse(recording, busy),
    };
    let started = Instant::now();
    let input = Arc::new(input);
    let end = match store_for(release, setup, &input, source) {
        Ok(mut store) => {
            let end = bounded(release, &mut store, &input).await;
            finish(store, limits, end, &mut recording).await
        }
        Err(error) => Err(CallError::Host { reason: format!("{error:#}") }),
    };
    recording.duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    keep(&mut recording, setup.detail, input, &end);
    (end, recording)
}

fn refuse(mut recording: Recording, error: CallError) -> (Result<Output, CallError>, Recording) {
    recording.failure = Some(Failure::from(&error));
    (Err(error), recording)
}

fn blank(release: &Release, setup: &CallSetup, input: &Input) -> Recording {
    Recording {
        slot: setup.slot.clone(),
        digest: release.digest(),
        world: release.world(),
        function: input.function().into(),
        now: setup.now,
        input_digest: None,
        output_digest: None,
        input: None,
        output: None,
        answers: Vec::new(),
        failure: None,
        fuel: None,
        duration_us: 0,
        http_requests: 0,
        logs: Vec::new(),
        logs_dropped: 0,
    }
}

/// A fresh store under all limits.
fn store_for(
    release: &Release,
    setup: &CallSetup,
    input: &Arc<Input>,
    source: Source,
) -> wasmtime::Result<Store<HostState>> {
    let limits = release.loaded.limits;
    let engine_kind = release.world().engine();
    let runs_clock = engine_kind == EngineKind::Connectors;
    let state = HostState { source, runs_clock, ..HostState::new(setup, limits, input) };
    let mut store = Store::try_new(&release.loaded.runner.engine, state)?;
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.crossing_bytes_max);
    store.set_max_component_handles(limits.handles_max);
    match engine_kind {
        EngineKind::Rules => {
            store.set_fuel(limits.fuel_max)?;
            store.fuel_async_yield_interval(Some(FUEL_YIELD))?;
        }
        EngineKind::Connectors => {
            store.set_epoch_deadline(1);
            store.epoch_deadline_callback(|mut store| Ok(on_epoch(store.data_mut())));
        }
    }
    Ok(store)
}

/// Called after each epoch in which the guest computed; waiting in a host function costs at most one.
fn on_epoch(state: &mut HostState) -> UpdateDeadline {
    state.epochs += 1;
    if state.epochs > state.limits.cpu_ms_max / EPOCH_MS { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) }
}

/// Runs the guest within its wall-clock time. A panic of a host function ends here and goes no further.
async fn bounded(release: &Release, store: &mut Store<HostState>, input: &Input) -> Result<Output, Broken> {
    let wall_ms_max = release.loaded.limits.wall_ms_max;
    let invoked = AssertUnwindSafe(release.loaded.prepared.invoke(store, input)).catch_unwind();
    match tokio::time::timeout(Duration::from_millis(wall_ms_max), invoked).await {
        Ok(Ok(end)) => end,
        Ok(Err(panic)) => Err(CallError::Panicked { message: message_of(panic.as_ref()) }.into()),
        Err(_) => Err(CallError::TimedOut { wall_ms_max }.into()),
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}

/// Reads the store's counters, makes `kv` durable after a good end, and drops the store.
async fn finish(
    mut store: Store<HostState>,
    limits: &Limits,
    end: Result<Output, Broken>,
    recording: &mut Recording,
) -> Result<Output, CallError> {
    let end = end.map_err(|broken| meaning(broken, limits, store.data()));
    let end = end.and_then(|output| weighed(output, limits));
    // Connectors' engine counts no fuel and says so with an error.
    recording.fuel = store.get_fuel().ok().map(|left| limits.fuel_max.saturating_sub(left));
    let state = store.data_mut();
    state.keep_written();
    let writes = state.kv.take();
    if end.is_ok()
        && !writes.is_empty()
        && let Some(grant) = state.reach.kv.clone()
        && grant.0.apply(writes).await.is_err()
    {
        // What the call did outside stands; `kv` is a cache by contract and is simply colder next time.
        state.log_line(Severity::Warn, "host: the key-value writes of this call were lost");
    }
    let state = store.into_data();
    recording.http_requests = state.http_requests;
    recording.answers = state.answers;
    recording.logs = state.logs.lines;
    recording.logs_dropped = state.logs.dropped;
    end
}

fn weighed(output: Output, limits: &Limits) -> Result<Output, CallError> {
    if output.weight() <= limits.output_bytes_max {
        return Ok(output);
    }
    Err(CallError::BadOutput(Misfit::new("output", format!("over {} bytes", limits.output_bytes_max))))
}

/// What wasmtime's error means, and for whom.
fn meaning(broken: Broken, limits: &Limits, state: &HostState) -> CallError {
    let error = match broken {
        Broken::Call(error) => return error,
        Broken::Engine(error) => error,
    };
    if let Some(Stop(error)) = error.downcast_ref::<Stop>() {
        return error.clone();
    }
    let out_of_memory = CallError::OutOfMemory { bytes_max: limits.memory_bytes_max };
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => return CallError::OutOfFuel { fuel_max: limits.fuel_max },
        Some(Trap::Interrupt) => return CallError::OutOfTime { cpu_ms_max: limits.cpu_ms_max },
        Some(Trap::StackOverflow) => return CallError::StackOverflow,
        Some(Trap::AllocationTooLarge) => return out_of_memory,
        // A guest that was refused memory and then gave up says so with `unreachable`.
        Some(Trap::UnreachableCodeReached) if state.limiter.refused => return out_of_memory,
        _ => {}
    }
    // wasmtime has no types for these; tests G5, G6 and G9 hold their wording.
    let words = error.root_cause().to_string();
    if words.contains("fuel allocated for hostcalls has been exhausted") {
        return CallError::CrossingTooLarge { bytes_max: limits.crossing_bytes_max };
    }
    let is_full = matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full));
    if is_full || words.contains("store handle limit exceeded") {
        return CallError::TooManyCalls { what: "resource handles" };
    }
    if state.limiter.refused && error.downcast_ref::<Trap>().is_none() {
        return out_of_memory;
    }
    trapped(&error)
}

fn trapped(error: &wasmtime::Error) -> CallError {
    let cut = |text: String, n: usize| text.chars().filter(|it| *it == '\n' || !it.is_control()).take(n).collect();
    let reason = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => {
            // The backtrace is one link of the chain, and has a member of its own.
            let links = error.chain().map(ToString::to_string).filter(|it| !it.contains("wasm backtrace"));
            cut(links.collect::<Vec<_>>().join(": "), 500)
        }
    };
    let backtrace = error.downcast_ref::<wasmtime::WasmBacktrace>().map(ToString::to_string).unwrap_or_default();
    CallError::Trapped { reason, backtrace: cut(backtrace, 4_000) }
}

/// Moves into the recording what was asked to be kept.
fn keep(recording: &mut Recording, detail: Detail, input: Arc<Input>, end: &Result<Output, CallError>) {
    recording.failure = end.as_ref().err().map(Failure::from);
    if matches!(detail, Detail::Receipt | Detail::Full) {
        recording.input_digest = Some(input.digest());
        recording.output_digest = end.as_ref().ok().map(Output::digest);
    }
    let is_failure = end.is_err() && detail != Detail::Counters && input.weight() <= FAILURE_BYTES_MAX;
    if detail == Detail::Full || is_failure {
        recording.input = Some(Arc::unwrap_or_clone(input));
    }
    if detail == Detail::Full {
        recording.output = end.as_ref().ok().cloned();
    } else if end.is_ok() {
        recording.answers.clear();
    }
}
