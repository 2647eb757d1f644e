//! Short names for states, so that two large sets can be compared by little.

use sha2::{Digest as _, Sha256};

use crate::{Fields, Kind, Value};

/// SHA-256 of a state.
pub type Digest = [u8; 32];

/// Digest of a text's lower-case hex form.
#[must_use]
pub fn hex(digest: &Digest) -> String {
    let digit = |it: u8| char::from(b"0123456789abcdef"[usize::from(it & 15)]);
    digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// The digest of fields: equal exactly when the fields are equal in meaning.
#[must_use]
pub fn of_fields(fields: &Fields) -> Digest {
    let mut hash = Sha256::new();
    add_fields(&mut hash, fields);
    hash.finalize().into()
}

fn add_fields(hash: &mut Sha256, fields: &Fields) {
    hash.update((fields.len() as u64).to_le_bytes());
    for (name, value) in fields {
        add_text(hash, name);
        add_value(hash, value);
    }
}

/// Every part carries its length, so that no two values share their bytes.
fn add_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update([0]),
        Value::Text(text) => {
            hash.update([1]);
            add_text(hash, text);
        }
        Value::Number(number) => {
            hash.update([2]);
            add_text(hash, &number.to_string());
        }
        Value::Flag(flag) => hash.update([3, u8::from(*flag)]),
        Value::Rows(rows) => {
            hash.update([4]);
            hash.update((rows.len() as u64).to_le_bytes());
            rows.iter().for_each(|row| add_fields(hash, row));
        }
    }
}

fn add_text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

/// How many ranges a set is divided into.
pub const RANGES: usize = 256;

/// A set of records, folded into one digest per range of keys: two sides compare ranges and look only into those that
/// differ. Adding in any order gives the same result; adding a record again takes it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeDigests(Vec<Digest>);

impl Default for RangeDigests {
    fn default() -> Self {
        Self(vec![[0; 32]; RANGES])
    }
}

impl RangeDigests {
    /// Adds a record.
    pub fn add(&mut self, kind: Kind, key: &str, fields: &Fields) {
        let mut hash = Sha256::new();
        add_text(&mut hash, kind.as_str());
        add_text(&mut hash, key);
        add_fields(&mut hash, fields);
        let digest: Digest = hash.finalize().into();
        for (folded, byte) in self.0[range_of(key)].iter_mut().zip(digest) {
            *folded ^= byte;
        }
    }

    /// The ranges that differ from `other`.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<usize> {
        (0..RANGES).filter(|it| self.0[*it] != other.0[*it]).collect()
    }
}

/// The range that a key belongs to.
#[must_use]
pub fn range_of(key: &str) -> usize {
    let digest: Digest = Sha256::digest(key.as_bytes()).into();
    usize::from(digest[0])
}

/// The command key of a record at a connection: the same for every try to create it, for ever.
#[must_use]
pub fn command_key(connection: u32, kind: Kind, key: &str) -> String {
    let mut hash = Sha256::new();
    add_text(&mut hash, kind.as_str());
    add_text(&mut hash, key);
    hash.update(connection.to_le_bytes());
    let digest: Digest = hash.finalize().into();
    format!("ts-{kind}-{}", &hex(&digest)[..24])
}

/// The idempotency key of one write: the same for every try of it, another for every other write. `decided_on` numbers what
/// was known: the same change may be owed once more, when what an earlier write did was undone since.
#[must_use]
pub fn op_id(command_key: &str, truth_version: u64, base: &Fields, want: &Fields, decided_on: [u64; 2]) -> String {
    let mut hash = Sha256::new();
    add_text(&mut hash, command_key);
    hash.update(truth_version.to_le_bytes());
    decided_on.iter().for_each(|it| hash.update(it.to_le_bytes()));
    add_fields(&mut hash, base);
    add_fields(&mut hash, want);
    let digest: Digest = hash.finalize().into();
    format!("ts-{}", &hex(&digest)[..32])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(title: &str) -> Fields {
        Fields::from([("title".to_owned(), title.into())])
    }

    #[test]
    fn equal_in_meaning_is_equal_in_digest() {
        let number = |text: &str| Fields::from([("amount".to_owned(), Value::Number(text.parse().unwrap()))]);
        assert_eq!(of_fields(&number("12.50")), of_fields(&number("12.5")));
        assert_ne!(of_fields(&number("12.5")), of_fields(&Fields::from([("amount".to_owned(), "12.5".into())])));
    }

    #[test]
    fn only_ranges_that_differ_are_named() {
        let (mut here, mut there) = (RangeDigests::default(), RangeDigests::default());
        for n in 0..2_000 {
            here.add(Kind::Item, &format!("item-{n}"), &fields("a"));
            there.add(Kind::Item, &format!("item-{}", 1_999 - n), &fields("a"));
        }
        assert_eq!(here.differing(&there), Vec::<usize>::new());
        there.add(Kind::Item, "item-77", &fields("a"));
        there.add(Kind::Item, "item-77", &fields("b"));
        assert_eq!(here.differing(&there), [range_of("item-77")]);
    }

    #[test]
    fn a_write_is_named_by_what_it_does() {
        let key = command_key(1, Kind::Order, "1001");
        assert_eq!(key, command_key(1, Kind::Order, "1001"));
        assert_ne!(key, command_key(2, Kind::Order, "1001"));
        assert!(key.len() <= 64 && key.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'));
        let of = |want: &str, decided_on| op_id(&key, 1, &fields("a"), &fields(want), decided_on);
        assert_ne!(of("b", [0, 0]), of("c", [0, 0]));
        assert_ne!(of("b", [1, 0]), of("b", [2, 0]));
    }

    proptest! {
        #[test]
        fn any_difference_shows(keys in prop::collection::btree_set("[a-z]{1,6}", 1..50), at in any::<prop::sample::Index>()) {
            let keys: Vec<String> = keys.into_iter().collect();
            let (mut here, mut there) = (RangeDigests::default(), RangeDigests::default());
            for key in &keys {
                here.add(Kind::Item, key, &fields("a"));
                there.add(Kind::Item, key, &fields(if *key == keys[at.index(keys.len())] { "b" } else { "a" }));
            }
            prop_assert_eq!(here.differing(&there).len(), 1);
        }
    }
}
