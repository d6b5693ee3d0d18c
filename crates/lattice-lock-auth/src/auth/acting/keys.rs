use std::time::Duration;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::{Permission, Permissions};
use lattice_lock_repository::EntityId;

use super::Acting;
use super::caller::MANAGE_KEYS;
use crate::audit::Action;
use crate::codes::KEY_SETTING_INVALID;
use crate::keys::{ApiKey, KeyId, generate};
use crate::store::{Change, Seen, Step, key_unknown};

/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 64;
/// The longest lifetime of a key.
const LONGEST_LIFETIME: u64 = 3650 * 24 * 60 * 60;

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

impl Acting<'_> {
    /// Makes an API key for a user. It is shown this once.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING) without `manage:api_keys`, also for
    /// oneself; [`GRANT_EXCEEDED`](crate::codes::GRANT_EXCEEDED) for a scope that the caller does not hold, or an owner
    /// who may more; [`KEY_SETTING_INVALID`],
    /// [`USER_UNKNOWN`](crate::codes::USER_UNKNOWN), [`USER_CHANGED`](crate::codes::USER_CHANGED) when its owner was
    /// changed meanwhile, and those of the store.
    pub async fn create_key(
        &self,
        owner: EntityId,
        key: &NewKey,
    ) -> Result<(Secret<String>, ApiKey)> {
        let made = async {
            key.check()?;
            let caller = self.caller().await?;
            let owner = caller.owner(owner).await?;
            caller.require_all(&key.scopes)?;
            let now = self.auth.now();
            let (text, made) = generate()?;
            let end = |lifetime: Duration| now.saturating_add(lifetime.as_secs());
            let kept = ApiKey {
                id: made.id,
                hash: made.hash,
                owner: owner.id,
                name: key.name.clone(),
                scopes: key.scopes.clone(),
                created_at: now,
                expires_at: key.lifetime.map(end),
                last_used_at: None,
            };
            let change = Change::AddKey {
                key: kept.clone(),
                replaces: None,
            };
            let step = Step::from(change).if_still([Seen::same(&owner)]);
            caller
                .commit(Action::CreateKey, kept.id.as_str(), step)
                .await?;
            Ok((text, kept))
        };
        let made = made.await;
        self.or_note(Action::CreateKey, "", made).await
    }

    /// The API keys of a user, also those that have ended, the oldest first.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the store.
    pub async fn keys(&self, owner: EntityId) -> Result<Vec<ApiKey>> {
        let caller = self.caller().await?;
        caller.require_own_or(owner, MANAGE_KEYS)?;
        self.auth.0.store.keys_of(owner).await
    }

    /// Makes a key with the name, the scopes and the lifetime of another one, which ends after `overlap` at the latest.
    ///
    /// # Errors
    ///
    /// [`KEY_UNKNOWN`](crate::codes::KEY_UNKNOWN) also for one that has ended, and as [`create_key`](Self::create_key).
    pub async fn rotate_key(
        &self,
        id: &KeyId,
        overlap: Duration,
    ) -> Result<(Secret<String>, ApiKey)> {
        let rotated = async {
            let caller = self.caller().await?;
            let old = self.key(id).await?;
            let owner = caller.owner(old.owner).await?;
            caller.require_all(&old.scopes)?;
            let now = self.auth.now();
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
            let change = Change::AddKey {
                key: kept.clone(),
                replaces: Some((id.clone(), end)),
            };
            let step = Step::from(change).if_still([Seen::same(&owner)]);
            caller.commit(Action::RotateKey, id.as_str(), step).await?;
            Ok((text, kept))
        };
        let rotated = rotated.await;
        self.or_note(Action::RotateKey, id.as_str(), rotated).await
    }

    /// Ends a key: one's own, or with `manage:api_keys` another.
    ///
    /// # Errors
    ///
    /// [`KEY_UNKNOWN`](crate::codes::KEY_UNKNOWN), [`PERMISSION_MISSING`](lattice_lock_principal::codes::PERMISSION_MISSING), and those of the
    /// store.
    pub async fn revoke_key(&self, id: &KeyId) -> Result<()> {
        let target = id.to_string();
        let revoked = async {
            let caller = self.caller().await?;
            let key = self.key(id).await?;
            if !caller.is_user(key.owner) {
                caller.owner(key.owner).await?;
            }
            let (id, owner) = (key.id, key.owner);
            let change = Change::EndKey { id, owner };
            caller.commit(Action::RevokeKey, &target, change).await
        };
        let revoked = revoked.await;
        self.or_note(Action::RevokeKey, &target, revoked).await
    }

    async fn key(&self, id: &KeyId) -> Result<ApiKey> {
        self.auth.0.store.key(id).await?.ok_or_else(key_unknown)
    }
}
