//! What becomes of callers while the spool or its disk fails, and while the database is there and takes nothing.

use std::os::unix::fs::FileExt;
use std::time::Duration;

use lattice_lock_billing::{
    AttemptId, Booking, Intent, Ledger, OperationId, Period, Resolution, codes,
};
use lattice_lock_errors::Result;
use lattice_lock_providers::Catalogue;
use lattice_lock_repository::{Database, DatabaseOptions, Timestamp, codes as database_codes};
use sea_orm::ConnectionTrait;

use crate::away::{LONG, Place, intent, settled};
use crate::{entry, first};

/// An answer, within a bound.
async fn answered<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(Duration::from_secs(30), call).await;
    answer.expect("a caller was kept waiting")
}

async fn until(holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, held).await.unwrap();
}

async fn execute(database: &Database, sql: &str) {
    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_what_was_refused_cannot_be_kept_callers_are_answered_and_nothing_is_lost() {
    let place = Place::new().await;
    let (attempt, ledger) = (first(), place.with_spool());
    let earlier = Ledger::new(&place.database);
    earlier.record(entry(attempt, 5), None).await.unwrap();
    let rejected = place.folder.path().join("spool.rejected");
    std::fs::create_dir(&rejected).unwrap();
    place
        .away(async || {
            ledger.record(entry(attempt, 6), None).await.unwrap();
        })
        .await;
    until(|| ledger.status().spool == Some("LL-BIL-014")).await;
    for _ in 0..20 {
        let attempt = first();
        let intended = answered(ledger.intend(intent(attempt))).await.unwrap();
        let kept = answered(ledger.record(entry(attempt, 1), None))
            .await
            .unwrap();
        assert_eq!([intended, kept.booking], [Booking::Spooled; 2]);
    }
    assert_eq!(ledger.status().rejected, 0);
    std::fs::remove_dir(&rejected).unwrap();
    settled(&ledger).await;
    ledger.flush(LONG).await.unwrap();
    let status = ledger.status();
    assert_eq!(
        (status.rejected, status.spool, place.entries().await),
        (1, None, 21)
    );
    assert_eq!(
        std::fs::read_to_string(rejected).unwrap().lines().count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_spool_cannot_be_read_callers_are_answered_and_nothing_is_lost() {
    let place = Place::new().await;
    let ledger = place.with_spool();
    let file = place
        .away(async || {
            for n in 0..3 {
                ledger.record(entry(first(), n), None).await.unwrap();
            }
            let mut options = std::fs::File::options();
            let file = options.read(true).write(true).open(place.spool()).unwrap();
            flip(&file);
            until(|| ledger.status().spool == Some("LL-BIL-016")).await;
            file
        })
        .await;
    let kept = answered(ledger.record(entry(first(), 3), None))
        .await
        .unwrap();
    assert_eq!((kept.booking, place.entries().await), (Booking::Spooled, 0));
    flip(&file);
    settled(&ledger).await;
    let status = ledger.status();
    assert_eq!(
        (status.rejected, status.spool, place.entries().await),
        (0, None, 4)
    );
}

/// Damages a byte of the first record, or mends it.
fn flip(file: &std::fs::File) {
    let mut byte = [0];
    file.read_exact_at(&mut byte, 120).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 120).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_was_removed_is_made_again_and_one_that_cannot_be_refuses_clearly() {
    let place = Place::new().await;
    let ledger = place.with_spool();
    place
        .away(async || {
            ledger.record(entry(first(), 0), None).await.unwrap();
            std::fs::remove_file(place.spool()).unwrap();
            std::fs::create_dir(place.spool()).unwrap();
            let attempt = first();
            let refused = answered(ledger.intend(intent(attempt))).await.unwrap_err();
            assert_eq!(refused.code(), codes::SPOOL_FAILED);
            let refused = answered(ledger.record(entry(attempt, 1), None)).await;
            assert_eq!(refused.unwrap_err().code(), codes::SPOOL_FAILED);
            assert_eq!(ledger.status().spool, Some("LL-BIL-014"));
            std::fs::remove_dir(place.spool()).unwrap();
            let kept = answered(ledger.record(entry(attempt, 1), None))
                .await
                .unwrap();
            assert_eq!(kept.booking, Booking::Spooled);
            assert_eq!(ledger.status().spool, None);
            // Both are in the new one.
            let copy = place.folder.path().join("copy");
            std::fs::copy(place.spool(), &copy).unwrap();
            let builder = Ledger::builder(&place.database).spool(copy, 1 << 20);
            let copied = builder.build().unwrap().status();
            assert_eq!(copied.spooled_bytes, ledger.status().spooled_bytes);
        })
        .await;
    settled(&ledger).await;
    assert_eq!((ledger.status().spool, place.entries().await), (None, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_after_the_database_was_closed_is_spooled_all_of_it() {
    let place = Place::new().await;
    let ledger = place.with_spool();
    place.database.dispose().await;
    for _ in 0..5 {
        let attempt = first();
        let intended = answered(ledger.intend(intent(attempt))).await.unwrap();
        let kept = answered(ledger.record(entry(attempt, 1), None))
            .await
            .unwrap();
        assert_eq!([intended, kept.booking], [Booking::Spooled; 2]);
    }
    ledger.flush(LONG).await.unwrap();
    // Without a spool, memory would be no better place than the caller's.
    let plain = Ledger::new(&place.database);
    let refused = answered(plain.record(entry(first(), 1), None)).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), database_codes::DATABASE_DISPOSED);
    drop(ledger);
    let database = Database::open(&place.url).await.unwrap();
    let again = with_its_spool(&place, &database).await;
    again.flush(LONG).await.unwrap();
    assert_eq!(again.total().await.unwrap().entries, 5);
    assert!(again.open_intents().await.unwrap().is_empty());
}

/// A ledger with the spool of one that is gone. What worked for that one may end after its last answer, and has the file
/// until then.
async fn with_its_spool(place: &Place, database: &Database) -> Ledger {
    let opened = async {
        loop {
            let builder = Ledger::builder(database).spool(place.spool(), 1 << 20);
            match builder.build() {
                Ok(ledger) => return ledger,
                Err(error) => assert_eq!(error.code(), codes::SPOOL_IN_USE),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, opened).await.unwrap()
}

/// A database on one connection, of which a test may change the settings.
async fn on_one_connection(place: &Place) -> (Database, sqlx::SqlitePool) {
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect(&place.url).await.unwrap();
    let database = Database::from_pool(pool.clone(), &DatabaseOptions::default());
    (database.unwrap(), pool)
}

async fn set(pool: &sqlx::SqlitePool, pragma: &'static str) {
    sqlx::raw_sql(pragma).execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_put_off_while_the_database_only_reads_or_is_full() {
    for (ill, code, well) in [
        (
            "PRAGMA query_only = 1",
            "LL-DB-015",
            "PRAGMA query_only = 0",
        ),
        (
            "PRAGMA max_page_count = 1",
            "LL-DB-028",
            "PRAGMA max_page_count = 1000000",
        ),
    ] {
        let place = Place::new().await;
        let (database, pool) = on_one_connection(&place).await;
        let spooling = Ledger::builder(&database).spool(place.spool(), 1 << 20);
        let (plain, spooling) = (Ledger::new(&database), spooling.build().unwrap());
        set(&pool, ill).await;
        // Many, so that they do not fit on the pages that there are.
        for n in 0..300 {
            let kept = answered(plain.record(entry(first(), n), None))
                .await
                .unwrap();
            if kept.booking == Booking::Memory {
                break;
            }
        }
        assert_eq!(
            (plain.status().away, plain.status().waiting),
            (Some(code), 1)
        );
        let refused = answered(plain.intend(intent(first()))).await.unwrap_err();
        assert_eq!(refused.code(), codes::LEDGER_UNAVAILABLE);
        let attempt = first();
        for _ in 0..2 {
            answered(spooling.intend(intent(attempt))).await.unwrap();
        }
        let kept = answered(spooling.record(entry(attempt, 5), None))
            .await
            .unwrap();
        assert_eq!(
            (kept.booking, spooling.status().away),
            (Booking::Spooled, Some(code))
        );
        set(&pool, well).await;
        for ledger in [&plain, &spooling] {
            ledger.flush(LONG).await.unwrap();
            settled(ledger).await;
            assert_eq!((ledger.status().rejected, ledger.status().away), (0, None));
        }
        assert_eq!(
            spooling
                .of_operation(attempt.operation())
                .await
                .unwrap()
                .len(),
            1
        );
        assert!(plain.open_intents().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_repricing_changes_is_told_also_where_it_waits_for_the_database() {
    let place = Place::new().await;
    let (database, pool) = on_one_connection(&place).await;
    let ledger = Ledger::new(&database);
    // Many, so that not all corrections fit on the pages that there are.
    for _ in 0..64 {
        ledger.record(entry(first(), 5), None).await.unwrap();
    }
    let catalogue = Catalogue::from_json(
        r#"{"version": "new", "sources": [], "models": [{"provider": "openai", "name": "gpt-5-mini",
            "context_window": 9, "output_limit": 9,
            "prices": [{"from": "1970-01-01", "usd_per_million": {"input": "3"}}]}]}"#,
    );
    let before = ledger.total().await.unwrap().total_usd.nanos();
    set(&pool, "PRAGMA max_page_count = 1").await;
    let all = Period::new(Timestamp::from_micros(0), Timestamp::now());
    let done = ledger.reprice(all, &catalogue.unwrap()).await.unwrap();
    assert!(ledger.status().away.is_some());
    set(&pool, "PRAGMA max_page_count = 1000000").await;
    ledger.flush(LONG).await.unwrap();
    let changed = ledger.total().await.unwrap().total_usd.nanos() - before;
    assert_eq!((done.corrected, changed), (64, 64 * 10_000));
    assert_eq!(done.difference_usd.nanos(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_never_stop_do_not_keep_the_database_from_being_caught_up_with() {
    let place = Place::new().await;
    for ledger in [place.with_spool(), Ledger::new(&place.database)] {
        let before = place.entries().await;
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let (ledger, stop) = (ledger.clone(), std::sync::Arc::clone(&stop));
                tokio::spawn(async move {
                    let mut taken = 0;
                    while !stop.load(std::sync::atomic::Ordering::Acquire) {
                        match ledger.record(entry(first(), 1), None).await {
                            Ok(_) => taken += 1,
                            Err(full) => assert_eq!(full.code(), codes::BACKLOG_FULL),
                        }
                    }
                    taken
                })
            })
            .collect();
        place
            .away(async || until(|| ledger.status().away.is_some()).await)
            .await;
        // While they go on.
        until(|| {
            let status = ledger.status();
            (status.away, status.waiting, status.spooled_bytes) == (None, 0, 0)
        })
        .await;
        let kept = answered(ledger.record(entry(first(), 1), None))
            .await
            .unwrap();
        stop.store(true, std::sync::atomic::Ordering::Release);
        let mut taken = 1;
        for writer in writers {
            taken += writer.await.unwrap();
        }
        assert!(kept.booking >= Booking::Spooled || ledger.status().away.is_some());
        ledger.flush(LONG).await.unwrap();
        settled(&ledger).await;
        assert_eq!(place.entries().await, before + taken);
    }
}

#[test]
fn a_flush_waits_for_what_was_left_in_memory_when_a_runtime_ended() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let last = runtime();
    let place = last.block_on(Place::new());
    let ledger = Ledger::new(&place.database);
    last.block_on(place.away(async || {
        let first_runtime = runtime();
        let ledger = ledger.clone();
        let kept = first_runtime.spawn(async move { ledger.record(entry(first(), 1), None).await });
        assert_eq!(kept.await.unwrap().unwrap().booking, Booking::Memory);
        tokio::task::block_in_place(|| first_runtime.shutdown_timeout(LONG));
    }));
    assert_eq!(ledger.status().waiting, 1);
    last.block_on(ledger.flush(LONG)).unwrap();
    assert_eq!(
        (ledger.status().waiting, last.block_on(place.entries())),
        (0, 1)
    );
}

#[test]
fn a_runtime_that_ends_in_the_middle_leaves_each_write_whole_or_absent() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    };
    let last = runtime();
    let place = last.block_on(Place::new());
    let ledger = place.with_spool();
    let operation = OperationId::generate();
    let mut attempts = (0..u16::MAX).map(|n| AttemptId::new(operation, 1, n));
    let mut acknowledged = 0;
    for round in 0..12 {
        let dying = runtime();
        let calls: Vec<_> = attempts
            .by_ref()
            .take(40)
            .map(|attempt| {
                let ledger = ledger.clone();
                dying.spawn(async move { ledger.record(entry(attempt, 1), None).await.is_ok() })
            })
            .collect();
        last.block_on(async {
            for _ in 0..round * 4 {
                tokio::task::yield_now().await;
            }
        });
        dying.shutdown_timeout(LONG);
        for call in calls {
            acknowledged += u64::from(last.block_on(call).unwrap_or(false));
        }
        // Whoever comes next finds a ledger that works.
        let attempt = attempts.next().unwrap();
        last.block_on(ledger.record(entry(attempt, 1), None))
            .unwrap();
        acknowledged += 1;
    }
    last.block_on(ledger.flush(LONG)).unwrap();
    // What a dying runtime held up may have gone to the disk, where a flush leaves it.
    last.block_on(settled(&ledger));
    let entries = last.block_on(ledger.of_operation(operation)).unwrap();
    assert!(entries.len() as u64 >= acknowledged);
    assert_eq!(ledger.status().rejected, 0);
}

/// Rows that the database refuses, whoever writes them.
const POISON: &str = "CREATE TRIGGER poison BEFORE INSERT ON lattice_entries WHEN NEW.input_tokens = 13 \
     BEGIN SELECT RAISE(ABORT, 'poison'); END";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_will_never_take_is_given_up_so_that_a_recovery_finds_it() {
    let place = Place::new().await;
    execute(&place.database, POISON).await;
    let ledger = place.with_spool();
    let [now, later, live] = [first(), first(), first()];
    for attempt in [now, later, live] {
        ledger.intend(intent(attempt)).await.unwrap();
    }
    let refused = ledger.record(entry(now, 13), None).await.unwrap_err();
    assert_eq!(refused.code(), database_codes::DATA_REFUSED);
    place
        .away(async || {
            let kept = ledger.record(entry(later, 13), None).await.unwrap();
            assert_eq!(kept.booking, Booking::Spooled);
            // Beside one that can be written, so that it is the entry and not the database that is to blame.
            ledger.record(entry(first(), 1), None).await.unwrap();
        })
        .await;
    settled(&ledger).await;
    ledger.flush(LONG).await.unwrap();
    assert_eq!(ledger.status().rejected, 1);
    let finder = Ledger::new(&place.database);
    let settle = |intent: &Intent| Resolution::Settle(Box::new(intent.unknown()));
    let found = finder.recover(settle).await.unwrap().settled;
    let mut found: Vec<_> = found.iter().map(Intent::attempt).collect();
    let mut expected = [now, later];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(finder.open_intents().await.unwrap()[0].attempt(), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_alone_and_is_refused_does_not_make_the_database_look_ill() {
    let place = Place::new().await;
    execute(&place.database, POISON).await;
    let ledger = Ledger::new(&place.database);
    place
        .away(async || {
            let kept = ledger.record(entry(first(), 13), None).await.unwrap();
            assert_eq!(kept.booking, Booking::Memory);
        })
        .await;
    ledger.flush(LONG).await.unwrap();
    assert_eq!((ledger.status().rejected, ledger.status().away), (1, None));
    let kept = ledger.intend(intent(first())).await.unwrap();
    assert_eq!(kept, Booking::Durable);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_in_memory_are_not_called_durable() {
    let database = Database::sqlite_in_memory().await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let kept = Ledger::new(&database).record(entry(first(), 1), None).await;
    assert_eq!(kept.unwrap().booking, Booking::Memory);
}
