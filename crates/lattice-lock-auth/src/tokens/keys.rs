use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lattice_lock_errors::{Error, Result};

use super::Algorithm;
use super::compact::{self, Compact};
use super::header::{self, Header, Kind};
use super::jwk::{self, Public};
use super::scalar::is_low;
use crate::codes::{KEY_REFUSED, KEYS_AMBIGUOUS, TOKEN_KEY_UNKNOWN};

/// What tokens are verified with: one algorithm, and a name (`kid`) that tokens refer to it by.
///
/// Made of a public key as JSON ([`from_jwk`](Self::from_jwk)), or taken from a
/// [`SigningKey`](crate::SigningKey). `Debug` shows the name and the algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Arc<str>,
    algorithm: Algorithm,
    verifier: Verifier,
    public: Option<Arc<Public>>,
}

#[derive(Clone)]
enum Verifier {
    Mac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl VerifyingKey {
    /// A public key as a JSON web key: RSA of 2048 bits or more, P-256 or Ed25519.
    ///
    /// Its use, its operations and its algorithm, where they are given, must be those of verifying signatures with a
    /// key of this type; a key for several algorithms names the one that it is for. Without a `kid` it is called by
    /// its thumbprint (RFC 7638). Weak keys are refused: too short, with an exponent of 1 or an even one, made by the
    /// library of CVE-2017-15361. So are secrets (`oct`): they come from the configuration only.
    ///
    /// ```
    /// use lattice_lock_auth::VerifyingKey;
    ///
    /// let key = VerifyingKey::from_jwk(
    ///     r#"{"kty": "OKP", "crv": "Ed25519", "kid": "2026", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    /// )?;
    /// assert_eq!(key.id(), "2026");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KEY_REFUSED`] with the rule that the key breaks.
    pub fn from_jwk(json: &str) -> Result<Self> {
        jwk::read(json)
    }

    /// The name that tokens refer to it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name of its algorithm, such as `EdDSA`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    pub(super) fn is(&self, algorithm: &str) -> bool {
        self.algorithm.as_str() == algorithm
    }

    pub(super) fn is_secret(&self) -> bool {
        matches!(self.verifier, Verifier::Mac(_))
    }

    pub(super) fn public(&self) -> Option<&Public> {
        self.public.as_deref()
    }

    /// A key of at least as many bytes as its digest.
    ///
    /// # Errors
    ///
    /// [`KEY_REFUSED`]. A shorter key, and an empty one above all, would sign and verify just as well.
    pub(super) fn mac(id: &str, algorithm: Algorithm, secret: &[u8]) -> Result<Self> {
        let (mac, shortest) = algorithm.mac().ok_or_else(|| refused("no MAC"))?;
        if secret.len() < shortest {
            return Err(refused("shorter than its digest"));
        }
        Ok(Self {
            id: id.into(),
            algorithm,
            verifier: Verifier::Mac(Box::new(hmac::Key::new(mac, secret))),
            public: None,
        })
    }

