//! PostgreSQL, MySQL and MariaDB.

use lattice_lock_errors::Secret;

use super::{DatabaseUrl, Engine, Place, decoded, split_parameters};
use crate::authority::Authority;
use crate::parse::{Fault, Parsed};

const SERVER: Fault = Fault::rule(
    "must name a host, and perhaps a port and a database; in user name and password @ is written %40, : %3A, / %2F, ? %3F, # %23, % %25",
);
const PARAMETERS: Fault = Fault::rule(
    "must not have parameters that the engine does not know; sslmode (PostgreSQL) and ssl-mode (MySQL) are the ones for TLS",
);

/// Reads what follows `postgres:` or `mysql:`.
pub(super) fn read(engine: Engine, rest: &str) -> Parsed<DatabaseUrl> {
    let rest = rest.strip_prefix("//").ok_or(SERVER)?;
    let (server, parameters) = split_parameters(rest);
    let parameters: Vec<_> = parameters
        .into_iter()
        .map(|(name, value)| translated(engine, name, value))
        .collect::<Option<_>>()
        .ok_or(PARAMETERS)?;
    let (authority, path) = server.split_at(server.find('/').unwrap_or(server.len()));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let by_parameter = parameters
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "host" | "hostaddr" | "socket"));
    let known = is_host(engine, host) || host.is_empty() && by_parameter;
    if !known || !is_database(path) || !user.is_none_or(is_user) {
        return Err(SERVER);
    }
    Ok(url(engine, user, &format!("{host}{path}"), &parameters))
}

/// Puts the parts together again, once with what is secret and once without.
fn url(
    engine: Engine,
    user: Option<&str>,
    server: &str,
    parameters: &[(String, &str)],
) -> DatabaseUrl {
    let credentials = user.map_or_else(String::new, |user| format!("{user}@"));
    let query: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let (mark, hidden) = if query.is_empty() {
        ("", "")
    } else {
        ("?", "?***")
    };
    let stars = if user.is_some() { "***@" } else { "" };
    DatabaseUrl {
        engine,
        url: Secret::new(format!(
            "{engine}://{credentials}{server}{mark}{}",
            query.join("&")
        )),
        redacted: format!("{engine}://{stars}{server}{hidden}"),
        place: Place::Server,
    }
}

/// A DNS name or an address with or without a port; for PostgreSQL also a socket's folder, encoded.
fn is_host(engine: Engine, host: &str) -> bool {
    let socket = engine == Engine::Postgres
        && decoded(host).is_some_and(|host| host.starts_with('/') && !host.contains('@'));
    socket || Authority::parse(host).is_some()
}

/// What a password with a raw slash in it would leave here has an `@` or a colon, and must not be shown.
fn is_database(path: &str) -> bool {
    let name = path.strip_prefix('/').unwrap_or(path);
    decoded(name).is_some()
        && !name.contains(|letter: char| {
            matches!(letter, '/' | '@' | ':' | '#') || letter.is_whitespace()
        })
}

/// A name and perhaps a password, encoded. An `@` in them is taken as everyone takes it: the last one counts.
fn is_user(user: &str) -> bool {
    decoded(user).is_some()
        && !user.contains(|letter: char| matches!(letter, '/' | '#') || letter.is_whitespace())
}

/// The parameter as the engine's client knows it.
fn translated<'a>(engine: Engine, name: &str, value: &'a str) -> Option<(String, &'a str)> {
    let named = |name: &str, value| decoded(value).map(|_| (name.to_owned(), value));
    match (engine, name) {
        (Engine::Postgres, "ssl") => named("sslmode", ssl_mode(value)?),
        (Engine::Postgres, name) if is_postgres(name) => named(name, value),
        (Engine::Mysql, "ssl_ca" | "ssl_cert" | "ssl_key" | "ssl_mode") => {
            named(&name.replace('_', "-"), value)
        }
        (Engine::Mysql, name) if is_mysql(name) => named(name, value),
        _ => None,
    }
}

/// What asyncpg's `ssl` means.
fn ssl_mode(value: &str) -> Option<&str> {
    match value {
        "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full" => Some(value),
        "true" => Some("require"),
        _ => None,
    }
}

/// What the client for PostgreSQL knows; anything else it would log with its value.
fn is_postgres(name: &str) -> bool {
    let option = name.starts_with("options[") && name.ends_with(']');
    option
        || matches!(
            name,
            "sslmode"
                | "ssl-mode"
                | "sslrootcert"
                | "ssl-root-cert"
                | "ssl-ca"
                | "sslcert"
                | "ssl-cert"
                | "sslkey"
                | "ssl-key"
                | "statement-cache-capacity"
                | "host"
                | "hostaddr"
                | "port"
                | "dbname"
                | "user"
                | "password"
                | "application_name"
                | "options"
        )
}

/// What the client for MySQL knows; anything else it would drop, be it a demand for TLS.
fn is_mysql(name: &str) -> bool {
    matches!(
        name,
        "sslmode"
            | "ssl-mode"
            | "sslca"
            | "ssl-ca"
            | "sslcert"
            | "ssl-cert"
            | "sslkey"
            | "ssl-key"
            | "charset"
            | "collation"
            | "statement-cache-capacity"
            | "socket"
            | "timezone"
            | "time-zone"
    )
}
