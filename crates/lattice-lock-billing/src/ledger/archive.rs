use std::fmt::Write as _;
use std::io::Write;
use std::ops::Range;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{LARGEST_LISTING, Ledger, LedgerTotal};
use crate::codes::{EXPORT_FAILED, PERIOD_OPEN};
use crate::{Entry, Intent, Position};

/// From a moment on and up to another one, which is not part of it: so periods that follow each other share no entry
/// and leave none out. One that ends before it begins has nothing in it.
///
/// Moments are microseconds in UTC. A month of an office's own time zone is a matter of its two moments:
///
/// ```
/// use lattice_lock_billing::Period;
/// use lattice_lock_repository::Timestamp;
///
/// let at = |text: &str| {
///     let moment: jiff::Timestamp = text.parse().expect("a moment");
///     Timestamp::from_micros(moment.as_microsecond())
/// };
/// let november = Period::new(at("2026-11-01T00:00:00+01:00"), at("2026-12-01T00:00:00+01:00"));
/// assert!(november.contains(at("2026-10-31T23:00:00Z")));
/// assert!(november.contains(at("2026-11-30T22:59:59.999999Z")));
/// assert!(!november.contains(at("2026-11-30T23:00:00Z")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Period {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Period {
    /// From the first moment, which is part of it, up to the second, which is not. A range `from..to` of moments is one
    /// too.
    #[must_use]
    pub const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// Whether a moment is part of it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.from..self.to).contains(&at)
    }

    /// Whether an attempt that is still open may turn out to have happened in it.
    pub(crate) fn begins_in(&self, intent: &Intent) -> bool {
        intent.opened_at < self.to
    }
}

impl From<Range<Timestamp>> for Period {
    fn from(range: Range<Timestamp>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// What was [exported](Ledger::export) of a period: enough to make sure that the ledger still says so.
///
/// It cannot be made by hand or read back. If the process ends between exporting and archiving, export again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Archive {
    /// Its key: a UUID of version 7, so that later ones are greater.
    pub id: Uuid,
    /// Which period.
    pub period: Period,
    /// The last position that the ledger had when the export began: what was committed later is not in it.
    pub up_to: Position,
    /// The sum of the exported entries: how many, the dollars by which they change the total, and by how much the
    /// number of unpriced attempts.
    pub total: LedgerTotal,
    /// The SHA-256 of what was written, in hexadecimal: that of the file, if it holds nothing else.
    pub sha256: String,
}

impl Archive {
    /// Refuses to archive what is not what was exported, or a period of which something is still open: an attempt, or
    /// an entry whose correction would stay without it.
    pub(super) fn require_same(&self, total: LedgerTotal, is_open: bool) -> Result<()> {
        if is_open || total != self.total {
            return Err(Error::new(PERIOD_OPEN, "the period is not closed"));
        }
        Ok(())
    }
}

impl Ledger {
    /// Writes the entries of a period that is over as lines of JSON, in the order in which they were committed. Nothing
    /// is removed yet: see that the file is safe, then [`archive`](Self::archive) it.
    ///
    /// An entry belongs to the period in which it [happened](Entry::happened_at), a correction with what it corrects
    /// unless it was dated anew. A line has all that the entry says: amounts as text in dollars, moments and the
    /// latency as integers of microseconds, discounts in millionths, and what is not known as `null` or not at all. It
    /// may run again, and into a file that is thrown away, such as to see what a period came to.
    ///
    /// Entries are read a thousand at a time; the file is written on this thread and flushed, and not synced.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome, Period};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::{Database, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let day = Timestamp::from_micros(1_761_955_200_000_000); // 2025-11-01
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// ledger.record(entry.reported_cost("0.02".parse()?).occurred_at(day), None).await?;
    ///
    /// let mut file = Vec::new();
    /// let hour = Period::new(day, Timestamp::from_micros(day.as_micros() + 3_600_000_000));
    /// let archive = ledger.export(hour, &mut file).await?;
    /// assert_eq!((archive.total.entries, archive.total.total_usd.to_string()), (1, "0.02".into()));
    /// let line: serde_json::Value = serde_json::from_slice(&file).expect("one line");
    /// assert_eq!(line["cost"], serde_json::json!({"state": "provider_reported", "amount": "0.02"}));
    /// assert_eq!(line["occurred_at"], day.as_micros());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PERIOD_OPEN`] while it is not over, by this process's clock; [`EXPORT_FAILED`]; those of [`list`](Self::list).
    /// What was written before an error is no archive.
    pub async fn export(&self, period: Period, file: &mut (impl Write + Send)) -> Result<Archive> {
        if period.to > self.caller.now() {
            return Err(Error::new(PERIOD_OPEN, "the period is not over"));
        }
        let up_to = self.store.head().await?;
        let (mut digest, mut total) = (Sha256::new(), LedgerTotal::default());
        let mut after = Position::default();
        loop {
            let page = self.store.within(period, after, LARGEST_LISTING).await?;
            let page = page.iter().filter(|entry| entry.position <= Some(up_to));
            let before = after;
            for entry in page {
                let line = line(entry)?;
                file.write_all(&line).map_err(|error| failed(&error))?;
                digest.update(&line);
                total = total.plus(LedgerTotal::of_one(entry));
                after = entry.position().unwrap_or(up_to);
            }
            if after == before {
                break;
            }
        }
        file.flush().map_err(|error| failed(&error))?;
        Ok(Archive {
            id: Uuid::now_v7(),
            period,
            up_to,
            total,
            sha256: hex(&digest.finalize()),
        })
    }

