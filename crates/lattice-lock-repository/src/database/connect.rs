use std::str::FromStr;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::codes::DEADLINE_EXCEEDED;
use lattice_lock_runtime::{RetryPolicy, retry};
use sea_orm::{DatabaseConnection, DbBackend};
use sqlx::pool::PoolOptions;
use sqlx::{ConnectOptions, Connection};

use super::error::OrDatabaseError;
use super::sql::{Pool, Pools};
use super::{DatabaseOptions, Engine};
use crate::codes::{DATABASE_UNREACHABLE, DATABASE_URL_INVALID, ENGINE_NOT_BUILT};

/// The pools at this address, reached once unless they are to be lazy.
pub(crate) async fn open(engine: Engine, url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let pools = match engine {
        #[cfg(feature = "sqlite")]
        Engine::Sqlite => sqlite(url, options)?,
        #[cfg(feature = "postgres")]
        Engine::Postgres => postgres(url, options)?,
        #[cfg(feature = "mysql")]
        Engine::Mysql => mysql(url, options)?,
        other => {
            return Err(
                Error::new(ENGINE_NOT_BUILT, "engine not built in").with("engine", other.as_str())
            );
        }
    };
    if !options.lazy {
        reach(&pools, options).await?;
    }
    Ok(pools)
}

/// Reaches the database, again and again if it may not be up yet.
async fn reach(pools: &Pools, options: &DatabaseOptions) -> Result<()> {
    let policy = match options.wait_for_start {
        None => RetryPolicy::never(),
        Some(longest) => RetryPolicy::new()
            .max_attempts(u32::MAX)
            .max_delay(Duration::from_secs(2))
            .total_deadline(longest),
    };
    let reached = retry(&policy, || async {
        let reached = tokio::time::timeout(options.connect_timeout, pools.reach()).await;
        reached.unwrap_or_else(|_| Err(no_answer()))
    });
    reached.await.map_err(|error| {
        // The deadline of all attempts passed in the middle of one.
        if error.code() == DEADLINE_EXCEEDED {
            return no_answer().with_source(error);
        }
        error
    })
}

fn no_answer() -> Error {
    Error::new(DATABASE_UNREACHABLE, "no answer in time")
}

/// The engine and the pools of a host's own connections, which it closes itself.
pub(crate) fn borrow(
    connections: DatabaseConnection,
    options: &DatabaseOptions,
) -> Result<(Engine, Pools)> {
    let (engine, size) = match connections.get_database_backend() {
        #[cfg(feature = "sqlite")]
        DbBackend::Sqlite => {
            let pool = connections.get_sqlite_connection_pool();
            (Engine::Sqlite, pool.options().get_max_connections())
        }
        #[cfg(feature = "postgres")]
        DbBackend::Postgres => {
            let pool = connections.get_postgres_connection_pool();
            (Engine::Postgres, pool.options().get_max_connections())
        }
        #[cfg(feature = "mysql")]
        DbBackend::MySql => {
            let pool = connections.get_mysql_connection_pool();
            (Engine::Mysql, pool.options().get_max_connections())
        }
        _ => return Err(Error::new(ENGINE_NOT_BUILT, "engine not built in")),
    };
    let pool = Pool::new(connections, size, options).borrowed();
    Ok((engine, Pools::new(pool.clone(), pool)))
}

/// Pools are made with sqlx itself: sea-orm's own `connect` records its options, URL included, in a span.
fn pool<DB: sqlx::Database>(options: &DatabaseOptions, connections: u32) -> PoolOptions<DB> {
    let idle = options.check_after_idle;
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection: &mut DB::Connection, use_before| {
            Box::pin(async move {
                if use_before.idle_for >= idle {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
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
fn sqlite(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

    let file = parsed::<SqliteConnectOptions>(&with_scheme(url, "sqlite"))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.acquire_timeout)
        .foreign_keys(true);
    let readers = options.most_connections();
    let writer = pool::<sqlx::Sqlite>(options, 1).connect_lazy_with(file.clone());
    let reader =
        pool::<sqlx::Sqlite>(options, readers).connect_lazy_with(file.pragma("query_only", "ON"));
    Ok(Pools::new(
        Pool::new(writer.into(), 1, options),
        Pool::new(reader.into(), readers, options),
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
        .connect_lazy_with(
            SqliteConnectOptions::new()
                .in_memory(true)
                .foreign_keys(true)
                .disable_statement_logging(),
        );
    let one = Pool::new(one.into(), 1, options);
    let pools = Pools::new(one.clone(), one);
    pools.reach().await.map(|()| pools)
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::postgres::PgConnectOptions = parsed(&with_scheme(url, "postgres"))?;
    let size = options.most_connections();
    let both = pool::<sqlx::Postgres>(options, size).connect_lazy_with(server);
    let both = Pool::new(both.into(), size, options);
    Ok(Pools::new(both.clone(), both))
}

#[cfg(feature = "mysql")]
fn mysql(url: &str, options: &DatabaseOptions) -> Result<Pools> {
    let server: sqlx::mysql::MySqlConnectOptions = parsed(&with_scheme(url, "mysql"))?;
    let size = options.most_connections();
    let both = pool::<sqlx::MySql>(options, size).connect_lazy_with(server);
    let both = Pool::new(both.into(), size, options);
    Ok(Pools::new(both.clone(), both))
}

impl Pools {
    /// Makes a connection that can write, and checks the version.
    async fn reach(&self) -> Result<()> {
        self.writer()?.reach().await.or_database_error()
    }
}
