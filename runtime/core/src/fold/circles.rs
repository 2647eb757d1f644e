//! The loop breaker: what is written to the same place again and again is going round in circles.
//!
//! Echoes are no news and never come this far. What does is a system that does not keep what it is told, or two
//! systems whose own automation undoes what the other says. Each round looks right by itself; only the repetition
//! tells. The fields of such a write are held for a person, and nothing moves until one has settled them.

use super::{Folding, Note};
use crate::record::{ConnectionId, Sent};
use crate::{Fields, UnixMs, digest};

/// How far back repetitions count.
pub const WINDOW_MS: u64 = 60_000;
/// The same values written to the same place so often within the window are a loop. People who set a field to and fro
/// do not come near.
pub const REPEATS_MAX: usize = 8;

impl Folding<'_> {
    /// Counts a write that was carried out at `at`.
    pub(super) fn count_repetitions(&mut self, connection: ConnectionId, fields: &Fields, at: UnixMs) {
        if fields.is_empty() {
            return;
        }
        let digest = digest::hex(&digest::of_fields(fields))[..16].to_owned();
        let shadow = self.state.shadows.entry(connection).or_default();
        shadow.sent.retain(|it| at.since(it.at) < WINDOW_MS);
        shadow.sent.push(Sent { digest: digest.clone(), at });
        shadow.sent.drain(..shadow.sent.len().saturating_sub(2 * REPEATS_MAX));
        if shadow.sent.iter().filter(|it| it.digest == digest).count() >= REPEATS_MAX {
            fields.keys().for_each(|name| self.break_loop(name));
        }
    }

    fn break_loop(&mut self, name: &str) {
        let Some(field) = self.state.truth.fields.get_mut(name).filter(|it| !it.loops) else { return };
        let reason = format!("it goes round in circles: the same was written {REPEATS_MAX} times within a minute");
        field.loops = true;
        field.held = Some(reason.clone());
        let claims = field.claims.clone();
        self.notes.push(Note::Disagreed { field: name.to_owned(), claims, outcome: None, reason });
        self.touch();
    }
}
