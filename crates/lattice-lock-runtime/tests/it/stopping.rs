//! The shutdown of background tasks.

use std::future::pending;
use std::sync::mpsc;
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_runtime::{BackgroundTasks, Ending, codes};
use tokio::time::{Instant, sleep};

use crate::support::{panics, secs};

fn hang(tasks: &BackgroundTasks, name: &'static str) {
    tasks.spawn(name, pending::<Result<()>>()).unwrap().detach();
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_waited_for() {
    let tasks = BackgroundTasks::new();
    for n in 1..=3 {
        tasks
            .spawn("sleeper", async move {
                sleep(secs(n)).await;
                Ok(())
            })
            .unwrap()
            .detach();
    }
    let start = Instant::now();
    let report = tasks.shutdown(secs(10)).await;
    assert!(report.is_clean());
    assert_eq!((report.finished, report.took), (3, secs(3)));
    assert_eq!(start.elapsed(), secs(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_at_the_deadline_is_cut_and_named() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "first");
    hang(&tasks, "second");
    let start = Instant::now();
    let report = tasks.shutdown(secs(10)).await;
    assert_eq!(start.elapsed(), Duration::from_millis(9_900));
    let left: Vec<_> = report
        .leftovers
        .iter()
        .map(|task| (&*task.name, task.ending))
        .collect();
    assert_eq!(left, [("first", Ending::Cut), ("second", Ending::Cut)]);
    assert_eq!(
        (
            report.finished,
            tasks.counters().cancelled,
            tasks.counters().live()
        ),
        (0, 2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_accepted_once_it_began() {
    let tasks = BackgroundTasks::new();
    let closing = tasks.closing();
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    assert!(closing.is_cancelled());
    let codes = [
        tasks.spawn("late", async { Ok(()) }).unwrap_err().code(),
        tasks
            .spawn_when_ready("late", async { Ok(()) })
            .await
            .unwrap_err()
            .code(),
        tasks.scope("late").unwrap_err().code(),
    ];
    assert_eq!(codes, [codes::SHUTTING_DOWN; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_spawns_during_the_shutdown_is_told_so() {
    let tasks = BackgroundTasks::new();
    let (inner, closing) = (tasks.clone(), tasks.closing());
    let spawner = tasks.spawn("spawner", async move {
        closing.cancelled().await;
        inner.spawn("late", async { Ok(()) })?.await
    });
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    assert_eq!(
        spawner.unwrap().await.unwrap_err().code(),
        codes::SHUTTING_DOWN
    );
}

#[tokio::test(start_paused = true)]
async fn without_any_time_everything_is_cut_at_once() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "hang");
    let start = Instant::now();
    let report = tasks.shutdown(Duration::ZERO).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(report.leftovers[0].ending, Ending::Cut);
}

#[tokio::test(start_paused = true)]
async fn an_endless_deadline_does_not_overflow() {
    let tasks = BackgroundTasks::new();
    let nap = async {
        sleep(secs(1_000_000)).await;
        Ok(())
    };
    tasks.spawn("nap", nap).unwrap().detach();
    assert!(tasks.shutdown(Duration::MAX).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn the_earliest_of_many_deadlines_counts_and_all_reports_agree() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "hang");
    let start = Instant::now();
    let (long, short) = tokio::join!(tasks.shutdown(secs(60)), tasks.shutdown(secs(1)));
    assert!(start.elapsed() <= secs(1));
    assert_eq!(long.leftovers, short.leftovers);
    let again = tasks.shutdown(secs(60)).await;
    assert_eq!(
        (&again.leftovers, again.took),
        (&short.leftovers, Duration::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_dropped_can_be_taken_up_again() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "hang");
    let dropped = tokio::time::timeout(secs(1), tasks.shutdown(secs(10))).await;
    assert!(dropped.is_err());
    assert_eq!(
        tasks.spawn("late", async { Ok(()) }).unwrap_err().code(),
        codes::SHUTTING_DOWN
    );
    assert_eq!(tasks.counters().running, 1);
    assert_eq!(tasks.shutdown(secs(1)).await.leftovers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_of_ours_may_call_it() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "hang");
    let inner = tasks.clone();
    let caller = tasks
        .spawn("caller", async move { Ok(inner.shutdown(secs(1)).await) })
        .unwrap();
    let report = caller.await.unwrap();
    assert_eq!(report.leftovers.len(), 1);
    assert_eq!(report.leftovers[0].name, "hang");
    assert_eq!(tasks.counters().completed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_in_a_scope_may_call_it() {
    let tasks = BackgroundTasks::new();
    let scope = tasks.scope("scope").unwrap();
    let inner = tasks.clone();
    let caller = scope
        .spawn("caller", async move { Ok(inner.shutdown(secs(1)).await) })
        .unwrap();
    let report = caller.await.unwrap();
    assert!(report.is_clean());
    assert_eq!(report.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn two_tasks_of_ours_that_call_it_do_not_wait_forever() {
    let tasks = BackgroundTasks::new();
    for name in ["one", "two"] {
        let inner = tasks.clone();
        let caller = async move { Ok(inner.shutdown(secs(1)).await) };
        tasks.spawn(name, caller).unwrap().detach();
    }
    let start = Instant::now();
    tasks.shutdown(secs(5)).await;
    assert!(start.elapsed() <= secs(1));
    assert_eq!(tasks.counters().live(), 0);
}

#[tokio::test(start_paused = true)]
async fn tasks_that_panic_meanwhile_have_finished() {
    let tasks = BackgroundTasks::new();
    let closing = tasks.closing();
    let panicking = async move {
        closing.cancelled().await;
        panics::<Result<()>>("on the way out")
    };
    tasks.spawn("panics", panicking).unwrap().detach();
    let report = tasks.shutdown(secs(1)).await;
    assert!(report.is_clean());
    assert_eq!((report.finished, tasks.counters().panicked), (1, 1));
}

#[test]
fn a_task_that_blocks_its_thread_is_named_as_stuck() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let tasks = BackgroundTasks::new();
    let (release, released) = mpsc::channel::<()>();
    let (started, has_started) = mpsc::channel::<()>();
    runtime.block_on(async {
        let blocking = async move {
            started.send(()).unwrap();
            released.recv().unwrap();
            Ok(())
        };
        tasks.spawn("blocks", blocking).unwrap().detach();
        has_started.recv().unwrap();
        let report = tasks.shutdown(Duration::from_millis(20)).await;
        assert_eq!(report.leftovers[0].ending, Ending::Stuck);
        release.send(()).unwrap();
        // It came to its own end after all, and a later report says so.
        let report = tasks.shutdown(secs(10)).await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(tasks.counters().completed, 1);
    });
}

#[tokio::test(start_paused = true)]
async fn a_report_reads_well() {
    let tasks = BackgroundTasks::new();
    hang(&tasks, "hang");
    let report = tasks.shutdown(secs(10)).await;
    let text = "shutdown took 9.9s: 0 tasks finished, 1 left\n  task hang (cut)";
    assert_eq!(report.to_string(), text);
}

#[test]
fn a_task_that_calls_it_at_once_does_not_wait_for_itself() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    for _ in 0..2_000 {
        let tasks = BackgroundTasks::new();
        let inner = tasks.clone();
        // Spawned from outside, so that it may run before its own id is known to its owner.
        let report = runtime.block_on(async {
            let shutdown = async move { Ok(inner.shutdown(secs(600)).await) };
            let caller = tasks.spawn("caller", shutdown).unwrap();
            tokio::time::timeout(secs(60), caller)
                .await
                .unwrap()
                .unwrap()
        });
        assert!(report.is_clean(), "{report}");
    }
}
