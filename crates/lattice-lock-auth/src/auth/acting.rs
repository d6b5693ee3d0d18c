use std::io::Write;
use std::time::Duration;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Permission, Permissions, Principal, PrincipalKind};
use lattice_lock_repository::EntityId;

use super::{Auth, about};
use crate::audit::{Action, AuditHead};
use crate::codes::{AUDIT_CONTENDED, KEY_SETTING_INVALID, KEY_UNKNOWN, SELF_REFUSED};
use crate::keys::{ApiKey, KeyId, generate};
use crate::roles::require_all;
use crate::store::Ends;
use crate::{RoleName, Source, User, Username, users};

const MANAGE_USERS: &str = "manage:users";
const MANAGE_KEYS: &str = "manage:api_keys";
const READ_AUDIT: &str = "read:audit";

/// The most users of one page.
const LARGEST_PAGE: usize = 1000;
/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 64;
/// The longest lifetime of a key.
const LONGEST_LIFETIME: u64 = 3650 * 24 * 60 * 60;

/// What becomes of a user's API keys when the password changes. Sessions end in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They end: whoever had the password may have made some.
    Revoke,
    /// They stay: the change is a matter of habit, and programs depend on them.
    Keep,
}

/// Whether somebody does something to themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Own {
    Never,
    WithPermission,
    Always,
}

/// An API key that is to be made.
///
/// ```
/// use lattice_lock_auth::NewKey;
/// use std::time::Duration;
///
/// let key = NewKey::new("nightly report").scope("read:ledger".parse()?).expires_in(Duration::from_secs(86_400));
/// # let _ = key;
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    name: String,
    scopes: Permissions,
    lifetime: Option<Duration>,
}

impl NewKey {
    /// A key that is called so, may nothing yet, and does not end by itself.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            scopes: Permissions::new(),
            lifetime: None,
        }
    }

    /// Adds a permission, which its owner must hold.
    #[must_use]
    pub fn scope(mut self, permission: Permission) -> Self {
        self.scopes.insert(permission);
        self
    }

    /// Has it end, after whole seconds.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    fn check(&self) -> Result<()> {
        let length = self.name.chars().count();
        let plain = !self.name.chars().any(char::is_control);
        let lifetime = self.lifetime.map_or(1, |lifetime| lifetime.as_secs());
        if plain
            && (1..=LONGEST_NAME).contains(&length)
            && (1..=LONGEST_LIFETIME).contains(&lifetime)
        {
            return Ok(());
        }
        Err(Error::new(
            KEY_SETTING_INVALID,
            "a setting of the key is out of range",
        ))
    }
}

