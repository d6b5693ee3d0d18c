use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_billing::{Ledger, Resolution};
use lattice_lock_repository::{Database, DatabaseOptions, Engine, Timestamp, database_error};
use sea_orm::ConnectionTrait;
use tokio::sync::Notify;
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

/// Does something while another process has the ledger's lock.
pub(crate) async fn while_locked<T>(database: &Database, work: impl Future<Output = T>) -> T {
    let (had, done) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (holder, has, ended) = (database.clone(), Arc::clone(&had), Arc::clone(&done));
    let holding = tokio::spawn(async move {
        let held = holder.transaction(|scope| {
            let (has, ended) = (Arc::clone(&has), Arc::clone(&ended));
            Box::pin(async move {
                let lock = "SELECT id FROM lattice_ledger WHERE id = 1 FOR UPDATE";
                let locked = scope.connection()?.execute_unprepared(lock).await;
                locked.map_err(|error| database_error(&error))?;
                has.notify_one();
                ended.notified().await;
                Ok(())
            })
        });
        held.await.unwrap();
    });
    had.notified().await;
    let worked = work.await;
    done.notify_one();
    holding.await.unwrap();
    worked
}

async fn leased_after_waiting(database: &Database) {
    let lease = Duration::from_mins(1);
    let ledger = Ledger::builder(database).lease(lease).build().unwrap();
    let other = Ledger::new(database);
    other.withdraw(first(), None).await.unwrap();
    let live = first();
    let waiting = ledger.clone();
    let (waits, freed) = while_locked(database, async {
        let waits = tokio::spawn(async move { waiting.intend(intent(live)).await });
        // So long that a lease from before is told from one that begins now.
        tokio::time::sleep(Duration::from_secs(2)).await;
        (waits, Timestamp::now())
    })
    .await;
    waits.await.unwrap().unwrap();
    // A second before a lease is over that began then.
    let late = freed + Duration::from_secs(59);
    let finder = Ledger::builder(database).clock(move || late);
    let finder = finder.build().unwrap();
    let done = finder.recover(|_| Resolution::Withdraw).await.unwrap();
    assert!(done.withdrawn.is_empty(), "a live call was recovered");
    assert_eq!(open(&ledger).await, BTreeSet::from([live]));
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_postgres() {
    on_postgres(|database| Box::pin(async move { leased_after_waiting(&database).await })).await;
}

#[cfg(feature = "mysql")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_begins_when_the_lock_is_had_on_mariadb() {
    on_mysql(|database| Box::pin(async move { leased_after_waiting(&database).await })).await;
}
