//! What people write into the settings of a connection, read the same way by every connector.

use std::collections::BTreeMap;

use crate::Fault;

/// Names and what they stand for: `1=base, 5=wholesale`. Nothing is no pair.
///
/// # Errors
/// A part that is no pair, in words for whoever wrote it.
pub fn pairs(text: &str) -> Result<BTreeMap<String, String>, Fault> {
    let parts = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    let pair = |part: &str| match part.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(Fault::Invalid(format!("`{part}` in a setting is no pair such as `1=base`"))),
    };
    parts.map(pair).collect()
}

/// `yes` or `no`, of the setting `name`.
///
/// # Errors
/// Anything else, in words for whoever wrote it.
pub fn yes(name: &str, text: &str) -> Result<bool, Fault> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(Fault::Invalid(format!("setting `{name}` is `yes` or `no`, not `{other}`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_anything_else_is_refused() {
        let read = pairs(" 1=base, uom@odata.bind = /uoms(1) ,").unwrap();
        let expect = [("1", "base"), ("uom@odata.bind", "/uoms(1)")];
        assert_eq!(read, expect.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        assert!(["1:base", "=base", "1=", "base"].iter().all(|it| matches!(pairs(it), Err(Fault::Invalid(_)))));
        assert!(pairs(" , ").unwrap().is_empty());
    }

    #[test]
    fn what_is_neither_yes_nor_no_is_refused() {
        assert_eq!((yes("webhooks", "yes").unwrap(), yes("webhooks", "no").unwrap()), (true, false));
        let expect = "setting `webhooks` is `yes` or `no`, not `maybe`";
        assert_eq!(yes("webhooks", "maybe").unwrap_err(), Fault::Invalid(expect.to_owned()));
    }
}
