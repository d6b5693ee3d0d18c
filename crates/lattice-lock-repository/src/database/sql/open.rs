use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lattice_lock_errors::{Error, Result};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use tokio::runtime::Handle;
use tokio::sync::Mutex as AsyncMutex;

use super::gate::Permit;
use super::order::{Answer, Order, Watch};
use super::pool::Pool;
use super::shield::Shielded;
use crate::codes::{COMMIT_UNKNOWN, DATABASE_UNREACHABLE, TRANSACTION_CONTENDED};
use crate::database::error::{OrDatabaseError, database_error, is_refusal};
use crate::scope::failed;

/// A transaction that its engine knows of, rolled back unless it is committed.
#[derive(Clone)]
pub(crate) struct OpenTransaction {
    held: Arc<AsyncMutex<Option<Held>>>,
    progress: Arc<Mutex<Progress>>,
    backend: DbBackend,
    watch: Watch,
}

/// How far a transaction came.
#[derive(Default)]
struct Progress {
    /// How many savepoints the engine has.
    savepoints: u32,
    /// The savepoint of a part that was abandoned: gone back to before anything else happens.
    undo_to: Option<u32>,
    failure: Option<Failure>,
    /// Whether statements go on after one failed.
    tolerant: bool,
}

#[derive(Clone)]
struct Failure {
    raw: DbErr,
    error: Error,
}

impl Failure {
    /// Whether going back to a savepoint does not help: some engines have rolled everything back already.
    fn is_final(&self) -> bool {
        [TRANSACTION_CONTENDED, DATABASE_UNREACHABLE].contains(&self.error.code())
    }
}

impl Progress {
    fn failure(&self) -> Option<&Failure> {
        let failure = self.failure.as_ref()?;
        let undone = self.undo_to.is_some() && !failure.is_final();
        (!undone && !self.tolerant).then_some(failure)
    }

    fn note(&mut self, answer: &std::result::Result<Answer, DbErr>, savepoints: Option<u32>) {
        match answer {
            Ok(_) => self.savepoints = savepoints.unwrap_or(self.savepoints),
            Err(raw) => self.fail(raw),
        }
    }

    fn fail(&mut self, raw: &DbErr) {
        self.failure.get_or_insert_with(|| Failure {
            raw: raw.clone(),
            error: database_error(raw),
        });
    }
}

/// The connection. Dropped, it is rolled back in the background, and only then free for others.
struct Held {
    transaction: Option<DatabaseTransaction>,
    permit: Option<Permit>,
    runtime: Option<Handle>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (Some(transaction), Some(runtime)) = (self.transaction.take(), &self.runtime) else {
            return;
        };
        let permit = self.permit.take();
        runtime.spawn(async move {
            roll_back(transaction).await;
            drop(permit);
        });
    }
}

impl OpenTransaction {
    pub(crate) fn new(
        transaction: DatabaseTransaction,
        permit: Permit,
        pool: &Pool,
        tolerant: bool,
    ) -> Self {
        let held = Held {
            transaction: Some(transaction),
            permit: Some(permit),
            runtime: Handle::try_current().ok(),
        };
        let progress = Progress {
            tolerant,
            ..Progress::default()
        };
        Self {
            held: Arc::new(AsyncMutex::new(Some(held))),
            progress: Arc::new(Mutex::new(progress)),
            backend: pool.backend(),
            watch: pool.watch(),
        }
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.backend
    }

    pub(crate) fn require_sound(&self) -> Result<()> {
        match lock(&self.progress).failure() {
            None => Ok(()),
            Some(failure) => Err(refusal(failure)),
        }
    }

    /// Runs a statement.
    pub(crate) async fn run(&self, order: Order) -> std::result::Result<Answer, DbErr> {
        self.run_and_count(order, None).await
    }

    /// Runs a statement after which the engine has so many savepoints. The connection is taken first, so that
    /// statements follow each other as they were asked for, also when their futures are dropped.
    pub(super) async fn run_and_count(
        &self,
        order: Order,
        savepoints: Option<u32>,
    ) -> std::result::Result<Answer, DbErr> {
        let held = Arc::clone(&self.held).lock_owned().await;
        let (progress, watch) = (Arc::clone(&self.progress), self.watch);
        let statement = async move {
            let transaction = on(held.as_ref())?;
            settle(transaction, &progress).await?;
            if let Some(failure) = lock(&progress).failure() {
                return Err(failure.raw.clone());
            }
            let answer = order.run(transaction, watch).await;
            lock(&progress).note(&answer, savepoints);
            answer
        };
        Shielded::new(statement).await
    }

