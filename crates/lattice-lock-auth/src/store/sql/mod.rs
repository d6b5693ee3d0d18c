mod change;
mod schema;
mod tables;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::TRANSACTION_CONTENDED;
use lattice_lock_repository::{
    Database, EntityId, Isolation, Scope, TransactionOptions, Work, database_error,
};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany};

use super::{KEPT_LONGER, Session, Step, Store};
use crate::audit::AuditEntry;
use crate::keys::{ApiKey, KeyId};
use crate::lockout::{Attempt, GateState, Pseudonym, Settled, untouched_since};
use crate::tokens::Id;
use crate::{User, Username};
use tables::{audit, count, gates, keys, marks, micros, revocations, seconds, sessions, users};

pub(super) use schema::MIGRATIONS;

/// The moment before which no token is good.
const REVOKED_BEFORE: &str = "revoked_before";
/// How many users came with a hash of bcrypt.
const IMPORTED: &str = "imported";

/// Everything in the tables of a database.
#[derive(Debug)]
pub(super) struct SqlStore {
    database: Database,
}

impl SqlStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Every change is conditional, so that no more than committed rows have to be seen.
    async fn write<'e, T, F>(&self, work: F) -> Result<T>
    where
        F: for<'s> Fn(&'s mut Scope<'e>) -> Work<'s, T> + Sync,
        T: Send,
    {
        let options = TransactionOptions::default().isolation(Isolation::ReadCommitted);
        self.database.transaction_with(options, work).await
    }

    async fn gates(&self, keys: &[Pseudonym]) -> Result<Vec<GateState>> {
        read_gates(&mut self.database.reader()?, keys).await
    }

    /// Has a row for each gate, so that a transaction finds what it can wait for.
    async fn ensure(&self, attempt: &Attempt) -> Result<()> {
        let new = |key| GateState {
            touched_at: attempt.now,
            ..GateState::new(key)
        };
        let rows = attempt.keys().into_iter().map(new);
        let rows = rows.map(|gate| gates::ActiveModel::from(&gate));
        let mut scope = self.database.writer()?;
        gates::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::new()
                    .do_nothing_on([gates::Column::Id])
                    .to_owned(),
            )
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours()
            .map(drop)
    }
}

async fn read_gates(scope: &mut Scope<'_>, keys: &[Pseudonym]) -> Result<Vec<GateState>> {
    let rows = gates::Entity::find()
        .filter(gates::Column::Id.is_in(keys.iter().map(Pseudonym::as_str)))
        .all(scope.connection()?)
        .await
        .or_ours()?;
    Ok(rows.into_iter().map(GateState::from).collect())
}

/// Puts each gate in the place of what it was, or has the transaction run again if it is no longer that.
async fn put_gates(scope: &mut Scope<'_>, before: &[GateState], after: &[GateState]) -> Result<()> {
    for gate in after {
        let Some(old) = before.iter().find(|old| old.key == gate.key) else {
            return Err(contended());
        };
        let columns = |gate: &GateState| {
            [
                (gates::Column::Failures, count(gate.failures)),
                (gates::Column::ClosedSince, micros(gate.closed_since)),
                (gates::Column::ClosedUntil, micros(gate.closed_until)),
                (gates::Column::TouchedAt, micros(gate.touched_at)),
                (gates::Column::TrustedUntil, micros(gate.trusted_until)),
                (gates::Column::OpenedAt, micros(gate.opened_at)),
            ]
        };
        let mut changed =
            gates::Entity::update_many().filter(gates::Column::Id.eq(gate.key.as_str()));
        for (column, value) in columns(gate) {
            changed = changed.col_expr(column, Expr::value(value));
        }
        for (column, value) in columns(old) {
            changed = changed.filter(column.eq(value));
        }
        if affected(scope, changed).await? == 0 {
            return Err(contended());
        }
    }
    Ok(())
}

fn contended() -> Error {
    Error::new(
        TRANSACTION_CONTENDED,
        "somebody else failed at the same time",
    )
}

