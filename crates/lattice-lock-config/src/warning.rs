//! What works and is probably not meant.

use std::fmt;

use serde::Serialize;

/// Something that works and is probably not meant. Returned by [`AppConfig::warnings`], never logged by this
/// crate; printed as one sentence without any value.
///
/// ```
/// use lattice_lock_config::{AppConfig, WarningKind};
///
/// let config = AppConfig::builder().variables([("LATTICE_DATABSE_URL", "sqlite:x.db")]).build()?;
/// let warning = &config.warnings()[0];
/// assert_eq!(warning.kind(), WarningKind::UnknownVariable);
/// assert_eq!(warning.suggestion(), Some("LATTICE_DATABASE_URL"));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
///
/// [`AppConfig::warnings`]: crate::AppConfig::warnings
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    kind: WarningKind,
    setting: String,
    text: &'static str,
    suggestion: Option<&'static str>,
}

impl Warning {
    /// A warning about what is known as `setting`.
    pub(crate) fn new(kind: WarningKind, setting: impl Into<String>) -> Self {
        Self {
            kind,
            setting: setting.into(),
            text: kind.text(),
            suggestion: None,
        }
    }

    /// Says what was probably meant.
    pub(crate) fn suggesting(self, suggestion: Option<&'static str>) -> Self {
        Self { suggestion, ..self }
    }

    /// What it is about, for a host that silences some or refuses to start with others.
    #[must_use]
    pub fn kind(&self) -> WarningKind {
        self.kind
    }

    /// The variable or key.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// The known name that was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        self.suggestion
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.text)?;
        match self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

/// What a [`Warning`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// A variable begins with `LATTICE_` and is none that this version knows: misspelled, or of another
    /// version.
    UnknownVariable,
    /// A variable that begins with `LATTICE_` is there and empty, so it counts as not set: perhaps a template
    /// that was filled with nothing.
    EmptyVariable,
    /// A value in the file breaks its rule, and another layer hides it. It becomes an error when the other
    /// one goes.
    HiddenMistake,
    /// No signing secret is given: a random one was made, and tokens end with the process.
    RandomSecret,
    /// A signing secret would be refused in production; [`SigningSecret::weakness`] tells why.
    ///
    /// [`SigningSecret::weakness`]: crate::SigningSecret::weakness
    WeakSecret,
    /// The signing secret and the previous one are the same, so nothing is rotated.
    SameSecretTwice,
    /// Production keeps everything in memory.
    InMemory,
    /// Production logs database statements.
    Echo,
    /// Production reaches another machine over plain HTTP, where prompts and keys can be read on the way.
    PlainHttp,
    /// `sqlite:///x` is read as the relative path `x`.
    AmbiguousPath,
    /// A credential is the placeholder of an example, and counts as not set.
    PlaceholderCredential,
    /// A provider has one of key and endpoint without the other, so it cannot be used.
    IncompleteProvider,
}

impl WarningKind {
    /// The sentence, without the name that it begins with.
    const fn text(self) -> &'static str {
        match self {
            Self::UnknownVariable => "is no variable of ours and has no effect",
            Self::EmptyVariable => "is empty and counts as not set",
            Self::HiddenMistake => {
                "is wrong, and only unnoticed because another source gives the value"
            }
            Self::RandomSecret => {
                "is not set, so a random secret was made; tokens end with this process"
            }
            Self::WeakSecret => "is weak and would be refused in production",
            Self::SameSecretTwice => "is the same as the current secret, so nothing is rotated",
            Self::InMemory => {
                "keeps everything in memory, in production; it is lost when the process ends"
            }
            Self::Echo => "logs every database statement, in production",
            Self::PlainHttp => {
                "sends prompts and credentials over plain http:// to another machine, in production"
            }
            Self::AmbiguousPath => {
                "has three slashes and is read as a relative path; write sqlite:path for that, or four slashes for an absolute one"
            }
            Self::PlaceholderCredential => "is a placeholder and counts as not set",
            Self::IncompleteProvider => {
                "is not enough alone, because this provider needs both a key and an endpoint"
            }
        }
    }
}
