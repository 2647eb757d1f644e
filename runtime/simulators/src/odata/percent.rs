//! Percent-encoding.

/// Whether `+` is a blank, as in query strings, or itself, as in paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Blank,
    Itself,
}

/// The text that `raw` encodes, or the offset of the escape that is none (0 when the whole is no UTF-8).
pub(super) fn decode(raw: &str, plus: Plus) -> Result<String, usize> {
    let (bytes, mut decoded, mut at) = (raw.as_bytes(), Vec::with_capacity(raw.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'%' => {
                decoded.push(escape(bytes, at).ok_or(at)?);
                at += 3;
                continue;
            }
            b'+' if plus == Plus::Blank => decoded.push(b' '),
            other => decoded.push(other),
        }
        at += 1;
    }
    String::from_utf8(decoded).map_err(|error| raw_offset(raw, error.utf8_error().valid_up_to()))
}

/// The offset in `raw` of the byte that is at `decoded` once decoded.
pub(super) fn raw_offset(raw: &str, decoded: usize) -> usize {
    let (bytes, mut at) = (raw.as_bytes(), 0);
    for _ in 0..decoded {
        at += if bytes.get(at) == Some(&b'%') { 3 } else { 1 };
    }
    at.min(bytes.len())
}

fn escape(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, plus: Plus, expect: Result<&str, usize>) {
        assert_eq!(decode(raw, plus), expect.map(str::to_owned), "{raw}");
    }

    #[test]
    fn escapes_are_bytes_of_utf8() {
        check("a%20b+c%2Bd", Plus::Blank, Ok("a b c+d"));
        check("a%20b+c", Plus::Itself, Ok("a b+c"));
        check("%C3%a9", Plus::Itself, Ok("é"));
        check("é%F0%9F%94%A9", Plus::Itself, Ok("é🔩"));
    }

    #[test]
    fn a_broken_escape_says_where() {
        check("ab%2", Plus::Blank, Err(2));
        check("ab%", Plus::Blank, Err(2));
        check("%zz", Plus::Blank, Err(0));
        check("%20x%FFy", Plus::Blank, Err(4));
        check("%é1", Plus::Blank, Err(0));
    }

    #[test]
    fn an_offset_leads_back() {
        assert_eq!(raw_offset("%20x%20y", 3), 7);
        assert_eq!(raw_offset("ab", 9), 2);
    }
}
