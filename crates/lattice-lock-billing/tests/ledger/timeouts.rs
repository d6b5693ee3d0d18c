//! What becomes of writes that the timeouts of a server cut short.

use std::time::Duration;

use lattice_lock_billing::{Booking, Ledger};
use lattice_lock_repository::Database;
use sea_orm::ConnectionTrait;

use crate::contract::{Fact, intent};
use crate::servers::while_locked;
use crate::{entry, first};

async fn execute(database: &Database, sql: &str) {
    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}

async fn put_off_behind(database: Database, url: String, setting: &str) {
    let name = url.rsplit_once('/').unwrap().1;
    execute(
        &database,
        &format!("ALTER DATABASE {name} SET {setting} = '1s'"),
    )
    .await;
    let limited = Database::open(&url).await.unwrap();
    let ledger = Ledger::new(&limited);
    let attempt = first();
    ledger.intend(intent(attempt)).await.unwrap();
    // The reply was paid for: it waits, as when the database is away.
    let booked = while_locked(&database, ledger.record(entry(attempt, 5), None)).await;
    limited.dispose().await;
    assert_eq!(booked.map(|it| it.booking).unwrap(), Booking::Memory);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_timeout_of_the_host_puts_entries_off() {
    crate::servers::at_postgres(|database, url| put_off_behind(database, url, "lock_timeout"))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_timeout_of_the_host_puts_entries_off() {
    crate::servers::at_postgres(|database, url| put_off_behind(database, url, "statement_timeout"))
        .await;
}

/// The setting that the documentation recommends ends the transaction of a process that was stopped for a while: what it
/// has in hand is not to blame for that.
async fn idle_in_transaction(database: Database, url: String) {
    let name = url.rsplit_once('/').unwrap().1;
    let setting = format!("ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '1ms'");
    execute(&database, &setting).await;
    let limited = Database::open(&url).await.unwrap();
    let ledger = Ledger::new(&limited);
    let booked = ledger.record(entry(first(), 5), None).await;
    limited.dispose().await;
    let booked = booked.map(|it| it.booking);
    assert!(booked.is_ok(), "{booked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_server_ended_puts_entries_off() {
    crate::servers::at_postgres(idle_in_transaction).await;
}

/// The first insert meets a server that shuts down, so that the entry is acknowledged and waits; the second one is cut
/// short by a timeout, as after a cold start.
const FAILS_TWICE: [&str; 3] = [
    "CREATE SEQUENCE tries",
    "CREATE FUNCTION fails_twice() RETURNS trigger AS $$ BEGIN \
     CASE nextval('tries') WHEN 1 THEN RAISE EXCEPTION 'bye' USING ERRCODE = '57P01'; \
     WHEN 2 THEN RAISE EXCEPTION 'timeout' USING ERRCODE = '57014'; ELSE RETURN NEW; END CASE; \
     END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER fails BEFORE INSERT ON lattice_entries FOR EACH ROW EXECUTE FUNCTION fails_twice()",
];

fn acknowledged_and_cut_short(database: Database) -> Fact {
    Box::pin(async move {
        for sql in FAILS_TWICE {
            execute(&database, sql).await;
        }
        let ledger = Ledger::new(&database);
        let booked = entry(first(), 5);
        let operation = booked.attempt().unwrap().operation();
        let booking = ledger.record(booked, None).await.unwrap().booking;
        assert_eq!(booking, Booking::Memory);
        ledger.flush(Duration::from_mins(1)).await.unwrap();
        let kept = ledger.of_operation(operation).await.unwrap().len();
        assert_eq!((kept, ledger.status().rejected), (1, 0));
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_entry_outlives_a_statement_that_was_cut_short() {
    crate::servers::on_postgres(acknowledged_and_cut_short).await;
}
