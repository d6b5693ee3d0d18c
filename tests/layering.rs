//! Dependencies between our crates point down only.

use lattice_lock_tests::{Dependency, Section, Test, Workspace, test};

/// The layer of each crate. One depends on layers below its own, never on its own layer or above.
const LAYERS: [(&str, u8); 13] = [
    ("lattice-lock-errors", 0),
    ("lattice-lock-analyzer", 1),
    ("lattice-lock-config", 1),
    ("lattice-lock-principal", 1),
    ("lattice-lock-runtime", 1),
    ("lattice-lock-providers", 2),
    ("lattice-lock-repository", 2),
    ("lattice-lock-auth", 3),
    ("lattice-lock-billing", 3),
    ("lattice-lock-clients", 3),
    ("lattice-lock-orchestrator", 4),
    ("lattice-lock", 5),
    ("lattice-lock-gateway", 6),
];

/// The honest second account: it depends on none of ours, and ours need it in tests only.
const TESTKIT: &str = "lattice-lock-testkit";

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(dependencies_point_down),
        test!(every_crate_has_a_layer),
        test!(private_packages_see_only_the_facade_and_the_testkit),
        test!(dev_dependencies_on_our_crates_have_no_version),
        test!(an_arrow_that_points_up_is_seen),
    ]
}

fn dependencies_point_down() {
    let workspace = Workspace::read();
    for package in workspace.crates() {
        let ours = package
            .dependencies
            .iter()
            .filter(|dependency| workspace.is_member(&dependency.name));
        let wrong: Vec<_> = ours
            .filter(|dependency| !points_down(&package.name, dependency))
            .collect();
        assert!(wrong.is_empty(), "{} depends on {wrong:?}", package.name);
    }
}

fn every_crate_has_a_layer() {
    for package in Workspace::read().crates() {
        let is_known = package.name == TESTKIT || layer(&package.name).is_some();
        assert!(is_known, "{} has no layer", package.name);
        assert_eq!(
            package.folder.file_name(),
            Some(package.name.as_ref()),
            "the folder is the name"
        );
    }
}

fn private_packages_see_only_the_facade_and_the_testkit() {
    let workspace = Workspace::read();
    for name in ["lattice-lock-examples", "lattice-lock-tests"] {
        for dependency in &workspace.package(name).dependencies {
            let is_allowed = ["lattice-lock", TESTKIT, name].contains(&dependency.name.as_str());
            assert!(
                is_allowed || !workspace.is_member(&dependency.name),
                "{name}: {dependency:?}"
            );
        }
    }
}

/// With a version, `cargo package` would look for a crate that is not published yet.
fn dev_dependencies_on_our_crates_have_no_version() {
    let workspace = Workspace::read();
    for package in workspace.crates() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| it.section == Section::Dev)
        {
            let is_ours = workspace.is_member(&dependency.name);
            assert!(
                !(is_ours && dependency.has_version),
                "{}: {dependency:?}",
                package.name
            );
        }
    }
}

fn an_arrow_that_points_up_is_seen() {
    let check = |from: &str, to: &str, section: Section, expected: bool| {
        let dependency = Dependency::new(to, section);
        assert_eq!(points_down(from, &dependency), expected, "{from} -> {to}");
    };
    check(
        "lattice-lock-billing",
        "lattice-lock-errors",
        Section::Normal,
        true,
    );
    check(
        "lattice-lock-errors",
        "lattice-lock-billing",
        Section::Normal,
        false,
    );
    check(
        "lattice-lock-errors",
        "lattice-lock-billing",
        Section::Dev,
        false,
    );
    check(
        "lattice-lock-billing",
        "lattice-lock-auth",
        Section::Build,
        false,
    );
    check("lattice-lock-billing", TESTKIT, Section::Dev, true);
    check("lattice-lock-billing", TESTKIT, Section::Normal, false);
    check(TESTKIT, "lattice-lock-errors", Section::Dev, false);
}

fn points_down(from: &str, dependency: &Dependency) -> bool {
    let is_test_tool = dependency.name == TESTKIT && dependency.section == Section::Dev;
    let layers = layer(from).zip(layer(&dependency.name));
    is_test_tool && from != TESTKIT || layers.is_some_and(|(from, to)| to < from)
}

fn layer(name: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, layer)| *layer)
}
