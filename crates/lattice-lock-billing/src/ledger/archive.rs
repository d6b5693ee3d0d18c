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

/// From a moment on and up to another one, which is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Period {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Period {
    /// This range.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Archive {
    /// Its key.
    pub id: Uuid,
    /// Which period.
    pub period: Period,
    /// The last position that was there.
    pub up_to: Position,
    /// The sum of the exported entries.
    pub total: LedgerTotal,
    /// The SHA-256 of what was written, in hexadecimal.
    pub sha256: String,
}

impl Archive {
    /// Refuses to archive what is not what was exported, or a period of which something is still open: an attempt, or an
    /// entry whose correction would stay without it.
    pub(super) fn require_same(&self, total: LedgerTotal, is_open: bool) -> Result<()> {
        if is_open || total != self.total {
            return Err(Error::new(PERIOD_OPEN, "the period is not closed"));
        }
        Ok(())
    }
}

impl Ledger {
    /// Writes the entries of a period that is over as lines of JSON, in the order in which they were committed. Nothing is
    /// removed yet: see that the file is safe, then [`archive`](Self::archive) it.
    ///
    /// # Errors
    ///
    /// [`PERIOD_OPEN`] while it is not over; [`EXPORT_FAILED`]; those of [`list`](Self::list).
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

    /// Removes the entries that were exported, all together. Their totals stay part of [`total`](Self::total), and their
    /// keys are kept, so that none of them is ever booked again.
    ///
    /// # Errors
    ///
    /// [`PERIOD_OPEN`] when an attempt of the period is still open, its entries are not those that were exported, or one
    /// was corrected since, or into another period that is still there: nothing is removed. Those of the database.
    pub async fn archive(&self, archive: &Archive) -> Result<()> {
        self.store.archive(archive).await
    }

    /// What was archived, the oldest first.
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
