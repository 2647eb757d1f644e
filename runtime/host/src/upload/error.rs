//! Why an upload is refused.

use crate::error::{Actor, CallError};
use crate::upload::manifest::BadManifest;
use crate::world::World;

/// Why an upload is refused. Nothing of it is kept or active.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// It is larger than the tenant's grant allows.
    #[error("the component has {bytes} bytes, and {bytes_max} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
    /// It is native code: an executable, or the output of a compiler like ours. Never loaded, whatever it claims.
    #[error("the upload is native code, not a component")]
    Native,
    /// It is a core module.
    #[error(
        "the upload is a core module; make a component of it (target wasm32-wasip2, or `wasm-tools component new`)"
    )]
    CoreModule,
    /// It is not WebAssembly.
    #[error("the upload is not WebAssembly")]
    NotWasm,
    /// It is not valid, or uses a proposal that is off.
    #[error("the component is not valid at byte {offset}: {reason}")]
    Invalid {
        /// Where.
        offset: u64,
        /// The validator's words.
        reason: String,
    },
    /// It is built to be expensive, or by an unusual toolchain.
    #[error("the component has {count} {what}, and {max} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it has, at least.
        count: u64,
        /// How many are allowed.
        max: u64,
    },
    /// It exports no interface that a world needs.
    #[error("the component exports no known world; its exports are: {}", exports.join(", "))]
    NoWorld {
        /// What it exports.
        exports: Vec<String>,
    },
    /// It exports the interfaces of several worlds.
    #[error("the component exports several worlds: {} and {}", .0, .1)]
    SeveralWorlds(World, World),
    /// It imports what its world does not give.
    #[error("a {world} may not import: {}", imports.join(", "))]
    Imports {
        /// What it is.
        world: World,
        /// The imports that are refused.
        imports: Vec<String>,
    },
    /// Its manifest is missing or wrong.
    #[error("{0}")]
    Manifest(#[from] BadManifest),
    /// Its manifest says one world and its exports another.
    #[error("the manifest says {says}, and the exports say {is}")]
    OtherWorld {
        /// What the manifest says.
        says: World,
        /// What the exports say.
        is: World,
    },
    /// Others are compiled first. Nothing was done.
    #[error("the component cannot be compiled now: {reason}; try again in a moment")]
    Busy {
        /// What it was not to wait for.
        reason: &'static str,
    },
    /// Compiling it took more time or memory than it may.
    #[error("the component is too expensive to compile: {reason}")]
    Expensive {
        /// Which limit ended it.
        reason: String,
    },
    /// The compiler refused it.
    #[error("the component does not compile: {reason}")]
    DoesNotCompile {
        /// The compiler's words.
        reason: String,
    },
    /// Its imports or exports have other types than their contracts.
    #[error("the component does not fit its contracts: {reason}")]
    DoesNotLink {
        /// The linker's words.
        reason: String,
    },
    /// It failed its first call.
    #[error("the component failed its first call: {0}")]
    Smoke(#[source] CallError),
    /// This installation could not do its part.
    #[error("the host could not process the upload: {reason}")]
    Host {
        /// The whole chain, for the operator.
        reason: String,
    },
}

impl UploadError {
    /// A stable name, for clients and counters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Native => "native-code",
            Self::CoreModule => "core-module",
            Self::NotWasm => "not-wasm",
            Self::Invalid { .. } => "invalid",
            Self::TooMany { .. } => "too-many",
            Self::NoWorld { .. } => "no-world",
            Self::SeveralWorlds(..) => "several-worlds",
            Self::Imports { .. } => "forbidden-imports",
            Self::Manifest(_) => "bad-manifest",
            Self::OtherWorld { .. } => "other-world",
            Self::Busy { .. } => "busy",
            Self::Expensive { .. } => "too-expensive",
            Self::DoesNotCompile { .. } => "does-not-compile",
            Self::DoesNotLink { .. } => "does-not-link",
            Self::Smoke(_) => "failed-first-call",
            Self::Host { .. } => "host",
        }
    }

    /// The same upload may pass later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Host { .. } => true,
            Self::Smoke(error) => error.is_retryable(),
            _ => false,
        }
    }

    /// Who has to do something about it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Busy { .. } => Actor::Later,
            Self::Host { .. } => Actor::Operator,
            Self::TooLarge { .. } => Actor::Tenant,
            Self::Smoke(error) => error.actor(),
            _ => Actor::Author,
        }
    }
}
