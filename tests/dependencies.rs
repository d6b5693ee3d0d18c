//! How many crates each of ours brings along.

use std::collections::BTreeSet;

use lattice_lock_tests::{Section, Test, Workspace, test};

/// The most external crates that each of ours may name, optional ones included, tests' excluded.
const DIRECT: [(&str, usize); 13] = [
    ("lattice-lock", 0),
    ("lattice-lock-analyzer", 2),
    ("lattice-lock-auth", 19),
    ("lattice-lock-billing", 10),
    ("lattice-lock-clients", 17),
    ("lattice-lock-config", 5),
    ("lattice-lock-errors", 3),
    ("lattice-lock-orchestrator", 3),
    ("lattice-lock-principal", 1),
    ("lattice-lock-providers", 9),
    ("lattice-lock-repository", 10),
    ("lattice-lock-runtime", 9),
    ("lattice-lock-testkit", 5),
];

/// The most external crates that an application gets with the facade's default features.
const FACADE: usize = 124;

/// The most crates, itself included, that a team gets which takes only the analyzer, with all its features.
const ANALYZER: usize = 20;

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(no_crate_names_more_than_its_bound),
        test!(the_facade_brings_no_more_than_its_bound),
        test!(the_analyzer_alone_brings_no_more_than_its_bound),
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
    let external = tree("lattice-lock", &[]);
    let external: Vec<_> = external
        .iter()
        .filter(|line| !line.starts_with("lattice-lock"))
        .collect();
    assert!(
        external.len() <= FACADE,
        "{} of {FACADE}: {external:#?}",
        external.len()
    );
}

fn the_analyzer_alone_brings_no_more_than_its_bound() {
    let crates = tree("lattice-lock-analyzer", &["--all-features"]);
    assert!(
        crates.len() <= ANALYZER,
        "{} of {ANALYZER}: {crates:#?}",
        crates.len()
    );
}

/// The crates that a package brings, itself included, those of tests excluded.
fn tree(package: &str, options: &[&str]) -> BTreeSet<String> {
    let workspace = Workspace::read();
    let fixed = [
        "tree",
        "--edges",
        "normal",
        "--package",
        package,
        "--prefix",
        "none",
    ];
    let tree = workspace.cargo(&[fixed.as_slice(), options].concat());
    tree.lines()
        .map(|line| line.trim().trim_end_matches(" (*)").to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}
