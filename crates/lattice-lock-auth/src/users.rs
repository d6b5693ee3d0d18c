use std::fmt;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::PrincipalId;
use lattice_lock_repository::EntityId;

use crate::codes::USER_UNKNOWN;
use crate::{PasswordHash, RoleName, Username};

/// Somebody who signs in with a password. `Debug` does not show the hash.
#[derive(Clone)]
pub struct User {
    pub(crate) id: EntityId,
    pub(crate) version: u64,
    pub(crate) name: Username,
    pub(crate) role: RoleName,
    pub(crate) disabled: bool,
    /// How often the tokens were called back.
    pub(crate) epoch: u64,
    /// When that was last; 0 if it never was.
    pub(crate) ended_at: u64,
    pub(crate) created_at: u64,
    pub(crate) password: PasswordHash,
}

impl User {
    /// Calls all tokens back.
    pub(crate) fn end_tokens(&mut self, now: u64) {
        self.epoch += 1;
        self.ended_at = now;
    }

    /// The id, which tokens and the ledger name: a pseudonym that is never used again.
    #[must_use]
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// The id of the principal that stands for the user.
    ///
    /// # Errors
    ///
    /// None that can happen: a UUID is a principal's id.
    pub fn principal_id(&self) -> Result<PrincipalId> {
        self.id.to_string().parse()
    }

    /// The name that the user signs in with.
    #[must_use]
    pub fn name(&self) -> &Username {
        &self.name
    }

    /// What the user is there for.
    #[must_use]
    pub fn role(&self) -> &RoleName {
        &self.role
    }

    /// Whether nothing of the user's is accepted: no password, no token, no key.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.created_at
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// The user that a principal of ours stands for.
pub(crate) fn id_of(principal: &PrincipalId) -> Option<EntityId> {
    uuid::Uuid::try_parse(principal.as_str())
        .ok()
        .map(EntityId::from_uuid)
}

pub(crate) fn unknown() -> Error {
    Error::new(USER_UNKNOWN, "no such user")
}
