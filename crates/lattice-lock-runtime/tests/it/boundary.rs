//! Retries, timeout, limit and fallback together.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::{ErrorBoundary, ErrorMetrics, Jitter, RetryPolicy, codes};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{BUSY, INVALID, busy, capture, invalid, secs};

fn three_times() -> RetryPolicy {
    RetryPolicy::new().jitter(Jitter::None).base_delay(secs(1))
}

#[tokio::test(start_paused = true)]
async fn without_options_everything_passes_once() {
    let boundary = ErrorBoundary::new("plain");
    assert_eq!(boundary.run(async || Ok(1)).await.unwrap(), 1);
    let calls = AtomicU32::new(0);
    let failing = async || {
        calls.fetch_add(1, Ordering::Relaxed);
        Err::<(), _>(busy())
    };
    assert_eq!(boundary.run(failing).await.unwrap_err().code(), BUSY);
    assert_eq!(calls.into_inner(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_is_for_each_attempt_and_is_retried() {
    let boundary = ErrorBoundary::new("slow")
        .timeout(secs(5))
        .retry(three_times());
    let start = Instant::now();
    let error = boundary.run(pending::<Result<()>>).await.unwrap_err();
    assert_eq!(
        (error.code(), start.elapsed()),
        (codes::ATTEMPT_TIMED_OUT, secs(3 * 5 + 1 + 2))
    );
    let context: Vec<_> = error.context().collect();
    assert_eq!(
        context,
        [("boundary", "slow"), ("timeout", "5s"), ("attempts", "3")]
    );
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_shared_by_clones_and_waits_in_turn() {
    let boundary = ErrorBoundary::new("narrow")
        .max_concurrent(2)
        .timeout(secs(1));
    let start = Instant::now();
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let boundary = boundary.clone();
            tokio::spawn(async move {
                boundary
                    .run(async || {
                        sleep(secs(1) / 2).await;
                        Ok(())
                    })
                    .await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    // Waiting for a slot took longer than the timeout, and did not count.
    assert_eq!(start.elapsed(), secs(3) / 2);
}

#[tokio::test(start_paused = true)]
async fn a_busy_boundary_may_refuse_and_a_retry_finds_room() {
    let boundary = ErrorBoundary::new("narrow")
        .max_concurrent(1)
        .refuse_when_busy();
    let holder = boundary.clone();
    let held = tokio::spawn(async move {
        holder
            .run(async || {
                sleep(secs(2)).await;
                Ok(())
            })
            .await
    });
    tokio::task::yield_now().await;
    let refused = boundary.run(async || Ok(())).await.unwrap_err();
    assert_eq!(refused.code(), codes::TOO_BUSY);
    let blocking = boundary.run_blocking(|| Ok(())).unwrap_err();
    assert_eq!(blocking.code(), codes::TOO_BUSY);
    boundary
        .clone()
        .retry(three_times())
        .run(async || Ok(()))
        .await
        .unwrap();
    held.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_free_while_an_attempt_waits_for_the_next() {
    let boundary = ErrorBoundary::new("narrow")
        .max_concurrent(1)
        .refuse_when_busy();
    let retrying = boundary.clone().retry(three_times());
    let failing = tokio::spawn(async move { retrying.run(async || Err::<(), _>(busy())).await });
    sleep(secs(1) / 2).await;
    boundary.run(async || Ok(())).await.unwrap();
    assert_eq!(failing.await.unwrap().unwrap_err().code(), BUSY);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_its_slot_back() {
    let boundary = ErrorBoundary::new("narrow").max_concurrent(1);
    let hang = || pending::<Result<()>>();
    assert!(timeout(secs(1), boundary.run(hang)).await.is_err());
    // One that waits for a slot and is dropped does not keep it either.
    let (first, second) = tokio::join!(
        timeout(secs(1), boundary.run(hang)),
        timeout(secs(1), boundary.run(hang))
    );
    assert!(first.is_err() && second.is_err());
    boundary.run(async || Ok(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fallback_covers_the_error_and_says_so() {
    let (lines, _guard) = capture();
    let metrics = Arc::new(ErrorMetrics::new());
    let boundary = ErrorBoundary::new("catalogue")
        .retry(three_times())
        .count_errors(metrics.clone());
    assert_eq!(boundary.run_or(async || Err(busy()), 7).await, 7);
    let other = boundary.run_or_else(
        async || Err(invalid()),
        async |error| {
            assert_eq!(error.code(), INVALID);
            Ok(8)
        },
    );
    assert_eq!(other.await.unwrap(), 8);
    let worse = boundary.run_or_else(async || Err::<(), _>(invalid()), async |_| Err(busy()));
    assert_eq!(worse.await.unwrap_err().code(), BUSY);
    let total = metrics.snapshot().total;
    assert_eq!((total.of_code(BUSY), total.of_code(INVALID)), (1, 2));
    assert_eq!(lines.text().matches("WARN").count(), 3, "{}", lines.text());
    assert!(lines.text().contains(r#"event="failover""#));
}

#[tokio::test(start_paused = true)]
async fn an_endless_timeout_and_a_zero_one() {
    let patient = ErrorBoundary::new("patient").timeout(std::time::Duration::MAX);
    let slow = async || {
        sleep(secs(1_000_000)).await;
        Ok(())
    };
    patient.run(slow).await.unwrap();
    let hasty = ErrorBoundary::new("hasty")
        .timeout(std::time::Duration::ZERO)
        .max_concurrent(0);
    hasty.run(async || Ok(())).await.unwrap();
    assert_eq!(
        hasty.run(slow).await.unwrap_err().code(),
        codes::ATTEMPT_TIMED_OUT
    );
}

#[test]
fn blocking_calls_share_policy_and_count() {
    let metrics = Arc::new(ErrorMetrics::new());
    let policy = RetryPolicy::new().base_delay(std::time::Duration::ZERO);
    let boundary = ErrorBoundary::new("file")
        .retry(policy)
        .count_errors(metrics.clone());
    let mut calls = 0;
    let result = boundary.run_blocking(|| {
        calls += 1;
        if calls < 3 { Err(busy()) } else { Ok(calls) }
    });
    assert_eq!(result.unwrap(), 3);
    assert!(
        boundary
            .run_blocking(|| Err::<(), Error>(invalid()))
            .is_err()
    );
    assert_eq!(metrics.snapshot().total.all(), 1);
}
