mod builder;
mod common;
mod cost;
mod gate;
mod hash;
mod pepper;
mod policy;

pub use builder::PasswordsBuilder;
pub use cost::Cost;
pub(crate) use hash::COSTLIEST_BCRYPT;
pub use hash::PasswordHash;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use lattice_lock_errors::{Error, Result, Secret};

use crate::codes::PASSWORD_COMMON;
use gate::Gate;
use pepper::Peppers;
use policy::Policy;

/// Knows passwords that were stolen somewhere, such as a service that is asked by the beginning of a hash.
///
/// A password that it does not answer for (an error) is refused: an application that would rather take it returns
/// `Ok(false)` itself.
#[async_trait]
pub trait Breaches: fmt::Debug + Send + Sync {
    /// Whether this password, in normal form C, is known to be stolen.
    ///
    /// # Errors
    ///
    /// Whatever kept it from answering.
    async fn contains(&self, password: &Secret<String>) -> Result<bool>;
}

/// Hashes passwords and verifies them, away from the threads that serve requests.
///
/// Hashing takes memory and processor time on purpose. Only so many hashes are made at once, only so many
/// callers wait for their turn, and whoever comes beyond is told at once to come again. A caller that goes
/// away while its password is hashed gives its turn back only when the hash is done, so that connecting and
/// disconnecting does not add load.
///
/// Cloning gives another handle on the same limits.
///
/// ```
/// use lattice_lock_auth::Passwords;
/// use lattice_lock_errors::Secret;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> lattice_lock_errors::Result<()> {
/// let passwords = Passwords::default();
/// let password = Secret::new("five tired zebras wander home".to_owned());
/// let hash = passwords.hash(&password).await?;
/// assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert!(passwords.verify(&password, &hash).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Passwords {
    policy: Policy,
    cost: Cost,
    peppers: Arc<Peppers>,
    breaches: Option<Arc<dyn Breaches>>,
    calls: Arc<AtomicU64>,
    gate: Gate,
}

/// What comes of holding a password against a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, and the hash is to be made anew.
    Obsolete,
}

impl Passwords {
    /// A builder with the defaults.
    #[must_use]
    pub fn builder() -> PasswordsBuilder {
        PasswordsBuilder::default()
    }

    /// How many hashes were computed since it was made: what an attacker, or a test, is held against. What is done to
    /// take as long as a hash of bcrypt counts as one.
    #[must_use]
    pub fn hash_calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Hashes a new password with a salt of its own.
    ///
    /// The password is brought into Unicode's normal form C first, so that it is the same from every
    /// keyboard. Nothing else is changed and nothing is cut.
    ///
    /// # Errors
    ///
    /// - [`PASSWORD_TOO_SHORT`](crate::codes::PASSWORD_TOO_SHORT),
    ///   [`PASSWORD_TOO_LONG`](crate::codes::PASSWORD_TOO_LONG): with the limit; [`PASSWORD_COMMON`] with the reason:
    ///   nothing was hashed.
    /// - [`HASHING_OVERLOADED`](crate::codes::HASHING_OVERLOADED): retryable.
    /// - [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE),
    ///   [`RUNTIME_MISSING`](crate::codes::RUNTIME_MISSING),
    ///   [`HASHING_STOPPED`](crate::codes::HASHING_STOPPED), [`HASHING_FAILED`](crate::codes::HASHING_FAILED).
    /// - Those of [`Breaches`].
    pub async fn hash(&self, password: &Secret<String>) -> Result<PasswordHash> {
        self.hash_about(password, &[]).await
    }

    /// As [`hash`](Self::hash), and refuses what is little more than one of these words, such as the user's name.
    ///
    /// # Errors
    ///
    /// Those of [`hash`](Self::hash).
    pub async fn hash_about(
        &self,
        password: &Secret<String>,
        about: &[&str],
    ) -> Result<PasswordHash> {
        self.policy.require_bounded(password)?;
        let (policy, password) = (self.policy, password.clone());
        let about: Vec<String> = about.iter().map(|word| (*word).to_owned()).collect();
        let accept = move || {
            let normal = policy.check(&password)?;
            let words: Vec<&str> = about.iter().map(String::as_str).collect();
            common::refuse(&normal, &words).map(|()| normal)
        };
        let Some(breaches) = &self.breaches else {
            return self.make(accept).await;
        };
        let normal = self.gate.run(accept).await??;
        if breaches.contains(&normal).await? {
            let error = Error::new(PASSWORD_COMMON, "the password is easily guessed");
            return Err(error.with("reason", "it was stolen somewhere"));
        }
        self.make(move || Ok(normal)).await
    }

