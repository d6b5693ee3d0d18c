//! 100,000 tasks, some of which panic or hang: nothing is lost, and no memory stays behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::panic;
use std::time::{Duration, Instant};

use lattice_lock_runtime::{BackgroundTasks, Ending, LeftoverTask, ShutdownReport};
use peak_alloc::PeakAlloc;
use tokio::runtime::{Builder, Handle};
use tokio::task::yield_now;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const TASKS: u64 = 100_000;
const EXPECTED: &str = "the one in a hundred that panics";
const DEADLINE: Duration = Duration::from_secs(3);

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
    let hanging = TASKS / 100;
    let counters = tasks.counters();
    assert_eq!((counters.accepted(), counters.live()), (TASKS, 0));
    assert_eq!(
        (counters.panicked, counters.cancelled),
        (TASKS / 100, hanging)
    );
    assert_eq!(
        (counters.completed, counters.failed, counters.timed_out),
        (TASKS / 100 * 98, 0, 0)
    );
    assert_eq!(report.leftovers.len() as u64, hanging);
    let cut = |task: &&LeftoverTask| task.name == "load" && task.ending == Ending::Cut;
    assert_eq!(report.leftovers.iter().filter(cut).count() as u64, hanging);
}

async fn load(deadline: Duration) {
    let tasks = BackgroundTasks::new();
    spawn_all(&tasks);
    let start = Instant::now();
    let report = tasks.shutdown(deadline).await;
    assert!(start.elapsed() < deadline, "it took {:?}", start.elapsed());
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
    runtime.block_on(async { (load(DEADLINE).await, freed().await) });
    let before = ALLOCATOR.current_usage();
    runtime.block_on(async { (load(DEADLINE).await, freed().await) });
    let grown = ALLOCATOR.current_usage().saturating_sub(before);
    assert!(
        grown < 64 * 1024,
        "{grown} bytes stayed behind, of a peak of {}",
        ALLOCATOR.peak_usage()
    );
}
