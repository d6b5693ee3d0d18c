//! The tables in the documentation say what the code does.

use std::collections::BTreeMap;

use lattice_lock_providers::{Blame, FailureClass, KnownProvider, Requirement};

const PAGE: &str = include_str!("../../../../docs/providers.md");

#[test]
fn the_table_of_providers_is_that_of_the_code() {
    for known in &KnownProvider::ALL {
        let names = |required: &Requirement| {
            let names = required.names().iter().map(|name| format!("`{name}`"));
            names.collect::<Vec<_>>().join(" or ")
        };
        let needs = known.requirements().iter().map(names).collect::<Vec<_>>();
        let head = format!(
            "| {} | {} | {} | ",
            known.id(),
            known.aliases().join(", "),
            known.maturity()
        );
        let row = PAGE.lines().find(|line| line.starts_with(&head));
        let row = row.unwrap_or_else(|| panic!("{head}"));
        assert!(needs.iter().all(|name| row.contains(name)), "{row}");
    }
}

#[test]
fn the_table_of_failures_is_that_of_the_code() {
    let mut blamed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for class in FailureClass::ALL {
        let whom = match class.blame() {
            Blame::Host => "the host",
            Blame::Model => "the model",
            Blame::Pace => "the pace",
            Blame::Key => "the key",
            Blame::Call => "the call",
            other => panic!("{other:?}"),
        };
        blamed
            .entry(whom)
            .or_default()
            .push(class.as_str().replace('_', " "));
    }
    for (whom, classes) in blamed {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| {whom} |")))
            .unwrap();
        let told = row.split('|').nth(2).unwrap().trim();
        let mut told: Vec<_> = told.split(", ").collect();
        told.sort_unstable();
        let mut classes: Vec<_> = classes.iter().map(String::as_str).collect();
        classes.sort_unstable();
        assert_eq!(told, classes, "{whom}");
    }
}
