use lattice_lock_errors::Result;

use super::order::Order;
use super::{Connection, OpenTransaction};
use crate::database::error::OrDatabaseError;

/// A part of a transaction, undone unless it is kept.
pub(crate) struct Savepoint {
    transaction: OpenTransaction,
    number: u32,
    kept: bool,
}

impl Savepoint {
    /// Sets one; none outside of a transaction.
    pub(crate) async fn set(connection: &Connection) -> Result<Option<Self>> {
        let Connection::Within(transaction) = connection else {
            return Ok(None);
        };
        transaction.require_sound()?;
        // Before anything is counted, what was abandoned has to be gone.
        transaction.settle().await;
        let number = transaction.savepoints() + 1;
        let savepoint = Self {
            transaction: transaction.clone(),
            number,
            kept: false,
        };
        let set = Order::Unprepared(format!("SAVEPOINT lattice_{number}"));
        let done = transaction.run_and_count(set, Some(number)).await;
        done.or_database_error()?;
        Ok(Some(savepoint))
    }

    /// Makes it a part of the transaction around it, unless a statement failed in it.
    pub(crate) async fn keep(mut self) -> Result<()> {
        if let Err(failed) = self.transaction.require_sound() {
            self.undo().await;
            return Err(failed);
        }
        let (number, transaction) = (self.number, self.transaction.clone());
        let release = Order::Unprepared(format!("RELEASE SAVEPOINT lattice_{number}"));
        let done = transaction.run_and_count(release, Some(number - 1)).await;
        done.or_database_error()?;
        self.kept = true;
        Ok(())
    }

    pub(crate) async fn undo(mut self) {
        self.transaction.abandon(self.number);
        self.kept = true;
        self.transaction.settle().await;
    }
}

impl Drop for Savepoint {
    fn drop(&mut self) {
        if !self.kept {
            self.transaction.abandon(self.number);
        }
    }
}
