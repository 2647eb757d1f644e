//! A token that was fetched: by OAuth 2.0, or by a login.

use truthsource_core::UnixMs;

use super::Secret;

/// A token this close to its end is replaced, in milliseconds: a request may be a while on its way.
const MARGIN_MS: u64 = 60_000;

/// A fetched token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) value: Secret,
    expires: UnixMs,
    /// Each use lengthens its life to this again.
    slides_ms: Option<u64>,
}

impl Token {
    /// One that ends so long after it was fetched. One that lives for less than the margin is still used once.
    pub(super) fn fixed(value: Secret, life_ms: u64, now: UnixMs) -> Self {
        Self { value, expires: now.plus(life_ms.saturating_sub(MARGIN_MS)), slides_ms: None }
    }

    /// One that ends so long after it was used last.
    pub(super) fn sliding(value: Secret, life_ms: u64, now: UnixMs) -> Self {
        Self { slides_ms: Some(life_ms), ..Self::fixed(value, life_ms, now) }
    }

    pub(super) fn is_fresh(&self, now: UnixMs) -> bool {
        now < self.expires
    }

    /// It is used now.
    pub(super) fn touch(&mut self, now: UnixMs) {
        if let Some(life_ms) = self.slides_ms {
            self.expires = now.plus(life_ms.saturating_sub(MARGIN_MS));
        }
    }
}
