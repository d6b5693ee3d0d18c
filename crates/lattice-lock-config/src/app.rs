//! The configuration as a whole.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use lattice_lock_errors::Result;

use crate::reading::Reading;
use crate::setting::ENV;
use crate::{
    AnalyzerConfig, AppConfigBuilder, AuthConfig, DatabaseConfig, EffectiveConfig, Environment,
    OrchestratorConfig, ProvidersConfig, RuntimeConfig, TelemetryConfig, Warning, parse,
};

/// The configuration: plain data, checked as a whole, cheap to clone.
///
/// Its `Debug` shows no secret; [`effective_config`](Self::effective_config) is made to be sent to support. A
/// clone shares what the original holds, the random signing secret included.
///
/// ```no_run
/// use lattice_lock_config::AppConfig;
///
/// let config = AppConfig::from_env()?;
/// for warning in config.warnings() {
///     eprintln!("{warning}");
/// }
/// println!("{} connections to {}", config.database().max_connections(), config.database().url);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone)]
pub struct AppConfig(Arc<Sections>);

struct Sections {
    environment: Environment,
    database: DatabaseConfig,
    auth: AuthConfig,
    analyzer: AnalyzerConfig,
    orchestrator: OrchestratorConfig,
    runtime: RuntimeConfig,
    providers: ProvidersConfig,
    telemetry: TelemetryConfig,
    warnings: Vec<Warning>,
    effective: EffectiveConfig,
}

impl AppConfig {
    /// A builder without file and variables: left so, it makes the defaults.
    #[must_use]
    pub fn builder() -> AppConfigBuilder {
        AppConfigBuilder::default()
    }

    /// Reads this process's environment variables, and the file that `LATTICE_CONFIG` names if it is set.
    ///
    /// The only function of the whole library that reads the process's environment, and it does so only when
    /// it is called. A host that keeps its settings elsewhere uses [`builder`](Self::builder).
    ///
    /// # Errors
    ///
    /// As [`AppConfigBuilder::build`].
    pub fn from_env() -> Result<Self> {
        Self::builder().variables(std::env::vars_os()).build()
    }

    /// Reads a TOML file and no variables: what is in the file is all there is.
    ///
    /// The file is UTF-8 text of at most 256 KiB.
    ///
    /// # Errors
    ///
    /// As [`AppConfigBuilder::build`].
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self> {
        Self::builder().file(path).build()
    }

    /// Where the program runs, `env` in a file; `dev` by default.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.0.environment
    }

    /// Where data are kept.
    #[must_use]
    pub fn database(&self) -> &DatabaseConfig {
        &self.0.database
    }

    /// How callers are known.
    #[must_use]
    pub fn auth(&self) -> &AuthConfig {
        &self.0.auth
    }

    /// How prompts are analysed.
    #[must_use]
    pub fn analyzer(&self) -> &AnalyzerConfig {
        &self.0.analyzer
    }

    /// How far an operation may go.
    #[must_use]
    pub fn orchestrator(&self) -> &OrchestratorConfig {
        &self.0.orchestrator
    }

    /// How background tasks are run.
    #[must_use]
    pub fn runtime(&self) -> &RuntimeConfig {
        &self.0.runtime
    }

    /// How providers are reached.
    #[must_use]
    pub fn providers(&self) -> &ProvidersConfig {
        &self.0.providers
    }

    /// What is logged.
    #[must_use]
    pub fn telemetry(&self) -> &TelemetryConfig {
        &self.0.telemetry
    }

    /// What works and is probably not meant. They are the caller's to log: this crate logs nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// Every setting with its value and where that comes from, without secrets.
    ///
    /// Made to be printed at start, or serialised into a support bundle.
    #[must_use]
    pub fn effective_config(&self) -> EffectiveConfig {
        self.0.effective.clone()
    }

    /// Reads every section, even after a mistake, so that all mistakes are found.
    pub(crate) fn read(mut reading: Reading) -> Result<Self> {
        let reader = &mut reading;
        let environment = reader.value(&ENV, Environment::default(), |raw| {
            Environment::named(parse::text(raw)?)
        });
        let database = DatabaseConfig::read(reader);
        let auth = AuthConfig::read(reader, environment)?;
        let analyzer = AnalyzerConfig::read(reader);
        let orchestrator = OrchestratorConfig::read(reader);
        let runtime = RuntimeConfig::read(reader);
        let providers = ProvidersConfig::read(reader);
        let telemetry = TelemetryConfig::read(reader);
        database.advise(environment, reader);
        auth.advise(reader);
        providers.advise(environment, reader);
        let (warnings, effective) = reading.finish()?;
        Ok(Self(Arc::new(Sections {
            environment,
            database,
            auth,
            analyzer,
            orchestrator,
            runtime,
            providers,
            telemetry,
            warnings,
            effective,
        })))
    }
}

/// The sections; their secrets and credentials are redacted by their own types.
impl fmt::Debug for AppConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppConfig")
            .field("environment", &self.0.environment)
            .field("database", &self.0.database)
            .field("auth", &self.0.auth)
            .field("analyzer", &self.0.analyzer)
            .field("orchestrator", &self.0.orchestrator)
            .field("runtime", &self.0.runtime)
            .field("providers", &self.0.providers)
            .field("telemetry", &self.0.telemetry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::SETTINGS;

    #[test]
    fn every_setting_is_shown_once_and_in_order() {
        for enabled in [true, false] {
            let config = AppConfig::builder()
                .set("auth.enabled", enabled)
                .build()
                .unwrap();
            let effective = config.effective_config();
            let shown = effective
                .settings()
                .iter()
                .map(crate::EffectiveSetting::key);
            assert!(shown.eq(SETTINGS.iter().map(|setting| setting.key)));
        }
    }
}
