//! The contract, held against every store with the same tests.
#![cfg(feature = "contract")]
#![cfg_attr(
    any(feature = "sqlite", feature = "postgres", feature = "mysql"),
    expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")
)]

#[cfg(feature = "postgres")]
mod pooler;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server;
#[cfg(feature = "postgres")]
mod unprivileged;

use std::sync::Arc;

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use lattice_lock_repository::TableRepository;
use lattice_lock_repository::contract::{Fact, Subject};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use lattice_lock_repository::contract::{NOTES, NoteTable};

#[cfg(feature = "sqlite")]
use lattice_lock_repository::DatabaseOptions;
#[cfg(feature = "postgres")]
use lattice_lock_repository::codes;
use lattice_lock_repository::{Database, MemoryRepository, repository_contract};

repository_contract!(memory, crate::in_memory);
#[cfg(feature = "sqlite")]
repository_contract!(sqlite_file, crate::in_a_file);
#[cfg(feature = "sqlite")]
repository_contract!(sqlite_memory, crate::in_sqlite_memory);
#[cfg(feature = "postgres")]
repository_contract!(postgres, crate::on_postgres);
#[cfg(feature = "postgres")]
repository_contract!(pgbouncer, crate::behind_pgbouncer);
#[cfg(feature = "mysql")]
repository_contract!(mysql, crate::on_mysql);

async fn in_memory(fact: Fact) {
    let notes = Arc::new(MemoryRepository::new());
    Subject::new(Database::in_memory(), notes).hold(fact).await;
}

/// The contract's notes in the tables of a database.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
async fn in_tables(database: Database, fact: Fact) {
    database.migrate(NOTES).await.unwrap();
    let notes = Arc::new(TableRepository::<NoteTable>::new());
    Subject::new(database, notes).hold(fact).await;
}

#[cfg(feature = "sqlite")]
async fn in_a_file(fact: Fact) {
    let folder = tempfile::TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("notes.db").display());
    // Long enough for many writers on a slow disk, one after another.
    let options = DatabaseOptions::default().acquire_timeout(std::time::Duration::from_mins(1));
    in_tables(Database::open_with(&url, options).await.unwrap(), fact).await;
}

#[cfg(feature = "sqlite")]
async fn in_sqlite_memory(fact: Fact) {
    in_tables(Database::sqlite_in_memory().await.unwrap(), fact).await;
}

#[cfg(feature = "postgres")]
async fn on_postgres(fact: Fact) {
    server::POSTGRES
        .run(|database| in_tables(database, fact))
        .await;
}

/// In transaction mode, with fewer connections to the server than there are to it.
#[cfg(feature = "postgres")]
async fn behind_pgbouncer(fact: Fact) {
    server::POSTGRES
        .run_url(|url| async move {
            let Some(pooler) = pooler::Pooler::start(&url, 5, 200) else {
                return;
            };
            in_tables(Database::open(pooler.url()).await.unwrap(), fact).await;
        })
        .await;
}

#[cfg(feature = "mysql")]
async fn on_mysql(fact: Fact) {
    server::MYSQL
        .run(|database| in_tables(database, fact))
        .await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_pooler_that_mixes_up_statements_is_told_from_a_statement_that_failed() {
    server::POSTGRES
        .run_url(|url| async move {
            let Some(pooler) = pooler::Pooler::start(&url, 1, 0) else {
                return;
            };
            let mut outcomes = Vec::new();
            for _ in 0..2 {
                outcomes.push(Database::open(pooler.url()).await);
            }
            let confused = outcomes.pop().unwrap().unwrap_err();
            assert_eq!(confused.code(), codes::STATEMENTS_LOST, "{confused:?}");
            outcomes.pop().unwrap().unwrap();
        })
        .await;
}
