//! The one writer of a file. It takes everything that waits, writes it in one transaction and syncs once.
//!
//! Callers hand their work over through a channel and wait for an answer. A caller that goes away changes nothing: the
//! writer owns the transaction from `begin` to `commit`. Each piece of work that shares one has a savepoint of its own,
//! so that one which is refused leaves no trace and takes nobody with it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::decode::{code, is_fatal, unavailable};
use super::memo::{Revision, concerns};
use super::{batch, file, inbox};
use crate::store::{Batch, Committed, Error, Result};

/// Work that waits to be written; more makes callers wait.
const WAITING_MAX: usize = 1_024;
/// Work that shares one sync.
const GROUP_MAX: usize = 512;
/// Changes that share one sync: beyond, latency would suffer more than throughput gains.
const GROUP_CHANGES_MAX: usize = 20_000;

/// A handle on the writer of one file.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Job {
    Batch { batch: Batch, tell: oneshot::Sender<Result<Committed>> },
    Step(Box<dyn Step>),
    Close,
}

/// A piece of work that is no batch.
#[async_trait]
trait Step: Send {
    async fn write(&mut self, db: &mut SqliteConnection) -> Result<()>;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

impl Writer {
    /// Starts the writer. It keeps `lock` until the file is closed, and has `setup` rise.
    pub fn start(
        db: SqliteConnection,
        options: SqliteConnectOptions,
        setup: Arc<Revision>,
        lock: Arc<std::fs::File>,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(serve(Desk { db: Some(db), options, setup, _lock: lock }, waiting));
        Self { jobs, task: Mutex::new(Some(task)) }
    }

    /// Writes the batch; durable when it returns.
    pub async fn commit(&self, batch: Batch) -> Result<Committed> {
        let (tell, told) = oneshot::channel();
        self.send(Job::Batch { batch, tell }).await?;
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    /// Runs `work` in the writer's transaction; durable when it returns.
    pub async fn call<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        self.send(Job::Step(Box::new(Call { work: Some(work), given: None, tell }))).await?;
        told.await.unwrap_or_else(|_| Err(lost()))
    }

    async fn send(&self, job: Job) -> Result<()> {
        self.jobs.send(job).await.map_err(|_| Error::Unavailable(anyhow::anyhow!("the store is closed")))
    }

