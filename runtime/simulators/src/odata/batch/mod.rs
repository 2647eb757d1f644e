//! `$batch`: many requests in one. Two forms: multipart ([`parse`], [`render`]) and JSON ([`json`]).

pub mod json;
mod multipart;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use multipart::{Answer, Item, Rendered, Request, Response};
pub use read::parse;
pub use write::render;

/// The most requests in a multipart batch that is read at all. Services have limits of their own below it.
pub const REQUESTS_MAX: usize = 1_000;
