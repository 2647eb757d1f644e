//! What commands print: one JSON document for programs, tables for people.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value as Json;

/// How to print.
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// The document as it is, or `human` of it.
    pub fn show(&self, document: &Json, human: impl FnOnce(&Json) -> String) -> anyhow::Result<()> {
        let text = if self.json { document.to_string() } else { human(document) };
        self.line(&text)
    }

    /// A listing of which only so much was asked for: says on stderr if there is more, as `more` does for programs.
    pub fn some(&self, listing: &Json, human: impl FnOnce(&Json) -> String) -> anyhow::Result<()> {
        self.show(listing, human)?;
        if listing["more"] == true && !self.json {
            let _ = writeln!(std::io::stderr(), "there is more: a larger --limit shows it");
        }
        Ok(())
    }

    /// Progress of long work: on stderr, and only if somebody looks.
    pub fn progress(&self, message: String) -> ProgressBar {
        let watched = !self.json && std::io::stderr().is_terminal();
        let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(message);
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        bar
    }

    fn line(&self, text: &str) -> anyhow::Result<()> {
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }
}

/// A column of a table: its heading, and the members of an item that lead to its cell.
pub(super) type Column = (&'static str, &'static [&'static str]);

/// The items of a listing as a table.
pub(super) fn table(document: &Json, columns: &[Column]) -> String {
    let none = Vec::new();
    let items = document["items"].as_array().unwrap_or(&none);
    if items.is_empty() {
        return "none".to_owned();
    }
    let mut rows = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect::<Vec<_>>()];
    rows.extend(items.iter().map(|item| columns.iter().map(|(_, path)| cell(at(item, path))).collect()));
    aligned(&rows)
}

/// Members of an object, one a line.
pub(super) fn lines(document: &Json, members: &[Column]) -> String {
    let rows: Vec<Vec<String>> =
        members.iter().map(|(name, path)| vec![(*name).to_owned(), cell(at(document, path))]).collect();
    aligned(&rows)
}

fn at<'a>(item: &'a Json, path: &[&str]) -> &'a Json {
    path.iter().fold(item, |item, name| &item[*name])
}

/// A value for people: texts bare and on one line, nothing and no members as `-`.
pub(super) fn cell(value: &Json) -> String {
    match value {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect(),
        Json::Object(members) if members.is_empty() => "-".to_owned(),
        Json::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let count = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|it| it.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_is_aligned_and_says_when_it_is_empty() {
        let columns: &[Column] = &[("NAME", &["name"]), ("DEEP", &["a", "b"])];
        let document = json!({"items": [{"name": "é", "a": {"b": 1}}, {"name": "longer", "a": {}}]});
        assert_eq!(table(&document, columns), "NAME    DEEP\né       1\nlonger  -");
        assert_eq!(table(&json!({"items": []}), columns), "none");
    }

    #[test]
    fn nothing_in_a_cell_moves_the_cursor() {
        assert_eq!(cell(&json!("a\u{1b}[2J\nb")), "a [2J b");
    }
}
