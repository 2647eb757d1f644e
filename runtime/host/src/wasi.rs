//! WASI p2 for guests whose standard library imports it: virtual, and reaching nothing.
//!
//! No preopened directories, environment, arguments or sockets. Standard output and error become log lines. Randomness
//! is derived from the call's input: the same call sees the same bytes. The wall clock stands at the call's moment.
//! The monotonic clock stands still for rules (replays must agree); for connectors it shows the time really spent, so
//! that a guest can measure a wait. Recorded calls replay with both standing still.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWrite;
use truthsource_core::UnixMs;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::record::Severity;
use crate::state::{HostState, Source};

/// The seeded random bytes repeat after so many: enough for a hash map's keys, and bounded.
const RANDOM_CYCLE_BYTES: usize = 4_096;

/// The WASI state of one call.
pub(crate) struct Virtual {
    ctx: WasiCtx,
    table: ResourceTable,
    written: Captured,
}

/// What a guest wrote to standard output and error, bounded; the rest is dropped.
#[derive(Clone)]
pub(crate) struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    bytes_max: usize,
}

impl Captured {
    fn new(bytes_max: usize) -> Self {
        Self { bytes: Arc::default(), bytes_max }
    }

    fn write(&self, new: &[u8]) {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.bytes_max.saturating_sub(kept.len());
        kept.extend_from_slice(new.get(..room).unwrap_or(new));
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Captured {
    async fn ready(&mut self) {}
}

impl OutputStream for Captured {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Self::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        // Always room: a full buffer drops instead of failing the guest, whose `println!` would panic.
        Ok(4_096)
    }
}

impl AsyncWrite for Captured {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Self::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A clock that stands at the call's moment.
struct Moment(UnixMs);

impl HostWallClock for Moment {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.0)
    }
}

/// Nanoseconds since the guest first asked for WASI; always 0 where replays must agree.
struct Elapsed(Option<tokio::time::Instant>);

impl HostMonotonicClock for Elapsed {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.0.map_or(0, |start| u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// `RANDOM_CYCLE_BYTES` bytes out of `seed`.
fn expand(seed: [u8; 32], purpose: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RANDOM_CYCLE_BYTES);
    for block in 0_u32..(RANDOM_CYCLE_BYTES / 32) as u32 {
        let hash = Sha256::new().chain_update(seed).chain_update(purpose).chain_update(block.to_le_bytes());
        bytes.extend_from_slice(&hash.finalize());
    }
    bytes
}

impl Virtual {
    fn new(state: &HostState, runs_clock: bool) -> Self {
        let written = Captured::new(state.limits.log_bytes_max);
        let seed = state.input.digest().0;
        let mut low = [0; 16];
        low.copy_from_slice(&seed[..16]);
        let clock = runs_clock.then(tokio::time::Instant::now);
        let ctx = WasiCtxBuilder::new()
            .stdout(written.clone())
            .stderr(written.clone())
            .secure_random(Deterministic::new(expand(seed, b"secure")))
            .insecure_random(Deterministic::new(expand(seed, b"insecure")))
            .insecure_random_seed(u128::from_le_bytes(low))
            .max_random_size(state.limits.random_bytes_max)
            .wall_clock(Moment(state.now))
            .monotonic_clock(Elapsed(clock))
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(state.limits.resources_max);
        Self { ctx, table, written }
    }
}

impl HostState {
    /// Turns what was written to standard output and error into log lines.
    pub(crate) fn keep_written(&mut self) {
        let Some(written) = self.wasi.as_ref().map(|it| it.written.take()) else { return };
        for line in String::from_utf8_lossy(&written).lines() {
            self.log_line(Severity::Info, line);
        }
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let made = match self.wasi.take() {
            Some(made) => made,
            None => {
                let runs_clock = self.runs_clock && matches!(self.source, Source::Live);
                Box::new(Virtual::new(self, runs_clock))
            }
        };
        let made = self.wasi.insert(made);
        WasiCtxView { ctx: &mut made.ctx, table: &mut made.table }
    }
}

/// The WASI interfaces a component may import. `wasi:sockets` and `wasi:http` are not among them.
pub const INTERFACES: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// Links [`INTERFACES`] and nothing more.
pub(crate) fn link(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
    type T = HostState;
    let l = linker;
    // Streams, polls, clocks, `random` and the three standard streams.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    filesystem::types::add_to_linker::<T, WasiFilesystem>(l, T::filesystem)?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(l, T::filesystem)?;
    random::insecure::add_to_linker::<T, WasiRandom>(l, WasiRandomView::random)?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(l, WasiRandomView::random)?;
    cli::exit::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::environment::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(l, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(l, T::cli)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Detail;
    use crate::testing::{Script, reach, state};

    #[test]
    fn g15_what_a_guest_prints_is_bounded_and_never_fails_it() {
        let mut printed = Captured::new(10);
        for _ in 0..1_000 {
            OutputStream::write(&mut printed, Bytes::from_static(b"abc")).unwrap();
        }
        assert_eq!(printed.take(), b"abcabcabca");
    }

    #[test]
    fn g15_what_a_guest_prints_becomes_scrubbed_log_lines() {
        let mut state = state(reach(&Script::new(vec![])), Detail::Counters);
        let _ = state.ctx();
        state.wasi.as_ref().unwrap().written.write(b"one\ntoken shpat_hidden\n");
        state.keep_written();
        let lines: Vec<&str> = state.logs.lines.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(lines, ["one", "token ***"]);
    }
}
