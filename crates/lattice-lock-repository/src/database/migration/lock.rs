use lattice_lock_errors::{Error, Result};
use sea_orm::{ConnectionTrait, Statement};

use super::history::execute;
use crate::codes::TRANSACTION_CONTENDED;
use crate::database::error::OrDatabaseError;
use crate::{Engine, Scope};

/// The number of the lock that keeps two migrating processes apart on PostgreSQL.
const LOCK: i64 = 0x6c61_7474_6963_6501;

/// The name of the lock on MySQL, as SQL: locks belong to the server there, and these tables to a database.
const SESSION_LOCK: &str = "CONCAT('lattice_', MD5(DATABASE()))";

/// How long one try for the lock on MySQL waits; a transaction makes ten.
const LOCK_SECONDS: u32 = 6;

/// Waits until no other process migrates. A `SQLite` transaction holds the file already, and PostgreSQL's
/// lock ends with the transaction; on MySQL, whose DDL commits by itself, it belongs to the session.
pub(super) async fn lock(scope: &mut Scope<'_>) -> Result<()> {
    match scope.engine() {
        Engine::Postgres => execute(scope, &format!("SELECT pg_advisory_xact_lock({LOCK})")).await,
        Engine::Mysql => lock_session(scope).await,
        Engine::Memory | Engine::Sqlite => Ok(()),
    }
}

/// Waits a while for MySQL's lock; whoever does not get it in time has to try again.
async fn lock_session(scope: &mut Scope<'_>) -> Result<()> {
    let connection = scope.connection()?;
    let sql = format!("SELECT GET_LOCK({SESSION_LOCK}, {LOCK_SECONDS}) AS taken");
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(query).await.or_database_error()?;
    let taken = row.map(|row| row.try_get::<Option<i64>>("", "taken"));
    match taken.transpose().or_database_error()?.flatten() {
        Some(1) => Ok(()),
        _ => Err(Error::new(
            TRANSACTION_CONTENDED,
            "another process is migrating",
        )),
    }
}

pub(super) async fn unlock(scope: &mut Scope<'_>) -> Result<()> {
    match scope.engine() {
        Engine::Mysql => execute(scope, &format!("SELECT RELEASE_LOCK({SESSION_LOCK})")).await,
        Engine::Memory | Engine::Sqlite | Engine::Postgres => Ok(()),
    }
}
