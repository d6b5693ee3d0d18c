//! What a database promises, on servers that tests may use.
#![cfg(any(feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod server;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_repository::{
    Database, DatabaseOptions, Engine, Isolation, Migration, MigrationSet, Scope,
    TransactionOptions, codes, database_error,
};
use sea_orm::ConnectionTrait;
use server::{execute, number};

/// For what takes no time but on a machine that is busy or stands still for a while. Less than MariaDB waits for a lock.
const PATIENCE: Duration = Duration::from_secs(40);

const SETS: &[MigrationSet] = &[MigrationSet {
    name: "notes",
    migrations: &[Migration::new(1, "create", |_| {
        vec!["CREATE TABLE IF NOT EXISTS notes (n BIGINT PRIMARY KEY)".into()]
    })],
}];

/// The address of a database, as several processes would open it.
struct Server(String);

impl Server {
    async fn open(&self, connections: u32) -> Database {
        let options = DatabaseOptions::default().pool_size(connections);
        Database::open_with(&self.0, options).await.unwrap()
    }
}

async fn insert(scope: &mut Scope<'_>, n: i64) -> Result<()> {
    let sql = format!("INSERT INTO notes VALUES ({n})");
    let done = scope.connection()?.execute_unprepared(&sql).await;
    done.map(drop).map_err(|error| database_error(&error))
}

async fn count(database: &Database) -> i64 {
    number(&mut database.reader().unwrap(), ALL).await
}

fn read_committed() -> TransactionOptions {
    TransactionOptions::default().isolation(Isolation::ReadCommitted)
}

fn is_done<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
    future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// Drops a transaction after each of many polls; whatever connection comes next must be a clean one.
async fn dropped_anywhere(server: &Server) {
    let (database, watcher) = (server.open(2).await, server.open(1).await);
    database.migrate(SETS).await.unwrap();
    for n in 0..150 {
        let mut dropped = Box::pin(database.transaction_with(read_committed(), move |scope| {
            Box::pin(async move {
                insert(scope, n).await?;
                insert(scope, n + 1000).await
            })
        }));
        for _ in 0..n {
            if is_done(dropped.as_mut()) {
                break;
            }
            // A query elsewhere gives the server the time to answer.
            let _ = count(&watcher).await;
        }
    }
    for n in 5000..5020 {
        database
            .transaction_with(read_committed(), move |scope| Box::pin(insert(scope, n)))
            .await
            .unwrap();
    }
    let mut scope = watcher.reader().unwrap();
    let halves = "SELECT COUNT(*) AS n FROM notes a WHERE a.n < 1000 \
                  AND NOT EXISTS (SELECT 1 FROM notes b WHERE b.n = a.n + 1000)";
    assert_eq!(number(&mut scope, halves).await, 0);
    let whole = "SELECT COUNT(*) AS n FROM notes WHERE n >= 5000";
    assert_eq!(number(&mut scope, whole).await, 20);
    drop(scope);
    database.dispose().await;
    watcher.dispose().await;
}

/// Ends the connection of a transaction before its next statement, or before it commits.
async fn killed(server: &Server, statement_follows: bool) {
    let (database, killer) = (server.open(2).await, server.open(1).await);
    database.migrate(SETS).await.unwrap();
    let (own, kill) = match database.engine() {
        Engine::Postgres => (
            "SELECT pg_backend_pid()::bigint AS n",
            "SELECT pg_terminate_backend",
        ),
        _ => ("SELECT CAST(CONNECTION_ID() AS SIGNED) AS n", "KILL"),
    };
    let by = killer.clone();
    let outcome: Result<()> = database
        .transaction_with(read_committed(), move |scope| {
            let by = by.clone();
            Box::pin(async move {
                insert(scope, 1).await?;
                let id = number(scope, own).await;
                let sql = if kill == "KILL" {
                    format!("KILL {id}")
                } else {
                    format!("{kill}({id})")
                };
                execute(&by, &sql).await.unwrap();
                if statement_follows {
                    insert(scope, 2).await?;
                }
                Ok(())
            })
        })
        .await;
    let expected = if statement_follows {
        codes::DATABASE_UNREACHABLE
    } else {
        codes::COMMIT_UNKNOWN
    };
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), expected, "{error:?}");
    assert_eq!(count(&database).await, 0);
    database.dispose().await;
    killer.dispose().await;
}

