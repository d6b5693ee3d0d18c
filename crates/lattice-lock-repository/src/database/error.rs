use lattice_lock_errors::{Error, Result};
use sea_orm::{DbErr, RuntimeErr};

use crate::codes::{
    DATA_REFUSED, DATABASE_FULL, DATABASE_REFUSED, DATABASE_UNREACHABLE, READ_ONLY,
    STATEMENT_FAILED, STATEMENTS_LOST, TRANSACTION_CONTENDED, UNIQUE_VIOLATION,
};

/// The database cannot be reached: the typed cause of [`DATABASE_UNREACHABLE`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct DatabaseConnectionError {
    /// What the driver said, redacted.
    pub reason: String,
}

pub(crate) fn unreachable(error: &DbErr) -> Error {
    let reason = lattice_lock_errors::redact(&error.to_string()).into_owned();
    Error::new(DATABASE_UNREACHABLE, "database unreachable")
        .with_source(DatabaseConnectionError { reason })
}

/// The error that stands for one of sea-orm's, by the engine's own code and never by its text.
///
/// ```
/// use lattice_lock_repository::{codes, database_error};
///
/// let error = database_error(&sea_orm::DbErr::RecordNotInserted);
/// assert_eq!(error.code(), codes::STATEMENT_FAILED);
/// ```
#[must_use]
pub fn database_error(error: &DbErr) -> Error {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(sqlx)) => connection_error(sqlx, error),
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => unreachable(error),
        DbErr::Exec(RuntimeErr::SqlxError(sqlx)) | DbErr::Query(RuntimeErr::SqlxError(sqlx)) => {
            driver_error(sqlx, error)
        }
        other => Error::new(STATEMENT_FAILED, "statement failed").with_foreign(other),
    }
}

fn connection_error(driver: &sqlx::Error, whole: &DbErr) -> Error {
    match driver {
        sqlx::Error::Configuration(carrier) if let Some(ours) = carrier.downcast_ref::<Error>() => {
            ours.clone()
        }
        sqlx::Error::Database(refusal) if is_rejection(refusal.as_ref()) => {
            Error::new(DATABASE_REFUSED, "the database refused the connection").with_foreign(whole)
        }
        _ => unreachable(whole),
    }
}

fn driver_error(driver: &sqlx::Error, whole: &DbErr) -> Error {
    match driver {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => unreachable(whole),
        sqlx::Error::Database(refusal) if refusal.is_unique_violation() => {
            Error::new(UNIQUE_VIOLATION, "another row has the same key").with_foreign(whole)
        }
        sqlx::Error::Database(refusal) if is_farewell(refusal.as_ref()) => unreachable(whole),
        sqlx::Error::Database(refusal) if is_read_only(refusal.as_ref()) => {
            Error::new(READ_ONLY, "only reading is allowed here").with_foreign(whole)
        }
        sqlx::Error::Database(refusal) if is_full(refusal.as_ref()) => {
            Error::new(DATABASE_FULL, "the database is full").with_foreign(whole)
        }
        sqlx::Error::Database(refusal) if is_contention(refusal.as_ref()) => {
            Error::new(TRANSACTION_CONTENDED, "in the way of another transaction")
                .with_foreign(whole)
        }
        sqlx::Error::Database(refusal) if is_data(refusal.as_ref()) => {
            Error::new(DATA_REFUSED, "the database does not take this").with_foreign(whole)
        }
        sqlx::Error::Database(refusal) if is_confusion(refusal.as_ref()) => Error::new(
            STATEMENTS_LOST,
            "a prepared statement is lost or somebody else's",
        )
        .with_foreign(whole),
        _ => Error::new(STATEMENT_FAILED, "statement failed").with_foreign(whole),
    }
}

/// PostgreSQL: a prepared statement that does not exist, or exists already. Neither comes from one client alone.
fn is_confusion(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(refusal.code().as_deref(), Some("26000" | "42P05"))
}

/// PostgreSQL: serialisation failure, deadlock, lock timeout, and a statement that was cancelled or took too long. MySQL:
/// the same. `SQLite`: busy and locked.
fn is_contention(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1020 | 1205 | 1213 | 1317 | 1969 | 3024);
    }
    let code = refusal.code();
    let code = code.as_deref().unwrap_or_default();
    matches!(code, "40001" | "40P01" | "55P03" | "57014") || matches!(sqlite(code), Some(5 | 6))
}

/// Which of `SQLite`'s errors it is: its codes are plain numbers, whose last byte says that.
fn sqlite(code: &str) -> Option<u32> {
    let number = (code.len() < 5).then(|| code.parse::<u32>().ok())?;
    number.map(|number| number & 0xff)
}

/// PostgreSQL and MySQL: data exceptions and broken constraints. `SQLite`: too big, a constraint, a mismatch of types.
fn is_data(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    let code = refusal.code();
    let code = code.as_deref().unwrap_or_default();
    let is_state = code.len() == 5 && (code.starts_with("22") || code.starts_with("23"));
    is_state || matches!(sqlite(code), Some(18..=20))
}

/// PostgreSQL: read-only transaction. MySQL: the same, and a server that only reads. `SQLite`: a file or connection
/// that only reads.
fn is_read_only(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1290 | 1792 | 1836);
    }
    matches!(refusal.code().as_deref(), Some("25006" | "8"))
}

/// PostgreSQL: disk full, out of memory. MySQL: disk full, table full, out of memory. `SQLite`: full, out of memory.
fn is_full(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1021 | 1037 | 1038 | 1041 | 1114);
    }
    matches!(
        refusal.code().as_deref(),
        Some("53100" | "53200" | "13" | "7")
    )
}

/// What a server says when it takes no connection, ends one, or cannot reach its disk. PostgreSQL: connection exceptions,
/// shutdown, too many connections, a connection or a transaction that was idle or open for too long, an I/O error. MySQL:
/// too many connections, shutdown, broken packets, a killed or idle connection. `SQLite`: an I/O error, a file that
/// cannot be opened.
fn is_farewell(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1040 | 1053 | 1158..=1161 | 1927 | 4031);
    }
    let code = refusal.code();
    let code = code.as_deref().unwrap_or_default();
    let is_state = matches!(
        code,
        "25P03" | "25P04" | "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "58030"
    );
    let is_exception = code.len() == 5 && code.starts_with("08");
    is_state || is_exception || matches!(sqlite(code), Some(10 | 14))
}

/// Whether a server does not know who asks, or what for. PostgreSQL: invalid authorisation, no such database. MySQL:
/// access denied, unknown database.
fn is_rejection(refusal: &dyn sqlx::error::DatabaseError) -> bool {
    #[cfg(feature = "mysql")]
    if let Some(mysql) = refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return matches!(mysql.number(), 1044 | 1045 | 1049 | 1698);
    }
    let code = refusal.code();
    let code = code.as_deref().unwrap_or_default();
    code.len() == 5 && (code.starts_with("28") || code == "3D000")
}

/// Whether the engine itself said no: anything else leaves open what became of a statement.
pub(crate) fn is_refusal(error: &DbErr) -> bool {
    matches!(
        error,
        DbErr::Exec(RuntimeErr::SqlxError(driver)) | DbErr::Query(RuntimeErr::SqlxError(driver))
            if matches!(**driver, sqlx::Error::Database(_))
    )
}

/// Turns sea-orm's results into ours.
pub(crate) trait OrDatabaseError<T> {
    fn or_database_error(self) -> Result<T>;
}

impl<T> OrDatabaseError<T> for std::result::Result<T, DbErr> {
    fn or_database_error(self) -> Result<T> {
        self.map_err(|error| database_error(&error))
    }
}
