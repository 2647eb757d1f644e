//! What texts mean, kept: a client sends the same few queries again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Texts that are kept at the most. A client that writes values into its queries would fill any number.
const TEXTS_MAX: usize = 256;
/// The longest text that is kept, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// What texts were read as.
pub(crate) struct Known<T>(Mutex<BTreeMap<Box<str>, Arc<T>>>);

impl<T> Known<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// What a text means, read now if it is not known. `read` must depend on the text alone.
    ///
    /// # Errors
    /// As `read`; what could not be read is read again the next time.
    pub(crate) fn of<E>(&self, text: &str, read: impl FnOnce(&str) -> Result<T, E>) -> Result<Arc<T>, E> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(meaning) = known().get(text) {
            return Ok(meaning.clone());
        }
        let meaning = Arc::new(read(text)?);
        if text.len() <= TEXT_BYTES_MAX {
            let mut known = known();
            if known.len() >= TEXTS_MAX {
                known.clear();
            }
            known.insert(text.into(), meaning.clone());
        }
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_and_no_other_for_it() {
        let (known, reads) = (Known::new(), std::cell::Cell::new(0));
        let read = |text: &str| {
            known.of(text, |text| {
                reads.set(reads.get() + 1);
                text.parse::<u32>()
            })
        };
        assert_eq!((read("1").as_deref(), read("1").as_deref(), read("2").as_deref()), (Ok(&1), Ok(&1), Ok(&2)));
        assert!(read("x").is_err() && read("x").is_err());
        assert_eq!(reads.get(), 4);
        for n in 0..2 * TEXTS_MAX as u32 {
            assert_eq!(read(&n.to_string()).as_deref(), Ok(&n));
        }
    }
}
