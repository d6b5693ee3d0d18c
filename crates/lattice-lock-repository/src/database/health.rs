use std::time::Duration;

use serde::Serialize;

use super::{Database, Engine, Source};

/// How well a database does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DatabaseStatus {
    /// It can be read and written.
    Healthy,
    /// It can be read, but not written, or its tables are not what this version needs.
    Degraded,
    /// It does not answer, or not in time.
    Unhealthy,
}

/// How far the tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MigrationState {
    /// Every step that this process knows of is applied.
    UpToDate,
    /// Steps are missing.
    Pending,
    /// Nothing was ever applied.
    NotApplied,
    /// An applied step differs, or this version is too old for the tables.
    Incompatible,
    /// This process neither migrated nor asked whether it has to, so it does not know of any step.
    Unknown,
}

/// Who uses the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PoolUse {
    /// How many connections there may be.
    pub most: u32,
    /// How many there are.
    pub open: u32,
    /// How many of them nobody uses.
    pub idle: usize,
    /// How many are used, or about to be.
    pub used: usize,
    /// How many callers wait for one.
    pub waiting: usize,
}

/// How long callers waited for their turn at a connection: of the last 512, those who gave up included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WaitTimes {
    /// Half of them waited no longer.
    pub p50: Duration,
    /// 95 of 100 waited no longer.
    pub p95: Duration,
    /// 99 of 100 waited no longer.
    pub p99: Duration,
}

/// What a look at the database found. What was not measured is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DatabaseHealth {
    /// How well it does.
    pub status: DatabaseStatus,
    /// Which engine it is.
    pub engine: Engine,
    /// What the engine says its version is; absent in memory, and before the first answer.
    pub version: Option<String>,
    /// How long a query took, with the wait for a connection.
    pub read: Option<Duration>,
    /// How long a write took that was undone; absent too where nothing was migrated yet, so that there is no table.
    pub write: Option<Duration>,
    /// The connections that read.
    pub readers: Option<PoolUse>,
    /// The connections that write: of a server, the same.
    pub writers: Option<PoolUse>,
    /// Waits for a connection that writes.
    pub waits: Option<WaitTimes>,
    /// How far the tables are.
    pub migrations: MigrationState,
    /// The code of what is wrong.
    pub code: Option<&'static str>,
}

impl DatabaseHealth {
    fn new(engine: Engine) -> Self {
        Self {
            status: DatabaseStatus::Healthy,
            engine,
            version: None,
            read: None,
            write: None,
            readers: None,
            writers: None,
            waits: None,
            migrations: MigrationState::Unknown,
            code: None,
        }
    }
}

impl Database {
    /// Reads from the database and writes to it, undoing that, and waits for the answers no longer than `deadline`.
    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    pub async fn health(&self, deadline: Duration) -> DatabaseHealth {
        let health = DatabaseHealth::new(self.engine);
        // Memory answers at once.
        #[cfg(not(feature = "__sql"))]
        let _ = deadline;
        match &self.source {
            Source::Memory(engine) => match engine.require_open() {
                Ok(()) => health,
                Err(error) => DatabaseHealth {
                    status: DatabaseStatus::Unhealthy,
                    code: Some(error.code().as_str()),
                    ..health
                },
            },
            #[cfg(feature = "__sql")]
            Source::Sql(pools) => probe::health(self, pools, health, deadline).await,
        }
    }
}

#[cfg(feature = "__sql")]
mod probe {
    use std::time::{Duration, Instant};

    use lattice_lock_errors::{Error, Result};
    use sea_orm::ConnectionTrait;

    use super::{DatabaseHealth, DatabaseStatus, MigrationState, PoolUse, WaitTimes};
    use crate::Database;
    use crate::codes::DATABASE_UNREACHABLE;
    use crate::database::error::OrDatabaseError;
    use crate::database::sql::{Pool, Pools};

    pub(super) async fn health(
        database: &Database,
        pools: &Pools,
        mut health: DatabaseHealth,
        deadline: Duration,
    ) -> DatabaseHealth {
        let asked = tokio::time::timeout(deadline, ask(database, &mut health)).await;
        let asked =
            asked.unwrap_or_else(|_| Err(Error::new(DATABASE_UNREACHABLE, "no answer in time")));
        if let Err(error) = asked {
            health.code = Some(error.code().as_str());
            health.status = match health.read {
                None => DatabaseStatus::Unhealthy,
                Some(_) => DatabaseStatus::Degraded,
            };
        }
        if let (Ok(reader), Ok(writer)) = (pools.reader(), pools.writer()) {
            health.version = writer.version().or(reader.version()).map(str::to_owned);
            health.readers = Some(usage(reader));
            health.writers = Some(usage(writer));
            health.waits = waits(writer);
        }
        health
    }

    /// Fills in what was found until something was wrong.
    async fn ask(database: &Database, health: &mut DatabaseHealth) -> Result<()> {
        let asked = Instant::now();
        let mut scope = database.reader()?;
        let read = scope.connection()?.execute_unprepared("SELECT 1").await;
        read.or_database_error()?;
        health.read = Some(asked.elapsed());
        health.migrations = database.migration_state().await?;
        match health.migrations {
            MigrationState::NotApplied => return Ok(()),
            MigrationState::Pending | MigrationState::Incompatible => {
                health.status = DatabaseStatus::Degraded;
            }
            MigrationState::UpToDate | MigrationState::Unknown => {}
        }
        let asked = Instant::now();
        write(database).await?;
        health.write = Some(asked.elapsed());
        Ok(())
    }

    /// Writes a row, and takes it back.
    async fn write(database: &Database) -> Result<()> {
        let mut scope = database.writer()?;
        let Some(whole) = scope.whole().await? else {
            return Ok(());
        };
        let written = crate::database::migration::write_probe(&mut whole.scope(&scope)).await;
        whole.undo().await;
        written
    }

    fn usage(pool: &Pool) -> PoolUse {
        let ((open, idle), (most, used, waiting)) = (pool.connections(), pool.gate().occupancy());
        PoolUse {
            most,
            open,
            idle,
            used,
            waiting,
        }
    }

    fn waits(pool: &Pool) -> Option<WaitTimes> {
        let waits = pool.gate().waits();
        let at = |percent: usize| {
            let rank = (waits.len() * percent).div_ceil(100).saturating_sub(1);
            waits.get(rank).copied()
        };
        Some(WaitTimes {
            p50: at(50)?,
            p95: at(95)?,
            p99: at(99)?,
        })
    }
}