/// Drops a migration while it holds the lock.
async fn dropped_migration(server: &Server) {
    let (one, two) = (server.open(2).await, server.open(1).await);
    for polls in 0..60 {
        let mut dropped = Box::pin(one.migrate(SETS));
        for _ in 0..polls {
            if is_done(dropped.as_mut()) {
                break;
            }
            let _ = execute(&two, "SELECT 1").await;
        }
        drop(dropped);
        let other = tokio::time::timeout(PATIENCE, two.migrate(SETS)).await;
        other.expect("the lock is free").unwrap();
    }
    one.dispose().await;
    two.dispose().await;
}

/// Many processes bring up a new release at once.
async fn migrated_at_once(server: &Server) {
    let mut processes = Vec::new();
    for _ in 0..8 {
        processes.push(server.open(1).await);
    }
    let migrations: Vec<_> = processes
        .iter()
        .cloned()
        .map(|process| tokio::spawn(async move { process.migrate(SETS).await.unwrap() }))
        .collect();
    let mut steps = 0;
    for migration in migrations {
        steps += migration.await.unwrap();
    }
    assert_eq!(steps, 1);
    for process in processes {
        process.dispose().await;
    }
}

/// Reads twice in a transaction while another one writes, at different levels in turns on the same connection.
async fn levels(server: &Server) {
    let (reader, writer) = (server.open(1).await, server.open(1).await);
    writer.migrate(SETS).await.unwrap();
    let snapshot = || TransactionOptions::default().isolation(Isolation::Snapshot);
    for round in 0..3 {
        for (seen, options) in [(0, snapshot()), (1, read_committed())] {
            let other = writer.clone();
            let counts = reader.transaction_with(options, move |scope| {
                let (other, n) = (other.clone(), 2 * round + seen);
                Box::pin(async move {
                    let before = number(scope, ALL).await;
                    let insert = format!("INSERT INTO notes VALUES ({n})");
                    execute(&other, &insert).await.unwrap();
                    Ok(number(scope, ALL).await - before)
                })
            });
            assert_eq!(counts.await.unwrap(), seen);
        }
    }
    reader.dispose().await;
    writer.dispose().await;
}

/// Reads everything in one transaction while another one writes.
async fn snapshot(server: &Server) {
    let (reader, writer) = (server.open(1).await, server.open(1).await);
    writer.migrate(SETS).await.unwrap();
    execute(&writer, "INSERT INTO notes VALUES (1)")
        .await
        .unwrap();
    let options = TransactionOptions::default().isolation(Isolation::Snapshot);
    let other = writer.clone();
    let seen = reader.transaction_with(options.read_only(), move |scope| {
        let other = other.clone();
        Box::pin(async move {
            let before = number(scope, ALL).await;
            let insert = execute(&other, "INSERT INTO notes VALUES (2)");
            let written = tokio::time::timeout(PATIENCE, insert).await;
            written.expect("a writer waits for a reader").unwrap();
            Ok((before, number(scope, ALL).await))
        })
    });
    assert_eq!(seen.await.unwrap(), (1, 1));
    assert_eq!(count(&reader).await, 2);
    reader.dispose().await;
    writer.dispose().await;
}

const ALL: &str = "SELECT COUNT(*) AS n FROM notes";

/// How many transactions are cancelled: few where many tests run beside each other, more where it is asked for.
fn cancellations() -> u32 {
    let asked = std::env::var("LATTICE_TEST_CANCELLATIONS").ok();
    asked.map_or(500, |asked| asked.parse().unwrap())
}

