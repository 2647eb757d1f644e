//! The one module with `unsafe`: it turns bytes of ours into running code.
//!
//! `Component::deserialize` checks that code was made for this engine, but not that a compiler made it: bytes of a
//! stranger would be run as they are. It is sound here because the only caller passes bytes whose HMAC it has just
//! verified, under a key that no guest and no upload ever touches, and that HMAC was made over the output of our own
//! compiler. The bytes in memory are the very bytes that were verified: loading the file by name instead would leave
//! a moment in which it could be exchanged.

#![allow(unsafe_code)]

use wasmtime::Engine;
use wasmtime::component::Component;

use super::seal::Sealed;
use crate::digest::Digest;

/// Loads `code`, which carries the seal that `sealed` proves.
pub(super) fn load(engine: &Engine, code: &[u8], sealed: &Sealed) -> wasmtime::Result<Component> {
    if Digest::of(code) != sealed.code {
        return Err(wasmtime::Error::msg("the seal is another file's"));
    }
    // SAFETY: `Sealed` exists only after `SealKey::verify`, and its digest is that of these very bytes: they are what
    // our compiler wrote.
    unsafe { Component::deserialize(engine, code) }
}
