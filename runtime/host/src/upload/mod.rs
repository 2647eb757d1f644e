//! The life of an upload, from bytes of a stranger to code that may be called.

mod manifest;

pub use manifest::{BadManifest, Manifest, SECTION, Wants};
