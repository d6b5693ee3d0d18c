//! Where the ledger would be kept.

use std::time::Duration;

use lattice_lock::config::AppConfig;
use lattice_lock::repository::{Database, DatabaseStatus, Engine};

use crate::report::{Grade, Report};

const PATIENCE: Duration = Duration::from_secs(3);

/// Whether this build can open the configured database, and whether it answers.
pub(crate) async fn examine(config: &AppConfig, report: &mut Report) {
    let url = &config.database().url;
    report.section("database");
    report.fact("url", url.redacted());
    let engine = match Engine::of_url(url.expose()) {
        Ok(engine) => engine,
        Err(error) => return report.finding(Grade::Error, &error),
    };
    report.fact("engine", engine.as_str());
    if !engine.is_built() {
        let text = format_args!(
            "this build has no driver for it: enable the feature {}",
            engine.as_str()
        );
        return report.finding(Grade::Error, text);
    }
    match Database::open(url.expose()).await {
        Ok(database) => answer(&database, report).await,
        Err(error) => report.finding(Grade::Error, &error),
    }
}

async fn answer(database: &Database, report: &mut Report) {
    let health = database.health(PATIENCE).await;
    if let Some(version) = &health.version {
        report.fact("version", version);
    }
    if let Some(read) = health.read {
        report.fact("answers in", format_args!("{} µs", read.as_micros()));
    }
    if health.status != DatabaseStatus::Healthy {
        let code = health.code.unwrap_or("no code");
        report.finding(
            Grade::Error,
            format_args!("the database does not answer ({code})"),
        );
    }
    database.dispose().await;
}
