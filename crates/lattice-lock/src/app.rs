use std::sync::Arc;
use std::time::Duration;

use lattice_lock_billing::Ledger;
use lattice_lock_clients::ChatRequest;
use lattice_lock_config::AppConfig;
use lattice_lock_orchestrator::Orchestrator;
use lattice_lock_providers::Registry;
use lattice_lock_repository::Database;
use lattice_lock_runtime::{Shutdown, ShutdownReport};

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
    pub(crate) shutdown: Shutdown,
    #[cfg(feature = "auth")]
    pub(crate) tokens: Option<lattice_lock_auth::Tokens>,
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
        Chat::new(self.0.orchestrator.clone(), request.into())
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

    /// Issues and verifies tokens; none when the configuration turned auth off.
    #[cfg(feature = "auth")]
    #[must_use]
    pub fn tokens(&self) -> Option<&lattice_lock_auth::Tokens> {
        self.0.tokens.as_ref()
    }

    /// Accepts no more calls, lets those under way end and be booked, and closes what it opened itself, all within
    /// `deadline`. May be called from many places; all get the same report.
    pub async fn shutdown(&self, deadline: Duration) -> Arc<ShutdownReport> {
        self.0.shutdown.shutdown(deadline).await
    }
}