/// Somebody who does something with users, keys or the audit; made with [`Auth::acting`].
///
/// Each method asks for a permission, and refuses to give, take or act for more than its caller holds. What is done or
/// refused is in the audit before it returns.
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
        let made = self.add_user(name, password, role.into()).await;
        let target = made
            .as_ref()
            .map_or_else(|_| String::new(), |user| user.id.to_string());
        self.noted(Action::CreateUser, &target, made).await
    }

    async fn add_user(
        &self,
        name: &Username,
        password: &Secret<String>,
        role: RoleName,
    ) -> Result<User> {
        self.require(MANAGE_USERS)?;
        self.require_role(&role)?;
        let user = self.auth.new_user(name.clone(), password, role).await?;
        self.auth.0.store.add_user(user.clone(), false).await?;
        Ok(user)
    }

    /// A user: oneself, or with `manage:users` anybody.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING),
    /// [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN), and those of the store.
    pub async fn user(&self, id: EntityId) -> Result<User> {
        self.require_own_or(id, MANAGE_USERS)?;
        self.auth.existing(id).await
    }

    /// The users after this one, or the first, by their ids; at most 1000.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the store.
    pub async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>> {
        self.require(MANAGE_USERS)?;
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
    /// [`GRANT_EXCEEDED`](crate::codes::GRANT_EXCEEDED) when the old or the new role may more than the caller,
    /// [`SELF_REFUSED`], [`ROLE_UNKNOWN`](crate::codes::ROLE_UNKNOWN), [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN),
    /// [`USER_CHANGED`](crate::codes::USER_CHANGED), and those of the store.
    pub async fn change_role(&self, id: EntityId, role: impl Into<RoleName>) -> Result<()> {
        let role = role.into();
        let known = self.auth.0.roles.require_known(&role);
        if let Err(refused) = known.and_then(|()| self.require_role(&role)) {
            return self
                .noted(Action::ChangeRole, &id.to_string(), Err(refused))
                .await;
        }
        let change = |user: &mut User| user.role = role.clone();
        self.change(Action::ChangeRole, id, Ends::default(), Own::Never, change)
            .await
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
        let change = |user: &mut User| (user.disabled, user.epoch) = (true, user.epoch + 1);
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
        let change = |user: &mut User| user.epoch += 1;
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
            let mut user = self.manageable(id, Own::Never).await?;
            let words = about(&user.name);
            user.password = self.auth.0.passwords.hash_about(password, &words).await?;
            user.epoch += 1;
            let ends = Ends {
                sessions: true,
                keys: keys == Keys::Revoke,
            };
            self.auth.replace(user, ends).await
        };
        let changed = changed.await;
        self.noted(Action::ChangePassword, &id.to_string(), changed)
            .await
    }

    /// Deletes a user with all sessions and keys. The id is never used again.
    ///
    /// # Errors
    ///
    /// As [`change_role`](Self::change_role).
    pub async fn delete_user(&self, id: EntityId) -> Result<()> {
        let deleted = async {
            self.manageable(id, Own::Never).await?;
            let existed = self.auth.0.store.remove_user(id).await?;
            self.auth.0.cache.clear();
            existed.then_some(()).ok_or_else(users::unknown)
        };
        let deleted = deleted.await;
        self.noted(Action::DeleteUser, &id.to_string(), deleted)
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
        let revoked = async {
            let is_own = access.subject == *self.who.id() && self.who.kind() == PrincipalKind::User;
            if !is_own {
                self.require(MANAGE_USERS)?;
            }
            // As long as clocks may differ, it could be accepted after its end.
            let until = access.expires_at.saturating_add(60);
            self.auth.0.store.revoke_token(access.id, until).await?;
            self.auth.0.cache.clear();
            Ok(())
        };
        let revoked = revoked.await;
        self.noted(Action::RevokeToken, &String::from(access.id), revoked)
            .await
    }

    /// Calls all tokens back that were issued before this second (since 1970, not in the future): everybody's.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:users`, and those of
    /// the store.
    pub async fn revoke_before(&self, moment: u64) -> Result<()> {
        let moment = moment.min(self.auth.now());
        let revoked = async {
            self.require(MANAGE_USERS)?;
            self.auth.0.store.revoke_before(moment).await?;
            self.auth.0.cache.clear();
            Ok(())
        };
        let revoked = revoked.await;
        self.noted(Action::RevokeBefore, &moment.to_string(), revoked)
            .await
    }

    /// Makes an API key for a user. It is shown this once.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:api_keys`, also for
    /// oneself; [`GRANT_EXCEEDED`](crate::codes::GRANT_EXCEEDED) for a scope that the caller does not hold, or an owner
    /// who may more; [`KEY_SETTING_INVALID`],
    /// [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN), and those of the store.
    pub async fn create_key(
        &self,
        owner: EntityId,
        key: &NewKey,
    ) -> Result<(Secret<String>, ApiKey)> {
        let made = self.add_key(owner, key).await;
        let target = made
            .as_ref()
            .map_or_else(|_| String::new(), |(_, key)| key.id.to_string());
        self.noted(Action::CreateKey, &target, made).await
    }

    async fn add_key(&self, owner: EntityId, key: &NewKey) -> Result<(Secret<String>, ApiKey)> {
        key.check()?;
        self.require_keys_of(owner).await?;
        require_all(self.who, &key.scopes)?;
        let now = self.auth.now();
        let (text, made) = generate()?;
        let kept = ApiKey {
            id: made.id,
            hash: made.hash,
            owner,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            created_at: now,
            expires_at: key
                .lifetime
                .map(|lifetime| now.saturating_add(lifetime.as_secs())),
            last_used_at: None,
        };
        self.auth.0.store.add_key(kept.clone(), None).await?;
        Ok((text, kept))
    }

    /// The API keys of a user, also those that have ended, the oldest first.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the store.
    pub async fn keys(&self, owner: EntityId) -> Result<Vec<ApiKey>> {
        self.require_own_or(owner, MANAGE_KEYS)?;
        self.auth.0.store.keys_of(owner).await
    }

    /// Makes a key with the name, the scopes and the lifetime of another one, which ends after `overlap` at the latest.
    ///
    /// # Errors
    ///
    /// [`KEY_UNKNOWN`] also for one that has ended, and as [`create_key`](Self::create_key).
    pub async fn rotate_key(
        &self,
        id: &KeyId,
        overlap: Duration,
    ) -> Result<(Secret<String>, ApiKey)> {
        let rotated = async {
            let old = self.key(id).await?;
            self.require_keys_of(old.owner).await?;
            let now = self.auth.now();
            if old.is_over(now) {
                return Err(unknown());
            }
            require_all(self.who, &old.scopes)?;
            let (text, made) = generate()?;
            let lifetime = old.expires_at.map(|end| end - old.created_at.min(end));
            let kept = ApiKey {
                id: made.id,
                hash: made.hash,
                created_at: now,
                expires_at: lifetime.map(|lifetime| now.saturating_add(lifetime)),
                last_used_at: None,
                ..old
            };
            let end = now.saturating_add(overlap.as_secs());
            self.auth
                .0
                .store
                .add_key(kept.clone(), Some((id.clone(), end)))
                .await?;
            self.auth.0.cache.clear();
            Ok((text, kept))
        };
        let rotated = rotated.await;
        self.noted(Action::RotateKey, id.as_str(), rotated).await
    }

    /// Ends a key: one's own, or with `manage:api_keys` another.
    ///
    /// # Errors
    ///
    /// [`KEY_UNKNOWN`], [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the
    /// store.
    pub async fn revoke_key(&self, id: &KeyId) -> Result<()> {
        let revoked = async {
            let key = self.key(id).await?;
            if !self.is_user(key.owner) {
                self.require_keys_of(key.owner).await?;
            }
            self.auth.0.store.end_key(id, self.auth.now()).await?;
            self.auth.0.cache.forget(key.owner);
            Ok(())
        };
        let revoked = revoked.await;
        self.noted(Action::RevokeKey, id.as_str(), revoked).await
    }

    async fn key(&self, id: &KeyId) -> Result<ApiKey> {
        self.auth.0.store.key(id).await?.ok_or_else(unknown)
    }

    /// Where the audit ends now: kept elsewhere, it shows when entries are cut off later.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `read:audit`, and those of the
    /// store.
    pub async fn audit_head(&self) -> Result<AuditHead> {
        self.require(READ_AUDIT)?;
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
        self.require(READ_AUDIT)?;
        self.auth.0.audit.walk(kept, |_| Ok(())).await
    }

    /// Writes the whole audit as lines of JSON, and verifies it on the way.
    ///
    /// # Errors
    ///
    /// Those of [`verify_audit`](Self::verify_audit); [`AUDIT_CONTENDED`] when it cannot be written.
    pub async fn export_audit(&self, mut to: impl Write + Send) -> Result<AuditHead> {
        self.require(READ_AUDIT)?;
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
        let changed = async {
            let mut user = self.manageable(id, own).await?;
            change(&mut user);
            self.auth.replace(user, ends).await
        };
        let changed = changed.await;
        self.noted(action, &id.to_string(), changed).await
    }

    /// A user that the caller may change: not one who may more, and oneself only where `own` says so.
    async fn manageable(&self, id: EntityId, own: Own) -> Result<User> {
        let is_self = Auth::user_of(self.who) == Some(id);
        if is_self && own == Own::Never {
            return Err(Error::new(SELF_REFUSED, "nobody does this to themselves"));
        }
        if own != Own::Always || !self.is_user(id) {
            self.require(MANAGE_USERS)?;
        }
        let user = self.auth.existing(id).await?;
        if !is_self {
            self.require_role(&user.role)?;
        }
        Ok(user)
    }

    /// For what gives a key: a session that was narrowed, or stolen for an hour, must not make itself a key for good.
    async fn require_keys_of(&self, owner: EntityId) -> Result<()> {
        self.require(MANAGE_KEYS)?;
        let user = self.auth.existing(owner).await?;
        if Auth::user_of(self.who) == Some(owner) {
            return Ok(());
        }
        self.require_role(&user.role)
    }

    fn require_role(&self, role: &RoleName) -> Result<()> {
        require_all(self.who, &*self.auth.0.roles.permissions(role))
    }

    fn require_own_or(&self, owner: EntityId, permission: &str) -> Result<()> {
        if self.is_user(owner) {
            return Ok(());
        }
        self.require(permission)
    }

    /// Whether the caller is this user, and no key of theirs.
    fn is_user(&self, id: EntityId) -> bool {
        Auth::user_of(self.who) == Some(id) && self.who.kind() == PrincipalKind::User
    }

    fn require(&self, permission: &str) -> Result<()> {
        self.who.require(&permission.parse()?)
    }

    /// Has the audit keep what came of something, and passes it on.
    async fn noted<T: Send + Sync>(
        &self,
        action: Action,
        target: &str,
        outcome: Result<T>,
    ) -> Result<T> {
        self.auth
            .note(action, Some(self.who), target, self.source, &outcome)
            .await?;
        outcome
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
        let changed = async {
            // Read again: the old password's hash may have been made anew just now.
            let mut user = self.existing(proved.id).await?;
            if user.epoch != proved.epoch || user.disabled {
                return Err(Error::new(
                    crate::codes::USER_CHANGED,
                    "the user was changed meanwhile",
                ));
            }
            user.password = self.0.passwords.hash_about(new, &about(&user.name)).await?;
            user.epoch += 1;
            let ends = Ends {
                sessions: true,
                keys: keys == Keys::Revoke,
            };
            self.replace(user, ends).await
        };
        let changed = changed.await;
        let target = proved.id.to_string();
        self.note(
            Action::ChangePassword,
            Some(&who),
            &target,
            source,
            &changed,
        )
        .await?;
        changed
    }
}

fn unknown() -> Error {
    Error::new(KEY_UNKNOWN, "no such API key")
}
