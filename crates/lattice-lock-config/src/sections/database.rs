use crate::reading::Reading;
use crate::setting::{DATABASE_URL, ECHO, MAX_OVERFLOW, POOL_SIZE};
use crate::{DatabaseUrl, Environment, WarningKind, parse};

/// The section `database`.
///
/// ```
/// use lattice_lock_config::{AppConfig, Engine};
///
/// let variables = [("DATABASE_URL", "mysql+pymysql://app:hunter2@db/app"), ("DATABASE_POOL_SIZE", "8")];
/// let config = AppConfig::builder().variables(variables).build()?;
/// assert_eq!(config.database().url.engine(), Engine::Mysql);
/// assert_eq!(config.database().max_connections(), 18);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// Where the data are kept; in memory by default.
    ///
    /// Variable `LATTICE_DATABASE_URL`, else `DATABASE_URL`.
    pub url: DatabaseUrl,
    /// How many connections are kept open, from 1 to 1000; 5 by default.
    ///
    /// Variable `DATABASE_POOL_SIZE`.
    pub pool_size: u32,
    /// How many more may be opened when these are busy, from 0 to 1000; 10 by default.
    ///
    /// Variable `DATABASE_MAX_OVERFLOW`.
    pub max_overflow: u32,
    /// Whether statements are logged, never with the values bound to them; off by default.
    ///
    /// Variable `DATABASE_ECHO`.
    pub echo: bool,
}

impl DatabaseConfig {
    /// How many connections there can be at once: `pool_size` and `max_overflow` together.
    #[must_use]
    pub fn max_connections(&self) -> u32 {
        self.pool_size.saturating_add(self.max_overflow)
    }

    pub(crate) fn read(reading: &mut Reading) -> Self {
        Self {
            url: reading.value(&DATABASE_URL, DatabaseUrl::default(), |raw| {
                DatabaseUrl::read(parse::text(raw)?)
            }),
            pool_size: reading.value(&POOL_SIZE, 5, |raw| parse::whole(raw, 1..=1000)),
            max_overflow: reading.value(&MAX_OVERFLOW, 10, |raw| parse::whole(raw, 0..=1000)),
            echo: reading.value(&ECHO, false, parse::switch),
        }
    }

    /// Warns about what is unwise, in production more than elsewhere.
    pub(crate) fn advise(&self, environment: Environment, reading: &mut Reading) {
        if self.url.is_ambiguous() {
            reading.warn_about(WarningKind::AmbiguousPath, &DATABASE_URL);
        }
        let production = environment == Environment::Production;
        if production && self.url.is_in_memory() {
            reading.warn_about(WarningKind::InMemory, &DATABASE_URL);
        }
        if production && self.echo {
            reading.warn_about(WarningKind::Echo, &ECHO);
        }
    }
}
