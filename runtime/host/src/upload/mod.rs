//! The life of an upload, from bytes of a stranger to code that may be called: size, kind, validity, world, imports,
//! manifest ([`inspect()`]), compilation in a child process ([`compile`]) when its turn has come, a first call
//! ([`smoke`](fn@smoke)).

pub mod compile;
mod error;
mod inspect;
mod manifest;
mod smoke;
mod turns;

pub use compile::{CompileLimits, Compiler, compile_child_main};
pub use error::UploadError;
pub use inspect::{Inspected, UploadLimits, inspect};
pub use manifest::{BadManifest, Manifest, SECTION, Wants};
pub use smoke::smoke;
pub use turns::CompileQueue;
pub(crate) use turns::{Cause, Turns};

#[cfg(test)]
mod tests;
