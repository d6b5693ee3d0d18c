use std::sync::{Arc, OnceLock};

use lattice_lock_errors::{Error, Result};
use sea_orm::{DatabaseConnection, DbBackend, DbErr, RuntimeErr, Statement};

use super::order::{Order, Watch};
use super::shield::Shielded;
use crate::codes::ENGINE_TOO_OLD;

/// The version of a database, asked for and checked on the first use.
#[derive(Clone, Default)]
pub(crate) struct Version(Arc<OnceLock<String>>);

impl Version {
    pub(crate) fn known(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    pub(crate) async fn check(&self, on: &DatabaseConnection) -> std::result::Result<(), DbErr> {
        if self.0.get().is_none() {
            // Nobody waits for anybody else's question: whoever asks may be left alone in the middle of it.
            let version = Shielded::new(ask(on.clone())).await?;
            self.0.get_or_init(|| version);
        }
        Ok(())
    }
}

async fn ask(on: DatabaseConnection) -> std::result::Result<String, DbErr> {
    let backend = sea_orm::ConnectionTrait::get_database_backend(&on);
    let sql = match backend {
        DbBackend::Sqlite => "SELECT sqlite_version() AS v",
        DbBackend::MySql => "SELECT VERSION() AS v",
        _ => "SELECT current_setting('server_version') AS v",
    };
    let silent = Watch {
        echo: false,
        slow: None,
    };
    let order = Order::One(Statement::from_string(backend, sql));
    let row = order.run(&on, silent).await?.one()?;
    let version: Option<String> = row.map(|row| row.try_get("", "v")).transpose()?;
    let version = version.unwrap_or_default();
    require_supported(backend, &version).map_err(carried)?;
    Ok(version)
}

/// One of our errors inside of one of theirs, until `database_error` takes it out again.
fn carried(error: Error) -> DbErr {
    let carrier = sqlx::Error::Configuration(Box::new(error));
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(carrier)))
}

/// Refuses servers that are too old, and `SQLite` versions that can damage a file in WAL mode when two connections
/// check-point while a third one writes: fixed in 3.51.3, 3.50.7 and 3.44.6.
fn require_supported(backend: DbBackend, version: &str) -> Result<()> {
    let numbers = numbers(version);
    let (engine, oldest, is_supported) = match backend {
        DbBackend::Sqlite => {
            let is_mended = numbers >= (3, 51, 3)
                || ((3, 50, 7)..(3, 51, 0)).contains(&numbers)
                || ((3, 44, 6)..(3, 45, 0)).contains(&numbers);
            ("SQLite", "3.51.3", is_mended)
        }
        DbBackend::MySql if version.contains("MariaDB") => {
            // Some report a MySQL version in front of their own.
            let own = version.strip_prefix("5.5.5-").unwrap_or(version);
            ("MariaDB", "10.6", self::numbers(own) >= (10, 6, 0))
        }
        DbBackend::MySql => ("MySQL", "8.0.17", numbers >= (8, 0, 17)),
        _ => ("PostgreSQL", "13", numbers >= (13, 0, 0)),
    };
    if is_supported {
        return Ok(());
    }
    Err(Error::new(ENGINE_TOO_OLD, "database version not supported")
        .with("engine", engine)
        .with("version", version)
        .with("oldest", oldest))
}

/// The first three numbers of a version.
fn numbers(version: &str) -> (u32, u32, u32) {
    let mut parts = version
        .split(|c: char| !c.is_ascii_digit())
        .map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(backend: DbBackend, version: &str, supported: bool) {
        let outcome = require_supported(backend, version);
        assert_eq!(outcome.is_ok(), supported, "{version}");
    }

    #[test]
    fn versions_that_damage_files_are_refused() {
        for (version, supported) in [
            ("3.51.3", true),
            ("3.51.2", false),
            ("3.50.7", true),
            ("3.50.6", false),
            ("3.44.6", true),
            ("3.45.0", false),
            ("3.53.0", true),
            ("", false),
        ] {
            check(DbBackend::Sqlite, version, supported);
        }
    }

    #[test]
    fn old_servers_are_refused() {
        check(DbBackend::Postgres, "15.14 (Debian 15.14-0+deb12u1)", true);
        check(DbBackend::Postgres, "12.22", false);
        check(DbBackend::MySql, "8.0.36", true);
        check(DbBackend::MySql, "5.7.44-log", false);
        check(DbBackend::MySql, "10.11.14-MariaDB-0+deb12u2", true);
        check(DbBackend::MySql, "5.5.5-10.11.14-MariaDB", true);
        check(DbBackend::MySql, "10.5.1-MariaDB", false);
    }

    #[test]
    fn what_was_carried_comes_out_again() {
        let Err(error) = require_supported(DbBackend::Postgres, "9.6") else {
            panic!("not refused");
        };
        let out = crate::database_error(&carried(error));
        assert_eq!(out.code(), ENGINE_TOO_OLD);
    }
}
