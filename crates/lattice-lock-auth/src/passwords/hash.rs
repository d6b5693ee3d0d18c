use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, KeyId, Params, ParamsBuilder, Version};
use lattice_lock_errors::{Error, Result, Secret};
use subtle::ConstantTimeEq;

use super::Cost;
use super::pepper::Peppers;
use crate::codes::{
    HASH_MALFORMED, HASH_TOO_COSTLY, HASH_UNSUPPORTED, HASHING_FAILED, PEPPER_UNKNOWN,
};
use crate::random::random;

/// The longest hash that is looked at, in bytes; ours have 97, and 12 more with a pepper.
const LONGEST: usize = 256;
/// The shortest digest that is trusted, in bytes; ours have 32.
const SHORTEST_DIGEST: usize = 16;
/// The first version whose passes overwrite nothing: 1.3.
const VERSION: u32 = 19;
/// The most that verifying a hash of bcrypt may cost: about a second.
pub(crate) const COSTLIEST_BCRYPT: u32 = 14;

/// How many bytes of a password bcrypt reads.
const READ_BY_BCRYPT: usize = 72;

/// Beginnings of hashes that others write.
const FOREIGN: [(&str, &str); 5] = [
    ("$2x$", "a broken bcrypt"),
    ("$argon2i$", "argon2i"),
    ("$argon2d$", "argon2d"),
    ("$scrypt$", "scrypt"),
    ("$pbkdf2", "pbkdf2"),
];

/// A password hash as it is stored: `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`, with `keyid=` if there is a pepper in
/// it, or one of bcrypt that another program made (`$2b$…`, `$2a$…`, `$2y$…`), which is replaced at the next login.
///
/// It does not give the password away, but lets whoever has it try passwords in peace: its `Debug` is
/// redacted, and it has no `Display`.
///
/// ```
/// use lattice_lock_auth::{PasswordHash, codes::HASH_UNSUPPORTED};
///
/// let bcrypt = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";
/// assert!(bcrypt.parse::<PasswordHash>().is_ok());
/// let scrypt = "$scrypt$ln=17,r=8,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw";
/// assert_eq!(scrypt.parse::<PasswordHash>().unwrap_err().code(), HASH_UNSUPPORTED);
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    text: Box<str>,
    scheme: Scheme,
}

#[derive(Clone)]
enum Scheme {
    Argon2id(Box<(phc::PasswordHash, Params)>),
    Bcrypt { cost: u32 },
}

impl PasswordHash {
    /// The hash as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What verifying it costs; none for one of bcrypt.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        match &self.scheme {
            Scheme::Argon2id(hash) => Some(Cost::of(&hash.1)),
            Scheme::Bcrypt { .. } => None,
        }
    }

    /// The cost of a hash of bcrypt.
    pub(crate) fn bcrypt_cost(&self) -> Option<u32> {
        match self.scheme {
            Scheme::Argon2id(_) => None,
            Scheme::Bcrypt { cost } => Some(cost),
        }
    }

    /// Whether a new hash would be made in another way: at another cost, or with another pepper.
    ///
    /// Bcrypt reads 72 bytes, up to a zero byte: beyond, what was `typed` need not be the password, and is not to become
    /// it.
    pub(super) fn is_obsolete(
        &self,
        typed: &Secret<String>,
        cost: Cost,
        peppers: &Peppers,
    ) -> bool {
        let typed = typed.expose();
        match &self.scheme {
            Scheme::Argon2id(hash) => {
                Cost::of(&hash.1) != cost || hash.1.keyid() != peppers.current_id()
            }
            Scheme::Bcrypt { .. } => typed.len() < READ_BY_BCRYPT && !typed.contains('\0'),
        }
    }

    /// Hashes `password`, with a salt of its own, on the thread that calls.
    pub(super) fn make(password: &Secret<String>, cost: Cost, peppers: &Peppers) -> Result<Self> {
        let mut params = ParamsBuilder::new();
        params
            .m_cost(cost.memory_kib())
            .t_cost(cost.passes())
            .p_cost(cost.lanes())
            .output_len(32);
        if !peppers.current_id().is_empty() {
            params.keyid(KeyId::new(peppers.current_id()).map_err(|_| failed())?);
        }
        let params = params.build().map_err(|_| failed())?;
        let salt = random::<16>()?;
        let digest = digest(password.expose(), &salt, &params, peppers, 32)?;
        let hash = phc::PasswordHash {
            algorithm: phc::Ident::new("argon2id").map_err(|_| failed())?,
            version: Some(VERSION),
            params: phc::ParamsString::try_from(&params).map_err(|_| failed())?,
            salt: Some(phc::Salt::new(&salt).map_err(|_| failed())?),
            hash: Some(phc::Output::new(digest.expose()).map_err(|_| failed())?),
        };
        Ok(Self {
            text: hash.to_string().into(),
            scheme: Scheme::Argon2id(Box::new((hash, params))),
        })
    }

    /// Whether it was made of `normal`, the password in normal form C, or, by bcrypt, of `typed`, the password as it
    /// came; on the thread that calls.
    pub(super) fn matches(
        &self,
        normal: &Secret<String>,
        typed: &Secret<String>,
        peppers: &Peppers,
    ) -> Result<bool> {
        match &self.scheme {
            Scheme::Argon2id(hash) => {
                let (phc, params) = &**hash;
                let (Some(salt), Some(known)) = (&phc.salt, &phc.hash) else {
                    return Err(failed());
                };
                let found = digest(normal.expose(), salt, params, peppers, known.len())?;
                Ok(known.as_bytes().ct_eq(found.expose()).into())
            }
            // Programs that used bcrypt hashed what was typed, and no more than 72 bytes of it.
            Scheme::Bcrypt { .. } => {
                bcrypt::verify(typed.expose(), &self.text).map_err(|_| failed())
            }
        }
    }

    /// # Errors
    ///
    /// [`HASH_TOO_COSTLY`], [`PEPPER_UNKNOWN`].
    pub(super) fn require_usable(&self, peppers: &Peppers) -> Result<()> {
        let costly = Error::new(HASH_TOO_COSTLY, "the password hash asks for too much");
        match &self.scheme {
            Scheme::Argon2id(hash) if !Cost::of(&hash.1).is_bearable() => {
                let cost = Cost::of(&hash.1);
                Err(costly
                    .with("memory_kib", cost.memory_kib())
                    .with("passes", cost.passes())
                    .with("lanes", cost.lanes()))
            }
            Scheme::Argon2id(hash) => peppers.secret(hash.1.keyid()).map(drop),
            Scheme::Bcrypt { cost } if *cost > COSTLIEST_BCRYPT => Err(costly.with("cost", cost)),
            Scheme::Bcrypt { .. } => Ok(()),
        }
    }
}

