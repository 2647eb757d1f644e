//! Many rows in few statements: a round trip to the database thread costs more than a row.
//!
//! Statements with a bound limit say `limit +?n`: the planner looks at the value of a bare `limit ?n`, and has SQLite
//! prepare the statement anew each time one is bound.

use serde::Serialize;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::decode::{broken, to_doc, unavailable};
use crate::store::{Error, Result, UnixMs};

/// Rows that share a statement: each number makes a statement of its own, which SQLite keeps prepared.
const TOGETHER: [usize; 4] = [256, 32, 4, 1];

/// Rows for one statement. It names their columns: `with new (kind, key) as (values) …`, where `(values)` stands for the
/// rows; a `?` after them is when the batch was decided. Of many rows the statement is run several times, in order.
///
/// Parameters have no numbers: SQLite would look for each among all of them.
#[derive(Default)]
pub(super) struct Rows {
    cells: Vec<Cell>,
    n: usize,
}

enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Rows {
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a row; the columns follow, as many in each.
    pub fn row(&mut self) -> &mut Self {
        self.n += 1;
        self
    }

    fn put(&mut self, cell: Cell) -> &mut Self {
        self.cells.push(cell);
        self
    }

    /// A number column; what is too large for SQLite becomes the largest there is.
    pub fn int(&mut self, number: u64) -> &mut Self {
        self.put(Cell::Int(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    /// A text column.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.put(Cell::Text(text.to_owned()))
    }

    /// A text column that may be null.
    pub fn maybe(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.put(Cell::Null),
        }
    }

    /// A number column that may be null.
    pub fn maybe_int(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.put(Cell::Null),
        }
    }

    /// A column of bytes.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.put(Cell::Bytes(bytes.to_owned()))
    }

    /// A text column that holds a value as a document.
    pub fn doc(&mut self, value: &impl Serialize) -> Result<&mut Self> {
        let text = to_doc(value)?;
        Ok(self.put(Cell::Text(text)))
    }

    /// The same of a value that may be null.
    pub fn maybe_doc(&mut self, value: Option<&impl Serialize>) -> Result<&mut Self> {
        match value {
            Some(value) => self.doc(value),
            None => Ok(self.put(Cell::Null)),
        }
    }

    /// Runs the statement and gives how many rows it changed.
    pub async fn run(self, db: &mut SqliteConnection, sql: &'static str, at: UnixMs) -> Result<u64> {
        let mut changed = 0;
        for statement in self.statements(sql, at) {
            let (sql, arguments) = statement?;
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
            changed += query.execute(&mut *db).await.map_err(unavailable)?.rows_affected();
        }
        Ok(changed)
    }

    /// Runs the statement and gives the rows it returns.
    pub async fn fetch<T>(self, db: &mut SqliteConnection, sql: &'static str, at: UnixMs) -> Result<Vec<T>>
    where
        T: for<'r> sqlx::FromRow<'r, SqliteRow>,
    {
        let mut found = Vec::new();
        for statement in self.statements(sql, at) {
            let (sql, arguments) = statement?;
            let query = sqlx::query_with(AssertSqlSafe(sql), arguments);
            let rows = query.fetch_all(&mut *db).await.map_err(unavailable)?;
            found.extend(rows.iter().map(T::from_row).collect::<sqlx::Result<Vec<T>>>().map_err(broken)?);
        }
        Ok(found)
    }

    /// The statements that take all rows, each with what it is given.
    fn statements(self, sql: &'static str, at: UnixMs) -> impl Iterator<Item = Result<(String, SqliteArguments)>> {
        let columns = self.cells.len().checked_div(self.n).unwrap_or_default();
        debug_assert_eq!(columns * self.n, self.cells.len(), "every row has as many columns");
        let (mut left, mut cells) = (self.n, self.cells.into_iter());
        std::iter::from_fn(move || {
            let n = *TOGETHER.iter().find(|it| **it <= left)?;
            left -= n;
            let at = Cell::Int(i64::try_from(at.0).unwrap_or(i64::MAX));
            let given = cells.by_ref().take(n * columns).chain([at]);
            Some(arguments(given).map(|it| (sql.replacen("(values)", &values(n, columns), 1), it)))
        })
    }
}

/// `(values (?,?),(?,?))`
fn values(n: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    format!("(values {})", vec![row.as_str(); n].join(","))
}

fn arguments(cells: impl Iterator<Item = Cell>) -> Result<SqliteArguments> {
    use sqlx::Arguments as _;
    let mut arguments = SqliteArguments::default();
    for cell in cells {
        let added = match cell {
            Cell::Null => arguments.add(None::<i64>),
            Cell::Int(number) => arguments.add(number),
            Cell::Text(text) => arguments.add(text),
            Cell::Bytes(bytes) => arguments.add(bytes),
        };
        added.map_err(Error::damaged)?;
    }
    Ok(arguments)
}

/// A list of texts for `json_each`.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> String {
    serde_json::Value::from_iter(texts.into_iter().map(String::as_str)).to_string()
}

/// A list of pairs of texts for `json_each`.
pub(super) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    serde_json::Value::from_iter(pairs.into_iter().map(|(one, other)| vec![one, other])).to_string()
}
