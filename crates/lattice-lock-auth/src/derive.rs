//! One secret serves several uses only through a key of its own for each.

use hkdf::Hkdf;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result, Secret};
use sha2::Sha256;

use crate::codes::SIGNING_FAILED;

/// What access tokens are signed with.
pub(crate) const ACCESS_TOKEN: &str = "lattice-lock/v1/access-token/hs256";
/// What tells the signing key of one secret from that of another.
pub(crate) const ACCESS_TOKEN_KEY_ID: &str = "lattice-lock/v1/access-token/key-id";

/// The key of 32 bytes that `secret` has for the use that `label` names: HKDF with SHA-256.
pub(crate) fn derive(secret: &SigningSecret, label: &'static str) -> Result<Secret<Vec<u8>>> {
    let mut key = vec![0; 32];
    Hkdf::<Sha256>::new(None, secret.expose())
        .expand(label.as_bytes(), &mut key)
        .map_err(|_| Error::new(SIGNING_FAILED, "no key could be derived"))?;
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lattice_lock_config::Environment;

    const TEXT: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6";

    fn key(text: &str, label: &'static str) -> Secret<Vec<u8>> {
        let secret = SigningSecret::parse(text, Environment::Production).unwrap();
        derive(&secret, label).unwrap()
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
            hex(&key(TEXT, ACCESS_TOKEN)),
            "421949c59c9d63d4f4535fc9b6ab1dc700a1d34c01e2e5d80507baa35be39ee8"
        );
        assert_eq!(
            hex(&key(TEXT, ACCESS_TOKEN_KEY_ID)),
            "5f91fc69e546a51138662952b73a9df60554ef4a2324a0c85b96c14cfcc25644"
        );
    }

    #[test]
    fn every_use_and_every_secret_has_a_key_of_its_own() {
        let other = TEXT.chars().rev().collect::<String>();
        let keys = [
            key(TEXT, ACCESS_TOKEN),
            key(TEXT, ACCESS_TOKEN_KEY_ID),
            key(&other, ACCESS_TOKEN),
            Secret::new(TEXT.as_bytes().to_vec()),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert_eq!(one.expose().len(), 32);
            assert!(keys[at + 1..].iter().all(|two| one != two));
        }
    }
}
