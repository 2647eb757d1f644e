//! What a fold decided, written down so that it can be folded again.

use std::collections::BTreeMap;

use truthsource_core::fold::Ruling;
use truthsource_core::record::{ConnectionId, RecordKey};

use super::Fold;
use crate::store::{Batch, Change, LoggedRuling};

/// What the rulings of one fold have in common.
pub(super) struct Books {
    /// What it decides under.
    pub terms: String,
    /// What it found to be which record.
    pub linked: BTreeMap<RecordKey, BTreeMap<ConnectionId, String>>,
}

/// The links that a batch makes.
pub(super) fn linked(batch: &Batch) -> BTreeMap<RecordKey, BTreeMap<ConnectionId, String>> {
    let mut linked: BTreeMap<RecordKey, BTreeMap<ConnectionId, String>> = BTreeMap::new();
    for change in &batch.changes {
        if let Change::Link { connection, key, remote_id } = change {
            linked.entry(key.clone()).or_default().insert(*connection, remote_id.clone());
        }
    }
    linked
}

impl Books {
    /// Writes down what was decided about a record.
    pub fn note(&self, fold: &Fold<'_>, batch: &mut Batch) {
        let policies = fold.policies.iter().filter(|(_, it)| !it.is_empty());
        let ruling = Ruling {
            entries: fold.absorbed.iter().map(|it| it.seq).collect(),
            linked: self.linked.get(fold.key).cloned().unwrap_or_default(),
            policies: policies.map(|(field, it)| (field.clone(), it.clone())).collect(),
            ..fold.folding.ruling()
        };
        let (at, key, terms) = (batch.at, fold.key.clone(), self.terms.clone());
        batch.changes.push(Change::Ruling(Box::new(LoggedRuling { at, key, terms, ruling })));
    }

    /// Nothing was decided yet about a record but which it is.
    pub fn note_links(&self, key: &RecordKey, batch: &mut Batch) {
        if let Some(linked) = self.linked.get(key) {
            let logged = LoggedRuling::link(batch.at, key, linked.clone());
            batch.changes.push(Change::Ruling(Box::new(logged)));
        }
    }
}
