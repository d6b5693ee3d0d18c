mod entry_table;
mod intent_table;
mod schema;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::{
    Database, Isolation, Scope, TransactionOptions, Work, database_error,
};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use tokio_util::task::TaskTracker;

use super::{Booking, LedgerTotal, Recorded, Store, replay};
use crate::codes::{ENTRY_CONFLICT, LEDGER_CORRUPT, WRITE_INTERRUPTED};
use crate::{AttemptId, Entry, EntryId, Intent, MoneySum, OperationId};
use lattice_lock_repository::codes::COMMIT_UNKNOWN;

pub(super) use schema::MIGRATIONS;

/// Entries in the tables of a database.
pub(super) struct SqlStore {
    database: Database,
    writes: TaskTracker,
}

impl SqlStore {
    pub(super) fn new(database: Database) -> Self {
        let writes = TaskTracker::new();
        // One that is closed can be waited for, and still takes tasks.
        writes.close();
        Self { database, writes }
    }

    /// Writes in a task of its own: a caller that goes away does not take the write with it.
    ///
    /// Where nobody knows whether it was committed, it is done once more: every write of a ledger bears that.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'_>) -> Work<'s, T> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let database = self.database.clone();
        let write = async move {
            let options = TransactionOptions::default().isolation(Isolation::ReadCommitted);
            match database.transaction_with(options.clone(), &work).await {
                Err(unknown) if unknown.code() == COMMIT_UNKNOWN => database
                    .transaction_with(options, &work)
                    .await
                    .map_err(|again| {
                        if again.code() == ENTRY_CONFLICT {
                            again
                        } else {
                            unknown
                        }
                    }),
                written => written,
            }
        };
        match self.writes.spawn(write).await {
            Ok(written) => written,
            Err(stopped) => {
                Err(Error::new(WRITE_INTERRUPTED, "the runtime stopped").with_foreign(&stopped))
            }
        }
    }

    async fn read(&self, select: sea_orm::Select<entry_table::Entity>) -> Result<Vec<Entry>> {
        let mut scope = self.database.reader()?;
        let rows = select.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(Entry::try_from).collect()
    }
}

#[async_trait]
impl Store for SqlStore {
    fn booking(&self) -> Booking {
        Booking::Durable
    }

    async fn intend(&self, intent: Intent) -> Result<()> {
        self.write(move |scope| {
            let intent = intent.clone();
            Box::pin(async move { intend(scope, intent).await })
        })
        .await
    }

    async fn record(&self, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
        self.write(move |scope| {
            let (entry, next) = (entry.clone(), next.clone());
            Box::pin(async move { record(scope, entry, next).await })
        })
        .await
    }

    async fn withdraw(&self, attempt: AttemptId, next: Option<Intent>) -> Result<()> {
        self.write(move |scope| {
            let next = next.clone();
            Box::pin(async move {
                close(scope, attempt).await?;
                match next {
                    Some(next) => intend(scope, next).await,
                    None => Ok(()),
                }
            })
        })
        .await
    }

    async fn of_operation(&self, operation: OperationId) -> Result<Vec<Entry>> {
        let select = entry_table::Entity::find()
            .filter(entry_table::Column::OperationId.eq(*operation.as_uuid()))
            .order_by_asc(entry_table::Column::Turn)
            .order_by_asc(entry_table::Column::Attempt);
        self.read(select).await
    }

    async fn list(&self, after: Option<EntryId>, limit: usize) -> Result<Vec<Entry>> {
        let mut select = entry_table::Entity::find();
        if let Some(after) = after {
            select = select.filter(entry_table::Column::EntryId.gt(*after.as_uuid()));
        }
        let page = select
            .order_by_asc(entry_table::Column::EntryId)
            .limit(limit as u64);
        self.read(page).await
    }

    async fn total(&self) -> Result<LedgerTotal> {
        let mut scope = self.database.reader()?;
        total(&mut scope).await
    }

    async fn open_intents(&self) -> Result<Vec<Intent>> {
        let mut scope = self.database.reader()?;
        let select = intent_table::Entity::find().order_by_asc(intent_table::Column::OpenedAt);
        let rows = select.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(Intent::try_from).collect()
    }

    async fn flush(&self) {
        self.writes.wait().await;
    }
}

/// Inserts, then looks whether the attempt is booked: whoever books it meanwhile waits for the row.
async fn intend(scope: &mut Scope<'_>, intent: Intent) -> Result<()> {
    let attempt = intent.attempt();
    put(scope, intent).await?;
    if kept(scope, attempt).await?.is_some() {
        close(scope, attempt).await?;
    }
    Ok(())
}

