use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A value that must not be seen: no `Display`, a redacted `Debug`, compared in constant time, and
/// overwritten when dropped. It can be deserialised and never serialised.
///
/// ```
/// use lattice_lock_errors::Secret;
///
/// let key = Secret::new("sk-live-4711".to_string());
/// assert_eq!(format!("{key:?}"), "Secret([redacted])");
/// assert_eq!(key.expose(), "sk-live-4711");
/// ```
///
/// It does not enter an error:
///
/// ```compile_fail
/// # use lattice_lock_errors::{Code, Error, Kind, Secret};
/// # const CODE: Code = Code::new("LL-SEC-999", Kind::Insecure, "meaning", "remedy");
/// let key = Secret::new("sk-live-4711".to_string());
/// let error = Error::new(CODE, "refused").with("key", key);
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes charge of `value`. Copies made before are the caller's to overwrite.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Takes the same time wherever the first difference is; only the lengths can be told apart.
impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        let (left, right): (&[u8], &[u8]) = (self.expose().as_ref(), other.expose().as_ref());
        left.ct_eq(right).into()
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The cause is dropped: "invalid type: integer `4711`" would show what was read.
        T::deserialize(deserializer)
            .map(Self::new)
            .map_err(|_| D::Error::custom("a secret of another type is expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_value() {
        let secret = Secret::new("hunter2".to_string());
        assert_eq!(
            format!("{secret:?} {secret:#?}"),
            "Secret([redacted]) Secret([redacted])"
        );
    }

    #[test]
    fn equal_values_are_equal_and_others_are_not() {
        let secret = |text: &str| Secret::new(text.to_string());
        assert_eq!(secret("a"), secret("a"));
        assert_ne!(secret("a"), secret("b"));
        assert_ne!(secret("a"), secret("aa"));
    }

    #[test]
    fn it_is_read_from_json() {
        let secret: Secret<String> = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let error = serde_json::from_str::<Secret<String>>("4711").unwrap_err();
        assert_eq!(error.to_string(), "a secret of another type is expected");
    }
}
