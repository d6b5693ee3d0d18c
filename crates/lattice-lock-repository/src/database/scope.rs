use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use sea_orm::{
    ConnectionTrait, DatabaseExecutor, DatabaseTransaction, IsolationLevel, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use super::error::{OrDatabaseError, TransactionError, database_error, is_refusal};
use super::{Database, Engine};
use crate::codes::{COMMIT_UNKNOWN, DATABASE_UNREACHABLE, TRANSACTION_CONTENDED};

/// How often a transaction is tried before it gives up.
const MOST_ATTEMPTS: u32 = 5;

/// What a transaction does: a future that borrows the scope.
pub type Work<'s, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 's>>;

/// How far transactions are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// As if they ran one after another.
    Serializable,
    /// Each statement sees what is committed when it begins. Enough where every change is conditional.
    ReadCommitted,
}

/// Where repositories run their statements: inside a transaction, or outside of any.
pub struct Scope<'a> {
    executor: DatabaseExecutor<'a>,
    engine: Engine,
}

impl std::fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

impl Scope<'_> {
    /// Which engine it runs on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// What sea-orm's queries run on.
    #[must_use]
    pub fn connection(&mut self) -> &(impl ConnectionTrait + use<'_>) {
        &self.executor
    }
}

impl Database {
    /// A scope outside of any transaction, for reading.
    ///
    /// # Errors
    ///
    /// [`DATABASE_DISPOSED`](crate::codes::DATABASE_DISPOSED), [`NO_TABLES`](crate::codes::NO_TABLES).
    pub fn reader(&self) -> Result<Scope<'_>> {
        Ok(Scope {
            executor: self.pools()?.reader()?.into(),
            engine: self.engine,
        })
    }

    /// Runs `work` in a transaction: committed when it returns `Ok`, rolled back on an error, a panic, or when the
    /// future is dropped. When the engine reports that concurrent transactions were in each other's way,
    /// `work` runs again, at most five times, so it must have no other effect than on the database.
    ///
    /// # Errors
    ///
    /// Those of `work`; [`TRANSACTION_CONTENDED`] with [`TransactionError`];
    /// [`COMMIT_UNKNOWN`] when the connection is lost while committing: never repeated by itself.
    pub async fn transaction<T, F>(&self, isolation: Isolation, work: F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'_>) -> Work<'s, T> + Sync,
        T: Send,
    {
        let mut attempts = 1;
        loop {
            match self.attempt(isolation, &work).await {
                Err(error) if error.code() == TRANSACTION_CONTENDED => {
                    if attempts >= MOST_ATTEMPTS {
                        return Err(gave_up(attempts, error));
                    }
                    tokio::time::sleep(jittered(attempts)).await;
                    attempts += 1;
                }
                done => return done,
            }
        }
    }

    async fn attempt<T, F>(&self, isolation: Isolation, work: &F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'_>) -> Work<'s, T> + Sync,
        T: Send,
    {
        let transaction = self.begin(isolation).await?;
        let mut scope = Scope {
            executor: (&transaction).into(),
            engine: self.engine,
        };
        let outcome = work(&mut scope).await;
        drop(scope);
        match outcome {
            Ok(value) => transaction
                .commit()
                .await
                .map(|()| value)
                .map_err(|error| uncommitted(&error)),
            Err(error) => {
                // MySQL leaves the transaction open after a lock timeout: without this a later COMMIT would
                // keep half of it.
                if let Err(failed) = transaction.rollback().await.or_database_error() {
                    // The server ends what it cannot be told to end, and the first error says why.
                    tracing::warn!(error = %failed, "rolling back a transaction failed");
                }
                Err(error)
            }
        }
    }

    /// Begins in a task of its own: a begin that is cancelled half-way would leave its transaction open in
    /// the pool (launchbadge/sqlx#4393).
    async fn begin(&self, isolation: Isolation) -> Result<DatabaseTransaction> {
        let writer = self.pools()?.writer()?.clone();
        let options = match self.engine {
            Engine::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
            _ => TransactionOptions {
                isolation_level: Some(isolation.level()),
                ..TransactionOptions::default()
            },
        };
        let begun = tokio::spawn(async move { writer.begin_with_options(options).await });
        match begun.await {
            Ok(begun) => begun.or_database_error(),
            Err(stopped) => {
                Err(Error::new(DATABASE_UNREACHABLE, "the runtime stopped").with_foreign(&stopped))
            }
        }
    }
}

impl Isolation {
    fn level(self) -> IsolationLevel {
        match self {
            Self::Serializable => IsolationLevel::Serializable,
            Self::ReadCommitted => IsolationLevel::ReadCommitted,
        }
    }
}

/// What an error of COMMIT means: the engine's refusal is final, a lost connection says nothing.
fn uncommitted(error: &sea_orm::DbErr) -> Error {
    let known = database_error(error);
    if is_refusal(error) && known.code() != DATABASE_UNREACHABLE {
        return known;
    }
    Error::new(COMMIT_UNKNOWN, "connection lost while committing").with_source(known)
}

fn gave_up(attempts: u32, last: Error) -> Error {
    Error::new(TRANSACTION_CONTENDED, "too many transactions at once")
        .with("attempts", attempts)
        .with_source(TransactionError { attempts, last })
}

/// Full jitter: anything up to 10 ms, doubled with each attempt. A UUID's last bits are random enough.
fn jittered(attempts: u32) -> Duration {
    let most = 10_000_u64 << attempts;
    let random = uuid::Uuid::new_v4().as_u64_pair().1;
    Duration::from_micros(random % most)
}
