use std::sync::Arc;
use std::time::Duration;

use lattice_lock_billing::Ledger;
use lattice_lock_clients::ChatRequest;
use lattice_lock_config::AppConfig;
use lattice_lock_orchestrator::Orchestrator;
use lattice_lock_providers::Registry;
use lattice_lock_repository::Database;
use lattice_lock_runtime::{BackgroundTasks, ErrorMetrics, Health, Shutdown, ShutdownReport};

use crate::{Builder, Chat};

/// The control plane of an application's model calls: one value that is cloned to wherever calls are made.
///
/// See the [crate's documentation](crate) for an example.
#[derive(Clone, Debug)]
pub struct LatticeLock(Arc<Handles>);

#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) config: AppConfig,
    pub(crate) database: Database,
    pub(crate) orchestrator: Orchestrator,
    pub(crate) tasks: BackgroundTasks,
    pub(crate) health: Health,
    pub(crate) error_metrics: Arc<ErrorMetrics>,
    pub(crate) shutdown: Shutdown,
    #[cfg(feature = "auth")]
    pub(crate) auth: Option<lattice_lock_auth::Auth>,
}

impl LatticeLock {
    /// Starts to put one together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(handles: Handles) -> Self {
        Self(Arc::new(handles))
    }

    /// Starts a call: a prompt, or a whole [`ChatRequest`].
    pub fn chat(&self, request: impl Into<ChatRequest>) -> Chat {
        Chat::new(Arc::clone(&self.0), request.into())
    }

    /// Every attempt that was booked.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.0.orchestrator.ledger()
    }

    /// The models, the providers, and who may be called now.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        self.0.orchestrator.registry()
    }

    /// What takes prompts to models.
    #[must_use]
    pub fn orchestrator(&self) -> &Orchestrator {
        &self.0.orchestrator
    }

    /// Where everything is kept.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// The configuration it was built with.
    #[must_use]
    pub fn config(&self) -> &AppConfig {
        &self.0.config
    }

    /// Who is calling and what they may do; none when the configuration turned auth off.
    ///
    /// Call its [`sweep`](lattice_lock_auth::Auth::sweep) every few minutes.
    #[cfg(feature = "auth")]
    #[must_use]
    pub fn auth(&self) -> Option<&lattice_lock_auth::Auth> {
        self.0.auth.as_ref()
    }

    /// Background work that ends with the shutdown: after the calls were drained, it has
    /// `BACKGROUND_TASK_TIMEOUT` to come to its own end. The application may add its own.
    #[must_use]
    pub fn tasks(&self) -> &BackgroundTasks {
        &self.0.tasks
    }

    /// How everything does: the database, if it is not in memory, and whatever the application registers. Readiness
    /// falls as soon as a shutdown begins.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// The errors that calls came back with: how many of which code lately, and the last ones. The application may
    /// record its own.
    #[must_use]
    pub fn error_metrics(&self) -> &ErrorMetrics {
        &self.0.error_metrics
    }

    /// Begins the shutdown on SIGTERM or SIGINT, with 30 seconds in all, and forces it on the second one. Await
    /// [`finished`](Self::finished), then exit with its report's code. Without this call no signal is touched.
    ///
    /// # Errors
    ///
    /// [`SIGNALS_UNAVAILABLE`](lattice_lock_runtime::codes::SIGNALS_UNAVAILABLE).
    #[cfg(feature = "signals")]
    pub fn listen_for_signals(&self) -> lattice_lock_errors::Result<()> {
        self.0.shutdown.listen_for_signals()
    }

    /// Waits for the report of a shutdown that something else begins, such as a signal.
    pub async fn finished(&self) -> Arc<ShutdownReport> {
        self.0.shutdown.finished().await
    }

    /// Accepts no more calls, lets those under way end and be booked, stops background tasks, and closes what it
    /// opened itself, all within `deadline`. May be called from many places; all get the same report.
    pub async fn shutdown(&self, deadline: Duration) -> Arc<ShutdownReport> {
        self.0.shutdown.shutdown(deadline).await
    }
}
