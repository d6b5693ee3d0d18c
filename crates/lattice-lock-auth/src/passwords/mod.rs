mod builder;
mod cost;
mod gate;
mod hash;
mod policy;

pub use builder::PasswordsBuilder;
pub use cost::Cost;
pub use hash::PasswordHash;

use lattice_lock_errors::{Result, Secret};

use gate::Gate;
use policy::Policy;

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
    gate: Gate,
}

impl Passwords {
    /// A builder with the defaults.
    #[must_use]
    pub fn builder() -> PasswordsBuilder {
        PasswordsBuilder::default()
    }

    /// Hashes a new password with a salt of its own.
    ///
    /// The password is brought into Unicode's normal form C first, so that it is the same from every
    /// keyboard. Nothing else is changed and nothing is cut.
    ///
    /// # Errors
    ///
    /// - [`PASSWORD_TOO_SHORT`](crate::codes::PASSWORD_TOO_SHORT),
    ///   [`PASSWORD_TOO_LONG`](crate::codes::PASSWORD_TOO_LONG): with the limit, nothing was hashed.
    /// - [`HASHING_OVERLOADED`](crate::codes::HASHING_OVERLOADED): retryable.
    /// - [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE),
    ///   [`RUNTIME_MISSING`](crate::codes::RUNTIME_MISSING),
    ///   [`HASHING_STOPPED`](crate::codes::HASHING_STOPPED), [`HASHING_FAILED`](crate::codes::HASHING_FAILED).
    pub async fn hash(&self, password: &Secret<String>) -> Result<PasswordHash> {
        let password = self.policy.check(password)?;
        let cost = self.cost;
        self.gate
            .run(move || PasswordHash::make(&password, cost))
            .await?
    }

    /// Whether `password` is the one that `hash` was made of.
    ///
    /// A password shorter than the policy asks for now is verified all the same: the policy may have been
    /// another one when it was set.
    ///
    /// # Errors
    ///
    /// - [`HASH_TOO_COSTLY`](crate::codes::HASH_TOO_COSTLY): the hash asks for more than [`Cost`]'s ceiling;
    ///   nothing was computed.
    /// - [`PASSWORD_TOO_LONG`](crate::codes::PASSWORD_TOO_LONG): longer than any policy allows, so that it
    ///   can be nobody's; nothing was computed.
    /// - [`HASHING_OVERLOADED`](crate::codes::HASHING_OVERLOADED): retryable.
    /// - [`RUNTIME_MISSING`](crate::codes::RUNTIME_MISSING),
    ///   [`HASHING_STOPPED`](crate::codes::HASHING_STOPPED), [`HASHING_FAILED`](crate::codes::HASHING_FAILED).
    pub async fn verify(&self, password: &Secret<String>, hash: &PasswordHash) -> Result<bool> {
        hash.require_bearable()?;
        let password = Policy::WIDEST.check(password)?;
        let hash = hash.clone();
        self.gate.run(move || hash.matches(&password)).await?
    }
}

impl Default for Passwords {
    /// What [`builder`](Self::builder) makes when it is left as it is.
    fn default() -> Self {
        PasswordsBuilder::default().assemble()
    }
}
