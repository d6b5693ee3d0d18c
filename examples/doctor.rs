//! Looks at everything that a start needs: providers and their credentials, models, the catalogue's date, the
//! configuration, and the database. No value of a credential is shown, and no provider is called.

use std::process::ExitCode;

use lattice_lock::config::AppConfig;
use lattice_lock_examples::{heading, misused, note, row};

#[path = "doctor/database.rs"]
mod database;
#[path = "doctor/providers.rs"]
mod providers;
#[path = "doctor/report.rs"]
mod report;

use report::{Grade, Report};

const USAGE: &str = "\
Usage: cargo run --example doctor -- [--json]

  --json  print one JSON object

It ends with 0 if all is well, 1 if something may not be as it should, and 2 if something cannot work.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let is_json = match arguments.as_slice() {
        [] => false,
        ["--json"] => true,
        ["--help" | "-h"] => {
            anstream::println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => return misused("unknown arguments", USAGE),
    };
    let report = examine(&|name| std::env::var(name).ok()).await;
    if is_json {
        anstream::println!("{}", report.json());
    } else {
        print(&report);
    }
    ExitCode::from(report.worst().exit_code())
}

/// Everything that can be looked at without calling a provider.
async fn examine(variable: &dyn Fn(&str) -> Option<String>) -> Report {
    let mut report = Report::default();
    report.section("versions");
    report.fact("lattice-lock", env!("CARGO_PKG_VERSION"));
    let registry = providers::examine(variable, &mut report);
    providers::examine_catalogue(&registry, &mut report);
    report.section("configuration");
    match AppConfig::from_env() {
        Ok(config) => {
            report.fact("environment", config.environment());
            for warning in config.warnings() {
                report.finding(Grade::Warning, warning);
            }
            database::examine(&config, &mut report).await;
        }
        Err(error) => report.finding(Grade::Error, &error),
    }
    report
}

fn print(report: &Report) {
    for section in report.sections() {
        heading(section.name);
        for (name, value) in &section.facts {
            row(name, value);
        }
        for (grade, text) in &section.findings {
            row(grade.as_str(), text);
        }
    }
    anstream::println!();
    note(match report.worst() {
        Grade::Good => "All is well.",
        Grade::Warning => "It can start, and something may not be as it should.",
        Grade::Error => "Something cannot work.",
    });
}
