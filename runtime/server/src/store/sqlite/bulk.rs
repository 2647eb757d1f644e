//! Many rows in one statement: a round trip to the database thread costs more than a row.
//!
//! Statements with a bound limit say `limit +?n`: the planner looks at the value of a bare `limit ?n`, and has SQLite
//! prepare the statement anew each time one is bound.

use std::io::Write as _;

use serde::Serialize;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use super::decode::{broken, unavailable};
use crate::store::{Error, Result, UnixMs};

/// Rows for one statement. Its `?1` is a JSON array of arrays for `json_each`, of numbers and short texts. Documents
/// and bytes lie one after the other in `?2`, and a row holds where: two columns, for `substr(?2, start, length)`.
/// SQLite then never parses them. `?3` is when the batch was decided.
pub(super) struct Rows {
    /// Text, as everything that is put into it is.
    json: Vec<u8>,
    heap: Vec<u8>,
    n: usize,
}

impl Rows {
    pub fn new() -> Self {
        Self { json: b"[".to_vec(), heap: Vec::new(), n: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Begins a row; the columns follow.
    pub fn row(&mut self) -> &mut Self {
        self.close();
        self.json.extend_from_slice(if self.n == 0 { b"[" } else { b",[" });
        self.n += 1;
        self
    }

    fn close(&mut self) {
        if self.n > 0 {
            self.json.push(b']');
        }
    }

    fn comma(&mut self) {
        if self.json.last() != Some(&b'[') {
            self.json.push(b',');
        }
    }

    /// A number column; what is too large for SQLite becomes the largest there is.
    pub fn int(&mut self, number: u64) -> &mut Self {
        self.comma();
        let _ = write!(self.json, "{}", number.min(i64::MAX as u64));
        self
    }

    /// A text column.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.comma();
        // A vector takes whatever is written to it, and every text is JSON.
        let _ = serde_json::to_writer(&mut self.json, text);
        self
    }

    /// A text column that may be null.
    pub fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A number column that may be null.
    pub fn maybe_int(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    fn null(&mut self) -> &mut Self {
        self.comma();
        self.json.extend_from_slice(b"null");
        self
    }

    /// Two columns: where these bytes are in `?2`, counted from one, and how many there are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let start = self.heap.len() as u64 + 1;
        self.heap.extend_from_slice(bytes);
        self.int(start).int(bytes.len() as u64)
    }

    /// Two columns, like [`Rows::bytes`], of a value as JSON.
    pub fn doc(&mut self, value: &impl Serialize) -> Result<&mut Self> {
        let start = self.heap.len();
        serde_json::to_writer(&mut self.heap, value).map_err(|e| Error::Damaged(e.to_string()))?;
        let length = self.heap.len() - start;
        Ok(self.int(start as u64 + 1).int(length as u64))
    }

    fn query(mut self, sql: &'static str, at: UnixMs) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
        self.close();
        self.json.push(b']');
        sqlx::query(sql).bind(text(self.json)).bind(self.heap).bind(at.0.min(i64::MAX as u64) as i64)
    }

    /// Runs the statement and gives how many rows it changed.
    pub async fn run(self, db: &mut SqliteConnection, sql: &'static str, at: UnixMs) -> Result<u64> {
        if self.is_empty() {
            return Ok(0);
        }
        Ok(self.query(sql, at).execute(db).await.map_err(unavailable)?.rows_affected())
    }

    /// Runs the statement and gives the rows it returns.
    pub async fn fetch<T>(self, db: &mut SqliteConnection, sql: &'static str, at: UnixMs) -> Result<Vec<T>>
    where
        T: for<'r> sqlx::FromRow<'r, SqliteRow>,
    {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.query(sql, at).fetch_all(db).await.map_err(unavailable)?;
        rows.iter().map(T::from_row).collect::<Result<_, _>>().map_err(broken)
    }

    /// The list as JSON, for a statement of its own.
    pub fn into_json(mut self) -> String {
        self.close();
        self.json.push(b']');
        text(self.json)
    }
}

/// JSON as text: it is, as serde wrote it.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// A list of texts for `json_each`.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    serde_json::Value::from_iter(texts.into_iter().map(String::as_str)).to_string()
}
