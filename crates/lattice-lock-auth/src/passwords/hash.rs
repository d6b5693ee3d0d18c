use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use lattice_lock_errors::{Error, Result, Secret};

use super::Cost;
use crate::codes::{HASH_MALFORMED, HASH_TOO_COSTLY, HASH_UNSUPPORTED, HASHING_FAILED};
use crate::random::random;

/// The longest hash that is looked at, in bytes; ours have 97.
const LONGEST: usize = 256;
/// The shortest digest that is trusted, in bytes; ours have 32.
const SHORTEST_DIGEST: usize = 16;
/// The first version whose passes overwrite nothing: 1.3.
const VERSION: u32 = 19;

/// Beginnings of hashes that others write.
const FOREIGN: [(&str, &str); 8] = [
    ("$2a$", "bcrypt"),
    ("$2b$", "bcrypt"),
    ("$2x$", "bcrypt"),
    ("$2y$", "bcrypt"),
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$scrypt$", "scrypt"),
    ("$pbkdf2", "pbkdf2"),
];

/// An argon2id hash as it is stored: `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`.
///
/// It does not give the password away, but lets whoever has it try passwords in peace: its `Debug` is
/// redacted, and it has no `Display`.
///
/// ```
/// use lattice_lock_auth::{PasswordHash, codes::HASH_UNSUPPORTED};
///
/// let bcrypt = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";
/// assert_eq!(bcrypt.parse::<PasswordHash>().unwrap_err().code(), HASH_UNSUPPORTED);
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    text: Box<str>,
    phc: phc::PasswordHash,
    params: Params,
}

impl PasswordHash {
    /// The hash as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What verifying it costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost::of(&self.params)
    }

    /// Hashes `password`, with a salt of its own, on the thread that calls.
    pub(super) fn make(password: &Secret<String>, cost: Cost) -> Result<Self> {
        let params = Params::new(cost.memory_kib(), cost.passes(), cost.lanes(), Some(32));
        let params = params.map_err(|_| failed())?;
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let phc: phc::PasswordHash = hasher
            .hash_password_with_salt(password.expose().as_bytes(), &random::<16>()?)
            .map_err(|_| failed())?;
        Ok(Self {
            text: phc.to_string().into(),
            phc,
            params,
        })
    }

    /// Whether it was made of `password`, on the thread that calls.
    pub(super) fn matches(&self, password: &Secret<String>) -> Result<bool> {
        // The hasher takes algorithm, version and cost from the hash, all of which `from_str` has checked.
        match Argon2::default().verify_password(password.expose().as_bytes(), &self.phc) {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(failed()),
        }
    }

    /// # Errors
    ///
    /// [`HASH_TOO_COSTLY`].
    pub(super) fn require_bearable(&self) -> Result<()> {
        let cost = self.cost();
        if cost.is_bearable() {
            return Ok(());
        }
        Err(
            Error::new(HASH_TOO_COSTLY, "the password hash asks for too much")
                .with("memory_kib", cost.memory_kib())
                .with("passes", cost.passes())
                .with("lanes", cost.lanes()),
        )
    }
}

fn failed() -> Error {
    Error::new(HASHING_FAILED, "the password could not be hashed")
}

fn malformed(fault: &'static str) -> Error {
    Error::new(HASH_MALFORMED, "not a password hash of ours").with("fault", fault)
}

impl FromStr for PasswordHash {
    type Err = Error;

    /// # Errors
    ///
    /// [`HASH_UNSUPPORTED`] with the name of a scheme that others use, [`HASH_MALFORMED`] for whatever else
    /// is not an argon2id hash of version 19 with salt, digest and nothing beyond memory, passes and lanes.
    fn from_str(text: &str) -> Result<Self> {
        if let Some((_, scheme)) = FOREIGN.iter().find(|(start, _)| text.starts_with(start)) {
            return Err(
                Error::new(HASH_UNSUPPORTED, "a password hash of another scheme")
                    .with("scheme", scheme),
            );
        }
        if text.len() > LONGEST {
            return Err(malformed("too long"));
        }
        let phc = phc::PasswordHash::new(text).map_err(|_| malformed("not a PHC string"))?;
        let params = checked(&phc)?;
        Ok(Self {
            text: text.into(),
            phc,
            params,
        })
    }
}

/// The parameters of a hash that has everything ours have, and nothing more.
fn checked(phc: &phc::PasswordHash) -> Result<Params> {
    if phc.algorithm.as_str() != "argon2id" {
        return Err(malformed("not argon2id"));
    }
    if phc.version != Some(VERSION) {
        return Err(malformed("not version 19"));
    }
    let digest = phc.hash.as_ref().filter(|_| phc.salt.is_some());
    if digest.is_none_or(|digest| digest.len() < SHORTEST_DIGEST) {
        return Err(malformed("no salt, or no digest of 16 bytes"));
    }
    let named: Vec<_> = phc.params.iter().map(|(name, _)| name).collect();
    if !named.iter().map(phc::Ident::as_str).eq(["m", "t", "p"]) {
        return Err(malformed("parameters other than memory, passes and lanes"));
    }
    Params::try_from(phc).map_err(|_| malformed("parameters out of range"))
}

impl TryFrom<String> for PasswordHash {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}
