mod memory;
mod nested;
#[cfg(feature = "__sql")]
mod whole;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use lattice_lock_errors::{Error, Result};

pub(crate) use memory::{MemoryEngine, MemorySession, MemoryTransaction, Tables, Undo};
#[cfg(feature = "__sql")]
pub(crate) use memory::{failed, require_open};

use crate::Engine;
#[cfg(feature = "__sql")]
use crate::codes::NO_TABLES;
use crate::codes::READ_ONLY;
#[cfg(feature = "__sql")]
use crate::codes::STORE_MISMATCH;
#[cfg(feature = "__sql")]
use crate::database::sql::Connection;

/// Where repositories read and write: inside a transaction, or outside of any.
///
/// [`Database::transaction`](crate::Database::transaction) gives the first,
/// [`Database::reader`](crate::Database::reader) and [`Database::writer`](crate::Database::writer) the second,
/// where each operation is a transaction of its own. A repository does not know which of them it has.
///
/// Dropping a future that uses a scope is safe: a statement that was sent is waited for in the background.
pub struct Scope<'a> {
    engine: Engine,
    writes: bool,
    place: Place,
    // A scope must not outlive the transaction that it stands for.
    transaction: PhantomData<&'a mut ()>,
}

/// What a transaction does: a future that borrows its scope, and whatever outlives the transaction.
pub type Work<'s, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 's>>;

#[derive(Clone)]
pub(crate) enum Place {
    Memory(MemorySession),
    #[cfg(feature = "__sql")]
    Sql(Connection),
}

impl Scope<'_> {
    pub(crate) fn new(engine: Engine, writes: bool, place: Place) -> Self {
        Self {
            engine,
            writes,
            place,
            transaction: PhantomData,
        }
    }

    /// Which engine it runs on.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Refuses a scope that only reads: what a repository asks before it writes.
    ///
    /// # Errors
    ///
    /// [`READ_ONLY`].
    pub fn require_writes(&self) -> Result<()> {
        if self.writes {
            return Ok(());
        }
        Err(Error::new(READ_ONLY, "only reading is allowed here"))
    }

    /// What sea-orm's queries run on.
    ///
    /// # Errors
    ///
    /// [`NO_TABLES`] in memory, and [`TRANSACTION_FAILED`](crate::codes::TRANSACTION_FAILED) after a statement
    /// of the transaction failed: no engine would commit it reliably.
    #[cfg(feature = "__sql")]
    pub fn connection(&mut self) -> Result<&(impl sea_orm::ConnectionTrait + use<>)> {
        self.sql()
    }

    #[cfg(feature = "__sql")]
    pub(crate) fn sql(&self) -> Result<&Connection> {
        match &self.place {
            Place::Memory(_) => Err(Error::new(NO_TABLES, "the database is in memory")),
            Place::Sql(connection) => connection.require_sound().map(|()| connection),
        }
    }

    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unnecessary_wraps, reason = "fails with an engine")
    )]
    pub(crate) fn memory(&mut self) -> Result<&mut MemorySession> {
        match &mut self.place {
            Place::Memory(session) => Ok(session),
            #[cfg(feature = "__sql")]
            Place::Sql(_) => Err(Error::new(STORE_MISMATCH, "the repository is in memory")),
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("engine", &self.engine)
            .field("writes", &self.writes)
            .finish_non_exhaustive()
    }
}
