use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Principal;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::codes::{AUDIT_BROKEN, AUDIT_CONTENDED};
use crate::derive::{Use, derive};
use crate::names::Source;
use crate::store::Store;
use crate::tokens::encode;

/// How often an entry looks for a place while other processes write too.
const ATTEMPTS: usize = 100;

/// How many entries are read at once.
const PAGE: usize = 500;

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The first user was made.
    Bootstrap,
    /// Somebody signed in, or tried to.
    Login,
    /// A session went on with a new pair of tokens, or was to.
    Refresh,
    /// A refresh token came that had been used before: its session was ended.
    RefreshReused,
    /// A session was ended.
    Logout,
    /// A user was made.
    CreateUser,
    /// A user has another name.
    RenameUser,
    /// A user was turned off.
    DisableUser,
    /// A user was turned on again.
    EnableUser,
    /// A user was deleted.
    DeleteUser,
    /// A user has another role.
    ChangeRole,
    /// A user has another password.
    ChangePassword,
    /// All tokens of a user were called back.
    RevokeUser,
    /// A token was called back.
    RevokeToken,
    /// All tokens from before some moment were called back.
    RevokeBefore,
    /// An API key was made.
    CreateKey,
    /// An API key was replaced.
    RotateKey,
    /// An API key was ended.
    RevokeKey,
    /// Users came from elsewhere.
    ImportUsers,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 19] = [
        Self::Bootstrap,
        Self::Login,
        Self::Refresh,
        Self::RefreshReused,
        Self::Logout,
        Self::CreateUser,
        Self::RenameUser,
        Self::DisableUser,
        Self::EnableUser,
        Self::DeleteUser,
        Self::ChangeRole,
        Self::ChangePassword,
        Self::RevokeUser,
        Self::RevokeToken,
        Self::RevokeBefore,
        Self::CreateKey,
        Self::RotateKey,
        Self::RevokeKey,
        Self::ImportUsers,
    ];

    /// The name that is kept, such as `login`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Login => "login",
            Self::Refresh => "refresh",
            Self::RefreshReused => "refresh_reused",
            Self::Logout => "logout",
            Self::CreateUser => "create_user",
            Self::RenameUser => "rename_user",
            Self::DisableUser => "disable_user",
            Self::EnableUser => "enable_user",
            Self::DeleteUser => "delete_user",
            Self::ChangeRole => "change_role",
            Self::ChangePassword => "change_password",
            Self::RevokeUser => "revoke_user",
            Self::RevokeToken => "revoke_token",
            Self::RevokeBefore => "revoke_before",
            Self::CreateKey => "create_key",
            Self::RotateKey => "rotate_key",
            Self::RevokeKey => "revoke_key",
            Self::ImportUsers => "import_users",
        }
    }
}

/// One entry of the audit: what, who, when, from where, and what came of it. It has no field for a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its place, from 1 on.
    pub sequence: u64,
    /// When, in seconds since 1970.
    pub at: u64,
    /// What.
    pub action: String,
    /// Who: `user:…`, `api_key:…`, `nobody` before anybody signed in.
    pub actor: String,
    /// On what: a user's, session's or key's id; for a name that nobody has, a pseudonym.
    pub target: String,
    /// From where, or nothing if that is unknown.
    pub source: String,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// The key that chains it.
    pub key_id: String,
    /// The chain: HMAC-SHA-256 over the entry before and this one.
    pub mac: String,
}

impl AuditEntry {
    /// What is chained: every field with its length before it, so that no two entries read alike.
    fn chained(&self, key: &hmac::Key, previous: &str) -> String {
        let mut mac = hmac::Context::with_key(key);
        let (sequence, at) = (self.sequence.to_string(), self.at.to_string());
        let fields = [
            previous,
            &sequence,
            &at,
            &self.action,
            &self.actor,
            &self.target,
            &self.source,
            &self.outcome,
            &self.key_id,
        ];
        for field in fields {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field.as_bytes());
        }
        encode(mac.sign())
    }
}

/// The end of the audit at some moment: kept elsewhere, it shows when entries are cut off later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditHead {
    /// The last entry's place; 0 if there was none.
    pub sequence: u64,
    /// Its chain.
    pub mac: String,
}

impl AuditHead {
    /// A head as it was kept elsewhere.
    #[must_use]
    pub fn new(sequence: u64, mac: impl Into<String>) -> Self {
        Self {
            sequence,
            mac: mac.into(),
        }
    }
}

/// What an entry is about.
pub(crate) struct Event<'a> {
    pub(crate) action: Action,
    pub(crate) actor: Option<&'a Principal>,
    pub(crate) target: &'a str,
    pub(crate) source: &'a Source,
    pub(crate) outcome: Result<(), &'a Error>,
}

