#[cfg(feature = "__sql")]
mod connect;
mod engine;
#[cfg(feature = "__sql")]
pub(crate) mod error;
mod health;
mod migration;
mod options;
#[cfg(feature = "contract")]
mod reset;
#[cfg(feature = "__sql")]
pub(crate) mod sql;
mod transaction;
#[cfg(feature = "__sql")]
mod transfer;

use std::fmt;
#[cfg(feature = "__sql")]
use std::sync::Arc;

use lattice_lock_errors::Result;

pub use engine::Engine;
#[cfg(feature = "__sql")]
pub use error::{DatabaseConnectionError, database_error};
pub use health::{DatabaseHealth, DatabaseStatus, MigrationState, PoolUse, WaitTimes};
#[cfg(feature = "__sql")]
pub use migration::MigrationStatus;
pub use migration::{Migration, MigrationSet};
pub use options::DatabaseOptions;
pub use transaction::{Isolation, TransactionError, TransactionOptions};
#[cfg(feature = "__sql")]
pub use transfer::Exported;

use crate::Scope;
use crate::scope::{MemoryEngine, MemorySession, Place};

/// Where things are kept: in this process's memory, or in the tables of one of three engines.
///
/// Opening never creates or changes tables; [`migrate`](Self::migrate) does. Cheap to clone: clones share
/// their connections. `Debug` shows the engine and nothing of the URL.
///
/// ```
/// use lattice_lock_repository::{Database, Engine};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let database = Database::open("sqlite::memory:").await?;
/// assert_eq!(database.engine(), Engine::Memory);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    source: Source,
}

#[derive(Clone)]
enum Source {
    Memory(MemoryEngine),
    #[cfg(feature = "__sql")]
    Sql(Arc<sql::Pools>),
}

impl Database {
    /// No tables: repositories keep what they have in this process's memory, as much as they are given.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::in_memory_with(&DatabaseOptions::default())
    }

    fn in_memory_with(options: &DatabaseOptions) -> Self {
        Self {
            engine: Engine::Memory,
            source: Source::Memory(MemoryEngine::new(options.acquire_timeout)),
        }
    }

    /// Opens the database at `url` with the [default options](DatabaseOptions).
    ///
    /// # Errors
    ///
    /// [`DATABASE_URL_INVALID`](crate::codes::DATABASE_URL_INVALID),
    /// [`ENGINE_NOT_BUILT`](crate::codes::ENGINE_NOT_BUILT) or
    /// [`DATABASE_UNREACHABLE`](crate::codes::DATABASE_UNREACHABLE).
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, DatabaseOptions::default()).await
    }

    /// Opens the database at `url`: `sqlite:path`, `postgres://…` or `mysql://…`; `sqlite::memory:` stands for
    /// [`in_memory`](Self::in_memory).
    ///
    /// # Errors
    ///
    /// [`DATABASE_URL_INVALID`](crate::codes::DATABASE_URL_INVALID),
    /// [`ENGINE_NOT_BUILT`](crate::codes::ENGINE_NOT_BUILT) with the feature's name, or
    /// [`DATABASE_UNREACHABLE`](crate::codes::DATABASE_UNREACHABLE). None of them shows the URL's credentials.
    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    pub async fn open_with(url: &str, options: DatabaseOptions) -> Result<Self> {
        let engine = Engine::of_url(url)?;
        engine.require_built()?;
        #[cfg(feature = "__sql")]
        if engine != Engine::Memory {
            let pools = connect::open(engine, url, &options).await?;
            return Ok(Self {
                engine,
                source: Source::Sql(Arc::new(pools)),
            });
        }
        Ok(Self::in_memory_with(&options))
    }

    /// A host's own pool, of sqlx or sea-orm: used, and never closed. All tables here have the prefix `lattice_`.
    ///
    /// Behind a pooler that gives each transaction another connection, such as `PgBouncer` in transaction mode, the
    /// pooler has to keep prepared statements (from 1.21 on, `max_prepared_statements` above 0): one that does not
    /// mixes up those of its clients, which is [`STATEMENTS_LOST`](crate::codes::STATEMENTS_LOST) where it is seen.
    /// Nothing else here outlives a transaction on PostgreSQL.
    ///
    /// Of the options, those of the connections themselves are the host's. Without a connection at first: whether the
    /// version is supported is checked on the first use.
    ///
    /// # Errors
    ///
    /// [`ENGINE_NOT_BUILT`](crate::codes::ENGINE_NOT_BUILT).
    #[cfg(feature = "__sql")]
    pub fn from_pool(
        pool: impl Into<sea_orm::DatabaseConnection>,
        options: &DatabaseOptions,
    ) -> Result<Self> {
        Self::from_connection(pool.into(), options)
    }

    /// [`from_pool`](Self::from_pool) for a connection of sea-orm.
    ///
    /// # Errors
    ///
    /// [`ENGINE_NOT_BUILT`](crate::codes::ENGINE_NOT_BUILT).
    #[cfg(feature = "__sql")]
    pub fn from_connection(
        connection: sea_orm::DatabaseConnection,
        options: &DatabaseOptions,
    ) -> Result<Self> {
        let (engine, pools) = connect::borrow(connection, options)?;
        Ok(Self {
            engine,
            source: Source::Sql(Arc::new(pools)),
        })
    }

    /// Tables in memory, for tests of what needs tables: gone with the last clone. They have one connection, so
    /// that a scope outside of a transaction waits while there is one.
    ///
    /// # Errors
    ///
    /// [`DATABASE_UNREACHABLE`](crate::codes::DATABASE_UNREACHABLE).
    #[cfg(feature = "sqlite")]
    pub async fn sqlite_in_memory() -> Result<Self> {
        let pools = connect::sqlite_in_memory(&DatabaseOptions::default()).await?;
        Ok(Self {
            engine: Engine::Sqlite,
            source: Source::Sql(Arc::new(pools)),
        })
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Closes the connections after their work is done. Calling it again does nothing; using the database
    /// afterwards is [`DATABASE_DISPOSED`](crate::codes::DATABASE_DISPOSED).
    pub async fn dispose(&self) {
        match &self.source {
            Source::Memory(engine) => engine.dispose().await,
            #[cfg(feature = "__sql")]
            Source::Sql(pools) => pools.close().await,
        }
    }

    /// A scope outside of any transaction, for reading. Of a `SQLite` file it reads beside the writer.
    ///
    /// # Errors
    ///
    /// [`DATABASE_DISPOSED`](crate::codes::DATABASE_DISPOSED).
    pub fn reader(&self) -> Result<Scope<'_>> {
        self.scope(false)
    }

    /// A scope outside of any transaction, where each operation is a transaction of its own.
    ///
    /// # Errors
    ///
    /// [`DATABASE_DISPOSED`](crate::codes::DATABASE_DISPOSED).
    pub fn writer(&self) -> Result<Scope<'_>> {
        self.scope(true)
    }

    fn scope(&self, writes: bool) -> Result<Scope<'_>> {
        let place = match &self.source {
            Source::Memory(engine) => {
                engine.require_open()?;
                Place::Memory(MemorySession::Apart(engine.clone()))
            }
            #[cfg(feature = "__sql")]
            Source::Sql(pools) => {
                let pool = if writes {
                    pools.writer()?
                } else {
                    pools.reader()?
                };
                Place::Sql(sql::Connection::Apart(pool.clone()))
            }
        };
        Ok(Scope::new(self.engine, writes, place))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