async fn affected<E: EntityTrait>(scope: &mut Scope<'_>, update: UpdateMany<E>) -> Result<u64> {
    let updated = update.exec(scope.connection()?).await.or_ours()?;
    Ok(updated.rows_affected)
}

async fn mark(scope: &mut Scope<'_>, name: &str) -> Result<Option<i64>> {
    let mark = marks::Entity::find_by_id(name)
        .one(scope.connection()?)
        .await
        .or_ours()?;
    Ok(mark.map(|mark| mark.set_at))
}

#[async_trait]
impl Store for SqlStore {
    async fn commit(&self, step: &Step, entry: &AuditEntry) -> Result<()> {
        self.write(move |scope| {
            Box::pin(async move {
                change::require_seen(scope, &step.seen).await?;
                change::make(scope, &step.change, entry.at).await?;
                change::append(scope, entry).await
            })
        })
        .await
    }

    async fn user(&self, id: EntityId) -> Result<Option<User>> {
        let mut scope = self.database.reader()?;
        let find = users::Entity::find_by_id(*id.as_uuid());
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(User::try_from).transpose()
    }

    async fn user_named(&self, name: &Username) -> Result<Option<User>> {
        let mut scope = self.database.reader()?;
        let find = users::Entity::find().filter(users::Column::Name.eq(name.as_str()));
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(User::try_from).transpose()
    }

    async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>> {
        let mut scope = self.database.reader()?;
        let mut find = users::Entity::find();
        if let Some(after) = after {
            find = find.filter(users::Column::Id.gt(*after.as_uuid()));
        }
        let find = find.order_by_asc(users::Column::Id).limit(limit as u64);
        let rows = find.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(User::try_from).collect()
    }

    async fn costliest_bcrypt(&self, most: u32) -> Result<Option<u32>> {
        let mut scope = self.database.reader()?;
        // The cost is written in two digits: `$2b$12$…`.
        let cost = Expr::cust("SUBSTR(password_hash, 5, 2)");
        let find = users::Entity::find()
            .select_only()
            .column_as(Expr::cust("MAX(SUBSTR(password_hash, 5, 2))"), "cost")
            .filter(users::Column::PasswordHash.starts_with("$2"))
            .filter(cost.lte(format!("{most:02}")));
        let row = find.into_tuple::<Option<String>>();
        let cost = row.one(scope.connection()?).await.or_ours()?.flatten();
        Ok(cost.and_then(|cost| cost.parse().ok()))
    }

    async fn imported(&self) -> Result<u64> {
        let count = mark(&mut self.database.reader()?, IMPORTED).await?;
        Ok(count.map_or(0, i64::unsigned_abs))
    }

    async fn session(&self, id: Id) -> Result<Option<Session>> {
        let mut scope = self.database.reader()?;
        let find = sessions::Entity::find_by_id(*id.as_uuid());
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(Session::try_from).transpose()
    }

    async fn is_revoked(&self, id: Id) -> Result<bool> {
        let mut scope = self.database.reader()?;
        let find = revocations::Entity::find_by_id(*id.as_uuid());
        Ok(find.one(scope.connection()?).await.or_ours()?.is_some())
    }

    async fn revoked_before(&self) -> Result<u64> {
        let at = mark(&mut self.database.reader()?, REVOKED_BEFORE).await?;
        Ok(at.map_or(0, seconds))
    }

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>> {
        let mut scope = self.database.reader()?;
        let find = keys::Entity::find_by_id(id.as_str());
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(ApiKey::try_from).transpose()
    }

