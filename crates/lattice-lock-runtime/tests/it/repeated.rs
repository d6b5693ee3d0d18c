//! Tasks that run more than once.

use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_runtime::{BackgroundTasks, Jitter, Period, Restart, RetryPolicy, Task, codes};
use tokio::time::{Instant, sleep};

use crate::support::{busy, invalid, panics, secs};

/// The starts of the runs of a periodic task that takes `run`, within `time`.
async fn starts(period: Period, run: Duration, time: Duration) -> Vec<Duration> {
    let tasks = BackgroundTasks::new();
    let begun = Instant::now();
    let starts = Arc::new(Mutex::new(Vec::new()));
    let seen = starts.clone();
    let task = tasks.spawn_periodic("tick", period, move || {
        seen.lock().unwrap().push(begun.elapsed());
        async move {
            sleep(run).await;
            Ok(())
        }
    });
    task.unwrap().detach();
    sleep(time).await;
    assert!(tasks.shutdown(secs(100)).await.is_clean());
    Arc::try_unwrap(starts).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn runs_start_at_their_period() {
    let starts = starts(Period::every(secs(10)), secs(3), secs(35)).await;
    assert_eq!(starts, [secs(0), secs(10), secs(20), secs(30)]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_delays_the_next_and_does_not_overlap_it() {
    let starts = starts(Period::every(secs(10)), secs(25), secs(80)).await;
    assert_eq!(starts, [secs(0), secs(25), secs(50), secs(75)]);
}

#[tokio::test(start_paused = true)]
async fn jitter_delays_each_run_and_does_not_add_up() {
    let period = Period::every(secs(100)).jitter(secs(10));
    let starts = starts(period, Duration::ZERO, secs(10_050)).await;
    assert_eq!(starts.len(), 101);
    for (at, start) in starts.iter().enumerate() {
        let late = start.saturating_sub(secs(100) * u32::try_from(at).unwrap());
        assert!(
            late <= secs(10) + Duration::from_millis(1),
            "run {at} is late by {late:?}"
        );
    }
    assert!(starts.iter().any(|start| start.subsec_nanos() != 0));
}

#[tokio::test(start_paused = true)]
async fn an_endless_period_runs_once_and_a_zero_one_does_not_spin() {
    assert_eq!(
        starts(Period::every(Duration::MAX), Duration::ZERO, secs(1_000))
            .await
            .len(),
        1
    );
    let fast = starts(Period::every(Duration::ZERO), Duration::ZERO, secs(1)).await;
    assert!(fast.len() <= 1_001, "{} runs in a second", fast.len());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_panics_or_hangs_does_not_end_the_task() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let heard = failures.clone();
    let tasks = BackgroundTasks::builder()
        .on_failure(move |error| heard.lock().unwrap().push(error.code().as_str()))
        .build()
        .unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let task = Task::named("tick").timeout(secs(2));
    let handle = tasks.spawn_periodic(task, Period::every(secs(10)), move || {
        let run = count.fetch_add(1, Ordering::Relaxed);
        assert!(run != 3, "in making the future");
        async move {
            match run {
                0 => Err(invalid()),
                1 => panics("in the run"),
                2 => pending().await,
                _ => Ok(()),
            }
        }
    });
    sleep(secs(45)).await;
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    handle.unwrap().await.unwrap();
    assert_eq!(runs.load(Ordering::Relaxed), 5);
    let failures = failures.lock().unwrap();
    assert_eq!(
        *failures,
        ["LL-TSK-997", "LL-TSK-001", "LL-TSK-002", "LL-TSK-001"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_the_run_in_progress() {
    let tasks = BackgroundTasks::new();
    let done = Arc::new(AtomicU32::new(0));
    let count = done.clone();
    let handle = tasks.spawn_periodic("tick", Period::every(secs(1)), move || {
        let count = count.clone();
        async move {
            sleep(secs(5)).await;
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    });
    sleep(secs(1)).await;
    let report = tasks.shutdown(secs(10)).await;
    assert_eq!((report.took, done.load(Ordering::Relaxed)), (secs(4), 1));
    handle.unwrap().await.unwrap();
}

fn restarts(attempts: u32) -> Restart {
    let policy = RetryPolicy::new()
        .jitter(Jitter::None)
        .base_delay(secs(1))
        .max_delay(secs(4));
    Restart::OnFailure(policy.max_attempts(attempts))
}

/// Runs a task whose runs take `run` and fail `failures` times.
async fn check(restart: Restart, run: Duration, failures: u32) -> (u32, Duration, Result<u32>) {
    let tasks = BackgroundTasks::new();
    let start = Instant::now();
    let runs = Arc::new(AtomicU32::new(0));
    let count = runs.clone();
    let handle = tasks.spawn_restarting("worker", restart, move || {
        let run_number = count.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(run).await;
            match run_number {
                number if number >= failures => Ok(number),
                number if number % 2 == 0 => Err(invalid()),
                _ => panics("in the run"),
            }
        }
    });
    let result = handle.unwrap().await;
    (runs.load(Ordering::Relaxed), start.elapsed(), result)
}

#[tokio::test(start_paused = true)]
async fn without_restarts_a_failure_is_the_end() {
    let (runs, took, result) = check(Restart::Never, secs(1), 1).await;
    assert_eq!((runs, took), (1, secs(1)));
    assert!(result.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_task_is_restarted_with_backoff_until_it_succeeds() {
    let (runs, took, result) = check(restarts(10), Duration::ZERO, 5).await;
    assert_eq!((runs, took), (6, secs(1 + 2 + 4 + 4 + 4)));
    assert_eq!(result.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn restarts_end_when_the_attempts_are_spent() {
    let (runs, _, result) = check(restarts(4), Duration::ZERO, 100).await;
    assert_eq!(runs, 4);
    assert_eq!(result.unwrap_err().code(), codes::TASK_PANICKED);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lasted_starts_the_count_anew() {
    let (runs, _, result) = check(restarts(2), secs(5), 20).await;
    assert_eq!(runs, 21);
    assert_eq!(result.unwrap(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cuts_the_wait_before_a_restart() {
    let tasks = BackgroundTasks::new();
    let policy = RetryPolicy::new()
        .base_delay(Duration::MAX)
        .max_delay(Duration::MAX);
    let restart = Restart::OnFailure(policy.jitter(Jitter::None));
    let handle = tasks
        .spawn_restarting("worker", restart, async || Err::<(), _>(busy()))
        .unwrap();
    sleep(secs(1)).await;
    assert!(!handle.is_finished());
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    assert_eq!(handle.await.unwrap_err().code(), codes::TASK_CANCELLED);
    assert_eq!(tasks.counters().cancelled, 1);
}
