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

/// A value that is kept as JSON.
pub(super) fn json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::damaged)
}

/// The same of a row that others can go on without. As bytes: what is damaged may be no text.
pub(super) fn doc<T: DeserializeOwned>(bytes: &[u8], row: impl FnOnce() -> Row) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::damaged_row(row(), e))
}

/// The same of one that nobody can go on without.
pub(super) fn needed<T: DeserializeOwned>(bytes: &[u8], of: impl FnOnce() -> String) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|e| Error::damaged(format!("{}: {e}", of())))
}

/// A value as JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::damaged)
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
