use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lattice_lock_errors::Result;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, TransactionOptions, TransactionTrait,
};

use super::gate::{Gate, Permit};
use super::order::{Answer, Order, Watch};
use super::shield::Shielded;
use super::version::Version;
use crate::scope::require_open;
use crate::{DatabaseOptions, MigrationSet};

/// How long disposing of a database waits for work that is under way.
const LONGEST_DRAIN: Duration = Duration::from_secs(30);

/// Connections, and the gate in front of them.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: DatabaseConnection,
    gate: Gate,
    version: Version,
    watch: Watch,
    borrowed: bool,
}

impl Pool {
    pub(crate) fn new(
        connections: DatabaseConnection,
        size: u32,
        options: &DatabaseOptions,
    ) -> Self {
        Self {
            connections,
            gate: Gate::new(size, options.acquire_timeout),
            version: Version::default(),
            watch: options.watch(),
            borrowed: false,
        }
    }

    /// Leaves closing the connections to somebody else.
    pub(crate) fn borrowed(mut self) -> Self {
        self.borrowed = true;
        self
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.version.known()
    }

    pub(crate) async fn run(&self, order: Order) -> std::result::Result<Answer, DbErr> {
        let permit = self.enter().await?;
        let (connections, watch) = (self.connections.clone(), self.watch);
        let statement = async move {
            let answer = order.run(&connections, watch).await;
            drop(permit);
            answer
        };
        Shielded::new(statement).await
    }

    /// Waits for the right to use a connection. The version is checked before the first one is used.
    pub(crate) async fn enter(&self) -> std::result::Result<Permit, DbErr> {
        let permit = self.gate.enter().await?;
        self.version.check(&self.connections).await?;
        Ok(permit)
    }

    pub(crate) async fn reach(&self) -> std::result::Result<(), DbErr> {
        self.enter().await.map(drop)
    }

    /// Begins a transaction. Not safe to drop: see [`Shielded`].
    pub(crate) async fn begin(
        &self,
        options: TransactionOptions,
    ) -> std::result::Result<DatabaseTransaction, DbErr> {
        self.connections.begin_with_options(options).await
    }

    /// How many connections there are, and how many of them nobody uses.
    pub(crate) fn connections(&self) -> (u32, usize) {
        match self.backend() {
            #[cfg(feature = "sqlite")]
            DbBackend::Sqlite => {
                let pool = self.connections.get_sqlite_connection_pool();
                (pool.size(), pool.num_idle())
            }
            #[cfg(feature = "postgres")]
            DbBackend::Postgres => {
                let pool = self.connections.get_postgres_connection_pool();
                (pool.size(), pool.num_idle())
            }
            #[cfg(feature = "mysql")]
            DbBackend::MySql => {
                let pool = self.connections.get_mysql_connection_pool();
                (pool.size(), pool.num_idle())
            }
            _ => (0, 0),
        }
    }

    async fn close(&self) {
        self.gate.close(LONGEST_DRAIN).await;
        if self.borrowed {
            return;
        }
        if let Err(error) = self.connections.close_by_ref().await {
            tracing::warn!(error = %lattice_lock_errors::redact(&error.to_string()), "closing a database pool failed");
        }
    }
}

/// The connections of one database. `SQLite` has one that writes and others that read: many writers would only
/// wait for each other, and longer. Servers have one pool for both.
pub(crate) struct Pools {
    writer: Pool,
    reader: Pool,
    disposed: AtomicBool,
    migrations: OnceLock<&'static [MigrationSet]>,
}

impl Pools {
    pub(crate) fn new(writer: Pool, reader: Pool) -> Self {
        Self {
            writer,
            reader,
            disposed: AtomicBool::new(false),
            migrations: OnceLock::new(),
        }
    }

    /// Remembers the migrations that this process knows of.
    pub(crate) fn know(&self, sets: &'static [MigrationSet]) {
        self.migrations.get_or_init(|| sets);
    }

    pub(crate) fn known(&self) -> Option<&'static [MigrationSet]> {
        self.migrations.get().copied()
    }

    pub(crate) fn writer(&self) -> Result<&Pool> {
        require_open(&self.disposed).map(|()| &self.writer)
    }

    pub(crate) fn reader(&self) -> Result<&Pool> {
        require_open(&self.disposed).map(|()| &self.reader)
    }

    pub(crate) async fn close(&self) {
        if self.disposed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Readers first: the last connection to a SQLite file folds the write-ahead log into it.
        self.reader.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools").finish_non_exhaustive()
    }
}
