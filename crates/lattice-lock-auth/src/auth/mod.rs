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
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lattice_lock_config::AuthConfig;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::Principal;
use lattice_lock_repository::{Database, EntityId, MigrationSet};

use crate::audit::{Action, Audit, Event};
use crate::codes::TOKEN_REVOKED;
use crate::keys::KeyId;
use crate::lockout::{Attempt, Path, Pseudonym, Pseudonyms};
use crate::passwords::COSTLIEST_BCRYPT;
use crate::roles::Roles;
use crate::store::{self, Change, Step, Store};
use crate::{
    Clock, Lockout, Passwords, Role, RoleName, Source, Tokens, TokensBuilder, User, Username, users,
};
use cache::Cache;

/// How often what has expired is removed, in seconds.
const SWEEP_EVERY: u64 = 600;

/// How many keys' last use is remembered until it is written.
const MOST_USED: usize = 65_536;

/// Of how many keys a login writes on its way when they were used.
const USED_AT_ONCE: usize = 64;

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
    imported: Imported,
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

/// The cost of the costliest hash of bcrypt that anybody has, 0 for none: as of some time, and so many that came.
#[derive(Debug, Default)]
struct Imported {
    cost: AtomicU32,
    count: AtomicU64,
    looked_up_at: AtomicU64,
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

    /// Some that are to be written; they stay until they [are](Self::written).
    fn some(&self) -> Vec<(KeyId, u64)> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let some = used.iter().take(USED_AT_ONCE);
        some.map(|(key, at)| (key.clone(), *at)).collect()
    }

    fn written(&self, some: &[(KeyId, u64)]) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, at) in some {
            if used.get(key) == Some(at) {
                used.remove(key);
            }
        }
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

    /// Makes the first user, an administrator: once for a database, whoever and how many ask for it. Where there is
    /// another user, or was one, nobody becomes an administrator this way.
    ///
    /// # Errors
    ///
    /// [`BOOTSTRAPPED`](crate::codes::BOOTSTRAPPED) if any user was made or imported before; those of
    /// [`Passwords::hash`] and the store.
    pub async fn bootstrap(&self, name: &Username, password: &Secret<String>) -> Result<User> {
        let user = self
            .new_user(name.clone(), password, Role::Admin.into())
            .await?;
        let (target, source) = (user.id.to_string(), Source::unknown());
        let event = Event::new(Action::Bootstrap, None, &target, &source);
        let change = Change::AddUser {
            user: user.clone(),
            first: true,
        };
        let made = self.commit(event, change).await;
        self.or_note(event, made).await.map(|()| user)
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
        while self.write_used().await? {}
        self.0.store.sweep(self.now()).await
    }

    /// Writes when some keys were used last; whether there may be more.
    async fn write_used(&self) -> Result<bool> {
        let some = self.0.used.some();
        self.0.store.touch_keys(&some).await?;
        self.0.used.written(&some);
        Ok(some.len() == USED_AT_ONCE)
    }

    /// A bounded part of it: what is left, or fails, is for the next one.
    async fn sweep_if_due(&self, now: u64) {
        let last = self.0.swept_at.load(Ordering::Relaxed);
        let ours = || {
            self.0
                .swept_at
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
        };
        if is_due(last, now) && ours().is_ok() {
            match self.write_used().await {
                Ok(true) => self.0.swept_at.store(last, Ordering::Relaxed),
                _ => drop(self.0.store.sweep(now).await),
            }
        }
    }

    /// The cost of the costliest hash of bcrypt that anybody still has: looked up as often as what has expired is swept,
    /// and whenever one came, from whichever process.
    async fn costliest_bcrypt(&self) -> Result<Option<u32>> {
        let (imported, now) = (&self.0.imported, self.now());
        let count = self.0.store.imported().await?;
        let is_news = count != imported.count.load(Ordering::Acquire);
        if is_news || is_due(imported.looked_up_at.load(Ordering::Acquire), now) {
            let cost = self.0.store.costliest_bcrypt(COSTLIEST_BCRYPT).await?;
            imported.cost.store(cost.unwrap_or(0), Ordering::Relaxed);
            imported.looked_up_at.store(now, Ordering::Release);
            imported.count.store(count, Ordering::Release);
        }
        let cost = imported.cost.load(Ordering::Relaxed);
        Ok(Some(cost).filter(|cost| *cost > 0))
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
            ended_at: 0,
            created_at: self.now(),
            password,
        })
    }

    /// A user who is there.
    async fn existing(&self, id: EntityId) -> Result<User> {
        self.0.store.user(id).await?.ok_or_else(users::unknown)
    }

    /// What attempts at this account are counted by.
    fn attempt(&self, account: Pseudonym, epoch: u64, source: &Source, path: Path) -> Attempt {
        let (rules, now) = (self.0.lockout, self.now());
        self.0
            .pseudonyms
            .attempt(account, epoch, source, path, rules, now)
    }

    /// Makes a change together with the entry of the audit that says so. This process forgets what it remembered of
    /// those whom it affects.
    async fn commit(&self, event: Event<'_>, step: impl Into<Step>) -> Result<()> {
        let step = step.into();
        let _forgetting = self.0.cache.forgetting(step.change().affected());
        self.0.audit.write(self.now(), event, &step).await
    }

    /// Has the audit keep what was not done, and passes it on; what was done is in it already.
    async fn or_note<T: Send>(&self, event: Event<'_>, outcome: Result<T>) -> Result<T> {
        if let Err(error) = &outcome {
            let event = event.failed(error);
            self.commit(event, Change::Nothing).await?;
        }
        outcome
    }
}

fn revoked() -> Error {
    Error::new(TOKEN_REVOKED, "the token was called back")
}

/// Whether it is time again; also when the clock was ahead the last time.
fn is_due(last: u64, now: u64) -> bool {
    now.abs_diff(last) >= SWEEP_EVERY
}

/// What a user's password must not be little more than.
fn about(name: &Username) -> [&str; 3] {
    let local = name.as_str().split('@').next().unwrap_or_default();
    [name.as_str(), local, "lattice-lock"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_parts_is_neither_lost_nor_written_twice() {
        let (used, keys) = (Used::default(), 3 * USED_AT_ONCE / 2);
        let ids = (0..keys).map(|n| format!("{n:010}").parse::<KeyId>().unwrap());
        let ids: Vec<_> = ids.collect();
        for id in &ids {
            used.note(id, 1);
        }
        assert_eq!(used.some().len(), USED_AT_ONCE);
        let first = used.some();
        assert_eq!(first.len(), USED_AT_ONCE, "whoever goes away loses nothing");
        used.note(&first[0].0, 2);
        used.written(&first);
        let rest = used.some();
        assert_eq!(
            rest.len(),
            keys - USED_AT_ONCE + 1,
            "one was used meanwhile"
        );
        used.written(&rest);
        assert!(used.some().is_empty());
    }

    #[test]
    fn a_clock_that_was_ahead_puts_nothing_off() {
        let now = 1_000_000;
        assert!(!is_due(now, now) && !is_due(now, now + SWEEP_EVERY - 1));
        assert!(is_due(now, now + SWEEP_EVERY) && is_due(now + SWEEP_EVERY, now));
    }
}
