//! Typed, validated, layered configuration that reports every problem at once and never shows a secret.
//!
//! An [`AppConfig`] is plain data in sections. Its values come from the defaults, a TOML file, environment
//! variables and the program itself, and the later layer wins. Whatever is wrong in any of them is in one
//! error, each with its variable or key, the line of the file, the rule and an example, and nothing of the
//! value. What is unsafe for production (no signing secret, a weak one) is an error there; what is only
//! unwise is in [`AppConfig::warnings`]. This crate does not know who reads the configuration.
//!
//! ```
//! use lattice_lock_config::AppConfig;
//!
//! let config = AppConfig::builder().variables([("DATABASE_POOL_SIZE", "7")]).build()?;
//! assert_eq!(config.database().pool_size, 7);
//!
//! let variables = [("DATABASE_POOL_SIZE", "none"), ("LATTICE_ENV", "prod")];
//! let error = AppConfig::builder().variables(variables).build().unwrap_err();
//! assert!(error.to_string().contains("LATTICE_ENV must be dev, test, staging or production"));
//! assert!(error.to_string().contains("DATABASE_POOL_SIZE must be a whole number from 1 to 1000"));
//! # Ok::<(), lattice_lock_errors::Error>(())
//! ```
//!
//! # Settings
//!
//! | section | key | variable | default |
//! |---|---|---|---|
//! | | `env` | `LATTICE_ENV` | `dev`; also `test`, `staging`, `production` |
//! | `database` | `url` | `LATTICE_DATABASE_URL`, else `DATABASE_URL` | `sqlite::memory:`, see [`DatabaseUrl`] |
//! | `database` | `pool_size` | `DATABASE_POOL_SIZE` | 5; from 1 to 1000 |
//! | `database` | `max_overflow` | `DATABASE_MAX_OVERFLOW` | 10; from 0 to 1000 |
//! | `database` | `echo` | `DATABASE_ECHO` | `false` |
//! | `auth` | `enabled` | | `true` |
//! | `auth` | `secret_key` | `LATTICE_LOCK_SECRET_KEY` | random; required in production and staging, see [`SigningSecret`] |
//! | `auth` | `secret_key_previous` | `LATTICE_LOCK_SECRET_KEY_PREVIOUS` | none |
//! | `auth` | `token_algorithm` | `LATTICE_LOCK_TOKEN_ALGORITHM` | `HS256`; also `EdDSA`, `ES256`, `RS256`, with a key that the program gives |
//! | `auth` | `issuer` | `LATTICE_LOCK_ISSUER` | `lattice-lock` |
//! | `auth` | `audience` | `LATTICE_LOCK_AUDIENCE` | `lattice-lock` |
//! | `auth` | `token_expiry_minutes` | `TOKEN_EXPIRY_MINUTES` | 30; up to 525600 |
//! | `auth` | `refresh_token_expire_days` | `REFRESH_TOKEN_EXPIRE_DAYS` | 7; up to 3650 |
//! | `analyzer` | `cache_size` | `ANALYZER_CACHE_SIZE` | 1024 entries; 0 is off, up to 1000000 |
//! | `orchestrator` | `max_function_calls` | `MAX_FUNCTION_CALLS` | 10 an operation; up to 1000 |
//! | `runtime` | `background_task_timeout` | `BACKGROUND_TASK_TIMEOUT` | 5.0 seconds; from 0.001 to 86400 |
//! | `providers.openai` | `api_key` | `OPENAI_API_KEY` | none |
//! | `providers.anthropic` | `api_key` | `ANTHROPIC_API_KEY` | none |
//! | `providers.google` | `api_key` | `GOOGLE_API_KEY`, else `GEMINI_API_KEY` | none |
//! | `providers.xai` | `api_key` | `XAI_API_KEY` | none |
//! | `providers.azure_openai` | `api_key` | `AZURE_OPENAI_API_KEY` | none |
//! | `providers.azure_openai` | `endpoint` | `AZURE_OPENAI_ENDPOINT` | none, see [`Endpoint`] |
//! | `providers.bedrock` | `region` | `AWS_REGION` | none; credentials come through AWS's own chain |
//! | `providers.dial` | `api_key` | `DIAL_API_KEY` | none |
//! | `providers.dial` | `endpoint` | `DIAL_ENDPOINT` | none |
//! | `providers.ollama` | `host` | `OLLAMA_HOST` | none; every form that Ollama takes |
//! | `telemetry` | `filter` | | `info`, see [`LogFilter`] |
//! | `telemetry` | `format` | | `human`; also `json` |
//!
//! # A file
//!
//! ```toml
//! env = "production"
//!
//! [database]
//! url = "postgres://db.example.com/app"
//! pool_size = 20
//!
//! [auth]
//! token_expiry_minutes = 15
//!
//! [providers.azure_openai]
//! endpoint = "https://example.openai.azure.com"
//!
//! [telemetry]
//! filter = "info,sqlx=warn"
//! format = "json"
//! ```
//!
//! With this file secrets come as variables, `LATTICE_LOCK_SECRET_KEY` and `AZURE_OPENAI_API_KEY`. They may stand
//! in it too; an error about the line of a secret names the line and never quotes it.
//!
//! # When something is wrong
//!
//! All of it is in one error. Its report, for a file with three mistakes:
//!
//! ```text
//! LL-CFG-001: the configuration has several problems
//!   01: database.pool_size (lattice.toml:2) must be a whole number from 1 to 1000, such as 5
//!   02: runtime.background_task_timeout (lattice.toml:6) must be a number of seconds from 0.001 to 86400, without a unit, such as 5.0
//!   03: database.urll (lattice.toml:3) is not a known key; did you mean database.url?
//!   cause: 3 problems with database.pool_size, runtime.background_task_timeout, database.urll
//!   remedy: correct every setting that the context names, then start again
//! ```
//!
//! A program finds the list as [`ConfigurationError`], and what is unsafe as [`SecurityConfigurationError`]. No
//! message holds anything of a value or of the file's text. An unknown name is repeated only if it is made as
//! ours are, of small letters in a file and of capitals in the environment: a secret may stand in its place.
//!
//! # For support
//!
//! [`AppConfig::effective_config`] tells every value with its source. Of secrets it tells only that they are set:
//!
//! ```text
//! database.url                     sqlite:app.db            variable DATABASE_URL
//! database.pool_size               20                       file lattice.toml:5
//! auth.secret_key                  set                      generated
//! providers.openai.api_key         unset                    default
//! ```
//!
//! # To change the signing secret
//!
//! Give the new one as `LATTICE_LOCK_SECRET_KEY` and the old one as `LATTICE_LOCK_SECRET_KEY_PREVIOUS`, and start
//! every process anew. Tokens of both are accepted and new ones are made with the first. When the last refresh
//! token of the old secret has expired, after `refresh_token_expire_days`, take the old one away.
//!
//! # In a host that has its own
//!
//! Nothing here reads the environment unless [`AppConfig::from_env`] or [`global()`] is called. A host passes what
//! it has, from wherever it has it, and says that callers are its own affair:
//!
//! ```
//! use lattice_lock_config::AppConfig;
//!
//! let from_a_vault = [("OPENAI_API_KEY".to_owned(), "sk-live-4711".to_owned())];
//! let config = AppConfig::builder()
//!     .variables(from_a_vault)
//!     .set("env", "production")
//!     .set("auth.enabled", false)
//!     .set("database.url", "postgres://db.internal/app")
//!     .build()?;
//! assert!(config.warnings().is_empty());
//! # Ok::<(), lattice_lock_errors::Error>(())
//! ```
//!
//! # What counts as given
//!
//! A variable that is empty or white space counts as not set, and so does an empty secret in a file: templates
//! leave such. An empty `LATTICE_ENV` is an error all the same. White space around a value is dropped. An unknown
//! key in the file or of [`AppConfigBuilder::set`] is an error; an unknown variable that begins with `LATTICE_`
//! is a warning, because an older version may run beside a newer one with the same variables. A mistake in the
//! file that a variable or the program hides is a warning, not an error.
//!
//! # What is an error only in production
//!
//! | | dev, test | staging | production |
//! |---|---|---|---|
//! | no signing secret | a random one, and a warning | error | error |
//! | no signing secret, `auth.enabled = false` | none | none | none |
//! | a weak signing secret | warning | error | error |
//! | in memory, `echo`, plain `http://` to another machine | | | warning |
//!
//! # What is process-wide
//!
//! Only the configuration behind [`global()`], for programs that have no better place for it. Nothing uses it
//! unasked; [`replace_global`] captures it and [`reset_global`] forgets it.

