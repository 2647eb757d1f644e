//! Secrets at rest.
//!
//! A key file holds the key-encryption key. Each tenant has a data key, kept wrapped by it beside the tenant's
//! database: destroying that file destroys every secret of the tenant. Secrets are sealed by the data key with
//! AES-256-GCM under a random nonce, bound to the tenant and to what they belong to, so that bytes which were moved
//! to another tenant or another row do not open.
//!
//! Sealed bytes are `{format, key id, nonce, ciphertext and tag}`: 1, 4, 12 and n + 16 bytes. Keys are found by their
//! id; none is ever tried for luck.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow, bail, ensure};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use crate::app::Vault;
use crate::store::control::TenantId;

/// How sealed bytes are laid out and bound.
const FORMAT: u8 = 1;
/// The length of every key, in bytes.
const KEY_BYTES: usize = 32;
/// What stands before the ciphertext.
const HEAD_BYTES: usize = 1 + 4 + NONCE_LEN;

/// Keys in files: `key` in the data directory or wherever it is kept, and `tenants/<id>.dek`.
pub struct FileVault {
    tenants: PathBuf,
    kek: Key,
    open: Mutex<BTreeMap<TenantId, Arc<Key>>>,
}

/// A key and the id by which sealed bytes name it.
struct Key {
    id: [u8; 4],
    cipher: RandomizedNonceKey,
}

impl FileVault {
    /// Opens the vault of a data directory. The key file is made with mode 0600 if there is none.
    ///
    /// # Errors
    /// The key file can be read by others than its owner, is no key, or cannot be made.
    pub fn open(data_dir: &Path, key_file: &Path) -> anyhow::Result<Self> {
        let kek = match read_private(key_file) {
            Ok(bytes) => bytes,
            Err(e) if is_missing(&e) => {
                if let Some(wrapped) = any_wrapped(&data_dir.join("tenants"))? {
                    bail!(
                        "`{}` is not there, and secrets are sealed with it (`{}`): put it back, or remove the `.dek` files \
                         to give every connection its credentials anew",
                        key_file.display(),
                        wrapped.display()
                    );
                }
                let fresh = fresh_key()?;
                create_private(key_file, &fresh)?;
                // Somebody else may have been faster: the file decides.
                read_private(key_file)?
            }
            Err(e) => return Err(e),
        };
        let kek = Key::new(&kek).with_context(|| format!("`{}` holds no key", key_file.display()))?;
        Ok(Self { tenants: data_dir.join("tenants"), kek, open: Mutex::default() })
    }

    /// The tenant's data key; made if it has none and `may_create`.
    fn key(&self, tenant: TenantId, absent: Absent) -> anyhow::Result<Arc<Key>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = open.get(&tenant) {
            return Ok(key.clone());
        }
        let path = self.tenants.join(format!("{}.dek", tenant.0));
        let wrapped = match (read_private(&path), absent) {
            (Err(e), Absent::Create) if is_missing(&e) => {
                let wrapped = self.kek.seal(&bound_to(tenant, "dek"), &fresh_key()?)?;
                create_private(&path, &wrapped)?;
                read_private(&path)?
            }
            (found, _) => found?,
        };
        let key = self.kek.open(&bound_to(tenant, "dek"), &wrapped);
        let key =
            key.with_context(|| format!("the data key of tenant {} was not made with this key file", tenant.0))?;
        let key = Arc::new(Key::new(&key)?);
        open.insert(tenant, key.clone());
        Ok(key)
    }
}

/// A tenant's data key, if there is any.
fn any_wrapped(tenants: &Path) -> anyhow::Result<Option<PathBuf>> {
    let files = match std::fs::read_dir(tenants) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", tenants.display())),
    };
    let paths: io::Result<Vec<PathBuf>> = files.map(|it| it.map(|it| it.path())).collect();
    Ok(paths?.into_iter().find(|it| it.extension().is_some_and(|it| it == "dek")))
}

/// What to do about a key that is not there.
#[derive(Clone, Copy)]
enum Absent {
    Create,
    Refuse,
}

impl Vault for FileVault {
    fn seal(&self, tenant: TenantId, bound: &str, secret: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.key(tenant, Absent::Create)?.seal(&bound_to(tenant, bound), secret)
    }

    fn open(&self, tenant: TenantId, bound: &str, sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        self.key(tenant, Absent::Refuse)?.open(&bound_to(tenant, bound), sealed)
    }

    fn forget(&self, tenant: TenantId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }
}

/// What sealed bytes are bound to. The tenant is a number, so no name can run into it.
fn bound_to(tenant: TenantId, bound: &str) -> Vec<u8> {
    format!("truthsource|{FORMAT}|{}|{bound}", tenant.0).into_bytes()
}

