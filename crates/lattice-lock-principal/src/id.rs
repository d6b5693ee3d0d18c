use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::PRINCIPAL_ID_INVALID;

/// The longest id, in bytes.
const LONGEST: usize = 128;

/// Who is calling, as an opaque name: 1 to 128 bytes, no white space, no control characters.
///
/// The ledger keeps ids for years. Use a pseudonym (`user-17`), not an email address: the mapping to a person can
/// then be erased without touching an entry.
///
/// ```
/// use lattice_lock_principal::PrincipalId;
///
/// let id: PrincipalId = "user-17".parse()?;
/// assert_eq!(id.as_str(), "user-17");
/// assert!("user 17".parse::<PrincipalId>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrincipalId(Box<str>);

impl PrincipalId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PrincipalId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fault = if text.is_empty() {
            "empty"
        } else if text.len() > LONGEST {
            "too long"
        } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            "white space or control characters"
        } else {
            return Ok(Self(text.into()));
        };
        Err(Error::new(PRINCIPAL_ID_INVALID, "not a principal id").with("fault", fault))
    }
}

impl TryFrom<String> for PrincipalId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<PrincipalId> for String {
    fn from(id: PrincipalId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, accepted: bool) {
        assert_eq!(text.parse::<PrincipalId>().is_ok(), accepted, "{text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(
            serde_json::from_str::<PrincipalId>(&json).is_ok(),
            accepted,
            "{json}"
        );
    }

    #[test]
    fn ids_are_opaque_visible_and_bounded() {
        check("user-17", true);
        check("ünïcode", true);
        check(&"x".repeat(LONGEST), true);
        check("", false);
        check("a b", false);
        check("a\n", false);
        check("a\u{0}", false);
        check(&"x".repeat(LONGEST + 1), false);
    }
}
