//! Failures, as one line for people or one object for programs.

use std::io::Write as _;
use std::process::ExitCode;

use crate::config;
use crate::http::Problem;
use crate::store::OpenError;

/// The exit code of a command that was not understood; others fail with 1.
pub(super) const USAGE: u8 = 2;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// A stable name.
    pub code: String,
    /// One line.
    pub message: String,
}

impl Failure {
    /// A failure with a name of its own.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    /// What the server said.
    pub(super) fn of_problem(problem: Problem) -> Self {
        // Whoever typed a command has not seen the body that was made of it.
        let detail = if problem.code == "invalid-body" { unplaced(&problem.detail) } else { &problem.detail };
        Self { message: format!("{detail} (request {})", problem.instance), code: problem.code }
    }

    /// An error, with its causes in one line.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let code = match error.downcast_ref::<Self>() {
            Some(failure) => failure.code.clone(),
            None => named(error).unwrap_or("failed").to_owned(),
        };
        Self { code, message: format!("{error:#}").replace('\n', " ") }
    }

    pub(super) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        // What follows is the usage and where to find help, on lines of their own.
        let lines = text.lines().take_while(|it| !it.starts_with("Usage") && !it.starts_with("For more"));
        let lines = lines.map(str::trim).filter(|it| !it.is_empty());
        let line = lines.collect::<Vec<_>>().join(" ");
        let line = line.strip_prefix("error: ").unwrap_or(&line);
        Self::new("usage", format!("{line} (see --help)"))
    }

    pub(super) fn report(&self, json: bool) -> ExitCode {
        let line = if json {
            serde_json::json!({"code": self.code, "message": self.message}).to_string()
        } else {
            format!("error: {}", self.message)
        };
        let _ = writeln!(std::io::stderr(), "{line}");
        ExitCode::from(if self.code == "usage" { USAGE } else { 1 })
    }
}

/// The words, without the place in a body that they end with: ` at line 1 column 73`, and nothing else that is like it.
fn unplaced(words: &str) -> &str {
    let is_number = |it: &str| it.parse::<u64>().is_ok();
    let is_place =
        |it: &str| it.split_once(" column ").is_some_and(|(line, column)| is_number(line) && is_number(column));
    words.rsplit_once(" at line ").filter(|(_, place)| is_place(place)).map_or(words, |(words, _)| words)
}

/// The stable name of an error that brings none of its own.
fn named(error: &anyhow::Error) -> Option<&'static str> {
    if error.downcast_ref::<config::Error>().is_some() {
        return Some("invalid-config");
    }
    Some(match error.downcast_ref::<OpenError>()? {
        OpenError::InUse { .. } => "data-dir-in-use",
        OpenError::Closed { .. } => "data-dir-closed",
        OpenError::Newer { .. } => "data-dir-newer",
        OpenError::NotWritable { .. } => "data-dir-not-writable",
        OpenError::Lost { .. } => "data-lost",
        OpenError::Older { .. } => "data-older",
        OpenError::Damaged { .. } => "data-dir-damaged",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_body_that_nobody_wrote_is_not_told() {
        assert_eq!(unplaced("`many` is not a decimal number at line 1 column 73"), "`many` is not a decimal number");
        for whole in ["the body is no JSON object", "`stuck at line 3` is not a decimal number", "at line 1 column 2b"]
        {
            assert_eq!(unplaced(whole), whole);
        }
    }
}
