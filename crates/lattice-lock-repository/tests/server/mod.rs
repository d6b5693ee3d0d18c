//! Database servers that tests may use: each test gets a database of its own there.
#![expect(dead_code, reason = "not every test uses all of it")]

use std::future::Future;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use lattice_lock_repository::{Database, DatabaseOptions, Scope, database_error};
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

/// Where a server is.
pub(crate) struct Server {
    variable: &'static str,
    default: &'static str,
}

pub(crate) const POSTGRES: Server = Server {
    variable: "LATTICE_TEST_POSTGRES_URL",
    default: "postgres://postgres@127.0.0.1:5432/postgres",
};

pub(crate) const MYSQL: Server = Server {
    variable: "LATTICE_TEST_MYSQL_URL",
    default: "mysql://root@127.0.0.1:3306/mysql",
};

impl Server {
    /// Runs a test on a new database.
    pub(crate) async fn run<Run>(&self, test: impl FnOnce(Database) -> Run)
    where
        Run: Future<Output = ()> + Send + 'static,
    {
        self.run_on_url(async |url| {
            let options = DatabaseOptions::default().pool_size(8);
            let database = Database::open_with(&url, options).await.unwrap();
            let outcome = tokio::spawn(test(database.clone())).await;
            database.dispose().await;
            outcome
        })
        .await;
    }

    /// Runs a test that opens a new database by itself.
    pub(crate) async fn run_url<Run>(&self, test: impl FnOnce(String) -> Run)
    where
        Run: Future<Output = ()> + Send + 'static,
    {
        self.run_on_url(async |url| tokio::spawn(test(url)).await)
            .await;
    }

    /// The database is dropped afterwards also if the test fails. Where there is no server, says so loudly; with
    /// `LATTICE_TEST_REQUIRE_SERVERS` set, as in CI, fails.
    async fn run_on_url(
        &self,
        test: impl AsyncFnOnce(String) -> std::result::Result<(), tokio::task::JoinError>,
    ) {
        let url = std::env::var(self.variable).unwrap_or_else(|_| self.default.into());
        let options = DatabaseOptions::default()
            .pool_size(1)
            .acquire_timeout(Duration::from_secs(5));
        let admin = match Database::open_with(&url, options).await {
            Ok(admin) => admin,
            Err(error) => return self.skip(&error),
        };
        let name = format!("lattice_{}", Uuid::new_v4().simple());
        execute(&admin, &format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let server = url
            .rsplit_once('/')
            .map_or(url.as_str(), |(server, _)| server);
        let outcome = test(format!("{server}/{name}")).await;
        let force = if self.variable == POSTGRES.variable {
            " WITH (FORCE)"
        } else {
            ""
        };
        let dropped = execute(&admin, &format!("DROP DATABASE {name}{force}")).await;
        admin.dispose().await;
        outcome.unwrap();
        dropped.unwrap();
    }

    #[expect(
        clippy::print_stderr,
        reason = "whoever runs the tests must see what was not held"
    )]
    fn skip(&self, error: &Error) {
        let required = std::env::var_os("LATTICE_TEST_REQUIRE_SERVERS").is_some();
        assert!(
            !required,
            "{} is required and not reachable: {error:?}",
            self.variable
        );
        eprintln!("SKIPPED: no server at {} ({error})", self.variable);
    }
}

pub(crate) async fn execute(database: &Database, sql: &str) -> Result<()> {
    let mut scope = database.writer()?;
    let done = scope.connection()?.execute_unprepared(sql).await;
    done.map(drop).map_err(|error| database_error(&error))
}

/// The number that a query calls `n`.
pub(crate) async fn number(scope: &mut Scope<'_>, sql: &str) -> i64 {
    let connection = scope.connection().unwrap();
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(query).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}
