mod memory;
#[cfg(feature = "__sql")]
mod sql;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Permissions;
use lattice_lock_repository::{Database, Engine, EntityId, MigrationSet};

use crate::audit::AuditEntry;
#[cfg(not(feature = "__sql"))]
use crate::codes::AUTH_SETTING_INVALID;
use crate::codes::{AUDIT_CONTENDED, KEY_UNKNOWN, REFRESH_SUPERSEDED, SESSION_ENDED, USER_CHANGED};
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

/// What a change was decided upon: it holds still when the change is made, or the change is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    user: EntityId,
    still: Still,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Still {
    /// Nothing about the user was changed: neither the role, nor whether they are disabled, nor the password.
    Same { version: u64 },
    /// The user is not disabled, and the tokens were not called back.
    Welcome { epoch: u64 },
}

impl Seen {
    /// That nothing about this user is changed meanwhile.
    pub(crate) fn same(user: &User) -> Self {
        let still = Still::Same {
            version: user.version,
        };
        Self {
            user: user.id,
            still,
        }
    }

    /// That this user may still sign in with what was proved.
    pub(crate) fn welcome(user: &User) -> Self {
        let still = Still::Welcome { epoch: user.epoch };
        Self {
            user: user.id,
            still,
        }
    }

    /// # Errors
    ///
    /// [`USER_CHANGED`], also when the user is gone.
    fn check(self, now: Option<&User>) -> Result<()> {
        let holds = now.is_some_and(|now| match self.still {
            Still::Same { version } => now.version == version,
            Still::Welcome { epoch } => now.epoch == epoch && !now.disabled,
        });
        holds.then_some(()).ok_or_else(user_changed)
    }
}

/// A change, and what it was decided upon.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    change: Change,
    seen: Vec<Seen>,
}

impl Step {
    pub(crate) fn change(&self) -> &Change {
        &self.change
    }

    /// Makes the change only if this holds still.
    pub(crate) fn if_still(mut self, seen: impl IntoIterator<Item = Seen>) -> Self {
        self.seen.extend(seen);
        self
    }
}

impl From<Change> for Step {
    fn from(change: Change) -> Self {
        let seen = Vec::new();
        Self { change, seen }
    }
}

/// What is changed together with its entry in the audit: both are kept or neither is.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Only the entry.
    Nothing,
    /// [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN); with `first`,
    /// [`BOOTSTRAPPED`](crate::codes::BOOTSTRAPPED) if there was any user before, also one who was deleted.
    AddUser {
        user: User,
        first: bool,
    },
    /// Puts the user in the place of the one of the same version, and gives it the next.
    /// [`USER_CHANGED`](crate::codes::USER_CHANGED), [`USERNAME_TAKEN`](crate::codes::USERNAME_TAKEN).
    ReplaceUser {
        user: User,
        ends: Ends,
    },
    /// With sessions and keys. [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN).
    RemoveUser(EntityId),
    AddSession(Session),
    /// Puts `next` in the place of the session's token, if that is still good: of many callers one. Others get
    /// [`REFRESH_SUPERSEDED`](crate::codes::REFRESH_SUPERSEDED);
    /// [`SESSION_ENDED`](crate::codes::SESSION_ENDED) if everything from before was called back.
    Rotate {
        session: Session,
        next: Id,
        expires_at: u64,
    },
    /// One that has ended stays so.
    EndSession {
        id: Id,
        user: Option<EntityId>,
    },
    /// Until when it has to be remembered.
    RevokeToken(Id, u64),
    /// Tokens issued before this moment are good no more; it never goes back.
    RevokeBefore(u64),
    /// Keeps a new key. With `replaces`, another one ends at that time at the latest, if it has not ended already
    /// ([`KEY_UNKNOWN`](crate::codes::KEY_UNKNOWN)).
    AddKey {
        key: ApiKey,
        replaces: Option<(KeyId, u64)>,
    },
    /// Has a key end now, if it does not end sooner.
    EndKey {
        id: KeyId,
        owner: EntityId,
    },
    /// Puts the gate of an account in the place of what it was.
    Open(GateState),
}

