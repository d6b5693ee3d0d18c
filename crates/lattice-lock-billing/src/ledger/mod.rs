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
///
/// The safer, the greater, so that a host can ask for at least so much. What waits while the database is away is
/// written by itself when it is back, in the order in which it came; nobody has to record it again.
///
/// ```
/// use lattice_lock_billing::Booking;
///
/// let survives_this_process = |booking| booking >= Booking::Spooled;
/// assert!(survives_this_process(Booking::Durable) && !survives_this_process(Booking::Memory));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Booking {
    /// In memory: this process's, while the database is away, or that of a server whose settings allow it to lose what
    /// it committed. Gone with it; what is left then is the intent, and a [recovery](Ledger::recover) finds that.
    Memory,
    /// In this process's spool: on the disk, synced, and in the ledger as soon as the database is back, or the process
    /// is started again with the same spool.
    Spooled,
    /// Committed by the database, whose settings say that it keeps what it commits. They are looked up in each
    /// transaction: `synchronous_commit` and `fsync` of PostgreSQL; `innodb_flush_log_at_trx_commit`, and `sync_binlog`
    /// where there is a binary log, of MariaDB and MySQL; of SQLite, that it is a file with a journal and `synchronous`
    /// at least `FULL`. An in-memory ledger is never durable.
    Durable,
}

/// The acknowledgement of an entry.
///
/// ```
/// use lattice_lock_billing::{AttemptId, Booking, Entry, Ledger, OperationId, Outcome, Position};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// let kept = ledger.record(entry, None).await?;
/// assert_eq!((kept.booking, kept.replayed), (Booking::Memory, false));
/// assert_eq!(kept.entry.position(), Some(Position::new(1)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The entry as it is kept: on a replay, the one that was kept before; of an outcome that came late, the correction
    /// that it was booked as. One that waits for the database is given back as it was recorded: without a position, and
    /// of a correction without the difference in its [effect](Entry::effect).
    pub entry: Entry,
    /// How safe it is.
    pub booking: Booking,
    /// Whether it was there already, with the same figures. While the database is away nobody can know, and it is
    /// false.
    pub replayed: bool,
}

/// The sum of the whole ledger: attempts and charges, of all principals and times. For the sum of one operation take
/// [`UsageAccumulator::of_entries`](crate::UsageAccumulator::of_entries), for that of a period the
/// [effects](Entry::effect) of its entries.
///
/// ```
/// use lattice_lock_billing::{AttemptId, Entry, Ledger, Money, OperationId, Outcome};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
/// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
/// let kept = ledger.record(entry.reported_cost(Money::cents(5)), None).await?.entry;
/// ledger.record(kept.corrected("invoice 4").reported_cost(Money::cents(4)), None).await?;
/// assert_eq!(
///     serde_json::to_value(ledger.total().await?).expect("plain data"),
///     serde_json::json!({"entries": 2, "unpriced": 0, "total_usd": "0.04"}),
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerTotal {
    /// How many entries there are, corrections and archived ones included: facts and not attempts.
    pub entries: u64,
    /// How many attempts have no known cost, as their last revisions say. Unless it is 0,
    /// [`total_usd`](Self::total_usd) is a lower bound.
    pub unpriced: i64,
    /// The sum of the known costs, as the last revisions say: in nano-USD and exact, of costs that were each rounded
    /// once. Estimated ones, charges and credits are in it.
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

/// What a ledger has under way: what to show in a health check. But for [`rejected`](Self::rejected), all is zero or
/// none when everything is in the database; in memory it always is.
///
/// ```
/// use lattice_lock_billing::{Ledger, LedgerStatus};
/// use lattice_lock_repository::Database;
///
/// let status = Ledger::new(&Database::in_memory()).status();
/// let is_healthy = status.away.is_none() && status.spool.is_none() && status.rejected == 0;
/// assert!(is_healthy && status == LedgerStatus::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LedgerStatus {
    /// How many writes wait for their turn, and are not acknowledged. Near the [bound](LedgerBuilder::queue) callers
    /// begin to wait.
    pub queued: usize,
    /// How many acknowledged writes wait for the database, in memory: they are lost if the process ends before they are
    /// written.
    pub waiting: usize,
    /// How many bytes of acknowledged writes wait for the database, in the spool. Those that are in the database by now
    /// count until all of them are, for the space is given back at once.
    pub spooled_bytes: u64,
    /// How many acknowledged writes the database then refused, such as a conflict, since the ledger was opened. Each
    /// was logged, as a whole where there is no spool; where there is one, it was written to the file beside it that
    /// ends with `.rejected`. Somebody has to look at it: an entry among them is money that is not in the ledger.
    pub rejected: u64,
    /// The code of the error that keeps the database away, while it is. It is known from the last write that was tried.
    pub away: Option<&'static str>,
    /// The code of the error that keeps the spool, or the file of what was rejected, from being written or read, while
    /// it does.
    pub spool: Option<&'static str>,
}