mod algorithm;
mod app;
mod authority;
mod builder;
pub mod codes;
mod credential;
mod database_url;
mod effective;
mod endpoint;
mod environment;
mod failure;
mod file;
mod global;
mod log;
mod nearest;
mod origin;
mod parse;
mod problem;
mod reading;
mod secret;
mod sections;
mod security;
mod setting;
mod shape;
mod strength;
mod value;
mod warning;

pub use algorithm::TokenAlgorithm;
pub use app::AppConfig;
pub use builder::AppConfigBuilder;
pub use database_url::{DatabaseUrl, Engine};
pub use effective::{EffectiveConfig, EffectiveSetting, EffectiveValue};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use failure::ConfigurationError;
pub use global::{global, replace_global, reset_global};
pub use log::{LogFilter, LogFormat};
pub use origin::Origin;
pub use problem::Problem;
pub use secret::SigningSecret;
pub use sections::{
    AnalyzerConfig, AuthConfig, BedrockConfig, DatabaseConfig, HostedProvider, KeyedProvider,
    OllamaConfig, OrchestratorConfig, ProvidersConfig, RuntimeConfig, TelemetryConfig,
};
pub use security::{SecretFault, SecurityConfigurationError};
pub use value::Value;
pub use warning::{Warning, WarningKind};
