use lattice_lock_repository::{Database, DatabaseOptions, Engine};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::world::{Fact, hold};

/// A database server that tests may use: each gets a database of its own there.
struct Server {
    variable: &'static str,
    default: &'static str,
}

#[cfg(feature = "postgres")]
pub(crate) async fn on_postgres(fact: Fact) {
    POSTGRES.run(fact).await;
}

#[cfg(feature = "mysql")]
pub(crate) async fn on_mysql(fact: Fact) {
    MYSQL.run(fact).await;
}

#[cfg(feature = "postgres")]
const POSTGRES: Server = Server {
    variable: "LATTICE_TEST_POSTGRES_URL",
    default: "postgres://postgres@127.0.0.1:5432/postgres",
};

#[cfg(feature = "mysql")]
const MYSQL: Server = Server {
    variable: "LATTICE_TEST_MYSQL_URL",
    default: "mysql://root@127.0.0.1:3306/mysql",
};

impl Server {
    /// Holds a fact against a new database, which is dropped afterwards also if the fact does not hold. Where
    /// there is no server, says so loudly; where one was named in the variable, as in CI, fails.
    async fn run(&self, fact: Fact) {
        let url = std::env::var(self.variable).unwrap_or_else(|_| self.default.into());
        let options = DatabaseOptions::default()
            .pool_size(1)
            .acquire_timeout(std::time::Duration::from_secs(5));
        let admin = match Database::open_with(&url, options).await {
            Ok(admin) => admin,
            Err(error) => return self.skip(&error),
        };
        let name = format!("lattice_{}", Uuid::new_v4().simple());
        execute(&admin, &format!("CREATE DATABASE {name}")).await;
        let own = format!(
            "{}/{name}",
            url.rsplit_once('/')
                .map_or(url.as_str(), |(server, _)| server)
        );
        let options = DatabaseOptions::default().pool_size(8).echo(true);
        let database = Database::open_with(&own, options).await.unwrap();
        let held = tokio::spawn(hold(database.clone(), fact)).await;
        database.dispose().await;
        // Where connections of a test that failed are open still.
        let force = match admin.engine() {
            Engine::Postgres => " WITH (FORCE)",
            _ => "",
        };
        execute(&admin, &format!("DROP DATABASE {name}{force}")).await;
        admin.dispose().await;
        held.unwrap();
    }

    #[expect(
        clippy::print_stderr,
        reason = "whoever runs the tests must see what was not held"
    )]
    fn skip(&self, error: &lattice_lock_errors::Error) {
        let required = std::env::var_os("LATTICE_TEST_REQUIRE_SERVERS").is_some();
        assert!(
            !required,
            "{} is required and not reachable: {error:?}",
            self.variable
        );
        eprintln!("SKIPPED: no server at {} ({error})", self.variable);
    }
}

async fn execute(admin: &Database, sql: &str) {
    let mut scope = admin.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}
