//! From generated types to ours and back, with every check that the contracts promise. What passes here is in range,
//! fits its kind's schema, and answers what was asked: nothing behind this wall has to look again.

pub(crate) mod connector;
pub(crate) mod digests;
pub(crate) mod policy;
pub(crate) mod pricing;
pub(crate) mod records;
pub(crate) mod stock;
pub(crate) mod validator;
pub(crate) mod webhook;

use crate::error::Misfit;

/// The longest explanation a component may give, in characters.
pub const REASON_CHARS_MAX: usize = 200;

/// A check that `text`, found at `at`, is short and printable.
fn reason(at: &str, text: String) -> Result<String, Misfit> {
    // No byte count below the limit can be over it in characters: most reasons are not even counted.
    if text.len() > REASON_CHARS_MAX && text.chars().count() > REASON_CHARS_MAX {
        return Err(Misfit::new(at, format!("longer than {REASON_CHARS_MAX} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Misfit::new(at, "holds control characters"));
    }
    Ok(text)
}

/// A check that `text`, found at `at`, is 1 to `bytes_max` bytes without NUL.
fn id(at: &str, text: String, bytes_max: usize) -> Result<String, Misfit> {
    if text.is_empty() || text.len() > bytes_max || text.contains('\0') {
        return Err(Misfit::new(at, format!("must be 1 to {bytes_max} bytes without NUL")));
    }
    Ok(text)
}

/// A check that there is one answer per question.
pub(crate) fn one_each(asked: usize, answered: usize) -> Result<(), Misfit> {
    if asked == answered {
        return Ok(());
    }
    Err(Misfit::new("answers", format!("{answered} for {asked} questions")))
}
