//! Fingerprints.

use aws_lc_rs::digest::{Context, SHA256};

/// The SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        for half in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_split_changes_nothing() {
        let whole = super::sha256(&[b"abc"]);
        assert_eq!(whole, super::sha256(&[b"a", b"", b"bc"]));
        assert_eq!(super::hex(&whole[..4]), "ba7816bf");
    }
}