/// Cancels many transactions, each after another number of polls, and asks the server which of them are still open.
async fn cancelled(server: &Server) {
    let (database, watcher) = (server.open(8).await, server.open(1).await);
    database.migrate(SETS).await.unwrap();
    let tasks: Vec<_> = (0..8)
        .map(|task| tokio::spawn(cancelling(database.clone(), task)))
        .collect();
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    let open = match database.engine() {
        Engine::Postgres => {
            "SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
             AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        }
        _ => {
            "SELECT COUNT(*) AS n FROM information_schema.innodb_trx JOIN information_schema.processlist \
             ON id = trx_mysql_thread_id WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
    };
    // What was under way when it was cancelled is waited for in the background.
    let ended_all = async {
        while number(&mut watcher.reader().unwrap(), open).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let ended_all = tokio::time::timeout(PATIENCE, ended_all).await;
    ended_all.expect("transactions are open");
    no_session_in_a_transaction(&database).await;
    // One that was cancelled while it committed is whole.
    assert!(count(&watcher).await >= i64::from(ended));
    database.dispose().await;
    watcher.dispose().await;
}

/// A transaction that did nothing yet is in no list of MariaDB's, so each session is asked itself.
async fn no_session_in_a_transaction(database: &Database) {
    let health = database.health(Duration::from_secs(20)).await;
    if !health.version.unwrap().contains("MariaDB") {
        return;
    }
    let sessions: Vec<_> = (0..64)
        .map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                let sql = "SELECT CAST(@@in_transaction AS SIGNED) AS n";
                number(&mut database.reader().unwrap(), sql).await
            })
        })
        .collect();
    for session in sessions {
        assert_eq!(session.await.unwrap(), 0);
    }
}

/// A share of the cancelled transactions; how many others ended before.
async fn cancelling(database: Database, task: i64) -> u32 {
    let (mut ended, mut cancelled) = (0, 0);
    while cancelled < cancellations() / 8 {
        let row = task * 1_000_000 + i64::from(ended + cancelled);
        let mut work = Box::pin(
            database.transaction_with(read_committed(), move |scope| Box::pin(insert(scope, row))),
        );
        let mut is_over = false;
        for _ in 0..(ended + cancelled) % 17 {
            is_over = is_over || is_done(work.as_mut());
            if is_over {
                break;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        if is_over {
            ended += 1;
        } else {
            cancelled += 1;
        }
    }
    ended
}

macro_rules! on_server {
    ($server:ident, $feature:literal, $on:expr) => {
        #[cfg(feature = $feature)]
        mod $server {
            use super::Server;

            #[tokio::test(flavor = "multi_thread")]
            async fn a_transaction_dropped_anywhere_leaves_clean_connections() {
                $on.run_url(async |url| super::dropped_anywhere(&Server(url)).await)
                    .await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_connection_that_ends_is_unreachable_and_its_commit_unknown() {
                let both = async |url| {
                    let server = Server(url);
                    super::killed(&server, true).await;
                    super::killed(&server, false).await;
                };
                $on.run_url(both).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_dropped_migration_keeps_no_lock() {
                $on.run_url(async |url| super::dropped_migration(&Server(url)).await)
                    .await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn cancelled_transactions_leave_none_open() {
                $on.run_url(async |url| super::cancelled(&Server(url)).await)
                    .await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn transactions_are_kept_apart_as_they_ask_for() {
                $on.run_url(async |url| super::levels(&Server(url)).await)
                    .await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_snapshot_neither_changes_nor_keeps_writers_waiting() {
                $on.run_url(async |url| super::snapshot(&Server(url)).await)
                    .await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn many_processes_may_migrate_at_once() {
                $on.run_url(async |url| super::migrated_at_once(&Server(url)).await)
                    .await;
            }
        }
    };
}

on_server!(postgres, "postgres", crate::server::POSTGRES);
on_server!(mysql, "mysql", crate::server::MYSQL);

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_kept_apart_as_they_ask_for_whatever_the_server_does_unasked() {
    let stricter = async |url: String| {
        let separator = if url.contains('?') { '&' } else { '?' };
        let option = "options=-c%20default_transaction_isolation%3Dserializable";
        levels(&Server(format!("{url}{separator}{option}"))).await;
    };
    server::POSTGRES.run_url(stricter).await;
}

/// A connection that the server closed meanwhile is found out and replaced before it is used.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_connection_that_died_while_idle_is_not_used() {
    server::POSTGRES
        .run_url(|url| async move {
            let options = DatabaseOptions::default().pool_size(1).max_overflow(0);
            let killer = Database::open_with(&url, options.clone()).await.unwrap();
            let checked = options.check_after_idle(Duration::ZERO);
            let database = Database::open_with(&url, checked).await.unwrap();
            for _ in 0..5 {
                let pid = number(
                    &mut database.reader().unwrap(),
                    "SELECT pg_backend_pid()::BIGINT AS n",
                )
                .await;
                let kill = format!("SELECT pg_terminate_backend({pid})");
                execute(&killer, &kill).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            killer.dispose().await;
            database.dispose().await;
        })
        .await;
}