/// The most entries of one listing.
const LARGEST_LISTING: usize = 1000;

/// All entries: appended to, never changed.
///
/// Cheap to clone: clones write to the same place. In memory unless the database has tables. In memory each ledger that
/// is opened is one of its own, and is gone with its last clone.
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
///
/// | an attempt | is told to the ledger by |
/// |---|---|
/// | is about to be sent | [`intend`](Self::intend) |
/// | was, or may have been, billed | [`record`](Self::record) |
/// | was certainly not billed | [`withdraw`](Self::withdraw) |
/// | may have been sent, and cannot be booked | [`abandon`](Self::abandon) |
/// | was left open by a process that is gone | [`recover`](Self::recover) |
/// | was booked with wrong figures | [`record`](Self::record) of a [correction](Entry::corrected) |
///
/// Reading and adding up, [recovering](Self::recover) and [archiving](Self::archive) ask the database itself. They see
/// what is committed, and not what waits in memory or in a spool; while the database is away they fail with its error.
///
/// A future that is dropped does not undo what it began: a write is done whole or not at all, and asking once more
/// tells which. With tables, writes and [`flush`](Self::flush) are called within a Tokio runtime, which does the work
/// of all callers in a task of its own.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<dyn Store>,
    caller: Caller,
}

impl Ledger {
    /// The tables that a ledger needs, for [`Database::migrate`]. Opening a ledger makes none. Where they are missing,
    /// reading fails with the database's error, and writing is as if the database were away: an intent is refused, an
    /// entry waits, and [`LedgerStatus::away`] says why.
    ///
    /// ```
    /// use lattice_lock_billing::Ledger;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// # #[cfg(feature = "sqlite")] {
    /// let database = Database::sqlite_in_memory().await?;
    /// database.migrate(Ledger::MIGRATIONS).await?;
    /// let ledger = Ledger::new(&database);
    /// assert_eq!(ledger.total().await?.entries, 0);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "__sql")]
    pub const MIGRATIONS: &'static [MigrationSet] = &[sql::MIGRATIONS];
    /// The tables that a ledger needs: none in this build.
    #[cfg(not(feature = "__sql"))]
    pub const MIGRATIONS: &'static [MigrationSet] = &[];