async fn put(scope: &mut Scope<'_>, intent: Intent) -> Result<()> {
    let row = intent_table::ActiveModel::from(intent);
    intent_table::Entity::insert(row)
        .on_conflict(
            OnConflict::new()
                .do_nothing_on([intent_table::Column::AttemptKey])
                .to_owned(),
        )
        .exec_without_returning(scope.connection()?)
        .await
        .or_ours()
        .map(drop)
}

/// Inserts, then looks who is there: what an insert reports of a duplicate differs between the engines, and on
/// MySQL it is wrong. The entry whose key is ours is fresh; any other one was there before.
async fn record(scope: &mut Scope<'_>, entry: Entry, next: Option<Intent>) -> Result<Recorded> {
    let row = entry_table::ActiveModel::from(&entry);
    entry_table::Entity::insert(row)
        .on_conflict(
            OnConflict::new()
                .do_nothing_on([entry_table::Column::EntryId])
                .to_owned(),
        )
        .exec_without_returning(scope.connection()?)
        .await
        .or_ours()?;
    let kept = kept(scope, entry.attempt()).await?.ok_or_else(|| {
        Error::new(LEDGER_CORRUPT, "an entry vanished").with("attempt", entry.attempt())
    })?;
    let recorded = if kept.id() == entry.id() {
        Recorded {
            entry: kept,
            booking: Booking::Durable,
            replayed: false,
        }
    } else {
        replay(kept, &entry, Booking::Durable)?
    };
    if close(scope, entry.attempt()).await? == 0 {
        // Perhaps it is being written just now, unseen: to insert the same key waits for that.
        put(scope, Intent::of(&entry)).await?;
        close(scope, entry.attempt()).await?;
    }
    if let Some(next) = next {
        intend(scope, next).await?;
    }
    Ok(recorded)
}

/// Removes an intent, and says how many there were.
async fn close(scope: &mut Scope<'_>, attempt: AttemptId) -> Result<u64> {
    let delete = intent_table::Entity::delete_by_id(attempt.to_string());
    let deleted = delete.exec(scope.connection()?).await.or_ours()?;
    Ok(deleted.rows_affected)
}

async fn kept(scope: &mut Scope<'_>, attempt: AttemptId) -> Result<Option<Entry>> {
    let row = entry_table::Entity::find()
        .filter(entry_table::Column::IdempotencyKey.eq(attempt.to_string()))
        .one(scope.connection()?)
        .await
        .or_ours()?;
    row.map(Entry::try_from).transpose()
}

/// Sums dollars and the nano-USD beyond them apart: where a sum of nano-USD leaves 64 bits, one engine fails, one
/// changes its type, and one silently returns the largest number.
async fn total(scope: &mut Scope<'_>) -> Result<LedgerTotal> {
    let connection = scope.connection()?;
    let backend = connection.get_database_backend();
    let (integer, divided) = match backend {
        sea_orm::DbBackend::MySql => ("SIGNED", "DIV"),
        _ => ("BIGINT", "/"),
    };
    let sql = format!(
        "SELECT COUNT(*) AS entries, COUNT(cost_nanos) AS priced, \
         CAST(COALESCE(SUM(cost_nanos {divided} 1000000000), 0) AS {integer}) AS dollars, \
         CAST(COALESCE(SUM(cost_nanos % 1000000000), 0) AS {integer}) AS nanos \
         FROM lattice_entries"
    );
    let row = connection
        .query_one_raw(Statement::from_string(backend, sql))
        .await
        .or_ours()?
        .ok_or_else(|| Error::new(LEDGER_CORRUPT, "a sum returned no row"))?;
    let number = |column: &str| row.try_get::<i64>("", column).or_ours();
    let (entries, priced) = (number("entries")?, number("priced")?);
    let nanos = i128::from(number("dollars")?) * 1_000_000_000 + i128::from(number("nanos")?);
    Ok(LedgerTotal {
        entries: entries.unsigned_abs(),
        unpriced: (entries - priced).unsigned_abs(),
        total_usd: MoneySum::from_nanos(nanos),
    })
}

/// A row that our own code did not write.
fn corrupt(column: &'static str) -> Error {
    Error::new(LEDGER_CORRUPT, "a row of the ledger makes no sense").with("column", column)
}

trait OrOurs<T> {
    fn or_ours(self) -> Result<T>;
}

impl<T> OrOurs<T> for std::result::Result<T, DbErr> {
    fn or_ours(self) -> Result<T> {
        self.map_err(|error| database_error(&error))
    }
}
