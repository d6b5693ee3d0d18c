use lattice_lock_errors::Result;

use super::{Database, Source};

impl Database {
    /// For tests: removes every entity in memory, or every row of every table whose name begins with `lattice_`. The
    /// migrations stay applied. Only with the feature `contract`, which no production build should have.
    ///
    /// # Errors
    ///
    /// Those of [`transaction`](Self::transaction); nothing is removed then.
    pub async fn reset(&self) -> Result<()> {
        match &self.source {
            Source::Memory(engine) => engine.clear().await,
            #[cfg(feature = "__sql")]
            Source::Sql(_) => {
                self.transaction(|scope| Box::pin(super::transfer::empty(scope)))
                    .await
            }
        }
    }
}
