mod memory;
#[cfg(feature = "__sql")]
mod sql;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lattice_lock_errors::Result;
use lattice_lock_principal::Permissions;
#[cfg(feature = "__sql")]
use lattice_lock_repository::Engine;
use lattice_lock_repository::{Database, EntityId, MigrationSet};

use crate::audit::AuditEntry;
use crate::keys::{ApiKey, KeyId};
use crate::lockout::{Attempt, GateState, Pseudonym, Settled};
use crate::tokens::Id;
use crate::{User, Username};

/// The tables that auth needs.
#[cfg(feature = "__sql")]
pub(crate) const MIGRATIONS: &[MigrationSet] = &[sql::MIGRATIONS];
#[cfg(not(feature = "__sql"))]
pub(crate) const MIGRATIONS: &[MigrationSet] = &[];

/// A session: a chain of refresh tokens, of which the last one can be exchanged for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: Id,
    pub(crate) user: EntityId,
    /// The refresh token that is good now, and how many came before it.
    pub(crate) token: Id,
    pub(crate) generation: u64,
    /// How often the user's tokens had been called back when it began.
    pub(crate) epoch: u64,
    /// What its tokens are narrowed to; `None` for whatever the user may.
    pub(crate) scopes: Option<Permissions>,
    /// Seconds since 1970, as all times here.
    pub(crate) created_at: u64,
    pub(crate) rotated_at: u64,
    pub(crate) expires_at: u64,
    pub(crate) ended_at: Option<u64>,
}

/// What a change of a user takes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) sessions: bool,
    pub(crate) keys: bool,
}

/// Everything that auth keeps. Each method is one step that is done as a whole or not at all, also between processes.
#[async_trait]
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// # Errors
    ///
    /// [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN); with `first`,
    /// [`BOOTSTRAPPED`](crate::codes::BOOTSTRAPPED) from the second time on, also after that user was deleted.
    async fn add_user(&self, user: User, first: bool) -> Result<()>;
    async fn user(&self, id: EntityId) -> Result<Option<User>>;
    async fn user_named(&self, name: &Username) -> Result<Option<User>>;
    async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>>;
    /// Whether the user was still of the version that `user` has; the kept one has the next.
    ///
    /// # Errors
    ///
    /// [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN).
    async fn change_user(&self, user: User, ends: Ends, now: u64) -> Result<bool>;
    /// Removes a user with sessions and keys.
    async fn remove_user(&self, id: EntityId) -> Result<bool>;

    async fn add_session(&self, session: Session) -> Result<()>;
    async fn session(&self, id: Id) -> Result<Option<Session>>;
    /// Puts `next` in the place of `token`, if that is still good: of many callers one.
    async fn rotate(&self, session: &Session, next: Id, now: u64, expires_at: u64) -> Result<bool>;
    /// Whether there was one that had not ended.
    async fn end_session(&self, id: Id, now: u64) -> Result<bool>;

    async fn revoke_token(&self, id: Id, until: u64) -> Result<()>;
    async fn is_revoked(&self, id: Id) -> Result<bool>;
    /// Tokens issued before this moment are good no more; it never goes back.
    async fn revoke_before(&self, at: u64) -> Result<()>;
    async fn revoked_before(&self) -> Result<u64>;

    /// Keeps a new key; with `replaces`, another one ends at that time at the latest.
    async fn add_key(&self, key: ApiKey, replaces: Option<(KeyId, u64)>) -> Result<()>;
    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>>;
    async fn keys_of(&self, owner: EntityId) -> Result<Vec<ApiKey>>;
    /// Has a key end at that time, if it does not end sooner; whether there is one.
    async fn end_key(&self, id: &KeyId, at: u64) -> Result<bool>;
    async fn touch_keys(&self, used: &[(KeyId, u64)]) -> Result<()>;

    async fn gates(&self, keys: &[Pseudonym]) -> Result<Vec<GateState>>;
    /// Counts an attempt, unless one of its gates is closed: then until when. What `Attempt` decides is decided here.
    async fn admit(&self, attempt: &Attempt) -> Result<Option<u64>>;
    async fn settle(&self, attempt: &Attempt, settled: Settled) -> Result<()>;

    /// Removes what has no meaning any more, and says how much that was.
    async fn sweep(&self, now: u64) -> Result<u64>;

    /// Whether the entry's place was free.
    async fn append(&self, entry: &AuditEntry) -> Result<bool>;
    async fn last_entry(&self) -> Result<Option<AuditEntry>>;
    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// How often something was looked up to know what a credential is worth.
    #[cfg(test)]
    fn lookups(&self) -> u64 {
        0
    }
}

/// The store in this database.
pub(crate) fn open(database: &Database) -> Arc<dyn Store> {
    #[cfg(feature = "__sql")]
    if database.engine() != Engine::Memory {
        return Arc::new(sql::SqlStore::new(database.clone()));
    }
    #[cfg(not(feature = "__sql"))]
    let _ = database;
    Arc::<memory::MemoryStore>::default()
}
