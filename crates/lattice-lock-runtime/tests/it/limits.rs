//! How many tasks run at a time, and who waits for that.

use std::future::pending;
use std::sync::{Arc, Mutex};

use lattice_lock_errors::Result;
use lattice_lock_runtime::{BackgroundTasks, Ending, Task, TaskHandle, codes};
use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::support::{panics, secs};

fn limited(running: usize, queued: usize) -> BackgroundTasks {
    BackgroundTasks::builder()
        .max_concurrent(running)
        .max_queued(queued)
        .build()
        .unwrap()
}

fn nap(tasks: &BackgroundTasks, naps: u64) -> TaskHandle<()> {
    let nap = async move {
        sleep(secs(naps)).await;
        Ok(())
    };
    tasks.spawn("nap", nap).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_more_run_than_may() {
    let tasks = limited(2, 10);
    let start = Instant::now();
    let naps: Vec<_> = (0..6).map(|_| nap(&tasks, 1)).collect();
    assert_eq!((tasks.counters().running, tasks.counters().queued), (2, 4));
    for nap in naps {
        nap.await.unwrap();
    }
    assert_eq!(start.elapsed(), secs(3));
    assert_eq!(tasks.counters().completed, 6);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses() {
    let tasks = limited(1, 1);
    let (_running, _queued) = (nap(&tasks, 1), nap(&tasks, 1));
    let error = tasks.spawn("one too many", async { Ok(()) }).unwrap_err();
    assert_eq!(error.code(), codes::QUEUE_FULL);
    assert!(error.is_retryable());
    assert_eq!(tasks.counters().accepted(), 2);
}

#[tokio::test(start_paused = true)]
async fn back_pressure_waits_for_room_in_turn() {
    let tasks = limited(1, 0);
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    for n in 0..3 {
        let order = order.clone();
        let nap = async move {
            order.lock().unwrap().push(n);
            sleep(secs(1)).await;
            Ok(())
        };
        tasks.spawn_when_ready("nap", nap).await.unwrap().detach();
        assert_eq!(start.elapsed(), secs(n));
    }
    tasks.shutdown(secs(5)).await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_waiting_leaves_nothing_behind() {
    let tasks = limited(1, 0);
    let first = nap(&tasks, 10);
    let waiting = tasks.spawn_when_ready("gives up", async { Ok(()) });
    assert!(tokio::time::timeout(secs(1), waiting).await.is_err());
    assert_eq!(tasks.counters().accepted(), 1);
    first.await.unwrap();
    nap(&tasks, 1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_sends_away_whoever_waits_for_room() {
    let tasks = limited(1, 0);
    let first = nap(&tasks, 10);
    let waiter = tasks.clone();
    let waiting = tokio::spawn(async move {
        waiter
            .spawn_when_ready("late", async { Ok(()) })
            .await
            .map(TaskHandle::detach)
    });
    yield_now().await;
    let report = tasks.shutdown(secs(60)).await;
    assert_eq!(
        waiting.await.unwrap().unwrap_err().code(),
        codes::SHUTTING_DOWN
    );
    assert!(report.is_clean());
    first.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn queued_tasks_get_their_turn_in_a_shutdown_or_are_named() {
    let tasks = limited(1, 10);
    let naps: Vec<_> = (0..4).map(|_| nap(&tasks, 1)).collect();
    let report = tasks.shutdown(secs(3)).await;
    let endings: Vec<_> = report.leftovers.iter().map(|task| task.ending).collect();
    assert_eq!(report.finished, 2);
    // The one that never got a slot is dropped before the one that has it.
    assert_eq!(endings.len(), 2);
    assert!(endings.contains(&Ending::Cut) && endings.contains(&Ending::NeverStarted));
    assert_eq!(naps.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_slot_comes_back_however_its_task_ends() {
    let tasks = limited(1, 10);
    tasks
        .spawn("panics", async { panics::<Result<()>>("no") })
        .unwrap()
        .detach();
    let slow = Task::named("slow").timeout(secs(1));
    tasks.spawn(slow, pending::<Result<()>>()).unwrap().detach();
    let cancelled = tasks.spawn("cancelled", pending::<Result<()>>()).unwrap();
    let queued = tasks.spawn("queued", pending::<Result<()>>()).unwrap();
    queued.cancel();
    sleep(secs(2)).await;
    cancelled.cancel();
    nap(&tasks, 1).await.unwrap();
    let counters = tasks.counters();
    assert_eq!(
        (counters.panicked, counters.timed_out, counters.cancelled),
        (1, 1, 2)
    );
    assert_eq!((counters.live(), counters.queued), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_does_not_use_up_the_timeout() {
    let tasks = limited(1, 1);
    let (release, released) = oneshot::channel();
    let holder = tasks
        .spawn("holder", async move { Ok(released.await.is_ok()) })
        .unwrap();
    let patient = tasks
        .spawn(Task::named("patient").timeout(secs(1)), async { Ok(()) })
        .unwrap();
    sleep(secs(100)).await;
    release.send(()).unwrap();
    assert!(holder.await.unwrap());
    patient.await.unwrap();
}

#[test]
fn limits_that_make_no_sense_are_refused_and_huge_ones_are_not() {
    let none = BackgroundTasks::builder()
        .max_concurrent(0)
        .build()
        .unwrap_err();
    assert_eq!(none.code(), codes::INVALID_LIMIT);
    let huge = BackgroundTasks::builder()
        .max_concurrent(usize::MAX)
        .max_queued(usize::MAX);
    assert_eq!(huge.build().unwrap().counters().live(), 0);
}

#[tokio::test]
async fn slots_are_given_in_the_order_of_acceptance() {
    let tasks = limited(1, 100);
    let order = Arc::new(Mutex::new(Vec::new()));
    // The first one runs when this test waits for it: until then nothing has been polled.
    let handles: Vec<_> = (0..100)
        .map(|number| {
            let order = order.clone();
            tasks.spawn("task", async move {
                order.lock().unwrap().push(number);
                tokio::task::yield_now().await;
                Ok(())
            })
        })
        .collect();
    // Polled last first, so that the order of the polls is not that of acceptance.
    let last_first = handles.into_iter().rev().map(|handle| handle.unwrap());
    for handle in last_first {
        handle.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
}
