//! Servers of a test's own, which refuse to run as root.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// A program that works in this folder, as PostgreSQL's user if this is root.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
        .arg(program)
        .current_dir(folder);
    command
}

/// Gives the folder to whom [`command`] runs as.
pub(crate) fn own(folder: &Path) {
    if is_root() {
        let owner = Command::new("chown").arg("postgres").arg(folder).status();
        assert!(owner.unwrap().success());
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0")
}

/// A port for a server that is started, killed and started again. It is none of those that the system gives to
/// connections, which could have it meanwhile.
pub(crate) fn port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 20_000).unwrap();
    std::iter::repeat_with(|| first + TAKEN.fetch_add(1, Ordering::Relaxed))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

/// A server's program that is not installed: says so loudly; with `LATTICE_TEST_REQUIRE_SERVERS` set, as in CI, fails.
#[expect(
    clippy::print_stderr,
    reason = "whoever runs the tests must see what was not held"
)]
pub(crate) fn missing(program: &str) {
    let required = std::env::var_os("LATTICE_TEST_REQUIRE_SERVERS").is_some();
    assert!(!required, "{program} is required and not installed");
    eprintln!("SKIPPED: no {program} to start");
}
