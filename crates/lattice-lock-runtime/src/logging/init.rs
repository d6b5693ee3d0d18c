use std::io;

use lattice_lock_errors::{Error, Result};
use tracing::Subscriber;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{MakeWriter, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::Redacting;
use crate::codes::{INVALID_FILTER, SUBSCRIBER_EXISTS};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogFormat {
    /// One line for people.
    #[default]
    Human,
    /// One JSON object per line, with the fields of the event and of the spans around it.
    Json,
}

/// What [`init_tracing`] installs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct LogConfig {
    format: LogFormat,
    filter: String,
    ansi: bool,
}

impl LogConfig {
    /// Lines for people, without colours, from level info on.
    pub fn new() -> Self {
        Self {
            format: LogFormat::Human,
            filter: "info".to_string(),
            ansi: false,
        }
    }

    /// The format; [`LogFormat::Human`] unless set.
    pub const fn format(mut self, format: LogFormat) -> Self {
        self.format = format;
        self
    }

    /// A level, or `target=level` pairs separated by commas; `info` unless set.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = filter.into();
        self
    }

    /// Whether lines for people are coloured; not unless set.
    pub const fn ansi(mut self, ansi: bool) -> Self {
        self.ansi = ansi;
        self
    }

    /// The subscriber that [`init_tracing`] would install, writing to `writer`. Every line is redacted.
    ///
    /// # Errors
    ///
    /// [`INVALID_FILTER`] if the filter cannot be parsed.
    pub fn subscriber<M>(&self, writer: M) -> Result<impl Subscriber + Send + Sync + use<M>>
    where
        M: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let filter: Targets = self.filter.parse().map_err(|error| {
            Error::new(INVALID_FILTER, "the log filter cannot be parsed").with_foreign(&error)
        })?;
        let lines = layer()
            .with_writer(Redacting::new(writer))
            .with_ansi(self.ansi);
        let lines = match self.format {
            LogFormat::Human => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        Ok(Registry::default().with(lines.with_filter(filter)))
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Installs a subscriber for the whole process that writes redacted lines to standard error.
///
/// A host that has a subscriber does not call this: nothing here installs one unless it is asked to.
///
/// ```no_run
/// use lattice_lock_runtime::{LogConfig, LogFormat, init_tracing};
///
/// init_tracing(&LogConfig::new().format(LogFormat::Json).filter("warn,lattice_lock=debug"))?;
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// ```
///
/// # Errors
///
/// [`INVALID_FILTER`] if the filter cannot be parsed, [`SUBSCRIBER_EXISTS`] if the process has one already.
pub fn init_tracing(config: &LogConfig) -> Result<()> {
    let subscriber = config.subscriber(io::stderr)?;
    set_global_default(subscriber).map_err(|error| {
        Error::new(SUBSCRIBER_EXISTS, "the process has a tracing subscriber").with_foreign(&error)
    })
}
