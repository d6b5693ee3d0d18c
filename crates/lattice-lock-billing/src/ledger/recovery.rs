use lattice_lock_errors::{Error, Result};
use serde::Serialize;

use super::Ledger;
use super::books::{Item, Stamped};
use super::store::{Settled, Verdict};
use crate::codes::RESOLUTION_INVALID;
use crate::{Entry, EntryKind, Intent};

/// What is to become of an attempt whose process is gone.
///
/// Such an attempt may have been sent, answered and billed. So [`Settle`](Self::Settle) is what to decide where nothing
/// else is known: it is counted as unpriced, or with an [estimate](Entry::estimated), until somebody knows better.
///
/// ```
/// use lattice_lock_billing::{Intent, Ledger, Resolution};
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// # let ledger = Ledger::new(&Database::in_memory());
/// let done = ledger.recover(|intent| match intent.requested_model().provider().as_str() {
///     // Runs on our own machines and charges nothing.
///     "local" => Resolution::Withdraw,
///     _ => Resolution::Settle(Box::new(intent.unknown())),
/// });
/// assert_eq!(done.await?.left, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Resolution {
    /// It stays open, and no recovery asks again: somebody finds out, and records or withdraws it. It is in no total
    /// meanwhile, and keeps its period from being [archived](Ledger::archive).
    Hold,
    /// It is booked so: see [`Intent::unknown`]. It has to be an entry of the same attempt that corrects nothing.
    /// Should the process be alive after all, what it records is booked as a correction of this.
    Settle(Box<Entry>),
    /// It was certainly not billed: it leaves nothing behind. That somebody is gone is no proof of it; that the model
    /// runs on the host's own machines may be.
    Withdraw,
}

/// What a [recovery](Ledger::recover) did, for a log or an alert: what was settled is money that may have been spent
/// and that nobody has counted, and what is held waits for somebody.
///
/// Each of the attempts is the intent as it was, with whom it was for and which model it went to:
///
/// ```
/// use lattice_lock_billing::{AttemptId, Intent, Ledger, OperationId, Resolution};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let ledger = Ledger::new(&Database::in_memory());
/// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?.team("search"));
/// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
/// ledger.abandon(attempt).await?;
/// let done = ledger.recover(|_| Resolution::Hold).await?;
/// assert_eq!((done.settled.len(), done.held.len(), done.left, done.foreign), (0, 1, 0, 0));
/// assert_eq!(done.held[0].attribution().team(), Some("search"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Recovery {
    /// Attempts that were booked, as they were intended.
    pub settled: Vec<Intent>,
    /// Attempts that are held from now on; those of former recoveries are in [`Ledger::open_intents`].
    pub held: Vec<Intent>,
    /// Attempts that were withdrawn.
    pub withdrawn: Vec<Intent>,
    /// How many were taken by somebody else meanwhile, or turned out to be alive.
    pub left: usize,
    /// How many others are of a newer version, and left to its processes.
    pub foreign: u64,
}

/// How many intents are taken at a time.
const CHUNK: usize = 256;

impl Ledger {
    /// Finds the intents of processes whose leases are over, and does with each what `decide` says.
    ///
    /// It takes only what is still expired when it is taken: intents of processes that are alive, this one's own and
    /// those that are held are left alone; those that were [given up](Self::abandon) are taken, whoever gave them up.
    /// May run in any process at any time, also in many at once.
    ///
    /// `decide` is asked for up to 256 at a time, and those are ended in one transaction; it goes on until there are no
    /// more. Run it when a process starts, and every few minutes. After an outage of the database that was longer than
    /// a lease, wait for one lease first: until a process has renewed its own, it looks as if it were gone.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Intent, Ledger, OperationId, Outcome, Resolution};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// ledger.intend(Intent::new(attempt, &who, "openai/gpt-5".parse()?)).await?;
    /// ledger.abandon(attempt).await?;
    /// let done = ledger.recover(|intent| Resolution::Settle(Box::new(intent.unknown()))).await?;
    /// assert_eq!((done.settled.len(), ledger.total().await?.unpriced), (1, 1));
    ///
    /// // The reply comes after all.
    /// let reply = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let late = ledger.record(reply.reported_cost("0.02".parse()?), None).await?.entry;
    /// assert_eq!((late.revision(), late.reason()), (1, Some("late")));
    /// assert_eq!(ledger.total().await?.unpriced, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RESOLUTION_INVALID`] when an entry was decided that is not of the attempt, or a correction;
    /// [`ENTRY_CONFLICT`](crate::codes::ENTRY_CONFLICT) and the like when it cannot be booked; those of the database.
    /// What was done before stays done. A future that is dropped leaves each transaction whole or undone: run it again.
    pub async fn recover(
        &self,
        mut decide: impl FnMut(&Intent) -> Resolution + Send,
    ) -> Result<Recovery> {
        let mut recovery = Recovery::default();
        loop {
            let expired = self.store.expired(&self.caller, CHUNK).await?;
            recovery.foreign = expired.foreign;
            if expired.intents.is_empty() {
                return Ok(recovery);
            }
            let resolved: Vec<_> = expired
                .intents
                .into_iter()
                .map(|intent| (decide(&intent), intent))
                .collect();
            let verdicts = resolved
                .iter()
                .map(|(resolution, intent)| self.verdict(resolution, intent))
                .collect::<Result<_>>()?;
            let settled = self.store.settle(&self.caller, verdicts).await?;
            for ((resolution, intent), settled) in resolved.into_iter().zip(settled) {
                recovery.note(&resolution, intent, settled)?;
            }
        }
    }

    fn verdict(&self, resolution: &Resolution, intent: &Intent) -> Result<Verdict> {
        let item = match resolution {
            Resolution::Hold => None,
            // It would leave the intent open, to be asked about again.
            Resolution::Settle(entry) if !settles(entry, intent) => {
                return Err(
                    Error::new(RESOLUTION_INVALID, "another entry than asked for")
                        .with("attempt", intent.attempt)
                        .with("entry", entry.idempotency_key()),
                );
            }
            Resolution::Settle(entry) => Some(Item::Record {
                entry: Box::new(Stamped::new(
                    entry.as_ref().clone().stamped(self.caller.now()),
                )),
                next: None,
            }),
            Resolution::Withdraw => Some(Item::Withdraw {
                attempt: intent.attempt,
                next: None,
            }),
        };
        Ok(Verdict {
            intent: intent.clone(),
            item,
        })
    }
}

fn settles(entry: &Entry, intent: &Intent) -> bool {
    let is_first = entry.kind() == EntryKind::Usage && entry.revision() == 0;
    is_first && entry.attempt() == Some(intent.attempt)
}

impl Recovery {
    fn note(&mut self, resolution: &Resolution, intent: Intent, settled: Settled) -> Result<()> {
        match settled {
            Settled::Elsewhere => self.left += 1,
            Settled::Refused(error) => return Err(error),
            Settled::Done => match resolution {
                Resolution::Hold => self.held.push(intent),
                Resolution::Settle(_) => self.settled.push(intent),
                Resolution::Withdraw => self.withdrawn.push(intent),
            },
        }
        Ok(())
    }
}
