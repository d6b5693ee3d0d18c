use std::sync::Arc;

use lattice_lock_errors::Result;
use lattice_lock_principal::{Permissions, Principal, PrincipalKind};
use lattice_lock_repository::EntityId;

use super::cache::{Credential, Standing};
use super::{Auth, revoked};
use crate::keys::{PREFIX, Presented};
use crate::lockout::{Attempt, Path, Settled, locked_out};
use crate::store::key_unknown;
use crate::tokens::Access;
use crate::{Source, User, users};

impl Auth {
    /// Who presents this credential, an access token or an API key, and what they may do.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify) and [`verify_key`](Self::verify_key).
    pub async fn authenticate(&self, credential: &str, source: &Source) -> Result<Principal> {
        if credential.starts_with(PREFIX) {
            self.verify_key(credential, source).await
        } else {
            self.verify(credential, source).await
        }
    }

    /// Who presents this access token, and what they may do: no more than it says, and no more than its user may now.
    ///
    /// What is looked up is remembered for a few seconds ([`revocation_delay`](crate::AuthBuilder::revocation_delay)).
    ///
    /// # Errors
    ///
    /// - Those of [`Tokens::verify`](crate::Tokens::verify);
    /// - [`TOKEN_REVOKED`](crate::codes::TOKEN_REVOKED): it, its session or its user's tokens were called back (one without a session if it was
    ///   issued in that second or before), or the user is disabled or deleted;
    /// - [`LOCKED_OUT`](crate::codes::LOCKED_OUT), with the wait;
    /// - those of the store: what cannot be looked up is not accepted.
    pub async fn verify(&self, token: &str, source: &Source) -> Result<Principal> {
        let access = self.0.tokens.read_access(token)?;
        let standing = match self.0.cache.get(Credential::Token(access.id), source) {
            Some(standing) => standing,
            None => self.look_up_token(&access, source).await?,
        };
        Ok(principal_of(access, &standing))
    }