    /// Removes the entries that were exported, all together. Their totals stay part of [`total`](Self::total), and
    /// their keys are kept, so that none of them is ever booked again.
    ///
    /// From then on the file is the only place that has the entries themselves: they can be neither read nor corrected
    /// here, and what is still owed for one is a [charge](Entry::charge). Archiving the same once more changes nothing,
    /// so that whoever did not hear of its end asks again. It is one transaction, which keeps other writers waiting for
    /// as long as it takes.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome, Period, codes};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::{Database, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (attempt, who) = (AttemptId::first(OperationId::generate()), Principal::external("user-17")?);
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    /// let entry = entry.reported_cost("0.02".parse()?).occurred_at(Timestamp::from_micros(1));
    /// ledger.record(entry.clone(), None).await?;
    ///
    /// let mut file = Vec::new();
    /// let period = Period::new(Timestamp::from_micros(0), Timestamp::from_micros(2));
    /// let archive = ledger.export(period, &mut file).await?;
    /// ledger.archive(&archive).await?;
    /// assert!(ledger.of_operation(attempt.operation()).await?.is_empty());
    /// assert_eq!(ledger.total().await?.total_usd.to_string(), "0.02");
    /// assert_eq!(ledger.record(entry, None).await.unwrap_err().code(), codes::ENTRY_ARCHIVED);
    /// assert_eq!(ledger.archives().await?, [archive]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PERIOD_OPEN`] when an attempt that was intended before the period's end is still open, held ones included, its
    /// entries are not those that were exported, or one was corrected since, or into another period that is still
    /// there: nothing is removed. Those of the database.
    pub async fn archive(&self, archive: &Archive) -> Result<()> {
        self.store.archive(archive).await
    }

    /// What was archived, the oldest first: which periods, their sums, and the SHA-256 by which each file is known.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn archives(&self) -> Result<Vec<Archive>> {
        self.store.archives().await
    }
}

fn line(entry: &Entry) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)
        .map_err(|error| Error::new(EXPORT_FAILED, "an entry has no text").with_foreign(&error))?;
    line.push(b'\n');
    Ok(line)
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(EXPORT_FAILED, "writing failed").with_foreign(error)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
