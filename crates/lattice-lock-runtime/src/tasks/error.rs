use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use lattice_lock_errors::{Code, Error};

use crate::codes::{TASK_CANCELLED, TASK_PANICKED, TASK_TIMED_OUT};

/// A background task that did not come to its own end; found with
/// [`Error::find`](lattice_lock_errors::Error::find).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackgroundTaskError {
    /// The task's name.
    pub task: Cow<'static, str>,
    /// What ended it.
    pub failure: TaskFailure,
}

impl fmt::Display for BackgroundTaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the task {:?} {}", self.task, self.failure)
    }
}

impl std::error::Error for BackgroundTaskError {}

/// What ended a background task before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskFailure {
    /// It panicked, with this message (redacted, and cut after 256 characters).
    Panicked(String),
    /// It took longer than this timeout.
    TimedOut(Duration),
    /// Its handle, its scope, a shutdown or the end of its runtime cancelled it.
    Cancelled,
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::TimedOut(timeout) => write!(f, "took longer than {timeout:?}"),
            Self::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl TaskFailure {
    const fn code(&self) -> (Code, &'static str) {
        match self {
            Self::Panicked(_) => (TASK_PANICKED, "background task panicked"),
            Self::TimedOut(_) => (TASK_TIMED_OUT, "background task took too long"),
            Self::Cancelled => (TASK_CANCELLED, "background task cancelled"),
        }
    }

    /// The failure of the task of this name, as an error.
    pub(crate) fn of(self, task: Cow<'static, str>) -> Error {
        let (code, message) = self.code();
        Error::new(code, message)
            .with("task", &task)
            .with_source(BackgroundTaskError {
                task,
                failure: self,
            })
    }
}