/// Whose credentials are worth something else after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Affected {
    Nobody,
    User(EntityId),
    Everybody,
}

impl Change {
    pub(crate) fn affected(&self) -> Affected {
        match self {
            Self::ReplaceUser { user, .. } => Affected::User(user.id),
            Self::RemoveUser(user) => Affected::User(*user),
            Self::EndSession { user, .. } => user.map_or(Affected::Nobody, Affected::User),
            Self::EndKey { owner, .. } => Affected::User(*owner),
            Self::AddKey { key, replaces, .. } if replaces.is_some() => Affected::User(key.owner),
            Self::RevokeToken(..) | Self::RevokeBefore(_) => Affected::Everybody,
            _ => Affected::Nobody,
        }
    }
}

pub(crate) fn user_changed() -> Error {
    Error::new(USER_CHANGED, "the user was changed meanwhile")
}

pub(crate) fn session_ended() -> Error {
    Error::new(SESSION_ENDED, "the session has ended")
}

pub(crate) fn key_unknown() -> Error {
    Error::new(KEY_UNKNOWN, "no such API key")
}

pub(crate) fn superseded() -> Error {
    Error::new(REFRESH_SUPERSEDED, "the token was exchanged a moment ago")
}

/// How long revocations are kept beyond their end, in seconds: a clock that was ahead must not have them forgotten.
const KEPT_LONGER: u64 = 24 * 60 * 60;

/// The place of an entry was not free: nothing was changed.
pub(crate) fn no_place() -> Error {
    Error::new(AUDIT_CONTENDED, "no place for an entry of the audit")
}

/// Everything that auth keeps. Each method is one step that is done as a whole or not at all, also between processes.
#[async_trait]
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// Makes a change and writes the entry, which says when it is. Nothing of it happens if either cannot.
    ///
    /// The entry's place makes all changes one after the other: whoever gets it has begun after the entry before was
    /// kept, and whoever comes second begins again. What is looked at here needs no lock.
    ///
    /// # Errors
    ///
    /// [`USER_CHANGED`] when what was [`Seen`] holds no more, those of the [`Change`]; [`AUDIT_CONTENDED`] when the
    /// entry's place is not free.
    async fn commit(&self, step: &Step, entry: &AuditEntry) -> Result<()>;

    async fn user(&self, id: EntityId) -> Result<Option<User>>;
    async fn user_named(&self, name: &Username) -> Result<Option<User>>;
    async fn users(&self, after: Option<EntityId>, limit: usize) -> Result<Vec<User>>;
    /// The highest cost, up to `most`, of the hashes of bcrypt that there are.
    async fn costliest_bcrypt(&self, most: u32) -> Result<Option<u32>>;
    /// How many users came with a hash of bcrypt, ever.
    async fn imported(&self) -> Result<u64>;

    async fn session(&self, id: Id) -> Result<Option<Session>>;
    async fn is_revoked(&self, id: Id) -> Result<bool>;
    async fn revoked_before(&self) -> Result<u64>;

    async fn key(&self, id: &KeyId) -> Result<Option<ApiKey>>;
    async fn keys_of(&self, owner: EntityId) -> Result<Vec<ApiKey>>;
    async fn touch_keys(&self, used: &[(KeyId, u64)]) -> Result<()>;

    async fn gates(&self, keys: &[Pseudonym]) -> Result<Vec<GateState>>;
    /// Counts an attempt, unless one of its gates is closed: then until when. What `Attempt` decides is decided here.
    async fn admit(&self, attempt: &Attempt) -> Result<Option<u64>>;
    async fn settle(&self, attempt: &Attempt, settled: Settled) -> Result<()>;

    /// Removes what has no meaning any more, and says how much that was.
    async fn sweep(&self, now: u64) -> Result<u64>;

    /// The last two entries, the older one first.
    async fn last_entries(&self) -> Result<Vec<AuditEntry>>;
    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// How often something was looked up to know what a credential is worth.
    #[cfg(test)]
    fn lookups(&self) -> u64 {
        0
    }
}

