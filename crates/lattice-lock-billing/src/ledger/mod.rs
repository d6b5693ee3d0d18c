mod archive;
mod books;
mod builder;
#[cfg(feature = "__sql")]
mod committer;
mod memory;
mod recovery;
mod reprice;
#[cfg(feature = "__sql")]
mod spool;
#[cfg(feature = "__sql")]
mod sql;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::{Database, MigrationSet};
use serde::Serialize;

pub use archive::{Archive, Period};
pub use builder::LedgerBuilder;
pub use recovery::{Recovery, Resolution};
pub use reprice::Repriced;

use self::books::{Done, Item, Stamped};
use self::store::{Ack, Caller, Store};
use crate::codes::{LEDGER_CORRUPT, LISTING_TOO_LARGE};
use crate::{AttemptId, Entry, InstanceId, Intent, MoneySum, OperationId, Position};

/// How safe an entry is once it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Booking {
    /// In memory: this process's, while the database is away, or that of a server whose settings allow it to lose what
    /// it committed. Gone with it; what is left then is the intent.
    Memory,
    /// In this process's spool: on the disk, and in the ledger as soon as the database is back.
    Spooled,
    /// Committed by the database, whose settings say that it keeps what it commits.
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
    /// How many entries there are, corrections and archived ones included.
    pub entries: u64,
    /// How many attempts have no known cost, as their last revisions say.
    pub unpriced: i64,
    /// The sum of the known costs, as the last revisions say.
    pub total_usd: MoneySum,
}

impl LedgerTotal {
    fn of_one(entry: &Entry) -> Self {
        let effect = entry.fact.effect;
        Self {
            entries: 1,
            unpriced: effect.unpriced.into(),
            total_usd: effect.amount.into(),
        }
    }

    // 2⁶⁴ entries stay below 127 bits.
    fn plus(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            unpriced: self.unpriced.saturating_add(other.unpriced),
            total_usd: MoneySum::from_nanos(
                self.total_usd
                    .nanos()
                    .saturating_add(other.total_usd.nanos()),
            ),
        }
    }
}

/// What a ledger has under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerStatus {
    /// How many writes wait for their turn.
    pub queued: usize,
    /// How many acknowledged writes wait for the database, in memory.
    pub waiting: usize,
    /// How many bytes of acknowledged writes wait for the database, in the spool.
    pub spooled_bytes: u64,
    /// How many acknowledged writes the database then refused, such as a conflict: each was logged, as a whole where there is no spool, and of a spool
    /// written to the file beside it that ends with `.rejected`.
    pub rejected: u64,
    /// The code of the error that keeps the database away, while it is.
    pub away: Option<&'static str>,
    /// The code of the error that keeps the spool, or the file of what was rejected, from being written or read, while
    /// it does.
    pub spool: Option<&'static str>,
}

/// The most entries of one listing.
const LARGEST_LISTING: usize = 1000;

/// All entries: appended to, never changed.
///
/// Cheap to clone: clones write to the same place. In memory unless the database has tables.
///
/// Writes of concurrent callers share a transaction. While the database is away, an entry is kept in this process's
/// memory or, if there is one, in its [spool](LedgerBuilder::spool), and the acknowledgement says so; an intent is
/// refused without a spool, so that nothing is sent that could not be booked.
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
pub struct Ledger {
    store: Arc<dyn Store>,
    caller: Caller,
}

impl Ledger {
    /// The tables that a ledger needs, for [`Database::migrate`].
    #[cfg(feature = "__sql")]
    pub const MIGRATIONS: &'static [MigrationSet] = &[sql::MIGRATIONS];
    /// The tables that a ledger needs: none in this build.
    #[cfg(not(feature = "__sql"))]
    pub const MIGRATIONS: &'static [MigrationSet] = &[];

