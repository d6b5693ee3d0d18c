use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::{RetryPolicy, retry};

use super::{Database, Source};
use crate::codes::TRANSACTION_CONTENDED;
#[cfg(feature = "__sql")]
use crate::database::sql::OpenTransaction;
use crate::scope::{MemorySession, MemoryTransaction, Place};
use crate::{Scope, Work};

/// How far transactions are kept apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// As if they ran one after another.
    #[default]
    Serializable,
    /// Each statement sees what is committed when it begins. Enough where every change is conditional. `SQLite` and
    /// memory have one writer at a time and know no weaker level than [`Serializable`](Self::Serializable).
    ReadCommitted,
    /// All statements see what was committed when the first one began. Reading locks nothing: where a transaction only
    /// reads, it neither keeps writers waiting nor has to run again. `SQLite` and memory do so at any level.
    Snapshot,
}

/// How a transaction runs. Setters by value, each with its default.
///
/// ```
/// use lattice_lock_repository::{Isolation, TransactionOptions};
///
/// let report = TransactionOptions::default().isolation(Isolation::ReadCommitted).read_only();
/// # let _ = report;
/// ```
#[derive(Clone, Debug)]
pub struct TransactionOptions {
    pub(crate) isolation: Isolation,
    pub(crate) read_only: bool,
    pub(crate) retry: RetryPolicy,
    #[cfg(feature = "__sql")]
    pub(crate) tolerant: bool,
}

impl Default for TransactionOptions {
    fn default() -> Self {
        Self {
            isolation: Isolation::default(),
            read_only: false,
            retry: RetryPolicy::new()
                .max_attempts(10)
                .base_delay(Duration::from_millis(10))
                .max_delay(Duration::from_secs(1)),
            #[cfg(feature = "__sql")]
            tolerant: false,
        }
    }
}

impl TransactionOptions {
    /// How far it is kept apart from others; [`Serializable`](Isolation::Serializable) by default.
    #[must_use]
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Refuses writes; on `SQLite` it then runs beside the writer. May write by default.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// When to run again after contention, and only then; by default 10 attempts in all, after waits with full
    /// jitter of at most 10 ms, doubled with each attempt up to a second.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }
}

/// A transaction gave up: the typed cause of [`TRANSACTION_CONTENDED`] once its attempts are used up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("gave up after {attempts} attempts")]
pub struct TransactionError {
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed.
    #[source]
    pub last: Error,
}

impl Database {
    /// Runs `work` in a serialisable transaction over any number of repositories: committed when it returns `Ok`,
    /// rolled back on an error, a panic, or when the future is dropped.
    ///
    /// When the engine reports that concurrent transactions were in each other's way, `work` runs again, so it must
    /// have no other effect than on the database. A transaction inside of another one, past its scope, waits for a
    /// connection that the outer one may hold: use [`nested`](Scope::nested).
    ///
    /// ```
    /// use lattice_lock_repository::{Database, Entity, MemoryRepository, Repository};
    ///
    /// #[derive(Clone)]
    /// struct Account(i64);
    /// impl Entity for Account {
    ///     const NAME: &'static str = "account";
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let (database, accounts) = (Database::in_memory(), MemoryRepository::<Account>::new());
    /// let (from, to) = database.transaction(|scope| Box::pin(async {
    ///     Ok((accounts.create(scope, Account(9)).await?, accounts.create(scope, Account(1)).await?))
    /// })).await?;
    /// let moved = database.transaction(|scope| Box::pin(async {
    ///     accounts.update(scope, from.clone().with(Account(5))).await?;
    ///     accounts.update(scope, to.clone().with(Account(5))).await
    /// })).await?;
    /// assert_eq!(moved.version(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `work`; [`TRANSACTION_CONTENDED`] with [`TransactionError`];
    /// [`TRANSACTION_FAILED`](crate::codes::TRANSACTION_FAILED) when `work` succeeded although a statement failed;
    /// [`COMMIT_UNKNOWN`](crate::codes::COMMIT_UNKNOWN) when the connection is lost while committing: never
    /// repeated by itself.
    pub async fn transaction<'e, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'e>) -> Work<'s, T> + Sync,
        T: Send,
    {
        self.transaction_with(TransactionOptions::default(), work)
            .await
    }

    /// Like [`transaction`](Self::transaction), with options.
    ///
    /// # Errors
    ///
    /// Those of [`transaction`](Self::transaction), and [`READ_ONLY`](crate::codes::READ_ONLY).
    pub async fn transaction_with<'e, T, F>(
        &self,
        options: TransactionOptions,
        work: F,
    ) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'e>) -> Work<'s, T> + Sync,
        T: Send,
    {
        let attempts = AtomicU32::new(0);
        let outcome = retry(&options.retry, || {
            attempts.fetch_add(1, Ordering::Relaxed);
            async {
                match self.attempt(&options, &work).await {
                    Err(error) if error.code() == TRANSACTION_CONTENDED => Err(error),
                    // Whether anything else is worth another attempt is for the caller to say.
                    done => Ok(done),
                }
            }
        });
        match outcome.await {
            Ok(done) => done,
            Err(last) => Err(gave_up(attempts.into_inner(), last)),
        }
    }

    async fn attempt<'e, T, F>(&self, options: &TransactionOptions, work: &F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'e>) -> Work<'s, T> + Sync,
        T: Send,
    {
        let open = self.begin(options).await?;
        let mut scope = Scope::new(self.engine, !options.read_only, open.place());
        match work(&mut scope).await {
            Ok(value) => open.commit().await.map(|()| value),
            Err(error) => {
                open.roll_back().await;
                Err(error)
            }
        }
    }

    async fn begin(&self, options: &TransactionOptions) -> Result<Open> {
        match &self.source {
            Source::Memory(engine) => {
                let transaction = engine.begin(!options.read_only).await?;
                Ok(Open::Memory(transaction.shared()))
            }
            #[cfg(feature = "__sql")]
            Source::Sql(pools) => super::sql::begin(pools, self.engine, options)
                .await
                .map(Open::Sql),
        }
    }
}

/// A transaction that was begun. Dropped before its end, it is rolled back.
enum Open {
    Memory(Arc<Mutex<MemoryTransaction>>),
    #[cfg(feature = "__sql")]
    Sql(OpenTransaction),
}

impl Open {
    fn place(&self) -> Place {
        match self {
            Self::Memory(transaction) => {
                Place::Memory(MemorySession::Within(Arc::clone(transaction)))
            }
            #[cfg(feature = "__sql")]
            Self::Sql(transaction) => {
                Place::Sql(super::sql::Connection::Within(transaction.clone()))
            }
        }
    }

    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    async fn commit(&self) -> Result<()> {
        match self {
            Self::Memory(transaction) => MemoryTransaction::commit_shared(transaction),
            #[cfg(feature = "__sql")]
            Self::Sql(transaction) => transaction.commit().await,
        }
    }

    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    async fn roll_back(&self) {
        match self {
            Self::Memory(transaction) => MemoryTransaction::roll_back_shared(transaction),
            #[cfg(feature = "__sql")]
            Self::Sql(transaction) => transaction.roll_back().await,
        }
    }
}

fn gave_up(attempts: u32, last: Error) -> Error {
    Error::new(TRANSACTION_CONTENDED, "too many transactions at once")
        .with("attempts", attempts)
        .with_source(TransactionError { attempts, last })
}
