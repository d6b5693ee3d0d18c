use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use lattice_lock_errors::Result;
use tokio::task::{JoinError, JoinHandle};

use crate::arena::Key;
use crate::logging::log_error;
use crate::panics;
use crate::tasks::TaskFailure;
use crate::tasks::tracker::Tracker;

/// A task that was accepted. Awaiting it gives its result; dropping it detaches the task, which goes on.
///
/// # Errors
///
/// Awaiting it fails with the task's own error, or with a
/// [`BackgroundTaskError`](crate::BackgroundTaskError) under [`TASK_PANICKED`](crate::codes::TASK_PANICKED),
/// [`TASK_TIMED_OUT`](crate::codes::TASK_TIMED_OUT) or [`TASK_CANCELLED`](crate::codes::TASK_CANCELLED). The
/// error of a task that was detached is logged instead.
#[must_use = "dropping a handle detaches its task; say so with `detach`"]
pub struct TaskHandle<T> {
    name: Cow<'static, str>,
    join: JoinHandle<Result<T>>,
    tracker: Arc<Tracker>,
    key: Key,
    heard: bool,
}

impl<T> TaskHandle<T> {
    pub(crate) fn new(
        name: Cow<'static, str>,
        join: JoinHandle<Result<T>>,
        tracker: Arc<Tracker>,
        key: Key,
    ) -> Self {
        Self {
            name,
            join,
            tracker,
            key,
            heard: false,
        }
    }

    /// The name it was spawned with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.join.is_finished()
    }

    /// Drops the task's future where it waits. Without effect when it has ended.
    pub fn cancel(&self) {
        self.join.abort();
    }

    /// Lets the task go on unobserved, which dropping the handle does too.
    pub fn detach(self) {}
}

fn failure(error: JoinError) -> TaskFailure {
    match error.try_into_panic() {
        Ok(payload) => TaskFailure::Panicked(panics::message(payload)),
        Err(_) => TaskFailure::Cancelled,
    }
}

impl<T> Future for TaskHandle<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.join).poll(cx));
        self.heard = true;
        let result = joined.unwrap_or_else(|error| Err(failure(error).of(self.name.clone())));
        if result.is_err() {
            self.tracker.heard(self.key);
        }
        Poll::Ready(result)
    }
}

impl<T> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        if self.heard {
            return;
        }
        if let Some(error) = self.tracker.detach(self.key) {
            log_error(&error);
        }
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("name", &self.name)
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
