//! What is not safe to start with.

use std::fmt;

use lattice_lock_errors::Code;

use crate::ConfigurationError;
use crate::codes::{
    SECRET_MISSING, SECRET_PLACEHOLDER, SECRET_PREDICTABLE, SECRET_SHORT, TOKENS_UNSIGNED,
};

/// Why a signing secret, or the algorithm that tokens are signed with, is not accepted.
///
/// ```
/// use lattice_lock_config::{Environment, SecretFault, SigningSecret};
///
/// let secret = SigningSecret::parse(&"a".repeat(32), Environment::Dev)?;
/// assert_eq!(secret.weakness(), Some(SecretFault::Predictable));
/// assert_eq!(SecretFault::Predictable.code().as_str(), "LL-SEC-004");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretFault {
    /// None is given, or only white space.
    Missing,
    /// It is a well-known placeholder, or contains one (`changeme`, `secret`, `your-key`, …).
    Placeholder,
    /// It is shorter than 32 bytes.
    Short,
    /// It is a repetition, a sequence, or made of too few different bytes.
    Predictable,
    /// The algorithm is one like `none`: tokens would have no signature.
    Unsigned,
}

impl SecretFault {
    /// The code of an error with this fault: `LL-SEC-001` to `LL-SEC-005`.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Missing => SECRET_MISSING,
            Self::Placeholder => SECRET_PLACEHOLDER,
            Self::Short => SECRET_SHORT,
            Self::Predictable => SECRET_PREDICTABLE,
            Self::Unsigned => TOKENS_UNSIGNED,
        }
    }

    /// What a secret must be, as the rest of a sentence that begins with its name.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Missing => "must be given in production and staging",
            Self::Placeholder => "must not be or contain a well-known placeholder",
            Self::Short => "must be at least 32 bytes long",
            Self::Predictable => {
                "must be random, without a repeated pattern or a sequence and of at least 8 different bytes"
            }
            Self::Unsigned => {
                "must be HS256, EdDSA, ES256 or RS256: an unsigned token is anybody's"
            }
        }
    }

    /// The message of an error with this fault.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Missing => "the signing secret is missing",
            Self::Placeholder => "the signing secret is a placeholder",
            Self::Short => "the signing secret has too few bytes",
            Self::Predictable => "the signing secret is predictable",
            Self::Unsigned => "tokens would not be signed",
        }
    }
}

/// A configuration that is not safe to start with; found with `error.find::<SecurityConfigurationError>()`.
///
/// If there are other problems beside it, they are behind it: `error.find::<ConfigurationError>()`.
///
/// ```
/// use lattice_lock_config::{AppConfig, SecretFault, SecurityConfigurationError};
///
/// let error = AppConfig::builder().set("env", "production").build().unwrap_err();
/// let detail = error.find::<SecurityConfigurationError>().expect("a secret is required");
/// assert_eq!(detail.fault(), SecretFault::Missing);
/// assert_eq!(detail.setting(), "LATTICE_LOCK_SECRET_KEY");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityConfigurationError {
    fault: SecretFault,
    setting: String,
    all: Option<ConfigurationError>,
}

impl SecurityConfigurationError {
    /// The fault of what is known as `setting`, with all problems if a whole configuration was read.
    pub(crate) fn new(
        fault: SecretFault,
        setting: String,
        all: Option<ConfigurationError>,
    ) -> Self {
        Self {
            fault,
            setting,
            all,
        }
    }

    /// Why the secret is not accepted.
    #[must_use]
    pub fn fault(&self) -> SecretFault {
        self.fault
    }

    /// The variable or key that gives the secret, or should give it.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

impl fmt::Display for SecurityConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.fault.rule())
    }
}

impl std::error::Error for SecurityConfigurationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.all
            .as_ref()
            .map(|all| all as &(dyn std::error::Error + 'static))
    }
}
