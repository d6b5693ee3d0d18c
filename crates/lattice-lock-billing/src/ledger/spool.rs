//! Writes on the disk, for as long as the database is away.
//!
//! The file begins with [`MAGIC`]. Each record is its length (four bytes, little-endian), the first eight bytes of the
//! SHA-256 of its text, and the text, one write as JSON.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lattice_lock_errors::{Error, Result};
use sha2::{Digest, Sha256};

use super::books::Item;
use crate::codes::{BACKLOG_FULL, SPOOL_CORRUPT, SPOOL_FAILED, SPOOL_IN_USE};

const MAGIC: &[u8; 16] = b"lattice-spool 1\n";
const HEADER: u64 = MAGIC.len() as u64;
/// Length and checksum.
const PREFIX: usize = 12;
/// The longest text of a record. A longer one was not written by us.
const LONGEST: usize = 1 << 20;

/// A file of writes, which no other process has as long as this one does.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    path: PathBuf,
    /// Where the next record goes.
    end: u64,
    /// Up to where it was replayed.
    read: u64,
    most: u64,
    /// How many bytes of a write that was never acknowledged were cut off when it was opened.
    pub(super) torn: u64,
}

impl Spool {
    pub(super) fn open(path: &Path, most: u64) -> Result<Self> {
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = open.map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::new(SPOOL_IN_USE, "another process has the spool"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(&error)),
        }
        let mut spool = Self {
            file,
            path: path.to_owned(),
            end: HEADER,
            read: HEADER,
            most,
            torn: 0,
        };
        spool.check()?;
        Ok(spool)
    }

    /// Reads the whole file. Bytes behind the last whole record are of a write that a crash cut short; a damaged record
    /// with others behind it is something else, and left alone.
    fn check(&mut self) -> Result<()> {
        let length = self.length()?;
        let mut magic = vec![0; HEADER.min(length).try_into().unwrap_or(0)];
        self.read_at(0, &mut magic)?;
        if !MAGIC.starts_with(&magic) {
            return Err(Error::new(SPOOL_CORRUPT, "not a spool"));
        }
        if length < HEADER {
            return self.begin();
        }
        while let Some(record) = self.record(self.end, length)? {
            self.end = record.next;
        }
        if self.is_damaged(length)? {
            return Err(Error::new(SPOOL_CORRUPT, "a damaged record").with("at", self.end));
        }
        self.torn = length - self.end;
        if self.torn > 0 {
            self.cut(self.end)?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        self.write_at(0, MAGIC)?;
        let folder = self.path.parent().filter(|it| !it.as_os_str().is_empty());
        // The file's name is kept by its folder.
        let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|it| it.sync_all());
        synced.map_err(|error| failed(&error))
    }

    /// Whether the record that could not be read is whole, or has others behind it.
    fn is_damaged(&self, length: u64) -> Result<bool> {
        if length - self.end < PREFIX as u64 {
            return Ok(false);
        }
        let mut prefix = [0; PREFIX];
        self.read_at(self.end, &mut prefix)?;
        // A file that grew and was not written to yet is full of zeros.
        if prefix == [0; PREFIX] {
            return self.is_zero(length).map(|zero| !zero);
        }
        let size = text_length(&prefix);
        if size > LONGEST {
            return Ok(true);
        }
        let next = self.end + (PREFIX + size) as u64;
        Ok(next < length && self.record(next, length)?.is_some())
    }

    fn is_zero(&self, length: u64) -> Result<bool> {
        let mut rest = vec![0; usize::try_from(length - self.end).unwrap_or(0)];
        self.read_at(self.end, &mut rest)?;
        Ok(rest.iter().all(|byte| *byte == 0))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.read == self.end
    }

    pub(super) fn bytes(&self) -> u64 {
        self.end - HEADER
    }

    /// Writes as many of these as fit, and says how many. They are on the disk when this returns; on an error none is.
    pub(super) fn append(&mut self, items: &[Item]) -> Result<usize> {
        let (mut bytes, mut fit) = (Vec::new(), 0);
        for item in items {
            let record = encode(item)?;
            if self.end + (bytes.len() + record.len()) as u64 > self.most {
                break;
            }
            bytes.extend(record);
            fit += 1;
        }
        if fit == 0 {
            return Ok(0);
        }
        if let Err(error) = self.write_at(self.end, &bytes) {
            // Half a record would be taken for a torn one, and what is written behind it for damage.
            self.cut(self.end)?;
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(fit)
    }

    /// The oldest writes that were not replayed, and the place behind them.
    pub(super) fn peek(&self, most: usize) -> Result<(Vec<Item>, u64)> {
        let (mut items, mut at) = (Vec::new(), self.read);
        while items.len() < most {
            let Some(record) = self.record(at, self.end)? else {
                break;
            };
            items.push(record.item);
            at = record.next;
        }
        if items.is_empty() && !self.is_empty() {
            return Err(Error::new(SPOOL_CORRUPT, "a damaged record").with("at", at));
        }
        Ok((items, at))
    }

    /// Forgets what is before this place. When all is replayed, the file is empty again.
    pub(super) fn replayed(&mut self, up_to: u64) -> Result<()> {
        self.read = up_to;
        if self.is_empty() {
            self.cut(HEADER)?;
            (self.read, self.end) = (HEADER, HEADER);
        }
        Ok(())
    }

    /// Keeps what the ledger refused, in a file beside it.
    pub(super) fn reject(&self, items: &[(Item, String)]) -> Result<()> {
        let mut text = Vec::new();
        for (item, code) in items {
            let line = serde_json::json!({"code": code, "write": item});
            text.extend(line.to_string().into_bytes());
            text.push(b'\n');
        }
        let mut name = self.path.clone().into_os_string();
        name.push(".rejected");
        let file = OpenOptions::new().create(true).append(true).open(name);
        let written = file.and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(|error| failed(&error))
    }

    fn record(&self, at: u64, end: u64) -> Result<Option<Record>> {
        if end.saturating_sub(at) < PREFIX as u64 {
            return Ok(None);
        }
        let mut prefix = [0; PREFIX];
        self.read_at(at, &mut prefix)?;
        let size = text_length(&prefix);
        let next = at + (PREFIX + size) as u64;
        if size > LONGEST || next > end {
            return Ok(None);
        }
        let mut text = vec![0; size];
        self.read_at(at + PREFIX as u64, &mut text)?;
        if prefix[4..] != checksum(&text) {
            return Ok(None);
        }
        let item = serde_json::from_slice(&text);
        Ok(item.ok().map(|item| Record { item, next }))
    }

    fn length(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(|error| failed(&error))?;
        Ok(metadata.len())
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        let mut file = &self.file;
        let read = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.read_exact(bytes));
        read.map_err(|error| failed(&error))
    }

    fn write_at(&self, at: u64, bytes: &[u8]) -> Result<()> {
        let mut file = &self.file;
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| {
            file.write_all(bytes)?;
            file.sync_data()
        });
        written.map_err(|error| failed(&error))
    }

    fn cut(&self, at: u64) -> Result<()> {
        let cut = self.file.set_len(at).and_then(|()| self.file.sync_data());
        cut.map_err(|error| failed(&error))
    }
}

