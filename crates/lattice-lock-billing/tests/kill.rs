//! Nothing that was acknowledged is lost or doubled when processes and servers are killed, and what was open is found.
//!
//! `LATTICE_TEST_KILLS` says how often each is killed; 3 times by default.
#![cfg(all(feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[path = "../../lattice-lock-repository/tests/cluster/mod.rs"]
mod cluster;
mod mariadb;
#[path = "../../lattice-lock-repository/tests/unprivileged/mod.rs"]
mod unprivileged;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::Cluster;
use lattice_lock_billing::{
    AttemptId, Booking, Entry, Intent, Ledger, OperationId, Outcome, Resolution,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
use lattice_lock_repository::{Database, DatabaseOptions, Timestamp};
use mariadb::MariaDb;
use tempfile::TempDir;
use uuid::Uuid;

fn kills() -> usize {
    let kills = std::env::var("LATTICE_TEST_KILLS");
    kills.map_or(3, |number| number.parse().unwrap())
}

fn who() -> Principal {
    Principal::external("user-17").unwrap()
}

fn intent(attempt: AttemptId) -> Intent {
    Intent::new(attempt, &who(), "openai/gpt-5-mini".parse().unwrap())
}

/// An entry of a token at a dollar each million.
fn entry(attempt: AttemptId) -> Entry {
    let list = PriceList::new([(Bucket::Input, Price::per_million("1").unwrap())]);
    let model = "openai/gpt-5-mini".parse().unwrap();
    Entry::new(attempt, &who(), model, Outcome::Replied)
        .unwrap()
        .used(
            TokenUsage::new().with(Bucket::Input, 1),
            Some((&PriceVersion::new("test"), &list)),
        )
        .occurred_at(Timestamp::from_micros(1))
}

async fn open(url: &str) -> Database {
    let options = DatabaseOptions::default()
        .pool_size(4)
        .acquire_timeout(Duration::from_secs(2))
        .wait_for_start(Duration::from_secs(30));
    Database::open_with(url, options).await.unwrap()
}

/// What is in the ledger: how often each operation was booked.
async fn booked(ledger: &Ledger) -> BTreeMap<OperationId, usize> {
    let (mut booked, mut after) = (BTreeMap::new(), None);
    loop {
        let page = ledger.list(after, 1000).await.unwrap();
        let Some(last) = page.last() else {
            return booked;
        };
        after = last.position();
        for entry in page.iter().filter(|entry| entry.revision() == 0) {
            *booked
                .entry(entry.attempt().unwrap().operation())
                .or_default() += 1;
        }
    }
}

/// What processes say that they did, by lines.
#[derive(Default)]
struct Said {
    intended: BTreeSet<OperationId>,
    committed: BTreeSet<OperationId>,
}

impl Said {
    fn read(&mut self, lines: impl Iterator<Item = String>) -> usize {
        let mut count = 0;
        for line in lines {
            let id = |text: &str| OperationId::from_uuid(Uuid::parse_str(text.trim()).unwrap());
            if let Some(text) = line.strip_prefix("intended ") {
                self.intended.insert(id(text));
            } else if let Some(text) = line.strip_prefix("committed ") {
                self.committed.insert(id(text));
                count += 1;
            }
        }
        count
    }
}

const URL: &str = "LATTICE_TEST_WRITER_URL";

/// This very program once more, as a process that writes until it is killed.
fn writer(url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_that_writes", "--nocapture"])
        .env(URL, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless it is told where to write.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_writes() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let ledger = Ledger::builder(&open(&url).await)
        .lease(Duration::from_secs(20))
        .build()
        .unwrap();
    let writers: Vec<_> = (0..8)
        .map(|_| tokio::spawn(write(ledger.clone())))
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn write(ledger: Ledger) {
    loop {
        let operation = OperationId::generate();
        let first = AttemptId::first(operation);
        let Ok(Booking::Durable) = ledger.intend(intent(first)).await else {
            continue;
        };
        say("intended", operation);
        if let Ok(recorded) = ledger.record(entry(first), None).await
            && recorded.booking == Booking::Durable
        {
            say("committed", operation);
        }
    }
}

fn say(what: &str, operation: OperationId) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{what} {operation}").unwrap();
    out.flush().unwrap();
}

fn lines(process: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.starts_with("intended ") || line.starts_with("committed "))
}

/// Kills a process in the middle of its work, again and again, and looks each time.
async fn killed_processes_lose_nothing(url: &str) {
    let database = open(url).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let mut said = Said::default();
    for _ in 0..kills() {
        let mut process = writer(url);
        let mut lines = lines(&mut process);
        said.read(lines.by_ref().take(60));
        process.kill().unwrap();
        said.read(lines);
        process.wait().unwrap();
    }
    assert!(said.committed.len() > 20, "hardly anything was written");
    verify(&database, &said).await;
    database.dispose().await;
}

/// Waits for what processes had begun that are gone, as whoever writes does: a server may commit it a little later.
async fn wait_for_the_dead(ledger: &Ledger) {
    let nobody = AttemptId::first(OperationId::generate());
    ledger.withdraw(nobody, None).await.unwrap();
}

async fn verify(database: &Database, said: &Said) {
    let ledger = Ledger::new(database);
    wait_for_the_dead(&ledger).await;
    let kept = booked(&ledger).await;
    let lost: Vec<_> = said
        .committed
        .iter()
        .filter(|it| !kept.contains_key(it))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost",
        lost.len(),
        said.committed.len()
    );
    assert!(
        kept.values().all(|times| *times == 1),
        "something stands twice"
    );
    // Of everything that was intended, the ledger knows either what it came to, or that nobody does.
    let open = ledger.open_intents().await.unwrap();
    let open: BTreeSet<_> = open.iter().map(|it| it.attempt().operation()).collect();
    let vanished = said
        .intended
        .iter()
        .filter(|it| !kept.contains_key(it) && !open.contains(it));
    assert_eq!(vanished.count(), 0, "an attempt vanished");
    // A day later, whoever starts finds all of them.
    let later = || Timestamp::now() + Duration::from_hours(24);
    let finder = Ledger::builder(database).clock(later).build().unwrap();
    let settle = |intent: &Intent| Resolution::Settle(Box::new(intent.unknown()));
    let found = finder.recover(settle).await.unwrap().settled;
    let found: BTreeSet<_> = found.iter().map(|it| it.attempt().operation()).collect();
    assert_eq!(found, open);
    assert!(finder.open_intents().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_on_sqlite() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    killed_processes_lose_nothing(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_on_postgres() {
    if let Some(cluster) = Cluster::start() {
        killed_processes_lose_nothing(&cluster.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_on_mariadb() {
    if let Some(server) = MariaDb::start(&[]) {
        killed_processes_lose_nothing(&server.url()).await;
    }
}

/// Waits until nothing is in the spool any more.
async fn caught_up(ledger: &Ledger) {
    let emptied = async {
        while ledger.status().spooled_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), emptied)
        .await
        .unwrap();
}

/// Writers in this process while the server is killed under them; what was acknowledged as this or better counts.
async fn killed_server(url: &str, counts: Booking, kill: impl Fn()) -> (Database, Said) {
    let database = open(url).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let folder = TempDir::new().unwrap();
    let builder = Ledger::builder(&database).spool(folder.path().join("spool"), 1 << 30);
    let ledger = builder.build().unwrap();
    let (said, stop) = (
        Arc::new(Mutex::new(Said::default())),
        Arc::new(AtomicBool::new(false)),
    );
    let writers: Vec<_> = (0..8)
        .map(|_| {
            let (ledger, said, stop) = (ledger.clone(), Arc::clone(&said), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Acquire) {
                    let operation = OperationId::generate();
                    let first = AttemptId::first(operation);
                    ledger.intend(intent(first)).await.unwrap();
                    said.lock().unwrap().intended.insert(operation);
                    let recorded = ledger.record(entry(first), None).await.unwrap();
                    if recorded.booking >= counts {
                        said.lock().unwrap().committed.insert(operation);
                    }
                }
            })
        })
        .collect();
    for time in 0..kills() {
        tokio::time::sleep(Duration::from_millis(500)).await;
        tokio::task::block_in_place(&kill);
        // Not each time, so that it is also killed while it catches up; the spool would be full in the end.
        if time % 2 == 1 {
            caught_up(&ledger).await;
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Release);
    for writer in writers {
        writer.await.unwrap();
    }
    caught_up(&ledger).await;
    ledger.flush(Duration::from_mins(1)).await.unwrap();
    assert_eq!(ledger.status().rejected, 0);
    drop(ledger);
    let said = std::mem::take(&mut *said.lock().unwrap());
    (database, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_on_postgres() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let kill = || {
        cluster.kill();
        std::thread::sleep(Duration::from_millis(300));
        cluster.restart();
    };
    let (database, said) = killed_server(&cluster.url(), Booking::Spooled, kill).await;
    verify(&database, &said).await;
    database.dispose().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_on_mariadb() {
    let Some(server) = MariaDb::start(&[]) else {
        return;
    };
    let kill = || {
        server.kill();
        std::thread::sleep(Duration::from_millis(300));
        server.restart();
    };
    let (database, said) = killed_server(&server.url(), Booking::Spooled, kill).await;
    verify(&database, &said).await;
    database.dispose().await;
}

/// The other way round: with a setting that may lose what is committed, the same test finds a loss, and nothing was
/// called durable.
#[tokio::test(flavor = "multi_thread")]
async fn a_lossy_server_is_caught_and_never_called_durable() {
    let Some(server) = MariaDb::start(&["--innodb-flush-log-at-trx-commit=0"]) else {
        return;
    };
    let database = open(&server.url()).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let ledger = Ledger::new(&database);
    let mut lost = 0;
    for _ in 0..10 {
        let mut acknowledged = BTreeSet::new();
        for _ in 0..50 {
            let operation = OperationId::generate();
            let kept = ledger
                .record(entry(AttemptId::first(operation)), None)
                .await
                .unwrap();
            assert_eq!(kept.booking, Booking::Memory);
            acknowledged.insert(operation);
        }
        server.kill();
        server.restart();
        let again = open(&server.url()).await;
        let kept = booked(&Ledger::new(&again)).await;
        lost += acknowledged
            .iter()
            .filter(|it| !kept.contains_key(it))
            .count();
        again.dispose().await;
        if lost > 0 {
            break;
        }
    }
    assert!(lost > 0, "a server that flushes once a second lost nothing");
}

/// A server that is told to believe that keys are new: it does not even look at an index that is not in memory.
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_booked_once_where_mariadb_does_not_check_keys() {
    let Some(server) = MariaDb::start(&[
        "--innodb-change-buffering=all",
        "--innodb-buffer-pool-load-at-startup=0",
        "--innodb-buffer-pool-dump-at-shutdown=0",
    ]) else {
        return;
    };
    let database = open(&server.url()).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let ledger = Ledger::new(&database);
    let attempt = AttemptId::first(OperationId::generate());
    ledger.record(entry(attempt), None).await.unwrap();
    // So many that the key is not on the page that each index begins with.
    let writers = (0..4000).map(|_| {
        let ledger = ledger.clone();
        let operation = OperationId::generate();
        tokio::spawn(async move {
            ledger
                .record(entry(AttemptId::first(operation)), None)
                .await
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    execute(&database, "SHUTDOWN").await;
    database.dispose().await;
    server.wait();
    server.restart();
    let before = open(&server.url()).await;
    execute(&before, "SET GLOBAL unique_checks = 0").await;
    before.dispose().await;
    let database = open(&server.url()).await;
    let ledger = Ledger::new(&database);
    let again = ledger.record(entry(attempt), None).await.unwrap();
    assert!(again.replayed);
    assert_eq!(ledger.total().await.unwrap().entries, 4001);
    database.dispose().await;
}

async fn execute(database: &Database, sql: &str) {
    use sea_orm::ConnectionTrait;

    let mut scope = database.writer().unwrap();
    let connection = scope.connection().unwrap();
    connection.execute_unprepared(sql).await.unwrap();
}

/// A server with a binary log, on which what was committed also depends.
#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_may_lose_is_not_called_durable() {
    let Some(server) = MariaDb::start(&["--log-bin=log", "--server-id=1"]) else {
        return;
    };
    let database = open(&server.url()).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let ledger = Ledger::new(&database);
    for (flush, sync, booking) in [
        (1, 1, Booking::Durable),
        (1, 0, Booking::Memory),
        (2, 1, Booking::Memory),
        (0, 1, Booking::Memory),
        (3, 1, Booking::Durable),
    ] {
        for (setting, value) in [
            ("innodb_flush_log_at_trx_commit", flush),
            ("sync_binlog", sync),
        ] {
            let mut scope = database.writer().unwrap();
            let connection = scope.connection().unwrap();
            let sql = format!("SET GLOBAL {setting} = {value}");
            sea_orm::ConnectionTrait::execute_unprepared(connection, &sql)
                .await
                .unwrap();
        }
        let attempt = AttemptId::first(OperationId::generate());
        let kept = ledger.record(entry(attempt), None).await.unwrap();
        assert_eq!(kept.booking, booking, "{flush}, {sync}");
    }
    database.dispose().await;
}

/// Four processes on one database, of which one after another is killed and replaced by a new one that recovers what it
/// finds: no call of a living sibling is among that.
#[tokio::test(flavor = "multi_thread")]
async fn rolling_restarts_touch_no_live_call_of_a_sibling() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let database = open(&cluster.url()).await;
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let said = Arc::new(Mutex::new(Said::default()));
    let start = || {
        let mut process = writer(&cluster.url());
        let (lines, said) = (lines(&mut process), Arc::clone(&said));
        let reader = std::thread::spawn(move || {
            lines.for_each(|line| {
                said.lock().unwrap().read(std::iter::once(line));
            });
        });
        (process, reader)
    };
    let mut processes: Vec<_> = (0..4).map(|_| start()).collect();
    for round in 0..kills() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (mut dead, reader) = std::mem::replace(&mut processes[round % 4], start());
        dead.kill().unwrap();
        dead.wait().unwrap();
        reader.join().unwrap();
        let ledger = Ledger::builder(&database)
            .lease(Duration::from_secs(20))
            .build()
            .unwrap();
        let settle = |intent: &Intent| Resolution::Settle(Box::new(intent.unknown()));
        ledger.recover(settle).await.unwrap();
    }
    for (mut process, reader) in processes {
        process.kill().unwrap();
        process.wait().unwrap();
        reader.join().unwrap();
    }
    let said = std::mem::take(&mut *said.lock().unwrap());
    let ledger = Ledger::new(&database);
    wait_for_the_dead(&ledger).await;
    // Whoever's live call is taken for dead has it booked twice: as unknown, and as a late correction.
    let total = ledger.total().await.unwrap();
    let kept = booked(&ledger).await;
    assert_eq!(
        total.entries,
        kept.len() as u64,
        "a live call was recovered"
    );
    verify(&database, &said).await;
    database.dispose().await;
}
