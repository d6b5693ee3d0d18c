use lattice_lock_principal::{Principal, PrincipalId};
use lattice_lock_providers::ModelRef;
use lattice_lock_repository::Timestamp;
use serde::Serialize;

use crate::AttemptId;

/// That an attempt is about to be sent: written down before, and removed by the entry that books it.
///
/// What is left of them after a crash are the attempts whose outcome nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intent {
    pub(crate) attempt: AttemptId,
    pub(crate) principal: PrincipalId,
    pub(crate) requested: ModelRef,
    pub(crate) opened_at: Timestamp,
}

impl Intent {
    /// The intent to send this attempt to this model, for this principal.
    #[must_use]
    pub fn new(attempt: AttemptId, principal: &Principal, requested: ModelRef) -> Self {
        Self {
            attempt,
            principal: principal.id().clone(),
            requested,
            opened_at: Timestamp::now(),
        }
    }

    /// The intent that this entry ends.
    #[cfg(feature = "__sql")]
    pub(crate) fn of(entry: &crate::Entry) -> Self {
        Self {
            attempt: entry.attempt(),
            principal: entry.principal().clone(),
            requested: entry.requested_model().clone(),
            opened_at: entry.happened_at(),
        }
    }

    /// Which attempt.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        self.attempt
    }

    /// Who it is for.
    #[must_use]
    pub fn principal(&self) -> &PrincipalId {
        &self.principal
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
}
