//! One secret serves several uses only through a key of its own for each.

use hkdf::Hkdf;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result, Secret};
use sha2::Sha256;

use crate::codes::SIGNING_FAILED;

/// What a key is for. The names are part of what is derived: if one changes, whatever its key made becomes invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Signs access tokens.
    AccessToken,
    /// Tells the signing key of one secret from that of another.
    AccessTokenKeyId,
    /// Signs refresh tokens.
    RefreshToken,
    /// Tells those keys apart.
    RefreshTokenKeyId,
    /// Chains the entries of the audit.
    Audit,
    /// Tells those keys apart.
    AuditKeyId,
    /// Hides the names and addresses that failed logins came with.
    Pseudonym,
}

impl Use {
    const fn label(self) -> &'static str {
        match self {
            Self::AccessToken => "lattice-lock/v1/access-token/hs256",
            Self::AccessTokenKeyId => "lattice-lock/v1/access-token/key-id",
            Self::RefreshToken => "lattice-lock/v1/refresh-token/hs256",
            Self::RefreshTokenKeyId => "lattice-lock/v1/refresh-token/key-id",
            Self::Audit => "lattice-lock/v1/audit/hmac-sha256",
            Self::AuditKeyId => "lattice-lock/v1/audit/key-id",
            Self::Pseudonym => "lattice-lock/v1/pseudonym/hmac-sha256",
        }
    }
}

/// The key of 32 bytes that `secret` has for this use: HKDF with SHA-256.
pub(crate) fn derive(secret: &SigningSecret, purpose: Use) -> Result<Secret<Vec<u8>>> {
    let mut key = vec![0; 32];
    Hkdf::<Sha256>::new(None, secret.expose())
        .expand(purpose.label().as_bytes(), &mut key)
        .map_err(|_| Error::new(SIGNING_FAILED, "no key could be derived"))?;
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_lock_config::Environment;

    const TEXT: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";

    fn key(text: &str, purpose: Use) -> Secret<Vec<u8>> {
        let secret = SigningSecret::parse(text, Environment::Production).unwrap();
        derive(&secret, purpose).unwrap()
    }

    #[expect(clippy::format_collect, reason = "a test need not be fast")]
    fn hex(key: &Secret<Vec<u8>>) -> String {
        key.expose().iter().map(|b| format!("{b:02x}")).collect()
    }

    // The expected values are those of an independent implementation of RFC 5869. If they change, every
    // token in the field becomes invalid.
    #[test]
    fn keys_are_those_of_rfc_5869() {
        assert_eq!(
            hex(&key(TEXT, Use::AccessToken)),
            "421949c59c9d63d4f4535fc9b6ab1dc700a1d34c01e2e5d80507baa35be39ee8"
        );
        assert_eq!(
            hex(&key(TEXT, Use::AccessTokenKeyId)),
            "5f91fc69e546a51138662952b73a9df60554ef4a2324a0c85b96c14cfcc25644"
        );
    }

    #[test]
    fn every_use_and_every_secret_has_a_key_of_its_own() {
        let other = TEXT.chars().rev().collect::<String>();
        let keys = [
            key(TEXT, Use::AccessToken),
            key(TEXT, Use::AccessTokenKeyId),
            key(TEXT, Use::RefreshToken),
            key(TEXT, Use::RefreshTokenKeyId),
            key(TEXT, Use::Audit),
            key(TEXT, Use::AuditKeyId),
            key(TEXT, Use::Pseudonym),
            key(&other, Use::AccessToken),
            Secret::new(TEXT.as_bytes().to_vec()),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert_eq!(one.expose().len(), 32);
            assert!(keys[at + 1..].iter().all(|two| one != two));
        }
    }
}
