mod caller;
mod keys;

pub use keys::NewKey;

use std::io::Write;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Principal, PrincipalKind};
use lattice_lock_repository::EntityId;

use super::{Auth, about};
use crate::audit::{Action, AuditHead, Event};
use crate::codes::AUDIT_CONTENDED;
use crate::lockout::GateState;
use crate::store::{Change, Ends, Seen, Step, user_changed};
use crate::{RoleName, Source, User, Username};
use caller::{Caller, MANAGE_USERS, Own};

const READ_AUDIT: &str = "read:audit";

/// The most users of one page.
const LARGEST_PAGE: usize = 1000;

/// What becomes of a user's API keys when the password changes. Sessions end in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They end: whoever had the password may have made some.
    Revoke,
    /// They stay: the change is a matter of habit, and programs depend on them.
    Keep,
}

impl Keys {
    fn ends(self) -> Ends {
        Ends {
            sessions: true,
            keys: self == Self::Revoke,
        }
    }
}

/// Somebody who does something with users, keys or the audit; made with [`Auth::acting`].
///
/// Each method asks for a permission, and refuses to give, take or act for more than its caller holds. A caller who is a
/// user is looked up anew for that, and again when the change is made: one who was disabled or deleted is refused
/// ([`TOKEN_REVOKED`](crate::codes::TOKEN_REVOKED)), may no more than the role of that moment, and changes nothing
/// ([`USER_CHANGED`](crate::codes::USER_CHANGED)) if anything about them changes meanwhile. What is done or refused is in
/// the audit before it returns.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    auth: &'a Auth,
    who: &'a Principal,
    source: &'a Source,
}

impl<'a> Acting<'a> {
    pub(super) fn new(auth: &'a Auth, who: &'a Principal, source: &'a Source) -> Self {
        Self { auth, who, source }
    }

    /// Makes a user.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:users`,
    /// [`GRANT_EXCEEDED`](crate::codes::GRANT_EXCEEDED) for a role that may more than the caller,
    /// [`ROLE_UNKNOWN`](crate::codes::ROLE_UNKNOWN), [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN); those of
    /// [`Passwords::hash`](crate::Passwords::hash) and the store.
    pub async fn create_user(
        &self,
        name: &Username,
        password: &Secret<String>,
        role: impl Into<RoleName>,
    ) -> Result<User> {
        let made = async {
            let role = role.into();
            let caller = self.caller().await?;
            caller.require(MANAGE_USERS)?;
            caller.require_role(&role)?;
            let user = self.auth.new_user(name.clone(), password, role).await?;
            let (target, first) = (user.id.to_string(), false);
            let kept = user.clone();
            let change = Change::AddUser { user, first };
            caller.commit(Action::CreateUser, &target, change).await?;
            Ok(kept)
        };
        let made = made.await;
        self.or_note(Action::CreateUser, "", made).await
    }

    /// A user: oneself, or with `manage:users` anybody.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING),
    /// [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN), and those of the store.
    pub async fn user(&self, id: EntityId) -> Result<User> {
        let caller = self.caller().await?;
        caller.require_own_or(id, MANAGE_USERS)?;
        self.auth.existing(id).await
    }

    /// The users after this one, or the first, by their ids; at most 1000.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the store.
    pub async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>> {
        self.caller().await?.require(MANAGE_USERS)?;
        self.auth
            .0
            .store
            .users(after, limit.min(LARGEST_PAGE))
            .await
    }

    /// Gives a user another name; with `manage:users` also oneself.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role), and [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN).
    pub async fn rename(&self, id: EntityId, name: &Username) -> Result<()> {
        let change = |user: &mut User| user.name = name.clone();
        self.change(
            Action::RenameUser,
            id,
            Ends::default(),
            Own::WithPermission,
            change,
        )
        .await
    }

    /// Gives a user another role. Tokens and keys may less at once, and more from the next exchange on.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:users`,
    /// [`GRANT_EXCEEDED`](crate::codes::GRANT_EXCEEDED) when the old or the new role may more than the caller; for one
    /// that this process does not know, nobody can tell, so that it is refused too:
    /// [`ROLE_UNKNOWN`](crate::codes::ROLE_UNKNOWN); [`SELF_REFUSED`](crate::codes::SELF_REFUSED),
    /// [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN),
    /// [`USER_CHANGED`](crate::codes::USER_CHANGED), and those of the store.
    pub async fn change_role(&self, id: EntityId, role: impl Into<RoleName>) -> Result<()> {
        let (role, target) = (role.into(), id.to_string());
        let changed = async {
            let caller = self.caller().await?;
            caller.require_role(&role)?;
            let mut user = caller.manageable(id, Own::Never).await?;
            user.role = role;
            let ends = Ends::default();
            let change = Change::ReplaceUser { user, ends };
            caller.commit(Action::ChangeRole, &target, change).await
        };
        let changed = changed.await;
        self.or_note(Action::ChangeRole, &target, changed).await
    }

