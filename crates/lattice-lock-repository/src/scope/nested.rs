use lattice_lock_errors::Result;

use super::memory::MemorySavepoint;
use super::{MemorySession, Place, Scope, Work};
#[cfg(feature = "__sql")]
use crate::database::sql::Savepoint;

impl Scope<'_> {
    /// Does a part of a transaction that can fail by itself: what it wrote is undone on an error, a panic, or when the
    /// future is dropped, and the transaction goes on as if it had never begun.
    ///
    /// Outside of a transaction nothing is undone: there each operation is a transaction of its own.
    ///
    /// ```
    /// # use lattice_lock_repository::{Database, Entity, MemoryRepository, Repository};
    /// # #[derive(Clone)]
    /// # struct Note(&'static str);
    /// # impl Entity for Note { const NAME: &'static str = "note"; }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let (database, notes) = (Database::in_memory(), MemoryRepository::<Note>::new());
    /// database.transaction(|scope| Box::pin(async {
    ///     notes.create(scope, Note("kept")).await?;
    ///     let undone = scope.nested(|scope| Box::pin(async {
    ///         notes.create(scope, Note("undone")).await?;
    ///         notes.get_or_raise(scope, lattice_lock_repository::EntityId::generate()).await
    ///     }));
    ///     assert!(undone.await.is_err());
    ///     Ok(())
    /// })).await?;
    /// assert_eq!(notes.count(&mut database.reader()?).await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `work`; [`TRANSACTION_FAILED`](crate::codes::TRANSACTION_FAILED) when a statement failed although
    /// `work` succeeded, or one had failed before. After contention the whole transaction has to run again.
    pub async fn nested<'n, T>(
        &mut self,
        work: impl for<'s> FnOnce(&'s mut Scope<'n>) -> Work<'s, T> + Send,
    ) -> Result<T>
    where
        T: Send,
    {
        let mut inner = Scope::new(self.engine, self.writes, self.place.clone());
        match &self.place {
            Place::Memory(MemorySession::Within(transaction)) => {
                let savepoint = MemorySavepoint::new(transaction)?;
                let value = work(&mut inner).await?;
                savepoint.keep().map(|()| value)
            }
            Place::Memory(MemorySession::Apart(_)) => work(&mut inner).await,
            #[cfg(feature = "__sql")]
            Place::Sql(connection) => {
                let Some(savepoint) = Savepoint::set(connection).await? else {
                    return work(&mut inner).await;
                };
                match work(&mut inner).await {
                    Ok(value) => savepoint.keep().await.map(|()| value),
                    Err(error) => {
                        savepoint.undo().await;
                        Err(error)
                    }
                }
            }
        }
    }
}