    pub(super) fn of(id: Option<&str>, algorithm: Algorithm, public: Public) -> Result<Self> {
        let key = match &public {
            Public::Ed25519 { x } if algorithm == Algorithm::EdDsa => {
                ParsedPublicKey::new(&ED25519, x)
            }
            Public::P256 { x, y } if algorithm == Algorithm::Es256 => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], &x[..], &y[..]].concat())
            }
            Public::Rsa(rsa) => {
                let parameters = algorithm.rsa().ok_or_else(another)?;
                rsa.components().to_parsed_public_key(parameters)
            }
            _ => return Err(another()),
        };
        let id = id.map_or_else(|| public.thumbprint(), |id| Ok(id.to_owned()))?;
        Ok(Self {
            id: id.into(),
            algorithm,
            verifier: Verifier::Public(key.map_err(|_| refused("not a point of its curve"))?),
            public: Some(Arc::new(public)),
        })
    }

    /// Whether it signed `message`. A MAC is compared in constant time, and never right with another length.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Mac(key) => hmac::verify(key, message, signature).is_ok(),
            Verifier::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }

    /// As [`verifies`](Self::verifies), with the one signature that we would write: of ECDSA's two, both of which are
    /// right, that with the lower number.
    pub(super) fn verifies_strictly(&self, message: &[u8], signature: &[u8]) -> bool {
        let is_the_one = self.algorithm != Algorithm::Es256 || is_low(signature);
        is_the_one && self.verifies(message, signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

pub(super) fn refused(fault: &'static str) -> Error {
    Error::new(KEY_REFUSED, "the key is refused").with("fault", fault)
}

fn another() -> Error {
    refused("not of its algorithm's type")
}

/// The keys that tokens of one use are verified with, and no others.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Known>);

#[derive(Debug)]
struct Known {
    key: VerifyingKey,
    /// The header as we write it: a token that has it to the letter needs no parser to say what it is.
    header: String,
}

/// A token's header as we write it.
///
/// # Errors
///
/// [`SIGNING_FAILED`](crate::codes::SIGNING_FAILED).
pub(super) fn header(key: &VerifyingKey, kind: Kind) -> Result<String> {
    compact::encode(&Header {
        alg: key.algorithm().into(),
        typ: Some(kind.as_str().into()),
        kid: key.id().into(),
    })
}

impl KeySet {
    /// # Errors
    ///
    /// [`KEYS_AMBIGUOUS`]: two keys of one name, or secrets beside public keys.
    pub(super) fn new(kind: Kind, keys: Vec<VerifyingKey>) -> Result<Self> {
        let mixed = keys
            .iter()
            .any(|key| key.is_secret() != keys[0].is_secret());
        let doubled = (1..keys.len()).any(|at| keys[..at].iter().any(|key| key.id == keys[at].id));
        if mixed || doubled {
            let fault = if mixed {
                "secrets beside public keys"
            } else {
                "two keys of one name"
            };
            return Err(Error::new(KEYS_AMBIGUOUS, "the keys are ambiguous").with("fault", fault));
        }
        let known = |key: VerifyingKey| {
            let header = header(&key, kind)?;
            Ok(Known { key, header })
        };
        keys.into_iter().map(known).collect::<Result<_>>().map(Self)
    }

    fn find(&self, id: &str) -> Option<&VerifyingKey> {
        let known = self.0.iter().find(|known| known.key.id() == id)?;
        Some(&known.key)
    }

    /// The key that a token is to be verified with.
    ///
    /// # Errors
    ///
    /// [`TOKEN_HEADER_REFUSED`](crate::codes::TOKEN_HEADER_REFUSED), [`TOKEN_KEY_UNKNOWN`],
    /// [`TOKEN_MALFORMED`](crate::codes::TOKEN_MALFORMED).
    pub(super) fn key_of(&self, token: &Compact<'_>, kind: Kind) -> Result<&VerifyingKey> {
        let as_written = |known: &&Known| known.header == token.encoded_header();
        if let Some(known) = self.0.iter().find(as_written) {
            return Ok(&known.key);
        }
        let json = token.header()?;
        let header = Header::read(&json)?;
        header.require(kind)?;
        self.named(&header)
    }

    /// The key that a header names, if it is for the header's algorithm.
    pub(super) fn named(&self, header: &Header<'_>) -> Result<&VerifyingKey> {
        if Algorithm::named(&header.alg).is_none() {
            return Err(header::refused("alg is none that any key has"));
        }
        let key = self.find(&header.kid);
        let key = key.ok_or_else(|| Error::new(TOKEN_KEY_UNKNOWN, "the token's key is unknown"))?;
        if key.is(&header.alg) {
            return Ok(key);
        }
        Err(header::refused("alg is not that of its key"))
    }

    /// The public keys, as a JSON web key set.
    pub(super) fn jwks(&self) -> String {
        let keys: Vec<_> = self
            .0
            .iter()
            .filter_map(|Known { key, .. }| Some(key.public()?.jwk(key.id(), key.algorithm())))
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes behind [`encode`].
#[cfg(feature = "__sql")]
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
