//! What a task and a retry cost on top of doing without.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use lattice_lock_errors::Severity;
use lattice_lock_runtime::{
    AlertRule, BackgroundTasks, Error, ErrorMetrics, Result, RetryPolicy, codes, retry,
};
use tokio::runtime::{Builder, Runtime};

fn runtimes() -> [(&'static str, Runtime); 2] {
    [
        (
            "current thread",
            Builder::new_current_thread().enable_time().build().unwrap(),
        ),
        (
            "2 workers",
            Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .unwrap(),
        ),
    ]
}

fn spawn_and_completion(c: &mut Criterion) {
    for (name, runtime) in runtimes() {
        let mut group = c.benchmark_group(format!("spawn + completion, {name}"));
        group.bench_function("tokio::spawn", |b| {
            b.iter_custom(|times| {
                runtime.block_on(async {
                    let spawn = async move {
                        let start = Instant::now();
                        for n in 0..times {
                            black_box(tokio::spawn(async move { Result::<u64>::Ok(n) }).await)
                                .unwrap()
                                .unwrap();
                        }
                        start.elapsed()
                    };
                    tokio::spawn(spawn).await.unwrap()
                })
            });
        });
        group.bench_function("BackgroundTasks::spawn", |b| {
            b.iter_custom(|times| {
                runtime.block_on(async {
                    let spawn = async move {
                        let tasks = BackgroundTasks::new();
                        let start = Instant::now();
                        for n in 0..times {
                            black_box(tasks.spawn("bench", async move { Ok(n) }).unwrap().await)
                                .unwrap();
                        }
                        start.elapsed()
                    };
                    tokio::spawn(spawn).await.unwrap()
                })
            });
        });
        group.bench_function("tokio::spawn, detached", |b| {
            b.iter_custom(|times| {
                runtime
                    .block_on(runtime.spawn(async move {
                        let start = Instant::now();
                        for n in 0..times {
                            drop(tokio::spawn(async move { black_box(n) }));
                            if n % 64 == 0 {
                                tokio::task::yield_now().await;
                            }
                        }
                        start.elapsed()
                    }))
                    .unwrap()
            });
        });
        group.bench_function("BackgroundTasks::spawn, detached", |b| {
            b.iter_custom(|times| {
                runtime
                    .block_on(runtime.spawn(async move {
                        let tasks = BackgroundTasks::new();
                        let start = Instant::now();
                        for n in 0..times {
                            tasks
                                .spawn("bench", async move { Ok(black_box(n)) })
                                .unwrap()
                                .detach();
                            if n % 64 == 0 {
                                tokio::task::yield_now().await;
                            }
                        }
                        start.elapsed()
                    }))
                    .unwrap()
            });
        });
        group.finish();
    }
}

fn retry_success_path(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let policies = [
        ("no deadline", RetryPolicy::new()),
        (
            "total deadline",
            RetryPolicy::new().total_deadline(Duration::from_secs(30)),
        ),
    ];
    let mut group = c.benchmark_group("retry, success path");
    group.bench_function("bare", |b| {
        b.iter_custom(|times| {
            runtime.block_on(async {
                let start = Instant::now();
                for n in 0..times {
                    black_box(async { Result::<u64>::Ok(black_box(n)) }.await).unwrap();
                }
                start.elapsed()
            })
        });
    });
    for (name, policy) in &policies {
        group.bench_function(*name, |b| {
            b.iter_custom(|times| {
                runtime.block_on(async {
                    let start = Instant::now();
                    for n in 0..times {
                        black_box(retry(black_box(policy), async || Ok(black_box(n))).await)
                            .unwrap();
                    }
                    start.elapsed()
                })
            });
        });
    }
    group.finish();
}

/// The processor time that a thread takes for its share, while as many others as said do the same.
fn record_on_threads(metrics: &ErrorMetrics, threads: usize, times: u64) -> Duration {
    let error = Error::new(codes::TOO_BUSY, "too busy").with("limit", 8);
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let work = || {
            barrier.wait();
            let start = processor_time();
            for _ in 0..times {
                metrics.record(black_box(&error));
            }
            processor_time().saturating_sub(start)
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let times: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap()
    })
}

/// What this thread has used, to a few milliseconds; Linux only.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split_whitespace().next().unwrap().parse().unwrap())
}

fn record_an_error(c: &mut Criterion) {
    let rule = AlertRule::new(Severity::Warning, u64::MAX, 0).unwrap();
    let options = [
        ("no alert", ErrorMetrics::new()),
        (
            "with an alert",
            ErrorMetrics::builder().alert(rule).build().unwrap(),
        ),
    ];
    let mut group = c.benchmark_group("record an error");
    // Processor time is counted in ticks of some milliseconds: every sample must be longer than that.
    group.sampling_mode(SamplingMode::Flat);
    for (name, metrics) in &options {
        for threads in [1, 2] {
            group.bench_function(format!("{name}, {threads} threads"), |b| {
                b.iter_custom(|times| record_on_threads(metrics, threads, times));
            });
        }
    }
    group.finish();
}

criterion_group!(
    benches,
    spawn_and_completion,
    retry_success_path,
    record_an_error
);
criterion_main!(benches);
