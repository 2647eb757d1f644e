//! Where in a TOML document something stands that was named by a JSON pointer.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The line of a byte, from one.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|it| *it == b'\n').count() + 1
}

/// The same words, each pointer with its line before it.
pub(super) fn with_lines(words: &str, text: &str) -> String {
    let Ok(document) = DeTable::parse(text) else { return words.to_owned() };
    let placed = words.split(' ').map(|word| {
        let pointer = word.trim_end_matches([':', ';', ',']);
        match span(document.get_ref(), pointer) {
            Some(span) => format!("line {} ({pointer}){}", line(text, span.start), &word[pointer.len()..]),
            None => word.to_owned(),
        }
    });
    placed.collect::<Vec<_>>().join(" ")
}

/// Where a pointer's value stands, or the nearest that it is in.
fn span(document: &DeTable<'_>, pointer: &str) -> Option<Range<usize>> {
    let mut parts = pointer.strip_prefix('/')?.split('/');
    let mut value = document.get(parts.next()?)?;
    let mut at = value.span();
    for part in parts {
        let found = match value.get_ref() {
            DeValue::Table(table) => table.get(part),
            DeValue::Array(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
            _ => None,
        };
        let Some(found) = found else { break };
        (value, at) = (found, found.span());
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "[connections.erp.kinds]\nitem = 'owner'\n\n[[fields]]\nfield = 'title'\n\n[[fields]]\nkind = 'item'\nfield = 'x'\n";

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |words: &str, expect: &str| assert_eq!(with_lines(words, RULES), expect);
        check("/fields/1/field: no", "line 9 (/fields/1/field): no");
        check("/fields/1: after /fields/0 it", "line 7 (/fields/1): after line 4 (/fields/0) it");
        check("/connections/erp/kinds/item: no", "line 2 (/connections/erp/kinds/item): no");
        check("/fields/1/owner: no", "line 7 (/fields/1/owner): no");
        check("a/b and/or /nothing", "a/b and/or /nothing");
    }
}
