//! Addresses of databases.

mod server;
mod sqlite;

use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result, Secret};

use crate::nearest::nearest;
use crate::parse::{Fault, LONGEST, Parsed};
use crate::setting::DATABASE_URL;

/// Which kind of database a [`DatabaseUrl`] names. Whether a build can open it is for the repository to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// SQLite: a file, or memory.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl Engine {
    /// The name, such as `postgres`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address of a database, normalised; its credentials are shown neither by `Debug` nor by `Display`.
///
/// | written | taken as |
/// |---|---|
/// | `sqlite::memory:`, `sqlite:///:memory:`, `sqlite://` | in memory; the default |
/// | `sqlite:x.db`, `sqlite://x.db`, `sqlite:///x.db` | a file beside the working directory |
/// | `sqlite:/x.db`, `sqlite:////x.db` | a file at an absolute path |
/// | `postgres://`, `postgresql://` | PostgreSQL |
/// | `mysql://`, `mariadb://` | MySQL or MariaDB |
///
/// A driver in `SQLAlchemy`'s manner (`postgresql+asyncpg://`) is passed over, and its `ssl=require` becomes
/// `sslmode=require`. Three slashes are read as `SQLAlchemy` reads them. A parameter that the engine's client
/// does not know is refused, because clients log or drop such a parameter, and both can do harm.
///
/// ```
/// use lattice_lock_config::{DatabaseUrl, Engine};
///
/// let url: DatabaseUrl = "postgresql+asyncpg://app:hunter2@db.example.com/app".parse()?;
/// assert_eq!(url.engine(), Engine::Postgres);
/// assert_eq!(url.to_string(), "postgres://***@db.example.com/app");
/// assert_eq!(url.expose(), "postgres://app:hunter2@db.example.com/app");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    engine: Engine,
    url: Secret<String>,
    redacted: String,
    place: Place,
}

/// Where the data are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In this process.
    Memory,
    /// A file; `ambiguous` if other programs would take its path for an absolute one.
    File { path: String, ambiguous: bool },
    /// At the other end of a connection.
    Server,
}

impl DatabaseUrl {
    /// Which kind of database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether everything is gone when the process ends.
    ///
    /// ```
    /// # use lattice_lock_config::DatabaseUrl;
    /// assert!(DatabaseUrl::default().is_in_memory());
    /// assert!("sqlite:cache?mode=memory".parse::<DatabaseUrl>()?.is_in_memory());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.place == Place::Memory
    }

    /// The path of a SQLite file, decoded.
    ///
    /// ```
    /// # use lattice_lock_config::DatabaseUrl;
    /// let url: DatabaseUrl = "sqlite:////var/lib/my%20app.db".parse()?;
    /// assert_eq!(url.path(), Some("/var/lib/my app.db"));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.place {
            Place::File { path, .. } => Some(path),
            Place::Memory | Place::Server => None,
        }
    }

    /// The normalised address with its credentials, for whoever connects: `sqlite:` with the path, or
    /// `postgres://` or `mysql://`.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.url.expose()
    }

    /// The address without user name, password and parameters: what `Display` and `Debug` show.
    ///
    /// ```
    /// # use lattice_lock_config::DatabaseUrl;
    /// let url: DatabaseUrl = "mysql://app:hunter2@db/app?ssl-mode=REQUIRED".parse()?;
    /// assert_eq!(url.redacted(), "mysql://***@db/app?***");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn redacted(&self) -> &str {
        &self.redacted
    }

    /// Whether it is `sqlite:///x`, which some take for `/x`.
    pub(crate) fn is_ambiguous(&self) -> bool {
        matches!(
            self.place,
            Place::File {
                ambiguous: true,
                ..
            }
        )
    }

    /// Tells the schemes apart; what follows is each engine's own affair.
    pub(crate) fn read(text: &str) -> Parsed<Self> {
        let (scheme, rest) = text.split_once(':').ok_or_else(Fault::default)?;
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(Fault::rule(
                "must be text of at most 4096 bytes without line breaks",
            ));
        }
        let (name, driver) = match scheme.split_once('+') {
            Some((name, driver)) => (name, Some(driver)),
            None => (scheme, None),
        };
        match name.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite::read(rest, driver),
            "postgres" | "postgresql" => server::read(Engine::Postgres, rest),
            "mysql" | "mariadb" => server::read(Engine::Mysql, rest),
            unknown => Err(Fault::meant(nearest(
                unknown,
                ["sqlite", "postgres", "mysql"],
            ))),
        }
    }
}

/// In memory.
impl Default for DatabaseUrl {
    fn default() -> Self {
        sqlite::memory()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.redacted).finish()
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    /// # Errors
    ///
    /// `LL-CFG-005` with the rule that it breaks: the scheme, the host, how credentials are written, or a
    /// parameter that the engine does not know. Nothing of the text is in the error.
    fn from_str(text: &str) -> Result<Self> {
        Self::read(text.trim()).map_err(|fault| fault.into_error(&DATABASE_URL))
    }
}

/// What stands before the question mark, and the `name=value` pairs after it.
fn split_parameters(text: &str) -> (&str, Vec<(&str, &str)>) {
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    (text, pairs)
}

/// Decodes `%41`; nothing if a percent sign is not followed by two hex digits or the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        (rest, bytes) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                (after, pushed(bytes, hex(*high)? << 4 | hex(*low)?))
            }
            (b'%', _) => return None,
            (byte, after) => (after, pushed(bytes, *byte)),
        };
    }
    String::from_utf8(bytes).ok()
}

/// `bytes` with one more.
fn pushed(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

/// The value of a hex digit.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}
