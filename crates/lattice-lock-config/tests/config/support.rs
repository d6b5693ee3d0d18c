use std::io::Write;

use lattice_lock_config::{AppConfig, AppConfigBuilder, Problem, Warning, WarningKind};
use lattice_lock_errors::{Error, Result};
use tempfile::NamedTempFile;

/// 32 random bytes in base64, made for these tests.
pub(crate) const STRONG: &str = "q0Zk3mB7xW1yVtR9uHc5aLd8eNf2gJp6sTiXoQwYhK4=";

pub(crate) type Variables<'a> = &'a [(&'a str, &'a str)];

pub(crate) fn with(variables: Variables<'_>) -> Result<AppConfig> {
    AppConfig::builder()
        .variables(variables.iter().copied())
        .build()
}

pub(crate) fn with_file(text: &str, variables: Variables<'_>) -> Result<AppConfig> {
    let file = file(text);
    over(&file).variables(variables.iter().copied()).build()
}

pub(crate) fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("room for it");
    file
}

pub(crate) fn over(file: &NamedTempFile) -> AppConfigBuilder {
    AppConfig::builder().file(file.path())
}

pub(crate) fn problems(error: &Error) -> &[Problem] {
    error
        .find::<lattice_lock_config::ConfigurationError>()
        .expect("the typed list of problems")
        .problems()
}

pub(crate) fn kinds(config: &AppConfig) -> Vec<WarningKind> {
    config.warnings().iter().map(Warning::kind).collect()
}

pub(crate) fn origin(config: &AppConfig, key: &str) -> String {
    config
        .effective_config()
        .find(key)
        .expect("a known key")
        .origin()
        .to_string()
}

pub(crate) fn shown(config: &AppConfig, key: &str) -> String {
    config
        .effective_config()
        .find(key)
        .expect("a known key")
        .value()
        .to_string()
}

/// Every text that an error can be turned into.
pub(crate) fn everything_said_by(error: &Error) -> String {
    let first: &(dyn std::error::Error + 'static) = error;
    let causes = std::iter::successors(Some(first), |cause| cause.source());
    let mut said: Vec<_> = causes
        .map(|cause| format!("{cause} {cause:?} {cause:#?}"))
        .collect();
    said.push(error.report().to_string());
    said.push(serde_json::to_string(&error.record()).expect("a record is plain data"));
    said.push(format!("{:?}", problems(error)));
    said.push(serde_json::to_string(problems(error)).expect("a problem is plain data"));
    said.join(" ")
}

/// Every text that a configuration can be turned into.
pub(crate) fn everything_shown_by(config: &AppConfig) -> String {
    let effective = config.effective_config();
    format!(
        "{config:?} {config:#?} {effective} {effective:?} {} {:?} {:?}",
        serde_json::to_string(&effective).expect("plain data"),
        config.warnings(),
        config
            .warnings()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    )
}
