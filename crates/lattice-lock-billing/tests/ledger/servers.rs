use std::collections::BTreeSet;
use std::time::Duration;

use lattice_lock_billing::{Ledger, Resolution};
use lattice_lock_repository::{Database, DatabaseOptions};
use uuid::Uuid;

use crate::contract::{Fact, intent, open};
use crate::{execute, first};

/// A database server that tests may use: each gets a database of its own there.
struct Server {
    variable: &'static str,
    default: &'static str,
}

#[cfg(feature = "postgres")]
pub(crate) async fn on_postgres(fact: fn(Database) -> Fact) {
    POSTGRES.run(fact).await;
}

/// [`on_postgres`], of something that opens the database itself once more.
#[cfg(feature = "postgres")]
pub(crate) async fn at_postgres<F: Future<Output = ()> + Send + 'static>(
    work: fn(Database, String) -> F,
) {
    POSTGRES.run_at(work).await;
}

#[cfg(feature = "mysql")]
pub(crate) async fn at_mysql<F: Future<Output = ()> + Send + 'static>(
    work: fn(Database, String) -> F,
) {
    MYSQL.run_at(work).await;
}

#[cfg(feature = "mysql")]
pub(crate) async fn on_mysql(fact: fn(Database) -> Fact) {
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
    async fn run(&self, fact: fn(Database) -> Fact) {
        self.run_at(move |database, _| fact(database)).await;
    }

    /// Holds a fact against a new database, which is dropped afterwards also if the fact does not hold. Where
    /// there is no server, says so loudly; where one was named in the variable, as in CI, fails.
    async fn run_at<F: Future<Output = ()> + Send + 'static>(
        &self,
        fact: impl Fn(Database, String) -> F,
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
        execute(&admin, &format!("CREATE DATABASE {name}")).await;
        let own = format!(
            "{}/{name}",
            url.rsplit_once('/')
                .map_or(url.as_str(), |(server, _)| server)
        );
        let database = Database::open_with(&own, DatabaseOptions::default().pool_size(8))
            .await
            .unwrap();
        database.migrate(Ledger::MIGRATIONS).await.unwrap();
        let held = tokio::spawn(fact(database.clone(), own)).await;
        database.dispose().await;
        execute(&admin, &format!("DROP DATABASE {name}")).await;
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

#[cfg(feature = "postgres")]
pub(crate) const HOLD_POSTGRES: &str = "WITH held AS (SELECT 1 FROM lattice_ledger WHERE id = 1 FOR UPDATE) \
     SELECT pg_sleep(2.5) FROM held";
#[cfg(feature = "mysql")]
const HOLD_MYSQL: &str = "UPDATE lattice_ledger SET archives = archives + SLEEP(2.5) WHERE id = 1";

/// Lets another process stall for a while with the ledger's lock.
pub(crate) async fn stall(database: &Database, hold: &'static str) -> tokio::task::JoinHandle<()> {
    let holder = database.clone();
    let stalled = tokio::spawn(async move { execute(&holder, hold).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    stalled
}

async fn leased_after_waiting(database: &Database, hold: &'static str) {
    let lease = Duration::from_secs(1);
    let ledger = Ledger::builder(database).lease(lease).build().unwrap();
    let other = Ledger::new(database);
    other.withdraw(first(), None).await.unwrap();
    let stalled = stall(database, hold).await;
    let live = first();
    ledger.intend(intent(live)).await.unwrap();
    // It was acknowledged this very moment, and has a lease of a second.
    let done = other.recover(|_| Resolution::Withdraw).await.unwrap();
    stalled.await.unwrap();
    assert!(done.withdrawn.is_empty(), "a live call was recovered");
    assert_eq!(open(&ledger).await, BTreeSet::from([live]));
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_postgres() {
    on_postgres(|database| {
        Box::pin(async move { leased_after_waiting(&database, HOLD_POSTGRES).await })
    })
    .await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_mariadb() {
    on_mysql(|database| Box::pin(async move { leased_after_waiting(&database, HOLD_MYSQL).await }))
        .await;
}
