use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lattice_lock_errors::Result;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, TransactionOptions, TransactionTrait,
};

use super::gate::{Gate, Permit};
use super::order::{Answer, Order, Watch};
use super::shield::Shielded;
use crate::DatabaseOptions;
use crate::scope::require_open;

/// How long disposing of a database waits for work that is under way.
const LONGEST_DRAIN: Duration = Duration::from_secs(30);

/// Connections, and the gate in front of them.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: DatabaseConnection,
    gate: Gate,
    watch: Watch,
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
            watch: options.watch(),
        }
    }

    pub(crate) fn watch(&self) -> Watch {
        self.watch
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.connections.get_database_backend()
    }

    pub(crate) async fn run(&self, order: Order) -> std::result::Result<Answer, DbErr> {
        let permit = self.gate.enter().await?;
        let (connections, watch) = (self.connections.clone(), self.watch);
        let statement = async move {
            let answer = order.run(&connections, watch).await;
            drop(permit);
            answer
        };
        Shielded::new(statement).await
    }

    pub(crate) async fn enter(&self) -> std::result::Result<Permit, DbErr> {
        self.gate.enter().await
    }

    /// Begins a transaction. Not safe to drop: see [`Shielded`].
    pub(crate) async fn begin(
        &self,
        options: TransactionOptions,
    ) -> std::result::Result<DatabaseTransaction, DbErr> {
        self.connections.begin_with_options(options).await
    }

    async fn close(&self) {
        self.gate.close(LONGEST_DRAIN).await;
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
}

impl Pools {
    pub(crate) fn new(writer: Pool, reader: Pool) -> Self {
        Self {
            writer,
            reader,
            disposed: AtomicBool::new(false),
        }
    }

    /// One pool for both.
    pub(crate) fn shared(connections: DatabaseConnection, options: &DatabaseOptions) -> Self {
        let pool = Pool::new(connections, options.pool_size, options);
        Self::new(pool.clone(), pool)
    }

    pub(crate) fn writer(&self) -> Result<&Pool> {
        self.require_open().map(|()| &self.writer)
    }

    pub(crate) fn reader(&self) -> Result<&Pool> {
        self.require_open().map(|()| &self.reader)
    }

    fn require_open(&self) -> Result<()> {
        require_open(&self.disposed)
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
