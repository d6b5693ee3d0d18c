use lattice_lock_principal::{Permission, Permissions, PrincipalId};

use crate::Role;

/// What a token is to say: who it is for, and what they may do.
///
/// ```
/// use lattice_lock_auth::{Grant, Role};
///
/// let grant = Grant::new("user-17".parse()?).role(Role::Viewer).permit("read:ledger".parse()?);
/// assert_eq!(grant.permissions().len(), 4);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    id: PrincipalId,
    permissions: Permissions,
}

impl Grant {
    /// A grant for this user, who may nothing yet.
    #[must_use]
    pub fn new(id: PrincipalId) -> Self {
        Self {
            id,
            permissions: Permissions::new(),
        }
    }

    /// Adds what this role may do.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.permissions.extend(role.permissions());
        self
    }

    /// Adds one permission.
    #[must_use]
    pub fn permit(mut self, permission: Permission) -> Self {
        self.permissions.insert(permission);
        self
    }

    /// Whom it is for.
    #[must_use]
    pub fn id(&self) -> &PrincipalId {
        &self.id
    }

    /// What they may do.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }
}
