use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::Permissions;
use serde::{Deserialize, Serialize};

use crate::codes::ROLE_UNKNOWN;

const VIEWER: [&str; 3] = ["read:health", "read:projects", "read:errors"];
const OPERATOR: [&str; 2] = ["write:projects", "write:rollback"];
const ADMIN: [&str; 3] = ["write:config", "manage:users", "manage:api_keys"];

/// What a user is there for; each role may whatever the lesser ones may.
///
/// ```
/// use lattice_lock_auth::Role;
///
/// let role: Role = "operator".parse()?;
/// assert!(role.permissions().contains(&"write:rollback".parse()?));
/// assert!(!role.permissions().contains(&"manage:users".parse()?));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Looks: `read:health`, `read:projects`, `read:errors`.
    Viewer,
    /// Works: also `write:projects` and `write:rollback`.
    Operator,
    /// Decides: also `write:config`, `manage:users` and `manage:api_keys`.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The name, such as `operator`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        let (operator, admin): (&[&str], &[&str]) = match self {
            Self::Viewer => (&[], &[]),
            Self::Operator => (&OPERATOR, &[]),
            Self::Admin => (&OPERATOR, &ADMIN),
        };
        // A name that did not parse would grant nothing; the test counts them.
        [&VIEWER, operator, admin]
            .concat()
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect()
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| Error::new(ROLE_UNKNOWN, "unknown role").with("role", name))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_more_than_the_one_before() {
        let counts = Role::ALL.map(|role| role.permissions().len());
        assert_eq!(counts, [3, 5, 8]);
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].permissions().is_subset(&pair[1].permissions()));
        }
    }

    #[test]
    fn a_role_is_read_by_its_exact_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
        }
        for name in ["", "Admin", "admin ", "root"] {
            assert_eq!(name.parse::<Role>().unwrap_err().code(), ROLE_UNKNOWN);
        }
    }
}
