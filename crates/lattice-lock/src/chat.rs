use std::sync::Arc;

use lattice_lock_clients::{ChatRequest, Role};
use lattice_lock_errors::{Result, TraceId};
use lattice_lock_orchestrator::{Call, ChatOutcome};
use lattice_lock_principal::Principal;

use crate::app::Handles;

/// A call on its way; made with [`LatticeLock::chat`](crate::LatticeLock::chat), sent with [`send`](Self::send).
#[must_use = "nothing is sent before `send`"]
#[derive(Clone, Debug)]
pub struct Chat {
    handles: Arc<Handles>,
    request: ChatRequest,
    principal: Option<Principal>,
    model: Option<String>,
    trace: Option<TraceId>,
}

/// Who a call is for when nobody is named: the application itself.
const APPLICATION: &str = "application";

impl Chat {
    pub(crate) fn new(handles: Arc<Handles>, request: ChatRequest) -> Self {
        Self {
            handles,
            request,
            principal: None,
            model: None,
            trace: None,
        }
    }

    /// Says who the call is for; by default the service `application`.
    pub fn by(mut self, principal: &Principal) -> Self {
        self.principal = Some(principal.clone());
        self
    }

    /// Names the model, as `provider/model` or by a name that the catalogue knows; by default it is chosen by what
    /// the prompt needs. Only this model is asked.
    pub fn model(mut self, name: &str) -> Self {
        self.model = Some(name.to_owned());
        self
    }

    /// Puts the call in a trace that exists; by default it is a trace of its own. Spans and errors carry it.
    pub fn trace(mut self, trace: TraceId) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Sets the system prompt; none by default.
    pub fn system(mut self, text: &str) -> Self {
        self.request = self.request.system(text);
        self
    }

    /// Adds a message to the conversation.
    pub fn message(mut self, role: Role, text: &str) -> Self {
        self.request = self.request.message(role, text);
        self
    }

    /// Limits the reply to this many tokens; the provider's own limit by default.
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.request = self.request.max_tokens(tokens);
        self
    }

    /// Sends it, and comes back when the answer is there and booked.
    ///
    /// # Errors
    ///
    /// As [`Orchestrator::chat`](lattice_lock_orchestrator::Orchestrator::chat).
    pub async fn send(self) -> Result<ChatOutcome> {
        let principal = match self.principal {
            Some(principal) => principal,
            None => Principal::service(APPLICATION)?,
        };
        let call = Call {
            request: self.request,
            principal,
            model: self.model,
            trace: self.trace,
        };
        let sent = self.handles.orchestrator.chat(call).await;
        sent.inspect_err(|error| self.handles.error_metrics.record(error))
    }
}
