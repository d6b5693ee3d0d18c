use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};

use crate::BackgroundTasks;
use crate::codes::INVALID_LIMIT;
use crate::tasks::limits::Limits;
use crate::tasks::tracker::{Settings, Tracker};

/// How many tasks may wait for a slot unless set.
const MAX_QUEUED: usize = 1024;

/// Options of [`BackgroundTasks`], made with [`BackgroundTasks::builder`].
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_runtime::BackgroundTasks;
///
/// let tasks = BackgroundTasks::builder()
///     .max_concurrent(8)
///     .max_queued(100)
///     .task_timeout(Duration::from_secs(30))
///     .build()?;
/// assert_eq!(tasks.counters().live(), 0);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct BackgroundTasksBuilder {
    settings: Settings,
    max_concurrent: Option<usize>,
    max_queued: usize,
}

impl BackgroundTasksBuilder {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            max_concurrent: None,
            max_queued: MAX_QUEUED,
        }
    }

    /// How many tasks run at a time; without a limit unless set. Tasks of scopes do not count.
    pub fn max_concurrent(mut self, tasks: usize) -> Self {
        self.max_concurrent = Some(tasks);
        self
    }

    /// How many accepted tasks may wait for a slot; 1024 unless set. Without a limit on those that run, none does.
    pub fn max_queued(mut self, tasks: usize) -> Self {
        self.max_queued = tasks;
        self
    }

    /// How long a task may run if it does not say itself; without a limit unless set.
    pub fn task_timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Called for each task that failed, panicked or timed out, and for each such run of a task that goes on.
    ///
    /// A task that was cancelled is not reported. A panic in the hook is logged and goes no further.
    pub fn on_failure(mut self, hook: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.settings.hook = Some(Arc::new(hook));
        self
    }

    /// The owner of tasks to come.
    ///
    /// # Errors
    ///
    /// [`INVALID_LIMIT`] if no task could ever run.
    pub fn build(self) -> Result<BackgroundTasks> {
        if self.max_concurrent == Some(0) {
            return Err(
                Error::new(INVALID_LIMIT, "no task could ever run").with("max_concurrent", 0)
            );
        }
        let limits = self
            .max_concurrent
            .map(|running| Limits::new(running, self.max_queued));
        Ok(BackgroundTasks::of(Tracker::root(self.settings, limits)))
    }
}

impl fmt::Debug for BackgroundTasksBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundTasksBuilder")
            .field("max_concurrent", &self.max_concurrent)
            .field("max_queued", &self.max_queued)
            .field("task_timeout", &self.settings.timeout)
            .finish_non_exhaustive()
    }
}
