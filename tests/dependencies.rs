//! How many crates each of ours brings along.

use std::collections::BTreeSet;

use lattice_lock_tests::{Section, Test, Workspace, test};

/// The most external crates that each of ours may name, optional ones included, tests' excluded.
const DIRECT: [(&str, usize); 13] = [
    ("lattice-lock", 0),
    ("lattice-lock-analyzer", 2),
    ("lattice-lock-auth", 11),
    ("lattice-lock-billing", 10),
    ("lattice-lock-clients", 7),
    ("lattice-lock-config", 5),
    ("lattice-lock-errors", 3),
    ("lattice-lock-orchestrator", 3),
    ("lattice-lock-principal", 1),
    ("lattice-lock-providers", 9),
    ("lattice-lock-repository", 9),
    ("lattice-lock-runtime", 9),
    ("lattice-lock-testkit", 5),
];

/// The most external crates that an application gets with the facade's default features.
const FACADE: usize = 119;

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(no_crate_names_more_than_its_bound),
        test!(the_facade_brings_no_more_than_its_bound),
    ]
}

fn no_crate_names_more_than_its_bound() {
    let workspace = Workspace::read();
    for package in workspace.crates() {
        let bound = DIRECT.iter().find(|(name, _)| *name == package.name);
        let (_, bound) = bound.unwrap_or_else(|| panic!("{} has no bound", package.name));
        let external: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|it| it.section != Section::Dev && !workspace.is_member(&it.name))
            .map(|it| it.name.as_str())
            .collect();
        assert!(
            external.len() <= *bound,
            "{}: {} of {bound}: {external:?}",
            package.name,
            external.len()
        );
    }
}

fn the_facade_brings_no_more_than_its_bound() {
    let workspace = Workspace::read();
    let tree = workspace.cargo(&[
        "tree",
        "--edges",
        "normal",
        "--package",
        "lattice-lock",
        "--prefix",
        "none",
    ]);
    let external: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.trim().strip_suffix(" (*)").or(Some(line.trim())))
        .filter(|line| !line.is_empty() && !line.starts_with("lattice-lock"))
        .collect();
    assert!(
        external.len() <= FACADE,
        "{} of {FACADE}: {external:#?}",
        external.len()
    );
}
