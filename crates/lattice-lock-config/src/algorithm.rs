//! How tokens are signed.

use std::fmt;

use serde::Serialize;

/// How access tokens are signed, as `LATTICE_LOCK_TOKEN_ALGORITHM` says. These four, spelled exactly so: another is an
/// error, and one like `none` is not safe to start with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum TokenAlgorithm {
    /// `HS256`: with a key that is derived from the signing secret; the default.
    #[default]
    Hs256,
    /// `EdDSA`: with a private key of Ed25519, which the program gives.
    EdDsa,
    /// `ES256`: with a private key of P-256, which the program gives.
    Es256,
    /// `RS256`: with a private RSA key, which the program gives.
    Rs256,
}

impl TokenAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::EdDsa, Self::Es256, Self::Rs256];

    /// The name, such as `EdDSA`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

impl fmt::Display for TokenAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
