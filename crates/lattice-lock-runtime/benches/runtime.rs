//! What a task and a retry cost on top of doing without.

#![expect(
    missing_docs,
    reason = "criterion's macros make undocumented functions"
)]
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use lattice_lock_runtime::{BackgroundTasks, Result, RetryPolicy, retry};
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
                        let tracker = tokio_util::sync::CancellationToken::new();
                        let start = Instant::now();
                        for n in 0..times {
                            let _token = &tracker;
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

criterion_group!(benches, spawn_and_completion, retry_success_path);
criterion_main!(benches);
