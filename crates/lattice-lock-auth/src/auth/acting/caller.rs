use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Permission, Principal, PrincipalKind};
use lattice_lock_repository::EntityId;

use super::Acting;
use crate::audit::Action;
use crate::auth::revoked;
use crate::codes::SELF_REFUSED;
use crate::roles::require_all;
use crate::store::{Seen, Step};
use crate::{Auth, RoleName, User};

pub(super) const MANAGE_USERS: &str = "manage:users";
pub(super) const MANAGE_KEYS: &str = "manage:api_keys";

/// Whether somebody does something to themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    Never,
    WithPermission,
    Always,
}

/// Who acts, as of now: the credential may have been looked up a while ago, and its user disabled or demoted since.
pub(super) struct Caller<'a> {
    acting: &'a Acting<'a>,
    /// With no more than the user's role allows now.
    who: Principal,
    /// The user as this was decided upon; none for whom the host vouches.
    seen: Option<Seen>,
}

impl<'a> Caller<'a> {
    /// # Errors
    ///
    /// [`TOKEN_REVOKED`](crate::codes::TOKEN_REVOKED) for a user who is disabled or gone.
    pub(super) async fn look_up(acting: &'a Acting<'a>) -> Result<Self> {
        let (auth, who) = (acting.auth, acting.who);
        let Some(id) = Auth::user_of(who) else {
            let (who, seen) = (who.clone(), None);
            return Ok(Self { acting, who, seen });
        };
        let user = auth.0.store.user(id).await?;
        let user = user.filter(|user| !user.disabled).ok_or_else(revoked)?;
        let role = auth.0.roles.permissions(&user.role);
        let held = role.iter().filter(|one| who.may(one)).cloned();
        Ok(Self {
            acting,
            who: Principal::new(who.kind(), who.id().clone()).permissions(held),
            seen: Some(Seen::same(&user)),
        })
    }

    pub(super) fn require(&self, permission: &str) -> Result<()> {
        self.who.require(&permission.parse()?)
    }

    /// Refuses whoever holds less than a role, and everybody if it is unknown what that one may: another process may
    /// know it.
    pub(super) fn require_role(&self, role: &RoleName) -> Result<()> {
        let roles = &self.acting.auth.0.roles;
        roles.require_known(role)?;
        self.require_all(&*roles.permissions(role))
    }

    pub(super) fn require_all<'p>(
        &self,
        permissions: impl IntoIterator<Item = &'p Permission>,
    ) -> Result<()> {
        require_all(&self.who, permissions)
    }

    pub(super) fn require_own_or(&self, owner: EntityId, permission: &str) -> Result<()> {
        if self.is_user(owner) {
            return Ok(());
        }
        self.require(permission)
    }

    /// A user that the caller may change: not one who may more, and oneself only where `own` says so.
    pub(super) async fn manageable(&self, id: EntityId, own: Own) -> Result<User> {
        if self.is_own(id) && own == Own::Never {
            return Err(Error::new(SELF_REFUSED, "nobody does this to themselves"));
        }
        if own != Own::Always || !self.is_user(id) {
            self.require(MANAGE_USERS)?;
        }
        self.below(id).await
    }

    /// Whose key it is to be. A session that was narrowed, or stolen for an hour, must not make itself a key for good.
    pub(super) async fn owner(&self, owner: EntityId) -> Result<User> {
        self.require(MANAGE_KEYS)?;
        self.below(owner).await
    }

    /// Oneself, or somebody who may no more.
    async fn below(&self, id: EntityId) -> Result<User> {
        let user = self.acting.auth.existing(id).await?;
        if !self.is_own(id) {
            self.require_role(&user.role)?;
        }
        Ok(user)
    }

    fn is_own(&self, id: EntityId) -> bool {
        Auth::user_of(&self.who) == Some(id)
    }

    /// Whether the caller is this user, and no key of theirs.
    pub(super) fn is_user(&self, id: EntityId) -> bool {
        self.is_own(id) && self.who.kind() == PrincipalKind::User
    }

    /// Makes a change together with its entry in the audit, if the caller is who they were when it was allowed.
    pub(super) async fn commit(
        &self,
        action: Action,
        target: &str,
        step: impl Into<Step>,
    ) -> Result<()> {
        let event = self.acting.event(action, target);
        let step = step.into().if_still(self.seen);
        self.acting.auth.commit(event, step).await
    }
}
