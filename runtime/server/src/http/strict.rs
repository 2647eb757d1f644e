//! JSON as we accept it: what parsers disagree about is refused before anything is read from it.
//!
//! Duplicate keys, NUL and lone surrogates, numbers that not every machine holds exactly, and depth are all ways to
//! make two programs see two different documents, or to make one fall over later.

use std::collections::BTreeSet;

/// How deep a document may nest.
pub const DEPTH_MAX: usize = 64;
/// The largest whole number that every JSON parser holds exactly: 2^53 − 1.
const WHOLE_MAX: u64 = (1 << 53) - 1;

/// Why a document is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {at}")]
pub struct Refused {
    /// A stable name.
    pub code: &'static str,
    /// For people.
    pub reason: &'static str,
    /// A JSON pointer and the byte: `/lines/3/quantity (byte 120)`.
    pub at: String,
}

/// Checks a whole document.
///
/// # Errors
/// The first thing that is refused.
pub fn check(text: &[u8]) -> Result<(), Refused> {
    let text = std::str::from_utf8(text).map_err(|error| Refused {
        code: "malformed-json",
        reason: "not UTF-8",
        at: format!("byte {}", error.valid_up_to()),
    })?;
    let mut scan = Scan { text: text.as_bytes(), at: 0, path: Vec::new() };
    scan.blanks();
    scan.value()?;
    scan.blanks();
    if scan.at < scan.text.len() { Err(scan.malformed("something after the end")) } else { Ok(()) }
}

/// Whether a document nests deeper than [`DEPTH_MAX`]. Looks at brackets only, in one pass without memory: for
/// documents of others, whose other habits are theirs.
#[must_use]
pub fn too_deep(text: &[u8]) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    path: Vec<String>,
}

type Step<T = ()> = Result<T, Refused>;

