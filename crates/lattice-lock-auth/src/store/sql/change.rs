//! What changes in the tables together with an entry of the audit, within one transaction.

use lattice_lock_errors::{Code, Error, Result};
use lattice_lock_repository::codes::UNIQUE_VIOLATION;
use lattice_lock_repository::{EntityId, Scope};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set, UpdateMany};
use uuid::Uuid;

use super::tables::{audit, count, gates, keys, marks, micros, revocations, sessions, users};
use super::{IMPORTED, OrOurs, REVOKED_BEFORE, affected, mark};
use crate::audit::AuditEntry;
use crate::codes::{BOOTSTRAPPED, KEY_TAKEN, USERNAME_TAKEN};
use crate::keys::{ApiKey, KeyId};
use crate::lockout::GateState;
use crate::store::{
    Change, Ends, Seen, Session, key_unknown, no_place, session_ended, superseded, user_changed,
};
use crate::tokens::Id;
use crate::{User, users as people};

/// That there was a first user.
const BOOTSTRAP: &str = "bootstrap";

/// # Errors
///
/// [`USER_CHANGED`](crate::codes::USER_CHANGED).
pub(super) async fn require_seen(scope: &mut Scope<'_>, seen: &[Seen]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    let ids = seen.iter().map(|seen| *seen.user.as_uuid());
    let find = users::Entity::find().filter(users::Column::Id.is_in(ids));
    let rows = find.all(scope.connection()?).await.or_ours()?;
    let users = rows.into_iter().map(User::try_from);
    let users = users.collect::<Result<Vec<_>>>()?;
    let find = |id| users.iter().find(|user| user.id == id);
    seen.iter().try_for_each(|seen| seen.check(find(seen.user)))
}

/// Makes a change. Rows are locked in the order user, session, key, so that no two changes wait for each other; the
/// entry of the audit comes last.
pub(super) async fn make(scope: &mut Scope<'_>, change: &Change, now: u64) -> Result<()> {
    match change {
        Change::Nothing => Ok(()),
        Change::AddUser { user, first } => add_user(scope, user, *first).await,
        Change::ReplaceUser { user, ends } => change_user(scope, user, *ends, now).await,
        Change::RemoveUser(id) => remove_user(scope, *id.as_uuid()).await,
        Change::AddSession(session) => add_session(scope, session).await,
        Change::Rotate {
            session,
            next,
            expires_at,
        } => rotate(scope, session, *next, now, *expires_at).await,
        Change::EndSession { id, .. } => {
            let update = ended(now).filter(sessions::Column::Id.eq(*id.as_uuid()));
            affected(scope, update).await.map(drop)
        }
        Change::RevokeToken(id, until) => revoke_token(scope, *id, *until).await,
        Change::RevokeBefore(at) => revoke_before(scope, *at).await,
        Change::AddKey { key, replaces } => {
            if let Some((old, at)) = replaces {
                replace_key(scope, old, *at, now).await?;
            }
            add_key(scope, key).await
        }
        Change::EndKey { id, .. } => {
            let update = ending(now).filter(keys::Column::Id.eq(id.as_str()));
            affected(scope, update).await.map(drop)
        }
        Change::Open(gate) => put_gate(scope, gate).await,
    }
}

/// # Errors
///
/// [`AUDIT_CONTENDED`](crate::codes::AUDIT_CONTENDED): another entry has its place.
pub(super) async fn append(scope: &mut Scope<'_>, entry: &AuditEntry) -> Result<()> {
    let insert = audit::Entity::insert(audit::ActiveModel::from(entry));
    let kept = insert.exec_without_returning(scope.connection()?).await;
    match kept.or_ours() {
        Err(error) if error.code() == UNIQUE_VIOLATION => Err(no_place()),
        kept => kept.map(drop),
    }
}

/// What a row that is there already means here.
fn instead(error: Error, code: Code, message: &'static str) -> Error {
    if error.code() == UNIQUE_VIOLATION {
        return Error::new(code, message);
    }
    error
}

fn taken(error: Error) -> Error {
    instead(error, USERNAME_TAKEN, "the user name is taken")
}

