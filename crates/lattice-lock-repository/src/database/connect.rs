use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use sea_orm::DbErr;
use sqlx::ConnectOptions;
use sqlx::pool::PoolOptions;

use super::error::unreachable;
use super::sql::{Pool, Pools};
use super::{DatabaseOptions, Engine};
use crate::codes::{DATABASE_URL_INVALID, ENGINE_NOT_BUILT};

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
fn parsed<O: ConnectOptions + FromStr>(url: &str) -> Result<O> {
    let parsed = O::from_str(url).map_err(|_| {
        Error::new(DATABASE_URL_INVALID, "not a database URL").with("fault", "it cannot be read")
    })?;
    // Statements are logged where they are run, and never a text with values.
    Ok(parsed.disable_statement_logging())
}

/// The URL with the scheme that sqlx knows, in place of an alias or one with a driver's name.
fn with_scheme(url: &str, scheme: &str) -> String {
    let rest = url.trim().split_once(':').map_or("", |(_, rest)| rest);
    format!("{scheme}:{rest}")
}

#[cfg(feature = "sqlite")]
async fn sqlite(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    let file: SqliteConnectOptions = parsed::<SqliteConnectOptions>(&with_scheme(url, "sqlite"))?
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
    Ok(Pools::new(
        Pool::new(writer.into(), 1, options),
        Pool::new(reader.into(), options.pool_size, options),
    ))
}

/// Tables in memory live as long as their one connection, which is therefore never given up.
#[cfg(feature = "sqlite")]
pub(crate) async fn sqlite_in_memory(options: &DatabaseOptions) -> Result<Pools> {
    use sqlx::sqlite::SqliteConnectOptions;

    let one = pool::<sqlx::Sqlite>(options, 1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(
            SqliteConnectOptions::new()
                .in_memory(true)
                .foreign_keys(true)
                .disable_statement_logging(),
        )
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    let one = Pool::new(one.into(), 1, options);
    Ok(Pools::new(one.clone(), one))
}

#[cfg(feature = "postgres")]
async fn postgres(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::postgres::PgConnectOptions = parsed(&with_scheme(url, "postgres"))?;
    let both = pool::<sqlx::Postgres>(options, options.pool_size)
        .connect_with(server)
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    Ok(Pools::shared(both.into(), options))
}

#[cfg(feature = "mysql")]
async fn mysql(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::mysql::MySqlConnectOptions = parsed(&with_scheme(url, "mysql"))?;
    let both = pool::<sqlx::MySql>(options, options.pool_size)
        .connect_with(server)
        .await
        .map_err(|error| unreachable(&DbErr::Custom(error.to_string())))?;
    Ok(Pools::shared(both.into(), options))
}
