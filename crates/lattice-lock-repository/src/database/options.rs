use std::time::Duration;

/// How a database is opened. Setters by value, each with its default.
///
/// ```
/// use lattice_lock_repository::DatabaseOptions;
/// use std::time::Duration;
///
/// let options = DatabaseOptions::default()
///     .pool_size(20)
///     .max_overflow(0)
///     .acquire_timeout(Duration::from_secs(2))
///     .wait_for_start(Duration::from_secs(60));
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    pub(crate) pool_size: u32,
    pub(crate) max_overflow: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) wait_for_start: Option<Duration>,
    pub(crate) check_after_idle: Duration,
    pub(crate) lazy: bool,
    pub(crate) echo: bool,
    pub(crate) slow: Option<Duration>,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            pool_size: 5,
            max_overflow: 10,
            acquire_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            wait_for_start: None,
            check_after_idle: Duration::from_secs(30),
            lazy: false,
            echo: false,
            slow: Some(Duration::from_secs(1)),
        }
    }
}

impl DatabaseOptions {
    /// How many connections a pool has at most, those of [`max_overflow`](Self::max_overflow) apart; 5 by default, at
    /// least 1. Of a `SQLite` file another one writes, and these read. Connections are made when they are needed,
    /// and closed after ten minutes without use.
    #[must_use]
    pub fn pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// How many connections more than that there may be under load; 10 by default.
    #[must_use]
    pub fn max_overflow(mut self, connections: u32) -> Self {
        self.max_overflow = connections;
        self
    }

    /// How long to wait for a connection; 10 seconds by default. Of a `SQLite` file also how long to wait for another
    /// process that writes; in memory, for another transaction.
    #[must_use]
    pub fn acquire_timeout(mut self, wait: Duration) -> Self {
        self.acquire_timeout = wait;
        self
    }

    /// How long one attempt to reach the database when it is opened may take; 10 seconds by default.
    #[must_use]
    pub fn connect_timeout(mut self, wait: Duration) -> Self {
        self.connect_timeout = wait;
        self
    }

    /// Waits this long, in attempts with growing pauses, for a database that is not up yet when it is opened; a
    /// single attempt by default. A refused password or a missing database is not waited for.
    #[must_use]
    pub fn wait_for_start(mut self, longest: Duration) -> Self {
        self.wait_for_start = Some(longest);
        self
    }

    /// After how long without use a connection is checked before it is used again; 30 seconds by default.
    #[must_use]
    pub fn check_after_idle(mut self, idle: Duration) -> Self {
        self.check_after_idle = idle;
        self
    }

    /// Opens without a connection: the first use makes one, and fails if it cannot. Eager by default.
    #[must_use]
    pub fn lazy(mut self) -> Self {
        self.lazy = true;
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
    pub(crate) fn most_connections(&self) -> u32 {
        self.pool_size.saturating_add(self.max_overflow)
    }

    #[cfg(feature = "__sql")]
    pub(crate) fn watch(&self) -> super::sql::Watch {
        super::sql::Watch {
            echo: self.echo,
            slow: self.slow,
        }
    }
}
