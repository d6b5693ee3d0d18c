use std::sync::Arc;

use lattice_lock_errors::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::codes::PERMISSION_MISSING;
use crate::{Attribution, Permission, Permissions, PrincipalId};

/// What sort of caller a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A person who signed in through our own auth.
    User,
    /// A program with an API key of ours.
    ApiKey,
    /// A part of the application itself, such as a nightly job.
    Service,
    /// Someone whom the host knows by its own means.
    External,
}

impl PrincipalKind {
    /// The name kept in the ledger, such as `api_key`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Service => "service",
            Self::External => "external",
        }
    }
}

/// Whoever a model call is for: an id, whom its cost is attributed to, and what it may do.
///
/// Plain data: a host with its own authentication builds one, and nothing here asks how the caller was
/// authenticated. Cloning copies two pointers and, if any, the permissions' one.
///
/// A label that breaks the rules does not interrupt the chain of setters; it is reported by
/// [`attribution`](Self::attribution), which is the only way to read the labels, before any call is made.
///
/// ```
/// use lattice_lock_principal::Principal;
///
/// let who = Principal::external("user-17")?.team("search").tag("cost_center", "4711");
/// assert_eq!(who.attribution()?.team(), Some("search"));
/// assert!(who.team("line\nbreak").attribution().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Principal {
    id: PrincipalId,
    kind: PrincipalKind,
    attribution: Result<Arc<Attribution>>,
    permissions: Arc<Permissions>,
}

impl Principal {
    /// A principal of this kind, attributed to nothing and permitted nothing.
    #[must_use]
    pub fn new(kind: PrincipalKind, id: PrincipalId) -> Self {
        Self {
            id,
            kind,
            attribution: Ok(Arc::default()),
            permissions: Arc::default(),
        }
    }

    /// Someone whom the host knows by its own means.
    ///
    /// # Errors
    ///
    /// [`PRINCIPAL_ID_INVALID`](crate::codes::PRINCIPAL_ID_INVALID).
    pub fn external(id: &str) -> Result<Self> {
        id.parse().map(|id| Self::new(PrincipalKind::External, id))
    }

    /// A part of the application itself.
    ///
    /// # Errors
    ///
    /// [`PRINCIPAL_ID_INVALID`](crate::codes::PRINCIPAL_ID_INVALID).
    pub fn service(id: &str) -> Result<Self> {
        id.parse().map(|id| Self::new(PrincipalKind::Service, id))
    }

    /// Attributes its cost to a team: 1 to 128 characters, no control characters.
    #[must_use]
    pub fn team(self, team: &str) -> Self {
        self.label(|labels| labels.set_team(team))
    }

    /// Attributes its cost to a project: 1 to 128 characters, no control characters.
    #[must_use]
    pub fn project(self, project: &str) -> Self {
        self.label(|labels| labels.set_project(project))
    }

    /// Adds a tag that entries keep; of the same name the last one counts. At most 32.
    #[must_use]
    pub fn tag(self, name: &str, value: &str) -> Self {
        self.label(|labels| labels.set_tag(name, value))
    }

    /// Sets what it may do, in place of what it might before.
    #[must_use]
    pub fn permissions(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.permissions = Arc::new(permissions.into_iter().collect());
        self
    }

    fn label(mut self, set: impl FnOnce(&mut Attribution) -> Result<()>) -> Self {
        self.attribution = self
            .attribution
            .and_then(|mut labels| set(Arc::make_mut(&mut labels)).map(|()| labels));
        self
    }

    /// Who is calling.
    #[must_use]
    pub fn id(&self) -> &PrincipalId {
        &self.id
    }

    /// What sort of caller it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Whom its cost is attributed to.
    ///
    /// # Errors
    ///
    /// The first label that broke the rules: [`LABEL_INVALID`](crate::codes::LABEL_INVALID) or
    /// [`TOO_MANY_TAGS`](crate::codes::TOO_MANY_TAGS).
    pub fn attribution(&self) -> Result<&Arc<Attribution>> {
        self.attribution.as_ref().map_err(Clone::clone)
    }

    /// Whether it holds this permission.
    #[must_use]
    pub fn may(&self, permission: &Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Refuses whoever does not hold this permission.
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`].
    pub fn require(&self, permission: &Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        Err(Error::new(PERMISSION_MISSING, "permission missing").with("permission", permission))
    }

    /// Refuses whoever neither is `owner` nor holds this permission: for what belongs to somebody.
    ///
    /// An API key is its owner here; what it may do beyond that is for the caller to ask.
    ///
    /// ```
    /// use lattice_lock_principal::Principal;
    ///
    /// let (ann, bob) = (Principal::external("ann")?, Principal::external("bob")?);
    /// let manage = "manage:users".parse()?;
    /// assert!(ann.require_own_or(ann.id(), &manage).is_ok());
    /// assert!(bob.require_own_or(ann.id(), &manage).is_err());
    /// assert!(bob.permissions([manage.clone()]).require_own_or(ann.id(), &manage).is_ok());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PERMISSION_MISSING`].
    pub fn require_own_or(&self, owner: &PrincipalId, permission: &Permission) -> Result<()> {
        if self.id == *owner {
            return Ok(());
        }
        self.require(permission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::{LABEL_INVALID, TOO_MANY_TAGS};
    use proptest::prelude::*;

    fn someone() -> Principal {
        Principal::external("user-17").unwrap()
    }

    #[test]
    fn the_first_bad_label_is_kept_and_later_good_ones_do_not_hide_it() {
        let who = someone().team("").team("search");
        assert_eq!(who.attribution().unwrap_err().code(), LABEL_INVALID);
    }

    #[test]
    fn a_tag_set_twice_has_its_last_value() {
        let who = someone().tag("a", "1").tag("a", "2");
        assert_eq!(who.attribution().unwrap().tags()["a"], "2");
    }

    #[test]
    fn the_thirty_third_tag_is_refused_and_a_known_one_is_not() {
        let full = (0..32).fold(someone(), |who, n| who.tag(&format!("t{n}"), "x"));
        assert!(full.clone().tag("t0", "y").attribution().is_ok());
        assert_eq!(
            full.tag("t32", "x").attribution().unwrap_err().code(),
            TOO_MANY_TAGS
        );
    }

    #[test]
    fn nobody_may_anything_by_default() {
        let read: Permission = "read:health".parse().unwrap();
        assert_eq!(
            someone().require(&read).unwrap_err().code(),
            PERMISSION_MISSING
        );
        assert!(someone().permissions([read.clone()]).require(&read).is_ok());
    }

    #[test]
    fn attribution_survives_json_and_checks_what_it_reads() {
        let who = someone().team("search").project("p").tag("a", "1");
        let labels = who.attribution().unwrap();
        let json = serde_json::to_string(&**labels).unwrap();
        assert_eq!(
            serde_json::from_str::<Attribution>(&json).unwrap(),
            **labels
        );
        assert!(serde_json::from_str::<Attribution>(r#"{"team": "a\nb"}"#).is_err());
        assert!(serde_json::from_str::<Attribution>(r#"{"tags": {"UPPER": "x"}}"#).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_has_no_control_characters(team in ".{0,140}", name in ".{0,10}", value in ".{0,140}") {
            if let Ok(labels) = someone().team(&team).tag(&name, &value).attribution() {
                prop_assert_eq!(labels.team(), Some(team.as_str()));
                prop_assert!(!team.chars().chain(value.chars()).any(char::is_control));
            }
        }
    }
}
