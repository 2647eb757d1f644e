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
    fn a_write_is_named_by_what_it_does() {
        let key = command_key(1, Kind::Order, "1001");
        assert_eq!(key, command_key(1, Kind::Order, "1001"));
        assert_ne!(key, command_key(2, Kind::Order, "1001"));
        assert!(key.len() <= 64 && key.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'));
        let of = |want: &str, decided_on| op_id(&key, 1, &fields("a"), &fields(want), decided_on);
        assert_ne!(of("b", [0, 0]), of("c", [0, 0]));
        assert_ne!(of("b", [1, 0]), of("b", [2, 0]));
    }
}
