//! SQLite, in a file or in memory.

use lattice_lock_errors::Secret;

use super::{DatabaseUrl, Engine, Place, decoded, split_parameters};
use crate::parse::{Fault, Parsed};

const PATH: Fault = Fault::rule(
    "must name a path after sqlite: (with % only as %25 and ? only as %3F), or be sqlite::memory:",
);
const URI: Fault = Fault::rule(
    "must name a path after sqlite:, not a file: URI, whose parameters go directly after the path",
);
const PARAMETERS: Fault = Fault::rule(
    "takes the parameters mode, cache, immutable and vfs after a SQLite path, with the values that SQLite knows",
);

/// The database that ends with the process.
pub(super) fn memory() -> DatabaseUrl {
    url("sqlite::memory:".to_owned(), Place::Memory)
}

/// Reads what follows `sqlite:`.
pub(super) fn read(rest: &str, driver: Option<&str>) -> Parsed<DatabaseUrl> {
    let (place, parameters) = split_parameters(rest);
    if !parameters.iter().all(|(name, value)| is_known(name, value)) {
        return Err(PARAMETERS);
    }
    let (path, ambiguous) = path_of(place, driver)?;
    let name = decoded(&path)
        .filter(|name| !name.chars().any(char::is_control))
        .ok_or(PATH)?;
    if name.starts_with("file:") {
        return Err(URI);
    }
    let in_memory = parameters.contains(&("mode", "memory"));
    if name.is_empty() || name == ":memory:" {
        return Ok(memory());
    }
    let place = if in_memory {
        Place::Memory
    } else {
        Place::File {
            path: name,
            ambiguous,
        }
    };
    Ok(url(format!("sqlite:{path}{}", query(&parameters)), place))
}

/// The path as written, and whether some would take it for an absolute one.
fn path_of(place: &str, driver: Option<&str>) -> Parsed<(String, bool)> {
    let Some(after) = place.strip_prefix("//") else {
        return match place {
            "" => Err(PATH),
            path => Ok((path.to_owned(), false)),
        };
    };
    match after.strip_prefix('/') {
        // Four slashes: the path begins with the last. More are as good as one.
        Some(path) if path.starts_with('/') => {
            Ok((format!("/{}", path.trim_start_matches('/')), false))
        }
        Some(path) => Ok((path.to_owned(), driver.is_none())),
        None => Ok((after.to_owned(), false)),
    }
}

/// What the client for SQLite knows, with its values.
fn is_known(name: &str, value: &str) -> bool {
    match name {
        "mode" => matches!(value, "ro" | "rw" | "rwc" | "memory"),
        "cache" => matches!(value, "private" | "shared"),
        "immutable" => matches!(value, "true" | "false" | "1" | "0"),
        "vfs" => !value.is_empty(),
        _ => false,
    }
}

/// The parameters as they were written.
fn query(parameters: &[(&str, &str)]) -> String {
    let mark = if parameters.is_empty() { "" } else { "?" };
    let pairs: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("{mark}{}", pairs.join("&"))
}

/// A file has no credentials, so everything may be shown.
fn url(text: String, place: Place) -> DatabaseUrl {
    DatabaseUrl {
        engine: Engine::Sqlite,
        redacted: text.clone(),
        url: Secret::new(text),
        place,
    }
}
