use lattice_lock_errors::Result;

use super::{Place, Scope};
use crate::database::sql::{Connection, OpenTransaction, begin_on};
use crate::{Isolation, TransactionOptions};

/// A transaction around statements that only make sense together.
pub(crate) struct Whole(OpenTransaction);

impl Scope<'_> {
    /// Begins a transaction where there is none.
    pub(crate) async fn whole(&mut self) -> Result<Option<Whole>> {
        let pool = match self.sql()? {
            Connection::Apart(pool) => pool.clone(),
            Connection::Within(_) => return Ok(None),
        };
        let options = TransactionOptions::default().isolation(Isolation::ReadCommitted);
        let transaction = begin_on(pool, self.engine, &options).await?;
        Ok(Some(Whole(transaction)))
    }
}

impl Whole {
    pub(crate) fn scope<'a>(&'a self, outside: &Scope<'_>) -> Scope<'a> {
        let place = Place::Sql(Connection::Within(self.0.clone()));
        Scope::new(outside.engine, outside.writes, place)
    }

    /// Commits what succeeded, and rolls back the rest.
    pub(crate) async fn end<T>(self, outcome: &Result<T>) -> Result<()> {
        if outcome.is_ok() {
            return self.0.commit().await;
        }
        self.undo().await;
        Ok(())
    }

    pub(crate) async fn undo(self) {
        self.0.roll_back().await;
    }
}
