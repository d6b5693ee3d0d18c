mod schema;
mod tables;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::{TRANSACTION_CONTENDED, UNIQUE_VIOLATION};
use lattice_lock_repository::{
    Database, EntityId, Isolation, Scope, TransactionOptions, Work, database_error,
};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, UpdateMany,
};

use super::{Ends, Session, Store};
use crate::audit::AuditEntry;
use crate::codes::{BOOTSTRAPPED, KEY_TAKEN, USERNAME_TAKEN};
use crate::keys::{ApiKey, KeyId};
use crate::lockout::{Attempt, GateState, Pseudonym, Settled};
use crate::tokens::Id;
use crate::{User, Username};
use tables::{audit, count, gates, keys, marks, micros, revocations, seconds, sessions, users};

pub(super) use schema::MIGRATIONS;

/// That there was a first user.
const BOOTSTRAP: &str = "bootstrap";
/// The moment before which no token is good.
const REVOKED_BEFORE: &str = "revoked_before";

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
        let changed = gates::Entity::update_many()
            .col_expr(gates::Column::Failures, Expr::value(count(gate.failures)))
            .col_expr(
                gates::Column::ClosedUntil,
                Expr::value(micros(gate.closed_until)),
            )
            .col_expr(
                gates::Column::TouchedAt,
                Expr::value(micros(gate.touched_at)),
            )
            .col_expr(
                gates::Column::TrustedUntil,
                Expr::value(micros(gate.trusted_until)),
            )
            .filter(gates::Column::Id.eq(gate.key.as_str()))
            .filter(gates::Column::Failures.eq(count(old.failures)))
            .filter(gates::Column::ClosedUntil.eq(micros(old.closed_until)))
            .filter(gates::Column::TouchedAt.eq(micros(old.touched_at)))
            .filter(gates::Column::TrustedUntil.eq(micros(old.trusted_until)));
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

/// Ends keys that do not end sooner.
fn ending(at: u64) -> UpdateMany<keys::Entity> {
    let later = keys::Column::ExpiresAt.gt(micros(at));
    keys::Entity::update_many()
        .col_expr(keys::Column::ExpiresAt, Expr::value(micros(at)))
        .filter(keys::Column::ExpiresAt.is_null().or(later))
}

async fn end(scope: &mut Scope<'_>, user: EntityId, ends: Ends, now: u64) -> Result<()> {
    if ends.sessions {
        let update = sessions::Entity::update_many()
            .col_expr(sessions::Column::EndedAt, Expr::value(micros(now)))
            .filter(sessions::Column::UserId.eq(*user.as_uuid()))
            .filter(sessions::Column::EndedAt.is_null());
        affected(scope, update).await?;
    }
    if ends.keys {
        let update = ending(now).filter(keys::Column::OwnerId.eq(*user.as_uuid()));
        affected(scope, update).await?;
    }
    Ok(())
}

async fn mark(scope: &mut Scope<'_>, name: &str) -> Result<Option<i64>> {
    let mark = marks::Entity::find_by_id(name)
        .one(scope.connection()?)
        .await
        .or_ours()?;
    Ok(mark.map(|mark| mark.set_at))
}

async fn put_user(scope: &mut Scope<'_>, user: &User, first: bool) -> Result<()> {
    if first {
        let row = marks::ActiveModel {
            name: Set(BOOTSTRAP.to_owned()),
            set_at: Set(micros(user.created_at)),
        };
        let marked = marks::Entity::insert(row)
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours();
        marked.map_err(|error| instead(error, BOOTSTRAPPED, "there was a first user already"))?;
    }
    let row = users::ActiveModel::from(user);
    let kept = users::Entity::insert(row)
        .exec_without_returning(scope.connection()?)
        .await
        .or_ours();
    kept.map(drop)
        .map_err(|error| instead(error, USERNAME_TAKEN, "the user name is taken"))
}

/// What a key that is there already means here.
fn instead(error: Error, code: lattice_lock_errors::Code, message: &'static str) -> Error {
    if error.code() == UNIQUE_VIOLATION {
        return Error::new(code, message);
    }
    error
}

