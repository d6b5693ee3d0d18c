//! The files of a spool: who may read them, who has them, and whether they are where they were.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use lattice_lock_errors::{Error, Result};
use uuid::Uuid;

use super::format::{self, Mark};
use crate::codes::{SPOOL_FAILED, SPOOL_IN_USE};

/// The spool at this path, which is made if nothing is there, for this process alone.
pub(super) fn open(path: &Path) -> Result<File> {
    loop {
        if let Some(file) = existing(path)? {
            return Ok(file);
        }
        if let Some(file) = create(path, &format::header(Mark::FIRST))? {
            return Ok(file);
        }
    }
}

fn existing(path: &Path) -> Result<Option<File>> {
    if metadata(path)?.is_none() {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| failed(&error))?;
    lock(&file)?;
    // Whoever had it before may have put another one there.
    Ok(is_at(&file, path)?.then_some(file))
}

/// A file with these contents, whole from the moment that it is there; none if another one was quicker.
pub(super) fn create(path: &Path, contents: &[u8]) -> Result<Option<File>> {
    let mut name = path.to_owned().into_os_string();
    name.push(format!(".{}", Uuid::new_v4().simple()));
    let draft = PathBuf::from(name);
    let made = write_new(&draft, contents).and_then(|file| {
        lock(&file)?;
        match std::fs::hard_link(&draft, path) {
            Ok(()) => sync_folder(path).map(|()| Some(file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    });
    // The file has its own name by now, or is not wanted.
    let _ = std::fs::remove_file(&draft);
    made
}

fn write_new(path: &Path, contents: &[u8]) -> Result<File> {
    let mut options = private();
    let file = options.read(true).write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()?;
        Ok(file)
    });
    written.map_err(|error| failed(&error))
}

/// Adds to the end of a file: all of it, or nothing as far as the disk still allows that.
pub(super) fn append(path: &Path, text: &[u8]) -> Result<()> {
    let is_new = metadata(path)?.is_none();
    let file = private().create(true).append(true).open(path);
    let mut file = file.map_err(|error| failed(&error))?;
    let before = file.metadata().map_err(|error| failed(&error))?.len();
    if let Err(error) = file.write_all(text).and_then(|()| file.sync_all()) {
        let _ = file.set_len(before);
        return Err(failed(&error));
    }
    if is_new { sync_folder(path) } else { Ok(()) }
}

/// Whether this is the file at that path; an error if another one is.
pub(super) fn is_at(file: &File, path: &Path) -> Result<bool> {
    let Some(found) = metadata(path)? else {
        return Ok(false);
    };
    let own = file.metadata().map_err(|error| failed(&error))?;
    if is_same(&own, &found) {
        return Ok(true);
    }
    Err(Error::new(
        SPOOL_FAILED,
        "another file is in the spool's place",
    ))
}

/// What is known of the file at a path, if there is one; an error if it is a folder, a link or the like.
fn metadata(path: &Path) -> Result<Option<Metadata>> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(_) => Err(Error::new(SPOOL_FAILED, "not a plain file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

/// Files that nobody else may read: they say who calls what, and for how much.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn lock(file: &File) -> Result<()> {
    file.try_lock().map_err(|refused| match refused {
        TryLockError::WouldBlock => Error::new(SPOOL_IN_USE, "another process has the spool"),
        TryLockError::Error(error) => failed(&error),
    })
}

/// The file's name is kept by its folder.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|it| it.sync_all());
    synced.map_err(|error| failed(&error))
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn failed(error: &std::io::Error) -> Error {
    Error::new(SPOOL_FAILED, "the spool failed").with_foreign(error)
}
