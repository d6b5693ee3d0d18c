//! What a host may set its own subscriber up with.

use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};

use crate::nearest::nearest;
use crate::parse::{Fault, LONGEST, Parsed};
use crate::setting::{LOG_FILTER, LOG_FORMAT};

/// The levels, from nothing to everything.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Which events are logged: a level, or a list of levels with targets, such as `info,sqlx=warn`.
///
/// The default is `info`. The text is one that `tracing_subscriber`'s `EnvFilter` takes as it is.
///
/// ```
/// use lattice_lock_config::LogFilter;
///
/// assert_eq!("info,sqlx=warn".parse::<LogFilter>()?.as_str(), "info,sqlx=warn");
/// assert!("loud".parse::<LogFilter>().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LogFilter(Box<str>);

impl LogFilter {
    /// The filter's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A list of directives, separated by commas.
    pub(crate) fn named(text: &str) -> Parsed<Self> {
        let fits = text.len() <= LONGEST && text.split(',').all(is_directive);
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(Fault::meant(nearest(text, LEVELS)))
        }
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".into())
    }
}

/// A level, or a level for a target.
fn is_directive(text: &str) -> bool {
    let (target, level) = match text.trim().split_once('=') {
        Some((target, level)) => (Some(target), level),
        None => (None, text.trim()),
    };
    LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) && target.is_none_or(is_target)
}

/// A module's path, or a name in its manner.
fn is_target(target: &str) -> bool {
    !target.is_empty()
        && target
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.'))
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogFilter {
    type Err = Error;

    /// # Errors
    ///
    /// `LL-CFG-005` when it is neither a level nor a list of levels with targets.
    fn from_str(text: &str) -> Result<Self> {
        Self::named(text.trim()).map_err(|fault| fault.into_error(&LOG_FILTER))
    }
}

/// How a logged event is written.
///
/// ```
/// use lattice_lock_config::LogFormat;
///
/// assert_eq!("json".parse::<LogFormat>()?, LogFormat::Json);
/// assert_eq!(LogFormat::default().as_str(), "human");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// Lines for people; the default.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The name, such as `json`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
        }
    }

    pub(crate) fn named(text: &str) -> Parsed<Self> {
        let all = [Self::Human, Self::Json];
        all.into_iter()
            .find(|known| known.as_str() == text)
            .ok_or_else(|| Fault::meant(nearest(text, all.map(Self::as_str))))
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LogFormat {
    type Err = Error;

    /// # Errors
    ///
    /// `LL-CFG-005` when it is neither `human` nor `json`.
    fn from_str(text: &str) -> Result<Self> {
        Self::named(text.trim()).map_err(|fault| fault.into_error(&LOG_FORMAT))
    }
}
