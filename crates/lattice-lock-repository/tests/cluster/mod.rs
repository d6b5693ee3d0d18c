//! A PostgreSQL server of a test's own, which it may kill.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Runs in a folder that is removed with it.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Where PostgreSQL is not installed, says so loudly; with `LATTICE_TEST_REQUIRE_SERVERS` set, as in CI, fails.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            let required = std::env::var_os("LATTICE_TEST_REQUIRE_SERVERS").is_some();
            assert!(!required, "PostgreSQL is required and not installed");
            #[expect(
                clippy::print_stderr,
                reason = "whoever runs the tests must see what was not held"
            )]
            {
                eprintln!("SKIPPED: no PostgreSQL to start");
            }
            return None;
        };
        let folder = TempDir::new().unwrap();
        if is_root() {
            let owner = Command::new("chown")
                .arg("postgres")
                .arg(folder.path())
                .status();
            assert!(owner.unwrap().success());
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let cluster = Self {
            port: free.local_addr().unwrap().port(),
            folder,
            programs,
        };
        drop(free);
        let data = cluster.data();
        cluster.run("initdb", &["-U", "postgres", "-A", "trust", "-D", &data]);
        cluster.restart();
        Some(cluster)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// As a crash would: without finishing anything.
    pub(crate) fn kill(&self) {
        self.run("pg_ctl", &["stop", "-m", "immediate", "-D", &self.data()]);
    }

    pub(crate) fn restart(&self) {
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''",
            self.port
        );
        let log = self.folder.path().join("log").display().to_string();
        let data = self.data();
        self.run(
            "pg_ctl",
            &["start", "-w", "-D", &data, "-l", &log, "-o", &settings],
        );
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = self.command(program).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{program}: {said}");
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir(self.folder.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self
            .command("pg_ctl")
            .args(["stop", "-m", "immediate", "-D", &data])
            .output();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.starts_with(b"0")
}

/// Where the newest PostgreSQL keeps its programs: on the path, or where packages put them.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    if let Ok(versions) = Path::new("/usr/lib/postgresql").read_dir() {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.sort();
    folders
        .into_iter()
        .rfind(|folder| folder.join("initdb").exists())
}
