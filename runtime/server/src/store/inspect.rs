//! What a store holds, as one hash: two stores that went through the same changes must agree.

use sha2::{Digest, Sha256};

use super::*;

/// A store that can be looked into, for tests and simulations.
#[async_trait]
pub trait Inspect: TenantStore {
    /// SHA-256 over truths, shadows, links and debts in order, lower-case hex. Two stores, of whatever make, that went
    /// through the same batches give the same hash.
    async fn state_hash(&self) -> Result<String>;
    /// Breaks a row, as a bit that turns would.
    async fn damage(&self, row: &Row) -> Result<()>;
    /// How many rows each table has that grows with what happens. What is only replaced (cursors, asks, leases, settings)
    /// is left out.
    async fn sizes(&self) -> Result<BTreeMap<String, u64>>;
}

/// Hashes rows of texts so that no two sets of rows run together.
pub(crate) struct StateHash(Sha256);

impl StateHash {
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Begins a table.
    pub fn table(&mut self, name: &str) {
        self.row(&["table", name]);
    }

    /// Adds a row.
    pub fn row(&mut self, columns: &[&str]) {
        self.0.update((columns.len() as u64).to_le_bytes());
        for column in columns {
            self.0.update((column.len() as u64).to_le_bytes());
            self.0.update(column.as_bytes());
        }
    }

    /// Adds what is stored of a record.
    pub fn rows_of(&mut self, key: &RecordKey, stored: &Stored) {
        let text = |it: &Option<String>| it.clone().unwrap_or_default();
        self.row(&["truth", key.kind.as_str(), &key.key, &text(&stored.natural), &text(&stored.truth)]);
        for (item, it) in &stored.wants {
            self.row(&["commitment", &key.key, item, it]);
        }
        for (name, of) in [("shadow", &stored.shadows), ("link", &stored.links)] {
            for (connection, it) in of {
                self.row(&[name, key.kind.as_str(), &key.key, &connection.to_string(), it]);
            }
        }
    }

    /// The hash of all rows.
    pub fn finish(self) -> String {
        digest::hex(&self.0.finalize())
    }
}
