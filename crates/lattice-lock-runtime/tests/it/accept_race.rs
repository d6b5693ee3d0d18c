//! A task is either refused, or it was waited for and counted: many threads spawn while one shuts down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use lattice_lock_runtime::{BackgroundTasks, codes};
use tokio::sync::Barrier;
use tokio::time::timeout;

const SPAWNERS: usize = 4;
const ROUNDS: usize = 500;

/// Enough for the shutdown to fall between two of them, and few enough to be cheap when it comes late.
const MOST: u64 = 2_000;

/// Spawns until it is refused, partly in scopes; gives how many were accepted.
async fn spawn_until_refused(tasks: BackgroundTasks, ended: Arc<AtomicU64>) -> u64 {
    for accepted in 0..MOST {
        let ended = ended.clone();
        let work = async move {
            ended.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let spawned = if accepted % 3 == 0 {
            tasks.scope("scope").and_then(|scope| {
                let handle = scope.spawn("work", work)?;
                tokio::spawn(scope.join());
                Ok(handle)
            })
        } else {
            tasks.spawn("work", work)
        };
        match spawned {
            Ok(handle) => handle.detach(),
            Err(error) => {
                assert_eq!(error.code(), codes::SHUTTING_DOWN);
                return accepted;
            }
        }
        if accepted % 16 == 0 {
            tokio::task::yield_now().await;
        }
    }
    MOST
}

async fn round() {
    let tasks = BackgroundTasks::new();
    let ended = Arc::new(AtomicU64::new(0));
    let barrier = Arc::new(Barrier::new(SPAWNERS + 1));
    let spawners: Vec<_> = (0..SPAWNERS)
        .map(|_| {
            let (tasks, ended, barrier) = (tasks.clone(), ended.clone(), barrier.clone());
            tokio::spawn(async move {
                barrier.wait().await;
                spawn_until_refused(tasks, ended).await
            })
        })
        .collect();
    barrier.wait().await;
    let report = timeout(Duration::from_secs(30), tasks.shutdown(Duration::MAX))
        .await
        .expect("a wake-up was lost");
    let ended_at_report = ended.load(Ordering::SeqCst);
    assert!(report.is_clean(), "{report}");
    let mut accepted = 0;
    for spawner in spawners {
        accepted += spawner.await.unwrap();
    }
    assert_eq!(
        ended_at_report, accepted,
        "a task was accepted and not waited for"
    );
    assert_eq!(
        (tasks.counters().completed, tasks.counters().live()),
        (accepted, 0)
    );
}

#[test]
fn no_task_is_accepted_and_not_waited_for() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(thread::available_parallelism().map_or(2, |n| n.get().max(4)))
        .enable_time()
        .build()
        .unwrap();
    for _ in 0..ROUNDS {
        runtime.block_on(runtime.spawn(round())).unwrap();
    }
}
