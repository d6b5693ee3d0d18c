//! How databases are opened, borrowed and closed.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod server;

use std::task::{Context, Waker};
use std::time::Duration;

use lattice_lock_repository::{Database, DatabaseOptions, DatabaseStatus, Engine, codes};
use server::{execute, number};
use tempfile::TempDir;

fn url(folder: &TempDir) -> String {
    format!("sqlite:{}", folder.path().join("in/test.db").display())
}

fn hasty() -> DatabaseOptions {
    DatabaseOptions::default()
        .acquire_timeout(Duration::from_millis(200))
        .connect_timeout(Duration::from_millis(500))
}

#[tokio::test]
async fn lazily_opened_a_database_is_reached_on_its_first_use() {
    let folder = TempDir::new().unwrap();
    let options = DatabaseOptions::default().lazy();
    let database = Database::open_with(&url(&folder), options).await.unwrap();
    let refused = execute(&database, "CREATE TABLE a (n INTEGER)").await;
    assert_eq!(refused.unwrap_err().code(), codes::DATABASE_UNREACHABLE);
    std::fs::create_dir(folder.path().join("in")).unwrap();
    execute(&database, "CREATE TABLE a (n INTEGER)")
        .await
        .unwrap();
    database.dispose().await;
}

#[tokio::test]
async fn a_first_use_that_is_left_alone_holds_nobody_up() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let options = DatabaseOptions::default().lazy();
    let database = Database::open_with(&url(&folder), options).await.unwrap();
    let (mut first, mut second) = (database.reader().unwrap(), database.reader().unwrap());
    let mut left = Box::pin(number(&mut first, "SELECT 1 AS n"));
    let begun = left
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending();
    assert!(begun);
    let other = number(&mut second, "SELECT 2 AS n");
    let other = tokio::time::timeout(Duration::from_secs(8), other).await;
    assert_eq!(other.unwrap(), 2);
    assert_eq!(left.await, 1);
}

#[tokio::test]
async fn a_database_that_is_not_up_yet_is_waited_for_and_no_longer() {
    let folder = TempDir::new().unwrap();
    let short = hasty().wait_for_start(Duration::from_millis(300));
    let refused = Database::open_with(&url(&folder), short).await.unwrap_err();
    assert_eq!(refused.code(), codes::DATABASE_UNREACHABLE);

    let patient = hasty().wait_for_start(Duration::from_mins(1));
    let address = url(&folder);
    let opening = tokio::spawn(async move { Database::open_with(&address, patient).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::create_dir(folder.path().join("in")).unwrap();
    opening.await.unwrap().unwrap().dispose().await;
}

#[tokio::test]
async fn a_borrowed_pool_is_used_and_left_open() {
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    let database = Database::from_pool(pool.clone(), &hasty()).unwrap();
    assert_eq!(database.engine(), Engine::Sqlite);
    execute(&database, "CREATE TABLE a (n INTEGER)")
        .await
        .unwrap();
    database.dispose().await;
    assert_eq!(
        database.writer().unwrap_err().code(),
        codes::DATABASE_DISPOSED
    );
    let rows = sqlx::query("INSERT INTO a VALUES (1)")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(rows.rows_affected(), 1);
}

#[tokio::test]
async fn with_every_connection_taken_health_is_answered_in_time() {
    let database = Database::sqlite_in_memory().await.unwrap();
    let deadline = Duration::from_millis(200);
    let health = database
        .transaction(|_| Box::pin(async { Ok(database.health(deadline).await) }))
        .await
        .unwrap();
    assert_eq!(health.status, DatabaseStatus::Unhealthy);
    assert_eq!(health.code, Some(codes::DATABASE_UNREACHABLE.as_str()));
    assert_eq!(health.writers.unwrap().used, 1);
    assert_eq!(database.health(Duration::from_secs(9)).await.code, None);
}

#[tokio::test]
async fn every_connection_has_its_pragmas() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let database = Database::open(&url(&folder)).await.unwrap();
    for (pragma, reader, writer) in [
        ("synchronous", 2, 2),
        ("foreign_keys", 1, 1),
        ("busy_timeout", 10_000, 10_000),
        ("query_only", 1, 0),
    ] {
        let sql = match pragma {
            "busy_timeout" => "SELECT timeout AS n FROM pragma_busy_timeout".to_owned(),
            _ => format!("SELECT {pragma} AS n FROM pragma_{pragma}"),
        };
        assert_eq!(number(&mut database.reader().unwrap(), &sql).await, reader);
        assert_eq!(number(&mut database.writer().unwrap(), &sql).await, writer);
    }
    database.dispose().await;
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_is_refused_at_once_and_the_password_stays_secret() {
    let known = async |url: String| {
        let (server, _) = url.rsplit_once('/').unwrap();
        let (_, place) = server.rsplit_once('@').unwrap();
        let wrong = format!("postgres://postgres:hunter2@{place}/lattice_no_such_database");
        let patient = DatabaseOptions::default().wait_for_start(Duration::from_mins(10));
        let refused = Database::open_with(&wrong, patient).await.unwrap_err();
        assert_eq!(refused.code(), codes::DATABASE_REFUSED, "{refused:?}");
        assert!(!format!("{refused:?} {}", refused.report()).contains("hunter2"));
    };
    server::POSTGRES.run_url(known).await;
}
