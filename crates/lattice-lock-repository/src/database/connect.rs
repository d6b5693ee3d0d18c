use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};

use lattice_lock_errors::{Error, Result};
use sea_orm::{DatabaseConnection, DbErr};
use sqlx::ConnectOptions;
use sqlx::pool::PoolOptions;

use super::error::unreachable;
use super::{DatabaseOptions, Engine};
use crate::codes::{DATABASE_DISPOSED, DATABASE_URL_INVALID, ENGINE_NOT_BUILT};

/// The connections of one database. `SQLite` has one that writes and others that read: many writers would only
/// wait for each other, and longer. Servers have one pool for both.
pub(crate) struct Pools {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    disposed: AtomicBool,
}

impl Pools {
    fn new(writer: DatabaseConnection, reader: DatabaseConnection) -> Self {
        Self {
            writer,
            reader,
            disposed: AtomicBool::new(false),
        }
    }

    pub(crate) fn writer(&self) -> Result<&DatabaseConnection> {
        self.open(&self.writer)
    }

    pub(crate) fn reader(&self) -> Result<&DatabaseConnection> {
        self.open(&self.reader)
    }

    fn open<'a>(&self, connection: &'a DatabaseConnection) -> Result<&'a DatabaseConnection> {
        if self.disposed.load(Ordering::Acquire) {
            return Err(Error::new(
                DATABASE_DISPOSED,
                "the database was disposed of",
            ));
        }
        Ok(connection)
    }

    pub(crate) async fn close(&self) {
        if self.disposed.swap(true, Ordering::AcqRel) {
            return;
        }
        // Readers first: the last connection to a SQLite file folds the write-ahead log into it.
        for connection in [&self.reader, &self.writer] {
            if let Err(error) = connection.close_by_ref().await {
                tracing::warn!(error = %lattice_lock_errors::redact(&error.to_string()), "closing a database pool failed");
            }
        }
    }
}

pub(crate) async fn open(engine: Engine, url: &str, options: &DatabaseOptions) -> Result<Pools> {
    match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => sqlite(url, options).await,
        #[cfg(feature = "postgres")]
        Engine::Postgres => postgres(url, options).await,
        #[cfg(feature = "mysql")]
        Engine::Mysql => mysql(url, options).await,
        other => {
            Err(Error::new(ENGINE_NOT_BUILT, "engine not built in").with("engine", other.as_str()))
        }
    }
}

/// Pools are made with sqlx itself: sea-orm's own `connect` records its options, URL included, in a span.
fn pool<DB: sqlx::Database>(options: &DatabaseOptions, connections: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
}

/// Connect options from a URL; what sqlx says of a bad one is left out, because it may quote it.
fn parsed<O: ConnectOptions + FromStr>(url: &str, options: &DatabaseOptions) -> Result<O> {
    let parsed = O::from_str(url).map_err(|_| {
        Error::new(DATABASE_URL_INVALID, "not a database URL").with("fault", "it cannot be read")
    })?;
    // What sqlx logs by default are statements with placeholders, at debug level.
    Ok(if options.echo {
        parsed
    } else {
        parsed.disable_statement_logging()
    })
}

/// The URL with the scheme that sqlx knows, in place of an alias or one with a driver's name.
fn with_scheme(url: &str, scheme: &str) -> String {
    let rest = url.trim().split_once(':').map_or("", |(_, rest)| rest);
    format!("{scheme}:{rest}")
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    let file: SqliteConnectOptions =
        parsed::<SqliteConnectOptions>(&with_scheme(url, "sqlite"), options)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(options.acquire_timeout)
            .foreign_keys(true);
    let writer = pool::<sqlx::Sqlite>(options, 1)
        .connect_with(file.clone())
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    let reader = pool::<sqlx::Sqlite>(options, options.pool_size)
        .connect_lazy_with(file.pragma("query_only", "ON"));
    Ok(Pools::new(writer.into(), reader.into()))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::postgres::PgConnectOptions = parsed(&with_scheme(url, "postgres"), options)?;
    let both = pool::<sqlx::Postgres>(options, options.pool_size)
        .connect_with(server)
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    Ok(Pools::new(both.clone().into(), both.into()))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::mysql::MySqlConnectOptions = parsed(&with_scheme(url, "mysql"), options)?;
    let both = pool::<sqlx::MySql>(options, options.pool_size)
        .connect_with(server)
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    Ok(Pools::new(both.clone().into(), both.into()))
}
