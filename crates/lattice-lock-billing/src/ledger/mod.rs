mod memory;
#[cfg(feature = "__sql")]
mod sql;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::{Database, Engine, MigrationSet};
use serde::Serialize;

use crate::codes::{ENTRY_CONFLICT, LISTING_TOO_LARGE};
use crate::{AttemptId, Entry, EntryId, Intent, MoneySum, OperationId};

/// How safe an entry is once it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Booking {
    /// In this process's memory: gone with it.
    Memory,
    /// Committed by the database.
    Durable,
}

/// The acknowledgement of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The entry as it is kept: on a replay, the one that was kept before.
    pub entry: Entry,
    /// How safe it is.
    pub booking: Booking,
    /// Whether it was there already, with the same figures.
    pub replayed: bool,
}

/// The sum of the whole ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerTotal {
    /// How many entries there are.
    pub entries: u64,
    /// How many of them have no known cost.
    pub unpriced: u64,
    /// The sum of the known costs.
    pub total_usd: MoneySum,
}

/// The most entries of one listing.
const LARGEST_LISTING: usize = 1000;

/// All entries: appended to, never changed.
///
/// Cheap to clone: clones write to the same place. In memory unless the database has tables.
///
/// ```
/// use lattice_lock_billing::{AttemptId, Booking, Entry, Ledger, OperationId, Outcome};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let who = Principal::external("user-17")?;
/// let operation = OperationId::generate();
/// let entry = Entry::new(AttemptId::first(operation), &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// assert_eq!(ledger.record(entry.clone(), None).await?.booking, Booking::Memory);
/// assert!(ledger.record(entry, None).await?.replayed);
/// assert_eq!(ledger.of_operation(operation).await?.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ledger(Arc<dyn Store>);

impl Ledger {
    /// The tables that a ledger needs, for [`Database::migrate`].
    #[cfg(feature = "__sql")]
    pub const MIGRATIONS: &'static [MigrationSet] = &[sql::MIGRATIONS];
    /// The tables that a ledger needs: none in this build.
    #[cfg(not(feature = "__sql"))]
    pub const MIGRATIONS: &'static [MigrationSet] = &[];

    /// The ledger in this database.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        match database.engine() {
            Engine::Memory => Self(Arc::<memory::MemoryStore>::default()),
            #[cfg(feature = "__sql")]
            _ => Self(Arc::new(sql::SqlStore::new(database.clone()))),
            #[cfg(not(feature = "__sql"))]
            _ => Self(Arc::<memory::MemoryStore>::default()),
        }
    }

    /// Writes down that an attempt is about to be sent. Doing so again changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn intend(&self, intent: Intent) -> Result<()> {
        self.0.intend(intent).await
    }

    /// Books an attempt and removes its intent, together or not at all; `next`, the intent of a following
    /// attempt, comes with it.
    ///
    /// The same attempt with the same figures is a replay: what is kept is returned and no entry changes.
    ///
    /// # Errors
    ///
    /// [`ENTRY_CONFLICT`] when the attempt was booked with other figures; nothing changes. Those of the database.
    pub async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
        self.0.record(entry.stamped(), next).await
    }

    /// Removes the intent of an attempt that was certainly not billed, such as one that was never sent; `next`, the
    /// intent of a following attempt, comes with it.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<()> {
        self.0.withdraw(attempt, next).await
    }

    /// The entries of an operation, in the order of their attempts.
    ///
    /// # Errors
    ///
    /// [`LEDGER_CORRUPT`](crate::codes::LEDGER_CORRUPT); those of the database.
    pub async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        self.0.of_operation(operation).await
    }

    /// Up to `limit` entries after a given one, in the order of their keys.
    ///
    /// # Errors
    ///
    /// [`LISTING_TOO_LARGE`] unless `limit` is between 1 and 1000; those of
    /// [`of_operation`](Self::of_operation).
    pub async fn list(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>> {
        if !(1..=LARGEST_LISTING).contains(&limit) {
            return Err(
                Error::new(LISTING_TOO_LARGE, "listing size out of range").with("limit", limit)
            );
        }
        self.0.list(after, limit).await
    }

    /// The sum of all entries.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn total(&self) -> Result<LedgerTotal> {
        self.0.total().await
    }

    /// Waits until every write that was begun has ended, also those whose callers went away. Entries that were
    /// acknowledged need no flush.
    pub async fn flush(&self) {
        self.0.flush().await;
    }

    /// Attempts that were intended and never booked.
    ///
    /// # Errors
    ///
    /// [`LEDGER_CORRUPT`](crate::codes::LEDGER_CORRUPT); those of the database.
    pub async fn open_intents(&self) -> Result<Vec<Intent>> {
        self.0.open_intents().await
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ledger").field(&self.0.booking()).finish()
    }
}

/// What keeps entries and intents. Every implementation satisfies the same contract.
#[async_trait]
trait Store: Send + Sync {
    fn booking(&self) -> Booking;
    async fn intend(&self, intent: Intent) -> Result<()>;
    async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded>;
    async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<()>;
    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>>;
    async fn list(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>>;
    async fn total(&self) -> Result<LedgerTotal>;
    async fn open_intents(&self) -> Result<Vec<Intent>>;
    async fn flush(&self);
}

/// What it means that the attempt was booked before.
fn replay(kept: Entry, new: &Entry, booking: Booking) -> Result<Recorded> {
    if kept.payload_hash() == new.payload_hash() {
        return Ok(Recorded {
            entry: kept,
            booking,
            replayed: true,
        });
    }
    Err(
        Error::new(ENTRY_CONFLICT, "the attempt was booked with other figures")
            .with("attempt", kept.attempt()),
    )
}
