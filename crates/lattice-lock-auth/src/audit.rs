use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Principal;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::codes::{AUDIT_BROKEN, AUDIT_CONTENDED};
use crate::derive::{Use, derive};
use crate::names::Source;
use crate::store::{Step, Store, no_place};
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
    /// A user came from elsewhere.
    ImportUser,
    /// An account that had to wait was opened.
    UnlockUser,
    /// A password's hash was made anew, since it was of another cost, pepper or scheme.
    RenewHash,
    /// All users were read, with their passwords' hashes.
    ExportUsers,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 22] = [
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
        Self::ImportUser,
        Self::UnlockUser,
        Self::RenewHash,
        Self::ExportUsers,
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
            Self::ImportUser => "import_user",
            Self::UnlockUser => "unlock_user",
            Self::RenewHash => "renew_hash",
            Self::ExportUsers => "export_users",
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
    /// The key that vouches for it.
    pub key_id: String,
    /// The chain: SHA-256 over the entry before and this one.
    pub digest: String,
    /// HMAC-SHA-256 of the digest: what only the secret's holder can write, about this entry and all before it.
    pub mac: String,
}

impl AuditEntry {
    /// What is chained: every field with its length before it, so that no two entries read alike.
    fn chained(&self, before: &Link) -> String {
        let mut hash = Sha256::new();
        let (sequence, at) = (self.sequence.to_string(), self.at.to_string());
        let fields = [
            &before.digest,
            &before.mac,
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
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field.as_bytes());
        }
        encode(hash.finalize())
    }

    fn vouched(&self, key: &hmac::Key) -> String {
        encode(hmac::sign(key, self.digest.as_bytes()))
    }
}

/// What the next entry is chained to: nothing, before the first.
#[derive(Clone, Debug, Default)]
struct Link {
    sequence: u64,
    digest: String,
    mac: String,
}

impl From<AuditEntry> for Link {
    fn from(entry: AuditEntry) -> Self {
        Self {
            sequence: entry.sequence,
            digest: entry.digest,
            mac: entry.mac,
        }
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

impl From<Link> for AuditHead {
    fn from(link: Link) -> Self {
        Self::new(link.sequence, link.mac)
    }
}

/// What an entry is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'a> {
    action: Action,
    actor: Option<&'a Principal>,
    target: &'a str,
    source: &'a Source,
    outcome: Result<(), &'a Error>,
}

impl<'a> Event<'a> {
    /// That something was done.
    pub(crate) fn new(
        action: Action,
        actor: Option<&'a Principal>,
        target: &'a str,
        source: &'a Source,
    ) -> Self {
        Self {
            action,
            actor,
            target,
            source,
            outcome: Ok(()),
        }
    }

