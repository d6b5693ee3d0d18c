//! Error codes are unique, and documented as they are.

use lattice_lock::errors::{duplicates, markdown};
use lattice_lock_tests::{Test, Workspace, test};

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(no_two_crates_have_the_same_code),
        test!(the_document_is_what_the_code_says),
        test!(every_crate_with_codes_is_listed),
    ]
}

fn no_two_crates_have_the_same_code() {
    let codes = lattice_lock::codes();
    assert_eq!(duplicates(&codes), Vec::<&str>::new());
}

fn the_document_is_what_the_code_says() {
    let path = Workspace::read().root().join("docs/errors.md");
    let written = std::fs::read_to_string(&path).expect("docs/errors.md can be read");
    assert!(
        written == markdown(lattice_lock::codes()),
        "docs/errors.md is out of date: cargo run -p lattice-lock-tests --bin errors-doc > docs/errors.md"
    );
}

/// The facade joins the lists by hand: one that it forgets would be neither documented nor checked.
fn every_crate_with_codes_is_listed() {
    let listed = lattice_lock::codes();
    for package in Workspace::read().crates() {
        let Ok(text) = std::fs::read_to_string(package.folder.join("src/codes.rs")) else {
            continue;
        };
        let declared = text.lines().filter_map(|line| line.split_once("= \"LL-"));
        for (_, code) in declared {
            let code = format!("LL-{}", code.split('"').next().unwrap_or_default());
            assert!(
                listed.iter().any(|known| known.as_str() == code),
                "{code} of {} is not in lattice_lock::codes()",
                package.name
            );
        }
    }
}