    /// Ends after everything that was handed over is written.
    pub async fn close(&self) {
        let _ = self.jobs.send(Job::Close).await;
        if let Some(task) = self.task.lock().await.take() {
            let _ = task.await;
        }
    }
}

fn lost() -> Error {
    Error::Unknown(anyhow::anyhow!("the writer ended before it answered"))
}

struct Call<F, T> {
    work: Option<F>,
    given: Option<T>,
    tell: oneshot::Sender<Result<T>>,
}

#[async_trait]
impl<F, T> Step for Call<F, T>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T>> + Send,
{
    async fn write(&mut self, db: &mut SqliteConnection) -> Result<()> {
        if let Some(work) = self.work.take() {
            self.given = Some(work(db).await?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { given, tell, .. } = *self;
        let _ = tell.send(outcome.and_then(|()| given.ok_or_else(lost)));
    }
}

/// What the writer works with.
struct Desk {
    /// `None` after it broke: opened again for the next group.
    db: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    setup: Arc<Revision>,
    _lock: Arc<std::fs::File>,
}

async fn serve(mut desk: Desk, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.recv().await {
        let mut group = Group::default();
        let mut is_open = group.add(first);
        while is_open && !group.is_full() {
            let Ok(next) = waiting.try_recv() else { break };
            is_open = group.add(next);
        }
        group.settle(&mut desk).await;
        if !is_open {
            break;
        }
    }
    waiting.close();
    if let Some(db) = desk.db.take() {
        // Copies the write-ahead log into the file; without it the next start does.
        let _ = db.close().await;
    }
}

/// What is written together.
#[derive(Default)]
struct Group {
    batches: Vec<Written>,
    steps: Vec<(Box<dyn Step>, Result<()>)>,
    changes: usize,
}

/// A batch, and what became of it.
struct Written {
    batch: Batch,
    outcome: Result<Committed>,
    tell: oneshot::Sender<Result<Committed>>,
}

/// Why a whole group failed.
enum Broken {
    /// Nothing of it is stored.
    RolledBack(Error),
    /// The commit was sent and failed in a way that leaves its outcome open.
    InDoubt(Error),
}

impl Group {
    /// False when no more may be added: the store closes.
    fn add(&mut self, job: Job) -> bool {
        match job {
            Job::Batch { batch, tell } => {
                self.changes += batch.changes.len();
                self.batches.push(Written { batch, outcome: Ok(Committed::default()), tell });
            }
            Job::Step(step) => self.steps.push((step, Ok(()))),
            Job::Close => return false,
        }
        true
    }

    fn is_full(&self) -> bool {
        self.batches.len() + self.steps.len() >= GROUP_MAX || self.changes >= GROUP_CHANGES_MAX
    }

    /// Writes the group and answers everyone.
    async fn settle(mut self, desk: &mut Desk) {
        if self.batches.is_empty() && self.steps.is_empty() {
            return;
        }
        let is_setup = self.batches.iter().flat_map(|it| &it.batch.changes).any(concerns);
        let broken = match desk.connection().await {
            Ok(db) => self.write(db).await.err(),
            Err(error) => Some(Broken::RolledBack(error)),
        };
        if broken.is_some() {
            desk.recover().await;
        }
        if is_setup {
            desk.setup.rise();
        }
        self.answer(broken.as_ref());
    }

    async fn write(&mut self, db: &mut SqliteConnection) -> Result<(), Broken> {
        plain(db, "begin immediate").await.map_err(|e| Broken::RolledBack(unavailable(e)))?;
        self.write_all(db).await.map_err(Broken::RolledBack)?;
        if self.is_alone() && self.is_refused() {
            return plain(db, "rollback").await.map_err(|e| Broken::RolledBack(unavailable(e)));
        }
        plain(db, "commit").await.map_err(|e| match code(&e) {
            // Busy, out of memory or out of room: the commit record was not written.
            Some(5 | 7 | 13) => Broken::RolledBack(unavailable(e)),
            _ => Broken::InDoubt(unavailable(e)),
        })
    }

    /// An error is one after which the transaction is of no use.
    async fn write_all(&mut self, db: &mut SqliteConnection) -> Result<()> {
        self.write_intake(db).await?;
        // What stands alone needs no savepoint: the transaction is one.
        let shared = !self.is_alone();
        for it in self.batches.iter_mut().filter(|it| !inbox::is_intake(&it.batch)) {
            let batch = std::mem::take(&mut it.batch);
            begin_work(db, shared).await?;
            it.outcome = batch::write(db, batch).await;
            end_work(db, shared, it.outcome.as_ref().err()).await?;
        }
        for (step, outcome) in &mut self.steps {
            begin_work(db, shared).await?;
            *outcome = step.write(db).await;
            end_work(db, shared, outcome.as_ref().err()).await?;
        }
        Ok(())
    }

    fn is_alone(&self) -> bool {
        self.batches.len() + self.steps.len() == 1
    }

    fn is_refused(&self) -> bool {
        self.batches.iter().any(|it| it.outcome.is_err()) || self.steps.iter().any(|(_, it)| it.is_err())
    }

    /// Batches of nothing but webhooks are written in one statement, whoever they are from.
    async fn write_intake(&mut self, db: &mut SqliteConnection) -> Result<()> {
        let intake: Vec<&mut Written> = self.batches.iter_mut().filter(|it| inbox::is_intake(&it.batch)).collect();
        let fresh = inbox::take(db, intake.iter().map(|it| &it.batch)).await?;
        for (it, fresh) in intake.into_iter().zip(fresh) {
            it.outcome = Ok(Committed { fresh, connections: Vec::new() });
        }
        Ok(())
    }

    fn answer(self, broken: Option<&Broken>) {
        for it in self.batches {
            let _ = it.tell.send(broken.map_or(it.outcome, |why| Err(why.error())));
        }
        for (step, outcome) in self.steps {
            step.answer(broken.map_or(outcome, |why| Err(why.error())));
        }
    }
}

impl Broken {
    fn error(&self) -> Error {
        match self {
            Self::RolledBack(why) => Error::Unavailable(anyhow::anyhow!("{}", chain(why))),
            Self::InDoubt(why) => Error::Unknown(anyhow::anyhow!("{}", chain(why))),
        }
    }
}

/// An error with its causes, for the copies that everyone in a group gets.
fn chain(error: &Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

async fn plain(db: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::query(sql).execute(db).await.map(|_| ())
}

/// Begins a piece of work that shares its transaction with others.
async fn begin_work(db: &mut SqliteConnection, shared: bool) -> Result<()> {
    if shared { plain(db, "savepoint work").await.map_err(unavailable) } else { Ok(()) }
}

/// Keeps what the piece of work wrote, or takes it back if it was refused; one that stands alone is taken back with
/// its transaction.
async fn end_work(db: &mut SqliteConnection, shared: bool, refused: Option<&Error>) -> Result<()> {
    if let Some(why) = refused.filter(|it| is_fatal(it)) {
        return Err(Error::Unavailable(anyhow::anyhow!("{}", chain(why))));
    }
    if !shared {
        return Ok(());
    }
    if refused.is_some() {
        plain(db, "rollback to work").await.map_err(unavailable)?;
    }
    plain(db, "release work").await.map_err(unavailable)
}

impl Desk {
    async fn connection(&mut self) -> Result<&mut SqliteConnection> {
        if self.db.is_none() {
            let path: PathBuf = self.options.get_filename().to_owned();
            let db = file::connect(&self.options.clone().create_if_missing(false), &path).await;
            self.db = Some(db.map_err(|e| Error::Unavailable(e.into()))?);
        }
        self.db.as_mut().ok_or_else(|| Error::Unavailable(anyhow::anyhow!("no connection")))
    }

    /// Leaves no transaction open; gives the connection up when that fails.
    async fn recover(&mut self) {
        if let Some(db) = &mut self.db {
            let _ = plain(db, "rollback").await;
            if plain(db, "begin immediate").await.is_err() || plain(db, "rollback").await.is_err() {
                self.db = None;
            }
        }
    }
}
