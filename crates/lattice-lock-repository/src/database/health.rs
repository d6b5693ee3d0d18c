use std::time::Duration;
#[cfg(feature = "__sql")]
use std::time::Instant;

use serde::Serialize;

use super::{Database, Engine};

/// How well a database does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DatabaseStatus {
    /// It answers.
    Healthy,
    /// It does not, or not in time.
    Unhealthy,
}

/// What a look at the database found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DatabaseHealth {
    /// How well it does.
    pub status: DatabaseStatus,
    /// Which engine it is.
    pub engine: Engine,
    /// How long a query took; none if none was answered, or none was needed.
    pub latency: Option<Duration>,
    /// The error's code when it is not healthy.
    pub code: Option<&'static str>,
}

impl Database {
    /// Asks the database a question, and waits for the answer no longer than `deadline`.
    #[cfg_attr(
        not(feature = "__sql"),
        expect(clippy::unused_async, reason = "awaits with an engine")
    )]
    pub async fn health(&self, deadline: Duration) -> DatabaseHealth {
        let healthy = DatabaseHealth {
            status: DatabaseStatus::Healthy,
            engine: self.engine,
            latency: None,
            code: None,
        };
        #[cfg(not(feature = "__sql"))]
        {
            let _ = deadline;
            healthy
        }
        #[cfg(feature = "__sql")]
        {
            if self.engine == Engine::Memory {
                return healthy;
            }
            let asked = Instant::now();
            match self.ask(deadline).await {
                Ok(()) => DatabaseHealth {
                    latency: Some(asked.elapsed()),
                    ..healthy
                },
                Err(error) => DatabaseHealth {
                    status: DatabaseStatus::Unhealthy,
                    code: Some(error.code().as_str()),
                    ..healthy
                },
            }
        }
    }

    #[cfg(feature = "__sql")]
    async fn ask(&self, deadline: Duration) -> lattice_lock_errors::Result<()> {
        use lattice_lock_errors::Error;
        use sea_orm::ConnectionTrait;

        use super::error::OrDatabaseError;

        let mut scope = self.reader()?;
        let question = scope.connection()?.execute_unprepared("SELECT 1");
        match tokio::time::timeout(deadline, question).await {
            Ok(answer) => answer.or_database_error().map(drop),
            Err(_) => Err(Error::new(
                crate::codes::DATABASE_UNREACHABLE,
                "no answer in time",
            )),
        }
    }
}
