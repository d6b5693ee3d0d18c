//! Where the program runs.

use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use serde::Serialize;

use crate::nearest::nearest;
use crate::parse::{Fault, Parsed};
use crate::setting::ENV;

/// Where the program runs, as `LATTICE_ENV` says. These four, spelled exactly so: another is an error.
///
/// ```
/// use lattice_lock_config::Environment;
///
/// assert_eq!("staging".parse::<Environment>()?, Environment::Staging);
/// assert!(Environment::Staging.requires_secret());
/// let error = "prod".parse::<Environment>().unwrap_err();
/// assert!(error.to_string().contains("did you mean production?"));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Environment {
    /// A developer's machine; the default.
    #[default]
    Dev,
    /// Automatic tests.
    Test,
    /// As production, with other people's patience.
    Staging,
    /// The real thing.
    Production,
}

impl Environment {
    /// Every environment.
    pub const ALL: [Self; 4] = [Self::Dev, Self::Test, Self::Staging, Self::Production];

    /// The name, such as `production`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    /// Whether a good signing secret must be given: in production and staging.
    #[must_use]
    pub const fn requires_secret(self) -> bool {
        match self {
            Self::Production | Self::Staging => true,
            Self::Dev | Self::Test => false,
        }
    }

    /// The environment with this very name.
    pub(crate) fn named(text: &str) -> Parsed<Self> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Fault::meant(nearest(text, Self::ALL.map(Self::as_str))))
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = Error;

    /// # Errors
    ///
    /// `LL-CFG-005` when it is not one of the four names.
    fn from_str(text: &str) -> Result<Self> {
        Self::named(text.trim()).map_err(|fault| fault.into_error(&ENV))
    }
}