    pub(super) fn savepoints(&self) -> u32 {
        lock(&self.progress).savepoints
    }

    /// Has the part since this savepoint undone before anything else happens.
    pub(super) fn abandon(&self, savepoint: u32) {
        let mut progress = lock(&self.progress);
        let outermost = progress.undo_to.unwrap_or(savepoint).min(savepoint);
        progress.undo_to = Some(outermost);
    }

    /// Undoes what was abandoned, now. If that fails, the transaction cannot be committed.
    pub(super) async fn settle(&self) {
        let held = Arc::clone(&self.held).lock_owned().await;
        let progress = Arc::clone(&self.progress);
        let undone = async move {
            match on(held.as_ref()) {
                Ok(transaction) => settle(transaction, &progress).await.is_ok(),
                Err(_) => false,
            }
        };
        Shielded::new(undone).await;
    }

    /// Commits. A transaction that failed is rolled back instead, and its failure returned.
    pub(crate) async fn commit(&self) -> Result<()> {
        let mut held = Arc::clone(&self.held).lock_owned().await;
        let progress = Arc::clone(&self.progress);
        let commit = async move {
            // Kept until the end, and with it the permit.
            let mut held = held.take();
            let transaction = held.as_mut().and_then(|held| held.transaction.take());
            let transaction = transaction.ok_or_else(ended).or_database_error()?;
            // What could not be undone is a failure too.
            let _ = settle(&transaction, &progress).await;
            let failure = lock(&progress).failure().map(refusal);
            if let Some(failure) = failure {
                roll_back(transaction).await;
                return Err(failure);
            }
            transaction
                .commit()
                .await
                .map_err(|error| uncommitted(&error))
        };
        Shielded::new(commit).await
    }

    pub(crate) async fn roll_back(&self) {
        let mut held = Arc::clone(&self.held).lock_owned().await;
        let end = async move {
            let mut held = held.take();
            if let Some(transaction) = held.as_mut().and_then(|held| held.transaction.take()) {
                roll_back(transaction).await;
            }
        };
        Shielded::new(end).await;
    }
}

/// What an error of COMMIT means: the engine's refusal is final, a lost connection says nothing.
fn uncommitted(error: &DbErr) -> Error {
    let known = database_error(error);
    if is_refusal(error) && known.code() != DATABASE_UNREACHABLE {
        return known;
    }
    Error::new(COMMIT_UNKNOWN, "connection lost while committing").with_source(known)
}

async fn settle(
    transaction: &DatabaseTransaction,
    progress: &Mutex<Progress>,
) -> std::result::Result<(), DbErr> {
    let Some(savepoint) = begin_settling(progress) else {
        return Ok(());
    };
    for sql in [
        format!("ROLLBACK TO SAVEPOINT lattice_{savepoint}"),
        format!("RELEASE SAVEPOINT lattice_{savepoint}"),
    ] {
        if let Err(raw) = transaction.execute_unprepared(&sql).await {
            lock(progress).fail(&raw);
            return Err(raw);
        }
    }
    lock(progress).savepoints = savepoint - 1;
    Ok(())
}

/// The savepoint to go back to, if there is one and it helps. What failed after it is forgotten with it.
fn begin_settling(progress: &Mutex<Progress>) -> Option<u32> {
    let mut progress = lock(progress);
    let savepoint = progress.undo_to.take()?;
    if progress.failure.as_ref().is_some_and(Failure::is_final) {
        return None;
    }
    progress.failure = None;
    (progress.savepoints >= savepoint).then_some(savepoint)
}

/// MySQL leaves a transaction open after a lock timeout: without a rollback a later COMMIT would keep half of it.
async fn roll_back(transaction: DatabaseTransaction) {
    if let Err(error) = transaction.rollback().await {
        // The server ends what it cannot be told to end.
        let error = database_error(&error);
        tracing::warn!(
            code = error.code().as_str(),
            "rolling back a transaction failed"
        );
    }
}

/// What the caller has to know of an earlier failure: contention means to run again, the rest is its own mistake.
fn refusal(failure: &Failure) -> Error {
    if failure.is_final() {
        return failure.error.clone();
    }
    failed(&failure.error)
}

fn on(held: Option<&Held>) -> std::result::Result<&DatabaseTransaction, DbErr> {
    held.and_then(|held| held.transaction.as_ref())
        .ok_or_else(ended)
}

fn ended() -> DbErr {
    DbErr::Custom("the transaction ended before".into())
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}
