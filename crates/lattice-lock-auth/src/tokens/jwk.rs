//! Public keys as JSON (RFC 7517), and what a key must be to be trusted with signatures.

use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lattice_lock_errors::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Algorithm;
use super::keys::{VerifyingKey, encode, refused};

/// The fewest bits of an RSA key; aws-lc takes none of more than 8192.
const SHORTEST_RSA: usize = 2048;

/// The largest key that is looked at, in bytes.
const LARGEST: usize = 16 * 1024;

/// What a public key consists of.
pub(super) enum Public {
    Ed25519 { x: [u8; 32] },
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa(Rsa),
}

/// An RSA key that is neither short nor of a kind that is known to be broken.
pub(super) struct Rsa {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Rsa {
    pub(super) fn checked(n: Vec<u8>, e: Vec<u8>) -> Result<Self> {
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if bits < SHORTEST_RSA {
            return Err(refused("shorter than 2048 bits"));
        }
        let is_one = e == [1];
        if is_one || e.is_empty() || e.len() > 8 || e.last().is_some_and(|last| last % 2 == 0) {
            return Err(refused("its exponent is even, one, or beyond 64 bits"));
        }
        if is_of_infineon(&n) {
            return Err(refused("made by the library of CVE-2017-15361"));
        }
        Ok(Self { n, e })
    }

    pub(super) fn components(&self) -> RsaPublicKeyComponents<&[u8]> {
        RsaPublicKeyComponents {
            n: &self.n,
            e: &self.e,
        }
    }
}

/// Keys of the broken generator are powers of 65537 modulo each small prime; a key of any other is one with a
/// probability of 2⁻²⁷ or less.
fn is_of_infineon(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ];
    PRIMES.into_iter().all(|prime| {
        let remainder = n
            .iter()
            .fold(0, |sum, byte| (sum * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime));
        powers.take(prime as usize).any(|power| power == remainder)
    })
}

impl Public {
    /// What identifies the key, in alphabetical order: the form of which the thumbprint is made.
    fn members(&self) -> Value {
        match self {
            Self::Ed25519 { x } => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(x)}),
            Self::P256 { x, y } => {
                json!({"crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y)})
            }
            Self::Rsa(rsa) => json!({"e": encode(&rsa.e), "kty": "RSA", "n": encode(&rsa.n)}),
        }
    }

    pub(super) fn thumbprint(&self) -> Result<String> {
        let members = serde_json::to_vec(&self.members()).map_err(|_| refused("not writable"))?;
        Ok(encode(Sha256::digest(members)))
    }

    /// As others read it.
    pub(super) fn jwk(&self, id: &str, algorithm: &'static str) -> Value {
        let mut jwk = self.members();
        jwk["kid"] = id.into();
        jwk["alg"] = algorithm.into();
        jwk["use"] = "sig".into();
        jwk
    }
}

/// A key as it is written. Members that are not for verifying are passed over, as RFC 7517 demands, but for those of
/// private keys: whoever sends one has made a mistake that should be seen.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

pub(super) fn read(json: &str) -> Result<VerifyingKey> {
    if json.len() > LARGEST {
        return Err(refused("too large"));
    }
    let jwk: Jwk = serde_json::from_str(json).map_err(|_| refused("not a JSON web key"))?;
    jwk.require_verifying()?;
    let (public, algorithm) = jwk.public()?;
    VerifyingKey::of(jwk.kid.as_deref(), algorithm, public)
}

impl Jwk {
    fn require_verifying(&self) -> Result<()> {
        if self.d.is_some() {
            return Err(refused("a private key"));
        }
        if self
            .purpose
            .as_deref()
            .is_some_and(|purpose| purpose != "sig")
        {
            return Err(refused("not for signatures"));
        }
        let operations = self.key_ops.as_deref();
        if operations.is_some_and(|all| !all.iter().any(|one| one == "verify")) {
            return Err(refused("not for verifying"));
        }
        if self
            .kid
            .as_deref()
            .is_some_and(|id| id.is_empty() || id.len() > 256)
        {
            return Err(refused("its name is empty, or longer than 256 bytes"));
        }
        Ok(())
    }

    fn public(&self) -> Result<(Public, Algorithm)> {
        let (public, usual) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let x = number(self.x.as_deref())?;
                (Public::Ed25519 { x }, Some(Algorithm::EdDsa))
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (number(self.x.as_deref())?, number(self.y.as_deref())?);
                (Public::P256 { x, y }, Some(Algorithm::Es256))
            }
            ("RSA", None) => {
                let (n, e) = (decode(self.n.as_deref())?, decode(self.e.as_deref())?);
                (Public::Rsa(Rsa::checked(n, e)?), None)
            }
            _ => return Err(refused("neither RSA, P-256 nor Ed25519")),
        };
        let algorithm = match &self.alg {
            Some(name) => Algorithm::named(name),
            None => usual,
        };
        let algorithm = algorithm.ok_or_else(|| refused("without an algorithm that is known"))?;
        Ok((public, algorithm))
    }
}

fn decode(member: Option<&str>) -> Result<Vec<u8>> {
    let member = member.ok_or_else(|| refused("a number is missing"))?;
    URL_SAFE_NO_PAD
        .decode(member)
        .map_err(|_| refused("a number is not base64url"))
}

fn number(member: Option<&str>) -> Result<[u8; 32]> {
    decode(member)?
        .try_into()
        .map_err(|_| refused("a number has not 32 bytes"))
}
