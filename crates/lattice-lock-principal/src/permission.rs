use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::PERMISSION_INVALID;

/// The longest permission, in bytes.
const LONGEST: usize = 64;

/// One thing that a principal may do, written `action:resource` in lower case.
///
/// ```
/// use lattice_lock_principal::Permission;
///
/// let permission: Permission = "read:health".parse()?;
/// assert_eq!(permission.as_str(), "read:health");
/// assert!("everything".parse::<Permission>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Permission(Box<str>);

/// The permissions of one principal.
pub type Permissions = BTreeSet<Permission>;

impl Permission {
    /// The permission as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        match text.split_once(':') {
            Some((action, resource)) if text.len() <= LONGEST && word(action) && word(resource) => {
                Ok(Self(text.into()))
            }
            _ => Err(Error::new(PERMISSION_INVALID, "not a permission").with("permission", text)),
        }
    }
}

impl TryFrom<String> for Permission {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0.into()
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, accepted: bool) {
        assert_eq!(text.parse::<Permission>().is_ok(), accepted, "{text:?}");
    }

    #[test]
    fn a_permission_is_an_action_and_a_resource() {
        check("manage:api_keys", true);
        check("read:", false);
        check(":health", false);
        check("read:health:all", false);
        check("Read:health", false);
        check("", false);
        check(&format!("read:{}", "x".repeat(LONGEST)), false);
    }
}
