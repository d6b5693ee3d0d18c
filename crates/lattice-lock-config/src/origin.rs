//! Where values come from.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// Where a value comes from, from the layer that yields to all others to the one that yields to none.
///
/// Printed and serialised as `default`, `generated`, `file lattice.toml:3`, `variable DATABASE_URL` or
/// `override`.
///
/// ```
/// use lattice_lock_config::{AppConfig, Origin};
///
/// let config = AppConfig::builder().set("database.echo", true).build()?;
/// let origin = |key| config.effective_config().find(key).map(|setting| setting.origin().clone());
/// assert_eq!(origin("database.echo"), Some(Origin::Override));
/// assert_eq!(origin("database.pool_size"), Some(Origin::Default));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody gave it.
    Default,
    /// Nobody gave it, and it was made at random.
    Generated,
    /// The configuration file, at this line (the first is 1).
    File(Arc<Path>, usize),
    /// The environment variable of this name.
    Variable(&'static str),
    /// The program, through [`AppConfigBuilder::set`](crate::AppConfigBuilder::set).
    Override,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Generated => f.write_str("generated"),
            Self::File(path, line) => write!(f, "file {}:{line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Override => f.write_str("override"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
