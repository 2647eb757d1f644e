//! One database file: how it is opened, its one writer and its readers.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::memo::Revision;
use super::open::{OpenError, sync_dir};
use super::writer::Writer;
use crate::store::Result;

/// Connections that read one file at a time.
const READERS_MAX: u32 = 4;
/// Pages in the write-ahead log after which it is copied into the file: 16 MiB.
const CHECKPOINT_PAGES: &str = "4096";
/// What the write-ahead log shrinks to after that.
const LOG_BYTES_MAX: &str = "67108864";

/// An open database file.
pub(super) struct File {
    writer: Writer,
    reads: SqlitePool,
    setup: Arc<Revision>,
}

/// What makes a file's tables: script *n* takes a file from version *n* to *n* + 1 and says so in `user_version`.
pub(super) type Migrations = &'static [&'static str];

impl File {
    /// Opens the file, makes it if there is none, and brings it to the newest version.
    pub async fn open(path: &Path, migrations: Migrations, lock: Arc<std::fs::File>) -> Result<Self, OpenError> {
        let options = options(path)?;
        let mut db = connect(&options, path).await?;
        migrate(&mut db, path, migrations).await?;
        sync_dir(path)?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .min_connections(0)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
        let setup = Arc::new(Revision::default());
        Ok(Self { writer: Writer::start(db, options, setup.clone(), lock), reads, setup })
    }

    /// The one way to write.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Connections for reads: each read is one statement, so it sees one moment and may be dropped at any time.
    pub fn reads(&self) -> &SqlitePool {
        &self.reads
    }

    /// Which writing of connections, slots and settings is the last.
    pub fn setup(&self) -> &Revision {
        &self.setup
    }

    /// Ends what is under way, then closes the file. Later calls are refused. The writer goes last: whoever leaves last
    /// copies the write-ahead log into the file, and a reader cannot.
    pub async fn close(&self) {
        self.reads.close().await;
        self.writer.close().await;
    }
}

fn options(path: &Path) -> Result<SqliteConnectOptions, OpenError> {
    let options = SqliteConnectOptions::from_str("sqlite:").map_err(|e| OpenError::database(path, e))?;
    Ok(options
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(400)
        .pragma("trusted_schema", "OFF")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-8192")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("journal_size_limit", LOG_BYTES_MAX)
        .disable_statement_logging())
}

/// A connection to the file.
pub(super) async fn connect(options: &SqliteConnectOptions, path: &Path) -> Result<SqliteConnection, OpenError> {
    options.connect().await.map_err(|e| OpenError::database(path, e))
}

async fn migrate(db: &mut SqliteConnection, path: &Path, migrations: Migrations) -> Result<(), OpenError> {
    let failed = |e| OpenError::database(path, e);
    let found: i64 = sqlx::query_scalar("pragma user_version").fetch_one(&mut *db).await.map_err(failed)?;
    let known = migrations.len();
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > known {
        return Err(OpenError::Newer { file: PathBuf::from(path), found, known: known as i64 });
    }
    for &script in migrations.iter().skip(done) {
        sqlx::query("begin immediate").execute(&mut *db).await.map_err(failed)?;
        sqlx::raw_sql(script).execute(&mut *db).await.map_err(failed)?;
        sqlx::query("commit").execute(&mut *db).await.map_err(failed)?;
    }
    Ok(())
}
