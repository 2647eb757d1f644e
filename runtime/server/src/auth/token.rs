//! The text of an API key.

use zeroize::Zeroizing;

const PREFIX: &str = "ts_live_";
const ID_LEN: usize = 10;
/// 43 letters of 62 hold 256 bits.
const SECRET_LEN: usize = 43;
const CHECKSUM_LEN: usize = 8;
const ID_LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A key as its owner holds it. Has no `Debug`, so that no log can show it.
pub struct Token {
    id: String,
    secret: Zeroizing<String>,
}

/// The machine gave no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the machine gave no randomness")]
pub struct NoRandomness;

impl Token {
    /// A new key.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn generate() -> Result<Self, NoRandomness> {
        Ok(Self { id: draw(ID_LETTERS, ID_LEN)?, secret: Zeroizing::new(draw(SECRET_LETTERS, SECRET_LEN)?) })
    }

    /// Reads a key; `None` if it is not one, by length, letters or checksum. Typing errors end here, before any
    /// look-up.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        if rest.len() != ID_LEN + SECRET_LEN + CHECKSUM_LEN + 2 || !rest.is_ascii() {
            return None;
        }
        let (id, rest) = rest.split_at(ID_LEN);
        let (secret, checksum) = rest.strip_prefix('_')?.split_at(SECRET_LEN);
        let checksum = checksum.strip_prefix('_')?;
        let spelled =
            id.bytes().all(|it| ID_LETTERS.contains(&it)) && secret.bytes().all(|it| SECRET_LETTERS.contains(&it));
        let token = Self { id: id.to_owned(), secret: Zeroizing::new(secret.to_owned()) };
        (spelled && token.checksum() == checksum).then_some(token)
    }

    /// The part that names the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The SHA-256 of the secret part: what is stored.
    #[must_use]
    pub fn secret_sha256(&self) -> [u8; 32] {
        super::digest::sha256(&[self.secret.as_bytes()])
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}_{}_{}", self.id, *self.secret, self.checksum()))
    }

    fn checksum(&self) -> String {
        let crc = crc32([PREFIX.as_bytes(), self.id.as_bytes(), b"_", self.secret.as_bytes()]);
        format!("{crc:08x}")
    }
}

/// `len` letters drawn evenly: bytes past the last whole multiple of the alphabet are thrown away.
fn draw(letters: &[u8], len: usize) -> Result<String, NoRandomness> {
    let whole = 256 - 256 % letters.len();
    let mut out = String::with_capacity(len);
    let mut bytes = Zeroizing::new([0u8; 64]);
    while out.len() < len {
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| NoRandomness)?;
        let drawn = bytes.iter().map(|it| usize::from(*it)).filter(|it| *it < whole);
        out.extend(drawn.take(len - out.len()).map(|it| char::from(letters[it % letters.len()])));
    }
    Ok(out)
}

/// CRC-32 as in zip and PNG: catches typing errors, proves nothing.
fn crc32<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.into_iter().flatten() {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = 0u32.wrapping_sub(crc & 1);
            crc = (crc >> 1) ^ (0xEDB8_8320 & carry);
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_its_hash_agrees() {
        let token = Token::generate().unwrap();
        let text = token.reveal();
        assert_eq!(text.len(), 8 + 10 + 1 + 43 + 1 + 8);
        let read = Token::parse(&text).unwrap();
        assert_eq!((read.id(), read.secret_sha256()), (token.id(), token.secret_sha256()));
    }

    #[test]
    fn every_single_typing_error_is_caught() {
        let text = Token::generate().unwrap().reveal();
        for at in 0..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            assert!(Token::parse(std::str::from_utf8(&wrong).unwrap()).is_none(), "letter {at}");
        }
        for wrong in ["", "ts_live_", "ts_live_é", &text[1..], &text[..text.len() - 1], &format!("{}x", *text)] {
            assert!(Token::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn two_keys_differ() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        assert_ne!(one.id(), other.id());
        assert_ne!(one.secret_sha256(), other.secret_sha256());
    }

    #[test]
    fn the_checksum_is_the_common_one() {
        assert_eq!(crc32([b"1234".as_slice(), b"56789"]), 0xCBF4_3926);
    }
}