async fn add_user(scope: &mut Scope<'_>, user: &User, first: bool) -> Result<()> {
    if first && had_users(scope).await? {
        return Err(Error::new(BOOTSTRAPPED, "there was a first user already"));
    }
    ensure_mark(scope, BOOTSTRAP).await?;
    if user.password.bcrypt_cost().is_some() {
        ensure_mark(scope, IMPORTED).await?;
        let one_more = Expr::col(marks::Column::SetAt).add(1);
        let update = marks::Entity::update_many()
            .col_expr(marks::Column::SetAt, one_more)
            .filter(marks::Column::Name.eq(IMPORTED));
        affected(scope, update).await?;
    }
    let insert = users::Entity::insert(users::ActiveModel::from(user));
    let kept = insert.exec_without_returning(scope.connection()?).await;
    kept.or_ours().map(drop).map_err(taken)
}

/// Whether there is a user, or was one.
async fn had_users(scope: &mut Scope<'_>) -> Result<bool> {
    if mark(scope, BOOTSTRAP).await?.is_some() {
        return Ok(true);
    }
    let any = users::Entity::find().one(scope.connection()?).await;
    any.or_ours().map(|user| user.is_some())
}

async fn change_user(scope: &mut Scope<'_>, user: &User, ends: Ends, now: u64) -> Result<()> {
    let disabled = i64::from(user.disabled);
    let update = users::Entity::update_many()
        .col_expr(users::Column::Version, Expr::value(count(user.version) + 1))
        .col_expr(users::Column::Name, Expr::value(user.name.as_str()))
        .col_expr(users::Column::Role, Expr::value(user.role.as_str()))
        .col_expr(users::Column::Disabled, Expr::value(disabled))
        .col_expr(users::Column::Epoch, Expr::value(count(user.epoch)))
        .col_expr(users::Column::EndedAt, Expr::value(micros(user.ended_at)))
        .col_expr(
            users::Column::PasswordHash,
            Expr::value(user.password.as_str()),
        )
        .filter(users::Column::Id.eq(*user.id.as_uuid()))
        .filter(users::Column::Version.eq(count(user.version)));
    if affected(scope, update).await.map_err(taken)? == 0 {
        return Err(user_changed());
    }
    end(scope, user.id, ends, now).await
}

async fn end(scope: &mut Scope<'_>, user: EntityId, ends: Ends, now: u64) -> Result<()> {
    let user = *user.as_uuid();
    if ends.sessions {
        let update = ended(now).filter(sessions::Column::UserId.eq(user));
        affected(scope, update).await?;
    }
    if ends.keys {
        let update = ending(now).filter(keys::Column::OwnerId.eq(user));
        affected(scope, update).await?;
    }
    Ok(())
}

/// Ends sessions that have not ended.
fn ended(at: u64) -> UpdateMany<sessions::Entity> {
    sessions::Entity::update_many()
        .col_expr(sessions::Column::EndedAt, Expr::value(micros(at)))
        .filter(sessions::Column::EndedAt.is_null())
}

/// Ends keys that do not end sooner.
fn ending(at: u64) -> UpdateMany<keys::Entity> {
    let later = keys::Column::ExpiresAt.gt(micros(at));
    keys::Entity::update_many()
        .col_expr(keys::Column::ExpiresAt, Expr::value(micros(at)))
        .filter(keys::Column::ExpiresAt.is_null().or(later))
}

async fn remove_user(scope: &mut Scope<'_>, id: Uuid) -> Result<()> {
    let user = users::Entity::delete_by_id(id);
    let deleted = user.exec(scope.connection()?).await.or_ours()?;
    if deleted.rows_affected == 0 {
        return Err(people::unknown());
    }
    let sessions = sessions::Entity::delete_many().filter(sessions::Column::UserId.eq(id));
    sessions.exec(scope.connection()?).await.or_ours()?;
    let keys = keys::Entity::delete_many().filter(keys::Column::OwnerId.eq(id));
    keys.exec(scope.connection()?).await.or_ours().map(drop)
}

async fn add_session(scope: &mut Scope<'_>, session: &Session) -> Result<()> {
    let insert = sessions::Entity::insert(sessions::ActiveModel::try_from(session)?);
    let kept = insert.exec_without_returning(scope.connection()?).await;
    kept.or_ours().map(drop)
}