    /// That it was not.
    pub(crate) fn failed(self, error: &'a Error) -> Self {
        Self {
            outcome: Err(error),
            ..self
        }
    }
}

/// Writes the chain, and proves it.
pub(crate) struct Audit {
    store: Arc<dyn Store>,
    keys: Vec<(String, hmac::Key)>,
    /// Where the audit goes on although nobody knows the secret of its last entry any more.
    accepted: Option<AuditHead>,
    /// The last entry that this process knows of. One writer at a time: others of this process would only be in its way.
    last: Mutex<Option<Link>>,
}

impl Audit {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        current: &SigningSecret,
        previous: Option<&SigningSecret>,
        accepted: Option<AuditHead>,
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
            accepted,
            last: Mutex::default(),
        })
    }

    /// Makes a change and writes that it was made: both or neither.
    ///
    /// # Errors
    ///
    /// [`AUDIT_CONTENDED`], [`AUDIT_BROKEN`], those of the change and those of the store: what cannot be audited does not
    /// happen.
    pub(crate) async fn write(&self, at: u64, event: Event<'_>, step: &Step) -> Result<()> {
        let mut last = self.last.lock().await;
        for _ in 0..ATTEMPTS {
            let link = match last.take() {
                Some(link) => link,
                None => self.link_to_vouch_for().await?,
            };
            let entry = self.next(&link, at, event);
            match self.store.commit(step, &entry).await {
                Err(error) if error.code() == AUDIT_CONTENDED => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    *last = Some(entry.into());
                    return Ok(());
                }
            }
        }
        Err(no_place())
    }

    fn next(&self, before: &Link, at: u64, event: Event<'_>) -> AuditEntry {
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
            sequence: before.sequence + 1,
            at,
            action: event.action.as_str().to_owned(),
            actor,
            target: event.target.to_owned(),
            source: event.source.as_str().unwrap_or_default().to_owned(),
            outcome: outcome.to_owned(),
            key_id: key_id.clone(),
            digest: String::new(),
            mac: String::new(),
        };
        entry.digest = entry.chained(before);
        entry.mac = entry.vouched(key);
        entry
    }

    /// The last entry, if it is what a holder of the secret wrote: the next one vouches for it and all before.
    async fn link_to_vouch_for(&self) -> Result<Link> {
        let mut last = self.store.last_entries().await?;
        let Some(entry) = last.pop() else {
            return Ok(Link::default());
        };
        let last = last.pop().map(Link::from).unwrap_or_default();
        let mut chain = Chain { last, open: None };
        chain.check(&entry, self.key(&entry.key_id))?;
        chain.last = entry.into();
        let is_accepted = self
            .accepted
            .as_ref()
            .is_some_and(|head| chain.ends_with(head));
        if !is_accepted {
            chain.end()?;
        }
        Ok(chain.last)
    }

    pub(crate) async fn head(&self) -> Result<AuditHead> {
        let last = self.store.last_entries().await?.pop();
        Ok(last.map(Link::from).unwrap_or_default().into())
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
        let mut chain = Chain::default();
        let is_kept = |chain: &Chain| kept.is_none_or(|kept| chain.ends_with(kept));
        let mut is_there = is_kept(&chain);
        loop {
            let page = self.store.entries(chain.last.sequence, PAGE).await?;
            let is_end = page.len() < PAGE;
            for entry in page {
                chain.check(&entry, self.key(&entry.key_id))?;
                each(&entry)?;
                chain.last = entry.into();
                is_there |= is_kept(&chain);
            }
            if is_end {
                break;
            }
        }
        chain.end()?;
        let head = AuditHead::from(chain.last);
        match kept {
            Some(kept) if !is_there => {
                let cut = kept.sequence.min(head.sequence + 1);
                Err(broken(cut, "an entry that was there is gone, or another"))
            }
            _ => Ok(head),
        }
    }

    fn key(&self, id: &str) -> Option<&hmac::Key> {
        let key = self.keys.iter().find(|(known, _)| known == id);
        key.map(|(_, key)| key)
    }
}

/// The chain as far as it was followed.
///
/// After a second rotation nobody has the secret any more that vouched for the oldest entries. What they say is chained
/// all the same, so that the first entry of a secret that is known vouches for them too.
#[derive(Default)]
struct Chain {
    last: Link,
    /// The first of the entries that nothing vouches for yet.
    open: Option<u64>,
}

impl Chain {
    /// Compared at leisure: whoever can read the chain sees the right values anyway.
    fn check(&mut self, entry: &AuditEntry, key: Option<&hmac::Key>) -> Result<()> {
        let place = self.last.sequence + 1;
        if entry.sequence != place {
            return Err(broken(place, "an entry is missing"));
        }
        if entry.chained(&self.last) != entry.digest {
            return Err(broken(place, "an entry was changed"));
        }
        let Some(key) = key else {
            self.open.get_or_insert(place);
            return Ok(());
        };
        let first = self.open.take().unwrap_or(place);
        if entry.vouched(key) != entry.mac {
            return Err(broken(first, "an entry was changed"));
        }
        Ok(())
    }

    fn ends_with(&self, head: &AuditHead) -> bool {
        (self.last.sequence, &self.last.mac) == (head.sequence, &head.mac)
    }

