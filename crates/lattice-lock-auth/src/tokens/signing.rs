use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lattice_lock_config::SigningSecret;
use lattice_lock_errors::{Error, Result, Secret};

use super::Algorithm;
use super::jwk::{Public, Rsa};
use super::keys::{VerifyingKey, encode, refused};
use super::scalar::lowered;
use crate::codes::SIGNING_FAILED;
use crate::derive::{Use, derive};

/// How many bytes of its derived id name a key.
const ID_BYTES: usize = 12;

/// A private key that access tokens are signed with, for services that give others the public half: Ed25519 (`EdDSA`),
/// P-256 (`ES256`) or RSA of 2048 bits or more (`RS256`). The key's type decides the one algorithm.
///
/// Its name is the thumbprint of its public half (RFC 7638), the same in every process. `Debug` shows the name and
/// the algorithm.
pub struct SigningKey {
    verifying: VerifyingKey,
    signer: Signer,
}

enum Signer {
    Mac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// The key in a PEM text, as `openssl genpkey -algorithm ed25519` writes it: `BEGIN PRIVATE KEY`, not encrypted.
    ///
    /// # Errors
    ///
    /// [`KEY_REFUSED`](crate::codes::KEY_REFUSED).
    pub fn from_pem(text: &Secret<String>) -> Result<Self> {
        let body = text
            .expose()
            .trim()
            .strip_prefix("-----BEGIN PRIVATE KEY-----")
            .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
            .ok_or_else(|| refused("not one unencrypted PRIVATE KEY in PEM"))?;
        let lines = Secret::new(body.split_ascii_whitespace().collect::<String>());
        let der = STANDARD
            .decode(lines.expose())
            .map_err(|_| refused("not base64"))?;
        Self::from_pkcs8(&Secret::new(der))
    }

    /// The key in PKCS #8, as bytes.
    ///
    /// # Errors
    ///
    /// [`KEY_REFUSED`](crate::codes::KEY_REFUSED): of another type, too short, or malformed.
    pub fn from_pkcs8(der: &Secret<Vec<u8>>) -> Result<Self> {
        let der = der.expose();
        let (algorithm, public, signer) = if let Ok(pair) =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
        {
            let x = array(pair.public_key().as_ref())?;
            (
                Algorithm::EdDsa,
                Public::Ed25519 { x },
                Signer::Ed25519(pair),
            )
        } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            let point = pair.public_key().as_ref();
            let (x, y) = point
                .get(1..)
                .and_then(|xy| xy.split_at_checked(32))
                .ok_or_else(failed)?;
            let public = Public::P256 {
                x: array(x)?,
                y: array(y)?,
            };
            (Algorithm::Es256, public, Signer::P256(pair))
        } else if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::from(pair.public_key());
            let public = Public::Rsa(Rsa::checked(n, e)?);
            (Algorithm::Rs256, public, Signer::Rsa(Box::new(pair)))
        } else {
            return Err(refused("neither Ed25519, P-256 nor RSA in PKCS #8"));
        };
        let verifying = VerifyingKey::of(None, algorithm, public)?;
        Ok(Self { verifying, signer })
    }

    /// The key that `secret` has for this use.
    pub(super) fn derived(secret: &SigningSecret, key: Use, id: Use) -> Result<Self> {
        let key = derive(secret, key)?;
        // The id is derived as well: every process with the same secret gives the key the same name, and
        // after a rotation the former current key still has its own.
        let id = encode(&derive(secret, id)?.expose()[..ID_BYTES]);
        Ok(Self {
            verifying: VerifyingKey::mac(&id, Algorithm::Hs256, key.expose())?,
            signer: Signer::Mac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))),
        })
    }

    /// Its public half, for those who only verify: a former key, during a rotation.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        self.verifying.clone()
    }

    /// The name that tokens refer to it by.
    #[must_use]
    pub fn id(&self) -> &str {
        self.verifying.id()
    }

    /// The name of its algorithm, such as `EdDSA`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.verifying.algorithm()
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.signer {
            Signer::Mac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Signer::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Signer::P256(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| failed())?;
                Ok(lowered(signature.as_ref().to_vec()))
            }
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| failed())?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id())
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

fn array(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| failed())
}

fn failed() -> Error {
    Error::new(SIGNING_FAILED, "the key cannot be used")
}
