//! Compiled components on disk, sealed, so that only what this host compiled is ever run as native code.

mod seal;
mod trusted;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

pub use seal::SealKey;

use crate::digest::Digest;
use crate::world::World;

/// What a compiled file was made from and for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) component: Digest,
    /// Of the engine: its version, target and every setting that changes code.
    pub(crate) engine: Digest,
    pub(crate) world: World,
}

/// What a look into the cache finds.
pub(crate) enum Found {
    /// The component, ready.
    Ready(Component),
    /// Nothing, or something of another engine.
    Nothing,
    /// A file whose seal does not hold. It was removed.
    Broken,
}

/// A directory of compiled components that nobody but this host writes.
pub(crate) struct Cache {
    dir: PathBuf,
    key: SealKey,
}

impl Cache {
    /// Opens `dir`, and makes it if need be, for its owner alone.
    pub(crate) fn open(dir: &Path, key: SealKey) -> std::io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        Ok(Self { dir: dir.to_owned(), key })
    }

    /// A name inside the directory for a file that is not finished.
    pub(crate) fn draft(&self, entry: &Entry) -> PathBuf {
        use std::sync::atomic::{AtomicU64, Ordering};
        static DRAFTS: AtomicU64 = AtomicU64::new(0);
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("{}.{}-{number}.draft", entry.component, std::process::id()))
    }

    /// Seals the finished `draft` and moves it in place. A file is never written over: a running component may have
    /// the old one mapped.
    pub(crate) fn store(&self, entry: &Entry, draft: &Path) -> std::io::Result<()> {
        let code = std::fs::read(draft)?;
        let seal = self.key.seal(entry, Digest::of(&code));
        let seal_draft = draft.with_extension("seal-draft");
        let mut file = std::fs::File::create(&seal_draft)?;
        file.write_all(&seal)?;
        file.sync_all()?;
        let (code_path, seal_path) = self.paths(entry);
        // Code first: a crash in between leaves code with an old seal or none, and that is simply compiled again.
        std::fs::rename(draft, code_path)?;
        std::fs::rename(seal_draft, seal_path)
    }

    /// Loads a component if its seal holds.
    pub(crate) fn load(&self, entry: &Entry, engine: &Engine) -> wasmtime::Result<Found> {
        let (code_path, seal_path) = self.paths(entry);
        let (Ok(code), Ok(seal)) = (std::fs::read(&code_path), std::fs::read(&seal_path)) else {
            return Ok(Found::Nothing);
        };
        let Some(sealed) = self.key.verify(entry, Digest::of(&code), &seal) else {
            tracing::warn!(component.digest = %entry.component, "a compiled component's seal is broken");
            let _ = std::fs::remove_file(&code_path);
            let _ = std::fs::remove_file(&seal_path);
            return Ok(Found::Broken);
        };
        trusted::load(engine, &code, &sealed).map(Found::Ready)
    }

    /// Removes everything but what was made of these components. What runs has its code mapped and goes on.
    pub(crate) fn retain(&self, components: &BTreeSet<String>) -> std::io::Result<()> {
        for file in std::fs::read_dir(&self.dir)? {
            let file = file?;
            let name = file.file_name();
            let component = name.to_str().and_then(|it| it.split(['-', '.']).next()).unwrap_or_default();
            if !components.contains(component) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }

    fn paths(&self, entry: &Entry) -> (PathBuf, PathBuf) {
        let engine: String = entry.engine.to_string().chars().take(16).collect();
        let name = format!("{}-{engine}", entry.component);
        (self.dir.join(format!("{name}.cwasm")), self.dir.join(format!("{name}.seal")))
    }
}
