use std::fmt;
use std::future::Future;
use std::pin::Pin;

use lattice_lock_errors::{Result, Secret, is_placeholder};
use lattice_lock_principal::Principal;
use serde::Serialize;

use crate::ProviderId;
use crate::known::NamedKey;

/// Something that a provider needs, and the variables that it may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    names: &'static [&'static str],
    shape: Shape,
    optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Key,
    Address,
    Name,
}

/// What is there of something that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialState {
    /// It is there and could be right. Whether it is, only a probe can tell.
    Present,
    /// It is not there, and need not be.
    Absent,
    /// It is not there.
    Missing,
    /// It is there and cannot be right.
    Malformed,
    /// What stands there was copied from an example.
    Placeholder,
}

impl CredentialState {
    /// Whether a call may be tried with it.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        match self {
            Self::Present | Self::Absent => true,
            Self::Missing | Self::Malformed | Self::Placeholder => false,
        }
    }
}

impl fmt::Display for CredentialState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present => "present",
            Self::Absent => "absent, and not needed",
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Placeholder => "a placeholder",
        })
    }
}

impl Requirement {
    pub(crate) const fn key(names: &'static [&'static str]) -> Self {
        Self {
            names,
            shape: Shape::Key,
            optional: false,
        }
    }

    pub(crate) const fn address(names: &'static [&'static str]) -> Self {
        Self {
            names,
            shape: Shape::Address,
            optional: false,
        }
    }

    pub(crate) const fn optional_address(names: &'static [&'static str]) -> Self {
        Self {
            names,
            shape: Shape::Address,
            optional: true,
        }
    }

    pub(crate) const fn name(names: &'static [&'static str]) -> Self {
        Self {
            names,
            shape: Shape::Name,
            optional: false,
        }
    }

    /// The variables that it may stand in; the first that is set counts.
    #[must_use]
    pub const fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// Whether it is a key, which nobody may see.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.shape == Shape::Key
    }

    pub(crate) fn value(&self, value: &impl Fn(&str) -> Option<String>) -> Option<String> {
        let set = |name: &&str| value(name).filter(|text| !text.trim().is_empty());
        self.names
            .iter()
            .find_map(set)
            .map(|text| text.trim().to_owned())
    }

    pub(crate) fn state(&self, value: &impl Fn(&str) -> Option<String>) -> CredentialState {
        match self.value(value).map(Secret::new) {
            Some(text) => judge(self, text.expose()),
            None if self.optional => CredentialState::Absent,
            None => CredentialState::Missing,
        }
    }

    /// The key and those after it, with the variables that they stand in.
    pub(crate) fn keys(&self, value: &impl Fn(&str) -> Option<String>) -> Vec<NamedKey> {
        let numbered = |name: &str| {
            let more = (2..=9)
                .map(|number| format!("{name}_{number}"))
                .collect::<Vec<_>>();
            std::iter::once(name.to_owned()).chain(more)
        };
        let names = self.names.iter().flat_map(|name| numbered(name));
        let set = |name: String| {
            let key = value(&name).map(|text| text.trim().to_owned())?;
            (!key.is_empty()).then(|| (name, Secret::new(key)))
        };
        names.filter_map(set).collect()
    }
}

/// What can be said of a value without asking the provider.
pub(crate) fn judge(required: &Requirement, text: &str) -> CredentialState {
    const LONGEST: usize = 4_096;
    let visible = text.len() <= LONGEST && text.bytes().all(|byte| byte.is_ascii_graphic());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let quoted = text.starts_with(['"', '\'']);
    let fits = match required.shape {
        Shape::Key => text.len() >= 8,
        Shape::Address if required.optional => !text.contains(['@', '?', '#']),
        Shape::Address => text.starts_with("https://") || text.starts_with("http://"),
        Shape::Name => text.bytes().all(plain) || text.starts_with("https://"),
    };
    if is_placeholder(text) {
        CredentialState::Placeholder
    } else if visible && fits && !quoted {
        CredentialState::Present
    } else {
        CredentialState::Malformed
    }
}

/// A future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whose key a call is made with, where callers bring their own.
///
/// It is asked for each call, so that it should remember what it fetched. `None` means that the caller has no key of
/// its own and the application's is used; an error means that the call is not made.
///
/// ```
/// use lattice_lock_errors::{Result, Secret};
/// use lattice_lock_principal::Principal;
/// use lattice_lock_providers::{BoxFuture, CredentialResolver, ProviderId};
///
/// struct Own;
///
/// impl CredentialResolver for Own {
///     fn resolve<'a>(&'a self, who: &'a Principal, at: &'a ProviderId) -> BoxFuture<'a, Result<Option<Secret<String>>>> {
///         Box::pin(async move {
///             let is_own = at.as_str() == "openai" && who.id().as_str() == "user-17";
///             Ok(is_own.then(|| Secret::new("sk-of-user-17".to_string())))
///         })
///     }
/// }
/// ```
pub trait CredentialResolver: Send + Sync {
    /// The key with which this principal calls this provider.
    ///
    /// # Errors
    ///
    /// Whatever keeps the resolver from knowing.
    fn resolve<'a>(
        &'a self,
        principal: &'a Principal,
        provider: &'a ProviderId,
    ) -> BoxFuture<'a, Result<Option<Secret<String>>>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, state: CredentialState) {
        assert_eq!(judge(&Requirement::key(&["K"]), text), state, "{text}");
    }

    #[test]
    fn a_key_is_judged_by_its_shape() {
        check("sk-live-4711", CredentialState::Present);
        check("short", CredentialState::Malformed);
        check("two words here", CredentialState::Malformed);
        check("\"sk-live-4711\"", CredentialState::Malformed);
        check("sk-lïve-4711", CredentialState::Malformed);
        check(&"k".repeat(5_000), CredentialState::Malformed);
        check("your-api-key", CredentialState::Placeholder);
        check("sk-...", CredentialState::Placeholder);
        check("<key>", CredentialState::Placeholder);
        check("${OPENAI_API_KEY}", CredentialState::Placeholder);
    }
}
