//! Every example is declared, so that every build builds it.

use lattice_lock_tests::{Test, Workspace, test};

pub(crate) fn tests() -> Vec<Test> {
    vec![test!(every_file_is_declared)]
}

fn every_file_is_declared() {
    let workspace = Workspace::read();
    let package = workspace.package("lattice-lock-examples");
    let files = std::fs::read_dir(&package.folder).expect("the folder of a package can be read");
    for file in files.flatten().map(|entry| entry.path()) {
        if file.extension().is_some_and(|extension| extension == "rs") {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            let is_declared = package.examples.iter().any(|declared| *declared == name);
            assert!(
                is_declared,
                "examples/{name}.rs is not in examples/Cargo.toml"
            );
        }
    }
}