    /// The ledger in this database, as a new instance and without a spool. It asks nothing of the database yet.
    ///
    /// Two ledgers in the same database with tables see the same entries, and are two instances. Two in memory see
    /// nothing of each other: clone the first one, or take [`as_instance`](Self::as_instance).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let database = Database::in_memory();
    /// let (ledger, other) = (Ledger::new(&database), Ledger::new(&database));
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// ledger.clone().record(entry, None).await?;
    /// assert_eq!((ledger.total().await?.entries, other.total().await?.entries), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(database: &Database) -> Self {
        LedgerBuilder::new(database).without_spool()
    }

    /// Starts to open the ledger in this database with options: a spool, the length of a lease, a clock. See
    /// [`LedgerBuilder`].
    #[must_use]
    pub fn builder(database: &Database) -> LedgerBuilder {
        LedgerBuilder::new(database)
    }

    /// Which instance the intents that are opened here are of: what tells them from those of other processes in the
    /// same database.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.caller.instance
    }

    /// Writes down that an attempt is about to be sent. Doing so again changes nothing, and neither does it once the
    /// attempt is booked: of two intents for one attempt the first one stays as it is.
    ///
    /// Send when this has returned, and not before: then a crash at any moment leaves either nothing, or an intent that
    /// a [recovery](Self::recover) finds. It is of this [instance](Self::instance), whatever it said, and while it is
    /// open the instance's [lease](LedgerBuilder::lease) is renewed.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Booking, Intent, Ledger, OperationId};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let booking = ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// assert_eq!(booking, Booking::Memory);
    /// assert_eq!(ledger.open_intents().await?[0].instance(), Some(ledger.instance()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LEDGER_UNAVAILABLE`](crate::codes::LEDGER_UNAVAILABLE) while the database is away and there is no spool;
    /// [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED), [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL): it is not noted, or
    /// will be withdrawn as soon as the database is back; those of the database. A future that is dropped before its
    /// end, or whose runtime stops ([`WRITE_INTERRUPTED`](crate::codes::WRITE_INTERRUPTED)), may have noted it:
    /// [`withdraw`](Self::withdraw) it, if it is not sent.
    pub async fn intend(&self, intent: Intent) -> Result<Booking> {
        let item = Item::Intend(self.own(intent));
        Ok(self.submit(item).await?.booking)
    }

    /// Books an entry and removes the intent of its attempt, together or not at all; `next`, the intent of a following
    /// attempt, comes with it. It needs no intent: an entry of an attempt that was never intended is booked as well.
    ///
    /// The same with the same figures is a replay: what is kept is returned and no entry changes. What comes after the
    /// attempt was given up by a [recovery](Self::recover) is booked as a correction of that.
    ///
    /// Everything that the entry says counts as its figures, also when it [happened](Entry::occurred_at): to try again,
    /// record a clone of the first one. What is once kept is never changed, so that an error about the entry leaves all
    /// that was there:
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, Money, OperationId, Outcome, codes};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let entry = entry.reported_cost(Money::cents(5));
    /// assert!(!ledger.record(entry.clone(), None).await?.replayed);
    /// assert!(ledger.record(entry.clone(), None).await?.replayed);
    ///
    /// let refused = ledger.record(entry.reported_cost(Money::cents(6)), None).await.unwrap_err();
    /// assert_eq!(refused.code(), codes::ENTRY_CONFLICT);
    /// assert_eq!(ledger.total().await?.total_usd.to_string(), "0.05");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An entry and the intent of the attempt that follows it are one transaction:
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Intent, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::FailureClass;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (first, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let model = |name: &str| name.parse::<lattice_lock_providers::ModelRef>();
    /// ledger.intend(Intent::new(first, &who, model("openai/gpt-5")?)).await?;
    ///
    /// let failed = Entry::new(first, &who, model("openai/gpt-5")?, Outcome::Failed(FailureClass::Timeout))?;
    /// let next = Intent::new(first.next_attempt(), &who, model("openai/gpt-5-mini")?);
    /// ledger.record(failed, Some(next)).await?;
    /// let open = ledger.open_intents().await?;
    /// assert_eq!((open.len(), open[0].attempt()), (1, first.next_attempt()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ENTRY_CONFLICT`](crate::codes::ENTRY_CONFLICT) when it was booked with other figures,
    /// [`NOTHING_TO_CORRECT`](crate::codes::NOTHING_TO_CORRECT), [`ENTRY_ARCHIVED`](crate::codes::ENTRY_ARCHIVED),
    /// [`OUT_OF_RANGE`](crate::codes::OUT_OF_RANGE) when a correction's difference is beyond ± 9.2 billion dollars:
    /// nothing changes. Where what is refused, by the database too, is no correction, the attempt's intent, if it is of
    /// this instance, is given up as by [`abandon`](Self::abandon).
    /// [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL) and [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED) while the database
    /// is away: the entry is not kept. [`LEDGER_UNAVAILABLE`](crate::codes::LEDGER_UNAVAILABLE) while it is away and
    /// there is no spool, only with `next`: the entry is kept, and what follows must not be sent.
    /// [`WRITE_INTERRUPTED`](crate::codes::WRITE_INTERRUPTED) when the runtime stops meanwhile; those of the database.
    pub async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
        let entry = Box::new(Stamped::new(entry.stamped(self.caller.now())));
        let next = next.map(|intent| self.own(intent));
        let Ack { done, booking } = self.submit(Item::Record { entry, next }).await?;
        match done {
            Done::Recorded {
                entry, replayed, ..
            } => Ok(Recorded {
                entry: Arc::unwrap_or_clone(entry),
                booking,
                replayed,
            }),
            Done::Noted | Done::Over => {
                Err(Error::new(LEDGER_CORRUPT, "a booking without an entry"))
            }
        }
    }

    /// Removes the intent of an attempt that was certainly not billed, such as one that was never sent; `next`, the
    /// intent of a following attempt, comes with it.
    ///
    /// Where there is no such intent, nothing happens; what is booked stays booked, and is [voided](Entry::voided)
    /// instead. Whatever may have been billed is not withdrawn but [recorded](Self::record), with an unknown cost if
    /// need be: a timeout is the usual case.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Intent, Ledger, OperationId};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// // No connection could be made.
    /// ledger.withdraw(attempt, None).await?;
    /// assert_eq!((ledger.open_intents().await?.len(), ledger.total().await?.entries), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`record`](Self::record), but for those about the entry; with `next`, as [`intend`](Self::intend): without a
    /// spool the withdrawal is kept all the same.
    pub async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<Booking> {
        let next = next.map(|intent| self.own(intent));
        let item = Item::Withdraw { attempt, next };
        Ok(self.submit(item).await?.booking)
    }

    /// Gives up an attempt that was intended here and may have been sent, but whose entry cannot be booked: from now on
    /// it is nobody's, and the next [recovery](Self::recover), in whichever process, holds or settles it. An entry that
    /// is recorded all the same ends it as ever.
    ///
    /// What the ledger itself refused to book is given up without this. An intent of another instance is left alone, as
    /// is one that is not there.
    ///
    /// Without it, an attempt whose entry nobody can make, such as where the task that sent it panicked, stays open for
    /// as long as this process lives and renews its lease.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Intent, Ledger, OperationId, Resolution};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// let settle = |intent: &Intent| Resolution::Settle(Box::new(intent.unknown()));
    /// assert!(ledger.recover(settle).await?.settled.is_empty());
    ///
    /// ledger.abandon(attempt).await?;
    /// assert_eq!(ledger.recover(settle).await?.settled.len(), 1);
    /// assert_eq!(ledger.total().await?.unpriced, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BACKLOG_FULL`](crate::codes::BACKLOG_FULL) and [`SPOOL_FAILED`](crate::codes::SPOOL_FAILED) while the database
    /// is away; those of the database.
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

    /// The entries of an operation, in the order of their attempts, each with its corrections after it. None where
    /// nothing is booked, where it was [archived](Self::archive), and of what still waits for the database. A charge is
    /// of no operation: it is found by [`list`](Self::list).
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (operation, who) = (OperationId::generate(), Principal::external("user-17")?);
    /// for number in [2, 1] {
    ///     let attempt = AttemptId::new(operation, 1, number);
    ///     let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    ///     let kept = ledger.record(entry, None).await?.entry;
    ///     ledger.record(kept.voided("a rehearsal"), None).await?;
    /// }
    /// let entries = ledger.of_operation(operation).await?;
    /// let order: Vec<_> = entries.iter().map(|it| (it.attempt().map(|at| at.attempt()), it.revision())).collect();
    /// assert_eq!(order, [(Some(1), 0), (Some(1), 1), (Some(2), 0), (Some(2), 1)]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LEDGER_FOREIGN`](crate::codes::LEDGER_FOREIGN) at an entry of a newer version, so that nobody misses it;
    /// [`LEDGER_CORRUPT`](crate::codes::LEDGER_CORRUPT); those of the database.
    pub async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        self.store.of_operation(operation).await
    }

    /// Up to `limit` entries after a position, in the order in which they were committed: whoever reads on from the
    /// last one misses none, however many processes write. Corrections and charges are among them; what was archived is
    /// not.
    ///
    /// It is how another system follows the ledger: write the last position down together with what was made of the
    /// entries.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let who = Principal::external("user-17")?;
    /// for _ in 0..5 {
    ///     let attempt = AttemptId::first(OperationId::generate());
    ///     ledger.record(Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?, None).await?;
    /// }
    /// let (mut seen, mut after) = (0, None);
    /// loop {
    ///     let page = ledger.list(after, 2).await?;
    ///     let Some(last) = page.last() else { break };
    ///     seen += page.len();
    ///     after = last.position();
    /// }
    /// assert_eq!(seen, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LISTING_TOO_LARGE`] unless `limit` is between 1 and 1000; those of [`of_operation`](Self::of_operation).
    pub async fn list(&self, after: Option<Position>, limit: usize) -> Result<Vec<Entry>> {
        if !(1..=LARGEST_LISTING).contains(&limit) {
            return Err(
                Error::new(LISTING_TOO_LARGE, "listing size out of range").with("limit", limit)
            );
        }
        self.store.list(after.unwrap_or_default(), limit).await
    }

    /// The sum of all entries, archived ones included, as it is committed now. It is added up from the rows each time,
    /// so that it costs more the more of them are not archived.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, Money, OperationId, Outcome};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let who = Principal::external("user-17")?;
    /// let attempt = || AttemptId::first(OperationId::generate());
    /// let entry = |attempt| Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied);
    /// ledger.record(entry(attempt())?.reported_cost(Money::cents(5)), None).await?;
    /// ledger.record(entry(attempt())?, None).await?;
    /// let total = ledger.total().await?;
    /// // One of the two has no known cost: it is counted, and not taken for zero.
    /// assert_eq!((total.entries, total.unpriced, total.total_usd.to_string()), (2, 1, "0.05".into()));
    /// # Ok(())
    /// # }
    /// ```
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
    /// It is for the end of a process, before the database is closed. With a spool it does not wait for a database that
    /// is away; without one it waits for it, up to the deadline. What is not written by then is not given up: it goes
    /// on for as long as the process lives. It also starts to replay a spool that a former process left. In memory
    /// there is nothing to wait for.
    ///
    /// ```
    /// use lattice_lock_billing::Ledger;
    /// use lattice_lock_repository::Database;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// # let ledger = Ledger::new(&Database::in_memory());
    /// ledger.flush(Duration::from_secs(10)).await?;
    /// let status = ledger.status();
    /// assert_eq!((status.queued, status.waiting), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`FLUSH_INCOMPLETE`](crate::codes::FLUSH_INCOMPLETE) when the deadline passes before.
    pub async fn flush(&self, deadline: Duration) -> Result<()> {
        self.store.flush(deadline).await
    }

    /// What is under way in this process: of other instances it says nothing. It asks nobody, and so is quick and never
    /// fails.
    #[must_use]
    pub fn status(&self) -> LedgerStatus {
        self.store.status()
    }

    /// Attempts that were intended and never booked, of every instance, held ones included, in no particular order.
    /// Those that a newer version wrote, and that this one cannot read, are left out: a [recovery](Self::recover)
    /// counts the ones it leaves to it.
    ///
    /// Most of them are under way. What somebody has to look at are those that are [held](Intent::is_held):
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Intent, Ledger, OperationId, Resolution};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// ledger.abandon(attempt).await?;
    /// ledger.recover(|_| Resolution::Hold).await?;
    /// let held: Vec<_> = ledger.open_intents().await?.into_iter().filter(Intent::is_held).collect();
    /// assert_eq!((held.len(), held[0].attempt()), (1, attempt));
    /// # Ok(())
    /// # }
    /// ```
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
