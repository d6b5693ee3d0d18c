use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One `chat()` call of the application: everything that is billed for it carries this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Uuid);

impl OperationId {
    /// A new id, larger than those that this process made before (UUID version 7).
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id with this UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// One exchange with a provider: which operation, which turn of it, which attempt at that turn, from 1.
///
/// An attempt is booked once, and this is the key that says so.
///
/// ```
/// use lattice_lock_billing::{AttemptId, OperationId};
///
/// let first = AttemptId::first(OperationId::generate());
/// assert_eq!((first.turn(), first.attempt()), (1, 1));
/// assert_eq!(first.next_attempt().attempt(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId {
    operation: OperationId,
    turn: u16,
    attempt: u16,
}

impl AttemptId {
    /// The first attempt at the first turn.
    #[must_use]
    pub const fn first(operation: OperationId) -> Self {
        Self::new(operation, 1, 1)
    }

    /// This attempt at this turn of this operation.
    #[must_use]
    pub const fn new(operation: OperationId, turn: u16, attempt: u16) -> Self {
        Self {
            operation,
            turn,
            attempt,
        }
    }

    /// The attempt after this one at the same turn. Operations are bounded far below 65,535 attempts.
    #[must_use]
    pub const fn next_attempt(self) -> Self {
        Self {
            attempt: self.attempt.saturating_add(1),
            ..self
        }
    }

    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> OperationId {
        self.operation
    }

    /// Which turn, from 1.
    #[must_use]
    pub const fn turn(&self) -> u16 {
        self.turn
    }

    /// Which attempt at the turn, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u16 {
        self.attempt
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.operation, self.turn, self.attempt)
    }
}
