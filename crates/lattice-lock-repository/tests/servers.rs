//! What a database promises, on servers that tests may use.
#![cfg(any(feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_repository::{
    Database, DatabaseOptions, Engine, Isolation, Migration, MigrationSet, Scope, codes,
    database_error,
};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

const SETS: &[MigrationSet] = &[MigrationSet {
    name: "notes",
    migrations: &[Migration {
        version: 1,
        name: "create",
        statements: |_| vec!["CREATE TABLE IF NOT EXISTS notes (n BIGINT PRIMARY KEY)".into()],
    }],
}];

/// A database of its own on a server, as several processes would open it.
struct Server {
    admin: Database,
    url: String,
    name: String,
}

impl Server {
    /// Where there is no server, says so loudly; with `LATTICE_TEST_REQUIRE_SERVERS` set, as in CI, fails.
    async fn start(variable: &str, default: &str) -> Option<Self> {
        let url = std::env::var(variable).unwrap_or_else(|_| default.into());
        let options = DatabaseOptions::default()
            .pool_size(1)
            .acquire_timeout(Duration::from_secs(5));
        let admin = match Database::open_with(&url, options).await {
            Ok(admin) => admin,
            Err(error) => {
                let required = std::env::var_os("LATTICE_TEST_REQUIRE_SERVERS").is_some();
                assert!(
                    !required,
                    "{variable} is required and not reachable: {error:?}"
                );
                #[expect(
                    clippy::print_stderr,
                    reason = "whoever runs the tests must see what was not held"
                )]
                {
                    eprintln!("SKIPPED: no server at {variable} ({error})");
                }
                return None;
            }
        };
        let name = format!("lattice_{}", Uuid::new_v4().simple());
        execute(&admin, &format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        Some(Self {
            admin,
            url: format!("{server}/{name}"),
            name,
        })
    }

    async fn open(&self, connections: u32) -> Database {
        let options = DatabaseOptions::default().pool_size(connections);
        Database::open_with(&self.url, options).await.unwrap()
    }

    async fn stop(self, opened: impl IntoIterator<Item = Database>) {
        for database in opened {
            database.dispose().await;
        }
        execute(&self.admin, &format!("DROP DATABASE {}", self.name))
            .await
            .unwrap();
        self.admin.dispose().await;
    }
}

async fn execute(database: &Database, sql: &str) -> Result<()> {
    let mut scope = database.reader()?;
    let done = scope.connection().execute_unprepared(sql).await;
    done.map(drop).map_err(|error| database_error(&error))
}

async fn insert(scope: &mut Scope<'_>, n: i64) -> Result<()> {
    let sql = format!("INSERT INTO notes VALUES ({n})");
    let done = scope.connection().execute_unprepared(&sql).await;
    done.map(drop).map_err(|error| database_error(&error))
}

async fn number(scope: &mut Scope<'_>, sql: &str) -> i64 {
    let connection = scope.connection();
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(query).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

async fn count(database: &Database) -> i64 {
    number(
        &mut database.reader().unwrap(),
        "SELECT COUNT(*) AS n FROM notes",
    )
    .await
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
        let mut dropped = Box::pin(
            database.transaction(Isolation::ReadCommitted, move |scope| {
                Box::pin(async move {
                    insert(scope, n).await?;
                    insert(scope, n + 1000).await
                })
            }),
        );
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
            .transaction(Isolation::ReadCommitted, move |scope| {
                Box::pin(insert(scope, n))
            })
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
        .transaction(Isolation::ReadCommitted, move |scope| {
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
        let other = tokio::time::timeout(Duration::from_secs(5), two.migrate(SETS)).await;
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

macro_rules! on_server {
    ($server:ident, $feature:literal, $variable:literal, $default:literal) => {
        #[cfg(feature = $feature)]
        mod $server {
            async fn server() -> Option<super::Server> {
                super::Server::start($variable, $default).await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_transaction_dropped_anywhere_leaves_clean_connections() {
                let Some(server) = server().await else { return };
                super::dropped_anywhere(&server).await;
                server.stop([]).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_connection_that_ends_is_unreachable_and_its_commit_unknown() {
                let Some(server) = server().await else { return };
                super::killed(&server, true).await;
                super::killed(&server, false).await;
                server.stop([]).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn a_dropped_migration_keeps_no_lock() {
                let Some(server) = server().await else { return };
                super::dropped_migration(&server).await;
                server.stop([]).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn many_processes_may_migrate_at_once() {
                let Some(server) = server().await else { return };
                super::migrated_at_once(&server).await;
                server.stop([]).await;
            }
        }
    };
}

on_server!(
    postgres,
    "postgres",
    "LATTICE_TEST_POSTGRES_URL",
    "postgres://postgres@127.0.0.1:5432/postgres"
);
on_server!(
    mysql,
    "mysql",
    "LATTICE_TEST_MYSQL_URL",
    "mysql://root@127.0.0.1:3306/mysql"
);
