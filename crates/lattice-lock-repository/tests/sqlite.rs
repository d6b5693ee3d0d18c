//! What a database promises, on a `SQLite` file.
#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::str::FromStr;
use std::time::Duration;

use lattice_lock_errors::{Code, Error, Result};
use lattice_lock_repository::{
    Database, DatabaseOptions, DatabaseStatus, Engine, Migration, MigrationSet, Scope, codes,
};
use sea_orm::{ConnectionTrait, Statement};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tempfile::TempDir;

const SETS: &[MigrationSet] = &[MigrationSet {
    name: "notes",
    migrations: &[Migration::new(1, "create", |_| {
        vec!["CREATE TABLE notes (n INTEGER PRIMARY KEY)".into()]
    })],
}];

const CHANGED: &[MigrationSet] = &[MigrationSet {
    name: "notes",
    migrations: &[Migration::new(1, "create", |_| {
        vec!["CREATE TABLE notes (n INTEGER PRIMARY KEY, m INTEGER)".into()]
    })],
}];

const BROKEN: &[MigrationSet] = &[MigrationSet {
    name: "broken",
    migrations: &[Migration::new(1, "half", |_| {
        vec![
            "CREATE TABLE half (n INTEGER)".into(),
            "CREATE NONSENSE".into(),
        ]
    })],
}];

async fn opened() -> (TempDir, Database) {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    // Long enough for many writers on a slow disk, one after another.
    let patient = DatabaseOptions::default().acquire_timeout(Duration::from_mins(1));
    let database = Database::open_with(&url, patient).await.unwrap();
    database.migrate(SETS).await.unwrap();
    (folder, database)
}

async fn insert(scope: &mut Scope<'_>, n: i64) -> Result<()> {
    let connection = scope.connection()?;
    let backend = connection.get_database_backend();
    let sql = Statement::from_sql_and_values(backend, "INSERT INTO notes VALUES (?)", [n.into()]);
    let done = connection.execute_raw(sql).await;
    done.map(drop)
        .map_err(|error| lattice_lock_repository::database_error(&error))
}

async fn count(database: &Database) -> i64 {
    let mut scope = database.reader().unwrap();
    let connection = scope.connection().unwrap();
    let sql = Statement::from_string(
        connection.get_database_backend(),
        "SELECT COUNT(*) AS n FROM notes",
    );
    connection
        .query_one_raw(sql)
        .await
        .unwrap()
        .unwrap()
        .try_get("", "n")
        .unwrap()
}

const REFUSED: Code = Code::new(
    "LL-DB-900",
    lattice_lock_errors::Kind::Invalid,
    "refused",
    "none",
);

