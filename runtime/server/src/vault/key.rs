//! Keys, and bytes sealed with them.

use anyhow::{anyhow, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use crate::store::control::TenantId;

/// How sealed bytes are laid out and bound.
const FORMAT: u8 = 1;
/// The length of every key, in bytes.
const KEY_BYTES: usize = 32;
/// What stands before the ciphertext.
const HEAD_BYTES: usize = 1 + 4 + NONCE_LEN;

/// A key and the id by which sealed bytes name it.
pub(super) struct Key {
    id: [u8; 4],
    cipher: RandomizedNonceKey,
}

impl Key {
    pub fn new(bytes: &[u8]) -> anyhow::Result<Self> {
        ensure!(bytes.len() == KEY_BYTES, "a key has {KEY_BYTES} bytes, this has {}", bytes.len());
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| anyhow!("the key was refused"))?;
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"truthsource key id");
        hash.update(bytes);
        let mut id = [0; 4];
        id.copy_from_slice(&hash.finish().as_ref()[..4]);
        Ok(Self { id, cipher })
    }

    pub fn seal(&self, bound: &[u8], secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        // With room for the tag, so that the secret is not left behind where the buffer was before it grew.
        let mut text = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        text.extend_from_slice(secret);
        let nonce = self.cipher.seal_in_place_append_tag(Aad::from(self.associated(bound)), &mut text);
        let nonce = nonce.map_err(|_| anyhow!("the secret could not be sealed"))?;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + text.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut text);
        Ok(sealed)
    }

    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        ensure!(sealed.len() >= HEAD_BYTES + AES_256_GCM.tag_len(), "the sealed bytes are cut off");
        let (head, text) = sealed.split_at(HEAD_BYTES);
        ensure!(head[0] == FORMAT, "the sealed bytes are of format {}, this program knows {FORMAT}", head[0]);
        ensure!(self.has_sealed(head), "the bytes were sealed with another key");
        let nonce = Nonce::try_assume_unique_for_key(&head[5..]).map_err(|_| anyhow!("the nonce is cut off"))?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self.cipher.open_in_place(nonce, Aad::from(self.associated(bound)), &mut text);
        let length = opened.map_err(|_| anyhow!("the sealed bytes were changed, or belong elsewhere"))?.len();
        text.truncate(length);
        Ok(text)
    }

    /// They go by one id.
    pub fn is_named_like(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// The bytes say that they were sealed with this key.
    pub fn has_sealed(&self, bytes: &[u8]) -> bool {
        bytes.get(1..5) == Some(&self.id)
    }

    fn associated(&self, bound: &[u8]) -> Vec<u8> {
        [&self.id[..], bound].concat()
    }
}

pub(super) fn fresh_key() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    rand::fill(&mut key).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(key)
}

/// What sealed bytes are bound to. The tenant is a number, so no name can run into it.
pub(super) fn bound_to(tenant: TenantId, bound: &str) -> Vec<u8> {
    format!("truthsource|{FORMAT}|{}|{bound}", tenant.0).into_bytes()
}
