//! A MariaDB server of a test's own, which it may kill.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::unprivileged;

const SERVER: &str = "/usr/sbin/mariadbd";

/// Runs in a folder that is removed with it.
pub(crate) struct MariaDb {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    process: Mutex<Option<Child>>,
}

impl MariaDb {
    /// Where MariaDB is not installed, says so loudly; with `LATTICE_TEST_REQUIRE_SERVERS` set, as in CI, fails.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        if !Path::new(SERVER).exists() {
            unprivileged::missing("MariaDB");
            return None;
        }
        let folder = TempDir::new().unwrap();
        let data = folder.path().join("data");
        let made = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .arg("--user=root")
            .arg(format!("--datadir={}", data.display()))
            // Two that are made at a time would remove each other's temporary tables.
            .arg(format!("--tmpdir={}", folder.path().display()))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let server = Self {
            port: unprivileged::port(),
            folder,
            settings: settings.iter().map(|it| (*it).to_owned()).collect(),
            process: Mutex::new(None),
        };
        server.restart();
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}/mysql", self.port)
    }

    /// As a crash would: without finishing anything.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Waits until it has finished everything, once it was asked to.
    pub(crate) fn wait(&self) {
        if let Some(mut process) = self.process.lock().unwrap().take() {
            process.wait().unwrap();
        }
    }

    pub(crate) fn restart(&self) {
        let folder = self.folder.path().display();
        let process = Command::new(SERVER)
            .args([
                "--no-defaults",
                "--user=root",
                "--skip-networking=0",
                "--bind-address=127.0.0.1",
            ])
            .arg(format!("--datadir={folder}/data"))
            .arg(format!("--tmpdir={folder}"))
            .arg(format!("--socket={folder}/socket"))
            .arg(format!("--port={}", self.port))
            .args(&self.settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *self.process.lock().unwrap() = Some(process);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "MariaDB did not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
    }
}
