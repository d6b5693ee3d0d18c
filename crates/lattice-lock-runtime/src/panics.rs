use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lattice_lock_errors::redact;
use pin_project_lite::pin_project;

/// The longest part of a panic's message that is kept, in characters.
const LONGEST_MESSAGE: usize = 256;

/// Runs `f` and turns a panic into its message.
///
/// Whatever `f` captured must be dropped or still sound afterwards: callers drop it.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(message)
}

/// Runs a hook of the host's. A panic in it is logged and goes no further.
pub(crate) fn hook(name: &'static str, f: impl FnOnce()) {
    if let Err(panic) = caught(f) {
        tracing::error!(hook = name, panic, "a hook panicked");
    }
}

/// The text of a panic, redacted and cut.
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    let message = redact(text).chars().take(LONGEST_MESSAGE).collect();
    discard(payload);
    message
}

/// Drops a panic's payload, which may itself panic when dropped.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Nothing says that this one can be dropped either.
        std::mem::forget(second);
    }
}

pin_project! {
    /// A future whose panics, also those of its drop, become their message. It is dropped as soon as it ended.
    pub(crate) struct Contained<F> {
        #[pin]
        future: Option<F>,
    }
}

impl<F> Contained<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Some(future),
        }
    }

    /// Drops the future now, without another poll.
    pub(crate) fn clear(self: Pin<&mut Self>) -> Result<(), String> {
        let mut future = self.project().future;
        caught(|| future.set(None))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.as_mut().project().future.as_pin_mut() else {
            return Poll::Pending;
        };
        let polled = match caught(|| future.poll(cx)) {
            Ok(polled) => Ok(ready!(polled)),
            Err(panic) => Err(panic),
        };
        let cleared = self.clear();
        Poll::Ready(polled.and_then(|output| cleared.map(|()| output)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn text_of_a_panic_is_kept_up_to_a_length() {
        assert_eq!(caught(|| panic!("no")), Err::<(), _>("no".to_string()));
        assert_eq!(
            caught(|| panic!("no {}", 2)),
            Err::<(), _>("no 2".to_string())
        );
        assert_eq!(
            caught(|| panic_any(7)),
            Err::<(), _>("a panic without a message".to_string())
        );
        let long = "é".repeat(1_000_000);
        assert_eq!(
            caught(|| panic!("{long}")),
            Err::<(), _>("é".repeat(LONGEST_MESSAGE))
        );
    }

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_caught_too() {
        assert!(caught(|| panic_any(Bomb)).is_err());
    }

    #[test]
    fn a_hook_that_panics_goes_no_further() {
        hook("test", || panic!("in the hook"));
    }

    #[tokio::test]
    async fn a_future_that_panics_ends_with_the_message() {
        assert_eq!(Contained::new(async { 1 }).await, Ok(1));
        assert_eq!(
            Contained::new(async { panic!("no") }).await,
            Err::<(), _>("no".to_string())
        );
    }

    #[tokio::test]
    async fn a_future_that_panics_when_dropped_ends_with_the_message() {
        let bomb = Bomb;
        let future = poll_fn(move |_| {
            let _held = &bomb;
            Poll::Ready(())
        });
        assert_eq!(Contained::new(future).await, Err("in drop".to_string()));
    }
}
