//! Secrets at rest.
//!
//! A key file holds the key-encryption key. Each tenant has a data key, kept wrapped by it beside the tenant's
//! database: destroying that file destroys every secret of the tenant. Secrets are sealed by the data key with
//! AES-256-GCM under a random nonce, bound to the tenant and to what they belong to, so that bytes which were moved
//! to another tenant or another row do not open.
//!
//! Sealed bytes are `{format, key id, nonce, ciphertext and tag}`: 1, 4, 12 and n + 16 bytes. Keys are found by their
//! id; none is ever tried for luck.

mod files;
mod key;
mod rekey;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::app::Vault;
use crate::store::control::TenantId;

use files::{create_private, is_missing, read_private, sweep, wrapped};
use key::{Key, bound_to, fresh_key};
pub use rekey::rekey;

/// The file in a data directory that holds the key of keys.
pub const KEY_FILE: &str = "master.key";

/// Keys in files: `key` in the data directory or wherever it is kept, and `tenants/<id>.dek`.
pub struct FileVault {
    tenants: PathBuf,
    keks: Keks,
    open: Mutex<BTreeMap<TenantId, Arc<Key>>>,
}

impl FileVault {
    /// Opens the vault of a data directory. The key file is made with mode 0600 if there is none.
    ///
    /// # Errors
    /// The key file can be read by others than its owner, is no key, or cannot be made.
    pub fn open(data_dir: &Path, key_file: &Path) -> anyhow::Result<Self> {
        if key_file.exists() {
            sweep(&key_file.canonicalize()?)?;
        }
        let kek = match read_private(key_file) {
            Ok(bytes) => bytes,
            Err(e) if is_missing(&e) => {
                if let Some((_, wrapped)) = wrapped(&data_dir.join("tenants"))?.pop() {
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
        let keks = Keks { now: key_of(key_file, &kek)?, next: rekey::begun(key_file)? };
        Ok(Self { tenants: data_dir.join("tenants"), keks, open: Mutex::default() })
    }

    /// The tenant's data key.
    fn key(&self, tenant: TenantId, absent: Absent) -> anyhow::Result<Arc<Key>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = open.get(&tenant) {
            return Ok(key.clone());
        }
        let path = self.tenants.join(format!("{}.dek", tenant.0));
        let wrapped = match (read_private(&path), absent) {
            (Err(e), Absent::Create) if is_missing(&e) => {
                let wrapped = self.keks.now.seal(&bound_to(tenant, "dek"), &fresh_key()?)?;
                create_private(&path, &wrapped)?;
                read_private(&path)?
            }
            (found, _) => found?,
        };
        let key = Arc::new(Key::new(&self.keks.unwrap(tenant, &wrapped)?)?);
        open.insert(tenant, key.clone());
        Ok(key)
    }
}

/// Keys of keys: the one that counts, and the one that is taking its place where [`rekey()`] was broken off.
struct Keks {
    now: Key,
    next: Option<Key>,
}

impl Keks {
    /// A tenant's data key.
    fn unwrap(&self, tenant: TenantId, wrapped: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let of = self.next.as_ref().filter(|it| it.has_sealed(wrapped)).unwrap_or(&self.now);
        let key = of.open(&bound_to(tenant, "dek"), wrapped);
        key.with_context(|| format!("the data key of tenant {} was not made with this key file", tenant.0))
    }
}

fn key_of(file: &Path, bytes: &[u8]) -> anyhow::Result<Key> {
    Key::new(bytes).with_context(|| format!("`{}` holds no key", file.display()))
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
