//! Digests of what a system holds, so that a poll or a sweep passes over what has not moved.
//!
//! A digest is taken of fields *in the remote form*: references are remote ids, as the connector gives them. A caller
//! can therefore compare what it reads before it knows any key. The store keeps, beside the link of a record, the
//! digest of the newest entry about it that was folded. Where the fold put keys in place of references, or left out what
//! leads nowhere yet, it gets back to the remote form by putting them through the links of that connection. If one of them is not linked there is no digest, and the caller
//! takes the record for changed: the fold then finds that nothing moved.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use truthsource_core::record::{Entry, Observed, State};
use truthsource_core::{Fields, Kind, schema};

/// The digest of a record that holds `fields`, in the remote form, and of what its connector said where a mapping made
/// them of it: another spelling of the same is news, as writes are compared with it.
#[must_use]
pub fn shadow_digest(fields: &Fields, unmapped: Option<&Fields>) -> String {
    // Fields are ordered and a decimal has one spelling, so equal fields have equal JSON.
    let json = |fields| serde_json::to_vec(fields).unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(json(fields));
    hash.update(unmapped.map(json).unwrap_or_default());
    hex(&hash.finalize())
}

/// The digest of a record that is gone.
#[must_use]
pub fn gone_digest() -> String {
    hex(&Sha256::digest(b"gone"))
}

/// The digest of what a read or a pull gave, before its references are replaced by keys.
#[must_use]
pub fn observed_digest(observed: &Observed) -> String {
    match observed {
        Observed::Present(state) => shadow_digest(&state.fields, state.unmapped.as_ref()),
        Observed::Absent(_) => gone_digest(),
    }
}

/// Bytes as lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digit = |it: u8| char::from(b"0123456789abcdef"[usize::from(it & 15)]);
    let mut text = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| text.extend([digit(byte >> 4), digit(*byte)]));
    text
}

/// What a folded entry says that a connection holds.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    /// The id there.
    pub remote_id: String,
    /// The number of the read.
    pub as_of: u64,
    /// What it holds.
    pub held: Held,
}

/// What a folded entry leaves to be known of a record at its connection.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// It holds this, with canonical references.
    State(State),
    /// It is gone.
    Nothing,
    /// It holds what has this digest.
    Digest(String),
    /// It moved, and was not read since: whatever is read next is news.
    Moved,
}

impl Holding {
    /// What `entry` says, if it says anything about a system; `digest` if that is known.
    pub fn of(entry: &Entry, digest: Option<String>) -> Option<Self> {
        let (as_of, remote_id, held) = match entry {
            Entry::Observed { as_of, observed: Observed::Present(state), .. } | Entry::Wrote { as_of, state, .. } => {
                let held = digest.map_or_else(|| Held::State(state.clone()), Held::Digest);
                (*as_of, &state.remote_id, held)
            }
            Entry::Observed { as_of, observed: Observed::Absent(remote_id), .. } => (*as_of, remote_id, Held::Nothing),
            Entry::Moved { as_of, remote_id, .. } => (*as_of, remote_id, Held::Moved),
            Entry::Settled { .. } => return None,
        };
        Some(Self { remote_id: remote_id.clone(), as_of, held })
    }

    /// What it refers to by key.
    pub fn references(&self, kind: Kind) -> BTreeSet<(Kind, String)> {
        if let Held::State(state) = &self.held { schema::of(kind).references(&state.fields) } else { BTreeSet::new() }
    }

    /// Its digest in the remote form; `remote_id_of` gives the id that a key is linked to at the connection.
    pub fn digest(&self, kind: Kind, remote_id_of: &mut dyn FnMut(Kind, &str) -> Option<String>) -> Option<String> {
        let state = match &self.held {
            Held::State(state) => state,
            Held::Nothing => return Some(gone_digest()),
            Held::Digest(digest) => return Some(digest.clone()),
            Held::Moved => return None,
        };
        let remote = schema::of(kind).translate(&state.fields, remote_id_of).ok()?;
        Some(shadow_digest(&remote, state.unmapped.as_ref()))
    }
}

/// The digest of an entry as it is logged: only what a system said, in its own words, has one.
pub(super) fn digest_of(key: Option<&str>, entry: &Entry) -> Option<String> {
    match entry {
        Entry::Observed { observed, .. } if key.is_none() => Some(observed_digest(observed)),
        _ => None,
    }
}

/// The id that an entry is about at its connection; empty for an entry that is about no system.
pub(super) fn remote_id_of(entry: &Entry) -> &str {
    match entry {
        Entry::Observed { observed, .. } => observed.remote_id(),
        Entry::Wrote { state, .. } => &state.remote_id,
        Entry::Moved { remote_id, .. } => remote_id,
        Entry::Settled { .. } => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use truthsource_core::Value;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect()
    }

    #[test]
    fn equal_meaning_has_one_digest() {
        let number = |text: &str| Fields::from([("on_hand".to_owned(), Value::Number(text.parse().unwrap()))]);
        assert_eq!(shadow_digest(&number("12.50"), None), shadow_digest(&number("1.25e1"), None));
        assert_ne!(shadow_digest(&number("12"), None), shadow_digest(&number("13"), None));
        assert_ne!(shadow_digest(&number("12"), None), shadow_digest(&number("12"), Some(&number("13"))));
        assert_ne!(shadow_digest(&Fields::new(), None), gone_digest());
    }

    #[test]
    fn a_folded_entry_gets_back_to_the_remote_form() {
        let canonical = fields(&[("item", "bolt-8"), ("list", "retail")]);
        let held = Held::State(State { fields: canonical, ..State::default() });
        let holding = Holding { remote_id: "77".to_owned(), as_of: 1, held };
        let remote = fields(&[("item", "gid-5"), ("list", "retail")]);
        let mut linked = |kind: Kind, key: &str| (kind == Kind::Item && key == "bolt-8").then(|| "gid-5".to_owned());
        assert_eq!(holding.digest(Kind::Price, &mut linked), Some(shadow_digest(&remote, None)));
        assert_eq!(holding.digest(Kind::Price, &mut |_, _| None), None);
    }
}
