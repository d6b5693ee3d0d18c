use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use lattice_lock_errors::{Error, Result};
use pin_project_lite::pin_project;
use tracing::Span;

use crate::panics;
use crate::tasks::TaskFailure;
use crate::tasks::tracker::{Outcome, Ticket};

pin_project! {
    /// A task's future with what is around it: its span, its place in the tracker, and a net for its panics.
    ///
    /// Written by hand, not as an async block, which would hold the future twice.
    pub(crate) struct Supervised<F> {
        #[pin]
        future: Option<F>,
        name: Cow<'static, str>,
        span: Span,
        ticket: Ticket,
    }
}

impl<F> Supervised<F> {
    pub(crate) fn new(future: F, name: Cow<'static, str>, ticket: Ticket) -> Self {
        Self {
            future: Some(future),
            name,
            span: Span::current(),
            ticket,
        }
    }
}

impl<T, F: Future<Output = Result<T>>> Future for Supervised<F> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _entered = this.span.enter();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let (result, outcome) = match panics::caught(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(value))) => (Ok(value), Outcome::Completed),
            Ok(Poll::Ready(Err(error))) => (Err(error), Outcome::Failed),
            Err(panic) => (
                Err(TaskFailure::Panicked(panic).of(this.name.clone())),
                Outcome::Panicked,
            ),
        };
        // The future goes before the task counts as ended, so that whoever waits for the end finds free
        // whatever it held.
        this.future.set(None);
        if this.ticket.settle(outcome) {
            result
                .as_ref()
                .err()
                .into_iter()
                .for_each(|error| unheard(this.name, error));
        }
        Poll::Ready(result)
    }
}

/// Logs the error of a task that nobody awaits: it would be lost otherwise.
pub(crate) fn unheard(name: &str, error: &Error) {
    tracing::error!(
        task = name,
        code = error.code().as_str(),
        "background task failed: {error}"
    );
}