/// The store in this database.
///
/// # Errors
///
/// [`AUTH_SETTING_INVALID`](crate::codes::AUTH_SETTING_INVALID) for one with tables, in a build that has none: users in
/// memory would be gone with the process.
#[cfg_attr(
    feature = "__sql",
    expect(clippy::unnecessary_wraps, reason = "a build without tables refuses")
)]
pub(crate) fn open(database: &Database) -> Result<Arc<dyn Store>> {
    if database.engine() == Engine::Memory {
        return Ok(Arc::<memory::MemoryStore>::default());
    }
    #[cfg(feature = "__sql")]
    return Ok(Arc::new(sql::SqlStore::new(database.clone())));
    #[cfg(not(feature = "__sql"))]
    Err(
        Error::new(AUTH_SETTING_INVALID, "auth has no tables in this build")
            .with("setting", "database")
            .with("rule", "in memory, or the feature of its engine"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{USER_UNKNOWN, USERNAME_TAKEN};
    use crate::keys::generate;
    use lattice_lock_errors::Code;

    fn entry(sequence: u64, at: u64) -> AuditEntry {
        AuditEntry {
            sequence,
            at,
            action: "test".into(),
            actor: "nobody".into(),
            target: String::new(),
            source: String::new(),
            outcome: "ok".into(),
            key_id: "k".into(),
            digest: "d".into(),
            mac: "m".into(),
        }
    }

    fn user(name: &str) -> User {
        let hash = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";
        User {
            id: EntityId::generate(),
            version: 1,
            name: name.parse().unwrap(),
            role: crate::Role::Viewer.into(),
            disabled: false,
            epoch: 0,
            ended_at: 0,
            created_at: 1,
            password: hash.parse().unwrap(),
        }
    }

    fn key(owner: EntityId) -> ApiKey {
        let (_, made) = generate().unwrap();
        ApiKey {
            id: made.id,
            hash: made.hash,
            owner,
            name: "k".into(),
            scopes: Permissions::new(),
            created_at: 1,
            expires_at: None,
            last_used_at: None,
        }
    }

    struct Writer {
        store: Arc<dyn Store>,
        written: u64,
    }

    impl Writer {
        /// The change, at second 10 times the number of entries so far.
        async fn make(&mut self, change: impl Into<Step>) -> std::result::Result<(), Code> {
            let entry = entry(self.written + 1, 10 * self.written);
            let made = self.store.commit(&change.into(), &entry).await;
            self.written += u64::from(made.is_ok());
            made.map_err(|error| error.code())
        }

        async fn last(&self) -> u64 {
            let last = self.store.last_entries().await.unwrap();
            last.last().map_or(0, |entry| entry.sequence)
        }
    }

    async fn a_change_and_its_entry_are_one(store: Arc<dyn Store>) {
        let mut it = Writer { store, written: 0 };
        let (ann, bob) = (user("ann"), user("bob"));
        let add = |user: &User| Change::AddUser {
            user: user.clone(),
            first: false,
        };
        it.make(add(&ann)).await.unwrap();
        assert_eq!(it.make(add(&ann)).await, Err(USERNAME_TAKEN));
        assert_eq!(it.last().await, 1, "no entry of what was not done");
        let late = it.store.commit(&add(&bob).into(), &entry(1, 1)).await;
        assert_eq!(late.unwrap_err().code(), AUDIT_CONTENDED);
        assert!(it.store.user(bob.id).await.unwrap().is_none());
        let gone = Change::RemoveUser(bob.id);
        assert_eq!(it.make(gone).await, Err(USER_UNKNOWN));
        assert_eq!(it.last().await, 1);
    }

    async fn a_key_is_made_for_its_owner_as_he_was_seen(store: Arc<dyn Store>) {
        let mut it = Writer { store, written: 0 };
        let ann = user("ann");
        it.make(Change::AddUser {
            user: ann.clone(),
            first: false,
        })
        .await
        .unwrap();
        let (old, new) = (key(ann.id), key(ann.id));
        let add = |key: &ApiKey, owner: &User, replaces: Option<(&ApiKey, u64)>| {
            let change = Change::AddKey {
                key: key.clone(),
                replaces: replaces.map(|(old, at)| (old.id.clone(), at)),
            };
            Step::from(change).if_still([Seen::same(owner)])
        };
        it.make(add(&old, &ann, None)).await.unwrap();
        let (mut user, ends) = (ann.clone(), Ends::default());
        it.make(Change::ReplaceUser {
            user: user.clone(),
            ends,
        })
        .await
        .unwrap();
        user.version += 1;
        for replaces in [None, Some((&old, 99))] {
            assert_eq!(it.make(add(&new, &ann, replaces)).await, Err(USER_CHANGED));
        }
        let nobody = self::user("nobody");
        let nobodys = add(&key(nobody.id), &nobody, None);
        assert_eq!(it.make(nobodys).await, Err(USER_CHANGED));
        let ended = Change::EndKey {
            id: old.id.clone(),
            owner: ann.id,
        };
        it.make(ended).await.unwrap();
        let next = it.make(add(&new, &user, Some((&old, 99)))).await;
        assert_eq!(next, Err(KEY_UNKNOWN));
        assert!(it.store.key(&new.id).await.unwrap().is_none());
        it.make(add(&new, &user, None)).await.unwrap();
        let after = key(ann.id);
        it.make(add(&after, &user, Some((&new, 99)))).await.unwrap();
        let replaced = it.store.key(&new.id).await.unwrap().unwrap();
        assert_eq!(replaced.expires_at, Some(99));
    }

    async fn whoever_is_disabled_or_called_back_begins_no_session(store: Arc<dyn Store>) {
        let mut it = Writer { store, written: 0 };
        let (mut ann, ends) = (user("ann"), Ends::default());
        let first = false;
        let user = ann.clone();
        it.make(Change::AddUser { user, first }).await.unwrap();
        let mut welcomed = Vec::new();
        let changes: [fn(&mut User); 4] = [
            |ann| ann.role = crate::Role::Admin.into(),
            |ann| ann.disabled = true,
            |ann| ann.disabled = false,
            |ann| ann.end_tokens(5),
        ];
        for change in changes {
            let seen = Seen::welcome(&ann);
            change(&mut ann);
            let user = ann.clone();
            it.make(Change::ReplaceUser { user, ends }).await.unwrap();
            ann.version += 1;
            let step = Step::from(Change::Nothing).if_still([seen]);
            welcomed.push(it.make(step).await.is_ok());
        }
        assert_eq!(welcomed, [true, false, true, false]);
    }

    async fn the_costliest_of_bcrypt_is_known(store: Arc<dyn Store>) {
        assert_eq!(store.costliest_bcrypt(14).await.unwrap(), None);
        let mut it = Writer { store, written: 0 };
        for (name, cost) in [("a", "04"), ("b", "11"), ("c", "09"), ("d", "31")] {
            let mut user = user(name);
            let hash = user.password.as_str().replace("$12$", &format!("${cost}$"));
            user.password = hash.parse().unwrap();
            it.make(Change::AddUser { user, first: false })
                .await
                .unwrap();
        }
        assert_eq!(it.store.costliest_bcrypt(14).await.unwrap(), Some(11));
        assert_eq!(it.store.costliest_bcrypt(10).await.unwrap(), Some(9));
        assert_eq!(it.store.imported().await.unwrap(), 4);
    }

    macro_rules! on_stores {
        ($($fact:ident)+) => {
            mod in_memory {
                $(#[tokio::test]
                async fn $fact() {
                    super::$fact(super::open(&super::Database::in_memory()).unwrap()).await;
                })+
            }

            #[cfg(feature = "sqlite")]
            mod on_sqlite {
                $(#[tokio::test(flavor = "multi_thread")]
                async fn $fact() {
                    let database = super::Database::open("sqlite::memory:").await.unwrap();
                    database.migrate(super::MIGRATIONS).await.unwrap();
                    super::$fact(super::open(&database).unwrap()).await;
                    database.dispose().await;
                })+
            }
        };
    }

    on_stores! {
        a_change_and_its_entry_are_one
        a_key_is_made_for_its_owner_as_he_was_seen
        whoever_is_disabled_or_called_back_begins_no_session
        the_costliest_of_bcrypt_is_known
    }
}
