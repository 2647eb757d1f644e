//! The store in SQLite files: `control.db` and one file per tenant in a data directory.
//!
//! A file has one writer, which groups what waits into one transaction and one sync to disk, and a few connections
//! that only read. Files are opened with a write-ahead log and `synchronous=FULL`: what a commit acknowledged survives
//! a power cut. SQL stands only here. Attaching other files cannot be limited through sqlx; no statement here attaches
//! one, and every statement is a constant.

mod batch;
#[cfg(test)]
mod bench;
mod bulk;
mod commitments;
mod connections;
mod control;
mod damaged;
mod debts;
mod decode;
mod entries;
mod file;
mod history;
mod inbox;
mod ledger;
mod links;
mod memo;
mod open;
mod plans;
mod price_rules;
mod records;
mod slots;
mod tenant;
#[cfg(test)]
mod tests;
mod touched;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

pub use open::{OpenError, back_up};
pub use tenant::SqliteTenant;

use super::control::{ApiKey, ControlStore, Remembered, Tenant, TenantId};
use super::*;
use file::{File, Migrations};

const CONTROL: Migrations = &[include_str!("migrations/control-1.sql")];
const TENANT: Migrations = &[
    include_str!("migrations/tenant-1.sql"),
    include_str!("migrations/tenant-2.sql"),
    include_str!("migrations/tenant-3.sql"),
];

/// Everything in one data directory.
pub struct SqliteStores {
    dir: PathBuf,
    /// `None` once closed.
    lock: Mutex<Option<Arc<std::fs::File>>>,
    control: File,
    tenants: Mutex<BTreeMap<TenantId, Arc<SqliteTenant>>>,
}

/// Opens a data directory for this process alone, and makes it if there is none. Every tenant's file is opened and
/// brought to this program's version, so that one which cannot be used is told of now.
///
/// # Errors
/// See [`OpenError`]; nothing is changed then, but that files of older versions may be of the newest already.
pub async fn open(data_dir: &Path) -> Result<SqliteStores, OpenError> {
    let lock = open::lock(data_dir).await?;
    let path = data_dir.join("control.db");
    let control = File::open(&path, CONTROL, lock.clone()).await?;
    let stores =
        SqliteStores { dir: data_dir.to_owned(), lock: Mutex::new(Some(lock)), control, tenants: Mutex::default() };
    match stores.open_tenants(&path).await {
        Ok(()) => Ok(stores),
        Err(e) => {
            // The writers hold the lock: the next attempt must not find it taken by this one.
            stores.close().await;
            Err(e)
        }
    }
}

impl SqliteStores {
    async fn open_tenants(&self, control: &Path) -> Result<(), OpenError> {
        let failed = |e: Error| OpenError::Damaged { file: control.to_owned(), source: e.into() };
        self.control.writer().call(|db| Box::pin(control::forget_in_flight(db))).await.map_err(failed)?;
        // Of tenants that were ended just before the last process was.
        let ended = self.ended().await.map_err(failed)?.into_keys().collect();
        let not_erased =
            |e: std::io::Error| OpenError::NotWritable { path: self.dir.join("tenants"), source: e.into() };
        self.erase_files(ended).await.map_err(not_erased)?;
        let made = control::with_files(self.control.reads()).await.map_err(failed)?;
        for tenant in self.tenants().await.map_err(failed)? {
            let path = self.path_of(tenant.id);
            // Made anew it would be an empty one, as if nothing had been lost.
            if made.contains(&tenant.id) && std::fs::metadata(&path).map_or(true, |it| it.len() == 0) {
                return Err(OpenError::Lost { file: path, tenant: tenant.name });
            }
            self.open_file(tenant.id).await?;
        }
        Ok(())
    }

    async fn erase_files(&self, of: BTreeSet<TenantId>) -> std::io::Result<()> {
        let dir = self.dir.join("tenants");
        tokio::task::spawn_blocking(move || open::erase(&dir, &of)).await?
    }

    async fn note_entries(&self, tenant: TenantId, entries: u64) -> Result<()> {
        let note = self.control.writer();
        note.call(move |db| Box::pin(async move { control::note_entries(db, tenant, entries).await })).await
    }

    /// Ends what is under way and closes every file; the data directory is free then. Later calls are refused.
    pub async fn close(&self) {
        if let Err(error) = self.note_progress().await {
            tracing::warn!(%error, "how far tenants have come was not written down");
        }
        for tenant in std::mem::take(&mut *self.tenants.lock().await).into_values() {
            tenant.file().close().await;
        }
        self.control.close().await;
        self.lock.lock().await.take();
    }

    /// The open store of a tenant, as what it is.
    ///
    /// # Errors
    /// [`Error::Conflict`] if there is no such tenant.
    pub async fn tenant_store(&self, tenant: TenantId) -> Result<Arc<SqliteTenant>> {
        if let Some(open) = self.tenants.lock().await.get(&tenant) {
            return Ok(open.clone());
        }
        if !self.tenants().await?.iter().any(|it| it.id == tenant) {
            return Err(Error::Conflict(format!("there is no tenant {}", tenant.0)));
        }
        self.open_file(tenant).await.map_err(|e| Error::Unavailable(e.into()))
    }

