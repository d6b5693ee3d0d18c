use std::time::Duration;

/// How a database is opened. Setters by value, each with its default.
///
/// ```
/// use lattice_lock_repository::DatabaseOptions;
/// use std::time::Duration;
///
/// let options = DatabaseOptions::default().pool_size(20).acquire_timeout(Duration::from_secs(2));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    pub(crate) pool_size: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) echo: bool,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            pool_size: 15,
            acquire_timeout: Duration::from_secs(10),
            echo: false,
        }
    }
}

impl DatabaseOptions {
    /// How many connections at most; 15 by default, at least 1. Of a `SQLite` file one of them writes, and
    /// these read.
    #[must_use]
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// How long to wait for a connection; 10 seconds by default.
    #[must_use]
    pub fn acquire_timeout(mut self, wait: Duration) -> Self {
        self.acquire_timeout = wait;
        self
    }

    /// Whether statements are logged, never with their values; off by default.
    #[must_use]
    pub fn echo(mut self, on: bool) -> Self {
        self.echo = on;
        self
    }
}
