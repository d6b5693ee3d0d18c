use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::codes::{
    DATABASE_DISPOSED, DATABASE_UNREACHABLE, STORE_FULL, TRANSACTION_FAILED, UNIQUE_VIOLATION,
};

/// What undoes one change.
pub(crate) type Undo = Box<dyn FnOnce(&mut Tables) + Send>;

/// The entities of a database in memory, one table for each type.
#[derive(Default)]
pub(crate) struct Tables(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Tables {
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// The table of this type, made if there is none. None only if another type has its key, which cannot be.
    pub(crate) fn get_mut<T: Default + Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        let table = self
            .0
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        table.downcast_mut()
    }
}

/// All of a database in memory. Whoever writes is alone with it, so transactions are serialisable by nature.
#[derive(Clone)]
pub(crate) struct MemoryEngine {
    tables: Arc<RwLock<Tables>>,
    disposed: Arc<AtomicBool>,
    wait: Duration,
}

impl MemoryEngine {
    pub(crate) fn new(wait: Duration) -> Self {
        Self {
            tables: Arc::default(),
            disposed: Arc::default(),
            wait,
        }
    }

    /// Waits until nobody uses it, and lets nobody in afterwards.
    pub(crate) async fn dispose(&self) {
        self.disposed.store(true, Ordering::Release);
        // Whoever takes longer is undone when it ends, as it always is unless it commits.
        drop(self.within(Arc::clone(&self.tables).write_owned()).await);
    }

    #[cfg(feature = "contract")]
    pub(crate) async fn clear(&self) -> Result<()> {
        self.require_open()?;
        let tables = Arc::clone(&self.tables).write_owned();
        self.within(tables).await?.0.clear();
        Ok(())
    }

    pub(crate) fn require_open(&self) -> Result<()> {
        require_open(&self.disposed)
    }

    pub(crate) async fn begin(&self, writes: bool) -> Result<MemoryTransaction> {
        self.require_open()?;
        let tables = Arc::clone(&self.tables);
        let held = if writes {
            Held::Write(self.within(tables.write_owned()).await?)
        } else {
            Held::Read(self.within(tables.read_owned()).await?)
        };
        Ok(MemoryTransaction {
            held,
            undo: Vec::new(),
            failure: None,
        })
    }

    /// A transaction inside of another one, past its scope, would otherwise wait for itself forever.
    async fn within<T>(&self, lock: impl Future<Output = T>) -> Result<T> {
        let got = tokio::time::timeout(self.wait, lock).await;
        got.map_err(|_| Error::new(DATABASE_UNREACHABLE, "another transaction takes too long"))
    }
}

enum Held {
    Read(OwnedRwLockReadGuard<Tables>),
    Write(OwnedRwLockWriteGuard<Tables>),
    Nothing,
}

/// Changes that are undone unless they are committed.
pub(crate) struct MemoryTransaction {
    held: Held,
    undo: Vec<Undo>,
    failure: Option<Error>,
}

impl MemoryTransaction {
    fn read<R>(&self, read: impl FnOnce(&Tables) -> R) -> Result<R> {
        match &self.held {
            Held::Read(tables) => Ok(read(tables)),
            Held::Write(tables) => Ok(read(tables)),
            Held::Nothing => Err(ended()),
        }
    }

    fn write<R>(
        &mut self,
        write: impl FnOnce(&mut Tables, &mut Vec<Undo>) -> Result<R>,
    ) -> Result<R> {
        let Held::Write(tables) = &mut self.held else {
            return Err(ended());
        };
        let outcome = write(tables, &mut self.undo);
        if let Err(error) = &outcome
            && [UNIQUE_VIOLATION, STORE_FULL].contains(&error.code())
        {
            self.failure.get_or_insert_with(|| error.clone());
        }
        outcome
    }

    fn require_sound(&self) -> Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(failed(failure)),
        }
    }

    /// Undoes what came after the first so many changes.
    fn roll_back_to(&mut self, changes: usize) {
        if let Held::Write(tables) = &mut self.held {
            while self.undo.len() > changes
                && let Some(undo) = self.undo.pop()
            {
                undo(tables);
            }
        }
        self.failure = None;
    }

    pub(crate) fn shared(self) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(self))
    }

    pub(crate) fn commit_shared(shared: &Mutex<Self>) -> Result<()> {
        lock(shared).commit()
    }

    pub(crate) fn roll_back_shared(shared: &Mutex<Self>) {
        lock(shared).end();
    }

    fn commit(&mut self) -> Result<()> {
        let sound = self.require_sound();
        if sound.is_ok() {
            self.undo.clear();
        }
        self.end();
        sound
    }

    fn end(&mut self) {
        self.roll_back_to(0);
        self.held = Held::Nothing;
    }
}

impl Drop for MemoryTransaction {
    fn drop(&mut self) {
        self.end();
    }
}

/// The transaction that a scope stands for, or none: then each operation is one of its own.
#[derive(Clone)]
pub(crate) enum MemorySession {
    Apart(MemoryEngine),
    Within(Arc<Mutex<MemoryTransaction>>),
}

impl MemorySession {
    pub(crate) async fn read<R>(&mut self, read: impl FnOnce(&Tables) -> R + Send) -> Result<R> {
        match self {
            Self::Apart(engine) => engine.begin(false).await?.read(read),
            Self::Within(transaction) => {
                let transaction = lock(transaction);
                transaction.require_sound()?;
                transaction.read(read)
            }
        }
    }

    pub(crate) async fn write<R>(
        &mut self,
        write: impl FnOnce(&mut Tables, &mut Vec<Undo>) -> Result<R> + Send,
    ) -> Result<R> {
        match self {
            Self::Apart(engine) => {
                let mut transaction = engine.begin(true).await?;
                let written = transaction.write(write)?;
                transaction.commit().map(|()| written)
            }
            Self::Within(transaction) => {
                let mut transaction = lock(transaction);
                transaction.require_sound()?;
                transaction.write(write)
            }
        }
    }
}

/// A part of a transaction, undone unless it is kept.
pub(crate) struct MemorySavepoint {
    transaction: Arc<Mutex<MemoryTransaction>>,
    changes: usize,
    kept: bool,
}

impl MemorySavepoint {
    pub(crate) fn new(transaction: &Arc<Mutex<MemoryTransaction>>) -> Result<Self> {
        let held = lock(transaction);
        held.require_sound()?;
        Ok(Self {
            transaction: Arc::clone(transaction),
            changes: held.undo.len(),
            kept: false,
        })
    }

    pub(crate) fn keep(mut self) -> Result<()> {
        lock(&self.transaction).require_sound()?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for MemorySavepoint {
    fn drop(&mut self) {
        if !self.kept {
            lock(&self.transaction).roll_back_to(self.changes);
        }
    }
}

/// A panic inside leaves only changes that the transaction still undoes.
fn lock(transaction: &Mutex<MemoryTransaction>) -> MutexGuard<'_, MemoryTransaction> {
    transaction.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn failed(failure: &Error) -> Error {
    Error::new(TRANSACTION_FAILED, "a statement failed before").with_source(failure.clone())
}

/// Refuses a database that was disposed of.
pub(crate) fn require_open(disposed: &AtomicBool) -> Result<()> {
    if disposed.load(Ordering::Acquire) {
        return Err(Error::new(
            DATABASE_DISPOSED,
            "the database was disposed of",
        ));
    }
    Ok(())
}

fn ended() -> Error {
    Error::new(TRANSACTION_FAILED, "the transaction ended before")
}
