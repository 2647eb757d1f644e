//! Compiles strangers' code in a child process that can be killed.
//!
//! A compiler's time grows faster than its input, and wasmtime says plainly that slow compilation is no bug of its
//! own. So it happens elsewhere: a process with its own limits on processor time, memory and files, no environment
//! and so none of its secrets, and a wall clock held against it from outside. It runs as the server's own user.

use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;

use super::error::UploadError;
use crate::engine;
use crate::world::EngineKind;

/// What compiling one component may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompileLimits {
    /// Processor time, in seconds. A Rust rule takes 65 ms, a JavaScript one 3 s.
    pub cpu_s: u64,
    /// Time by the clock, in milliseconds: a machine under load gets more than its processor time.
    pub wall_ms: u64,
    /// Address space, in bytes: 2 GiB for the compiler and 1 GiB for the mapped binary and its thread stacks.
    pub address_space_bytes: u64,
}

impl CompileLimits {
    /// The limits a tenant has without a grant.
    pub const USUAL: Self = Self { cpu_s: 20, wall_ms: 60_000, address_space_bytes: 3 << 30 };
}

/// How the compiler's child process is started: a program that calls [`compile_child_main`] when it is given `args`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// The program, usually our own.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
}

/// The largest compiled component, in bytes: code is about four times its wasm.
const CODE_BYTES_MAX: u64 = 256 << 20;

/// What the child is told, as one line of JSON before the component's bytes.
#[derive(Serialize, Deserialize)]
struct Job {
    engine: EngineKind,
    limits: CompileLimits,
    /// Where the compiled code goes. The compiler's words, if it refuses, go beside it.
    out: PathBuf,
}

/// The child's exit codes.
const REFUSED: i32 = 3;
const BROKEN: i32 = 4;

impl Compiler {
    /// Compiles `wasm` into the file `out`.
    ///
    /// # Errors
    /// [`UploadError::Expensive`] when a limit ended it, [`UploadError::DoesNotCompile`] when the compiler refused.
    pub(crate) async fn compile(
        &self,
        engine: EngineKind,
        wasm: &[u8],
        out: &Path,
        limits: &CompileLimits,
    ) -> Result<(), UploadError> {
        let job = Job { engine, limits: *limits, out: out.to_owned() };
        let mut job = serde_json::to_vec(&job).map_err(|error| host(&error))?;
        job.push(b'\n');
        let mut child = tokio::process::Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| host(&error))?;
        let stdin = child.stdin.take();
        let work = async {
            if let Some(mut stdin) = stdin {
                // A child that died early closes the pipe; how it died says more than this error.
                let sent = async { stdin.write_all(&job).await.and(stdin.write_all(wasm).await) };
                let _ = sent.await;
                let _ = stdin.shutdown().await;
            }
            child.wait().await
        };
        match tokio::time::timeout(Duration::from_millis(limits.wall_ms), work).await {
            Ok(Ok(status)) => outcome(status, out),
            Ok(Err(error)) => Err(host(&error)),
            Err(_) => {
                let _ = child.kill().await;
                Err(expensive(format!("over {} ms", limits.wall_ms)))
            }
        }
    }
}

fn outcome(status: ExitStatus, out: &Path) -> Result<(), UploadError> {
    let words = || std::fs::read_to_string(words_path(out)).unwrap_or_default();
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(REFUSED), _) => Err(UploadError::DoesNotCompile { reason: words() }),
        (Some(BROKEN), _) => Err(host(&format!("the compiler: {}", words()))),
        (Some(code), _) => Err(UploadError::DoesNotCompile { reason: format!("the compiler broke ({code})") }),
        (None, Some(libc::SIGXCPU | libc::SIGKILL)) => Err(expensive("its processor time".to_owned())),
        // Rust ends a process whose allocation fails by `abort`.
        (None, Some(libc::SIGABRT | libc::SIGSEGV)) => Err(expensive("its memory".to_owned())),
        (None, Some(libc::SIGXFSZ)) => Err(expensive("the size of its code".to_owned())),
        (None, signal) => Err(host(&format!("the compiler ended by signal {signal:?}"))),
    }
}

fn expensive(reason: String) -> UploadError {
    UploadError::Expensive { reason }
}

fn host(reason: &dyn std::fmt::Display) -> UploadError {
    UploadError::Host { reason: reason.to_string() }
}

fn words_path(out: &Path) -> PathBuf {
    out.with_extension("refused")
}

/// The whole life of the child: reads a job and a component from standard input, compiles it, and exits. Call it
/// first thing in `main`, before anything reads configuration: this process must know nothing worth stealing.
pub fn compile_child_main() -> ! {
    let code = match child() {
        Ok(()) => 0,
        Err((code, out, words)) => {
            if let Some(out) = out {
                let _ = std::fs::write(words_path(&out), words.chars().take(2_000).collect::<String>());
            }
            code
        }
    };
    std::process::exit(code)
}

type ChildError = (i32, Option<PathBuf>, String);

fn child() -> Result<(), ChildError> {
    let broken = |error: &dyn std::fmt::Display| (BROKEN, None, error.to_string());
    let mut input = Vec::new();
    std::io::stdin().lock().read_to_end(&mut input).map_err(|error| broken(&error))?;
    let line = input.iter().position(|byte| *byte == b'\n').ok_or_else(|| broken(&"no job"))?;
    let job: Job = serde_json::from_slice(&input[..line]).map_err(|error| broken(&error))?;
    let broken = |error: &dyn std::fmt::Display| (BROKEN, Some(job.out.clone()), error.to_string());
    confine(&job.limits).map_err(|error| broken(&error))?;
    let engine = engine::compiling(job.engine).map_err(|error| broken(&error))?;
    let code = engine
        .precompile_component(&input[line + 1..])
        .map_err(|error| (REFUSED, Some(job.out.clone()), format!("{error:#}")))?;
    let mut file = std::fs::File::create(&job.out).map_err(|error| broken(&error))?;
    file.write_all(&code).and_then(|()| file.sync_all()).map_err(|error| broken(&error))
}

/// From here on the kernel holds the limits. Nothing of the component was looked at before.
fn confine(limits: &CompileLimits) -> std::io::Result<()> {
    use rlimit::{Resource, setrlimit};
    setrlimit(Resource::CPU, limits.cpu_s, limits.cpu_s + 1)?;
    setrlimit(Resource::AS, limits.address_space_bytes, limits.address_space_bytes)?;
    setrlimit(Resource::FSIZE, CODE_BYTES_MAX, CODE_BYTES_MAX)?;
    setrlimit(Resource::CORE, 0, 0)?;
    setrlimit(Resource::NOFILE, 16, 16)
}
