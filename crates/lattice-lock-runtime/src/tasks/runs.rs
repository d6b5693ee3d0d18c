use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::time::{sleep, timeout};

use crate::logging::log_error;
use crate::panics::Contained;
use crate::tasks::tracker::Tracker;
use crate::tasks::{Task, TaskFailure};

/// The runs of a task that runs more than once.
#[derive(Debug)]
pub(crate) struct Runs {
    name: Cow<'static, str>,
    timeout: Duration,
    tracker: Arc<Tracker>,
}

impl Runs {
    /// Takes the timeout from the task: it is for one run, and the task as a whole has none.
    pub(crate) fn of(task: Task, tracker: &Arc<Tracker>) -> (Task, Self) {
        let (name, timeout) = task.into_parts();
        let timeout = timeout
            .or(tracker.settings().timeout)
            .unwrap_or(Duration::MAX);
        let whole = Task::named(name.clone()).timeout(Duration::MAX);
        (
            whole,
            Self {
                name,
                timeout,
                tracker: tracker.clone(),
            },
        )
    }

    /// One run, with panics and the timeout turned into errors.
    pub(crate) async fn run<T, Fut>(&self, start: impl FnOnce() -> Fut) -> Result<T>
    where
        Fut: Future<Output = Result<T>>,
    {
        let run = Contained::new(async { start().await });
        match timeout(self.timeout, run).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(TaskFailure::Panicked(panic).of(self.name.clone())),
            Err(_) => Err(TaskFailure::TimedOut(self.timeout).of(self.name.clone())),
        }
    }

    /// Reports a run that failed while the task goes on.
    pub(crate) fn failed(&self, error: &Error) {
        self.tracker.failed(error);
        log_error(error);
    }

    /// The error of a task that a shutdown kept from running again.
    pub(crate) fn cancelled(&self) -> Error {
        TaskFailure::Cancelled.of(self.name.clone())
    }

    /// Waits between two runs; says whether a shutdown cut the wait.
    pub(crate) async fn is_closing_within(&self, wait: Duration) -> bool {
        self.tracker
            .closing()
            .run_until_cancelled(sleep(wait))
            .await
            .is_none()
    }
}
