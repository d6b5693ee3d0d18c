mod acting;
mod builder;
mod cache;
mod login;
mod transfer;
mod verify;

pub use acting::{Acting, Keys, NewKey};
pub use builder::AuthBuilder;
pub use login::SignedIn;
pub use transfer::{ImportedUsers, UserRecord};

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lattice_lock_config::AuthConfig;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::Principal;
use lattice_lock_repository::{Database, EntityId, MigrationSet};

use crate::audit::{Action, Audit, Event};
use crate::keys::KeyId;
use crate::lockout::Pseudonyms;
use crate::roles::Roles;
use crate::store::{self, Ends, Store};
use crate::{
    Clock, Lockout, Passwords, Role, RoleName, Source, Tokens, TokensBuilder, User, Username, users,
};
use cache::Cache;

/// How often what has expired is removed, in seconds.
const SWEEP_EVERY: u64 = 600;

/// How many keys' last use is remembered until it is written.
const MOST_USED: usize = 65_536;

/// Who is calling and what they may do: users, sessions, API keys, roles, lockout and the audit, in one database.
///
/// Cheap to clone: clones share everything. In memory unless the database has tables; several processes may share
/// them.
///
/// ```
/// use lattice_lock_auth::{Auth, Source, Tokens};
/// use lattice_lock_config::SigningSecret;
/// use lattice_lock_errors::Secret;
/// use lattice_lock_repository::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let tokens = Tokens::builder(&SigningSecret::random()?);
/// let auth = Auth::builder(tokens, &Database::in_memory()).build()?;
/// let password = Secret::new("five tired zebras wander home".to_owned());
/// auth.bootstrap(&"ann".parse()?, &password).await?;
///
/// let source: Source = "192.0.2.7".parse()?;
/// let session = auth.login("ann", &password, &source).await?;
/// let who = auth.verify(session.access().expose(), &source).await?;
/// who.require(&"manage:users".parse()?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokens: Tokens,
    passwords: Passwords,
    store: Arc<dyn Store>,
    audit: Audit,
    pseudonyms: Pseudonyms,
    lockout: Lockout,
    roles: Roles,
    settings: Settings,
    cache: Cache,
    used: Used,
    swept_at: AtomicU64,
    clock: Arc<dyn Clock>,
}

/// Lifetimes, in seconds.
#[derive(Clone, Copy, Debug)]
struct Settings {
    access: u64,
    refresh: u64,
    session: u64,
    grace: u64,
}

/// When keys were used last, until it is written.
#[derive(Default)]
struct Used(Mutex<HashMap<KeyId, u64>>);

impl Used {
    fn note(&self, key: &KeyId, now: u64) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() < MOST_USED || used.contains_key(key) {
            used.insert(key.clone(), now);
        }
    }

    fn take(&self) -> Vec<(KeyId, u64)> {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *used).into_iter().collect()
    }
}

impl fmt::Debug for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Used")
    }
}

impl Auth {
    /// The tables that it needs, for [`Database::migrate`].
    pub const MIGRATIONS: &'static [MigrationSet] = store::MIGRATIONS;

    /// A builder, with what makes tokens and where everything is kept.
    #[must_use]
    pub fn builder(tokens: TokensBuilder, database: &Database) -> AuthBuilder {
        AuthBuilder::new(tokens, database)
    }

    /// Auth as the configuration says.
    ///
    /// # Errors
    ///
    /// Those of [`AuthBuilder::from_config`] and [`AuthBuilder::build`].
    pub fn from_config(config: &AuthConfig, database: &Database) -> Result<Self> {
        AuthBuilder::from_config(config, database)?.build()
    }

    /// What issues and verifies tokens without sessions.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// What hashes passwords.
    #[must_use]
    pub fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Makes the first user, an administrator: once for a database, whoever and how many ask for it, and also when that
    /// user was deleted later.
    ///
    /// # Errors
    ///
    /// [`BOOTSTRAPPED`](crate::codes::BOOTSTRAPPED) from the second time on; those of
    /// [`Passwords::hash`] and the store.
    pub async fn bootstrap(&self, name: &Username, password: &Secret<String>) -> Result<User> {
        let user = self
            .new_user(name.clone(), password, Role::Admin.into())
            .await?;
        let made = self.0.store.add_user(user.clone(), true).await;
        let target = user.id.to_string();
        self.note(Action::Bootstrap, None, &target, &Source::unknown(), &made)
            .await?;
        made.map(|()| user)
    }

    /// Does things in somebody's name, who must hold the permission for each; the audit keeps who, and from where.
    ///
    /// For what changes users and keys, have the credential looked up anew ([`verify_now`](Self::verify_now)): what was
    /// revoked elsewhere in the last few seconds may still be accepted otherwise.
    #[must_use]
    pub fn acting<'a>(&'a self, who: &'a Principal, source: &'a Source) -> Acting<'a> {
        Acting::new(self, who, source)
    }

    /// Writes when keys were used last, and removes what has expired: gates, revocations and sessions. How many rows
    /// were removed.
    ///
    /// Every ten minutes a login does it on its way. To be called before the end, and every few minutes where hardly
    /// anybody signs in.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn sweep(&self) -> Result<u64> {
        self.0.store.touch_keys(&self.0.used.take()).await?;
        self.0.store.sweep(self.now()).await
    }

    /// What fails is tried again the next time.
    async fn sweep_if_due(&self, now: u64) {
        let last = self.0.swept_at.load(Ordering::Relaxed);
        let is_due = now.saturating_sub(last) >= SWEEP_EVERY;
        let ours = || {
            self.0
                .swept_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        if is_due && ours().is_ok() {
            let _ = self.sweep().await;
        }
    }

    fn now(&self) -> u64 {
        self.0.clock.now()
    }

    async fn new_user(
        &self,
        name: Username,
        password: &Secret<String>,
        role: RoleName,
    ) -> Result<User> {
        self.0.roles.require_known(&role)?;
        let password = self.0.passwords.hash_about(password, &about(&name)).await?;
        Ok(User {
            id: EntityId::generate(),
            version: 1,
            name,
            role,
            disabled: false,
            epoch: 0,
            created_at: self.now(),
            password,
        })
    }

    /// A user who is there.
    async fn existing(&self, id: EntityId) -> Result<User> {
        self.0.store.user(id).await?.ok_or_else(users::unknown)
    }

    /// Puts a changed user in the place of the one that was read.
    async fn replace(&self, user: User, ends: Ends) -> Result<()> {
        let id = user.id;
        let changed = self.0.store.change_user(user, ends, self.now()).await;
        self.0.cache.forget(id);
        if changed? {
            return Ok(());
        }
        Err(Error::new(
            crate::codes::USER_CHANGED,
            "the user was changed meanwhile",
        ))
    }

    /// Writes an entry of the audit about what came of something.
    async fn note<T: Sync>(
        &self,
        action: Action,
        actor: Option<&Principal>,
        target: &str,
        source: &Source,
        outcome: &Result<T>,
    ) -> Result<()> {
        let event = Event {
            action,
            actor,
            target,
            source,
            outcome: outcome.as_ref().map(|_| ()),
        };
        self.0.audit.write(self.now(), event).await
    }
}

/// What a user's password must not be little more than.
fn about(name: &Username) -> [&str; 3] {
    let local = name.as_str().split('@').next().unwrap_or_default();
    [name.as_str(), local, "lattice-lock"]
}
