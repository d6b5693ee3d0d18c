use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use lattice_lock_principal::{Permission, Permissions, Principal};
use serde::{Deserialize, Serialize};

use crate::codes::{GRANT_EXCEEDED, ROLE_UNKNOWN};

const VIEWER: [&str; 3] = ["read:health", "read:projects", "read:errors"];
const OPERATOR: [&str; 4] = [
    "write:projects",
    "write:rollback",
    "read:ledger",
    "read:budgets",
];
const ADMIN: [&str; 6] = [
    "write:config",
    "manage:users",
    "manage:api_keys",
    "read:audit",
    "write:ledger",
    "write:budgets",
];

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
    /// Works: also `write:projects`, `write:rollback`, `read:ledger` and `read:budgets`.
    Operator,
    /// Decides: also `write:config`, `manage:users`, `manage:api_keys`, `read:audit`, `write:ledger` and
    /// `write:budgets`.
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

/// The name of a role, one of ours or one that the host defined: 1 to 32 of `a` to `z`, digits, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(Box<str>);

impl RoleName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = Error;

    /// # Errors
    ///
    /// [`ROLE_UNKNOWN`].
    fn from_str(name: &str) -> Result<Self> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=32).contains(&name.len()) && name.bytes().all(plain) {
            return Ok(Self(name.into()));
        }
        Err(Error::new(ROLE_UNKNOWN, "not the name of a role"))
    }
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        Self(role.as_str().into())
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All roles that are known, and what each may do.
#[derive(Clone, Debug)]
pub(crate) struct Roles(BTreeMap<RoleName, Arc<Permissions>>);

impl Default for Roles {
    fn default() -> Self {
        let ours = Role::ALL.map(|role| (role.into(), Arc::new(role.permissions())));
        Self(ours.into())
    }
}

impl Roles {
    pub(crate) fn define(&mut self, name: RoleName, permissions: Permissions) {
        self.0.insert(name, Arc::new(permissions));
    }

    /// What a role may do: nothing, if it is no longer known.
    pub(crate) fn permissions(&self, role: &RoleName) -> Arc<Permissions> {
        self.0.get(role).cloned().unwrap_or_default()
    }

    /// # Errors
    ///
    /// [`ROLE_UNKNOWN`].
    pub(crate) fn require_known(&self, role: &RoleName) -> Result<()> {
        if self.0.contains_key(role) {
            return Ok(());
        }
        Err(Error::new(ROLE_UNKNOWN, "unknown role").with("role", role))
    }
}

/// Refuses whoever lacks one of these: nobody gives, takes or acts for what they do not hold themselves.
///
/// # Errors
///
/// [`GRANT_EXCEEDED`] with the first permission that is missing.
pub(crate) fn require_all<'p>(
    who: &Principal,
    permissions: impl IntoIterator<Item = &'p Permission>,
) -> Result<()> {
    match permissions.into_iter().find(|one| !who.may(one)) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::new(GRANT_EXCEEDED, "more than the caller holds")
                .with("permission", missing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_more_than_the_one_before() {
        let counts = Role::ALL.map(|role| role.permissions().len());
        assert_eq!(counts, [3, 7, 13]);
        for pair in Role::ALL.windows(2) {
            assert!(pair[0].permissions().is_subset(&pair[1].permissions()));
        }
    }

    #[test]
    fn a_role_is_read_by_its_exact_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            assert_eq!(role.as_str().parse::<RoleName>().unwrap(), role.into());
        }
        for name in ["", "Admin", "admin ", "root"] {
            assert_eq!(name.parse::<Role>().unwrap_err().code(), ROLE_UNKNOWN);
        }
        for name in ["", "Admin", "a b", &"x".repeat(33)] {
            assert_eq!(name.parse::<RoleName>().unwrap_err().code(), ROLE_UNKNOWN);
        }
    }

    #[test]
    fn a_role_that_is_not_known_may_nothing() {
        let gone: RoleName = "auditor".parse().unwrap();
        let mut roles = Roles::default();
        assert!(roles.permissions(&gone).is_empty());
        assert!(roles.require_known(&gone).is_err());
        roles.define(gone.clone(), ["read:audit".parse().unwrap()].into());
        assert_eq!(roles.permissions(&gone).len(), 1);
        assert!(roles.require_known(&gone).is_ok());
    }
}
