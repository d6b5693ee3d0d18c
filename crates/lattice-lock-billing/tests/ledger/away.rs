//! What becomes of writes while the database is away, and of one that makes others fail.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_billing::{AttemptId, Booking, Intent, Ledger, LedgerStatus, OperationId, codes};
use lattice_lock_principal::Principal;
use lattice_lock_repository::{Database, DatabaseOptions};
use sea_orm::ConnectionTrait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use tempfile::TempDir;

use crate::{entry, first};

/// A database that can be made to look as if it were away: another connection holds the file's lock.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) database: Database,
    pool: sqlx::SqlitePool,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
        let patient = Database::open(&url).await.unwrap();
        patient.migrate(Ledger::MIGRATIONS).await.unwrap();
        patient.dispose().await;
        // Only for the file's lock is it not waited long: a connection that is slow to be made does not mean that the
        // database is away.
        let file = SqliteConnectOptions::from_str(&url)
            .unwrap()
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_millis(500));
        let pool = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(LONG);
        let pool = pool.connect_with(file).await.unwrap();
        let options = DatabaseOptions::default().acquire_timeout(LONG);
        let database = Database::from_pool(pool.clone(), &options).unwrap();
        Self {
            folder,
            url,
            database,
            pool,
        }
    }

    pub(crate) fn spool(&self) -> std::path::PathBuf {
        self.folder.path().join("spool")
    }

    pub(crate) fn with_spool(&self) -> Ledger {
        let builder = Ledger::builder(&self.database).spool(self.spool(), 1 << 20);
        builder.build().unwrap()
    }

    /// Does something while nobody else can write.
    pub(crate) async fn away<T>(&self, work: impl AsyncFnOnce() -> T) -> T {
        let other = Database::open(&self.url).await.unwrap();
        let (go, gone) = (
            Arc::new(tokio::sync::Notify::new()),
            Arc::new(tokio::sync::Notify::new()),
        );
        let (held, ended) = (Arc::clone(&go), Arc::clone(&gone));
        // `SQLite` lets nobody in by turns: writers who never stop could keep the other one out for as long as they like.
        let turn = self.pool.acquire().await.unwrap();
        let holder = tokio::spawn(async move {
            other
                .transaction(|_| {
                    let (held, ended) = (Arc::clone(&held), Arc::clone(&ended));
                    Box::pin(async move {
                        held.notify_one();
                        ended.notified().await;
                        Ok(())
                    })
                })
                .await
                .unwrap();
            other.dispose().await;
        });
        go.notified().await;
        drop(turn);
        let done = work().await;
        gone.notify_one();
        holder.await.unwrap();
        done
    }

    pub(crate) async fn entries(&self) -> u64 {
        Ledger::new(&self.database).total().await.unwrap().entries
    }
}

pub(crate) fn intent(attempt: AttemptId) -> Intent {
    let who = Principal::external("user-17").unwrap();
    Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap())
}

