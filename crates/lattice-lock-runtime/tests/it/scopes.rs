//! Tasks that belong together.

use std::future::pending;
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_runtime::{BackgroundTasks, Ending, codes};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::support::secs;

#[tokio::test(start_paused = true)]
async fn joining_a_scope_waits_for_its_tasks_and_for_no_others() {
    let tasks = BackgroundTasks::new();
    tasks
        .spawn("other", pending::<Result<()>>())
        .unwrap()
        .detach();
    let scope = tasks.scope("operation").unwrap();
    let nested = scope.scope("turn").unwrap();
    for (at, owner) in [&*scope, &*nested].into_iter().enumerate() {
        let nap = async move {
            sleep(secs(1 + at as u64)).await;
            Ok(())
        };
        owner.spawn("nap", nap).unwrap().detach();
    }
    assert_eq!(
        tasks.names(),
        ["other", "operation/nap", "operation/turn/nap"]
    );
    let start = Instant::now();
    scope.join().await;
    assert_eq!(start.elapsed(), secs(2));
    assert_eq!(
        (tasks.counters().completed, tasks.counters().running),
        (2, 1)
    );
    assert_eq!(
        nested.spawn("late", async { Ok(()) }).unwrap_err().code(),
        codes::SHUTTING_DOWN
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_a_scope_cuts_its_tasks() {
    let tasks = BackgroundTasks::new();
    let scope = tasks.scope("operation").unwrap();
    let nested = scope.scope("turn").unwrap();
    let handle = nested.spawn("hang", pending::<Result<()>>()).unwrap();
    drop(scope);
    assert_eq!(handle.await.unwrap_err().code(), codes::TASK_CANCELLED);
    assert_eq!(
        (tasks.counters().cancelled, tasks.counters().live()),
        (1, 0)
    );
    let report = tasks.shutdown(secs(1)).await;
    assert!(
        report.is_clean(),
        "what a scope cut before is no leftover: {report}"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_join_cuts_what_is_left() {
    let tasks = BackgroundTasks::new();
    let scope = tasks.scope("operation").unwrap();
    let handle = scope.spawn("hang", pending::<Result<()>>()).unwrap();
    assert!(tokio::time::timeout(secs(1), scope.join()).await.is_err());
    assert_eq!(handle.await.unwrap_err().code(), codes::TASK_CANCELLED);
}

#[tokio::test(start_paused = true)]
async fn the_owner_s_shutdown_covers_scopes_and_names_them() {
    let tasks = BackgroundTasks::new();
    let scope = tasks.scope("operation").unwrap();
    let closing = scope.closing();
    scope
        .spawn("hang", pending::<Result<()>>())
        .unwrap()
        .detach();
    let nap = async {
        sleep(Duration::from_millis(10)).await;
        Ok(())
    };
    scope.spawn("nap", nap).unwrap().detach();
    let report = tasks.shutdown(secs(1)).await;
    assert!(closing.is_cancelled());
    assert_eq!(report.finished, 1);
    assert_eq!(report.leftovers.len(), 1);
    assert_eq!(report.leftovers[0].name, "operation/hang");
    assert_eq!(report.leftovers[0].ending, Ending::Cut);
    assert_eq!(
        scope.spawn("late", async { Ok(()) }).unwrap_err().code(),
        codes::SHUTTING_DOWN
    );
}

#[tokio::test(start_paused = true)]
async fn a_scope_can_be_shut_down_alone() {
    let tasks = BackgroundTasks::new();
    let scope = tasks.scope("operation").unwrap();
    scope
        .spawn("hang", pending::<Result<()>>())
        .unwrap()
        .detach();
    let report = scope.shutdown(secs(1)).await;
    assert_eq!(report.leftovers[0].name, "operation/hang");
    assert_eq!(
        tasks
            .spawn("other", async { Ok(1) })
            .unwrap()
            .await
            .unwrap(),
        1
    );
    assert!(tasks.shutdown(secs(1)).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_scope_takes_no_slot_of_its_owner() {
    let tasks = BackgroundTasks::builder()
        .max_concurrent(1)
        .max_queued(0)
        .build()
        .unwrap();
    let owner = tasks.clone();
    let parent = tasks.spawn("parent", async move {
        let scope = owner.scope("children")?;
        let child = scope.spawn("child", async { Ok(2) })?;
        scope.join().await;
        child.await
    });
    assert_eq!(parent.unwrap().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn figures_of_scopes_that_are_over_are_kept() {
    let tasks = BackgroundTasks::new();
    for _ in 0..1000 {
        let scope = tasks.scope("operation").unwrap();
        scope.spawn("quick", async { Ok(()) }).unwrap().detach();
        scope
            .spawn("hang", pending::<Result<()>>())
            .unwrap()
            .cancel();
        yield_now().await;
        drop(scope);
    }
    let counters = tasks.counters();
    assert_eq!(
        (counters.completed, counters.cancelled, counters.live()),
        (1000, 1000, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_scope_is_joined_at_once() {
    let tasks = BackgroundTasks::new();
    tasks.scope("empty").unwrap().join().await;
    drop(tasks.scope("unused").unwrap());
    assert!(tasks.shutdown(Duration::ZERO).await.is_clean());
}
