//! Boundaries around tower services.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use lattice_lock_errors::{Error, Result};
use lattice_lock_runtime::{ErrorBoundary, FallbackLayer, Jitter, RetryPolicy};
use tokio::time::Instant;
use tower::{Layer, Service};

use crate::support::{BUSY, busy, secs};

/// Fails as often as it is told, then gives its request back. Not ready every other time it is asked.
#[derive(Clone)]
struct Echo {
    failures: Arc<AtomicU32>,
    asked: u32,
}

fn echo(failures: u32) -> Echo {
    Echo {
        failures: Arc::new(failures.into()),
        asked: 0,
    }
}

impl Service<u32> for Echo {
    type Response = u32;
    type Error = Error;
    type Future = Ready<Result<u32>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.asked += 1;
        if self.asked.is_multiple_of(2) {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(self.asked.is_multiple_of(2), "called before it was ready");
        let fails = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        ready(if fails.is_ok() {
            Err(busy())
        } else {
            Ok(request)
        })
    }
}

fn retries() -> ErrorBoundary {
    ErrorBoundary::new("service").retry(RetryPolicy::new().jitter(Jitter::None).base_delay(secs(1)))
}

#[tokio::test(start_paused = true)]
async fn a_layer_retries_its_service() {
    let mut service = retries().layer().layer(echo(2));
    let start = Instant::now();
    assert_eq!(service.call(7).await.unwrap(), 7);
    assert_eq!(start.elapsed(), secs(3));
    let mut hopeless = retries().layer().layer(echo(100));
    assert_eq!(hopeless.call(7).await.unwrap_err().code(), BUSY);
}

#[tokio::test(start_paused = true)]
async fn layers_stack() {
    let inner = retries().layer().layer(echo(100));
    let timed = ErrorBoundary::new("outer")
        .timeout(secs(2))
        .layer()
        .layer(inner);
    let mut service = FallbackLayer::new(echo(0)).layer(timed);
    let start = Instant::now();
    assert_eq!(service.call(9).await.unwrap(), 9);
    assert_eq!(start.elapsed(), secs(2));
}

#[tokio::test(start_paused = true)]
async fn when_the_fallback_fails_too_its_error_is_the_answer() {
    let mut service = FallbackLayer::new(echo(1)).layer(echo(1));
    assert_eq!(service.call(9).await.unwrap_err().code(), BUSY);
    assert_eq!(service.call(9).await.unwrap(), 9);
}
