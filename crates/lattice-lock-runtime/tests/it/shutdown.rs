//! The phases of a shutdown.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lattice_lock_errors::Result;
use lattice_lock_runtime::{
    BackgroundTasks, PhaseOutcome, Shutdown, ShutdownBuilder, ShutdownReport, codes,
};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{INVALID, invalid, panics, secs};

fn nap(builder: ShutdownBuilder, name: &'static str, deadline: u64, naps: u64) -> ShutdownBuilder {
    builder.phase(name, secs(deadline), move |_| async move {
        sleep(secs(naps)).await;
        Ok(())
    })
}

fn outcomes(report: &ShutdownReport) -> Vec<String> {
    report
        .phases
        .iter()
        .map(|phase| format!("{} {}", phase.name, phase.outcome))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn phases_run_in_order_each_within_its_deadline() {
    let builder = nap(Shutdown::builder(), "first", 5, 2);
    let builder = nap(builder, "second", 5, 100);
    let shutdown = nap(builder, "third", 5, 1).build();
    let report = shutdown.shutdown(secs(60)).await;
    assert_eq!(
        outcomes(&report),
        ["first finished", "second cut", "third finished"]
    );
    let took: Vec<_> = report.phases.iter().map(|phase| phase.took).collect();
    assert_eq!(took, [secs(2), secs(5), secs(1)]);
    assert_eq!(
        (report.took, report.forced, report.exit_code()),
        (secs(8), false, 0)
    );
    assert!(!report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_short_total_leaves_something_for_each_phase() {
    let builder = nap(Shutdown::builder(), "first", 6, 100);
    let shutdown = nap(builder, "second", 2, 100).build();
    let report = shutdown.shutdown(secs(4)).await;
    let allowed: Vec<_> = report.phases.iter().map(|phase| phase.allowed).collect();
    assert_eq!(allowed, [secs(3), secs(1)]);
    assert_eq!(report.took, secs(4));
}

#[tokio::test(start_paused = true)]
async fn time_left_over_goes_to_the_phases_after() {
    let builder = nap(Shutdown::builder(), "first", 6, 1);
    let shutdown = nap(builder, "second", 2, 2).build();
    let report = shutdown.shutdown(secs(4)).await;
    assert_eq!(outcomes(&report), ["first finished", "second finished"]);
}

#[tokio::test(start_paused = true)]
async fn without_any_time_what_is_ready_is_done_all_the_same() {
    let shutdown = Shutdown::builder()
        .phase("ready", secs(5), async |_| Ok(()))
        .phase("slow", secs(5), |_| pending())
        .build();
    let report = shutdown.shutdown(Duration::ZERO).await;
    assert_eq!(outcomes(&report), ["ready finished", "slow cut"]);
    assert_eq!(report.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn endless_deadlines_do_not_overflow() {
    let shutdown = Shutdown::builder()
        .phase("one", Duration::MAX, async |_| Ok(()))
        .phase("two", Duration::MAX, async |_| Ok(()))
        .tasks("tasks", Duration::MAX, BackgroundTasks::new())
        .build();
    assert!(shutdown.shutdown(Duration::MAX).await.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_fails_or_panics_does_not_keep_the_next_from_running() {
    let shutdown = Shutdown::builder()
        .phase("fails", secs(1), async |_| Err(invalid()))
        .phase("panics", secs(1), async |_| panics("in the phase"))
        .phase("panics early", secs(1), |_| {
            panics::<std::future::Ready<Result<()>>>("early")
        })
        .phase("works", secs(1), async |_| Ok(()))
        .build();
    let report = shutdown.shutdown(secs(10)).await;
    let codes: Vec<_> = report
        .phases
        .iter()
        .map(|phase| match &phase.outcome {
            PhaseOutcome::Failed(error) => error.code().as_str(),
            _ => "",
        })
        .collect();
    assert_eq!(codes, [INVALID.as_str(), "LL-TSK-020", "LL-TSK-020", ""]);
    assert_eq!(report.phases[3].outcome.to_string(), "finished");
}

#[tokio::test(start_paused = true)]
async fn a_phase_that_panics_when_it_is_cut_does_not_keep_the_next_from_running() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    let shutdown = Shutdown::builder()
        .phase("bomb", secs(1), async |_| {
            let _bomb = Bomb;
            pending().await
        })
        .phase("works", secs(1), async |_| Ok(()))
        .build();
    let report = shutdown.shutdown(secs(10)).await;
    let PhaseOutcome::Failed(error) = &report.phases[0].outcome else {
        panic!("{report}");
    };
    assert_eq!(error.code(), codes::PHASE_PANICKED);
    assert_eq!(report.phases[1].outcome.to_string(), "finished");
}

#[tokio::test(start_paused = true)]
async fn phases_run_once_however_often_it_is_called() {
    let runs = Arc::new(Mutex::new(0));
    let count = runs.clone();
    let shutdown = Shutdown::builder()
        .phase("count", secs(5), move |_| async move {
            sleep(secs(1)).await;
            *count.lock().unwrap() += 1;
            Ok(())
        })
        .build();
    let (one, two, seen) = tokio::join!(
        shutdown.shutdown(secs(10)),
        shutdown.shutdown(secs(10)),
        shutdown.finished()
    );
    let again = shutdown.shutdown(Duration::ZERO).await;
    assert!(
        [&two, &seen, &again]
            .iter()
            .all(|report| Arc::ptr_eq(report, &one))
    );
    assert_eq!(*runs.lock().unwrap(), 1);
    assert!(one.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_does_not_stop_it() {
    let shutdown = nap(Shutdown::builder(), "slow", 10, 5).build();
    assert!(timeout(secs(1), shutdown.shutdown(secs(60))).await.is_err());
    let report = shutdown.finished().await;
    assert_eq!(
        (outcomes(&report), report.took),
        (vec!["slow finished".to_string()], secs(5))
    );
}

#[tokio::test(start_paused = true)]
async fn readiness_falls_before_the_first_phase() {
    let (sender, mut seen) = tokio::sync::mpsc::channel(1);
    let slot = Arc::new(Mutex::new(None::<tokio_util::sync::CancellationToken>));
    let token = slot.clone();
    let shutdown = Shutdown::builder()
        .phase("look", secs(1), move |_| async move {
            let begun = token.lock().unwrap().take().unwrap();
            sender.send(begun.is_cancelled()).await.unwrap();
            Ok(())
        })
        .build();
    assert!(!shutdown.begun().is_cancelled());
    *slot.lock().unwrap() = Some(shutdown.begun());
    shutdown.shutdown(secs(1)).await;
    assert_eq!(seen.recv().await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn tasks_that_were_cut_are_named_in_the_report() {
    let tasks = BackgroundTasks::new();
    tasks
        .spawn("hang", pending::<Result<()>>())
        .unwrap()
        .detach();
    let nap = async {
        sleep(secs(1)).await;
        Ok(())
    };
    tasks.spawn("nap", nap).unwrap().detach();
    let shutdown = Shutdown::builder()
        .tasks("stop tasks", secs(5), tasks)
        .phase("close", secs(1), async |_| Ok(()))
        .build();
    let report = shutdown.shutdown(secs(10)).await;
    assert_eq!(outcomes(&report), ["stop tasks cut", "close finished"]);
    assert_eq!((report.finished, report.leftovers.len()), (1, 1));
    assert_eq!(report.exit_code(), 0);
    assert!(
        report.to_string().ends_with("\n  task hang (cut)"),
        "{report}"
    );
}

#[tokio::test(start_paused = true)]
async fn forcing_it_cuts_the_phase_and_skips_the_rest_but_names_the_tasks() {
    let tasks = BackgroundTasks::new();
    tasks
        .spawn("hang", pending::<Result<()>>())
        .unwrap()
        .detach();
    let builder = nap(Shutdown::builder(), "slow", 100, 100);
    let builder = nap(builder, "next", 100, 100).tasks("stop tasks", secs(100), tasks);
    let shutdown = builder.build();
    let start = Instant::now();
    let forcing = async {
        sleep(secs(2)).await;
        shutdown.force();
    };
    let (report, ()) = tokio::join!(shutdown.shutdown(secs(1000)), forcing);
    assert_eq!(start.elapsed(), secs(2));
    assert_eq!(
        outcomes(&report),
        ["slow cut", "next skipped", "stop tasks cut"]
    );
    assert_eq!(
        (report.leftovers.len(), report.forced, report.exit_code()),
        (1, true, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn forcing_what_has_not_begun_ends_at_once() {
    let shutdown = nap(Shutdown::builder(), "slow", 100, 100).build();
    shutdown.force();
    let report = shutdown.finished().await;
    assert_eq!(
        (outcomes(&report), report.forced),
        (vec!["slow skipped".to_string()], true)
    );
}

#[tokio::test(start_paused = true)]
async fn a_later_caller_with_less_time_forces_it() {
    let shutdown = nap(Shutdown::builder(), "slow", 100, 100).build();
    let start = Instant::now();
    let (first, second) = tokio::join!(shutdown.shutdown(secs(1000)), shutdown.shutdown(secs(1)));
    assert!(start.elapsed() < secs(2));
    assert!(Arc::ptr_eq(&first, &second));
    assert!(first.forced);
}

#[tokio::test(start_paused = true)]
async fn a_phase_may_call_it_again() {
    let slot = Arc::new(Mutex::new(None::<Shutdown>));
    let own = slot.clone();
    let shutdown = Shutdown::builder()
        .phase("recursive", secs(1), move |_| async move {
            let shutdown = own.lock().unwrap().take().unwrap();
            shutdown.shutdown(secs(100)).await;
            Ok(())
        })
        .build();
    *slot.lock().unwrap() = Some(shutdown.clone());
    let report = shutdown.shutdown(secs(100)).await;
    assert_eq!(outcomes(&report), ["recursive cut"]);
}

#[test]
fn a_runtime_that_ends_in_the_middle_leaves_a_report() {
    let shutdown = nap(Shutdown::builder(), "slow", 100, 100);
    let shutdown = nap(shutdown, "next", 100, 100).build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        assert!(
            timeout(Duration::ZERO, shutdown.shutdown(secs(100)))
                .await
                .is_err()
        );
        tokio::task::yield_now().await;
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let report = other.block_on(shutdown.finished());
    assert_eq!(outcomes(&report), ["slow cut", "next skipped"]);
    assert!(!report.is_clean());
}

#[tokio::test(start_paused = true)]
async fn without_phases_it_is_over_at_once() {
    assert!(
        Shutdown::builder()
            .build()
            .shutdown(Duration::ZERO)
            .await
            .is_clean()
    );
}

#[test]
fn a_phase_that_blocks_its_thread_does_not_keep_the_next_from_running() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let report = runtime.block_on(async {
        let shutdown = Shutdown::builder()
            .phase("blocks", Duration::from_millis(20), async move |_| {
                let _released = blocked.recv();
                Ok(())
            })
            .phase("next", secs(5), async |_| Ok(()))
            .build();
        timeout(secs(30), shutdown.shutdown(secs(20)))
            .await
            .unwrap()
    });
    assert_eq!(outcomes(&report), ["blocks cut", "next finished"]);
    drop(release);
}
