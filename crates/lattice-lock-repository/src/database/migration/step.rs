use std::fmt::Write;

use lattice_lock_errors::{Error, Result};
use sha2::{Digest, Sha256};

use super::{Migration, MigrationSet};
use crate::Engine;
use crate::codes::MIGRATIONS_INVALID;

/// A migration for an engine.
pub(super) struct Step {
    pub(super) set: &'static str,
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) oldest_reader: u32,
    pub(super) checksum: String,
    pub(super) up: Vec<String>,
    pub(super) down: Option<Vec<String>>,
    pub(super) verify: Vec<String>,
}

impl Step {
    fn new(set: &MigrationSet, migration: &Migration, engine: Engine) -> Self {
        let up = (migration.up)(engine);
        Self {
            set: set.name,
            version: migration.version,
            name: migration.name,
            oldest_reader: migration.oldest_reader,
            checksum: checksum(&up),
            up,
            down: migration.down.map(|down| down(engine)),
            verify: migration
                .verify
                .map(|verify| verify(engine))
                .unwrap_or_default(),
        }
    }

    /// What it is called in errors and reports.
    pub(super) fn id(&self) -> String {
        format!("{}-{:04}-{}", self.set, self.version, self.name)
    }
}

/// The steps of these sets, in the order in which they are applied.
pub(super) fn steps(sets: &[MigrationSet], engine: Engine) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for (at, set) in sets.iter().enumerate() {
        let is_numbered = set
            .migrations
            .iter()
            .zip(1..)
            .all(|(step, n)| step.version == n);
        let is_known = sets[..at].iter().any(|other| other.name == set.name);
        if is_known || !is_numbered {
            return Err(Error::new(MIGRATIONS_INVALID, "wrongly numbered").with("set", set.name));
        }
        let migrations = set.migrations.iter();
        steps.extend(migrations.map(|migration| Step::new(set, migration, engine)));
    }
    Ok(steps)
}

fn checksum(statements: &[String]) -> String {
    let mut hasher = Sha256::new();
    for statement in statements {
        hasher.update(statement.as_bytes());
        hasher.update([0]);
    }
    let hash = hasher.finalize();
    hash.iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
