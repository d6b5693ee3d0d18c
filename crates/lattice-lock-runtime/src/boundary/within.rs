use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

pin_project! {
    /// A future with a limit in time: its output, or `None` when time is up.
    ///
    /// Unlike `tokio::time::timeout`, it arms a timer only if the future is not ready at once, which most calls
    /// that are answered from memory are.
    pub(crate) struct Within<F> {
        #[pin]
        future: F,
        limit: Limit,
        #[pin]
        timer: Option<Sleep>,
    }
}

/// Until when a future may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    None,
    At(Instant),
    /// From the first time that the future was not ready.
    For(Duration),
}

impl<F> Within<F> {
    pub(crate) fn new(limit: Limit, future: F) -> Self {
        Self {
            future,
            limit,
            timer: None,
        }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Some(output));
        }
        if this.timer.is_none() {
            this.timer.set(this.limit.timer());
        }
        if let Some(timer) = this.timer.as_pin_mut() {
            ready!(timer.poll(cx));
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}

impl Limit {
    fn timer(self) -> Option<Sleep> {
        match self {
            Self::None => None,
            Self::At(deadline) => Some(sleep_until(deadline)),
            Self::For(time) => Some(sleep(time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    async fn check(limit: Limit, future: impl Future<Output = u8>) -> Option<(u8, Duration)> {
        let start = Instant::now();
        let output = Within::new(limit, future).await;
        output.map(|output| (output, start.elapsed()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_needs_no_time() {
        for limit in [
            Limit::None,
            Limit::At(Instant::now()),
            Limit::For(Duration::ZERO),
        ] {
            assert_eq!(check(limit, async { 1 }).await, Some((1, Duration::ZERO)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_is_cut_at_its_limit() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        assert_eq!(check(Limit::At(start + second), pending()).await, None);
        assert_eq!(check(Limit::For(second), pending()).await, None);
        assert_eq!(start.elapsed(), 2 * second);
        let slow = async {
            sleep(Duration::from_hours(1)).await;
            2
        };
        assert_eq!(
            check(Limit::For(Duration::MAX), slow).await,
            Some((2, Duration::from_hours(1)))
        );
    }
}
