//! Components' bytes: files named by their sha256.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use truthsource_host::Digest;

/// A directory of files named by what they hold. A file is complete under its name or not there at all.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
    /// Held for reading while somebody uploads a component, until it is known who has it; for writing while those that
    /// nobody has are removed.
    pub(super) keeping: Arc<tokio::sync::RwLock<()>>,
}

impl Blobs {
    /// Opens the directory, making it if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), keeping: Arc::default() })
    }

    /// Keeps `bytes`, durably, and gives their name.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, bytes: &[u8]) -> std::io::Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.path(&digest.to_string());
        if !path.exists() {
            let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|it| it.error)?;
            std::fs::File::open(&self.dir)?.sync_all()?;
        }
        Ok(digest)
    }

    /// The bytes of this name; an error when they are not there or are not what their name says.
    ///
    /// # Errors
    /// When they are missing, unreadable or damaged.
    pub fn get(&self, digest: &str) -> std::io::Result<Vec<u8>> {
        let bytes = std::fs::read(self.path(digest))?;
        if Digest::of(&bytes).to_string() == digest {
            return Ok(bytes);
        }
        Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the component's file is damaged"))
    }

    /// Removes all but these.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn retain(&self, names: &BTreeSet<String>) -> std::io::Result<()> {
        for file in std::fs::read_dir(&self.dir)? {
            let path = file?.path();
            let name = path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
            if path.extension().is_some_and(|it| it == "wasm") && !names.contains(name) {
                std::fs::remove_file(path)?;
            }
        }
        std::fs::File::open(&self.dir)?.sync_all()
    }

    fn path(&self, digest: &str) -> PathBuf {
        // A digest is hex: nothing in it can leave the directory.
        let name: String = digest.chars().filter(char::is_ascii_hexdigit).collect();
        self.dir.join(format!("{name}.wasm"))
    }
}
