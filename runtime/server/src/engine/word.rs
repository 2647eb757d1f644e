//! What a person says about what waits for one.

use truthsource_core::Value;
use truthsource_core::record::{Entry, Settlement};

use crate::store::{Change, Conflict};

/// A person's word, for the log: the fold takes it in like what systems say.
#[must_use]
pub fn said(conflict: &Conflict, what: Settlement, by: &str) -> Change {
    let entry = Entry::Settled { what, by: by.to_owned() };
    Change::Append { kind: conflict.key.kind, key: Some(conflict.key.key.clone()), entry }
}

/// The conflict is decided.
#[must_use]
pub fn closed(conflict: &Conflict, outcome: Value, by: &str) -> Change {
    let (kind, key, about) = (conflict.key.kind, Some(conflict.key.key.clone()), conflict.about.clone());
    Change::ConflictClosed { kind, key, about, outcome, reason: by.to_owned() }
}
