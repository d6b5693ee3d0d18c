use std::time::Duration;

use lattice_lock_billing::Ledger;
use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::codes::DATABASE_UNREACHABLE;
use lattice_lock_repository::{Database, DatabaseStatus, Engine};
use lattice_lock_runtime::{BackgroundTasks, Component, Health, Shutdown, Vitals};

/// How long each phase may take, within the deadline of the whole.
const LONGEST_PHASE: Duration = Duration::from_mins(1);

/// How long the database has to answer a probe: somewhat less than the component, so that it says itself what is
/// wrong.
const PROBE: Duration = Duration::from_secs(2);
const COMPONENT: Duration = Duration::from_millis(2500);

/// What a shutdown ends, in this order.
pub(crate) struct Ending {
    pub(crate) operations: BackgroundTasks,
    pub(crate) ledger: Ledger,
    pub(crate) tasks: BackgroundTasks,
    pub(crate) task_timeout: Duration,
    /// The database that we opened ourselves.
    pub(crate) database: Option<Database>,
}

impl Ending {
    pub(crate) fn shutdown(self) -> Shutdown {
        let (accepting, ledger) = (self.operations.clone(), self.ledger);
        let phases = Shutdown::builder()
            .phase("stop accepting", LONGEST_PHASE, async move |_| {
                accepting.close();
                Ok(())
            })
            .tasks("drain operations", LONGEST_PHASE, self.operations)
            .phase("flush ledger", LONGEST_PHASE, async move |_| {
                ledger.flush(LONGEST_PHASE).await
            })
            .tasks("stop tasks", self.task_timeout, self.tasks);
        match self.database {
            Some(database) => phases.phase("close databases", LONGEST_PHASE, async move |_| {
                database.dispose().await;
                Ok(())
            }),
            None => phases,
        }
        .build()
    }
}

/// The health of everything that was put together. Readiness falls when the shutdown begins.
pub(crate) fn health(database: &Database, shutdown: &Shutdown) -> Health {
    let health = Health::new();
    health.follow(shutdown.begun());
    if database.engine() != Engine::Memory {
        let database = database.clone();
        let probe = move || {
            let database = database.clone();
            async move { vitals(&database).await }
        };
        health.register(
            Component::new("database", probe)
                .critical()
                .deadline(COMPONENT),
        );
    }
    health
}

async fn vitals(database: &Database) -> Result<Vitals> {
    let health = database.health(PROBE).await;
    let code = health.code.unwrap_or_default();
    let vitals = match health.status {
        DatabaseStatus::Healthy => Vitals::healthy(),
        DatabaseStatus::Unhealthy => {
            let error = Error::new(DATABASE_UNREACHABLE, "the database does not answer");
            return Err(error.with("code", code));
        }
        _ if code.is_empty() => Vitals::degraded("its tables are not those of this version"),
        _ => Vitals::degraded("it can be read and not written").with("code", code),
    };
    let vitals = vitals.with("engine", health.engine.as_str());
    Ok(match health.version {
        Some(version) => vitals.with("version", version),
        None => vitals,
    })
}
