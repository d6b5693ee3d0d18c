use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Kind, Result};

use crate::arena::Key;
use crate::logging::log_error;
use crate::tasks::TaskFailure;
use crate::tasks::counters::Outcome;
use crate::tasks::tracker::Tracker;

/// The place of one accepted task in its tracker.
///
/// Dropping it before the task ended settles it as cancelled: so does the runtime when it drops the task.
#[derive(Debug)]
pub(crate) struct Ticket {
    tracker: Arc<Tracker>,
    key: Key,
    settled: bool,
}

/// How a task's future ended.
#[derive(Debug)]
pub(crate) enum End<T> {
    Own(Result<T>),
    Panicked(String),
    TimedOut(Duration),
}

impl Ticket {
    pub(crate) fn new(tracker: Arc<Tracker>, key: Key) -> Self {
        Self {
            tracker,
            key,
            settled: false,
        }
    }

    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Notes that the task got its slot.
    pub(crate) fn admitted(&self) {
        self.tracker.admitted(self.key);
    }

    /// Counts the task as ended, tells the hook of a failure, and logs it if nobody else will see it.
    pub(crate) fn finish<T>(&mut self, end: End<T>) -> Result<T> {
        let outcome = end.outcome();
        let result = end.into_result(|| self.tracker.name(self.key));
        let failure = result
            .as_ref()
            .err()
            .filter(|_| outcome != Outcome::Cancelled);
        if let Some(error) = failure {
            self.tracker.failed(error);
        }
        if let Some(error) = self.settle(outcome, failure.cloned()) {
            log_error(&error);
        }
        result
    }

    fn settle(&mut self, outcome: Outcome, error: Option<Error>) -> Option<Error> {
        self.settled = true;
        self.tracker.settle(self.key, outcome, error)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.settled {
            let panicked = std::thread::panicking();
            self.settle(
                if panicked {
                    Outcome::Panicked
                } else {
                    Outcome::Cancelled
                },
                None,
            );
        }
    }
}

impl<T> End<T> {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Own(Ok(_)) => Outcome::Completed,
            Self::Own(Err(error)) if error.kind() == Kind::Cancelled => Outcome::Cancelled,
            Self::Own(Err(_)) => Outcome::Failed,
            Self::Panicked(_) => Outcome::Panicked,
            Self::TimedOut(_) => Outcome::TimedOut,
        }
    }

    fn into_result(self, task: impl FnOnce() -> Cow<'static, str>) -> Result<T> {
        match self {
            Self::Own(result) => result,
            Self::Panicked(message) => Err(TaskFailure::Panicked(message).of(task())),
            Self::TimedOut(timeout) => Err(TaskFailure::TimedOut(timeout).of(task())),
        }
    }
}