    fn end(&self) -> Result<()> {
        match self.open {
            Some(place) => Err(broken(place, "nothing that is known vouches for it")),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{self, Change};
    use lattice_lock_repository::Database;

    /// Three entries of each secret, the one after the other; what the last one can still check.
    async fn rotated() -> (Audit, Vec<AuditEntry>) {
        let store = store::open(&Database::in_memory()).unwrap();
        let secrets = [0, 1, 2].map(|_| SigningSecret::random().unwrap());
        let source = Source::unknown();
        let mut previous = None;
        let mut last = None;
        for current in &secrets {
            let audit = Audit::new(Arc::clone(&store), current, previous, None).unwrap();
            for at in 0..3 {
                let event = Event::new(Action::Logout, None, "target", &source);
                let step = Change::Nothing.into();
                audit.write(at, event, &step).await.unwrap();
            }
            (previous, last) = (Some(current), Some(audit));
        }
        (last.unwrap(), store.entries(0, 100).await.unwrap())
    }

    /// The place that is found out, of entries as somebody left them.
    fn found(audit: &Audit, entries: &[AuditEntry]) -> Option<String> {
        let mut chain = Chain::default();
        let followed = entries.iter().try_for_each(|entry| {
            chain.check(entry, audit.key(&entry.key_id))?;
            chain.last = entry.clone().into();
            Ok(())
        });
        let error = followed.and_then(|()| chain.end()).err()?;
        let place = error.context().find(|(key, _)| *key == "sequence");
        place.map(|(_, place)| place.to_string())
    }

    /// What somebody without a secret can make good again.
    fn rechain(entries: &mut [AuditEntry]) {
        let mut last = Link::default();
        for entry in entries {
            entry.digest = entry.chained(&last);
            last = entry.clone().into();
        }
    }

    #[tokio::test]
    async fn entries_of_forgotten_secrets_cannot_be_changed_either() {
        let (audit, entries) = rotated().await;
        assert_eq!(found(&audit, &entries), None);
        assert!(
            audit.key(&entries[0].key_id).is_none(),
            "of the first secret"
        );
        for at in 0..9 {
            let mut changed = entries.clone();
            changed[at].actor = "mallory".into();
            let place = Some((at + 1).to_string());
            assert_eq!(found(&audit, &changed), place);
            rechain(&mut changed);
            // Of entries that only the fourth vouches for, and of itself, it is the first.
            let place = if at <= 3 { Some("1".into()) } else { place };
            assert_eq!(found(&audit, &changed), place);
            changed[at].key_id = "a key of mallory's".into();
            rechain(&mut changed);
            assert!(found(&audit, &changed).is_some());
        }
        for kept in 1..3 {
            let place = found(&audit, &entries[..kept]);
            assert_eq!(place.as_deref(), Some("1"), "nothing vouches for these");
        }
        let gap = [&entries[..4], &entries[5..]].concat();
        assert_eq!(found(&audit, &gap).as_deref(), Some("5"));
    }

    #[tokio::test]
    async fn nobody_vouches_for_an_entry_of_an_unknown_secret_unless_told_to() {
        let (_, entries) = rotated().await;
        let last = entries.last().unwrap();
        let store = store::open(&Database::in_memory()).unwrap();
        for entry in &entries {
            let step = Change::Nothing.into();
            store.commit(&step, entry).await.unwrap();
        }
        let (secret, source) = (SigningSecret::random().unwrap(), Source::unknown());
        let event = Event::new(Action::Logout, None, "target", &source);
        for (sequence, mac, goes_on) in [
            (0, "", false),
            (last.sequence - 1, last.mac.as_str(), false),
            (last.sequence, "another", false),
            (last.sequence, &last.mac, true),
        ] {
            let accepted = Some(AuditHead::new(sequence, mac));
            let audit = Audit::new(Arc::clone(&store), &secret, None, accepted).unwrap();
            let written = audit.write(1, event, &Change::Nothing.into()).await;
            assert_eq!(written.is_ok(), goes_on, "{sequence} {mac}");
            assert_eq!(audit.walk(None, |_| Ok(())).await.is_ok(), goes_on);
        }
    }
}