#[async_trait]
impl Store for SqlStore {
    async fn add_user(&self, user: User, first: bool) -> Result<()> {
        let user = &user;
        self.write(move |scope| {
            let user = user.clone();
            Box::pin(async move { put_user(scope, &user, first).await })
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

    async fn change_user(&self, user: User, ends: Ends, now: u64) -> Result<bool> {
        let user = &user;
        self.write(move |scope| {
            let user = user.clone();
            Box::pin(async move {
                let update = users::Entity::update_many()
                    .col_expr(users::Column::Version, Expr::value(count(user.version) + 1))
                    .col_expr(users::Column::Name, Expr::value(user.name.as_str()))
                    .col_expr(users::Column::Role, Expr::value(user.role.as_str()))
                    .col_expr(
                        users::Column::Disabled,
                        Expr::value(i64::from(user.disabled)),
                    )
                    .col_expr(users::Column::Epoch, Expr::value(count(user.epoch)))
                    .col_expr(
                        users::Column::PasswordHash,
                        Expr::value(user.password.as_str()),
                    )
                    .filter(users::Column::Id.eq(*user.id.as_uuid()))
                    .filter(users::Column::Version.eq(count(user.version)));
                let taken = |error| instead(error, USERNAME_TAKEN, "the user name is taken");
                if affected(scope, update).await.map_err(taken)? == 0 {
                    return Ok(false);
                }
                end(scope, user.id, ends, now).await?;
                Ok(true)
            })
        })
        .await
    }

    async fn remove_user(&self, id: EntityId) -> Result<bool> {
        let id = *id.as_uuid();
        self.write(move |scope| {
            Box::pin(async move {
                let sessions = sessions::Entity::delete_many();
                let of_user = sessions.filter(sessions::Column::UserId.eq(id));
                of_user.exec(scope.connection()?).await.or_ours()?;
                let keys = keys::Entity::delete_many();
                let of_user = keys.filter(keys::Column::OwnerId.eq(id));
                of_user.exec(scope.connection()?).await.or_ours()?;
                let user = users::Entity::delete_by_id(id);
                let deleted = user.exec(scope.connection()?).await.or_ours()?;
                Ok(deleted.rows_affected > 0)
            })
        })
        .await
    }

    async fn add_session(&self, session: Session) -> Result<()> {
        let row = sessions::ActiveModel::try_from(&session)?;
        let mut scope = self.database.writer()?;
        let insert = sessions::Entity::insert(row);
        insert
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours()
            .map(drop)
    }

    async fn session(&self, id: Id) -> Result<Option<Session>> {
        let mut scope = self.database.reader()?;
        let find = sessions::Entity::find_by_id(*id.as_uuid());
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(Session::try_from).transpose()
    }

    async fn rotate(&self, session: &Session, next: Id, now: u64, expires_at: u64) -> Result<bool> {
        let mut scope = self.database.writer()?;
        let update = sessions::Entity::update_many()
            .col_expr(sessions::Column::TokenId, Expr::value(*next.as_uuid()))
            .col_expr(
                sessions::Column::Generation,
                Expr::value(count(session.generation) + 1),
            )
            .col_expr(sessions::Column::RotatedAt, Expr::value(micros(now)))
            .col_expr(sessions::Column::ExpiresAt, Expr::value(micros(expires_at)))
            .filter(sessions::Column::Id.eq(*session.id.as_uuid()))
            .filter(sessions::Column::TokenId.eq(*session.token.as_uuid()))
            .filter(sessions::Column::Generation.eq(count(session.generation)))
            .filter(sessions::Column::EndedAt.is_null());
        Ok(affected(&mut scope, update).await? == 1)
    }

    async fn end_session(&self, id: Id, now: u64) -> Result<bool> {
        let mut scope = self.database.writer()?;
        let update = sessions::Entity::update_many()
            .col_expr(sessions::Column::EndedAt, Expr::value(micros(now)))
            .filter(sessions::Column::Id.eq(*id.as_uuid()))
            .filter(sessions::Column::EndedAt.is_null());
        Ok(affected(&mut scope, update).await? == 1)
    }

    async fn revoke_token(&self, id: Id, until: u64) -> Result<()> {
        let row = revocations::ActiveModel {
            token_id: Set(*id.as_uuid()),
            expires_at: Set(micros(until)),
        };
        let mut scope = self.database.writer()?;
        revocations::Entity::insert(row)
            .on_conflict(
                OnConflict::new()
                    .do_nothing_on([revocations::Column::TokenId])
                    .to_owned(),
            )
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours()
            .map(drop)
    }

    async fn is_revoked(&self, id: Id) -> Result<bool> {
        let mut scope = self.database.reader()?;
        let find = revocations::Entity::find_by_id(*id.as_uuid());
        Ok(find.one(scope.connection()?).await.or_ours()?.is_some())
    }

    async fn revoke_before(&self, at: u64) -> Result<()> {
        let row = marks::ActiveModel {
            name: Set(REVOKED_BEFORE.to_owned()),
            set_at: Set(0),
        };
        let mut scope = self.database.writer()?;
        marks::Entity::insert(row)
            .on_conflict(
                OnConflict::new()
                    .do_nothing_on([marks::Column::Name])
                    .to_owned(),
            )
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours()?;
        let update = marks::Entity::update_many()
            .col_expr(marks::Column::SetAt, Expr::value(micros(at)))
            .filter(marks::Column::Name.eq(REVOKED_BEFORE))
            .filter(marks::Column::SetAt.lt(micros(at)));
        affected(&mut scope, update).await.map(drop)
    }

    async fn revoked_before(&self) -> Result<u64> {
        let at = mark(&mut self.database.reader()?, REVOKED_BEFORE).await?;
        Ok(at.map_or(0, seconds))
    }

    async fn add_key(&self, key: ApiKey, replaces: Option<(KeyId, u64)>) -> Result<()> {
        let (key, replaces) = (&key, &replaces);
        self.write(move |scope| {
            let (key, replaces) = (key.clone(), replaces.clone());
            Box::pin(async move {
                if let Some((old, at)) = replaces {
                    let update = ending(at).filter(keys::Column::Id.eq(old.as_str()));
                    affected(scope, update).await?;
                }
                let insert = keys::Entity::insert(keys::ActiveModel::try_from(&key)?);
                let kept = insert
                    .exec_without_returning(scope.connection()?)
                    .await
                    .or_ours();
                let taken = |error| instead(error, KEY_TAKEN, "another key has the same id");
                kept.map(drop).map_err(taken)
            })
        })
        .await
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

    async fn end_key(&self, id: &KeyId, at: u64) -> Result<bool> {
        let mut scope = self.database.writer()?;
        let update = ending(at).filter(keys::Column::Id.eq(id.as_str()));
        if affected(&mut scope, update).await? > 0 {
            return Ok(true);
        }
        Ok(self.key(id).await?.is_some())
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
        let day = micros(now.saturating_sub(24 * 60 * 60));
        let now = micros(now);
        let gates = gates::Entity::delete_many()
            .filter(gates::Column::TouchedAt.lt(day))
            .filter(gates::Column::ClosedUntil.lt(now))
            .filter(gates::Column::TrustedUntil.lt(now));
        let gates = gates.exec(scope.connection()?).await.or_ours()?;
        let tokens = revocations::Entity::delete_many();
        let tokens = tokens.filter(revocations::Column::ExpiresAt.lt(now));
        let tokens = tokens.exec(scope.connection()?).await.or_ours()?;
        let sessions = sessions::Entity::delete_many();
        let sessions = sessions.filter(sessions::Column::ExpiresAt.lt(now));
        let sessions = sessions.exec(scope.connection()?).await.or_ours()?;
        Ok(gates.rows_affected + tokens.rows_affected + sessions.rows_affected)
    }

    async fn append(&self, entry: &AuditEntry) -> Result<bool> {
        let mut scope = self.database.writer()?;
        let insert = audit::Entity::insert(audit::ActiveModel::from(entry));
        match insert
            .exec_without_returning(scope.connection()?)
            .await
            .or_ours()
        {
            Ok(_) => Ok(true),
            Err(error) if error.code() == UNIQUE_VIOLATION => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn last_entry(&self) -> Result<Option<AuditEntry>> {
        let mut scope = self.database.writer()?;
        let find = audit::Entity::find().order_by_desc(audit::Column::Sequence);
        let row = find.one(scope.connection()?).await.or_ours()?;
        row.map(AuditEntry::try_from).transpose()
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