    /// The ledger in this database, as a new instance and without a spool.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        LedgerBuilder::new(database).without_spool()
    }

    /// Starts to open the ledger in this database with options.
    #[must_use]
    pub fn builder(database: &Database) -> LedgerBuilder {
        LedgerBuilder::new(database)
    }

    /// Which instance the intents that are opened here are of.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.caller.instance
    }

    /// Writes down that an attempt is about to be sent. Doing so again changes nothing, and neither does it once the
    /// attempt is booked.
    ///
    /// # Errors
    ///
    /// [`LEDGER_UNAVAILABLE`](crate::codes::LEDGER_UNAVAILABLE) while the database is away and there is no spool;
    /// [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED), [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL): it is not noted, or
    /// will be withdrawn as soon as the database is back; those of the database. A future that is dropped before its
    /// end may have noted it: [`withdraw`](Self::withdraw) it, if it is not sent.
    pub async fn intend(&self, intent: Intent) -> Result<Booking> {
        let item = Item::Intend(self.own(intent));
        Ok(self.submit(item).await?.booking)
    }

    /// Books an entry and removes the intent of its attempt, together or not at all; `next`, the intent of a following
    /// attempt, comes with it.
    ///
    /// The same with the same figures is a replay: what is kept is returned and no entry changes. What comes after the
    /// attempt was given up by a [recovery](Self::recover) is booked as a correction of that.
    ///
    /// # Errors
    ///
    /// [`ENTRY_CONFLICT`](crate::codes::ENTRY_CONFLICT) when it was booked with other figures,
    /// [`NOTHING_TO_CORRECT`](crate::codes::NOTHING_TO_CORRECT), [`ENTRY_ARCHIVED`](crate::codes::ENTRY_ARCHIVED):
    /// nothing changes. [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL) and
    /// [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED) while the database is away; those of the database.
    pub async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
        let entry = Box::new(Stamped::new(entry.stamped(self.caller.now())));
        let next = next.map(|intent| self.own(intent));
        let Ack { done, booking } = self.submit(Item::Record { entry, next }).await?;
        match done {
            Done::Recorded { entry, replayed } => Ok(Recorded {
                entry: Arc::unwrap_or_clone(entry),
                booking,
                replayed,
            }),
            Done::Noted => Err(Error::new(LEDGER_CORRUPT, "a booking without an entry")),
        }
    }

    /// Removes the intent of an attempt that was certainly not billed, such as one that was never sent; `next`, the
    /// intent of a following attempt, comes with it.
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record), but for those about the entry; with `next`, as [`intend`](Self::intend).
    pub async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<Booking> {
        let next = next.map(|intent| self.own(intent));
        let item = Item::Withdraw { attempt, next };
        Ok(self.submit(item).await?.booking)
    }

    /// Gives up an attempt that was intended here and may have been sent, but whose entry cannot be booked: from now on
    /// it is nobody's, and the next [recovery](Self::recover), in whichever process, holds or settles it. An entry that
    /// is recorded all the same ends it as ever.
    ///
    /// What the ledger itself refused to book is given up without this.
    ///
    /// # Errors
    ///
    /// [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL) and [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED) while the
    /// database is away; those of the database.
    pub async fn abandon(&self, attempt: AttemptId) -> Result<Booking> {
        let instance = self.caller.instance;
        let item = Item::Abandon { attempt, instance };
        Ok(self.submit(item).await?.booking)
    }

    async fn submit(&self, item: Item) -> Result<Ack> {
        self.store.submit(&self.caller, item).await
    }

    fn own(&self, mut intent: Intent) -> Intent {
        intent.instance = Some(self.caller.instance);
        intent.held = false;
        intent
    }

    /// The entries of an operation, in the order of their attempts, each with its corrections after it.
    ///
    /// # Errors
    ///
    /// [`LEDGER_FOREIGN`](crate::codes::LEDGER_FOREIGN) at an entry of a newer version, so that nobody misses it;
    /// [`LEDGER_CORRUPT`](crate::codes::LEDGER_CORRUPT); those of the database.
    pub async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        self.store.of_operation(operation).await
    }

    /// Up to `limit` entries after a position, in the order in which they were committed: whoever reads on from the
    /// last one misses none, however many processes write.
    ///
    /// # Errors
    ///
    /// [`LISTING_TOO_LARGE`] unless `limit` is between 1 and 1000; those of
    /// [`of_operation`](Self::of_operation).
    pub async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<Entry>> {
        if !(1..=LARGEST_LISTING).contains(&limit) {
            return Err(
                Error::new(LISTING_TOO_LARGE, "listing size out of range").with("limit", limit)
            );
        }
        self.store.list(after.unwrap_or_default(), limit).await
    }

    /// The sum of all entries, archived ones included.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn total(&self) -> Result<LedgerTotal> {
        self.store.total().await
    }

    /// Waits until every write that was begun is in the database or in the spool, also those whose callers went away.
    /// Entries that were acknowledged as durable or spooled need no flush.
    ///
    /// # Errors
    ///
    /// [`FLUSH_INCOMPLETE`](crate::codes::FLUSH_INCOMPLETE) when the deadline passes before.
    pub async fn flush(&self, deadline: Duration) -> Result<()> {
        self.store.flush(deadline).await
    }

    /// What is under way.
    #[must_use]
    pub fn status(&self) -> LedgerStatus {
        self.store.status()
    }

    /// Attempts that were intended and never booked, of every instance, held ones included. Those that a newer version
    /// wrote, and that this one cannot read, are left out: a [recovery](Self::recover) counts the ones it leaves to it.
    ///
    /// # Errors
    ///
    /// [`LEDGER_CORRUPT`](crate::codes::LEDGER_CORRUPT); those of the database.
    pub async fn open_intents(&self) -> Result<Vec<Intent>> {
        self.store.open_intents().await
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("instance", &self.caller.instance)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