    /// Turns a user off: sessions end, and neither password, token nor key is accepted.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn disable(&self, id: EntityId) -> Result<()> {
        let ends = Ends {
            sessions: true,
            keys: false,
        };
        let now = self.auth.now();
        let change = |user: &mut User| {
            user.disabled = true;
            user.end_tokens(now);
        };
        self.change(Action::DisableUser, id, ends, Own::Never, change)
            .await
    }

    /// Turns a user on again, whose keys are good again; sessions are not.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn enable(&self, id: EntityId) -> Result<()> {
        let change = |user: &mut User| user.disabled = false;
        self.change(Action::EnableUser, id, Ends::default(), Own::Never, change)
            .await
    }

    /// Opens the account of another user who has to wait for others' guesses: its counts begin anew, at all places, and
    /// for as long as the longest wait nothing else that came from the same source is in its way.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn unlock(&self, id: EntityId) -> Result<()> {
        let opened = async {
            let caller = self.caller().await?;
            let user = caller.manageable(id, Own::Never).await?;
            let account = self.auth.0.pseudonyms.of_user(id);
            let gate = GateState::opened(account, self.auth.now());
            let step = Step::from(Change::Open(gate)).if_still([Seen::same(&user)]);
            caller
                .commit(Action::UnlockUser, &id.to_string(), step)
                .await
        };
        let opened = opened.await;
        self.or_note(Action::UnlockUser, &id.to_string(), opened)
            .await
    }

    /// Ends all sessions of a user, oneself or with `manage:users` another.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn end_sessions(&self, id: EntityId) -> Result<()> {
        let ends = Ends {
            sessions: true,
            keys: false,
        };
        let now = self.auth.now();
        let change = |user: &mut User| user.end_tokens(now);
        self.change(Action::RevokeUser, id, ends, Own::Always, change)
            .await
    }

    /// Sets another user's password. Sessions end; [`Auth::change_password`] is for one's own.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role), and those of [`Passwords::hash`](crate::Passwords::hash).
    pub async fn reset_password(
        &self,
        id: EntityId,
        password: &Secret<String>,
        keys: Keys,
    ) -> Result<()> {
        let changed = async {
            let caller = self.caller().await?;
            let mut user = caller.manageable(id, Own::Never).await?;
            let words = about(&user.name);
            user.password = self.auth.0.passwords.hash_about(password, &words).await?;
            user.end_tokens(self.auth.now());
            let (target, ends) = (id.to_string(), keys.ends());
            let change = Change::ReplaceUser { user, ends };
            caller.commit(Action::ChangePassword, &target, change).await
        };
        let changed = changed.await;
        self.or_note(Action::ChangePassword, &id.to_string(), changed)
            .await
    }

    /// Deletes a user with all sessions and keys. The id is never used again.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn delete_user(&self, id: EntityId) -> Result<()> {
        let deleted = async {
            let caller = self.caller().await?;
            let user = caller.manageable(id, Own::Never).await?;
            let step = Step::from(Change::RemoveUser(id)).if_still([Seen::same(&user)]);
            caller
                .commit(Action::DeleteUser, &id.to_string(), step)
                .await
        };
        let deleted = deleted.await;
        self.or_note(Action::DeleteUser, &id.to_string(), deleted)
            .await
    }

    /// Calls one access token back, until it expires. Whoever has it may do that, and whoever manages users.
    ///
    /// # Errors
    ///
    /// Those of [`Tokens::verify`](crate::Tokens::verify);
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING); those of the store.
    pub async fn revoke_token(&self, token: &str) -> Result<()> {
        let access = self.auth.0.tokens.read_access(token)?;
        let target = String::from(access.id);
        let revoked = async {
            let caller = self.caller().await?;
            let is_own = access.subject == *self.who.id() && self.who.kind() == PrincipalKind::User;
            if !is_own {
                caller.require(MANAGE_USERS)?;
            }
            // As long as clocks may differ, it could be accepted after its end.
            let until = access.expires_at.saturating_add(60);
            let change = Change::RevokeToken(access.id, until);
            caller.commit(Action::RevokeToken, &target, change).await
        };
        let revoked = revoked.await;
        self.or_note(Action::RevokeToken, &target, revoked).await
    }

    /// Calls all tokens back that were issued before this second (since 1970, not in the future): everybody's.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:users`, and those of
    /// the store.
    pub async fn revoke_before(&self, moment: u64) -> Result<()> {
        let moment = moment.min(self.auth.now());
        let target = moment.to_string();
        let revoked = async {
            let caller = self.caller().await?;
            caller.require(MANAGE_USERS)?;
            let change = Change::RevokeBefore(moment);
            caller.commit(Action::RevokeBefore, &target, change).await
        };
        let revoked = revoked.await;
        self.or_note(Action::RevokeBefore, &target, revoked).await
    }

    /// Where the audit ends now: kept elsewhere, it shows when entries are cut off later.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `read:audit`, and those of the
    /// store.
    pub async fn audit_head(&self) -> Result<AuditHead> {
        self.caller().await?.require(READ_AUDIT)?;
        self.auth.0.audit.head().await
    }

    /// Goes through the whole audit: each entry is chained to the one before, and the head that was kept elsewhere, if
    /// it is given, is still in it. Returns the new head.
    ///
    /// # Errors
    ///
    /// [`AUDIT_BROKEN`](crate::codes::AUDIT_BROKEN) with the first place that is wrong;
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING); those of the store.
    pub async fn verify_audit(&self, kept: Option<&AuditHead>) -> Result<AuditHead> {
        self.caller().await?.require(READ_AUDIT)?;
        self.auth.0.audit.walk(kept, |_| Ok(())).await
    }

    /// Writes the whole audit as lines of JSON, and verifies it on the way.
    ///
    /// # Errors
    ///
    /// Those of [`verify_audit`](Self::verify_audit); [`AUDIT_CONTENDED`] when it cannot be written.
    pub async fn export_audit(&self, mut to: impl Write + Send) -> Result<AuditHead> {
        self.caller().await?.require(READ_AUDIT)?;
        let line = |entry: &crate::AuditEntry| {
            let json = serde_json::to_string(entry).unwrap_or_default();
            writeln!(to, "{json}")
                .map_err(|error| Error::new(AUDIT_CONTENDED, "not written").with("cause", error))
        };
        self.auth.0.audit.walk(None, line).await
    }

    async fn change(
        &self,
        action: Action,
        id: EntityId,
        ends: Ends,
        own: Own,
        change: impl FnOnce(&mut User) + Send,
    ) -> Result<()> {
        let target = id.to_string();
        let changed = async {
            let caller = self.caller().await?;
            let mut user = caller.manageable(id, own).await?;
            change(&mut user);
            let change = Change::ReplaceUser { user, ends };
            caller.commit(action, &target, change).await
        };
        let changed = changed.await;
        self.or_note(action, &target, changed).await
    }

    /// The caller as of now.
    async fn caller(&self) -> Result<Caller<'_>> {
        Caller::look_up(self).await
    }

    fn event<'e>(&'e self, action: Action, target: &'e str) -> Event<'e> {
        Event::new(action, Some(self.who), target, self.source)
    }

    /// Has the audit keep what was refused, and passes it on.
    async fn or_note<T: Send>(
        &self,
        action: Action,
        target: &str,
        outcome: Result<T>,
    ) -> Result<T> {
        self.auth.or_note(self.event(action, target), outcome).await
    }
}

