//! One thing that is wrong.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use lattice_lock_errors::Code;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::codes::{FILE_MALFORMED, FILE_UNREADABLE, KEY_UNKNOWN, VALUE_INVALID};
use crate::nearest::nearest_key;
use crate::parse::Fault;
use crate::security::SecretFault;
use crate::setting::Setting;
use crate::{Origin, shape};

/// One thing that is wrong: which setting, where it was given, the rule, and an example of a right value.
///
/// Found in [`ConfigurationError::problems`](crate::ConfigurationError::problems). It holds nothing of the value itself: a secret in the wrong place must not be repeated either. Printed as
/// one sentence: `database.pool_size (lattice.toml:3) must be a whole number from 1 to 1000, such as 5`.
///
/// ```
/// use lattice_lock_config::{AppConfig, ConfigurationError};
///
/// let error = AppConfig::builder().variables([("TOKEN_EXPIRY_MINUTES", "0")]).build().unwrap_err();
/// let problem = &error.find::<ConfigurationError>().expect("the list").problems()[0];
/// assert_eq!(problem.setting(), "TOKEN_EXPIRY_MINUTES");
/// assert_eq!(problem.key(), Some("auth.token_expiry_minutes"));
/// assert_eq!(problem.rule(), "must be a whole number of minutes from 1 to 525600");
/// assert_eq!(problem.example(), Some("30"));
/// ```
///
/// Serialised as an object with `code`, `setting`, `key`, `variables`, `path`, `line`, `column`, `rule`,
/// `example` and `suggestion`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    setting: String,
    key: Option<&'static str>,
    variables: &'static [&'static str],
    place: Option<Place>,
    rule: &'static str,
    example: Option<&'static str>,
    suggestion: Option<&'static str>,
    fault: Option<SecretFault>,
}

/// Where the mistake stands, if not in a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the file.
    File {
        path: Arc<Path>,
        /// From 1.
        line: usize,
        /// From 1, in characters, if the file is not TOML there.
        column: Option<usize>,
    },
    /// In the program.
    Override,
}

