//! Another key of keys.
//!
//! The next key is stored beside the one that counts, every tenant's data key is wrapped with it, and at last it takes
//! the other's place. At every moment between, each data key is wrapped with one of the two, and says with which.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::files::{create_private, is_missing, read_private, replace_private, sweep, sync_dir, wrapped};
use super::key::{Key, bound_to, fresh_key};
use super::{Keks, key_of};

/// Replaces the key of keys of a data directory that no server runs on. Where it is broken off, everything opens as
/// before, and calling it again finishes it. Gives how many tenants' data keys are wrapped with the new key.
///
/// What was copied before opens with the key file of then only. The tenants' data keys stay, and with them what they sealed:
/// whoever has both the old key file and a copy of the data keys can go on opening secrets.
///
/// # Errors
/// When a file cannot be read or written, or a data key was not made with this key file: then the key stays.
pub fn rekey(data_dir: &Path, key_file: &Path) -> anyhow::Result<usize> {
    stepwise(data_dir, key_file, || Ok(()))
}

/// The key that is taking the place of a key file's, where there is one.
pub(super) fn begun(key_file: &Path) -> anyhow::Result<Option<Key>> {
    // Beside the file itself, where a link leads to it.
    let path = next_to(&key_file.canonicalize().unwrap_or_else(|_| key_file.to_owned()));
    match read_private(&path) {
        Ok(bytes) => key_of(&path, &bytes).map(Some),
        Err(e) if is_missing(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// A key whose id is another: by it the two are told apart.
fn other_than(now: &Key) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    loop {
        let fresh = fresh_key()?;
        if !now.is_named_like(&Key::new(&fresh)?) {
            return Ok(fresh);
        }
    }
}

fn next_to(key_file: &Path) -> PathBuf {
    let mut path = key_file.as_os_str().to_owned();
    path.push(".next");
    path.into()
}

/// As [`rekey`]; `before` everything that changes what is on the disk it may be broken off.
fn stepwise(data_dir: &Path, key_file: &Path, mut before: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<usize> {
    // Where it is a link, what it leads to is replaced, and not the link.
    let key_file = &key_file.canonicalize().with_context(|| format!("cannot find `{}`", key_file.display()))?;
    sweep(key_file)?;
    let now = key_of(key_file, &read_private(key_file)?)?;
    let tenants = wrapped(&data_dir.join("tenants"))?;
    let mut keks = Keks { now, next: begun(key_file)? };
    for (tenant, path) in &tenants {
        keks.unwrap(*tenant, &read_private(path)?)?;
    }
    let path = next_to(key_file);
    if keks.next.is_none() {
        before()?;
        create_private(&path, &other_than(&keks.now)?)?;
        keks.next = begun(key_file)?;
    }
    let next = keks.next.as_ref().with_context(|| format!("`{}` is gone", path.display()))?;
    for (tenant, path) in &tenants {
        let wrapped = read_private(path)?;
        if !next.has_sealed(&wrapped) {
            before()?;
            replace_private(path, &next.seal(&bound_to(*tenant, "dek"), &keks.unwrap(*tenant, &wrapped)?)?)?;
        }
    }
    // The old key goes once it is seen that nobody needs it.
    for (tenant, path) in &tenants {
        next.open(&bound_to(*tenant, "dek"), &read_private(path)?)?;
    }
    before()?;
    let place = || {
        std::fs::rename(&path, key_file)?;
        sync_dir(key_file)
    };
    place().with_context(|| format!("cannot replace `{}`", key_file.display()))?;
    Ok(tenants.len())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::app::Vault as _;
    use crate::store::control::TenantId;
    use crate::vault::FileVault;

    const TENANTS: u32 = 3;

    fn vault(dir: &Path) -> FileVault {
        FileVault::open(dir, &dir.join("key")).unwrap()
    }

    fn secret_of(tenant: u32) -> Vec<u8> {
        format!("token {tenant}").into_bytes()
    }

    #[test]
    fn c10_wherever_a_replacement_of_the_key_is_broken_off_every_secret_opens() {
        for steps in 0_u32.. {
            let dir = tempfile::tempdir().unwrap();
            let (dir, key_file) = (dir.path(), dir.path().join("key"));
            let mut sealed: Vec<Vec<u8>> = Vec::new();
            for tenant in 1..=TENANTS {
                sealed.push(vault(dir).seal(TenantId(tenant), "x", &secret_of(tenant)).unwrap());
            }
            let old = std::fs::read(&key_file).unwrap();
            let open_all = |sealed: &[Vec<u8>]| {
                // By a process that begins anew.
                let vault = vault(dir);
                for (sealed, tenant) in sealed.iter().zip(1..) {
                    let opened = vault.open(TenantId(tenant), "x", sealed).unwrap();
                    assert_eq!(*opened, secret_of(tenant), "after {steps} steps");
                }
            };
            let mut left = steps;
            let broken_off = stepwise(dir, &key_file, || {
                left = left.checked_sub(1).ok_or_else(|| anyhow!("the machine went down"))?;
                Ok(())
            });
            open_all(&sealed);
            if broken_off.is_err() {
                // A server runs in between, and a tenant comes that had no secrets.
                sealed.push(vault(dir).seal(TenantId(4), "x", &secret_of(4)).unwrap());
                assert_eq!(rekey(dir, &key_file).unwrap(), 4);
                open_all(&sealed);
            }
            // The old key opens nothing, and nothing is left of what was on the way.
            std::fs::write(&key_file, old).unwrap();
            for (sealed, tenant) in sealed.iter().zip(1..) {
                assert!(vault(dir).open(TenantId(tenant), "x", sealed).is_err());
            }
            let files = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
            assert_eq!((files(dir), files(&dir.join("tenants"))), (2, sealed.len()));
            if broken_off.is_ok() {
                assert_eq!(steps, 2 + TENANTS, "one for each tenant, one before and one after");
                return;
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_may_be_kept_elsewhere_and_no_draft_of_it_stays() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (dir, real) = (dir.path(), elsewhere.path().join("secret"));
        let sealed = vault(elsewhere.path()).seal(TenantId(1), "x", b"token").unwrap();
        std::fs::rename(elsewhere.path().join("key"), &real).unwrap();
        std::fs::rename(elsewhere.path().join("tenants"), dir.join("tenants")).unwrap();
        std::os::unix::fs::symlink(&real, dir.join("key")).unwrap();
        let before = std::fs::read(&real).unwrap();
        std::fs::write(elsewhere.path().join("secret.77.new"), b"a key of somebody who died").unwrap();
        assert_eq!(rekey(dir, &dir.join("key")).unwrap(), 1);
        assert_ne!(std::fs::read(&real).unwrap(), before);
        assert!(dir.join("key").is_symlink());
        assert_eq!(*vault(dir).open(TenantId(1), "x", &sealed).unwrap(), b"token");
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "drafts are gone");
    }

    #[test]
    fn a_key_that_did_not_make_everything_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, key_file) = (dir.path(), dir.path().join("key"));
        vault(dir).seal(TenantId(1), "x", b"token").unwrap();
        let stranger = tempfile::tempdir().unwrap();
        vault(stranger.path()).seal(TenantId(2), "x", b"token").unwrap();
        std::fs::copy(stranger.path().join("tenants/2.dek"), dir.join("tenants/2.dek")).unwrap();
        let before = std::fs::read(&key_file).unwrap();
        let refused = rekey(dir, &key_file).unwrap_err().to_string();
        assert!(refused.contains("tenant 2"), "{refused}");
        assert_eq!(std::fs::read(&key_file).unwrap(), before);
        assert!(!next_to(&key_file).exists());
    }
}
