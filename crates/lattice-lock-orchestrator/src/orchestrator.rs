use std::collections::BTreeMap;
use std::sync::Arc;

use lattice_lock_analyzer::{Analyzer, Input, Message, Role, TaskAnalysis};
use lattice_lock_billing::{Ledger, OperationId};
use lattice_lock_clients::{ChatRequest, Client};
use lattice_lock_errors::{Error, Result, TraceId};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{CredentialResolver, ProviderId, Registry, Subscription};
use lattice_lock_repository::Timestamp;
use lattice_lock_runtime::{BackgroundTasks, Correlation};

use crate::keys::Credentials;
use crate::operation::Operation;
use crate::telemetry::availability_changed;
use crate::{ChatOutcome, Selection};

/// What an orchestrator works with.
#[derive(Debug)]
pub struct Parts {
    /// Finds out what a prompt needs.
    pub analyzer: Analyzer,
    /// Knows models and providers.
    pub registry: Registry,
    /// Speak to the providers; those without a client are never called.
    pub clients: BTreeMap<ProviderId, Arc<dyn Client>>,
    /// Books what was used.
    pub ledger: Ledger,
}

/// Takes a prompt to a model and what it used to the ledger.
///
/// From the first intent on an operation is a task of its own: a caller that goes away does not take the bill
/// with it. Cheap to clone: clones share everything.
#[derive(Clone, Debug)]
pub struct Orchestrator {
    parts: Arc<Parts>,
    operations: BackgroundTasks,
    credentials: Credentials,
    /// Writes to the log what becomes of providers.
    _log: Arc<Subscription>,
}

/// One call: what is asked, for whom, and of which model.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked.
    pub request: ChatRequest,
    /// Who it is for.
    pub principal: Principal,
    /// Which model, as `provider/model` or a model's name; chosen by the prompt's needs if not said.
    pub model: Option<String>,
    /// The trace that it is part of; one of its own if not said.
    pub trace: Option<TraceId>,
}

impl Orchestrator {
    /// An orchestrator of these parts, with no operation under way.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let log = parts.registry.subscribe(availability_changed);
        Self {
            parts: Arc::new(parts),
            _log: Arc::new(log),
            operations: BackgroundTasks::new(),
            credentials: Credentials::default(),
        }
    }

    /// Asks `resolver` for the caller's own key before each attempt; by default everybody uses the application's.
    #[must_use]
    pub fn credentials(mut self, resolver: Arc<dyn CredentialResolver>) -> Self {
        self.credentials = Credentials::of(resolver);
        self
    }

    /// What the request needs of a model.
    #[must_use]
    pub fn analyze(&self, request: &ChatRequest) -> Arc<TaskAnalysis> {
        let system = request.system_prompt().map(|text| (Role::System, text));
        let said = request
            .texts()
            .map(|(role, text)| (analyzer_role(role), text));
        let messages: Vec<_> = system
            .into_iter()
            .chain(said)
            .map(|(role, text)| Message::new(role, text))
            .collect();
        self.parts.analyzer.analyze(Input::from(&messages))
    }

    /// Who would be asked now: the model that was named, or those that fit.
    ///
    /// # Errors
    ///
    /// [`MODEL_UNKNOWN`](lattice_lock_providers::codes::MODEL_UNKNOWN) and
    /// [`PROVIDER_UNKNOWN`](lattice_lock_providers::codes::PROVIDER_UNKNOWN) for a name that means nothing.
    pub fn select(&self, analysis: &TaskAnalysis, model: Option<&str>) -> Result<Selection> {
        match model {
            Some(name) => self.parts.registry.resolve(name).map(Selection::named),
            None => Ok(Selection::of(
                &self.parts.registry,
                analysis,
                Timestamp::now(),
            )),
        }
    }

    /// Has a model answer, books every attempt, and proves that the ledger says what the replies said.
    ///
    /// When a candidate fails in a way that another may not, the next one is asked. Dropping the future does not
    /// stop the operation: it ends and is booked all the same.
    ///
    /// # Errors
    ///
    /// [`NO_CANDIDATE`](crate::codes::NO_CANDIDATE), [`ATTEMPTS_EXHAUSTED`](crate::codes::ATTEMPTS_EXHAUSTED) with
    /// the last attempt's error as its cause, that error itself when no other candidate may help,
    /// [`TOTALS_DISAGREE`](lattice_lock_billing::codes::TOTALS_DISAGREE), and those of the ledger. Each carries the
    /// operation's id and the trace's.
    pub async fn chat(&self, call: Call) -> Result<ChatOutcome> {
        let id = OperationId::generate();
        let correlation = Correlation::new(id.to_string());
        let correlation = match call.trace {
            Some(trace) => correlation.trace(trace),
            None => correlation,
        };
        correlation.run(self.operate(id, call)).await
    }

    async fn operate(&self, id: OperationId, call: Call) -> Result<ChatOutcome> {
        call.principal.attribution()?;
        let catalogue = self.parts.registry.catalogue();
        let analysis = self.analyze(&call.request);
        let selection = self.select(&analysis, call.model.as_deref())?;
        let operation = Operation {
            id,
            parts: Arc::clone(&self.parts),
            catalogue,
            call,
            analysis,
            selection,
            credentials: self.credentials.clone(),
        };
        self.operations.spawn("chat", operation.run())?.await
    }

    /// The operations under way, for the shutdown to end.
    #[must_use]
    pub fn operations(&self) -> &BackgroundTasks {
        &self.operations
    }

    /// The models and providers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.parts.registry
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.parts.ledger
    }

    /// The client of a provider.
    ///
    /// # Errors
    ///
    /// [`PROVIDER_UNKNOWN`](lattice_lock_providers::codes::PROVIDER_UNKNOWN).
    pub fn client(&self, provider: &ProviderId) -> Result<&Arc<dyn Client>> {
        self.parts.client(provider)
    }
}

impl Parts {
    pub(crate) fn client(&self, provider: &ProviderId) -> Result<&Arc<dyn Client>> {
        self.clients.get(provider).ok_or_else(|| {
            Error::new(
                lattice_lock_providers::codes::PROVIDER_UNKNOWN,
                "no client for the provider",
            )
            .with("provider", provider)
        })
    }
}

fn analyzer_role(role: lattice_lock_clients::Role) -> Role {
    match role {
        lattice_lock_clients::Role::System => Role::System,
        lattice_lock_clients::Role::Assistant => Role::Assistant,
        _ => Role::User,
    }
}
