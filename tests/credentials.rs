//! The configuration and the providers agree on the variables in which credentials stand.

use lattice_lock::AppConfig;
use lattice_lock::config::{EffectiveSetting, Origin};
use lattice_lock::providers::{KnownProvider, Requirement};
use lattice_lock_tests::{Test, test};

pub(crate) fn tests() -> Vec<Test> {
    vec![test!(whatever_a_provider_needs_can_be_configured)]
}

fn whatever_a_provider_needs_can_be_configured() {
    for known in &KnownProvider::ALL {
        for name in known.requirements().iter().flat_map(Requirement::names) {
            let is_read = ["key-4711-0815", "https://host.example", "eu-central-1"]
                .iter()
                .any(|value| is_read(name, value));
            assert!(is_read, "{} needs {name}, which nothing reads", known.id());
        }
    }
}

/// Whether some setting has its value from this variable.
fn is_read(name: &str, value: &str) -> bool {
    let config = AppConfig::builder().variables([(name, value)]).build();
    config.is_ok_and(|config| {
        let effective = config.effective_config();
        let mut origins = effective.settings().iter().map(EffectiveSetting::origin);
        origins.any(|origin| matches!(origin, Origin::Variable(variable) if *variable == name))
    })
}
