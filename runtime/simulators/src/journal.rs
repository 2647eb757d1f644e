//! What happened to a system's data, kept so that a test can judge it afterwards.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use truthsource_core::UnixMs;

/// Who caused a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Actor {
    /// A caller of the API: the engine under test.
    Api,
    /// A person at the system's own screens: the admin door.
    Human,
    /// The system itself: committed stock of a new order.
    System,
}

/// One field that took a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: UnixMs,
    /// By whom.
    pub actor: Actor,
    /// The canonical kind: `item`, `stock-level`, `price`, `company`, `location`, `order`.
    pub kind: String,
    /// The remote id a connector would name it by.
    pub id: String,
    /// The canonical field, or `created` / `deleted` for the record as a whole.
    pub field: String,
    /// The value it took, in canonical spelling (decimals without trailing zeros).
    pub value: String,
}

/// An append-only list of changes.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Change>>);

impl Journal {
    /// Adds a change at the end.
    pub fn add(&self, change: Change) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// Every change from position `from` on.
    #[must_use]
    pub fn since(&self, from: usize) -> Vec<Change> {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.get(from..).unwrap_or_default().to_vec()
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Nothing happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