    fn path_of(&self, tenant: TenantId) -> PathBuf {
        self.dir.join("tenants").join(format!("{}.db", tenant.0))
    }

    async fn open_file(&self, tenant: TenantId) -> Result<Arc<SqliteTenant>, OpenError> {
        // Held while the file is opened: a file has one writer.
        let mut tenants = self.tenants.lock().await;
        if let Some(open) = tenants.get(&tenant) {
            return Ok(open.clone());
        }
        let path = self.path_of(tenant);
        let lock = self.lock.lock().await.clone().ok_or_else(|| OpenError::Closed { dir: self.dir.clone() })?;
        let opened = Arc::new(SqliteTenant::new(File::open(&path, TENANT, lock).await?));
        if let Err(e) = self.know(tenant, &opened, path).await {
            // Its writer holds the lock: see `open`.
            opened.file().close().await;
            return Err(e);
        }
        tenants.insert(tenant, opened.clone());
        Ok(opened)
    }

    /// Notes that the tenant's file was made, and refuses one that has less in it than was noted.
    async fn know(&self, tenant: TenantId, opened: &SqliteTenant, path: PathBuf) -> Result<(), OpenError> {
        let control = |e: Error| OpenError::NotWritable { path: self.dir.join("control.db"), source: e.into() };
        let noted = self.control.writer().call(move |db| Box::pin(async move { control::has_file(db, tenant).await }));
        noted.await.map_err(control)?;
        let known = control::entries(self.control.reads(), tenant).await.map_err(control)?;
        match opened.entries().await {
            Ok(found) if found < known => Err(OpenError::Older { file: path, found, known }),
            Ok(_) => Ok(()),
            Err(e) => Err(OpenError::Damaged { file: path, source: e.into() }),
        }
    }
}

/// Work for the control file's writer: its arguments move in, since it may outlive the caller.
macro_rules! write_control {
    ($self:ident, $db:ident => $work:expr) => {
        $self.control.writer().call(move |$db| Box::pin(async move { $work.await }))
    };
}

#[async_trait]
impl ControlStore for SqliteStores {
    async fn add_tenant(&self, name: &str, at: UnixMs) -> Result<Tenant> {
        let name = name.to_owned();
        write_control!(self, db => control::add_tenant(db, &name, at)).await
    }

    async fn tenants(&self) -> Result<Vec<Tenant>> {
        control::tenants(self.control.reads()).await
    }

    async fn tenant(&self, name: &str) -> Result<Option<Tenant>> {
        Ok(self.tenants().await?.into_iter().find(|it| it.name == name))
    }

    async fn end_tenant(&self, tenant: TenantId, at: UnixMs) -> Result<bool> {
        write_control!(self, db => control::end_tenant(db, tenant, at)).await
    }

    async fn ended(&self) -> Result<BTreeMap<TenantId, UnixMs>> {
        control::ended(self.control.reads()).await
    }

    async fn erase(&self, tenant: TenantId) -> Result<()> {
        if !self.ended().await?.contains_key(&tenant) {
            return Err(Error::Conflict(format!("tenant {} was not ended", tenant.0)));
        }
        // Held until nothing is there any more: nobody opens it meanwhile.
        let mut tenants = self.tenants.lock().await;
        if let Some(open) = tenants.remove(&tenant) {
            open.file().close().await;
        }
        self.erase_files(BTreeSet::from([tenant])).await.map_err(|e| Error::Unavailable(e.into()))
    }

    async fn add_key(&self, key: ApiKey) -> Result<()> {
        write_control!(self, db => control::add_key(db, &key)).await
    }

    async fn key(&self, id: &str) -> Result<Option<ApiKey>> {
        control::key(self.control.reads(), id).await
    }

    async fn keys(&self, tenant: Option<TenantId>) -> Result<Vec<ApiKey>> {
        control::keys(self.control.reads(), tenant).await
    }

    async fn revoke_key(&self, tenant: Option<TenantId>, id: &str, at: UnixMs) -> Result<bool> {
        let id = id.to_owned();
        write_control!(self, db => control::revoke_key(db, tenant, &id, at)).await
    }

    async fn keys_used(&self, used: &BTreeMap<String, UnixMs>) -> Result<()> {
        let used = decode::to_json(used)?;
        write_control!(self, db => control::keys_used(db, used)).await
    }

    async fn remember(&self, scope: &str, key: &str, request_sha256: [u8; 32], now: UnixMs) -> Result<Remembered> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        write_control!(self, db => control::remember(db, &scope, &key, request_sha256, now)).await
    }

    async fn answered(&self, scope: &str, key: &str, answer: Option<(u16, Vec<u8>)>) -> Result<()> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        write_control!(self, db => control::answered(db, &scope, &key, answer)).await
    }

    async fn note_progress(&self) -> Result<()> {
        let open: Vec<_> = self.tenants.lock().await.iter().map(|(id, it)| (*id, it.clone())).collect();
        for (tenant, store) in open {
            self.note_entries(tenant, store.entries().await?).await?;
        }
        Ok(())
    }

    async fn open(&self, tenant: TenantId) -> Result<Arc<dyn TenantStore>> {
        Ok(self.tenant_store(tenant).await?)
    }
}
