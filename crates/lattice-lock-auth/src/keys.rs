use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_principal::Permissions;
use lattice_lock_repository::EntityId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::codes::KEY_MALFORMED;
use crate::random::random;

/// What every key begins with, so that a leaked one is recognised wherever it turns up.
pub(crate) const PREFIX: &str = "llk_";

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// 59 bits: a million keys have no two of the same id but once in a million times, and the store takes none twice.
const ID: usize = 10;
/// 208 bits, so that one round of SHA-256 is all the hash that is needed.
const SECRET: usize = 35;
/// 32 bits of SHA-256.
const CHECKSUM: usize = 6;
const LENGTH: usize = PREFIX.len() + ID + SECRET + CHECKSUM;

/// What an API key is called: the ten characters after its prefix. It opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; ID]);

impl KeyId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for KeyId {
    type Err = Error;

    /// # Errors
    ///
    /// [`KEY_MALFORMED`].
    fn from_str(text: &str) -> Result<Self> {
        let bytes: [u8; ID] = text.as_bytes().try_into().map_err(|_| malformed())?;
        if bytes.iter().all(u8::is_ascii_alphanumeric) {
            return Ok(Self(bytes));
        }
        Err(malformed())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An API key as it is kept: everything but the key. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub(crate) id: KeyId,
    pub(crate) hash: [u8; 32],
    pub(crate) owner: EntityId,
    pub(crate) name: String,
    pub(crate) scopes: Permissions,
    pub(crate) created_at: u64,
    pub(crate) expires_at: Option<u64>,
    pub(crate) last_used_at: Option<u64>,
}

impl ApiKey {
    /// What it is called.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whose it is: it never may more than they.
    #[must_use]
    pub fn owner(&self) -> EntityId {
        self.owner
    }

    /// What its owner calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it may do, as long as its owner may.
    #[must_use]
    pub fn scopes(&self) -> &Permissions {
        &self.scopes
    }

    /// When it was made, in seconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> u64 {
        self.created_at
    }

    /// When it ends or has ended, in seconds since 1970; also when it was revoked or replaced.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// When it was last used, in seconds since 1970. Written when [`sweep`](crate::Auth::sweep) runs.
    #[must_use]
    pub fn last_used_at(&self) -> Option<u64> {
        self.last_used_at
    }

    pub(crate) fn is_over(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether this is its hash, in constant time.
    pub(crate) fn matches(&self, hash: &[u8; 32]) -> bool {
        self.hash.ct_eq(hash).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id.as_str())
            .field("owner", &self.owner)
            .field("name", &self.name)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A key that somebody presents: its parts have the right form, and nothing more is known.
pub(crate) struct Presented {
    pub(crate) id: KeyId,
    pub(crate) hash: [u8; 32],
}

impl Presented {
    /// # Errors
    ///
    /// [`KEY_MALFORMED`]: a typo is found without looking anything up.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let bytes: &[u8; LENGTH] = text.as_bytes().try_into().map_err(|_| malformed())?;
        let plain = bytes[PREFIX.len()..].iter().all(u8::is_ascii_alphanumeric);
        let (body, check) = bytes.split_at(LENGTH - CHECKSUM);
        if !plain || !text.starts_with(PREFIX) || checksum(body) != *check {
            return Err(malformed());
        }
        let id = &text[PREFIX.len()..PREFIX.len() + ID];
        Ok(Self {
            id: id.parse()?,
            hash: Sha256::digest(bytes).into(),
        })
    }
}

/// A new key, with its id and hash.
///
/// # Errors
///
/// [`RANDOM_UNAVAILABLE`](crate::codes::RANDOM_UNAVAILABLE).
pub(crate) fn generate() -> Result<(Secret<String>, Presented)> {
    let mut text = String::with_capacity(LENGTH);
    text.push_str(PREFIX);
    while text.len() < LENGTH - CHECKSUM {
        // Beyond the last multiple of 62 some letters would come more often than others.
        let fair = random::<64>()?.into_iter().filter(|byte| *byte < 248);
        let letters = fair.map(|byte| char::from(ALPHABET[usize::from(byte) % 62]));
        text.extend(letters.take(LENGTH - CHECKSUM - text.len()));
    }
    let check = checksum(text.as_bytes());
    text.extend(check.map(char::from));
    let presented = Presented::read(&text)?;
    Ok((Secret::new(text), presented))
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let hash = Sha256::digest(body);
    let mut rest = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let mut letters = [0; CHECKSUM];
    for letter in letters.iter_mut().rev() {
        *letter = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    letters
}

fn malformed() -> Error {
    Error::new(KEY_MALFORMED, "not an API key")
}

/// For fuzzing: whether a text has the form of a key.
#[doc(hidden)]
#[must_use]
pub fn has_form_of_key(text: &str) -> bool {
    Presented::read(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> (Secret<String>, Presented) {
        generate().unwrap()
    }

    #[test]
    fn a_key_is_prefix_id_secret_and_checksum() {
        let (text, made) = key();
        assert_eq!(
            text.expose().len(),
            55,
            "it fits into one block of the hash"
        );
        assert!(text.expose().starts_with("llk_"));
        let read = Presented::read(text.expose()).unwrap();
        assert_eq!((read.id, read.hash), (made.id, made.hash));
        assert_ne!(key().0, text);
    }

    #[test]
    fn every_typo_of_one_letter_is_found() {
        let (text, _) = key();
        for at in 0..LENGTH {
            for letter in ALPHABET.iter().chain(b" _-\0") {
                let mut typo = text.expose().clone().into_bytes();
                if typo[at] != *letter {
                    typo[at] = *letter;
                    let typo = String::from_utf8(typo).unwrap();
                    assert!(Presented::read(&typo).is_err(), "at {at}");
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_a_key() {
        let (text, _) = key();
        let text = text.expose();
        for other in [
            String::new(),
            "llk_".into(),
            text[..54].into(),
            format!("{text}0"),
            format!(" {text}"),
            text.to_uppercase(),
            text.replace("llk_", "sk-_"),
            format!("{}é", &text[..53]),
        ] {
            assert!(Presented::read(&other).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = Presented::read(&text);
            let _ = Presented::read(&format!("llk_{text}"));
        }

        #[test]
        fn swapped_letters_are_found(one in 4_usize..55, two in 4_usize..55) {
            let (text, _) = key();
            let mut bytes = text.expose().clone().into_bytes();
            bytes.swap(one, two);
            let swapped = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(Presented::read(&swapped).is_ok(), swapped == *text.expose());
        }
    }
}
