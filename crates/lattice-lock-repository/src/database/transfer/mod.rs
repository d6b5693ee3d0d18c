mod cell;
mod check;
mod export;
mod import;
mod shape;

use serde::{Deserialize, Serialize};

pub use export::Exported;
#[cfg(feature = "contract")]
pub(super) use shape::empty;

/// The version of the format.
const FORMAT: u32 = 1;

/// The most rows read or written at once.
const PAGE: usize = 500;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    /// Set and version of each applied migration.
    migrations: Vec<(String, u32)>,
}

/// What every line after the first is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A table begins.
    Table { name: String, columns: Vec<String> },
    /// A row of it.
    Row(Vec<cell::Cell>),
    /// The table ends: how many rows there were, and what they add up to.
    TableEnd { rows: u64, check: String },
    /// The whole ends, after so many tables: a file without it was cut.
    End { tables: u64 },
}
