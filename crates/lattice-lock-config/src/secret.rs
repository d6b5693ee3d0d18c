//! The secret behind every token.

use std::fmt;

use lattice_lock_errors::{Error, Result, Secret};

use crate::codes::RANDOM_UNAVAILABLE;
use crate::setting::SECRET_KEY;
use crate::strength::weakness;
use crate::{Environment, SecretFault, SecurityConfigurationError};

/// The secret that tokens are signed with, or rather that the keys for it are derived from: checked, never
/// shown, overwritten when dropped, compared in constant time.
///
/// In production and staging it
/// - is at least 32 bytes long,
/// - contains no well-known placeholder (`changeme`, `secret`, `password`, `your-key`, `example`, …), in any
///   case and with any punctuation in between,
/// - has at least 8 different bytes,
/// - is not a text of less than 32 bytes written several times, and
/// - has at least 20 different pairs of steps from one byte to the next, which `abcabc…`, `0123456789…` and
///   `aAbBcC…` have not, whatever stands around them.
///
/// 32 random hex digits or base64 characters follow these rules. Elsewhere a weak secret is accepted and
/// [`weakness`](Self::weakness) tells what is wrong with it. White space around it does not count.
///
/// ```
/// use lattice_lock_config::{Environment, SigningSecret};
///
/// assert!(SigningSecret::parse("changeme", Environment::Production).is_err());
/// assert!(SigningSecret::parse("changeme", Environment::Dev)?.weakness().is_some());
/// assert_eq!(SigningSecret::random()?.expose().len(), 32);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret {
    bytes: Secret<Vec<u8>>,
    weakness: Option<SecretFault>,
    random: bool,
}

impl SigningSecret {
    /// Checks `text` as `environment` demands.
    ///
    /// # Errors
    ///
    /// With a [`SecurityConfigurationError`]: `LL-SEC-001` when there is nothing but white space, in every
    /// environment; in production and staging `LL-SEC-002` when it is short, `LL-SEC-003` when it contains
    /// a placeholder, `LL-SEC-004` when it is predictable.
    pub fn parse(text: &str, environment: Environment) -> Result<Self> {
        Self::checked(text.trim(), environment).map_err(alone)
    }

    /// The checks, for whoever knows how the secret was given. White space around `text` is the caller's.
    pub(crate) fn checked(
        text: &str,
        environment: Environment,
    ) -> std::result::Result<Self, SecretFault> {
        let weakness = weakness(text);
        match weakness {
            Some(SecretFault::Missing) => Err(SecretFault::Missing),
            Some(fault) if environment.requires_secret() => Err(fault),
            _ => Ok(Self {
                bytes: Secret::new(text.as_bytes().to_vec()),
                weakness,
                random: false,
            }),
        }
    }

    /// 32 random bytes of the operating system. Whatever is signed with them ends with the process.
    ///
    /// # Errors
    ///
    /// `LL-CFG-006` when the operating system gives none.
    pub fn random() -> Result<Self> {
        let mut bytes = vec![0; 32];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(RANDOM_UNAVAILABLE, "no random bytes").with("cause", error)
        })?;
        Ok(Self {
            bytes: Secret::new(bytes),
            weakness: None,
            random: true,
        })
    }

    /// The bytes, for the one place that derives keys from them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.bytes.expose()
    }

    /// What is wrong with it; never anything in production and staging.
    #[must_use]
    pub fn weakness(&self) -> Option<SecretFault> {
        self.weakness
    }

    /// Whether it was made by [`random`](Self::random), so that another process has another.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.random
    }
}

/// The error for a secret that is checked without a configuration around it.
fn alone(fault: SecretFault) -> Error {
    let name = SECRET_KEY.variables.first().unwrap_or(&SECRET_KEY.key);
    Error::new(fault.code(), fault.message())
        .with("rule", fault.rule())
        .with_source(SecurityConfigurationError::new(
            fault,
            (*name).to_owned(),
            None,
        ))
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret([redacted])")
    }
}