    /// A new hash of a password that was right just now, whatever the policy says of it.
    pub(crate) async fn renew(&self, password: &Secret<String>) -> Result<PasswordHash> {
        let password = password.clone();
        self.make(move || Policy::WIDEST.check(&password)).await
    }

    async fn make(
        &self,
        normal: impl FnOnce() -> Result<Secret<String>> + Send + 'static,
    ) -> Result<PasswordHash> {
        let (cost, peppers, calls) = (self.cost, self.peppers.clone(), self.calls.clone());
        let job = move || {
            let normal = normal()?;
            calls.fetch_add(1, Ordering::Relaxed);
            PasswordHash::make(&normal, cost, &peppers)
        };
        self.gate.run(job).await?
    }

    /// Whether `password` is the one that `hash` was made of.
    ///
    /// A password shorter than the policy asks for now is verified all the same: the policy may have been
    /// another one when it was set.
    ///
    /// # Errors
    ///
    /// - [`HASH_TOO_COSTLY`](crate::codes::HASH_TOO_COSTLY): the hash asks for more than [`Cost`]'s ceiling;
    ///   [`PEPPER_UNKNOWN`](crate::codes::PEPPER_UNKNOWN): nothing was computed.
    /// - [`PASSWORD_TOO_LONG`](crate::codes::PASSWORD_TOO_LONG): longer than any policy allows, so that it
    ///   can be nobody's; nothing was computed.
    /// - [`HASHING_OVERLOADED`](crate::codes::HASHING_OVERLOADED): retryable.
    /// - [`RUNTIME_MISSING`](crate::codes::RUNTIME_MISSING),
    ///   [`HASHING_STOPPED`](crate::codes::HASHING_STOPPED), [`HASHING_FAILED`](crate::codes::HASHING_FAILED).
    pub async fn verify(&self, password: &Secret<String>, hash: &PasswordHash) -> Result<bool> {
        Ok(self.judge(password, Some(hash), None).await? != Verdict::Wrong)
    }

    /// Holds a password against a hash; without one it does the same work, and the answer is no.
    ///
    /// With the cost of the costliest hash of bcrypt that anybody has, every answer takes a hash of each scheme: nobody
    /// learns from the work whose password came from elsewhere.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub(crate) async fn judge(
        &self,
        password: &Secret<String>,
        hash: Option<&PasswordHash>,
        bcrypt: Option<u32>,
    ) -> Result<Verdict> {
        Self::require_bounded(password)?;
        hash.map_or(Ok(()), |hash| self.require_usable(hash))?;
        let (typed, hash, cost) = (password.clone(), hash.cloned(), self.cost);
        let (peppers, calls) = (self.peppers.clone(), self.calls.clone());
        let job = move || {
            let normal = Policy::WIDEST.check(&typed)?;
            let done = hash.as_ref().and_then(PasswordHash::bcrypt_cost);
            calls.fetch_add(1, Ordering::Relaxed);
            let verdict = match &hash {
                None => PasswordHash::make(&normal, cost, &peppers).map(|_| Verdict::Wrong)?,
                Some(hash) if !hash.matches(&normal, &typed, &peppers)? => Verdict::Wrong,
                Some(hash) if hash.is_obsolete(&typed, cost, &peppers) => Verdict::Obsolete,
                Some(_) => Verdict::Right,
            };
            if let Some(most) = bcrypt {
                calls.fetch_add(1, Ordering::Relaxed);
                hash::take_as_long(&typed, done, most.max(done.unwrap_or(0)))?;
                if done.is_some() {
                    PasswordHash::make(&normal, cost, &peppers)?;
                }
            }
            Ok(verdict)
        };
        self.gate.run(job).await?
    }

    /// Refuses a hash that asks for too much, or for a pepper that is not given.
    pub(crate) fn require_usable(&self, hash: &PasswordHash) -> Result<()> {
        hash.require_usable(&self.peppers)
    }

    /// Refuses what can be nobody's password, before anything else is done.
    pub(crate) fn require_bounded(password: &Secret<String>) -> Result<()> {
        Policy::WIDEST.require_bounded(password)
    }
}

impl Default for Passwords {
    /// What [`builder`](Self::builder) makes when it is left as it is.
    fn default() -> Self {
        PasswordsBuilder::default().assemble()
    }
}
