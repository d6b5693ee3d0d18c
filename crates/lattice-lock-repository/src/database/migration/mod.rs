#[cfg(feature = "__sql")]
mod history;
#[cfg(feature = "__sql")]
mod lock;
#[cfg(feature = "__sql")]
mod run;
#[cfg(feature = "__sql")]
mod step;

#[cfg(feature = "__sql")]
pub(super) use history::{applied_versions, write_probe};
#[cfg(feature = "__sql")]
pub use run::MigrationStatus;

use super::Engine;

type Statements = fn(Engine) -> Vec<String>;

/// One step from one state of the tables to the next. A step that was released never changes.
///
/// ```
/// use lattice_lock_repository::{Migration, MigrationSet};
///
/// const NOTES: MigrationSet = MigrationSet {
///     name: "notes",
///     migrations: &[
///         Migration::new(1, "create", |engine| {
///             vec![format!("CREATE TABLE IF NOT EXISTS notes (n BIGINT) {}", engine.table_options())]
///         })
///         .down(|_| vec!["DROP TABLE IF EXISTS notes".into()])
///         .verify(|_| vec!["SELECT n FROM notes WHERE 1 = 0".into()]),
///     ],
/// };
/// # let _ = NOTES;
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
#[cfg_attr(
    not(feature = "__sql"),
    expect(dead_code, reason = "nothing is migrated without an engine")
)]
pub struct Migration {
    version: u32,
    name: &'static str,
    up: Statements,
    down: Option<Statements>,
    verify: Option<Statements>,
    oldest_reader: u32,
}

impl Migration {
    /// A step: its place in its set, from 1, what it does in a few words, and its statements for an engine.
    ///
    /// On MySQL each statement must bear repetition: there a step that fails half-way is not undone, but done again.
    pub const fn new(version: u32, name: &'static str, up: Statements) -> Self {
        Self {
            version,
            name,
            up,
            down: None,
            verify: None,
            oldest_reader: version,
        }
    }

    /// The way back; by default there is none. On MySQL each statement must bear repetition.
    pub const fn down(mut self, statements: Statements) -> Self {
        self.down = Some(statements);
        self
    }

    /// Queries that must succeed afterwards; none by default.
    pub const fn verify(mut self, queries: Statements) -> Self {
        self.verify = Some(queries);
        self
    }

    /// The oldest version of the set whose code can work with the tables afterwards; by default that of this step
    /// itself. A step that only adds what older code need not know names an older one, so that both run side by side
    /// while a new release is rolled out.
    pub const fn oldest_reader(mut self, version: u32) -> Self {
        self.oldest_reader = version;
        self
    }
}

/// The migrations of one crate, in order. Several sets are applied in the order given, each as a whole.
#[derive(Clone, Copy, Debug)]
pub struct MigrationSet {
    /// Whose tables they are, such as `billing`.
    pub name: &'static str,
    /// The steps, numbered from 1.
    pub migrations: &'static [Migration],
}
