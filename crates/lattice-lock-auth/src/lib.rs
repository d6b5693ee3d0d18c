//! Who is calling a service that meters language-model calls, and what they may do.
//!
//! [`Auth`] is all of it: users, sessions whose refresh tokens are good once, API keys, roles, lockout across processes
//! and a chained audit, in memory or in the tables of a database. Its parts stand alone: [`Passwords`] hashes with
//! argon2id away from the threads that serve requests, under a bound that sheds load with a clear error. [`Tokens`]
//! issues and verifies access tokens with keys derived from the checked
//! [`SigningSecret`](lattice_lock_config::SigningSecret), one for each use, or with a [`SigningKey`] whose public half
//! others have, and gives back a [`Principal`](lattice_lock_principal::Principal) with the permissions that a [`Grant`]
//! put in. There is no process-wide state, and no credential enters an error.
//!
//! ```
//! use std::time::Duration;
//!
//! use lattice_lock_auth::{Grant, Passwords, Role, Tokens};
//! use lattice_lock_config::SigningSecret;
//! use lattice_lock_errors::Secret;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> lattice_lock_errors::Result<()> {
//! let passwords = Passwords::default();
//! let password = Secret::new("five tired zebras wander home".to_owned());
//! let stored = passwords.hash(&password).await?;
//! assert!(passwords.verify(&password, &stored).await?);
//!
//! let tokens = Tokens::new(&SigningSecret::random()?)?;
//! let grant = Grant::new("user-17".parse()?).role(Role::Viewer);
//! let token = tokens.issue(&grant, Duration::from_secs(1800))?;
//! let who = tokens.verify(token.expose())?;
//! assert_eq!(who.id().as_str(), "user-17");
//! who.require(&"read:health".parse()?)?;
//! # Ok(())
//! # }
//! ```

mod audit;
mod auth;
mod clock;
pub mod codes;
mod derive;
#[cfg(feature = "tower")]
mod http;
mod keys;
mod lockout;
mod names;
mod passwords;
mod random;
mod roles;
mod store;
mod tokens;
mod users;

pub use audit::{Action, AuditEntry, AuditHead};
pub use auth::{Acting, Auth, AuthBuilder, ImportedUsers, Keys, NewKey, SignedIn, UserRecord};
pub use clock::{Clock, SystemClock};
#[cfg(feature = "tower")]
pub use http::{AuthLayer, AuthService, bearer, response};
#[cfg(feature = "axum")]
pub use http::{Caller, Needs, Refusal, RequirePermission};
#[doc(hidden)]
pub use keys::has_form_of_key;
pub use keys::{ApiKey, KeyId};
pub use lockout::Lockout;
pub use names::{Source, Username};
pub use passwords::{Breaches, Cost, PasswordHash, Passwords, PasswordsBuilder};
pub use roles::{Role, RoleName};
pub use tokens::{Grant, SigningKey, Tokens, TokensBuilder, VerifyingKey};
pub use users::User;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
