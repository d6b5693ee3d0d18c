use lattice_lock_errors::Result;
use sea_orm::{AccessMode, IsolationLevel, SqliteTransactionMode};

use super::{OpenTransaction, Pool, Pools, Shielded};
use crate::database::error::OrDatabaseError;
use crate::{Engine, Isolation, TransactionOptions};

/// Begins a transaction. Dropped half-way, it is finished in the background and rolled back at once.
pub(crate) async fn begin(
    pools: &Pools,
    engine: Engine,
    options: &TransactionOptions,
) -> Result<OpenTransaction> {
    let pool = if options.read_only {
        pools.reader()?.clone()
    } else {
        pools.writer()?.clone()
    };
    begin_on(pool, engine, options).await
}

/// [`begin`] on a connection of this pool.
pub(crate) async fn begin_on(
    pool: Pool,
    engine: Engine,
    options: &TransactionOptions,
) -> Result<OpenTransaction> {
    let (levels, tolerant) = (levels(engine, options), options.tolerant);
    let permit = pool.enter().await.or_database_error()?;
    let begun = async move {
        let transaction = pool.begin(levels).await?;
        Ok(OpenTransaction::new(transaction, permit, &pool, tolerant))
    };
    Shielded::new(begun).await.or_database_error()
}

/// `SQLite` has no levels. A transaction that will write says so at once: to read first and write then fails, however
/// long it waits, when another one wrote in between.
fn levels(engine: Engine, options: &TransactionOptions) -> sea_orm::TransactionOptions {
    let mode = if options.read_only {
        SqliteTransactionMode::Deferred
    } else {
        SqliteTransactionMode::Immediate
    };
    match engine {
        Engine::Sqlite => sea_orm::TransactionOptions {
            sqlite_transaction_mode: Some(mode),
            ..sea_orm::TransactionOptions::default()
        },
        _ => sea_orm::TransactionOptions {
            isolation_level: Some(options.isolation.into()),
            access_mode: options.read_only.then_some(AccessMode::ReadOnly),
            ..sea_orm::TransactionOptions::default()
        },
    }
}

impl From<Isolation> for IsolationLevel {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Serializable => Self::Serializable,
            Isolation::ReadCommitted => Self::ReadCommitted,
            Isolation::Snapshot => Self::RepeatableRead,
        }
    }
}
