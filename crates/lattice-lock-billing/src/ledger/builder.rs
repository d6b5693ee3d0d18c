use std::fmt;
#[cfg(feature = "__sql")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_repository::{Database, Engine, Timestamp};

use super::Ledger;
use super::memory::MemoryStore;
use super::store::{Caller, Store};
use crate::InstanceId;

/// How a ledger is opened; made with [`Ledger::builder`]. Setters by value, each with its default.
#[derive(Clone)]
pub struct LedgerBuilder {
    database: Database,
    caller: Caller,
    #[cfg(feature = "__sql")]
    queue: usize,
    #[cfg(feature = "__sql")]
    spool: Option<(PathBuf, u64)>,
}

impl LedgerBuilder {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            caller: Caller {
                instance: InstanceId::generate(),
                lease: Duration::from_mins(1),
                clock: None,
            },
            #[cfg(feature = "__sql")]
            queue: 4096,
            #[cfg(feature = "__sql")]
            spool: None,
        }
    }

    /// Says which instance it is; a new one by default. Two processes must not be the same instance.
    #[must_use]
    pub fn instance(mut self, instance: InstanceId) -> Self {
        self.caller.instance = instance;
        self
    }

    /// For how long the intents of a process that is no longer heard of are left alone; a minute by default. While it
    /// has open intents, a process renews its lease three times as often. At least a second.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.caller.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Takes the time of leases and of recording from this clock. By default leases go by the database's clock, which
    /// all processes share, and recording by the machine's.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.caller.clock = Some(Arc::new(clock));
        self
    }

    /// How many writes may wait for their turn, and as many again for a database that is away; 4096 by default, at
    /// least 1. Of the first, whoever comes after waits too; of the second, it is refused.
    #[cfg(feature = "__sql")]
    #[must_use]
    pub fn queue(mut self, writes: usize) -> Self {
        self.queue = writes.max(1);
        self
    }

    /// Keeps what must not wait in this file while the database is away, up to so many bytes; none by default. The
    /// file is made if it is not there, for nobody else to read, and what a crash left in it is booked first. A folder, a
    /// link and an empty file are refused.
    #[cfg(feature = "__sql")]
    #[must_use]
    pub fn spool(mut self, file: impl Into<PathBuf>, most_bytes: u64) -> Self {
        self.spool = Some((file.into(), most_bytes));
        self
    }

    /// Opens the ledger. A spool that is not empty is replayed as soon as there is a runtime and something is written
    /// or flushed.
    ///
    /// # Errors
    ///
    /// [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED), [`SPOOL_IN_USE`](crate::codes::SPOOL_IN_USE),
    /// [`SPOOL_CORRUPT`](crate::codes::SPOOL_CORRUPT), [`SPOOL_FOREIGN`](crate::codes::SPOOL_FOREIGN): the file is left
    /// as it is.
    pub fn build(self) -> Result<Ledger> {
        #[cfg(feature = "__sql")]
        if self.database.engine() != Engine::Memory
            && let Some((file, most)) = &self.spool
        {
            let spool = super::spool::Spool::open(file, *most)?;
            return Ok(self.on_tables(Some(spool)));
        }
        Ok(self.without_spool())
    }

    pub(super) fn without_spool(self) -> Ledger {
        match self.database.engine() {
            Engine::Memory => self.on(Arc::<MemoryStore>::default()),
            #[cfg(feature = "__sql")]
            _ => self.on_tables(None),
            #[cfg(not(feature = "__sql"))]
            _ => self.on(Arc::<MemoryStore>::default()),
        }
    }

    #[cfg(feature = "__sql")]
    fn on_tables(self, spool: Option<super::spool::Spool>) -> Ledger {
        let tables = super::sql::Tables::new(self.database.clone());
        let committer =
            super::committer::Committer::new(tables, self.caller.clone(), self.queue, spool);
        self.on(Arc::new(committer))
    }

    fn on(self, store: Arc<dyn Store>) -> Ledger {
        Ledger {
            store,
            caller: self.caller,
        }
    }
}

impl fmt::Debug for LedgerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerBuilder")
            .field("database", &self.database)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Ledger {
    /// The same ledger as another instance sees it, such as another replica in a test of recovery: it shares what is
    /// kept, and nothing of what this one has under way.
    #[must_use]
    pub fn as_instance(&self, instance: InstanceId) -> Self {
        let mut other = self.clone();
        other.caller.instance = instance;
        other
    }
}
