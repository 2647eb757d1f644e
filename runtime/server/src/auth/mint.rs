//! Making keys: for the operator at first start, and for whoever may.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use truthsource_core::UnixMs;

use super::token::NoRandomness;
use super::{Scope, Token};
use crate::store::control::{ApiKey, ControlStore, TenantId};

/// The file in the data directory that holds the first operator's key, readable by its owner alone.
pub const OPERATOR_KEY_FILE: &str = "operator.key";

/// What a key is to be.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose; `None`: an operator's.
    pub tenant: Option<TenantId>,
    /// What it is for, for people.
    pub label: String,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// When it ends, if it does.
    pub expires_at: Option<UnixMs>,
}

/// A new key and the row that stands for it. Nothing is stored yet.
///
/// # Errors
/// When the machine gives no randomness.
pub fn mint(order: Order, now: UnixMs) -> Result<(Token, ApiKey), NoRandomness> {
    let token = Token::generate()?;
    let key = ApiKey {
        id: token.id().to_owned(),
        tenant: order.tenant,
        label: order.label,
        secret_sha256: token.secret_sha256(),
        scopes: order.scopes,
        created_at: now,
        expires_at: order.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    Ok((token, key))
}

/// Makes the first operator's key, if there is none, and writes it to the data directory. The file comes first: a
/// crash in between leaves a file with a key that does not work, and the next start replaces it.
///
/// # Errors
/// When the file or the key cannot be written.
pub async fn first_operator_key(
    control: &dyn ControlStore,
    data_dir: &Path,
    now: UnixMs,
) -> anyhow::Result<Option<PathBuf>> {
    if !control.keys(None).await?.is_empty() {
        return Ok(None);
    }
    let order =
        Order { tenant: None, label: "first operator".to_owned(), scopes: Scope::all_names(), expires_at: None };
    let (token, key) = mint(order, now)?;
    let path = data_dir.join(OPERATOR_KEY_FILE);
    write_private(&path, token.reveal().as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    control.add_key(key).await?;
    Ok(Some(path))
}

/// Replaces a file that only its owner may read: written beside it, synced, and moved into place.
///
/// # Errors
/// As the file system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let beside = path.with_extension("new");
    // A left-over of a crash may have other permissions.
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_private_even_over_a_public_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(OPERATOR_KEY_FILE);
        std::fs::write(&path, "old").unwrap();
        std::fs::write(path.with_extension("new"), "left over").unwrap();
        write_private(&path, b"secret").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"secret");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!path.with_extension("new").exists());
    }
}
