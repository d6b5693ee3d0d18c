//! Prints each published crate, and with it each of its public features, one pair a line: what `.ci/run` builds.

use std::io::{self, Write as _};

use lattice_lock_tests::Workspace;

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for package in Workspace::read().crates() {
        writeln!(out, "{} -", package.name)?;
        for feature in package
            .features
            .iter()
            .filter(|feature| !feature.starts_with("__"))
        {
            writeln!(out, "{} {feature}", package.name)?;
        }
    }
    Ok(())
}
