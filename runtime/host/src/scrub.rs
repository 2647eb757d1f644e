//! Removes known secrets from whatever comes back from outside or is written down.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands in a secret's place.
pub const MASK: &str = "***";

/// The shortest secret that is looked for, in bytes: replacing shorter ones would scramble ordinary text, and they
/// protect nothing.
pub const SECRET_BYTES_MIN: usize = 6;

/// The spellings of the secrets of one connection. Never printed.
pub struct Scrubber {
    /// By first byte; of one first byte the longest first, so that no spelling leaves the rest of a longer one.
    patterns: Vec<Vec<Zeroizing<Vec<u8>>>>,
}

impl Default for Scrubber {
    fn default() -> Self {
        Self::new([])
    }
}

impl Scrubber {
    /// A scrubber of these secrets, in all spellings that an outside system is likely to echo: raw, Base64 (standard
    /// and URL alphabet), percent-encoded, and any of these inside a JSON string.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns: Vec<Vec<Zeroizing<Vec<u8>>>> = vec![Vec::new(); 256];
        for secret in secrets.into_iter().filter(|it| it.len() >= SECRET_BYTES_MIN) {
            for spelling in spellings(secret) {
                for text in [spelling.replace('/', "\\/"), spelling] {
                    patterns[usize::from(text.as_bytes()[0])].push(Zeroizing::new(text.into_bytes()));
                }
            }
        }
        for alike in &mut patterns {
            alike.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            alike.dedup();
        }
        Self { patterns }
    }

    /// `bytes` without the secrets, in one pass: answers have up to 10 MiB, and a connection has dozens of spellings.
    #[must_use]
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut out: Option<Vec<u8>> = None;
        let (mut copied, mut at) = (0, 0);
        while let Some(first) = bytes.get(at) {
            let alike = &self.patterns[usize::from(*first)];
            let found = alike.iter().find(|pattern| bytes[at..].starts_with(pattern));
            let Some(pattern) = found else {
                at += 1;
                continue;
            };
            let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
            out.extend_from_slice(&bytes[copied..at]);
            out.extend_from_slice(MASK.as_bytes());
            at += pattern.len();
            copied = at;
        }
        match out {
            None => Cow::Borrowed(bytes),
            Some(mut out) => {
                out.extend_from_slice(&bytes[copied..]);
                Cow::Owned(out)
            }
        }
    }

    /// `text` without the secrets.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Patterns and mask are UTF-8, so the rest still is.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let json = serde_json::to_string(secret).unwrap_or_default();
    vec![
        secret.to_owned(),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        crate::signing::percent(secret),
        url::form_urlencoded::byte_serialize(bytes).collect(),
        json.trim_matches('"').to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(secret: &str, text: &str, expect: &str) {
        assert_eq!(Scrubber::new([secret]).text(text), expect);
    }

    #[test]
    fn p15_an_echoed_secret_is_removed_in_every_spelling() {
        check("s3cr3t/+key", "a s3cr3t/+key b s3cr3t/+key", "a *** b ***");
        check("s3cr3t/+key", &STANDARD.encode("s3cr3t/+key"), "***");
        check("s3cr3t/+key", "x=s3cr3t%2F%2Bkey&y", "x=***&y");
        check("s3cr3t/+key", r#"{"e":"s3cr3t\/+key"}"#, r#"{"e":"***"}"#);
        check("pa\"ss\nword", r#"{"e":"pa\"ss\nword"}"#, r#"{"e":"***"}"#);
        check("short", "short words stay", "short words stay");
    }

    #[test]
    fn a_secret_that_contains_another_leaves_no_rest() {
        let scrubber = Scrubber::new(["secret", "secret-and-more"]);
        assert_eq!(scrubber.text("secret-and-more secret"), "*** ***");
    }

    proptest! {
        #[test]
        fn no_secret_survives(before in "[a-z]{0,20}", secret in "[A-Z0-9/+=]{8,40}", after in "[a-z]{0,20}") {
            let scrubber = Scrubber::new([secret.as_str()]);
            let dirty = format!("{before}{secret}{after}{}", STANDARD.encode(&secret));
            let clean = scrubber.text(&dirty).into_owned();
            prop_assert!(!clean.contains(&secret));
            let tail = clean.strip_prefix(before.as_str()).unwrap();
            prop_assert!(tail.contains(&after));
        }
    }
}
