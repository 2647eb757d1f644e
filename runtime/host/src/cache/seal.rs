//! The seal on a compiled file.

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;

use super::Entry;
use crate::digest::Digest;

/// The key that seals compiled code. Whoever holds it can make this host run anything.
#[derive(Clone)]
pub struct SealKey(Arc<SecretBox<[u8; 64]>>);

/// Proof that code carries this host's seal: made only by [`SealKey::verify`].
pub(super) struct Sealed {
    pub(super) code: Digest,
}

impl SealKey {
    /// Takes over a key of 32 random bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // HMAC fills a short key up with zeros to its block of 64 bytes; done here, so that using it cannot fail.
        let mut block = Box::new([0; 64]);
        block[..32].copy_from_slice(&key);
        Self(Arc::new(SecretBox::new(block)))
    }

    pub(super) fn seal(&self, entry: &Entry, code: Digest) -> Vec<u8> {
        self.mac(entry, code).finalize().into_bytes().to_vec()
    }

    pub(super) fn verify(&self, entry: &Entry, code: Digest, seal: &[u8]) -> Option<Sealed> {
        // `verify_slice` compares in constant time.
        self.mac(entry, code).verify_slice(seal).ok().map(|()| Sealed { code })
    }

    fn mac(&self, entry: &Entry, code: Digest) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(self.0.expose_secret().into());
        mac.update(b"truthsource compiled component 1\0");
        mac.update(&entry.component.0);
        mac.update(&entry.engine.0);
        mac.update(&code.0);
        // Last, because it is the only part whose length varies.
        mac.update(entry.world.as_str().as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn a_seal_holds_for_its_own_file_only() {
        let digest = |text: &str| Digest::of(text.as_bytes());
        let entry = Entry { component: digest("a"), engine: digest("e"), world: World::PricingRule };
        let key = SealKey::new([7; 32]);
        let seal = key.seal(&entry, digest("code"));
        let check = |key: &SealKey, entry: Entry, code: &str, seal: &[u8], expect: bool| {
            assert_eq!(key.verify(&entry, digest(code), seal).is_some(), expect);
        };
        check(&key, entry, "code", &seal, true);
        check(&key, entry, "other code", &seal, false);
        check(&key, Entry { component: digest("b"), ..entry }, "code", &seal, false);
        check(&key, Entry { engine: digest("f"), ..entry }, "code", &seal, false);
        check(&key, Entry { world: World::Connector, ..entry }, "code", &seal, false);
        check(&SealKey::new([8; 32]), entry, "code", &seal, false);
        check(&key, entry, "code", &seal[..31], false);
    }
}
