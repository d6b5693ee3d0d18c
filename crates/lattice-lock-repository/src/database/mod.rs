#[cfg(feature = "__sql")]
mod connect;
mod engine;
#[cfg(feature = "__sql")]
mod error;
mod health;
mod migration;
mod options;
#[cfg(feature = "__sql")]
mod scope;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "__sql")]
use lattice_lock_errors::Error;
use lattice_lock_errors::Result;

pub use engine::Engine;
#[cfg(feature = "__sql")]
pub use error::{DatabaseConnectionError, TransactionError, database_error};
pub use health::{DatabaseHealth, DatabaseStatus};
pub use migration::{Migration, MigrationSet};
pub use options::DatabaseOptions;
#[cfg(feature = "__sql")]
pub use scope::{Isolation, Scope, Work};

#[cfg(feature = "__sql")]
use crate::codes::NO_TABLES;

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
    #[cfg(feature = "__sql")]
    pools: Option<Arc<connect::Pools>>,
    #[cfg(not(feature = "__sql"))]
    _shared: Arc<()>,
}

impl Database {
    /// No database: stores keep what they have in memory.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            engine: Engine::Memory,
            #[cfg(feature = "__sql")]
            pools: None,
            #[cfg(not(feature = "__sql"))]
            _shared: Arc::default(),
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
                pools: Some(Arc::new(pools)),
            });
        }
        let _ = options;
        Ok(Self::in_memory())
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Closes the connections after their work is done. Calling it again does nothing; using the database
    /// afterwards is [`DATABASE_DISPOSED`](crate::codes::DATABASE_DISPOSED).
    // Without an engine there is nothing to wait for, but callers should not have to care.
    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    pub async fn dispose(&self) {
        #[cfg(feature = "__sql")]
        if let Some(pools) = &self.pools {
            pools.close().await;
        }
    }

    #[cfg(feature = "__sql")]
    fn pools(&self) -> Result<&connect::Pools> {
        self.pools
            .as_deref()
            .ok_or_else(|| Error::new(NO_TABLES, "the database is in memory"))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}