#[tokio::test]
async fn what_returns_ok_is_committed_and_what_fails_is_not() {
    let (_folder, database) = opened().await;
    let kept = database
        .transaction(|scope| Box::pin(insert(scope, 1)))
        .await;
    assert!(kept.is_ok());
    let undone: Result<()> = database
        .transaction(|scope| {
            Box::pin(async move {
                insert(scope, 2).await?;
                Err(Error::new(REFUSED, "refused"))
            })
        })
        .await;
    assert_eq!(undone.unwrap_err().code(), REFUSED);
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_panic_and_a_dropped_future_roll_back_and_leave_the_writer_free() {
    let (_folder, database) = opened().await;
    let panicking = database.clone();
    let task = tokio::spawn(async move {
        panicking
            .transaction::<(), _>(|scope| {
                Box::pin(async move {
                    insert(scope, 1).await?;
                    panic!("on purpose")
                })
            })
            .await
    });
    assert!(task.await.unwrap_err().is_panic());

    let (entered, hold) = (
        std::sync::Arc::new(tokio::sync::Notify::new()),
        database.clone(),
    );
    let signal = std::sync::Arc::clone(&entered);
    let stuck = tokio::spawn(async move {
        hold.transaction::<(), _>(|scope| {
            let signal = std::sync::Arc::clone(&signal);
            Box::pin(async move {
                insert(scope, 2).await?;
                signal.notify_one();
                std::future::pending().await
            })
        })
        .await
    });
    entered.notified().await;
    stuck.abort();
    assert!(stuck.await.unwrap_err().is_cancelled());

    database
        .transaction(|scope| Box::pin(insert(scope, 3)))
        .await
        .unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_duplicate_key_is_a_conflict_by_its_code() {
    let (_folder, database) = opened().await;
    let put = || database.transaction(|scope| Box::pin(insert(scope, 7)));
    put().await.unwrap();
    assert_eq!(put().await.unwrap_err().code(), codes::UNIQUE_VIOLATION);
}

#[tokio::test]
async fn sixty_four_writers_all_get_their_row_in() {
    let (_folder, database) = opened().await;
    let writers: Vec<_> = (0..64)
        .map(|n| {
            let database = database.clone();
            tokio::spawn(async move {
                database
                    .transaction(move |scope| Box::pin(insert(scope, n)))
                    .await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(count(&database).await, 64);
}

#[tokio::test]
async fn migrating_twice_does_nothing_and_a_changed_step_is_refused() {
    let (_folder, database) = opened().await;
    assert_eq!(database.migrate(SETS).await.unwrap(), 0);
    assert!(database.require_migrated(SETS).await.is_ok());
    for refused in [
        database.migrate(CHANGED).await.map(drop),
        database.require_migrated(CHANGED).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), codes::MIGRATION_CHANGED);
    }
}

#[tokio::test]
async fn a_broken_step_leaves_nothing_behind() {
    let (_folder, database) = opened().await;
    assert!(database.migrate(BROKEN).await.is_err());
    let error = database.require_migrated(BROKEN).await.unwrap_err();
    assert_eq!(error.code(), codes::MIGRATION_NEEDED);
    let mut scope = database.reader().unwrap();
    assert!(
        scope
            .connection()
            .unwrap()
            .execute_unprepared("SELECT * FROM half")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn two_processes_may_migrate_at_once() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let (one, two) = (
        Database::open(&url).await.unwrap(),
        Database::open(&url).await.unwrap(),
    );
    let (first, second) = tokio::join!(one.migrate(SETS), two.migrate(SETS));
    assert_eq!(first.unwrap() + second.unwrap(), 1);
}

#[tokio::test]
async fn a_file_that_another_process_writes_to_is_contended() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let one = Database::open(&url).await.unwrap();
    one.migrate(SETS).await.unwrap();
    // Impatient with the other one, and not with a slow disk.
    let impatient = SqliteConnectOptions::from_str(&url).unwrap();
    let impatient = impatient.busy_timeout(Duration::from_millis(20));
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(impatient).await.unwrap();
    let two = Database::from_pool(pool, &DatabaseOptions::default()).unwrap();
    let refused = one
        .transaction(move |scope| {
            let two = two.clone();
            Box::pin(async move {
                insert(scope, 1).await?;
                let refused = two.transaction(|scope| Box::pin(insert(scope, 2))).await;
                Ok(refused.unwrap_err().code())
            })
        })
        .await;
    assert_eq!(refused.unwrap(), codes::TRANSACTION_CONTENDED);
    assert_eq!(count(&one).await, 1);
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_folder, database) = opened().await;
    let mut scope = database.reader().unwrap();
    assert!(insert(&mut scope, 1).await.is_err());
}

#[tokio::test]
async fn a_disposed_database_says_so() {
    let (_folder, database) = opened().await;
    assert_eq!(
        database.health(Duration::from_secs(5)).await.status,
        DatabaseStatus::Healthy
    );
    database.dispose().await;
    database.dispose().await;
    assert_eq!(
        database.reader().unwrap_err().code(),
        codes::DATABASE_DISPOSED
    );
    let health = database.health(Duration::from_secs(5)).await;
    assert_eq!(health.code, Some(codes::DATABASE_DISPOSED.as_str()));
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_unreachable() {
    let error = Database::open("sqlite:/nowhere/at/all/test.db")
        .await
        .unwrap_err();
    assert_eq!(error.code(), codes::DATABASE_UNREACHABLE);
}

#[tokio::test]
async fn in_memory_there_are_no_tables_and_nothing_to_migrate() {
    let database = Database::open("sqlite::memory:").await.unwrap();
    assert_eq!(database.engine(), Engine::Memory);
    assert_eq!(database.migrate(SETS).await.unwrap(), 0);
    let mut scope = database.reader().unwrap();
    assert_eq!(
        scope.connection().map(drop).unwrap_err().code(),
        codes::NO_TABLES
    );
}
