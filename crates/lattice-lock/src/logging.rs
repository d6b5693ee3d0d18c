use std::io::{IsTerminal, stderr};

use lattice_lock_config::{AppConfig, LogFormat};
use lattice_lock_errors::Result;
use lattice_lock_runtime::LogConfig;

/// Installs a subscriber for the whole process that writes redacted lines to standard error, as the configuration's
/// section `telemetry` says. A host that has a subscriber does not call this.
///
/// ```
/// use lattice_lock::{AppConfig, init_tracing};
///
/// let config = AppConfig::builder().set("telemetry.filter", "warn,lattice_lock=debug").build()?;
/// init_tracing(&config)?;
/// assert!(init_tracing(&config).is_err(), "the process has one now");
/// # Ok::<(), lattice_lock::Error>(())
/// ```
///
/// # Errors
///
/// [`SUBSCRIBER_EXISTS`](lattice_lock_runtime::codes::SUBSCRIBER_EXISTS) if the process has a subscriber.
pub fn init_tracing(config: &AppConfig) -> Result<()> {
    lattice_lock_runtime::init_tracing(&log_config(config))
}

fn log_config(config: &AppConfig) -> LogConfig {
    let telemetry = config.telemetry();
    let format = match telemetry.format {
        LogFormat::Json => lattice_lock_runtime::LogFormat::Json,
        _ => lattice_lock_runtime::LogFormat::Human,
    };
    LogConfig::new()
        .format(format)
        .filter(telemetry.filter.as_str())
        .ansi(stderr().is_terminal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_configuration_accepts_can_be_installed() {
        for (filter, format) in [
            ("off", "human"),
            ("trace", "json"),
            ("info,sqlx=warn,lattice_lock::chat=debug", "json"),
        ] {
            let builder = AppConfig::builder().set("telemetry.filter", filter);
            let config = builder.set("telemetry.format", format).build().unwrap();
            assert!(log_config(&config).subscriber(stderr).is_ok(), "{filter}");
        }
        let json = AppConfig::builder().set("telemetry.format", "json").build();
        let expected = LogConfig::new()
            .format(lattice_lock_runtime::LogFormat::Json)
            .ansi(stderr().is_terminal());
        assert_eq!(log_config(&json.unwrap()), expected);
    }
}