    /// As [`verify`](Self::verify), looked up now: for what must not happen within seconds after a revocation.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub async fn verify_now(&self, token: &str, source: &Source) -> Result<Principal> {
        let access = self.0.tokens.read_access(token)?;
        let standing = self.look_up_token(&access, source).await?;
        Ok(principal_of(access, &standing))
    }

    /// Who presents this API key, and what they may do: no more than it says, and no more than its owner may now.
    ///
    /// The principal is the owner, of the kind `ApiKey`, and its cost is tagged with `api_key`, the key's id.
    ///
    /// # Errors
    ///
    /// - [`KEY_MALFORMED`](crate::codes::KEY_MALFORMED): nothing was looked up;
    /// - [`KEY_UNKNOWN`](crate::codes::KEY_UNKNOWN): also revoked or expired, or its owner is disabled;
    /// - [`LOCKED_OUT`](crate::codes::LOCKED_OUT), with the wait;
    /// - those of the store.
    pub async fn verify_key(&self, key: &str, source: &Source) -> Result<Principal> {
        let presented = Presented::read(key)?;
        let now = self.now();
        let standing = match self.0.cache.get(Credential::Key(presented.hash), source) {
            Some(standing) => standing,
            None => self.look_up_key(&presented, source, now).await?,
        };
        let is_good = standing.ends_at.is_none_or(|end| now < end);
        let who = standing
            .principal
            .as_ref()
            .filter(|_| is_good)
            .ok_or_else(key_unknown)?;
        self.0.used.note(&presented.id, now);
        Ok(who.clone())
    }

    async fn look_up_token(&self, access: &Access, source: &Source) -> Result<Arc<Standing>> {
        let begun = self.0.cache.begin();
        let store = &self.0.store;
        if store.is_revoked(access.id).await? || access.issued_at < store.revoked_before().await? {
            return Err(revoked());
        }
        let subject = users::id_of(&access.subject);
        if let Some(id) = access.session {
            let session = store.session(id).await?.ok_or_else(revoked)?;
            if session.ended_at.is_some() || Some(session.user) != subject {
                return Err(revoked());
            }
        }
        let standing = match subject {
            // A token that the host made for a principal of its own.
            None => Standing {
                permissions: Arc::new(access.permissions.clone()),
                ends_at: Some(access.expires_at),
                owner: None,
                principal: None,
            },
            Some(id) => {
                let user = store.user(id).await?.ok_or_else(revoked)?;
                // One without a session says when it was made, but not in which epoch.
                let is_called_back = access.epoch.map_or_else(
                    || access.issued_at <= user.ended_at,
                    |epoch| epoch != user.epoch,
                );
                if user.disabled || is_called_back {
                    return Err(revoked());
                }
                self.require_unlocked(&user, source, Path::Session).await?;
                self.standing(&user, None, Some(access.expires_at))
            }
        };
        let standing = Arc::new(standing);
        let credential = Credential::Token(access.id);
        self.0.cache.put(credential, source, begun, &standing);
        Ok(standing)
    }

    async fn look_up_key(
        &self,
        presented: &Presented,
        source: &Source,
        now: u64,
    ) -> Result<Arc<Standing>> {
        let begun = self.0.cache.begin();
        let key = self.0.store.key(&presented.id).await?;
        let key = key.filter(|key| key.matches(&presented.hash) && !key.is_over(now));
        let key = key.ok_or_else(key_unknown)?;
        let owner = self.0.store.user(key.owner).await?;
        let owner = owner
            .filter(|owner| !owner.disabled)
            .ok_or_else(key_unknown)?;
        let attempt = self.require_unlocked(&owner, source, Path::Key).await?;
        if let Some(strange) = attempt {
            self.0.store.settle(&strange, Settled::Known).await?;
        }
        let mut standing = self.standing(&owner, Some(&key.scopes), key.expires_at);
        let who = Principal::new(PrincipalKind::ApiKey, owner.principal_id()?)
            .permissions(standing.permissions.iter().cloned())
            .tag("api_key", presented.id.as_str());
        standing.principal = Some(who);
        let standing = Arc::new(standing);
        let credential = Credential::Key(presented.hash);
        self.0.cache.put(credential, source, begun, &standing);
        Ok(standing)
    }

    fn standing(
        &self,
        user: &User,
        scopes: Option<&Permissions>,
        ends_at: Option<u64>,
    ) -> Standing {
        let all = self.0.roles.permissions(&user.role);
        let permissions = match scopes {
            None => all,
            Some(scopes) => Arc::new(all.intersection(scopes).cloned().collect()),
        };
        Standing {
            permissions,
            ends_at,
            owner: Some(user.id),
            principal: None,
        }
    }

    /// Refuses a user whose account, or a source, has to wait: a lock holds on every path. Returns the place, if it is
    /// to be known as one where keys of the user's are used.
    pub(super) async fn require_unlocked(
        &self,
        user: &User,
        source: &Source,
        path: Path,
    ) -> Result<Option<Attempt>> {
        let account = self.0.pseudonyms.of_user(user.id);
        let attempt = self.attempt(account, user.epoch, source, path);
        let gates = self.0.store.gates(&attempt.keys()).await?;
        match attempt.closed_until(&gates) {
            None => Ok(Some(attempt).filter(|attempt| attempt.is_strange(&gates))),
            Some(until) => Err(locked_out(attempt.now, until)),
        }
    }

    /// The id of a principal that stands for one of our users.
    pub(super) fn user_of(who: &Principal) -> Option<EntityId> {
        let ours = matches!(who.kind(), PrincipalKind::User | PrincipalKind::ApiKey);
        users::id_of(who.id()).filter(|_| ours)
    }
}

fn principal_of(access: Access, standing: &Standing) -> Principal {
    let who = Principal::new(PrincipalKind::User, access.subject);
    if access.permissions.is_subset(&standing.permissions) {
        return who.permissions(access.permissions);
    }
    who.permissions(
        access
            .permissions
            .intersection(&standing.permissions)
            .cloned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewKey, Role, Tokens};
    use lattice_lock_config::SigningSecret;
    use lattice_lock_errors::Secret;
    use lattice_lock_repository::Database;

    /// Look-ups for one verification of a key among so many, the first time and the second.
    async fn lookups(keys: usize) -> [u64; 2] {
        let tokens = Tokens::builder(&SigningSecret::random().unwrap());
        let auth = Auth::builder(tokens, &Database::in_memory())
            .build()
            .unwrap();
        let password = Secret::new("five tired zebras wander home".to_owned());
        let root = auth
            .bootstrap(&"root".parse().unwrap(), &password)
            .await
            .unwrap();
        let host = Principal::service("host")
            .unwrap()
            .permissions(Role::Admin.permissions());
        let source = Source::unknown();
        let acting = auth.acting(&host, &source);
        let mut last = None;
        for _ in 0..keys {
            last = Some(
                acting
                    .create_key(root.id(), &NewKey::new("k"))
                    .await
                    .unwrap()
                    .0,
            );
        }
        let last = last.unwrap();
        let mut counts = [0; 2];
        for count in &mut counts {
            let before = auth.0.store.lookups();
            auth.verify_key(last.expose(), &source).await.unwrap();
            *count = auth.0.store.lookups() - before;
        }
        counts
    }

    #[tokio::test]
    async fn a_key_takes_as_many_look_ups_among_many_as_among_one() {
        assert_eq!(
            lookups(1).await,
            [3, 0],
            "key, owner and gates; then it is remembered"
        );
        assert_eq!(lookups(5_000).await, [3, 0]);
    }
}
