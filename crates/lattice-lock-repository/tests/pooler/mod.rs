//! A `PgBouncer` of a test's own, in transaction mode.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use crate::unprivileged;

/// Stands in front of a server; stopped and removed with it.
pub(crate) struct Pooler {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Pooler {
    /// In front of the server of this URL, with `connections` to it, fewer than its clients have, and room for so many
    /// prepared `statements`; none where `PgBouncer` is not installed.
    pub(crate) fn start(url: &str, connections: u32, statements: u32) -> Option<Self> {
        let Some(program) = program() else {
            unprivileged::missing("PgBouncer from 1.21 on");
            return None;
        };
        let mut server = url.parse::<PgConnectOptions>().unwrap().to_url_lossy();
        let folder = TempDir::new().unwrap();
        let port = unprivileged::port();
        let settings = folder.path().join("pgbouncer.ini");
        let host = server.host_str().unwrap();
        // An empty one is an error.
        let password = server
            .password()
            .map_or_else(String::new, |it| format!(" password='{it}'"));
        let text = format!(
            "[databases]\n\
             * = host={host} port={} user={}{password}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             pool_mode = transaction\n\
             default_pool_size = {connections}\n\
             max_prepared_statements = {statements}\n\
             ignore_startup_parameters = extra_float_digits\n",
            server.port().unwrap_or(5432),
            server.username(),
        );
        std::fs::write(&settings, text).unwrap();
        // Whoever it runs as may not enter the folder where it is installed.
        let copy = folder.path().join("pgbouncer");
        std::fs::copy(program, &copy).unwrap();
        unprivileged::own(folder.path());
        let process = unprivileged::command(&copy, folder.path())
            .arg(&settings)
            .stderr(Stdio::null())
            .spawn();
        let process = process.unwrap();
        server.set_host(Some("127.0.0.1")).unwrap();
        server.set_port(Some(port)).unwrap();
        let pooler = Self {
            process,
            url: server.into(),
            _folder: folder,
        };
        await_port(port);
        Some(pooler)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn await_port(port: u16) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "PgBouncer does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Named by the environment, or on the path. Older ones, such as Debian 12's, do not know prepared statements.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("LATTICE_TEST_PGBOUNCER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&path).map(|folder| folder.join("pgbouncer"));
    named.into_iter().chain(installed).find(|program| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|version| is_new_enough(&version.stdout))
    })
}

/// `PgBouncer 1.24.1`, and more lines.
fn is_new_enough(version: &[u8]) -> bool {
    let text = String::from_utf8_lossy(version);
    let number = text.split_whitespace().nth(1).unwrap_or_default();
    let mut parts = number.split('.').map(|part| part.parse().unwrap_or(0_u32));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    (major, minor) >= (1, 21)
}
