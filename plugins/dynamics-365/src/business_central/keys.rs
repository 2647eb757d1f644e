//! Remote ids that are made of two parts: `1896-S:BLUE`, with `%` before what would be taken for the separator.

/// The id of two parts.
pub(crate) fn join(first: &str, second: &str) -> String {
    let escaped = |part: &str| part.replace('%', "%25").replace(':', "%3A");
    format!("{}:{}", escaped(first), escaped(second))
}

/// The parts of an id; `None` for one that was never made here.
pub(crate) fn split(id: &str) -> Option<(String, String)> {
    let plain = |part: &str| part.replace("%3A", ":").replace("%25", "%");
    let (first, second) = id.split_once(':')?;
    let parts = (plain(first), plain(second));
    (join(&parts.0, &parts.1) == id && !first.is_empty() && !second.is_empty()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_its_parts_are_one() {
        let check = |first: &str, second: &str, id: &str| {
            assert_eq!(join(first, second), id);
            assert_eq!(split(id), Some((first.to_owned(), second.to_owned())));
        };
        check("1896-S", "BLUE", "1896-S:BLUE");
        check("A:B", "50%", "A%3AB:50%25");
        check("A%3AB", "C", "A%253AB:C");
        for id in ["1896-S", "a:b:c", ":b", "a:", "a%3ab:c"] {
            assert_eq!(split(id), None, "{id}");
        }
    }
}
