//! Another key of keys.
//!
//! The next key is stored beside the one that counts, every tenant's data key is wrapped with it, and at last it takes
//! the other's place. At every moment between, each data key is wrapped with one of the two, and says with which.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::files::{create_private, is_missing, read_private, replace_private, sync_dir, wrapped};
use super::key::{Key, bound_to, fresh_key};
use super::{Keks, key_of};

/// Replaces the key of keys of a data directory that no server runs on. Where it is broken off, everything opens as
/// before, and calling it again finishes it. Gives how many tenants' data keys are wrapped with the new key.
///
/// What was copied before opens with the key file of then only.
///
/// # Errors
/// When a file cannot be read or written, or a data key was not made with this key file: then the key stays.
pub fn rekey(data_dir: &Path, key_file: &Path) -> anyhow::Result<usize> {
    stepwise(data_dir, key_file, || Ok(()))
}

/// The key that is taking the place of a key file's, where there is one.
pub(super) fn begun(key_file: &Path) -> anyhow::Result<Option<Key>> {
    let path = next_to(key_file);
    match read_private(&path) {
        Ok(bytes) => key_of(&path, &bytes).map(Some),
        Err(e) if is_missing(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

fn next_to(key_file: &Path) -> PathBuf {
    let mut path = key_file.as_os_str().to_owned();
    path.push(".next");
    path.into()
}

/// As [`rekey`]; `before` everything that changes what is on the disk it may be broken off.
fn stepwise(data_dir: &Path, key_file: &Path, mut before: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<usize> {
    let now = key_of(key_file, &read_private(key_file)?)?;
    let tenants = wrapped(&data_dir.join("tenants"))?;
    let mut keks = Keks { now, next: begun(key_file)? };
    for (tenant, path) in &tenants {
        keks.unwrap(*tenant, &read_private(path)?)?;
    }
    let path = next_to(key_file);
    if keks.next.is_none() {
        before()?;
        create_private(&path, &fresh_key()?)?;
        keks.next = begun(key_file)?;
    }
    let next = keks.next.as_ref().with_context(|| format!("`{}` is gone", path.display()))?;
    for (tenant, path) in &tenants {
        let wrapped = read_private(path)?;
        if !next.sealed(&wrapped) {
            before()?;
            replace_private(path, &next.seal(&bound_to(*tenant, "dek"), &keks.unwrap(*tenant, &wrapped)?)?)?;
        }
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
                sealed.push(vault(dir).seal(TenantId(tenant.into()), "x", &secret_of(tenant)).unwrap());
            }
            let old = std::fs::read(&key_file).unwrap();
            let open_all = |sealed: &[Vec<u8>]| {
                // By a process that begins anew.
                let vault = vault(dir);
                for (sealed, tenant) in sealed.iter().zip(1..) {
                    let opened = vault.open(TenantId(tenant.into()), "x", sealed).unwrap();
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
            assert!(vault(dir).open(TenantId(1), "x", &sealed[0]).is_err());
            assert_eq!(std::fs::read_dir(dir).unwrap().count(), 2);
            if broken_off.is_ok() {
                assert_eq!(steps, 2 + TENANTS, "one for each tenant, one before and one after");
                return;
            }
        }
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
