//! Nothing that was acknowledged is lost when a server or a process is killed.
#![cfg(all(feature = "contract", feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod cluster;
mod unprivileged;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cluster::Cluster;
use lattice_lock_errors::Error;
use lattice_lock_repository::contract::{NOTES, Note, NoteTable};
use lattice_lock_repository::{
    Database, DatabaseOptions, Isolation, ListAll, Page, Repository, TableRepository,
    TransactionOptions, codes,
};
use tempfile::TempDir;

const NOTE_TABLE: TableRepository<NoteTable> = TableRepository::new();

async fn titles(database: &Database) -> HashSet<String> {
    let (mut titles, mut all) = (
        HashSet::new(),
        NOTE_TABLE.list_all(Page::first(1000).unwrap()),
    );
    while let Some(note) = all.next(&mut database.reader().unwrap()).await.unwrap() {
        titles.insert(note.entity.title);
    }
    titles
}

async fn write(database: &Database, title: String) -> Result<(), Error> {
    let options = TransactionOptions::default().isolation(Isolation::ReadCommitted);
    let work = database.transaction_with(options, |scope| {
        let note = Note::new(title.clone(), 1);
        Box::pin(async move { NOTE_TABLE.create(scope, note).await.map(drop) })
    });
    work.await
}

/// What sixteen writers have in common.
#[derive(Default)]
struct Journal {
    acknowledged: Mutex<Vec<String>>,
    failures: AtomicU64,
    unclear: Mutex<Vec<Error>>,
    stop: AtomicBool,
}

impl Journal {
    fn len(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }
}

async fn writer(database: Database, journal: Arc<Journal>, number: u32) {
    let mut n = 0;
    while !journal.stop.load(Ordering::Acquire) {
        n += 1;
        let title = format!("{number}-{n}");
        match write(&database, title.clone()).await {
            Ok(()) => journal.acknowledged.lock().unwrap().push(title),
            Err(error) => {
                journal.failures.fetch_add(1, Ordering::Relaxed);
                if !error.is_retryable() && error.code() != codes::COMMIT_UNKNOWN {
                    journal.unclear.lock().unwrap().push(error);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_and_is_found_again_within_five_seconds() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let options = DatabaseOptions::default()
        .pool_size(16)
        .max_overflow(0)
        .acquire_timeout(Duration::from_secs(2));
    let database = Database::open_with(&cluster.url(), options).await.unwrap();
    database.migrate(NOTES).await.unwrap();
    let journal = Arc::new(Journal::default());
    let writers: Vec<_> = (0..16)
        .map(|number| tokio::spawn(writer(database.clone(), Arc::clone(&journal), number)))
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let failures = journal.failures.load(Ordering::Relaxed);
        cluster.kill();
        let noticed = async {
            while journal.failures.load(Ordering::Relaxed) == failures {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let noticed = tokio::time::timeout(Duration::from_mins(1), noticed).await;
        noticed.expect("nobody noticed");
        cluster.restart();
        let (up, before) = (Instant::now(), journal.len());
        while journal.len() == before {
            assert!(
                up.elapsed() < Duration::from_secs(5),
                "the pool did not recover"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    journal.stop.store(true, Ordering::Release);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(format!("{:?}", journal.unclear.lock().unwrap()), "[]");
    let acknowledged = journal.acknowledged.lock().unwrap().clone();
    nothing_is_lost(&database, &acknowledged).await;
    database.dispose().await;
}

async fn nothing_is_lost(database: &Database, acknowledged: &[String]) {
    let kept = titles(database).await;
    let lost = acknowledged.iter().filter(|title| !kept.contains(*title));
    let lost: Vec<_> = lost.collect();
    let (few, all) = (lost.len(), acknowledged.len());
    assert!(lost.is_empty(), "{few} of {all} lost: {lost:?}");
}

/// Where the writer that is to be killed finds its file.
const FILE: &str = "LATTICE_TEST_WRITER_FILE";

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let Ok(url) = std::env::var(FILE) {
        return write_until_killed(&url).await;
    }
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let database = Database::open(&url).await.unwrap();
    database.migrate(NOTES).await.unwrap();
    database.dispose().await;
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        acknowledged.extend(killed_writer(&url));
        let database = Database::open(&url).await.unwrap();
        nothing_is_lost(&database, &acknowledged).await;
        database.dispose().await;
    }
    assert!(acknowledged.len() > 100, "hardly anything was written");
}

/// Starts a process that writes, kills it in the middle, and returns what it said was committed.
fn killed_writer(url: &str) -> Vec<String> {
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_killed_process_loses_nothing_that_it_acknowledged",
        ])
        .arg("--nocapture")
        .env(FILE, url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("committed ").map(str::to_owned));
    let mut acknowledged: Vec<_> = lines.by_ref().take(30).collect();
    process.kill().unwrap();
    acknowledged.extend(lines);
    process.wait().unwrap();
    acknowledged
}

async fn write_until_killed(url: &str) {
    let database = Database::open(url).await.unwrap();
    loop {
        let title = uuid::Uuid::new_v4().to_string();
        write(&database, title.clone()).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\ncommitted {title}").unwrap();
        out.flush().unwrap();
    }
}