/// Writes the chain, and proves it.
pub(crate) struct Audit {
    store: Arc<dyn Store>,
    keys: Vec<(String, hmac::Key)>,
    /// The last entry that this process knows of. One writer at a time: others of this process would only be in its way.
    last: Mutex<Option<AuditHead>>,
}

impl Audit {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        current: &SigningSecret,
        previous: Option<&SigningSecret>,
    ) -> Result<Self> {
        let key = |secret| {
            let id = encode(&derive(secret, Use::AuditKeyId)?.expose()[..12]);
            let key = derive(secret, Use::Audit)?;
            Ok((id, hmac::Key::new(hmac::HMAC_SHA256, key.expose())))
        };
        Ok(Self {
            store,
            keys: std::iter::once(current)
                .chain(previous)
                .map(key)
                .collect::<Result<_>>()?,
            last: Mutex::default(),
        })
    }

    /// # Errors
    ///
    /// [`AUDIT_CONTENDED`], and those of the store: what cannot be audited must not happen.
    pub(crate) async fn write(&self, at: u64, event: Event<'_>) -> Result<()> {
        let mut last = self.last.lock().await;
        for _ in 0..ATTEMPTS {
            let head = match last.take() {
                Some(head) => head,
                None => self.head().await?,
            };
            let entry = self.next(&head, at, &event);
            if self.store.append(&entry).await? {
                *last = Some(AuditHead::new(entry.sequence, entry.mac));
                return Ok(());
            }
        }
        Err(Error::new(
            AUDIT_CONTENDED,
            "no place for an entry of the audit",
        ))
    }

    fn next(&self, head: &AuditHead, at: u64, event: &Event<'_>) -> AuditEntry {
        let (key_id, key) = &self.keys[0];
        let actor = event.actor.map_or_else(
            || "nobody".to_owned(),
            |who| format!("{}:{}", who.kind().as_str(), who.id()),
        );
        let outcome = event
            .outcome
            .as_ref()
            .map_or_else(|error| error.code().as_str(), |()| "ok");
        let mut entry = AuditEntry {
            sequence: head.sequence + 1,
            at,
            action: event.action.as_str().to_owned(),
            actor,
            target: event.target.to_owned(),
            source: event.source.as_str().unwrap_or_default().to_owned(),
            outcome: outcome.to_owned(),
            key_id: key_id.clone(),
            mac: String::new(),
        };
        entry.mac = entry.chained(key, &head.mac);
        entry
    }

    pub(crate) async fn head(&self) -> Result<AuditHead> {
        let last = self.store.last_entry().await?;
        Ok(last.map_or_else(
            || AuditHead::new(0, ""),
            |it| AuditHead::new(it.sequence, it.mac),
        ))
    }

    /// Goes through the chain, and gives each entry to `each`.
    ///
    /// # Errors
    ///
    /// [`AUDIT_BROKEN`] with the first place that is wrong.
    pub(crate) async fn walk(
        &self,
        kept: Option<&AuditHead>,
        mut each: impl FnMut(&AuditEntry) -> Result<()>,
    ) -> Result<AuditHead> {
        let mut head = AuditHead::new(0, "");
        let mut is_there = kept.is_none_or(|kept| *kept == head);
        loop {
            let page = self.store.entries(head.sequence, PAGE).await?;
            for entry in &page {
                self.check(&head, entry)?;
                each(entry)?;
                head = AuditHead::new(entry.sequence, entry.mac.clone());
                is_there |= kept == Some(&head);
            }
            if page.len() < PAGE {
                break;
            }
        }
        match kept {
            Some(kept) if !is_there => {
                let cut = kept.sequence.min(head.sequence + 1);
                Err(broken(cut, "an entry that was there is gone, or another"))
            }
            _ => Ok(head),
        }
    }

    fn check(&self, head: &AuditHead, entry: &AuditEntry) -> Result<()> {
        let place = head.sequence + 1;
        if entry.sequence != place {
            return Err(broken(place, "an entry is missing"));
        }
        let key = self.keys.iter().find(|(id, _)| *id == entry.key_id);
        let (_, key) = key.ok_or_else(|| broken(place, "chained with an unknown key"))?;
        // Compared at leisure: whoever can read the chain sees the right value anyway.
        if entry.chained(key, &head.mac) != entry.mac {
            return Err(broken(place, "an entry was changed"));
        }
        Ok(())
    }
}

fn broken(sequence: u64, fault: &'static str) -> Error {
    Error::new(AUDIT_BROKEN, "the audit is broken")
        .with("sequence", sequence)
        .with("fault", fault)
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}
