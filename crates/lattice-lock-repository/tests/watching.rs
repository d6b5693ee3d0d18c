//! What is said in the log about statements.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_repository::{Database, DatabaseOptions};
use sea_orm::{ConnectionTrait, Statement};
use tempfile::TempDir;

const SECRET: &str = "hunter2-4711";

/// What was written, shared between the writer and the test.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this thread logs, at any level and from any crate, while a secret is written and read with these options.
async fn logged(options: DatabaseOptions) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .finish();
    let guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    write_and_read(options).await;
    drop(guard);
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

async fn write_and_read(options: DatabaseOptions) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let database = Database::open_with(&url, options).await.unwrap();
    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    let backend = connection.get_database_backend();
    let bound = |sql| Statement::from_sql_and_values(backend, sql, [SECRET.into()]);
    let create = format!("CREATE TABLE secrets (s TEXT DEFAULT '{SECRET}')");
    connection.execute_unprepared(&create).await.unwrap();
    let insert = bound("INSERT INTO secrets VALUES (?)");
    connection.execute_raw(insert).await.unwrap();
    let select = bound("SELECT s FROM secrets WHERE s = ?");
    assert_eq!(connection.query_all_raw(select).await.unwrap().len(), 1);
    let wrong = bound("SELECT nothing FROM secrets WHERE s = ?");
    assert!(connection.query_all_raw(wrong).await.is_err());
    drop(scope);
    database.dispose().await;
}

#[tokio::test]
async fn an_echo_shows_statements_and_never_values() {
    let log = logged(DatabaseOptions::default().echo(true)).await;
    assert!(log.contains("INSERT INTO secrets VALUES (?)"), "{log}");
    assert!(log.contains("SELECT s FROM secrets WHERE s = ?"), "{log}");
    assert!(log.contains("CREATE"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn without_echo_no_statement_is_shown() {
    let log = logged(DatabaseOptions::default()).await;
    assert!(!log.contains("INSERT INTO secrets"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn a_slow_statement_is_warned_of() {
    let at_once = DatabaseOptions::default().slow_statement(Some(Duration::ZERO));
    let log = logged(at_once).await;
    let warned = |line: &str| line.contains("WARN") && line.contains("slow statement");
    assert_eq!(log.lines().filter(|line| warned(line)).count(), 4, "{log}");
    assert!(!log.contains(SECRET), "{log}");
    let never = logged(DatabaseOptions::default().slow_statement(None)).await;
    assert!(!never.lines().any(warned), "{never}");
}
