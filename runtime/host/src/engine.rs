//! The two engines, with everything off that no component of ours needs.

use std::hash::{Hash as _, Hasher};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures};

use crate::digest::Digest;
use crate::limits::{ASYNC_STACK_BYTES, EPOCH_MS, POOL_MEMORY_BYTES_MAX, POOL_TABLE_ELEMENTS_MAX, STACK_BYTES_MAX};
use crate::places::Places;
use crate::tally::Tally;
use crate::world::EngineKind;

/// How many calls an engine runs at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Calls at once. Each reserves address space (about 4 GiB, not memory) in the pool.
    pub calls_max: u32,
    /// Calls of one tenant at once.
    pub calls_per_tenant_max: u32,
    /// How long a call waits for a place before it is `busy`.
    pub wait: Duration,
}

impl Concurrency {
    /// Rules end within milliseconds: few places serve many calls.
    pub const RULES: Self = Self { calls_max: 128, calls_per_tenant_max: 4, wait: Duration::from_millis(1_000) };
    /// Connectors wait for other systems: most places are idle most of the time.
    pub const CONNECTORS: Self = Self { calls_max: 128, calls_per_tenant_max: 16, wait: Duration::from_secs(10) };
}

/// One engine and its places.
pub(crate) struct Runner {
    pub(crate) engine: Engine,
    pub(crate) places: Places,
    pub(crate) tally: Tally,
    /// Names everything that decides whether compiled code fits this engine.
    pub(crate) fingerprint: Digest,
}

impl Runner {
    pub(crate) fn new(kind: EngineKind, concurrency: Concurrency) -> wasmtime::Result<Self> {
        let mut config = code_config(kind);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(concurrency.calls_max)));
        let engine = Engine::new(&config)?;
        if kind == EngineKind::Connectors {
            tick(&engine)?;
        }
        let Concurrency { calls_max, calls_per_tenant_max, wait } = concurrency;
        let places = Places::new(calls_max, calls_per_tenant_max, wait);
        let fingerprint = fingerprint(&engine);
        Ok(Self { engine, places, tally: Tally::default(), fingerprint })
    }
}

/// An engine that only compiles: without a pool, whose address space a compiler child must not reserve.
pub(crate) fn compiling(kind: EngineKind) -> wasmtime::Result<Engine> {
    let mut config = code_config(kind);
    config.parallel_compilation(false);
    Engine::new(&config)
}

/// Everything that changes generated code, and every limit that does not depend on how many calls run.
fn code_config(kind: EngineKind) -> Config {
    let mut config = Config::new();
    config
        .strategy(wasmtime::Strategy::Cranelift)
        .max_wasm_stack(STACK_BYTES_MAX)
        .async_stack_size(ASYNC_STACK_BYTES)
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable)
        // A pool never moves a memory; said here too, so that the compiling engine makes the same code.
        .memory_may_move(false)
        .concurrency_support(false);
    features_off(&mut config);
    match kind {
        EngineKind::Rules => {
            config.consume_fuel(true).cranelift_nan_canonicalization(true);
        }
        EngineKind::Connectors => {
            config.epoch_interruption(true);
        }
    }
    config
}

/// Proposals that no guest toolchain of ours emits. Each is code in the runtime that a hostile component could reach:
/// component-model async had a native stack overflow, GC a heap corruption. Relaxed SIMD would differ per machine. Several
/// memories in one module are what the runtime's own adapters between nested components have; a module of a guest's that
/// has them is refused before it comes here (`upload::inspect`).
fn features_off(config: &mut Config) {
    let unused = WasmFeatures::CM_ASYNC
        | WasmFeatures::CM_ASYNC_STACKFUL
        | WasmFeatures::CM_MORE_ASYNC_BUILTINS
        | WasmFeatures::CM_THREADING
        | WasmFeatures::CM_ERROR_CONTEXT
        | WasmFeatures::CM_FIXED_LENGTH_LISTS
        | WasmFeatures::CM_GC
        | WasmFeatures::CM_MAP
        | WasmFeatures::CM_IMPLEMENTS
        | WasmFeatures::FUNCTION_REFERENCES
        | WasmFeatures::GC
        | WasmFeatures::GC_TYPES
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
        | WasmFeatures::THREADS
        | WasmFeatures::SHARED_EVERYTHING_THREADS
        | WasmFeatures::MEMORY64
        | WasmFeatures::CUSTOM_PAGE_SIZES
        | WasmFeatures::WIDE_ARITHMETIC
        | WasmFeatures::STACK_SWITCHING
        | WasmFeatures::RELAXED_SIMD;
    config.wasm_component_model(true).wasm_features(unused, false);
}

/// Room for `calls` components of up to 16 core instances and 2 memories each, all at once: a call with a place never
/// finds the pool empty.
fn pool(calls: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls.saturating_mul(16))
        .total_memories(calls.saturating_mul(2))
        .total_tables(calls.saturating_mul(16))
        .total_stacks(calls)
        .max_core_instances_per_component(16)
        .max_memories_per_component(2)
        .max_tables_per_component(16)
        .max_memories_per_module(1)
        .max_tables_per_module(4)
        .max_component_instance_size(1 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(POOL_MEMORY_BYTES_MAX)
        .table_elements(POOL_TABLE_ELEMENTS_MAX)
        // Pages that a call wrote to are put back by hand, which is cheaper than giving them to the kernel and faulting
        // them in again. Where the kernel does not tell which those are, a slot's first pages are.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(256 << 10)
        .table_keep_resident(16 << 10)
        .decommit_batch_size(16);
    pool
}

/// Moves the epoch on for as long as the engine lives. A thread of its own: a busy runtime must not delay the clock
/// that ends what keeps it busy.
fn tick(engine: &Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(Duration::from_millis(EPOCH_MS));
        }
    };
    std::thread::Builder::new()
        .name("truthsource-epochs".to_owned())
        .spawn(ticking)
        .map(drop)
        .map_err(wasmtime::Error::new)
}

/// The engine's compatibility hash as a digest: `std`'s own hasher is not promised to be the same in two processes.
fn fingerprint(engine: &Engine) -> Digest {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut hasher = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Digest(hasher.0.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: EngineKind) {
        let runner = Runner::new(kind, Concurrency { calls_max: 2, ..Concurrency::RULES }).unwrap();
        assert_eq!(fingerprint(&compiling(kind).unwrap()), runner.fingerprint);
    }

    #[test]
    fn a_compiling_engine_makes_code_for_the_running_one() {
        check(EngineKind::Rules);
        check(EngineKind::Connectors);
    }
}