    async fn keys_of(&self, owner: EntityId) -> Result<Vec<ApiKey>> {
        let mut scope = self.database.reader()?;
        let find = keys::Entity::find()
            .filter(keys::Column::OwnerId.eq(*owner.as_uuid()))
            .order_by_asc(keys::Column::CreatedAt)
            .order_by_asc(keys::Column::Id);
        let rows = find.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    async fn touch_keys(&self, used: &[(KeyId, u64)]) -> Result<()> {
        let mut scope = self.database.writer()?;
        for (id, at) in used {
            let earlier = keys::Column::LastUsedAt.lt(micros(*at));
            let update = keys::Entity::update_many()
                .col_expr(keys::Column::LastUsedAt, Expr::value(micros(*at)))
                .filter(keys::Column::Id.eq(id.as_str()))
                .filter(keys::Column::LastUsedAt.is_null().or(earlier));
            affected(&mut scope, update).await?;
        }
        Ok(())
    }

    async fn gates(&self, keys: &[Pseudonym]) -> Result<Vec<GateState>> {
        self.gates(keys).await
    }

    async fn admit(&self, attempt: &Attempt) -> Result<Option<u64>> {
        // Whoever is locked out costs one look and no write.
        let before = self.gates(&attempt.keys()).await?;
        if let Some(until) = attempt.closed_until(&before) {
            return Ok(Some(until));
        }
        if before.len() < attempt.keys().len() {
            self.ensure(attempt).await?;
        }
        self.write(move |scope| {
            Box::pin(async move {
                let before = locked_gates(scope, &attempt.keys()).await?;
                if let Some(until) = attempt.closed_until(&before) {
                    return Ok(Some(until));
                }
                put_gates(scope, &before, &attempt.counted(&before)).await?;
                Ok(None)
            })
        })
        .await
    }

    async fn settle(&self, attempt: &Attempt, settled: Settled) -> Result<()> {
        self.ensure(attempt).await?;
        self.write(move |scope| {
            Box::pin(async move {
                let before = locked_gates(scope, &attempt.keys()).await?;
                put_gates(scope, &before, &attempt.settled(&before, settled)).await
            })
        })
        .await
    }

    async fn sweep(&self, now: u64) -> Result<u64> {
        let mut scope = self.database.writer()?;
        let untouched = micros(untouched_since(now));
        let forgotten = micros(now.saturating_sub(KEPT_LONGER));
        let now = micros(now);
        let gates = gates::Entity::delete_many()
            .filter(gates::Column::TouchedAt.lt(untouched))
            .filter(gates::Column::ClosedUntil.lt(now))
            .filter(gates::Column::TrustedUntil.lt(now));
        let gates = gates.exec(scope.connection()?).await.or_ours()?;
        let tokens = revocations::Entity::delete_many();
        let tokens = tokens.filter(revocations::Column::ExpiresAt.lt(forgotten));
        let tokens = tokens.exec(scope.connection()?).await.or_ours()?;
        let sessions = sessions::Entity::delete_many();
        let sessions = sessions.filter(sessions::Column::ExpiresAt.lt(now));
        let sessions = sessions.exec(scope.connection()?).await.or_ours()?;
        Ok(gates.rows_affected + tokens.rows_affected + sessions.rows_affected)
    }

    async fn last_entries(&self) -> Result<Vec<AuditEntry>> {
        let mut scope = self.database.writer()?;
        let find = audit::Entity::find()
            .order_by_desc(audit::Column::Sequence)
            .limit(2);
        let rows = find.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().rev().map(AuditEntry::try_from).collect()
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let mut scope = self.database.reader()?;
        let find = audit::Entity::find()
            .filter(audit::Column::Sequence.gt(count(after)))
            .order_by_asc(audit::Column::Sequence)
            .limit(limit as u64);
        let rows = find.all(scope.connection()?).await.or_ours()?;
        rows.into_iter().map(AuditEntry::try_from).collect()
    }
}

/// Waits for whoever changes them now, in the order of their keys; `SQLite` has one writer anyway.
async fn locked_gates(scope: &mut Scope<'_>, keys: &[Pseudonym]) -> Result<Vec<GateState>> {
    let rows = gates::Entity::find()
        .filter(gates::Column::Id.is_in(keys.iter().map(Pseudonym::as_str)))
        .order_by_asc(gates::Column::Id)
        .lock_exclusive()
        .all(scope.connection()?)
        .await
        .or_ours()?;
    Ok(rows.into_iter().map(GateState::from).collect())
}

/// Turns sea-orm's results into ours.
trait OrOurs<T> {
    fn or_ours(self) -> Result<T>;
}

impl<T> OrOurs<T> for std::result::Result<T, DbErr> {
    fn or_ours(self) -> Result<T> {
        self.map_err(|error| database_error(&error))
    }
}
