//! One task: its result, its panics, its timeout, its handle, its counters.

use std::future::pending;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};

use lattice_lock_errors::Result;
use lattice_lock_runtime::{BackgroundTaskError, BackgroundTasks, Task, TaskFailure, codes};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::support::{INVALID, capture, invalid, panics, secs};

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in drop");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_gives_the_value_or_the_error() {
    let tasks = BackgroundTasks::new();
    assert_eq!(
        tasks
            .spawn("value", async { Ok(7) })
            .unwrap()
            .await
            .unwrap(),
        7
    );
    let failed = tasks
        .spawn("error", async { Err::<(), _>(invalid()) })
        .unwrap();
    assert_eq!(failed.await.unwrap_err().code(), INVALID);
    let counters = tasks.counters();
    assert_eq!(
        (counters.completed, counters.failed, counters.live()),
        (1, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_becomes_an_error_with_the_name_of_the_task() {
    let tasks = BackgroundTasks::new();
    let handle = tasks
        .spawn("mailer", async { panics::<Result<()>>("out of stamps") })
        .unwrap();
    let error = handle.await.unwrap_err();
    assert_eq!(error.code(), codes::TASK_PANICKED);
    let cause = error.find::<BackgroundTaskError>().unwrap();
    assert_eq!(cause.task, "mailer");
    assert_eq!(
        cause.failure,
        TaskFailure::Panicked("out of stamps".to_string())
    );
    assert_eq!(tasks.counters().panicked, 1);
}

#[tokio::test(start_paused = true)]
async fn panics_of_any_sort_are_counted_once() {
    let tasks = BackgroundTasks::new();
    let bomb = Bomb;
    let dropped = async move {
        let _held = bomb;
        pending::<Result<()>>().await
    };
    let in_drop = tasks
        .spawn(Task::named("in drop").timeout(secs(1)), dropped)
        .unwrap();
    assert_eq!(in_drop.await.unwrap_err().code(), codes::TASK_PANICKED);
    let odd = tasks
        .spawn("odd payload", async { panic_any(Bomb) })
        .unwrap();
    assert_eq!(
        Result::<()>::unwrap_err(odd.await).code(),
        codes::TASK_PANICKED
    );
    let counters = tasks.counters();
    assert_eq!(
        (counters.panicked, counters.ended(), counters.live()),
        (2, 2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_cancelled_task_is_counted_as_one() {
    let tasks = BackgroundTasks::new();
    let bomb = Bomb;
    let handle = tasks
        .spawn("bomb", async move {
            let _held = bomb;
            pending::<Result<()>>().await
        })
        .unwrap();
    handle.cancel();
    assert_eq!(handle.await.unwrap_err().code(), codes::TASK_PANICKED);
    assert_eq!((tasks.counters().panicked, tasks.counters().live()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_is_cut() {
    let tasks = BackgroundTasks::builder()
        .task_timeout(secs(5))
        .build()
        .unwrap();
    let own = tasks
        .spawn(Task::named("own").timeout(secs(2)), pending::<Result<()>>())
        .unwrap();
    let default = tasks.spawn("default", pending::<Result<()>>()).unwrap();
    let endless = Task::named("endless").timeout(std::time::Duration::MAX);
    let endless = tasks.spawn(endless, pending::<Result<()>>()).unwrap();
    let start = tokio::time::Instant::now();
    let error = own.await.unwrap_err();
    assert_eq!(
        (error.code(), start.elapsed()),
        (codes::TASK_TIMED_OUT, secs(2))
    );
    assert_eq!(default.await.unwrap_err().code(), codes::TASK_TIMED_OUT);
    assert_eq!(start.elapsed(), secs(5));
    tokio::time::advance(secs(1_000_000)).await;
    assert!(!endless.is_finished());
    assert_eq!(tasks.counters().timed_out, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_drops_what_it_held() {
    let tasks = BackgroundTasks::new();
    let (held, released) = oneshot::channel::<()>();
    let handle = tasks
        .spawn("holder", async move {
            let _held = held;
            pending::<Result<()>>().await
        })
        .unwrap();
    yield_now().await;
    handle.cancel();
    assert!(released.await.is_err());
    assert_eq!(handle.await.unwrap_err().code(), codes::TASK_CANCELLED);
    assert_eq!(tasks.counters().cancelled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_detached_task_goes_on_and_its_failure_is_logged() {
    let (lines, _guard) = capture();
    let tasks = BackgroundTasks::new();
    tasks
        .spawn("early", async { Err::<(), _>(invalid()) })
        .unwrap()
        .detach();
    let late = tasks
        .spawn("late", async { panics::<Result<()>>("too late") })
        .unwrap();
    yield_now().await;
    assert!(late.is_finished());
    drop(late);
    let heard = tasks
        .spawn("heard", async { Err::<(), _>(invalid()) })
        .unwrap();
    drop(heard.await);
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    let text = lines.text();
    assert_eq!(text.matches(r#"code="LL-TSK-997""#).count(), 1, "{text}");
    assert_eq!(text.matches(r#"code="LL-TSK-001""#).count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn the_hook_hears_of_every_failure_and_of_no_cancellation() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hook = heard.clone();
    let tasks = BackgroundTasks::builder()
        .on_failure(move |error| {
            hook.lock().unwrap().push(error.code().as_str());
            panic!("in the hook");
        })
        .build()
        .unwrap();
    tasks
        .spawn("fails", async { Err::<(), _>(invalid()) })
        .unwrap()
        .detach();
    tasks
        .spawn("panics", async { panics::<Result<()>>("no") })
        .unwrap()
        .detach();
    tasks
        .spawn(
            Task::named("slow").timeout(secs(1)),
            pending::<Result<()>>(),
        )
        .unwrap()
        .detach();
    tasks
        .spawn("cancelled", pending::<Result<()>>())
        .unwrap()
        .cancel();
    tasks.shutdown(secs(5)).await;
    assert_eq!(
        *heard.lock().unwrap(),
        ["LL-TSK-997", "LL-TSK-001", "LL-TSK-002"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_that_says_so_counts_as_cancelled() {
    let tasks = BackgroundTasks::new();
    let closing = tasks.closing();
    let polite = tasks.spawn("polite", async move {
        closing.cancelled().await;
        Err::<(), _>(lattice_lock_errors::Error::new(
            codes::TASK_CANCELLED,
            "told to end",
        ))
    });
    assert!(tasks.shutdown(secs(1)).await.is_clean());
    assert_eq!(polite.unwrap().await.unwrap_err().message(), "told to end");
    assert_eq!(
        (tasks.counters().cancelled, tasks.counters().failed),
        (1, 0)
    );
}

#[test]
fn without_a_runtime_a_task_is_refused() {
    let tasks = BackgroundTasks::new();
    let error = tasks.spawn("lost", async { Ok(()) }).unwrap_err();
    assert_eq!(error.code(), codes::NO_RUNTIME);
    assert_eq!(tasks.counters().accepted(), 0);
}

#[test]
fn tasks_of_a_runtime_that_ends_are_settled_as_cancelled() {
    let tasks = BackgroundTasks::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let spawn = |name| tasks.spawn(name, pending::<Result<()>>()).unwrap();
    let handle = runtime.block_on(async { [spawn("detached"), spawn("awaited")] });
    let [detached, handle] = handle;
    drop(detached);
    drop(runtime);
    assert_eq!(
        (tasks.counters().cancelled, tasks.counters().live()),
        (2, 0)
    );
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    other.block_on(async {
        assert!(tasks.shutdown(secs(1)).await.is_clean());
        assert_eq!(handle.await.unwrap_err().code(), codes::TASK_CANCELLED);
    });
}

#[tokio::test(start_paused = true)]
async fn a_task_runs_in_the_span_that_it_was_spawned_in() {
    let (lines, _guard) = capture();
    let tasks = BackgroundTasks::new();
    let span = tracing::info_span!("operation", operation_id = "op-7");
    let handle = span.in_scope(|| {
        tasks.spawn("child", async {
            tracing::info!("at work");
            Ok(())
        })
    });
    handle.unwrap().await.unwrap();
    assert!(
        lines.text().contains(r#"operation{operation_id="op-7"}"#),
        "{}",
        lines.text()
    );
}

#[tokio::test(start_paused = true)]
async fn names_may_be_empty_huge_or_the_same() {
    let tasks = BackgroundTasks::new();
    for name in [
        String::new(),
        "é".repeat(1_000_000),
        "twin".into(),
        "twin".into(),
    ] {
        tasks.spawn(name, pending::<Result<()>>()).unwrap().detach();
    }
    let report = tasks.shutdown(secs(1)).await;
    assert_eq!(report.leftovers.len(), 4);
    assert_eq!(
        report
            .leftovers
            .iter()
            .filter(|task| task.name == "twin")
            .count(),
        2
    );
}
