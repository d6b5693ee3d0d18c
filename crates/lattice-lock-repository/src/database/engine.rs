use lattice_lock_errors::{Error, Result};
use serde::Serialize;

use crate::codes::{DATABASE_URL_INVALID, ENGINE_NOT_BUILT};

/// What keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Engine {
    /// This process's memory.
    Memory,
    /// A `SQLite` file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
    /// A MySQL or MariaDB server.
    Mysql,
}

impl Engine {
    /// The engine that a URL's scheme names. A driver after a plus sign, as in `postgresql+asyncpg:`, is ignored.
    ///
    /// # Errors
    ///
    /// [`DATABASE_URL_INVALID`], which does not repeat the URL.
    pub fn of_url(url: &str) -> Result<Self> {
        let refused = |fault| {
            Err(Error::new(DATABASE_URL_INVALID, "not a database URL").with("fault", fault))
        };
        let Some((scheme, rest)) = url.trim().split_once(':') else {
            return refused("it has no scheme");
        };
        let scheme = scheme.split('+').next().unwrap_or(scheme);
        match scheme {
            "sqlite" if is_memory(rest) => Ok(Self::Memory),
            "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            "mysql" | "mariadb" => Ok(Self::Mysql),
            _ => refused("its scheme is not sqlite, postgres or mysql"),
        }
    }

    /// The name in lower case, which is also that of the feature that builds it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// Whether this build can open it.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            Self::Memory => true,
            Self::Sqlite => cfg!(feature = "sqlite"),
            Self::Postgres => cfg!(feature = "postgres"),
            Self::Mysql => cfg!(feature = "mysql"),
        }
    }

    /// What a `CREATE TABLE` should end with, so that text is the same when its bytes are, and a number too large for
    /// 64 bits is refused: without it, `SQLite` keeps it as a float, and MySQL takes a trailing space for nothing.
    ///
    /// ```
    /// use lattice_lock_repository::Engine;
    ///
    /// let create = |engine: Engine| format!("CREATE TABLE notes (title TEXT) {}", engine.table_options());
    /// assert_eq!(create(Engine::Sqlite), "CREATE TABLE notes (title TEXT) STRICT");
    /// ```
    #[must_use]
    pub const fn table_options(self) -> &'static str {
        match self {
            Self::Memory | Self::Postgres => "",
            Self::Sqlite => "STRICT",
            // Each of the two comments is code for one server: no collation is known to both.
            Self::Mysql => {
                "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ \
                 /*!80017 COLLATE utf8mb4_0900_bin */"
            }
        }
    }

    pub(crate) fn require_built(self) -> Result<()> {
        if self.is_built() {
            return Ok(());
        }
        Err(Error::new(ENGINE_NOT_BUILT, "engine not built in")
            .with("engine", self.as_str())
            .with("feature", self.as_str()))
    }
}

/// Whether a `SQLite` URL names no file, also by a parameter: what is kept so is gone when its connection is.
fn is_memory(rest: &str) -> bool {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    matches!(path.trim_start_matches('/'), ":memory:" | "")
        || parameters.split('&').any(|pair| pair == "mode=memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, engine: Option<Engine>) {
        assert_eq!(Engine::of_url(url).ok(), engine, "{url}");
    }

    #[test]
    fn the_scheme_names_the_engine() {
        check("sqlite::memory:", Some(Engine::Memory));
        check("sqlite:///:memory:", Some(Engine::Memory));
        check("sqlite://", Some(Engine::Memory));
        check("sqlite::memory:?cache=shared", Some(Engine::Memory));
        check("sqlite://:memory:?mode=rwc", Some(Engine::Memory));
        check("sqlite:?mode=memory", Some(Engine::Memory));
        check(
            "sqlite:file.db?cache=shared&mode=memory",
            Some(Engine::Memory),
        );
        check("sqlite:file.db?mode=rwc", Some(Engine::Sqlite));
        check("sqlite:memory.db", Some(Engine::Sqlite));
        check("sqlite:data.db", Some(Engine::Sqlite));
        check("sqlite+aiosqlite:///data.db", Some(Engine::Sqlite));
        check("postgresql+asyncpg://u:p@h/d", Some(Engine::Postgres));
        check("postgres://h/d", Some(Engine::Postgres));
        check("mariadb://h/d", Some(Engine::Mysql));
        check("mysql+pymysql://h/d", Some(Engine::Mysql));
        check("oracle://h/d", None);
        check("data.db", None);
        check("", None);
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        let error = Engine::of_url("oracle://user:hunter2@host").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn an_engine_that_is_not_built_names_its_feature() {
        for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
            let refused = engine.require_built().err().map(|error| error.to_string());
            assert_eq!(refused.is_none(), engine.is_built());
            assert!(
                refused.is_none_or(|text| text.contains(&format!("feature: {}", engine.as_str())))
            );
        }
    }
}
