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
    pub(crate) slow: Option<Duration>,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            pool_size: 15,
            acquire_timeout: Duration::from_secs(10),
            echo: false,
            slow: Some(Duration::from_secs(1)),
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

    /// From which time on a statement is warned of as slow; a second by default, none for never.
    #[must_use]
    pub fn slow_statement(mut self, from: Option<Duration>) -> Self {
        self.slow = from;
        self
    }

    /// Whether statements are logged, with placeholders and never with values; off by default. Of a statement that
    /// was not prepared, whose text may contain values, only the first word is.
    #[must_use]
    pub fn echo(mut self, on: bool) -> Self {
        self.echo = on;
        self
    }

    #[cfg(feature = "__sql")]
    pub(crate) fn watch(&self) -> super::sql::Watch {
        super::sql::Watch {
            echo: self.echo,
            slow: self.slow,
        }
    }
}
