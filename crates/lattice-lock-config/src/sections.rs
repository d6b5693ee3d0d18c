//! The sections of a configuration, as plain data.

mod auth;
mod database;
mod providers;

use std::time::Duration;

use crate::parse;
use crate::reading::Reading;
use crate::setting;
use crate::{LogFilter, LogFormat};

pub use auth::AuthConfig;
pub use database::DatabaseConfig;
pub use providers::{BedrockConfig, HostedProvider, KeyedProvider, OllamaConfig, ProvidersConfig};

/// The section `analyzer`.
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::builder().variables([("ANALYZER_CACHE_SIZE", "0")]).build()?;
/// assert_eq!(config.analyzer().cache_size, 0);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnalyzerConfig {
    /// How many analyses are remembered, up to a million; 0 turns the cache off, 1024 by default.
    ///
    /// Variable `ANALYZER_CACHE_SIZE`.
    pub cache_size: u32,
}

impl AnalyzerConfig {
    pub(crate) fn read(reading: &mut Reading) -> Self {
        let cache_size = reading.value(&setting::CACHE_SIZE, 1024, |raw| {
            parse::whole(raw, 0..=1_000_000)
        });
        Self { cache_size }
    }
}

/// The section `orchestrator`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OrchestratorConfig {
    /// How many tool calls one operation may make, up to 1000; 0 forbids them, 10 by default.
    ///
    /// Variable `MAX_FUNCTION_CALLS`.
    pub max_function_calls: u32,
}

impl OrchestratorConfig {
    pub(crate) fn read(reading: &mut Reading) -> Self {
        let max_function_calls = reading.value(&setting::MAX_FUNCTION_CALLS, 10, |raw| {
            parse::whole(raw, 0..=1000)
        });
        Self { max_function_calls }
    }
}

/// The section `runtime`.
///
/// ```
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::builder().variables([("BACKGROUND_TASK_TIMEOUT", "2.5")]).build()?;
/// assert_eq!(config.runtime().background_task_timeout.as_millis(), 2500);
/// assert!(AppConfig::builder().variables([("BACKGROUND_TASK_TIMEOUT", "5s")]).build().is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeConfig {
    /// How long background tasks may take to end, from a millisecond to a day; 5 seconds by default.
    ///
    /// Variable `BACKGROUND_TASK_TIMEOUT`, a number of seconds without a unit.
    pub background_task_timeout: Duration,
}

impl RuntimeConfig {
    pub(crate) fn read(reading: &mut Reading) -> Self {
        let default = Duration::from_secs(5);
        Self {
            background_task_timeout: reading.value(&setting::TASK_TIMEOUT, default, parse::seconds),
        }
    }
}

/// The section `telemetry`, which has no variables: what a host's subscriber may be set up with. No crate of ours installs one unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TelemetryConfig {
    /// Which events are logged; `info` by default.
    pub filter: LogFilter,
    /// How they are written; for people by default.
    pub format: LogFormat,
}

impl TelemetryConfig {
    pub(crate) fn read(reading: &mut Reading) -> Self {
        Self {
            filter: reading.value(&setting::LOG_FILTER, LogFilter::default(), |raw| {
                LogFilter::named(parse::text(raw)?)
            }),
            format: reading.value(&setting::LOG_FORMAT, LogFormat::default(), |raw| {
                LogFormat::named(parse::text(raw)?)
            }),
        }
    }
}