impl Auth {
    /// Changes one's own password, with the old one. All sessions end, this one too; keys as `keys` says.
    ///
    /// The old password goes through the same gate as a login.
    ///
    /// # Errors
    ///
    /// Those of [`login`](Self::login) for the old password, those of
    /// [`Passwords::hash`](crate::Passwords::hash) for the new one, and
    /// [`USER_CHANGED`](crate::codes::USER_CHANGED).
    pub async fn change_password(
        &self,
        name: &str,
        old: &Secret<String>,
        new: &Secret<String>,
        keys: Keys,
        source: &Source,
    ) -> Result<()> {
        let proved = self.prove(name, old, source).await?;
        let who = self.principal(&proved, None)?;
        let target = proved.id.to_string();
        let event = Event::new(Action::ChangePassword, Some(&who), &target, source);
        let changed = async {
            // Read again: the old password's hash may have been made anew just now.
            let mut user = self.existing(proved.id).await?;
            if user.epoch != proved.epoch || user.disabled {
                return Err(user_changed());
            }
            user.password = self.0.passwords.hash_about(new, &about(&user.name)).await?;
            user.end_tokens(self.now());
            let ends = keys.ends();
            self.commit(event, Change::ReplaceUser { user, ends }).await
        };
        let changed = changed.await;
        self.or_note(event, changed).await
    }
}
