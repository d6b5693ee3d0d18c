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
///
/// As it is, it opens what [`Ledger::new`] opens. In production with tables a [spool](Self::spool) is what to add:
/// without one nothing is sent while the database is away.
///
/// ```
/// use lattice_lock_billing::Ledger;
/// use lattice_lock_repository::Database;
/// use std::time::Duration;
///
/// let ledger = Ledger::builder(&Database::in_memory()).lease(Duration::from_mins(5)).build()?;
/// assert_eq!(ledger.status().away, None);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
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

    /// Says which instance it is; a new one by default. Two processes must not be the same instance: each would take
    /// the other's open attempts for its own, and no recovery in either would find them.
    #[must_use]
    pub fn instance(mut self, instance: InstanceId) -> Self {
        self.caller.instance = instance;
        self
    }

    /// For how long the intents of a process that is no longer heard of are left alone; a minute by default. While it
    /// has open intents, a process renews its lease three times as often. At least a second.
    ///
    /// A longer one finds the attempts of a crash later; a shorter one takes a process for gone that was only slow,
    /// whose entries are then booked as corrections of what was assumed. It is the lease of this process's own intents:
    /// each process may have another. In memory there is no task that renews it, and each write of the instance does.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.caller.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// Takes the time of leases and of recording from this clock. By default leases go by the database's clock, which
    /// all processes share, and recording by the machine's. It is for tests, and all instances should have the same
    /// one; whether a [period is over](Ledger::export) goes by it too. When an entry happened does not: that is
    /// [`Entry::occurred_at`](crate::Entry::occurred_at).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::{Database, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let at = Timestamp::from_micros(1_793_491_200_000_000); // 2026-11-01
    /// let ledger = Ledger::builder(&Database::in_memory()).clock(move || at).build()?;
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// assert_eq!(ledger.record(entry, None).await?.entry.recorded_at(), at);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.caller.clock = Some(Arc::new(clock));
        self
    }

    /// How many writes may wait for their turn, and as many again for a database that is away; 4096 by default, at
    /// least 1. Of the first, whoever comes after waits too; of the second, it is refused with
    /// [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL). With a [spool](Self::spool) the second bound is the spool's size.
    /// No effect in memory.
    #[cfg(feature = "__sql")]
    #[must_use]
    pub fn queue(mut self, writes: usize) -> Self {
        self.queue = writes.max(1);
        self
    }

    /// Keeps what must not wait in this file while the database is away, up to so many bytes; none by default. The file
    /// is made if it is not there, for nobody else to read, and what a crash left in it is booked first. A folder, a
    /// link and an empty file are refused.
    ///
    /// Each process has a file of its own, on a disk that outlives it and answers syncs honestly: a container's own
    /// file system is gone with it. `most_bytes` is the size of the whole file. Space is given back when all of it is
    /// in the database; until then, what no longer fits is refused with [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL).
    /// Beside it there may be a file of the same name that ends with `.rejected`: a line of JSON for each write that
    /// the database refused later, with the error's code. Nobody removes that one, and it counts for no size. An entry
    /// takes about 600 bytes and what it says of usage and labels. No effect in memory.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Booking, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// # #[cfg(feature = "sqlite")] {
    /// # let folder = tempfile::tempdir().expect("a folder");
    /// # let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    /// # let file = folder.path().join("ledger.spool");
    /// let database = Database::open(&url).await?;
    /// database.migrate(Ledger::MIGRATIONS).await?;
    /// let ledger = Ledger::builder(&database).spool(&file, 64 << 20).build()?;
    /// let who = Principal::external("user-17")?;
    /// let attempt = || AttemptId::first(OperationId::generate());
    /// let entry = |attempt| Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied);
    /// assert_eq!(ledger.record(entry(attempt())?, None).await?.booking, Booking::Durable);
    ///
    /// // From now on there is no database, and the next start books what is in the file.
    /// database.dispose().await;
    /// assert_eq!(ledger.record(entry(attempt())?, None).await?.booking, Booking::Spooled);
    /// assert!(ledger.status().spooled_bytes > 0);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "__sql")]
    #[must_use]
    pub fn spool(mut self, file: impl Into<PathBuf>, most_bytes: u64) -> Self {
        self.spool = Some((file.into(), most_bytes));
        self
    }

    /// Opens the ledger. A spool that is not empty is replayed as soon as there is a runtime and something is written
    /// or flushed. Without a spool this never fails, and asks nothing of the database.
    ///
    /// The whole spool is read and checked, so that a large one takes its time, on this thread. An end that was never
    /// acknowledged, as a power cut leaves it, is cut off; anything else that is not as it was written is an error.
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
    ///
    /// It has the lease and the clock of this one. What one instance has open the other finds once the lease is over,
    /// or at once where it was [abandoned](Self::abandon):
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, InstanceId, Intent, Ledger, OperationId, Resolution};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::{Database, Timestamp};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicI64, Ordering};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let micros = Arc::new(AtomicI64::new(0));
    /// let clock = Arc::clone(&micros);
    /// let now = move || Timestamp::from_micros(clock.load(Ordering::Relaxed));
    /// let crashes = Ledger::builder(&Database::in_memory()).clock(now).build()?;
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// crashes.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    ///
    /// let finder = crashes.as_instance(InstanceId::generate());
    /// assert_eq!(finder.recover(|_| Resolution::Hold).await?.held.len(), 0);
    /// micros.fetch_add(61_000_000, Ordering::Relaxed);
    /// assert_eq!(finder.recover(|_| Resolution::Hold).await?.held.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn as_instance(&self, instance: InstanceId) -> Self {
        let mut other = self.clone();
        other.caller.instance = instance;
        other
    }
}
