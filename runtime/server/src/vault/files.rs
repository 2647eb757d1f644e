//! Files that nobody but their owner may read.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::store::control::TenantId;

/// The wrapped data keys of all tenants.
pub(super) fn wrapped(tenants: &Path) -> anyhow::Result<Vec<(TenantId, PathBuf)>> {
    let files = match std::fs::read_dir(tenants) {
        Ok(files) => files,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e).with_context(|| format!("cannot read `{}`", tenants.display())),
    };
    let paths: Vec<PathBuf> = files.map(|it| it.map(|it| it.path())).collect::<io::Result<_>>()?;
    let wrapped = paths.into_iter().filter_map(|path| {
        let id = path.file_name()?.to_str()?.strip_suffix(".dek")?.parse().ok()?;
        Some((TenantId(id), path))
    });
    Ok(wrapped.collect())
}

pub(super) fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::NotFound)
}

/// A file that nobody but its owner may read.
pub(super) fn read_private(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
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
pub(super) fn create_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    // Unlike a rename, a link does not replace a key that somebody else made meanwhile.
    let link = |draft: &Path| {
        let linked = std::fs::hard_link(draft, path);
        std::fs::remove_file(draft)?;
        linked.or_else(|e| if e.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(e) })
    };
    drafted(path, bytes, link).with_context(|| format!("cannot make `{}`", path.display()))
}

/// The file holds these bytes afterwards, or what it held before.
pub(super) fn replace_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let rename = |draft: &Path| std::fs::rename(draft, path);
    drafted(path, bytes, rename).with_context(|| format!("cannot replace `{}`", path.display()))
}

/// Writes a draft with mode 0600, puts it in its place, and has both on the disk.
fn drafted(path: &Path, bytes: &[u8], place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    std::fs::create_dir_all(dir_of(path))?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}{DRAFT}", std::process::id()));
    let draft = PathBuf::from(draft);
    let write = || {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    if let Err(e) = write().and_then(|()| place(&draft)) {
        let _ = std::fs::remove_file(&draft);
        return Err(e);
    }
    sync_dir(path)
}

/// Removes the drafts of this file that processes left behind which died over them: keys that nobody looks after.
pub(super) fn sweep(path: &Path) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_draft = |it: &str| it.strip_prefix(&*name).is_some_and(|it| it.starts_with('.') && it.ends_with(DRAFT));
    let remove = || -> io::Result<()> {
        for file in std::fs::read_dir(dir_of(path))? {
            let file = file?;
            if is_draft(&file.file_name().to_string_lossy()) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    };
    remove().with_context(|| format!("cannot clear up beside `{}`", path.display()))
}

/// How the names of drafts end.
const DRAFT: &str = ".new";

/// What was done to the names beside this file is on the disk.
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(dir_of(path))?.sync_all()
}

fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
