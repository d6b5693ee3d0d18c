//! Prints `docs/errors.md`, made from the codes of every crate.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let text = lattice_lock::errors::markdown(lattice_lock::codes());
    std::io::stdout().write_all(text.as_bytes())
}
