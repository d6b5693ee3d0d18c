use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One `chat()` call of the application: everything that is billed for it carries this id.
///
/// One operation has as many entries as attempts that were or may have been billed, and their corrections;
/// [`Ledger::of_operation`](crate::Ledger::of_operation) reads them.
///
/// ```
/// use lattice_lock_billing::OperationId;
///
/// let (one, next) = (OperationId::generate(), OperationId::generate());
/// assert!(one < next);
/// assert_eq!(OperationId::from_uuid(*one.as_uuid()), one);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(Uuid);

impl OperationId {
    /// A new id, larger than those that this process made before (UUID version 7).
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id with this UUID, such as one that the host made itself. It has to be one of a kind: two calls with the
    /// same id are the same attempts to the ledger, and the second one's entries are replays or conflicts.
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
/// An attempt is booked once, and this is the key that says so. A retry, or a fallback to another model, is another
/// attempt at the same turn. As text it is `operation/turn/attempt`, which is also the first part of an entry's
/// [key](crate::Entry::idempotency_key).
///
/// ```
/// use lattice_lock_billing::{AttemptId, OperationId};
///
/// let operation = OperationId::generate();
/// let first = AttemptId::first(operation);
/// assert_eq!((first.turn(), first.attempt()), (1, 1));
/// assert_eq!(first.next_attempt().attempt(), 2);
/// assert_eq!(first.to_string(), format!("{operation}/1/1"));
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

    /// This attempt at this turn of this operation. Both are counted from 1; that nobody begins with 0 is not looked
    /// at.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, OperationId};
    ///
    /// let operation = OperationId::generate();
    /// let retry = AttemptId::new(operation, 2, 1).next_attempt();
    /// assert_eq!(retry, AttemptId::new(operation, 2, 2));
    /// ```
    #[must_use]
    pub const fn new(operation: OperationId, turn: u16, attempt: u16) -> Self {
        Self {
            operation,
            turn,
            attempt,
        }
    }

    /// The attempt after this one at the same turn. Operations are bounded far below 65,535 attempts: behind that one
    /// comes the same one again, which the ledger would not book a second time.
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
