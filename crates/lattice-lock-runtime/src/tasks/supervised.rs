use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lattice_lock_errors::Result;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tracing::Span;

use crate::panics::Contained;
use crate::tasks::limits::Admission;
use crate::tasks::ticket::{End, Ticket};

pin_project! {
    /// A task's future with what is around it: span, slot, timeout, a net for panics, its place in the tracker.
    ///
    /// Written by hand: an async block would hold the future twice. What few tasks need is boxed.
    pub(crate) struct Supervised<F> {
        #[pin]
        future: Contained<F>,
        span: Span,
        bounds: Option<Box<Bounds>>,
        ticket: Ticket,
    }
}

impl<F> Supervised<F> {
    pub(crate) fn new(future: F, bounds: Option<Box<Bounds>>, ticket: Ticket) -> Self {
        Self {
            future: Contained::new(future),
            span: Span::current(),
            bounds,
            ticket,
        }
    }
}

impl<T, F: Future<Output = Result<T>>> Future for Supervised<F> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let _entered = this.span.enter();
        if let Some(bounds) = this.bounds {
            ready!(bounds.poll_slot(cx, this.ticket));
        }
        // The future is dropped before the task counts as ended, so that whoever waits for the end finds free
        // whatever the future held.
        let end = match (this.future.as_mut().poll(cx), this.bounds) {
            (Poll::Ready(Ok(result)), _) => End::Own(result),
            (Poll::Ready(Err(panic)), _) => End::Panicked(panic),
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(bounds)) => {
                let timeout = ready!(bounds.poll_timeout(cx));
                this.future
                    .clear()
                    .map_or_else(End::Panicked, |()| End::TimedOut(timeout))
            }
        };
        Poll::Ready(this.ticket.finish(end))
    }
}

/// What holds a task back: a slot to wait for, a timeout.
pub(crate) struct Bounds {
    admission: Option<Admission>,
    timeout: Option<Duration>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Bounds {
    /// The bounds of a task; `None` if it has none.
    pub(crate) fn new(
        admission: Option<Admission>,
        timeout: Option<Duration>,
    ) -> Option<Box<Self>> {
        if admission.is_none() && timeout.is_none() {
            return None;
        }
        Some(Box::new(Self {
            admission,
            timeout,
            timer: None,
        }))
    }

    fn poll_slot(&mut self, cx: &mut Context<'_>, ticket: &Ticket) -> Poll<()> {
        if let Some(admission) = &mut self.admission
            && !admission.slot.is_held()
        {
            ready!(admission.slot.poll(cx));
            ticket.admitted();
        }
        Poll::Ready(())
    }

    /// Ready with the timeout once it passed. The clock starts with the first call.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Duration> {
        let Some(timeout) = self.timeout else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        timer.as_mut().poll(cx).map(|()| timeout)
    }
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds")
            .field("admission", &self.admission)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
