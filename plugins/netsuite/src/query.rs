//! SuiteQL: questions with bound parameters, and rows whose values are text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use truthsource_sdk::{Decimal, Fault, json};

use crate::wire::{Account, refusal};

/// The most rows of one answer.
pub(crate) const ROWS_MAX: usize = 1_000;

#[derive(Serialize)]
struct Question<'a> {
    q: &'a str,
    params: &'a [String],
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Row>,
    #[serde(rename = "hasMore", default)]
    has_more: bool,
}

/// Rows of one answer.
pub(crate) struct Rows {
    pub rows: Vec<Row>,
    /// NetSuite has more rows than it gave.
    pub more: bool,
}

/// One row, by lower-case column.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Row(BTreeMap<String, Box<RawValue>>);

impl Row {
    /// A column is text, a number, a flag or empty. Whatever else there is where one was is not known, which is not empty.
    fn check(&self) -> Result<(), Fault> {
        let odd = self.0.iter().find(|(name, raw)| *name != "links" && raw.get().starts_with(['{', '[']));
        match odd {
            Some((name, _)) => Err(Fault::Protocol(format!("column `{name}` is a list or an object"))),
            None => Ok(()),
        }
    }

    /// The text of a column; `None` when it is empty. Blanks at the ends are not data.
    pub(crate) fn text(&self, column: &str) -> Option<String> {
        let raw = self.0.get(column)?.get();
        let text = match raw.as_bytes().first()? {
            b'"' => serde_json::from_str::<String>(raw).ok()?,
            b'n' | b'{' | b'[' => return None,
            _ => raw.to_owned(),
        };
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A column that cannot be empty.
    pub(crate) fn must(&self, column: &str) -> Result<String, Fault> {
        self.text(column).ok_or_else(|| Fault::Protocol(format!("a row without `{column}`")))
    }

    /// An exact number; `None` when it is empty.
    pub(crate) fn number(&self, column: &str) -> Result<Option<Decimal>, Fault> {
        let Some(text) = self.text(column) else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Fault::Protocol(format!("column `{column}`: {error}")))
    }

    /// `T` or `F`.
    pub(crate) fn flag(&self, column: &str) -> Option<bool> {
        match self.text(column)?.as_str() {
            "T" | "true" => Some(true),
            "F" | "false" => Some(false),
            _ => None,
        }
    }
}

/// Asks for at most `rows_max` rows.
pub(crate) fn ask(account: &Account<'_>, q: &str, params: &[String], rows_max: usize) -> Result<Rows, Fault> {
    let path = format!("query/v1/suiteql?limit={}&offset=0", rows_max.min(ROWS_MAX));
    let body = json::text(&Question { q, params }).into_bytes();
    let response = account.send("POST", &path, body)?;
    if response.status != 200 {
        return Err(refusal(&response, "SuiteQL", account.ctx.now_ms));
    }
    let answer: Answer = json::answer(&response.body, "SuiteQL")?;
    answer.items.iter().try_for_each(Row::check)?;
    Ok(Rows { more: answer.has_more, rows: answer.items })
}

/// Asks on until every row is there: `question` gets the last row seen and answers with the next page's question.
pub(crate) fn ask_all(
    account: &Account<'_>,
    mut question: impl FnMut(Option<&Row>) -> Result<(String, Vec<String>), Fault>,
) -> Result<Vec<Row>, Fault> {
    let mut all: Vec<Row> = Vec::new();
    loop {
        let (q, params) = question(all.last())?;
        let page = ask(account, &q, &params, ROWS_MAX)?;
        let is_last = !page.more || page.rows.is_empty();
        all.extend(page.rows);
        if is_last {
            return Ok(all);
        }
    }
}

/// The condition that a row comes behind these values of its key, with what it binds.
///
/// `(a > ? OR (a = ? AND b > ?))`: paging by key neither repeats nor loses rows, whatever moves meanwhile.
pub(crate) fn beyond(keys: &[&str], values: &[String]) -> (String, Vec<String>) {
    let mut alternatives = Vec::new();
    let mut params = Vec::new();
    for (at, key) in keys.iter().enumerate() {
        let mut parts: Vec<String> = keys[..at].iter().map(|it| format!("{it} = ?")).collect();
        parts.push(format!("{key} > ?"));
        alternatives.push(format!("({})", parts.join(" AND ")));
        params.extend(values.iter().take(at + 1).cloned());
    }
    (format!("({})", alternatives.join(" OR ")), params)
}

/// `(?, ?, ?)` for so many parameters.
pub(crate) fn marks(n: usize) -> String {
    format!("({})", vec!["?"; n].join(", "))
}

/// The ids that are numbers, as every internal id is: NetSuite refuses a whole query for one that is not.
pub(crate) fn numeric(ids: &[String]) -> Vec<String> {
    let is_number = |it: &&String| !it.is_empty() && it.len() <= 18 && it.bytes().all(|it| it.is_ascii_digit());
    ids.iter().filter(is_number).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_reads_text_and_numbers_alike() {
        let text =
            r#"{"links":[],"id":"482","name":" Main ","qty":140.0,"big":"123456789012.5","off":"F","none":null}"#;
        let row: Row = serde_json::from_str(text).unwrap();
        assert_eq!(row.must("id").unwrap(), "482");
        assert_eq!(row.text("name").as_deref(), Some("Main"));
        assert_eq!(row.number("qty").unwrap(), Some(Decimal::from(140)));
        assert_eq!(row.number("big").unwrap().unwrap().to_string(), "123456789012.5");
        assert_eq!((row.flag("off"), row.text("none"), row.text("links")), (Some(false), None, None));
        assert!(row.must("none").is_err());
    }

    #[test]
    fn what_is_no_value_is_not_taken_for_an_empty_one() {
        for (row, expect) in [
            (r#"{"links":[{"rel":"self"}],"qty":null}"#, true),
            (r#"{"links":[],"qty":{"value":140}}"#, false),
            (r#"{"links":[],"qty":[140]}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<Row>(row).unwrap().check().is_ok(), expect, "{row}");
        }
    }

    #[test]
    fn a_key_of_two_columns_goes_on_behind_both() {
        let (condition, params) = beyond(&["item", "location"], &["7".to_owned(), "2".to_owned()]);
        assert_eq!(condition, "((item > ?) OR (item = ? AND location > ?))");
        assert_eq!(params, ["7", "7", "2"]);
    }

    #[test]
    fn an_id_that_is_no_number_asks_nothing() {
        assert_eq!(numeric(&["7".to_owned(), "x' OR 1=1".to_owned(), String::new()]), ["7"]);
    }
}
