//! Opening a data directory: one process at a time, no newer than this program, writable.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::decode;
use crate::store::control::TenantId;

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds its lock.
    #[error("the data directory `{}` is in use by another process; stop it, or name another directory", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// This process closed it.
    #[error("the data directory `{}` was closed", dir.display())]
    Closed {
        /// The directory.
        dir: PathBuf,
    },
    /// A file was written by a later release.
    #[error(
        "`{}` was made by a newer version of truthsource: its schema is version {found}, this program knows up to \
         {known}; use the newer program",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The directory or a file in it cannot be made or written.
    #[error("`{}` is not writable", path.display())]
    NotWritable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: anyhow::Error,
    },
    /// A tenant's file is not there any more, or empty.
    #[error("`{}` is lost: it holds everything of tenant `{tenant}`; put back its newest copy", file.display())]
    Lost {
        /// Which.
        file: PathBuf,
        /// Whose.
        tenant: String,
    },
    /// A tenant's file is an older copy. What was written to systems since would be taken for what people did there, and
    /// counted a second time.
    #[error(
        "`{}` is an older copy: of {known} entries that were logged in it {found} are there; put back its newest copy, or \
         make the tenant anew",
        file.display()
    )]
    Older {
        /// Which.
        file: PathBuf,
        /// Entries that were logged in it.
        found: u64,
        /// Entries that were logged in what was there before.
        known: u64,
    },
    /// A file is no database, or is damaged.
    #[error("`{}` cannot be read as a database", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What SQLite said.
        #[source]
        source: anyhow::Error,
    },
}

impl OpenError {
    /// A database error, by who has to act: permissions, a read-only or full disk, or a file that is no database.
    pub(super) fn database(file: &Path, error: sqlx::Error) -> Self {
        let is_out_of_reach =
            matches!(decode::code(&error), Some(3 | 8 | 10 | 13 | 14)) || matches!(error, sqlx::Error::Io(_));
        let (file, source) = (file.to_owned(), error.into());
        if is_out_of_reach { Self::NotWritable { path: file, source } } else { Self::Damaged { file, source } }
    }

    fn not_writable(path: &Path, error: io::Error) -> Self {
        Self::NotWritable { path: path.to_owned(), source: error.into() }
    }
}

/// Makes the directory if there is none and takes its lock. The lock ends with the handle, or with the process.
pub(super) async fn lock(dir: &Path) -> Result<Arc<std::fs::File>, OpenError> {
    make_private(&dir.join("tenants")).map_err(|e| OpenError::not_writable(dir, e))?;
    let path = dir.join("lock");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|e| OpenError::not_writable(&path, e))?;
    let mut tries = 1;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Arc::new(file)),
            Err(TryLockError::WouldBlock) if tries == LOCK_TRIES => {
                return Err(OpenError::InUse { dir: dir.to_owned() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(e)) => return Err(OpenError::not_writable(&path, e)),
        }
        tries += 1;
    }
}

/// A process that is being started holds what its parent held, until it runs its own program: a lock that was just let go
/// may be held for that moment more.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Makes the directory's list of files durable: a file that nothing names after a power cut is a lost one.
pub(super) fn sync_dir(file: &Path) -> Result<(), OpenError> {
    let Some(dir) = file.parent() else { return Ok(()) };
    std::fs::File::open(dir).and_then(|it| it.sync_all()).map_err(|e| OpenError::not_writable(dir, e))
}

/// Directories that nobody else can look into: they hold customers' data.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Removes every file of these tenants: their databases and what SQLite keeps beside them, copies from before rebuilds, and
/// the keys that their secrets are sealed with. Durable when it returns.
pub(super) fn erase(dir: &Path, tenants: &BTreeSet<TenantId>) -> io::Result<()> {
    let mut is_changed = false;
    for file in std::fs::read_dir(dir)? {
        let file = file?;
        if owner_of(&file.file_name()).is_some_and(|it| tenants.contains(&it)) {
            std::fs::remove_file(file.path())?;
            is_changed = true;
        }
    }
    if is_changed { std::fs::File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Whose file this is: its name begins with the tenant's number and a dot.
fn owner_of(name: &OsStr) -> Option<TenantId> {
    let (number, _) = name.to_str()?.split_once('.')?;
    number.parse().ok().map(TenantId)
}

/// Copies a tenant's file, beside it, in a data directory that nobody has open. Gives the copy. Durable when it returns.
///
/// # Errors
/// [`OpenError::InUse`] while somebody has it; [`OpenError::NotWritable`] where there is no room.
pub async fn back_up(dir: &Path, tenant: u64, stamp: &str) -> Result<PathBuf, OpenError> {
    let _lock = lock(dir).await?;
    let file = dir.join("tenants").join(format!("{tenant}.db"));
    let copy = dir.join("tenants").join(format!("{tenant}.db.before-rebuild-{stamp}"));
    let copied = std::fs::copy(&file, &copy).and_then(|_| std::fs::File::open(&copy)?.sync_all());
    copied.map_err(|e| OpenError::not_writable(&copy, e))?;
    sync_dir(&copy)?;
    Ok(copy)
}
