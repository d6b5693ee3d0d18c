//! Only the configuration reads the environment.

use std::fs;

use lattice_lock_tests::{Test, Workspace, rust_files, test};

/// The one crate that may.
const READER: &str = "lattice-lock-config";

/// How the environment is read.
const READS: [&str; 5] = [
    "env::var",
    "env::{",
    "env::set_var",
    "env::remove_var",
    "std::env as",
];

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(no_other_crate_reads_the_environment),
        test!(a_read_is_seen_and_a_mention_is_not),
    ]
}

fn no_other_crate_reads_the_environment() {
    for package in Workspace::read()
        .crates()
        .filter(|package| package.name != READER)
    {
        for file in rust_files(&package.folder.join("src")) {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            let read = text.lines().position(reads);
            assert_eq!(
                read.map(|line| line + 1),
                None,
                "{} reads the environment",
                file.display()
            );
        }
    }
}

fn a_read_is_seen_and_a_mention_is_not() {
    assert!(reads(r#"let home = std::env::var("HOME");"#));
    assert!(reads("use std::env::{self, var};"));
    assert!(!reads("/// Unlike `std::env::var`, it takes an iterator."));
    assert!(!reads(r#"let version = env!("CARGO_PKG_VERSION");"#));
}

fn reads(line: &str) -> bool {
    !line.trim_start().starts_with("//") && READS.iter().any(|read| line.contains(read))
}
