//! Pages: where a listing goes on is a sealed text, good for the same listing of the same tenant only.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::problem::ApiError;

/// The most items of one page.
pub const LIMIT_MAX: u32 = 500;
/// The items of a page that asks for no number.
pub const LIMIT_DEFAULT: u32 = 50;
/// Bytes of the seal.
const SEAL_LEN: usize = 16;

/// Seals positions with a key that lives as long as the process: a restart ends listings, which then start again.
pub struct Cursors(hmac::Key);

/// A page of a listing.
#[derive(Debug, Serialize, Deserialize)]
pub struct List<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Give this as `cursor` to go on; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> List<T> {
    /// A listing that is one page.
    pub fn whole(items: impl IntoIterator<Item = T>) -> Self {
        Self { items: items.into_iter().collect(), next: None }
    }
}

/// The number of items a request asks for.
///
/// # Errors
/// Outside 1 to [`LIMIT_MAX`].
pub(super) fn limit(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked.unwrap_or(LIMIT_DEFAULT) {
        it @ 1..=LIMIT_MAX => Ok(it),
        _ => Err(ApiError::bad("invalid-query", format!("`limit` is 1 to {LIMIT_MAX}"))),
    }
}

impl Cursors {
    /// With a fresh key.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new() -> anyhow::Result<Self> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).map_err(|_| anyhow::anyhow!("the machine gave no randomness"))?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The cursor of a position in the listing that `bound` names.
    pub(super) fn seal(&self, bound: &str, position: &impl Serialize) -> Result<String, ApiError> {
        let mut bytes = serde_json::to_vec(position).map_err(|it| ApiError::Internal(it.into()))?;
        bytes.splice(0..0, self.mac(bound, &bytes));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The position of a cursor that was sealed for the same listing; `None` when none was given.
    pub(super) fn open<T: DeserializeOwned>(&self, bound: &str, cursor: Option<&str>) -> Result<Option<T>, ApiError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let invalid = || ApiError::bad("invalid-cursor", "this cursor is not of this listing: start again without one");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let (seal, position) = bytes.split_at_checked(SEAL_LEN).ok_or_else(invalid)?;
        if !bool::from(subtle::ConstantTimeEq::ct_eq(seal, &self.mac(bound, position)[..])) {
            return Err(invalid());
        }
        serde_json::from_slice(position).map(Some).map_err(|_| invalid())
    }

    fn mac(&self, bound: &str, position: &[u8]) -> [u8; SEAL_LEN] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&(bound.len() as u64).to_le_bytes());
        context.update(bound.as_bytes());
        context.update(position);
        let mut out = [0; SEAL_LEN];
        out.copy_from_slice(&context.sign().as_ref()[..SEAL_LEN]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i8_a_cursor_is_good_for_its_own_listing_only() {
        let cursors = Cursors::new().unwrap();
        let cursor = cursors.seal("1 records item", &"bolt-8").unwrap();
        let open = |bound: &str, cursor: &str| cursors.open::<String>(bound, Some(cursor)).ok().flatten();
        assert_eq!(open("1 records item", &cursor).as_deref(), Some("bolt-8"));
        assert_eq!(open("2 records item", &cursor), None);
        assert_eq!(open("1 records order", &cursor), None);
        for at in 0..cursor.len() {
            let mut wrong = cursor.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'E' } else { b'A' };
            assert_eq!(open("1 records item", std::str::from_utf8(&wrong).unwrap()), None, "letter {at}");
        }
        for wrong in ["", "x", "AAAA", "é"] {
            assert_eq!(open("1 records item", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn i8_a_page_has_bounds() {
        assert!(limit(Some(0)).is_err() && limit(Some(LIMIT_MAX + 1)).is_err());
        assert_eq!((limit(None).ok(), limit(Some(LIMIT_MAX)).ok()), (Some(LIMIT_DEFAULT), Some(LIMIT_MAX)));
    }
}
