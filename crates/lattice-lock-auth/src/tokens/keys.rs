use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result};

use crate::codes::SIGNING_FAILED;
use crate::derive::{ACCESS_TOKEN, ACCESS_TOKEN_KEY_ID, derive};

/// How many bytes of its derived id name a key.
const ID_BYTES: usize = 12;

/// What one secret signs access tokens with.
///
/// The provider is called directly: through the process-wide default that the crate keeps, a host whose own
/// dependencies turn on a second provider would make every signature panic.
pub(super) struct Key {
    id: String,
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl Key {
    /// # Errors
    ///
    /// [`SIGNING_FAILED`].
    pub(super) fn of(secret: &SigningSecret) -> Result<Self> {
        let key = derive(secret, ACCESS_TOKEN)?;
        // The id is derived as well: every process with the same secret gives the key the same name, and
        // after a rotation the former current key still has its own.
        let id = derive(secret, ACCESS_TOKEN_KEY_ID)?;
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(&id.expose()[..ID_BYTES]),
            signing: EncodingKey::from_secret(key.expose()),
            verifying: DecodingKey::from_secret(key.expose()),
        })
    }

    /// The public name, of 16 characters.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, message: &str) -> Result<Vec<u8>> {
        let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::HS256, &self.signing);
        let signer = signer.map_err(|_| failed())?;
        signer.try_sign(message.as_bytes()).map_err(|_| failed())
    }

    /// Compares in constant time; a signature of another length than 32 bytes is never right.
    pub(super) fn verifies(&self, message: &str, signature: &Vec<u8>) -> Result<bool> {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&Algorithm::HS256, &self.verifying);
        let verifier = verifier.map_err(|_| failed())?;
        Ok(verifier.verify(message.as_bytes(), signature).is_ok())
    }
}

fn failed() -> Error {
    Error::new(SIGNING_FAILED, "the key cannot be used")
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.id).finish()
    }
}

/// The keys that are known, and no others: the current one signs, both verify.
#[derive(Debug)]
pub(super) struct KeyRing {
    current: Key,
    previous: Option<Key>,
}

impl KeyRing {
    pub(super) fn new(current: Key, previous: Option<Key>) -> Self {
        Self { current, previous }
    }

    pub(super) fn current(&self) -> &Key {
        &self.current
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id == id)
    }
}
