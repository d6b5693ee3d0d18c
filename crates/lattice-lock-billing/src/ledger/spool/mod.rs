//! Writes on the disk, for as long as the database is away.
//!
//! Records are written and synced, and then the mark behind them: what is before the mark was acknowledged and has to
//! be whole, what is behind it was not. So a torn tail is told from damage.

mod file;
mod format;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lattice_lock_errors::{Error, Result};

use self::file::failed;
use self::format::{HEADER, Mark, PREFIX};
use super::books::Item;
use crate::codes::{BACKLOG_FULL, SPOOL_CORRUPT, SPOOL_FAILED};

/// A file of writes, which no other process has as long as this one does.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    path: PathBuf,
    mark: Mark,
    /// Up to where it was replayed.
    read: u64,
    most: u64,
    /// Whether a mark that failed may be on the disk, ahead of the one that holds.
    is_unsure: bool,
    /// How many bytes of a write that was never acknowledged were cut off when it was opened.
    pub(super) torn: u64,
}

impl Spool {
    pub(super) fn open(path: &Path, most: u64) -> Result<Self> {
        let mut spool = Self {
            file: file::open(path)?,
            path: path.to_owned(),
            mark: Mark::FIRST,
            read: HEADER,
            most,
            is_unsure: false,
            torn: 0,
        };
        spool.check()?;
        Ok(spool)
    }

    /// Reads the whole file, and changes nothing unless all that was acknowledged is there.
    fn check(&mut self) -> Result<()> {
        let length = self.file.metadata().map_err(|error| failed(&error))?.len();
        let mut header = vec![0; usize::try_from(length.min(HEADER)).unwrap_or(0)];
        self.read_at(0, &mut header)?;
        let (mark, is_certain) = format::read_header(&header)?;
        if length < mark.end {
            return Err(damaged(length));
        }
        self.mark = mark;
        // If the newer mark is the damaged one, then what it acknowledged is whole and ends with the file.
        let end = if is_certain { mark.end } else { length };
        let mut at = HEADER;
        while at < end {
            at = self.record(at, end)?.1;
        }
        self.torn = length - end;
        if self.torn > 0 {
            self.file.set_len(end).map_err(|error| failed(&error))?;
        }
        if is_certain {
            return Ok(());
        }
        self.put(mark.next(mark.epoch, end))
    }

    /// The text of a write, as it is [appended](Self::append).
    pub(super) fn text(item: &Item) -> Result<Vec<u8>> {
        format::text(item)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.mark.end == HEADER
    }

    pub(super) fn bytes(&self) -> u64 {
        self.mark.end - HEADER
    }

    /// Writes as many of these [texts](Self::text) as fit, and says how many. They are on the disk when this returns;
    /// on an error none counts.
    pub(super) fn append(&mut self, texts: &[Vec<u8>]) -> Result<usize> {
        self.require_place()?;
        self.require_mark()?;
        let (mut bytes, mut fit) = (Vec::new(), 0);
        for text in texts {
            let at = self.mark.end + bytes.len() as u64;
            if at + (PREFIX + text.len()) as u64 > self.most {
                break;
            }
            bytes.extend(format::record(self.mark.epoch, at, text));
            fit += 1;
        }
        if fit == 0 {
            return Ok(0);
        }
        let end = self.mark.end + bytes.len() as u64;
        if let Err(error) = self.write_at(self.mark.end, &bytes) {
            self.trim();
            return Err(error);
        }
        // If this fails, the mark may be on the disk all the same, so that the records stay.
        self.put(self.mark.next(self.mark.epoch, end))?;
        Ok(fit)
    }

    /// Undoes what was [appended](Self::append) behind this many [bytes](Self::bytes), as nobody was told of it.
    pub(super) fn take_back(&mut self, bytes: u64) {
        let before = self.mark.next(self.mark.epoch, HEADER + bytes);
        match self.put(before) {
            Ok(()) => self.trim(),
            // It is forgotten here at least.
            Err(_) => self.mark.end = before.end,
        }
    }

    /// The oldest writes that were not replayed, and the place behind them.
    pub(super) fn peek(&self, most: usize) -> Result<(Vec<Item>, u64)> {
        let (mut items, mut at) = (Vec::new(), self.read);
        while items.len() < most && at < self.mark.end {
            match self.record(at, self.mark.end) {
                Ok((item, next)) => {
                    items.push(item);
                    at = next;
                }
                Err(_) if !items.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok((items, at))
    }

    /// Forgets what is before this place. When all is replayed, the spool is empty again.
    pub(super) fn replayed(&mut self, up_to: u64) -> Result<()> {
        self.read = up_to.min(self.mark.end);
        if self.read == self.mark.end && !self.is_empty() {
            self.put(self.mark.next(self.mark.epoch + 1, HEADER))?;
            self.read = HEADER;
            self.trim();
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
        file::append(Path::new(&name), &text)
    }

    /// Writes nothing into a file that the next start would not find. If it was removed, there is another one with the
    /// same in it.
    fn require_place(&mut self) -> Result<()> {
        if file::is_at(&self.file, &self.path)? {
            return Ok(());
        }
        let length = usize::try_from(self.bytes()).map_err(|_| full())?;
        let mut records = vec![0; length];
        self.read_at(HEADER, &mut records)?;
        let contents = [format::header(self.mark), records].concat();
        let file = file::create(&self.path, &contents)?;
        self.file =
            file.ok_or_else(|| Error::new(SPOOL_FAILED, "another file is in the spool's place"))?;
        self.mark = self.mark.next(self.mark.epoch, self.mark.end);
        Ok(())
    }

    /// Writes over nothing that a mark on the disk may cover.
    fn require_mark(&mut self) -> Result<()> {
        if !self.is_unsure {
            return Ok(());
        }
        self.put(self.mark.next(self.mark.epoch, self.mark.end))?;
        // What a mark that is damaged acknowledged ends with the file.
        let trimmed = self.file.set_len(self.mark.end);
        self.is_unsure = trimmed.is_err();
        trimmed.map_err(|error| failed(&error))
    }

    fn record(&self, at: u64, end: u64) -> Result<(Item, u64)> {
        let is_within = |next: &u64| *next <= end;
        let text_at = Some(at + PREFIX as u64).filter(is_within);
        let text_at = text_at.ok_or_else(|| damaged(at))?;
        let mut prefix = [0; PREFIX];
        self.read_at(at, &mut prefix)?;
        let size = format::text_length(prefix).ok_or_else(|| damaged(at))?;
        let next = Some(text_at + size as u64).filter(is_within);
        let next = next.ok_or_else(|| damaged(at))?;
        let mut text = vec![0; size];
        self.read_at(text_at, &mut text)?;
        let item = format::item(self.mark.epoch, at, prefix, &text);
        Ok((item.ok_or_else(|| damaged(at))??, next))
    }

    /// Says up to where it is acknowledged. The older of the two marks makes room.
    fn put(&mut self, mark: Mark) -> Result<()> {
        let written = self.write_at(mark.place(), &mark.bytes());
        self.is_unsure = written.is_err();
        self.mark = if written.is_ok() {
            mark
        } else {
            self.mark.behind(mark)
        };
        written
    }

    /// Gives back the space behind the mark. What is there counts for nothing, so that this may fail.
    fn trim(&self) {
        let _ = self.file.set_len(self.mark.end);
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
}

fn damaged(at: u64) -> Error {
    Error::new(SPOOL_CORRUPT, "a damaged record").with("at", at)
}

/// What callers are told when nothing more fits.
pub(super) fn full() -> Error {
    Error::new(BACKLOG_FULL, "nothing more fits")
}
