//! 100,000 tasks, some of which panic or hang: nothing is lost, and no memory stays behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::panic;
use std::time::{Duration, Instant};

use lattice_lock_runtime::{BackgroundTasks, Ending, LeftoverTask, ShutdownReport};
use peak_alloc::PeakAlloc;
use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;
use tokio::time::sleep;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const TASKS: u64 = 100_000;
const EXPECTED: &str = "the one in a hundred that panics";
/// For those that hang.
const DEADLINE: Duration = Duration::from_secs(1);
/// For whatever does not hang, on a machine that is busy or stands still for a while.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many hang, and how many panic.
const HUNDREDTH: u64 = TASKS / 100;

fn spawn_all(tasks: &BackgroundTasks) {
    for number in 0..TASKS {
        let payload = vec![0_u8; 256];
        let work = async move {
            match number % 100 {
                0 => panic!("{EXPECTED}"),
                1 => pending().await,
                _ => {
                    yield_now().await;
                    Ok(payload.len())
                }
            }
        };
        tasks.spawn("load", work).unwrap().detach();
    }
}

fn check(tasks: &BackgroundTasks, report: &ShutdownReport) {
    let counters = tasks.counters();
    assert_eq!((counters.accepted(), counters.live()), (TASKS, 0));
    assert_eq!(
        (counters.panicked, counters.cancelled),
        (HUNDREDTH, HUNDREDTH)
    );
    assert_eq!(
        (counters.completed, counters.failed, counters.timed_out),
        (HUNDREDTH * 98, 0, 0)
    );
    assert_eq!(report.leftovers.len() as u64, HUNDREDTH);
    let cut = |task: &&LeftoverTask| task.name == "load" && task.ending == Ending::Cut;
    assert_eq!(
        report.leftovers.iter().filter(cut).count() as u64,
        HUNDREDTH
    );
}

async fn load() {
    let tasks = BackgroundTasks::new();
    spawn_all(&tasks);
    let start = Instant::now();
    // The deadline is for nobody else.
    while tasks.counters().live() > HUNDREDTH {
        assert!(start.elapsed() < PATIENCE, "{:?}", tasks.counters());
        sleep(Duration::from_millis(1)).await;
    }
    let report = tasks.shutdown(DEADLINE).await;
    assert!(report.took < PATIENCE, "it took {:?}", report.took);
    // The first report may come before the last of them has let go, and this one waits for that.
    let report = tasks.shutdown(PATIENCE).await;
    check(&tasks, &report);
}

/// A task counts as ended a moment before the runtime has freed it.
async fn freed() {
    while Handle::current().metrics().num_alive_tasks() > 0 {
        yield_now().await;
    }
}

#[test]
fn a_hundred_thousand_tasks_leave_nothing_behind() {
    panic::set_hook(Box::new(|info| {
        if !info
            .payload_as_str()
            .is_some_and(|message| message.starts_with(EXPECTED))
        {
            eprintln!("{info}");
        }
    }));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    // The first round fills whatever is made once.
    runtime.block_on(async { (load().await, freed().await) });
    let before = ALLOCATOR.current_usage();
    runtime.block_on(async { (load().await, freed().await) });
    let grown = ALLOCATOR.current_usage().saturating_sub(before);
    assert!(
        grown < 64 * 1024,
        "{grown} bytes stayed behind, of a peak of {}",
        ALLOCATOR.peak_usage()
    );
}