/// Does what verifying a hash of bcrypt at the cost `most` takes, less what was done at the cost `done`: each cost takes
/// twice what the one before does, so that the costs from `done` on add up to it.
pub(super) fn take_as_long(typed: &Secret<String>, done: Option<u32>, most: u32) -> Result<()> {
    for cost in missing(done, most) {
        bcrypt::hash_with_salt(typed.expose(), cost, [0; 16]).map_err(|_| failed())?;
    }
    Ok(())
}

fn missing(done: Option<u32>, most: u32) -> Range<u32> {
    done.map_or(most..most + 1, |done| done..most)
}

/// Argon2id of a password, with the pepper that the parameters name.
fn digest(
    password: &str,
    salt: &[u8],
    params: &Params,
    peppers: &Peppers,
    length: usize,
) -> Result<Secret<Vec<u8>>> {
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let hasher = match peppers.secret(params.keyid())? {
        Some(pepper) => {
            Argon2::new_with_secret(pepper.expose(), algorithm, version, params.clone())
                .map_err(|_| failed())?
        }
        None => Argon2::new(algorithm, version, params.clone()),
    };
    let mut out = vec![0; length];
    let done = hasher.hash_password_into(password.as_bytes(), salt, &mut out);
    let digest = Secret::new(out);
    done.map(|()| digest).map_err(|_| failed())
}

fn failed() -> Error {
    Error::new(HASHING_FAILED, "the password could not be hashed")
}

fn malformed(fault: &'static str) -> Error {
    Error::new(HASH_MALFORMED, "not a password hash of ours").with("fault", fault)
}

pub(super) fn unknown_pepper() -> Error {
    Error::new(
        PEPPER_UNKNOWN,
        "the hash was made with a pepper that is not given",
    )
}

impl FromStr for PasswordHash {
    type Err = Error;

    /// # Errors
    ///
    /// [`HASH_UNSUPPORTED`] with the name of a scheme that others use, [`HASH_MALFORMED`] for whatever else
    /// is neither an argon2id hash of version 19 with salt, digest and nothing beyond memory, passes, lanes and the id
    /// of a pepper, nor one of bcrypt.
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
        let scheme = if ["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|start| text.starts_with(start))
        {
            Scheme::Bcrypt {
                cost: bcrypt_cost(text)?,
            }
        } else {
            let phc = phc::PasswordHash::new(text).map_err(|_| malformed("not a PHC string"))?;
            let params = checked(&phc)?;
            Scheme::Argon2id(Box::new((phc, params)))
        };
        Ok(Self {
            text: text.into(),
            scheme,
        })
    }
}

/// The cost in `$2b$12$` and 53 letters of salt and digest.
fn bcrypt_cost(text: &str) -> Result<u32> {
    let parts = text.split('$').collect::<Vec<_>>();
    let [_, _, cost, rest] = parts[..] else {
        return Err(malformed("not a hash of bcrypt"));
    };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
    let whole = rest.len() == 53 && rest.bytes().all(letters);
    let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    let cost = cost
        .parse()
        .ok()
        .filter(|cost| whole && digits && (4..=31).contains(cost))
        .filter(|_| text.parse::<bcrypt::HashParts>().is_ok());
    cost.ok_or_else(|| malformed("not a hash of bcrypt"))
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
    let idents: Vec<_> = phc.params.iter().map(|(name, _)| name).collect();
    let names: Vec<_> = idents.iter().map(phc::Ident::as_str).collect();
    if !matches!(names[..], ["m", "t", "p"] | ["m", "t", "p", "keyid"]) {
        return Err(malformed(
            "parameters other than memory, passes, lanes and the pepper's id",
        ));
    }
    let params = Params::try_from(phc).map_err(|_| malformed("parameters out of range"))?;
    if names.len() == 4 && params.keyid().is_empty() {
        return Err(malformed("the id of a pepper without a letter"));
    }
    Ok(params)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hash_of_bcrypt_takes_as_long_as_the_costliest() {
        let work = |done: Option<u32>| -> u64 {
            let missing = missing(done, COSTLIEST_BCRYPT).map(|cost| 1_u64 << cost);
            done.map_or(0, |cost| 1 << cost) + missing.sum::<u64>()
        };
        let all = 1 << COSTLIEST_BCRYPT;
        assert_eq!(work(None), all);
        assert!((4..=COSTLIEST_BCRYPT).all(|cost| work(Some(cost)) == all));
    }
}
