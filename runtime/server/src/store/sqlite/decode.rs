//! Between columns and types.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Error, Kind, RecordKey, Result, Row, UnixMs};

/// SQLite's result codes after which the connection's transaction is gone or of no use.
const FATAL: &[i32] = &[5, 6, 7, 8, 9, 10, 11, 13, 14, 26];

/// The database did not do it.
pub(super) fn unavailable(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Decode(why) => why.downcast().map_or_else(Error::damaged, |told| *told),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) => broken(error),
        other => Error::Unavailable(other.into()),
    }
}

/// The database did it and what it gave makes no sense.
pub(super) fn broken(error: sqlx::Error) -> Error {
    Error::damaged(error)
}

/// The primary result code of a database error, if it is one.
pub(super) fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// After this error nothing more can be written in the same transaction: the disk is full, a file is out of reach.
pub(super) fn is_fatal(error: &Error) -> bool {
    let Error::Unavailable(source) = error else { return false };
    let Some(source) = source.downcast_ref::<sqlx::Error>() else { return true };
    code(source).is_none_or(|it| FATAL.contains(&it))
}

/// A unique constraint was hit.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|it| it.is_unique_violation())
}

/// Between a document and its checksum: with that, a comment to SQLite's JSON functions, which read on.
const MARK: &[u8] = b"//";
/// Digits of a checksum.
const DIGITS: usize = 8;

/// A value as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::damaged)
}

/// A value as a document: JSON, and a checksum by which a bit that turned over on the disk is noticed though what stands
/// there makes sense.
pub(super) fn to_doc(value: &impl Serialize) -> Result<String> {
    let json = to_json(value)?;
    Ok(format!("{json}//{:08x}", crc32fast::hash(json.as_bytes())))
}

/// The JSON of a document.
///
/// # Errors
/// When its checksum is of something else. Documents from before there were any have none.
pub(super) fn checked(document: &[u8]) -> std::result::Result<&[u8], &'static str> {
    let (front, digits) = document.split_at(document.len().saturating_sub(DIGITS));
    let is_sum = digits.iter().all(u8::is_ascii_hexdigit);
    let Some(json) = front.strip_suffix(MARK).filter(|_| is_sum) else { return Ok(document) };
    let sum = std::str::from_utf8(digits).ok().and_then(|it| u32::from_str_radix(it, 16).ok());
    if sum == Some(crc32fast::hash(json)) { Ok(json) } else { Err("its checksum is not its own") }
}

fn meant<T: DeserializeOwned>(document: &[u8]) -> std::result::Result<T, String> {
    serde_json::from_slice(checked(document)?).map_err(|e| e.to_string())
}

/// A value that is kept as JSON or as a document.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    meant(text.as_bytes()).map_err(Error::damaged)
}

/// The same of a row that others can go on without. As bytes: what is damaged may be no text.
pub(super) fn doc<T: DeserializeOwned>(bytes: &[u8], row: impl FnOnce() -> Row) -> Result<T> {
    meant(bytes).map_err(|e| Error::damaged_row(row(), e))
}

/// The same of one that nobody can go on without.
pub(super) fn needed<T: DeserializeOwned>(bytes: &[u8], of: impl FnOnce() -> String) -> Result<T> {
    meant(bytes).map_err(|e| Error::damaged(format!("{}: {e}", of())))
}

/// The name of a variant without fields, as serde spells it.
pub(super) fn name(value: &impl Serialize) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        other => Err(Error::damaged(format!("no plain name: {other:?}"))),
    }
}

/// The variant of this name.
pub(super) fn named<T: DeserializeOwned>(name: String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(name)).map_err(Error::damaged)
}

pub(super) fn kind(name: &str) -> Result<Kind> {
    name.parse().map_err(|e: truthsource_core::kind::Unknown| Error::damaged(e))
}

pub(super) fn record(kind_name: &str, key: String) -> Result<RecordKey> {
    Ok(RecordKey { kind: kind(kind_name)?, key })
}

pub(super) fn moment(ms: i64) -> UnixMs {
    UnixMs(number(ms))
}

/// A number that is never below zero.
pub(super) fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A number for SQLite; what is too large becomes the largest there is.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s7_a_bit_that_turns_over_is_noticed_wherever_it_is() {
        let document = to_doc(&serde_json::json!({"on_hand": "5"})).unwrap();
        assert_eq!(checked(document.as_bytes()), Ok(br#"{"on_hand":"5"}"#.as_slice()));
        for bit in 0..document.len() * 8 {
            let mut flipped = document.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = meant::<serde_json::Value>(&flipped);
            // A digit of a checksum may be spelled as a capital.
            let digits = document.len() - DIGITS;
            let is_spelling = bit / 8 >= digits && flipped.eq_ignore_ascii_case(document.as_bytes());
            assert!(read.is_err() || is_spelling, "bit {bit}: {read:?}");
        }
    }

    #[test]
    fn what_was_written_before_there_were_checksums_is_read() {
        for document in [r#"{"a":"http://a.shop"}"#, r#"["//12345678"]"#, "7", "[]", ""] {
            assert_eq!(checked(document.as_bytes()), Ok(document.as_bytes()));
        }
    }
}
