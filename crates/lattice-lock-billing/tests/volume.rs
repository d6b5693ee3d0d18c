//! Many attempts from many tasks, on SQLite, and a server that is away for a long time.
//!
//! `LATTICE_TEST_ATTEMPTS` says how many attempts (5,000 by default, a million in the deep run), `LATTICE_TEST_OUTAGE` for how
//! many seconds the server is away (2 by default, 30 in the deep run).
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

#[path = "../../lattice-lock-repository/tests/cluster/mod.rs"]
mod cluster;
#[path = "../../lattice-lock-repository/tests/unprivileged/mod.rs"]
mod unprivileged;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::Cluster;
use lattice_lock_billing::{
    AttemptId, Booking, Entry, Intent, Ledger, OperationId, Outcome, UsageAccumulator, codes,
};
use lattice_lock_principal::Principal;
use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
use lattice_lock_repository::{Database, DatabaseOptions};
use tempfile::TempDir;

const TASKS: u64 = 64;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

fn prices() -> (PriceVersion, PriceList) {
    let price = |usd: &str| Price::per_million(usd).unwrap();
    let list = PriceList::new([(Bucket::Input, price("0.25")), (Bucket::Output, price("2"))]);
    (PriceVersion::new("test"), list)
}

fn entry(attempt: AttemptId, usage: TokenUsage) -> Entry {
    let who = Principal::external("user-17").unwrap();
    let (version, list) = prices();
    Entry::new(
        attempt,
        &who,
        "openai/gpt-5-mini".parse().unwrap(),
        Outcome::Replied,
    )
    .unwrap()
    .used(usage, Some((&version, &list)))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_of_many_tasks_is_aggregated_and_booked_exactly() {
    let attempts = variable("LATTICE_TEST_ATTEMPTS", 5_000);
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
    let database = Database::open(&url).await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let ledger = Ledger::new(&database);
    // Each task has as many in flight as one transaction takes an eighth of.
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let mut sum = UsageAccumulator::default();
                let numbers: Vec<_> = (0..attempts).filter(|n| n % TASKS == task).collect();
                for part in numbers.chunks(64) {
                    let mut writes = Vec::with_capacity(part.len());
                    for n in part {
                        let usage = TokenUsage::new()
                            .with(Bucket::Input, *n)
                            .with(Bucket::Output, n % 7);
                        let entry = entry(AttemptId::first(OperationId::generate()), usage);
                        sum.add(entry.usage(), entry.cost()).unwrap();
                        let ledger = ledger.clone();
                        writes.push(tokio::spawn(async move {
                            ledger.record(entry, None).await.unwrap()
                        }));
                    }
                    for write in writes {
                        assert_eq!(write.await.unwrap().booking, Booking::Durable);
                    }
                }
                sum
            })
        })
        .collect();
    let mut sum = UsageAccumulator::default();
    for task in tasks {
        sum.merge(&task.await.unwrap()).unwrap();
    }
    let (input, output): (u64, u64) = (
        attempts * (attempts - 1) / 2,
        (0..attempts).map(|n| n % 7).sum(),
    );
    let nanos = i128::from(input) * 250 + i128::from(output) * 2000;
    assert_eq!(
        (
            sum.attempts(),
            sum.count(Bucket::Input),
            sum.count(Bucket::Output)
        ),
        (attempts, Some(input), Some(output))
    );
    assert_eq!(sum.cost().nanos(), nanos);
    let total = ledger.total().await.unwrap();
    assert_eq!(
        (total.entries, total.unpriced, total.total_usd.nanos()),
        (attempts, 0, nanos)
    );
    let (mut after, mut read) = (None, UsageAccumulator::default());
    loop {
        let page = ledger.list(after, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position();
        read.merge(&UsageAccumulator::of_entries(&page).unwrap())
            .unwrap();
    }
    assert_eq!(read, sum);
    database.dispose().await;
}

/// What sixteen callers were told.
#[derive(Default)]
struct Told {
    acknowledged: BTreeSet<OperationId>,
    refused: u64,
    spooled: u64,
}

async fn call(ledger: Ledger, told: Arc<Mutex<Told>>, stop: Arc<AtomicBool>) {
    let who = Principal::external("user-17").unwrap();
    while !stop.load(Ordering::Acquire) {
        let operation = OperationId::generate();
        let attempt = AttemptId::first(operation);
        let intent = Intent::new(attempt, &who, "openai/gpt-5-mini".parse().unwrap());
        if let Err(refused) = ledger.intend(intent).await {
            assert_eq!(refused.code(), codes::BACKLOG_FULL);
            told.lock().unwrap().refused += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let usage = TokenUsage::new().with(Bucket::Input, 1);
        match ledger.record(entry(attempt, usage), None).await {
            Ok(kept) => {
                let mut told = told.lock().unwrap();
                told.spooled += u64::from(kept.booking == Booking::Spooled);
                told.acknowledged.insert(operation);
            }
            Err(refused) => {
                assert_eq!(refused.code(), codes::BACKLOG_FULL);
                told.lock().unwrap().refused += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_every_call_is_spooled_or_refused_and_all_are_booked_once_afterwards()
 {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let options = DatabaseOptions::default().acquire_timeout(Duration::from_secs(2));
    let database = Database::open_with(&cluster.url(), options).await.unwrap();
    database.migrate(Ledger::MIGRATIONS).await.unwrap();
    let builder = Ledger::builder(&database).spool(folder.path().join("spool"), 1 << 24);
    let ledger = builder.build().unwrap();
    let (told, stop) = (
        Arc::new(Mutex::new(Told::default())),
        Arc::new(AtomicBool::new(false)),
    );
    let callers: Vec<_> = (0..16)
        .map(|_| tokio::spawn(call(ledger.clone(), Arc::clone(&told), Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    tokio::task::block_in_place(|| cluster.kill());
    tokio::time::sleep(Duration::from_secs(variable("LATTICE_TEST_OUTAGE", 2))).await;
    tokio::task::block_in_place(|| cluster.restart());
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Release);
    for caller in callers {
        caller.await.unwrap();
    }
    let emptied = async {
        while ledger.status().spooled_bytes > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ledger.flush(Duration::from_mins(1)).await.unwrap();
    };
    tokio::time::timeout(Duration::from_mins(5), emptied)
        .await
        .unwrap();
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(told.spooled > 0, "nothing was spooled");
    let (mut after, mut booked) = (None, BTreeSet::new());
    loop {
        let page = ledger.list(after, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.position();
        for entry in &page {
            assert!(
                booked.insert(entry.attempt().unwrap().operation()),
                "an attempt stands twice"
            );
        }
    }
    assert_eq!(booked, told.acknowledged, "refused {}", told.refused);
    database.dispose().await;
}
