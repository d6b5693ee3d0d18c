use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::Timestamp;

use super::books::{Done, Item};
use super::{Archive, Booking, LedgerStatus, LedgerTotal, Period};
use crate::{Entry, InstanceId, Intent, OperationId, Position};

pub(super) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who writes: one process, for as long as it renews its lease.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) instance: InstanceId,
    pub(super) lease: Duration,
    pub(super) clock: Option<Clock>,
}

impl Caller {
    pub(super) fn now(&self) -> Timestamp {
        self.now_or(Timestamp::now)
    }

    /// By the given clock, or by that of whoever keeps the ledger, which all processes share.
    pub(super) fn now_or(&self, shared: impl FnOnce() -> Timestamp) -> Timestamp {
        self.clock.as_ref().map_or_else(shared, |clock| clock())
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("instance", &self.instance)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// The acknowledgement of a write.
#[derive(Clone, Debug)]
pub(super) struct Ack {
    pub(super) done: Done,
    pub(super) booking: Booking,
}

/// Intents whose processes are gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Expired {
    pub(super) intents: Vec<Intent>,
    /// How many there are besides that a newer version wrote.
    pub(super) foreign: u64,
}

/// What is to become of an intent whose process is gone.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) intent: Intent,
    /// The write that ends it; none to hold it.
    pub(super) item: Option<Item>,
}

/// What became of a [`Verdict`].
#[derive(Clone, Debug)]
pub(super) enum Settled {
    Done,
    /// Somebody else was quicker, or its process is alive after all.
    Elsewhere,
    Refused(Error),
}

impl Settled {
    pub(super) fn of(done: Result<Done>) -> Self {
        match done {
            Ok(_) => Self::Done,
            Err(error) => Self::Refused(error),
        }
    }
}

/// What keeps entries and intents. Every implementation satisfies the same contract.
#[async_trait]
pub(super) trait Store: Send + Sync {
    /// Does one write, in its turn. It is whole or absent also where the future is dropped, and bears repetition.
    async fn submit(&self, caller: &Caller, item: Item) -> Result<Ack>;
    /// In the order of turns, attempts and revisions.
    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>>;
    /// In the order of positions, which is that of commits.
    async fn list(&self, after: Position, limit: usize) -> Result<Vec<Entry>>;
    /// [Listed](Self::list), of those that happened in a period.
    async fn within(&self, period: Period, after: Position, limit: usize) -> Result<Vec<Entry>>;
    /// Of all entries that there are and of all archives.
    async fn total(&self) -> Result<LedgerTotal>;
    /// Of every instance, held ones included, without those that only a newer version can read.
    async fn open_intents(&self) -> Result<Vec<Intent>>;
    /// Open intents of nobody, and those of other processes whose leases are over.
    async fn expired(&self, caller: &Caller, limit: usize) -> Result<Expired>;
    /// Does what was decided about expired intents, each only if it still is one.
    async fn settle(&self, caller: &Caller, verdicts: Vec<Verdict>) -> Result<Vec<Settled>>;
    /// Removes what was exported and keeps its total and its keys, if it is [what was exported](Archive::require_same);
    /// nothing if it was archived before.
    async fn archive(&self, archive: &Archive) -> Result<()>;
    /// The oldest first.
    async fn archives(&self) -> Result<Vec<Archive>>;
    /// The last position.
    async fn head(&self) -> Result<Position>;
    /// Waits until all that was begun is where it is safe.
    async fn flush(&self, deadline: Duration) -> Result<()>;
    fn status(&self) -> LedgerStatus;
}