impl Scan<'_> {
    fn value(&mut self) -> Step {
        if self.path.len() > DEPTH_MAX {
            return Err(self.refused("too-deep", "nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => Err(self.malformed("no value")),
            None => Err(self.malformed("the document ends early")),
        }
    }

    fn object(&mut self) -> Step {
        let mut seen = BTreeSet::new();
        self.at += 1;
        self.blanks();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.blanks();
            let key = self.string()?;
            self.path.push(key.replace('~', "~0").replace('/', "~1"));
            if !seen.insert(key) {
                return Err(self.refused("duplicate-key", "the same key twice"));
            }
            self.blanks();
            self.expect(b':', "no `:` after a key")?;
            self.blanks();
            self.value()?;
            self.path.pop();
            self.blanks();
            if self.eat(b'}') {
                return Ok(());
            }
            self.expect(b',', "no `,` or `}` after a member")?;
        }
    }

    fn array(&mut self) -> Step {
        self.at += 1;
        self.blanks();
        if self.eat(b']') {
            return Ok(());
        }
        for index in 0usize.. {
            self.path.push(index.to_string());
            self.blanks();
            self.value()?;
            self.path.pop();
            self.blanks();
            if self.eat(b']') {
                break;
            }
            self.expect(b',', "no `,` or `]` after an element")?;
        }
        Ok(())
    }

    fn string(&mut self) -> Step<String> {
        self.expect(b'"', "no text")?;
        let mut out = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.malformed("the document ends early")),
                Some(b'"') => {
                    self.at += 1;
                    return String::from_utf8(out).map_err(|_| self.malformed("not UTF-8"));
                }
                Some(b'\\') => self.escape(&mut out)?,
                Some(0..=0x1f) => return Err(self.malformed("a bare control character in text")),
                Some(byte) => {
                    out.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Step {
        let letter = self.text.get(self.at + 1).copied();
        let plain = match letter {
            Some(it @ (b'"' | b'\\' | b'/')) => it,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode(out),
            _ => return Err(self.malformed("an unknown escape")),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> Step {
        let first = self.unit(self.at)?;
        let (code, len) = match first {
            0xD800..=0xDBFF => {
                let low = if self.text.get(self.at + 6) == Some(&b'\\') { self.unit(self.at + 6).ok() } else { None };
                let low = low.filter(|it| (0xDC00..=0xDFFF).contains(it));
                let low = low.ok_or_else(|| self.refused("lone-surrogate", "half a character in text"))?;
                (0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            other => (other, 6),
        };
        if code == 0 {
            return Err(self.refused("nul", "a NUL in text"));
        }
        let letter = char::from_u32(code).ok_or_else(|| self.refused("lone-surrogate", "half a character in text"))?;
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += len;
        Ok(())
    }

    /// The four hex digits of the `\u` at `at`.
    fn unit(&self, at: usize) -> Step<u32> {
        let digits = self.text.get(at + 2..at + 6).filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let digits =
            digits.filter(|_| self.text.get(at + 1) == Some(&b'u')).and_then(|it| std::str::from_utf8(it).ok());
        digits
            .and_then(|it| u32::from_str_radix(it, 16).ok())
            .ok_or_else(|| self.malformed("`\\u` without four hex digits"))
    }

    /// Whole numbers of up to 2^53 − 1. Fractions and exponents are refused: exact decimals travel as text.
    fn number(&mut self) -> Step {
        let start = self.at;
        let is_negative = self.eat(b'-');
        let digits = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        let text = &self.text[digits..self.at];
        if text.is_empty() || (text.len() > 1 && text[0] == b'0') {
            return Err(self.malformed("not a number"));
        }
        if matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.at = start;
            return Err(self.refused("inexact-number", "a fraction or exponent, which must be a decimal in quotes"));
        }
        let whole = std::str::from_utf8(text).ok().and_then(|it| it.parse::<u64>().ok());
        let is_zero_below = is_negative && whole == Some(0);
        match whole {
            Some(it) if it <= WHOLE_MAX && !is_zero_below => Ok(()),
            _ => {
                self.at = start;
                Err(self.refused("inexact-number", "a number that not every program holds exactly"))
            }
        }
    }

    fn word(&mut self, word: &'static str) -> Step {
        if self.text[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.malformed("no value"))
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Step {
        if self.eat(byte) { Ok(()) } else { Err(self.malformed(reason)) }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn malformed(&self, reason: &'static str) -> Refused {
        self.refused("malformed-json", reason)
    }

    /// Names at most a few steps of the path, as it may quote an attacker.
    fn refused(&self, code: &'static str, reason: &'static str) -> Refused {
        let path: String = self.path.iter().take(8).map(|it| format!("/{}", it.escape_debug())).collect();
        let path: String = path.chars().take(120).collect();
        let place = if path.is_empty() { "the top".to_owned() } else { path };
        Refused { code, reason, at: format!("{place} (byte {})", self.at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn see(text: &str) -> &'static str {
        check(text.as_bytes()).err().map_or("fine", |it| it.code)
    }

    #[test]
    fn i3_duplicate_keys_are_refused_with_their_place() {
        let refused = check(br#"{"a":[{"b":1,"\u0062":2}]}"#).unwrap_err();
        assert_eq!((refused.code, refused.at.as_str()), ("duplicate-key", "/a/0/b (byte 21)"));
        assert_eq!(see(r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#), "fine");
    }

    #[test]
    fn i1_nul_and_half_characters_are_refused() {
        assert_eq!(see(r#""\u0000""#), "nul");
        assert_eq!(see("\"\0\""), "malformed-json");
        assert_eq!(see(r#"{"\u0000":1}"#), "nul");
        assert_eq!(see(r#""\ud83d""#), "lone-surrogate");
        assert_eq!(see(r#""\ud83dx\ude00""#), "lone-surrogate");
        assert_eq!(see(r#""\ude00""#), "lone-surrogate");
        assert_eq!(see(r#""\ud83d\ude00 😀 \u202e""#), "fine");
    }

    #[test]
    fn i2_numbers_that_lose_digits_are_refused() {
        assert_eq!(see("9007199254740991"), "fine");
        assert_eq!(see("-9007199254740991"), "fine");
        assert_eq!(see("9007199254740993"), "inexact-number");
        assert_eq!(see("12345678901234567890123"), "inexact-number");
        assert_eq!(see("1e400"), "inexact-number");
        assert_eq!(see("0.1"), "inexact-number");
        assert_eq!(see("-0"), "inexact-number");
        assert_eq!(see("01"), "malformed-json");
        assert_eq!(see("1,99"), "malformed-json");
    }

    #[test]
    fn i4_depth_ends_at_its_limit() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(see(&nested(DEPTH_MAX)), "fine");
        assert_eq!(see(&nested(DEPTH_MAX + 1)), "too-deep");
        assert_eq!(see(&nested(100_000)), "too-deep");
        assert!(too_deep(nested(100_000).as_bytes()) && !too_deep(nested(DEPTH_MAX).as_bytes()));
        assert!(!too_deep(format!("\"{}\\\"[\"", "[".repeat(1_000)).as_bytes()));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "{\"a\"}", "{a:1}", "nul", "\"\\x\"", "1 2", "[1 2]", "\"a\nb\"", "\u{feff}1"] {
            assert_eq!(see(text), "malformed-json", "{text}");
        }
        assert_eq!(check(b"\"\xff\"").unwrap_err().reason, "not UTF-8");
    }

    proptest! {
        #[test]
        fn agrees_with_the_parser(text in "[\\[\\]{}\",:0-9a-e\\\\u \n-]{0,40}") {
            if check(text.as_bytes()).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
            }
        }

        #[test]
        fn every_text_passes(text in "\\PC{0,40}") {
            let json = serde_json::to_vec(&serde_json::json!({"t": text})).unwrap();
            prop_assert!(check(&json).is_ok());
        }
    }
}
