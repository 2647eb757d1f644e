//! The limits of one call, with the reason for each. No call passes any of them.

use serde::{Deserialize, Serialize};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// How long an epoch lasts, in milliseconds: the grain at which a connector gives its thread back.
pub const EPOCH_MS: u64 = 10;

/// How much fuel a rule burns before it gives its thread back: about a millisecond of work.
pub const FUEL_YIELD: u64 = 1_000_000;

/// The deepest a guest's own stack may grow, in bytes. wasmtime's default, stated so that an update cannot move it.
pub const STACK_BYTES_MAX: usize = 512 * KIB;

/// The size of the stack a call runs on: the guest's, and room for the host functions it calls.
pub const ASYNC_STACK_BYTES: usize = 1_536 * KIB;

/// The most memory any grant may allow one call, in bytes: what a slot of the pool holds.
pub const POOL_MEMORY_BYTES_MAX: usize = 64 * MIB;

/// The most elements any table of a pool slot holds.
pub const POOL_TABLE_ELEMENTS_MAX: usize = 10_000;

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest input, as an estimate of its bytes in the guest's memory.
    pub input_bytes_max: usize,
    /// The largest output, estimated likewise.
    pub output_bytes_max: usize,
    /// All linear memories of the call together, in bytes. Counted as a sum, because a component may hold several.
    pub memory_bytes_max: usize,
    /// All tables of the call together, in elements.
    pub table_elements_max: usize,
    /// Core instances of the call: a component may nest many.
    pub instances_max: usize,
    /// Units of fuel (rules only): the same on every machine, so that running out is reproducible.
    pub fuel_max: u64,
    /// Time on a processor, in milliseconds (connectors only), in steps of [`EPOCH_MS`].
    pub cpu_ms_max: u64,
    /// Time by the clock, in milliseconds. Neither fuel nor epochs stop a call that waits for the host.
    pub wall_ms_max: u64,
    /// Bytes that the guest may make the host copy in one crossing. A list of aliased strings is small in the guest
    /// and huge outside: 8 MiB of guest memory made 120 MiB of the host's at wasmtime's default.
    pub crossing_bytes_max: usize,
    /// Live resource handles: `resource.new` allocates in the host.
    pub handles_max: usize,
    /// Live host resources (WASI streams and the like).
    pub resources_max: usize,
    /// Calls of imported functions.
    pub host_calls_max: u32,
    /// Bytes of kept log lines; the rest is dropped and counted.
    pub log_bytes_max: usize,
    /// The most random bytes one `wasi:random` call answers.
    pub random_bytes_max: u64,
}

impl Limits {
    /// Pure components: pricing, stock, policies, validators, mappings. They answer while somebody waits.
    pub const RULES: Self = Self {
        input_bytes_max: 256 * KIB,
        output_bytes_max: 256 * KIB,
        memory_bytes_max: 16 * MIB,
        table_elements_max: 10_000,
        // What a toolchain puts around an interpreter are a dozen.
        instances_max: 16,
        fuel_max: 50_000_000,
        cpu_ms_max: 250,
        wall_ms_max: 250,
        crossing_bytes_max: MIB,
        handles_max: 1_000,
        resources_max: 1_000,
        host_calls_max: 10_000,
        log_bytes_max: 16 * KIB,
        random_bytes_max: 4 * KIB as u64,
    };

    /// Mappings and validators: pure too, but their unit is a page of records, not a basket.
    pub const RECORDS: Self = Self {
        input_bytes_max: 4 * MIB,
        output_bytes_max: 4 * MIB,
        crossing_bytes_max: 4 * MIB,
        fuel_max: 500_000_000,
        cpu_ms_max: 2_000,
        wall_ms_max: 2_000,
        ..Self::RULES
    };

    /// Connectors: they parse pages of up to 10 MiB and wait for other systems.
    pub const CONNECTORS: Self = Self {
        input_bytes_max: 4 * MIB,
        output_bytes_max: 4 * MIB,
        memory_bytes_max: 64 * MIB,
        table_elements_max: 10_000,
        instances_max: 16,
        fuel_max: u64::MAX,
        cpu_ms_max: 10_000,
        // Several requests of up to 30 s each may be due in one pull; the lease of the work outlives this.
        wall_ms_max: 60_000,
        crossing_bytes_max: 4 * MIB,
        handles_max: 10_000,
        resources_max: 1_000,
        host_calls_max: 10_000,
        log_bytes_max: 64 * KIB,
        random_bytes_max: 4 * KIB as u64,
    };

    /// These limits with another memory limit, held below what a slot of the pool has.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self { memory_bytes_max: bytes.min(POOL_MEMORY_BYTES_MAX), ..self }
    }
}