impl Problem {
    /// What kind of problem it is; the error has this code too if it is the only problem.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What to look for: a key's path for what a file or the program gives, a variable's name for what the
    /// environment gives or should give, the file's path if the file itself is at fault. An unknown name
    /// that could be a secret is left out.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// The path of the setting in a file, such as `database.pool_size`, if it is a known one.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        self.key
    }

    /// The variables that give the setting; the first one wins.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        self.variables
    }

    /// The file, if the mistake stands in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Some(Place::File { path, .. }) => Some(path),
            _ => None,
        }
    }

    /// The line of the file; the first is 1.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.place {
            Some(Place::File { line, .. }) => Some(line),
            _ => None,
        }
    }

    /// The column in the line, in characters from 1, if the file is not TOML there.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        match self.place {
            Some(Place::File { column, .. }) => column,
            _ => None,
        }
    }

    /// What is expected, as the rest of a sentence that begins with the setting.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// A right value, or for a secret the way to one.
    #[must_use]
    pub fn example(&self) -> Option<&'static str> {
        self.example
    }

    /// What was probably meant.
    #[must_use]
    pub fn suggestion(&self) -> Option<&'static str> {
        self.suggestion
    }

    /// Why a signing secret is refused, if that is the problem.
    pub(crate) fn fault(&self) -> Option<SecretFault> {
        self.fault
    }

    /// A value that breaks its setting's rule.
    pub(crate) fn value(setting: &'static Setting, origin: &Origin, fault: Fault) -> Self {
        Self {
            code: VALUE_INVALID,
            setting: given_as(setting, origin).to_owned(),
            key: Some(setting.key),
            variables: setting.variables,
            place: Place::of(origin),
            rule: fault.rule.unwrap_or(setting.rule),
            example: Some(setting.example),
            suggestion: fault.suggestion,
            fault: None,
        }
    }

    /// A signing secret that is not accepted, or not there.
    pub(crate) fn secret(setting: &'static Setting, origin: &Origin, fault: SecretFault) -> Self {
        Self {
            code: fault.code(),
            rule: fault.rule(),
            fault: Some(fault),
            ..Self::value(setting, origin, Fault::default())
        }
    }

    /// A key that nothing knows; it is compared with the known ones only if `compare`.
    pub(crate) fn unknown(key: &str, origin: &Origin, compare: bool) -> Self {
        Self {
            suggestion: if compare { nearest_key(key) } else { None },
            ..Self::named(
                KEY_UNKNOWN,
                shape::shown_key(key).to_owned(),
                "is not a known key",
            )
            .at(origin)
        }
    }

    /// A section's name with a value where its keys should be.
    pub(crate) fn section(key: &str, origin: &Origin) -> Self {
        let rule = "must be a section with keys of its own";
        Self::named(VALUE_INVALID, key.to_owned(), rule).at(origin)
    }

    /// A file that cannot be read at all.
    pub(crate) fn unreadable(path: &Path, rule: &'static str) -> Self {
        Self::named(FILE_UNREADABLE, path.display().to_string(), rule)
    }

    /// A place where the file is not TOML. What the parser says about it is left out: it quotes the line.
    pub(crate) fn malformed(path: &Arc<Path>, line: usize, column: usize) -> Self {
        let rule = "is not TOML here: a string needs both quotes, a key one = and a value, and each key and section stands once";
        Self {
            place: Some(Place::File {
                path: Arc::clone(path),
                line,
                column: Some(column),
            }),
            ..Self::named(FILE_MALFORMED, path.display().to_string(), rule)
        }
    }

    /// A problem with nothing but a name and a rule.
    fn named(code: Code, setting: String, rule: &'static str) -> Self {
        Self {
            code,
            setting,
            key: None,
            variables: &[],
            place: None,
            rule,
            example: None,
            suggestion: None,
            fault: None,
        }
    }

    /// Says where it was given.
    fn at(self, origin: &Origin) -> Self {
        Self {
            place: Place::of(origin),
            ..self
        }
    }
}

impl Place {
    fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::File(path, line) => Some(Self::File {
                path: Arc::clone(path),
                line: *line,
                column: None,
            }),
            Origin::Override => Some(Self::Override),
            Origin::Default | Origin::Generated | Origin::Variable(_) => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                line,
                column: Some(column),
                ..
            } => write!(f, ":{line}:{column}"),
            Self::File { path, line, .. } => write!(f, " ({}:{line})", path.display()),
            Self::Override => f.write_str(" (override)"),
        }
    }
}

/// The name under which whoever gave the setting, or should have given it, knows it.
pub(crate) fn given_as(setting: &'static Setting, origin: &Origin) -> &'static str {
    match origin {
        Origin::Variable(name) => name,
        Origin::File(..) | Origin::Override => setting.key,
        Origin::Default | Origin::Generated => setting.variables.first().unwrap_or(&setting.key),
    }
}

// No colon after the name: `api_key: …` looks like a credential and would be redacted.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.setting)?;
        if let Some(place) = &self.place {
            write!(f, "{place}")?;
        }
        write!(f, " {}", self.rule)?;
        if let Some(example) = self.example {
            write!(f, ", such as {example}")?;
        }
        match self.suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Problem", 10)?;
        fields.serialize_field("code", self.code.as_str())?;
        fields.serialize_field("setting", &self.setting)?;
        fields.serialize_field("key", &self.key)?;
        fields.serialize_field("variables", self.variables)?;
        // A path need not be Unicode, and a mistake must be told all the same.
        fields.serialize_field("path", &self.path().map(Path::to_string_lossy))?;
        fields.serialize_field("line", &self.line())?;
        fields.serialize_field("column", &self.column())?;
        fields.serialize_field("rule", self.rule)?;
        fields.serialize_field("example", &self.example)?;
        fields.serialize_field("suggestion", &self.suggestion)?;
        fields.end()
    }
}