async fn rotate(
    scope: &mut Scope<'_>,
    session: &Session,
    next: Id,
    now: u64,
    expires_at: u64,
) -> Result<()> {
    let before = mark(scope, REVOKED_BEFORE).await?;
    if before.is_some_and(|before| micros(session.rotated_at) < before) {
        return Err(session_ended());
    }
    let generation = count(session.generation);
    let update = sessions::Entity::update_many()
        .col_expr(sessions::Column::TokenId, Expr::value(*next.as_uuid()))
        .col_expr(sessions::Column::Generation, Expr::value(generation + 1))
        .col_expr(sessions::Column::RotatedAt, Expr::value(micros(now)))
        .col_expr(sessions::Column::ExpiresAt, Expr::value(micros(expires_at)))
        .filter(sessions::Column::Id.eq(*session.id.as_uuid()))
        .filter(sessions::Column::TokenId.eq(*session.token.as_uuid()))
        .filter(sessions::Column::Generation.eq(generation))
        .filter(sessions::Column::EndedAt.is_null());
    match affected(scope, update).await? {
        0 => Err(superseded()),
        _ => Ok(()),
    }
}

async fn revoke_token(scope: &mut Scope<'_>, id: Id, until: u64) -> Result<()> {
    let row = revocations::ActiveModel {
        token_id: Set(*id.as_uuid()),
        expires_at: Set(micros(until)),
    };
    let known = OnConflict::new()
        .do_nothing_on([revocations::Column::TokenId])
        .to_owned();
    let insert = revocations::Entity::insert(row).on_conflict(known);
    let kept = insert.exec_without_returning(scope.connection()?).await;
    kept.or_ours().map(drop)
}

/// Has a row for a mark, which says 0 at first.
async fn ensure_mark(scope: &mut Scope<'_>, name: &str) -> Result<()> {
    let row = marks::ActiveModel {
        name: Set(name.to_owned()),
        set_at: Set(0),
    };
    let known = OnConflict::new()
        .do_nothing_on([marks::Column::Name])
        .to_owned();
    let insert = marks::Entity::insert(row).on_conflict(known);
    let marked = insert.exec_without_returning(scope.connection()?).await;
    marked.or_ours().map(drop)
}

async fn revoke_before(scope: &mut Scope<'_>, at: u64) -> Result<()> {
    ensure_mark(scope, REVOKED_BEFORE).await?;
    let update = marks::Entity::update_many()
        .col_expr(marks::Column::SetAt, Expr::value(micros(at)))
        .filter(marks::Column::Name.eq(REVOKED_BEFORE))
        .filter(marks::Column::SetAt.lt(micros(at)));
    affected(scope, update).await.map(drop)
}

async fn replace_key(scope: &mut Scope<'_>, old: &KeyId, at: u64, now: u64) -> Result<()> {
    let find = keys::Entity::find_by_id(old.as_str()).lock_exclusive();
    let row = find.one(scope.connection()?).await.or_ours()?;
    let good = |row: keys::Model| row.expires_at.is_none_or(|end| end > micros(now));
    if !row.is_some_and(good) {
        return Err(key_unknown());
    }
    let update = ending(at).filter(keys::Column::Id.eq(old.as_str()));
    affected(scope, update).await.map(drop)
}

async fn add_key(scope: &mut Scope<'_>, key: &ApiKey) -> Result<()> {
    let insert = keys::Entity::insert(keys::ActiveModel::try_from(key)?);
    let kept = insert.exec_without_returning(scope.connection()?).await;
    let taken = |error| instead(error, KEY_TAKEN, "another key has the same id");
    kept.or_ours().map(drop).map_err(taken)
}

async fn put_gate(scope: &mut Scope<'_>, gate: &GateState) -> Result<()> {
    let replaced = OnConflict::column(gates::Column::Id)
        .update_columns([
            gates::Column::Failures,
            gates::Column::ClosedSince,
            gates::Column::ClosedUntil,
            gates::Column::TouchedAt,
            gates::Column::TrustedUntil,
            gates::Column::OpenedAt,
        ])
        .to_owned();
    let insert = gates::Entity::insert(gates::ActiveModel::from(gate)).on_conflict(replaced);
    let kept = insert.exec_without_returning(scope.connection()?).await;
    kept.or_ours().map(drop)
}