struct Record {
    item: Item,
    next: u64,
}

fn encode(item: &Item) -> Result<Vec<u8>> {
    let text = serde_json::to_vec(item)
        .map_err(|error| Error::new(SPOOL_FAILED, "a write has no text").with_foreign(&error))?;
    let size = u32::try_from(text.len())
        .ok()
        .filter(|size| *size as usize <= LONGEST)
        .ok_or_else(|| Error::new(SPOOL_FAILED, "a write is too long"))?;
    let mut record = Vec::with_capacity(PREFIX + text.len());
    record.extend(size.to_le_bytes());
    record.extend(checksum(&text));
    record.extend(text);
    Ok(record)
}

fn text_length(prefix: &[u8; PREFIX]) -> usize {
    u32::from_le_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]) as usize
}

fn checksum(text: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(text)[..8]);
    sum
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(SPOOL_FAILED, "the spool failed").with_foreign(error)
}

/// What callers are told when nothing more fits.
pub(super) fn full() -> Error {
    Error::new(BACKLOG_FULL, "nothing more fits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AttemptId, OperationId};
    use tempfile::TempDir;

    const HEADER_LENGTH: usize = MAGIC.len();

    fn items(range: std::ops::Range<u16>) -> Vec<Item> {
        let operation = OperationId::from_uuid(uuid::Uuid::from_u128(7));
        let item = |n| Item::Withdraw {
            attempt: AttemptId::new(operation, 1, n),
            next: None,
        };
        range.map(item).collect()
    }

    fn place() -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("spool");
        (folder, path)
    }

    fn all(spool: &Spool) -> Vec<Item> {
        spool.peek(1000).unwrap().0
    }

    #[test]
    fn what_was_written_is_there_again_after_a_restart() {
        let (_folder, path) = place();
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        assert!(spool.is_empty());
        spool.append(&items(0..3)).unwrap();
        spool.append(&items(3..5)).unwrap();
        drop(spool);
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        assert_eq!(all(&spool), items(0..5));
        let (first, place) = spool.peek(2).unwrap();
        assert_eq!(first, items(0..2));
        spool.replayed(place).unwrap();
        assert_eq!(all(&spool), items(2..5));
        drop(spool);
        // Only all of it is forgotten: to replay some of it twice changes nothing.
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        let (again, place) = spool.peek(1000).unwrap();
        assert_eq!(again, items(0..5));
        spool.replayed(place).unwrap();
        assert!(spool.is_empty());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), HEADER);
    }

    #[test]
    fn two_never_share_one() {
        let (_folder, path) = place();
        let first = Spool::open(&path, 1 << 20).unwrap();
        let second = Spool::open(&path, 1 << 20).unwrap_err();
        assert_eq!(second.code(), SPOOL_IN_USE);
        drop(first);
        Spool::open(&path, 1 << 20).unwrap();
    }

    #[test]
    fn a_torn_tail_is_cut_off_wherever_it_was_torn() {
        let (_folder, path) = place();
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        spool.append(&items(0..2)).unwrap();
        let whole = spool.end;
        spool.append(&items(2..3)).unwrap();
        drop(spool);
        let bytes = std::fs::read(&path).unwrap();
        for length in usize::try_from(whole).unwrap()..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let mut spool = Spool::open(&path, 1 << 20).unwrap();
            assert_eq!(
                (all(&spool), spool.torn),
                (items(0..2), length as u64 - whole)
            );
            spool.append(&items(5..6)).unwrap();
            drop(spool);
            let spool = Spool::open(&path, 1 << 20).unwrap();
            assert_eq!(all(&spool).len(), 3);
        }
        for length in 0..=HEADER_LENGTH {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Spool::open(&path, 1 << 20).unwrap().is_empty());
        }
        let zeros = [&bytes[..], &[0; 100]].concat();
        std::fs::write(&path, zeros).unwrap();
        assert_eq!(all(&Spool::open(&path, 1 << 20).unwrap()), items(0..3));
    }

    #[test]
    fn a_damaged_record_in_the_middle_is_refused_and_left_alone() {
        let (_folder, path) = place();
        let mut spool = Spool::open(&path, 1 << 20).unwrap();
        spool.append(&items(0..3)).unwrap();
        drop(spool);
        let bytes = std::fs::read(&path).unwrap();
        let second = HEADER_LENGTH + PREFIX + text_length(bytes[16..28].try_into().unwrap());
        for place in [HEADER_LENGTH + 20, HEADER_LENGTH + 5, second + 30] {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            let refused = Spool::open(&path, 1 << 20).unwrap_err();
            assert_eq!(refused.code(), SPOOL_CORRUPT, "{place}");
            assert_eq!(std::fs::read(&path).unwrap(), damaged);
        }
        std::fs::write(&path, "somebody's diary, and a long one").unwrap();
        assert_eq!(
            Spool::open(&path, 1 << 20).unwrap_err().code(),
            SPOOL_CORRUPT
        );
    }

    #[test]
    fn it_is_never_larger_than_it_may_be() {
        let (_folder, path) = place();
        let mut spool = Spool::open(&path, 1000).unwrap();
        let fit = spool.append(&items(0..100)).unwrap();
        assert!((1..100).contains(&fit));
        assert_eq!(spool.append(&items(0..1)).unwrap(), 0);
        assert!(std::fs::metadata(&path).unwrap().len() <= 1000);
        assert_eq!(all(&spool).len(), fit);
    }

    #[test]
    fn what_was_refused_is_kept_beside_it() {
        let (folder, path) = place();
        let spool = Spool::open(&path, 1000).unwrap();
        let refused = items(0..1).remove(0);
        spool.reject(&[(refused, "LL-BIL-004".into())]).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("spool.rejected")).unwrap();
        assert!(kept.contains("LL-BIL-004") && kept.contains("withdraw"));
    }
}
