use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One running process, or whatever else opens a ledger: intents say which one they are of.
///
/// Each [`Ledger`](crate::Ledger) that is opened gets a new one unless it is [given](crate::LedgerBuilder::instance);
/// its clones share it. A process that starts again as a new instance finds what it left behind as that of another,
/// once the lease is over; one that starts with its old id takes it for its own, and no recovery in it touches that.
///
/// ```
/// use lattice_lock_billing::{InstanceId, Ledger};
/// use lattice_lock_repository::Database;
///
/// let database = Database::in_memory();
/// assert_ne!(Ledger::new(&database).instance(), Ledger::new(&database).instance());
/// let instance = InstanceId::generate();
/// let ledger = Ledger::builder(&database).instance(instance).build()?;
/// assert_eq!(ledger.instance(), instance);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(Uuid);

impl InstanceId {
    /// A new id (UUID version 7).
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

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
