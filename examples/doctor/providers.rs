//! Who could be called, and what is known of the models.

use lattice_lock::providers::{
    Catalogue, CredentialState, Gravity, KnownProvider, Provider, Registry,
};

use crate::report::{Grade, Report};

/// Looks at each known provider, and returns a registry of those that could be called.
pub(crate) fn examine(variable: &dyn Fn(&str) -> Option<String>, report: &mut Report) -> Registry {
    report.section("providers");
    let providers: Vec<_> = KnownProvider::ALL
        .iter()
        .filter_map(|known| examine_one(known, variable, report))
        .collect();
    if providers.iter().all(|provider| provider.keys().is_empty()) {
        let text = "no provider has a key: set one of the variables above";
        report.finding(Grade::Warning, text);
    }
    Registry::new(Catalogue::shipped(), providers)
}

fn examine_one(
    known: &KnownProvider,
    variable: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) -> Option<Provider> {
    let mut states = Vec::new();
    for (required, state) in known.check(variable) {
        let name = required.names().join(" or ");
        if matches!(
            state,
            CredentialState::Malformed | CredentialState::Placeholder
        ) {
            report.finding(Grade::Error, format_args!("{name} is {state}"));
        }
        states.push(format!("{name} {state}"));
    }
    let maturity = known.maturity();
    report.fact(
        known.id(),
        format_args!("{maturity}: {}", states.join(", ")),
    );
    known.configure(variable).ok()
}

/// Looks at the catalogue, and at what is to be said of those who could be called.
pub(crate) fn examine_catalogue(registry: &Registry, report: &mut Report) {
    let catalogue = registry.catalogue();
    report.section("catalogue");
    report.fact("edition", catalogue.version());
    if let Some(day) = catalogue.stale_after() {
        report.fact("good until", day);
    }
    report.fact("models", catalogue.models().len());
    for known in &KnownProvider::ALL {
        let models = catalogue.models().iter();
        let own = models.filter(|model| model.reference().provider().as_str() == known.id());
        report.fact(format_args!("of {}", known.id()), own.count());
    }
    for finding in registry.validate_today().findings() {
        let grade = match finding.gravity {
            Gravity::Error => Grade::Error,
            _ => Grade::Warning,
        };
        report.finding(grade, finding);
    }
}