impl Key {
    fn new(bytes: &[u8]) -> anyhow::Result<Self> {
        ensure!(bytes.len() == KEY_BYTES, "a key has {KEY_BYTES} bytes, this has {}", bytes.len());
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| anyhow!("the key was refused"))?;
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"truthsource key id");
        hash.update(bytes);
        let mut id = [0; 4];
        id.copy_from_slice(&hash.finish().as_ref()[..4]);
        Ok(Self { id, cipher })
    }

    fn seal(&self, bound: &[u8], secret: &[u8]) -> anyhow::Result<Vec<u8>> {
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

    fn open(&self, bound: &[u8], sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        ensure!(sealed.len() >= HEAD_BYTES + AES_256_GCM.tag_len(), "the sealed bytes are cut off");
        let (head, text) = sealed.split_at(HEAD_BYTES);
        ensure!(head[0] == FORMAT, "the sealed bytes are of format {}, this program knows {FORMAT}", head[0]);
        ensure!(head[1..5] == self.id, "the bytes were sealed with another key");
        let nonce = Nonce::try_assume_unique_for_key(&head[5..]).map_err(|_| anyhow!("the nonce is cut off"))?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = self.cipher.open_in_place(nonce, Aad::from(self.associated(bound)), &mut text);
        let length = opened.map_err(|_| anyhow!("the sealed bytes were changed, or belong elsewhere"))?.len();
        text.truncate(length);
        Ok(text)
    }

    fn associated(&self, bound: &[u8]) -> Vec<u8> {
        [&self.id[..], bound].concat()
    }
}

fn fresh_key() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    rand::fill(&mut key).map_err(|_| anyhow!("the system gives no random bytes"))?;
    Ok(key)
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::NotFound)
}

/// A file that nobody but its owner may read.
fn read_private(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = file.metadata()?.mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "`{}` has mode {mode:03o}: others may read it; `chmod 600` it, and change the secrets",
                path.display()
            );
        }
    }
    // A key is read into its place at once: a buffer that grows would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    file.take(256).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Makes the file with mode 0600, whole or not at all, unless there is one.
fn create_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let make = || -> io::Result<()> {
        let dir = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir)?;
        let draft = path.with_extension(format!("{}.new", std::process::id()));
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Unlike a rename, a link does not replace a key that somebody else made meanwhile.
        let linked = std::fs::hard_link(&draft, path);
        std::fs::remove_file(&draft)?;
        match linked {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        File::open(dir)?.sync_all()
    };
    make().with_context(|| format!("cannot make `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: TenantId = TenantId(1);
    const OTHER: TenantId = TenantId(2);

    fn vault(dir: &Path) -> FileVault {
        FileVault::open(dir, &dir.join("key")).unwrap()
    }

    #[test]
    fn a_secret_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        for secret in [&b"token"[..], b"", &[0; 10_000]] {
            let sealed = vault(dir.path()).seal(ACME, "connection/3/auth", secret).unwrap();
            // By another process, with what is on disk.
            assert_eq!(vault(dir.path()).open(ACME, "connection/3/auth", &sealed).unwrap().as_slice(), secret);
            assert!(secret.is_empty() || !sealed.windows(secret.len()).any(|it| it == secret));
        }
    }

    #[test]
    fn t9_sealed_bytes_open_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(dir.path());
        let sealed = vault.seal(ACME, "connection/3/auth", b"token").unwrap();
        vault.seal(OTHER, "connection/3/auth", b"token").unwrap();
        assert!(vault.open(OTHER, "connection/3/auth", &sealed).is_err());
        assert!(vault.open(ACME, "connection/4/auth", &sealed).is_err());
        assert!(vault.open(ACME, "connection/3/webhook", &sealed).is_err());
        assert!(vault.open(TenantId(3), "connection/3/auth", &sealed).is_err());
    }

    #[test]
    fn changed_bytes_do_not_open() {
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(dir.path());
        let sealed = vault.seal(ACME, "connection/3/auth", b"token").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(vault.open(ACME, "connection/3/auth", &flipped).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(vault.open(ACME, "connection/3/auth", &sealed[..length]).is_err(), "length {length}");
        }
        assert!(vault.open(ACME, "connection/3/auth", &[&sealed[..], &[0]].concat()).is_err());
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(dir.path());
        let seal = || vault.seal(ACME, "connection/3/auth", b"token").unwrap();
        assert_ne!(seal(), seal());
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_private_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        vault(dir.path()).seal(ACME, "x", b"token").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (kek, dek) = (dir.path().join("key"), dir.path().join("tenants/1.dek"));
        assert_eq!((mode(&kek), mode(&dek)), (0o600, 0o600));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        std::fs::set_permissions(&kek, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = FileVault::open(dir.path(), &kek).err().unwrap().to_string();
        assert!(refused.contains("mode 640") && refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn another_key_file_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = vault(dir.path()).seal(ACME, "x", b"token").unwrap();
        // It is made where nothing was sealed yet: beside what was sealed a missing key is a lost one.
        let lost = FileVault::open(dir.path(), &dir.path().join("other-key")).err().unwrap().to_string();
        assert!(lost.contains("put it back"), "{lost}");
        let elsewhere = tempfile::tempdir().unwrap();
        FileVault::open(elsewhere.path(), &dir.path().join("other-key")).unwrap();
        let stranger = FileVault::open(dir.path(), &dir.path().join("other-key")).unwrap();
        assert!(stranger.open(ACME, "x", &sealed).is_err());
        assert!(stranger.seal(ACME, "x", b"token").is_err());
        std::fs::write(dir.path().join("other-key"), b"short").unwrap();
        assert!(FileVault::open(dir.path(), &dir.path().join("other-key")).is_err());
    }
}
