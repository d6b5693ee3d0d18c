use std::sync::Arc;

use lattice_lock_principal::{Attribution, Principal, PrincipalId, PrincipalKind};
use lattice_lock_providers::{ModelRef, ServiceTier, TokenUsage};
use lattice_lock_repository::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::{Effect, Fact, Subject, keepable};
use crate::{AttemptId, Cost, Discount, Entry, EntryId, EntryKind, InstanceId, Outcome, Unpriced};

/// That an attempt is about to be sent: written down before, and removed by the entry that books it.
///
/// What is left of them after a crash are the attempts whose outcome nobody knows. They say all that it takes to book
/// those: see [`Ledger::recover`](crate::Ledger::recover).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub(crate) attempt: AttemptId,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) principal: PrincipalId,
    pub(crate) principal_kind: PrincipalKind,
    pub(crate) attribution: Arc<Attribution>,
    pub(crate) conversation: Option<String>,
    pub(crate) requested: ModelRef,
    pub(crate) task_type: Option<String>,
    pub(crate) service_tier: ServiceTier,
    pub(crate) opened_at: Timestamp,
    pub(crate) held: bool,
}

impl Intent {
    /// The intent to send this attempt to this model, for this principal. Labels of the principal that break the rules
    /// are left out here: the entry refuses them.
    #[must_use]
    pub fn new(attempt: AttemptId, principal: &Principal, requested: ModelRef) -> Self {
        Self {
            attempt,
            instance: None,
            principal: principal.id().clone(),
            principal_kind: principal.kind(),
            attribution: principal.attribution().cloned().unwrap_or_default(),
            conversation: None,
            requested,
            task_type: None,
            service_tier: ServiceTier::Standard,
            opened_at: Timestamp::now(),
            held: false,
        }
    }

    /// Sets the conversation that it is part of: its first 128 characters, without control characters.
    #[must_use]
    pub fn in_conversation(mut self, conversation: &str) -> Self {
        self.conversation = keepable(conversation);
        self
    }

    /// Sets what sort of task the prompt is: its first 128 characters, without control characters.
    #[must_use]
    pub fn task_type(mut self, task: &str) -> Self {
        self.task_type = keepable(task);
        self
    }

    /// Sets how urgently it is to be served; standard by default.
    #[must_use]
    pub fn service_tier(mut self, tier: ServiceTier) -> Self {
        self.service_tier = tier;
        self
    }

    /// Which attempt.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Which process wrote it down; none before that.
    #[must_use]
    pub fn instance(&self) -> Option<InstanceId> {
        self.instance
    }

    /// Who it is for.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
    }

    /// Whom its cost is attributed to.
    #[must_use]
    pub fn attribution(&self) -> &Attribution {
        &self.attribution
    }

    /// Which model it goes to.
    #[must_use]
    pub fn requested_model(&self) -> &ModelRef {
        &self.requested
    }

    /// When it was written down.
    #[must_use]
    pub fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    /// Whether its outcome is unknown and somebody is to find out: no recovery touches it again.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// The entry of an attempt of which nobody knows the outcome: its usage is absent, its cost unknown. What is known
    /// may be added, such as an [estimate](Entry::estimated).
    #[must_use]
    pub fn unknown(&self) -> Entry {
        let cost = Cost::Unpriced(Unpriced::NoUsage);
        Entry {
            id: EntryId::NONE,
            recorded_at: self.opened_at,
            position: None,
            fact: Fact {
                subject: Subject::Attempt(self.attempt),
                kind: EntryKind::Usage,
                revision: 0,
                reason: None,
                principal: self.principal.clone(),
                principal_kind: self.principal_kind,
                attribution: Arc::clone(&self.attribution),
                conversation: self.conversation.clone(),
                requested: self.requested.clone(),
                served: None,
                provider_request_id: None,
                task_type: self.task_type.clone(),
                service_tier: self.service_tier,
                usage: TokenUsage::new(),
                discount: Discount::NONE,
                effect: Effect::of(&cost),
                cost,
                foreign: None,
                outcome: Outcome::Unknown,
                latency_us: None,
                occurred_at: self.opened_at,
            },
        }
    }
}
