use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// A future that runs to its end in the background when it is dropped before.
///
/// A statement that is dropped half-way leaves its connection in the middle of an answer: sqlx then hangs on
/// MySQL, and a dropped BEGIN puts an open transaction into the pool (launchbadge/sqlx#4393).
pub(crate) struct Shielded<T: Send + 'static> {
    running: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    runtime: Option<Handle>,
}

impl<T: Send + 'static> Shielded<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self {
            running: Some(Box::pin(future)),
            runtime: None,
        }
    }
}

impl<T: Send + 'static> Future for Shielded<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // Taken out while it is polled: what panicked is not polled again.
        let Some(mut running) = self.running.take() else {
            return Poll::Pending;
        };
        if self.runtime.is_none() {
            self.runtime = Handle::try_current().ok();
        }
        let polled = running.as_mut().poll(cx);
        if polled.is_pending() {
            self.running = Some(running);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Shielded<T> {
    fn drop(&mut self) {
        // What was never polled has not begun.
        if let (Some(running), Some(runtime)) = (self.running.take(), &self.runtime) {
            runtime.spawn(running);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Shielded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shielded").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Waker;

    use tokio::sync::Notify;

    use super::*;

    /// Whether it ended after it was dropped, polled so many times.
    async fn ends_after(polls: usize) -> bool {
        let (go, done) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (waits, sets) = (Arc::clone(&go), Arc::clone(&done));
        let mut shielded = Box::pin(Shielded::new(async move {
            waits.notified().await;
            sets.store(true, Ordering::Release);
        }));
        for _ in 0..polls {
            let polled = shielded
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        drop(shielded);
        go.notify_one();
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        done.load(Ordering::Acquire)
    }

    #[tokio::test]
    async fn what_began_goes_on_when_it_is_dropped() {
        assert!(ends_after(1).await);
        assert!(ends_after(2).await);
    }

    #[tokio::test]
    async fn what_never_began_does_not_begin() {
        assert!(!ends_after(0).await);
    }
}
