//! A PostgreSQL server of a test's own, which it may kill.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::unprivileged;

/// Runs in a folder that is removed with it.
pub(crate) struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// None where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            unprivileged::missing("PostgreSQL");
            return None;
        };
        let folder = TempDir::new().unwrap();
        unprivileged::own(folder.path());
        let cluster = Self {
            port: unprivileged::port(),
            folder,
            programs,
        };
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

    fn command(&self, program: &str) -> Command {
        unprivileged::command(&self.programs.join(program), self.folder.path())
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