pub(crate) const LONG: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn without_a_spool_an_entry_waits_in_memory_and_an_intent_is_refused() {
    let place = Place::new().await;
    let ledger = Ledger::new(&place.database);
    let (sent, next) = (first(), first());
    ledger.intend(intent(sent)).await.unwrap();
    place
        .away(async || {
            let kept = ledger.record(entry(sent, 5), None).await.unwrap();
            assert_eq!((kept.booking, kept.replayed), (Booking::Memory, false));
            let refused = ledger.intend(intent(next)).await.unwrap_err();
            assert_eq!(refused.code(), codes::LEDGER_UNAVAILABLE);
            // What was sent is kept; that the next one may not be sent has to be known.
            let following = Some(intent(next.next_attempt()));
            let refused = ledger.record(entry(next, 6), following).await.unwrap_err();
            assert_eq!(refused.code(), codes::LEDGER_UNAVAILABLE);
            assert_eq!(ledger.status().waiting, 2);
            let late = ledger.flush(Duration::from_millis(50)).await.unwrap_err();
            assert_eq!(late.code(), codes::FLUSH_INCOMPLETE);
        })
        .await;
    ledger.flush(LONG).await.unwrap();
    assert_eq!(place.entries().await, 2);
    assert!(ledger.open_intents().await.unwrap().is_empty());
    assert_eq!(ledger.status(), LedgerStatus::default());
    let again = ledger.record(entry(sent, 5), None).await.unwrap();
    assert_eq!((again.booking, again.replayed), (Booking::Durable, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_spool_everything_is_on_the_disk_and_then_in_the_ledger_once() {
    let place = Place::new().await;
    let ledger = place.with_spool();
    let attempts: Vec<_> = (0..300).map(|_| first()).collect();
    place
        .away(async || {
            let writers = attempts.iter().map(|attempt| {
                let (ledger, attempt) = (ledger.clone(), *attempt);
                tokio::spawn(async move {
                    let intended = ledger.intend(intent(attempt)).await.unwrap();
                    let next = intent(attempt.next_attempt());
                    let kept = ledger.record(entry(attempt, 5), Some(next)).await.unwrap();
                    let gone = ledger.withdraw(attempt.next_attempt(), None).await.unwrap();
                    assert_eq!([intended, kept.booking, gone], [Booking::Spooled; 3]);
                })
            });
            for writer in writers.collect::<Vec<_>>() {
                writer.await.unwrap();
            }
            assert!(ledger.status().spooled_bytes > 0);
            // It is safe where it is.
            ledger.flush(LONG).await.unwrap();
        })
        .await;
    // What comes now waits for what came before.
    let last = first();
    let kept = ledger.record(entry(last, 7), None).await.unwrap();
    ledger.flush(LONG).await.unwrap();
    assert!(kept.booking >= Booking::Spooled);
    settled(&ledger).await;
    assert_eq!(place.entries().await, 301);
    assert!(ledger.open_intents().await.unwrap().is_empty());
}

/// Waits until nothing is in the spool any more.
pub(crate) async fn settled(ledger: &Ledger) {
    let emptied = async {
        while ledger.status().spooled_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, emptied).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_survives_its_process_and_replaying_it_twice_changes_nothing() {
    let place = Place::new().await;
    let attempts: Vec<_> = (0..20).map(|_| first()).collect();
    let ledger = place.with_spool();
    place
        .away(async || {
            for attempt in &attempts {
                ledger.record(entry(*attempt, 5), None).await.unwrap();
            }
            copy(&place.spool(), &place.folder.path().join("copy"));
        })
        .await;
    settled(&ledger).await;
    let total = ledger.total().await.unwrap();
    assert_eq!(total.entries, 20);
    // As if the process had died right after: another one finds the file as it was.
    let builder = Ledger::builder(&place.database).spool(place.folder.path().join("copy"), 1 << 20);
    let again = builder.build().unwrap();
    assert!(again.status().spooled_bytes > 0);
    again.flush(LONG).await.unwrap();
    settled(&again).await;
    assert_eq!(again.total().await.unwrap(), total);
    assert_eq!(again.status().rejected, 0);
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_refuses_clearly_and_keeps_what_it_took() {
    let place = Place::new().await;
    let builder = Ledger::builder(&place.database).spool(place.spool(), 8_000);
    let ledger = builder.build().unwrap();
    let taken = place
        .away(async || {
            let mut taken = 0;
            for _ in 0..50 {
                match ledger.record(entry(first(), 5), None).await {
                    Ok(kept) => {
                        assert_eq!(kept.booking, Booking::Spooled);
                        taken += 1;
                    }
                    Err(error) => assert_eq!(error.code(), codes::BACKLOG_FULL),
                }
            }
            taken
        })
        .await;
    assert!((1..50).contains(&taken));
    settled(&ledger).await;
    assert_eq!(place.entries().await, taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_spooled_and_then_refused_is_kept_beside_the_spool() {
    let place = Place::new().await;
    let (attempt, ledger) = (first(), place.with_spool());
    Ledger::new(&place.database)
        .record(entry(attempt, 5), None)
        .await
        .unwrap();
    place
        .away(async || {
            let kept = ledger.record(entry(attempt, 6), None).await.unwrap();
            assert_eq!(kept.booking, Booking::Spooled);
        })
        .await;
    settled(&ledger).await;
    assert_eq!((ledger.status().rejected, place.entries().await), (1, 1));
    let rejected = std::fs::read_to_string(place.folder.path().join("spool.rejected")).unwrap();
    assert!(rejected.contains("LL-BIL-004") && rejected.contains(&attempt.operation().to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_database_refuses_does_not_take_others_with_it() {
    let place = Place::new().await;
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON lattice_entries WHEN NEW.input_tokens = 13 \
         BEGIN SELECT RAISE(ABORT, 'poison'); END";
    let mut scope = place.database.writer().unwrap();
    scope
        .connection()
        .unwrap()
        .execute_unprepared(poison)
        .await
        .unwrap();
    drop(scope);
    let ledger = Ledger::new(&place.database);
    let operation = OperationId::generate();
    let writers: Vec<_> = (1..=64_u16)
        .map(|n| {
            let ledger = ledger.clone();
            let entry = entry(
                AttemptId::new(operation, 1, n),
                if n % 16 == 0 { 13 } else { 1 },
            );
            tokio::spawn(async move { ledger.record(entry, None).await })
        })
        .collect();
    let mut refused = 0;
    for writer in writers {
        refused += u64::from(writer.await.unwrap().is_err());
    }
    assert_eq!((refused, place.entries().await), (4, 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_may_lose_what_it_commits_is_not_called_durable() {
    let folder = TempDir::new().unwrap();
    let file = SqliteConnectOptions::new()
        .filename(folder.path().join("ledger.db"))
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    for (synchronous, booking) in [
        (SqliteSynchronous::Off, Booking::Memory),
        (SqliteSynchronous::Normal, Booking::Memory),
        (SqliteSynchronous::Full, Booking::Durable),
    ] {
        let pool = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(file.clone().synchronous(synchronous));
        let database = Database::from_pool(pool, &DatabaseOptions::default()).unwrap();
        database.migrate(Ledger::MIGRATIONS).await.unwrap();
        let kept = Ledger::new(&database)
            .record(entry(first(), 1), None)
            .await
            .unwrap();
        assert_eq!(kept.booking, booking);
    }
}
