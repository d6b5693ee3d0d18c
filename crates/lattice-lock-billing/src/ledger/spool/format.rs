//! How a spool looks on the disk.
//!
//! A header comes first: [`MAGIC`], then two places for a [`Mark`], of which the one with the higher number holds. Then
//! records: the length of the text (four bytes, little-endian), the first eight bytes of the SHA-256 of the epoch, the
//! record's place, the length and the text, and the text, one write as JSON.

use lattice_lock_errors::{Error, Result};
use sha2::{Digest, Sha256};

use crate::codes::{SPOOL_CORRUPT, SPOOL_FAILED, SPOOL_FOREIGN};
use crate::ledger::books::Item;

const MAGIC: &[u8; 16] = b"lattice-spool 2\n";
/// What the files of all versions begin with.
const KIN: usize = 14;
const MARK: usize = 32;
/// What comes before the records.
pub(super) const HEADER: u64 = (MAGIC.len() + 2 * MARK) as u64;
/// Length and checksum.
pub(super) const PREFIX: usize = 12;
/// The longest text of a record. A longer one was not written by us.
const LONGEST: usize = 1 << 20;

/// Up to where a spool was acknowledged. Two are kept, so that one is whole while the other one is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many were written before it.
    number: u64,
    /// How often the spool was emptied: what is left of a former epoch is no record of this one.
    pub(super) epoch: u64,
    /// Behind the last acknowledged record.
    pub(super) end: u64,
}

impl Mark {
    /// That of a spool in which nothing is.
    pub(super) const FIRST: Self = Self {
        number: 0,
        epoch: 0,
        end: HEADER,
    };

    /// The one that takes the place of the older one.
    pub(super) fn next(self, epoch: u64, end: u64) -> Self {
        let number = self.number.saturating_add(1);
        Self { number, epoch, end }
    }

    /// This one, so that the next takes the place of that one, which failed.
    pub(super) fn behind(self, failed: Self) -> Self {
        let number = failed.number.saturating_add(1);
        Self { number, ..self }
    }

    /// Where it is written.
    pub(super) fn place(self) -> u64 {
        MAGIC.len() as u64 + (self.number % 2) * MARK as u64
    }

    pub(super) fn bytes(self) -> [u8; MARK] {
        let mut bytes = [0; MARK];
        bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.end.to_le_bytes());
        let sum = checksum(&[&bytes[..24]]);
        bytes[24..].copy_from_slice(&sum);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let mark = Self {
            number: number(0)?,
            epoch: number(8)?,
            end: number(16)?,
        };
        (bytes == mark.bytes()).then_some(mark)
    }
}

/// What a new file begins with.
pub(super) fn header(mark: Mark) -> Vec<u8> {
    let other = mark.next(mark.epoch, mark.end);
    let mut marks = [mark, other];
    marks.sort_by_key(|mark| mark.place());
    [&MAGIC[..], &marks[0].bytes(), &marks[1].bytes()].concat()
}

/// The mark that holds, and whether that is certain: if the other one is damaged, it may have been the newer one.
pub(super) fn read_header(bytes: &[u8]) -> Result<(Mark, bool)> {
    let (magic, marks) = bytes.split_at_checked(MAGIC.len()).unwrap_or((bytes, &[]));
    if magic != MAGIC {
        return Err(
            if magic.starts_with(&MAGIC[..KIN]) && magic.len() == MAGIC.len() {
                Error::new(SPOOL_FOREIGN, "a spool of another version")
            } else {
                Error::new(SPOOL_CORRUPT, "not a spool")
            },
        );
    }
    let (first, second) = marks.split_at_checked(MARK).unwrap_or((marks, &[]));
    match (Mark::read(first), Mark::read(second)) {
        (Some(first), Some(second)) if first.number > second.number => Ok((first, true)),
        (Some(_), Some(second)) => Ok((second, true)),
        (Some(only), None) | (None, Some(only)) => Ok((only, false)),
        (None, None) => Err(Error::new(SPOOL_CORRUPT, "a damaged header")),
    }
}

/// The text of a write.
pub(super) fn text(item: &Item) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(item)
        .map_err(|error| Error::new(SPOOL_FAILED, "a write has no text").with_foreign(&error))?;
    if text.len() > LONGEST {
        return Err(Error::new(SPOOL_FAILED, "a write is too long").with("bytes", text.len()));
    }
    Ok(text)
}

/// A record at this place.
pub(super) fn record(epoch: u64, at: u64, text: &[u8]) -> Vec<u8> {
    // Its length was looked at when the text was made.
    let size = u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = record_sum(epoch, at, size, text);
    [&size[..], &sum, text].concat()
}

/// How long the text of a record is; none if nobody wrote one of this length.
pub(super) fn text_length(prefix: [u8; PREFIX]) -> Option<usize> {
    let size = u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
    usize::try_from(size).ok().filter(|size| *size <= LONGEST)
}

/// The write in a record's text; none if it is not what was written.
pub(super) fn item(epoch: u64, at: u64, prefix: [u8; PREFIX], text: &[u8]) -> Option<Result<Item>> {
    let size = [prefix[0], prefix[1], prefix[2], prefix[3]];
    let is_whole = prefix[4..] == record_sum(epoch, at, size, text);
    let foreign = || Error::new(SPOOL_FOREIGN, "a write of another version").with("at", at);
    is_whole.then(|| serde_json::from_slice(text).map_err(|_| foreign()))
}

fn record_sum(epoch: u64, at: u64, size: [u8; 4], text: &[u8]) -> [u8; 8] {
    checksum(&[&epoch.to_le_bytes(), &at.to_le_bytes(), &size, text])
}

fn checksum(parts: &[&[u8]]) -> [u8; 8] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    let mut sum = [0; 8];
    sum.copy_from_slice(&digest.finalize()[..8]);
    sum
}
