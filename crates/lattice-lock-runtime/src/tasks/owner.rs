use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::runtime::Handle;
use tokio::task::{Id, try_id, yield_now};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::ShutdownReport;
use crate::codes::{NO_RUNTIME, QUEUE_FULL, SHUTTING_DOWN};
use crate::tasks::limits::{Admission, Limits, NoPlace};
use crate::tasks::supervised::{Bounds, Supervised};
use crate::tasks::tracker::{Settings, Tracker};
use crate::tasks::{BackgroundTasksBuilder, Task, TaskCounters, TaskHandle, TaskScope};

/// The longest time that a shutdown keeps back for the tasks that it cut to let go of what they held.
const LONGEST_GRACE: Duration = Duration::from_millis(100);

/// How often a shutdown without any time left lets other tasks run before it reports.
const TURNS: usize = 64;

/// The owner of background tasks. Cloning it gives another handle on the same tasks; dropping it ends nothing.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use lattice_lock_runtime::{BackgroundTasks, Result, codes};
///
/// let tasks = BackgroundTasks::new();
/// tasks.spawn("hang", std::future::pending::<Result<()>>())?.detach();
///
/// let report = tasks.shutdown(Duration::from_millis(10)).await;
/// assert_eq!(report.leftovers[0].name, "hang");
/// let refused = tasks.spawn("late", async { Ok(()) }).unwrap_err();
/// assert_eq!(refused.code(), codes::SHUTTING_DOWN);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct BackgroundTasks {
    tracker: Arc<Tracker>,
}

impl BackgroundTasks {
    /// An owner without limits, timeouts or hook.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Tracker::root(Settings::default(), None))
    }

    /// An owner with limits, timeouts or a hook.
    pub fn builder() -> BackgroundTasksBuilder {
        BackgroundTasksBuilder::new()
    }

    pub(crate) fn of(tracker: Arc<Tracker>) -> Self {
        Self { tracker }
    }

    pub(crate) fn tracker(&self) -> &Arc<Tracker> {
        &self.tracker
    }

    /// Starts `future` as a task, in the current span. The name of the task will do for `task`.
    ///
    /// # Errors
    ///
    /// [`SHUTTING_DOWN`] once a shutdown began, [`QUEUE_FULL`] when as many as may wait for a slot do,
    /// [`NO_RUNTIME`] outside of a tokio runtime. The future is then dropped without having been polled.
    pub fn spawn<T, F>(&self, task: impl Into<Task>, future: F) -> Result<TaskHandle<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let task = task.into();
        let admission = self.tracker.limits().map(Limits::try_enter).transpose();
        let admission = admission.map_err(|reason| refused(&task, reason))?;
        self.start(task, admission, future)
    }

    /// Like [`spawn`](Self::spawn), but waits for room in the queue instead of failing. Callers get it in turn.
    ///
    /// Dropping the returned future before it is ready leaves nothing behind.
    ///
    /// # Errors
    ///
    /// [`SHUTTING_DOWN`] once a shutdown began, also while waiting; [`NO_RUNTIME`] outside of a tokio runtime.
    pub async fn spawn_when_ready<T, F>(
        &self,
        task: impl Into<Task>,
        future: F,
    ) -> Result<TaskHandle<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let task = task.into();
        let admission = match self.tracker.limits() {
            Some(limits) => Some(
                limits
                    .enter()
                    .await
                    .map_err(|reason| refused(&task, reason))?,
            ),
            None => None,
        };
        self.start(task, admission, future)
    }

    /// Opens a scope, whose tasks end with it at the latest. See [`TaskScope`].
    ///
    /// # Errors
    ///
    /// [`SHUTTING_DOWN`] once a shutdown began.
    pub fn scope(&self, name: impl Into<Cow<'static, str>>) -> Result<TaskScope> {
        let name = name.into();
        match self.tracker.scope(name.clone()) {
            Some(tracker) => Ok(TaskScope::new(Self::of(tracker))),
            None => Err(shutting_down().with("scope", name)),
        }
    }

    /// A token that is cancelled when the shutdown begins, for tasks that can end early.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.tracker.closing().child_token()
    }

    /// How many tasks are in which state.
    #[must_use]
    pub fn counters(&self) -> TaskCounters {
        self.tracker.counters()
    }

    /// The names of the tasks that are alive.
    #[must_use]
    pub fn names(&self) -> Vec<Cow<'static, str>> {
        self.tracker.names()
    }

    /// Accepts nothing more from now on, and leaves the tasks to run.
    pub fn close(&self) {
        self.tracker.close();
    }

    /// Accepts nothing more, waits for the tasks until shortly before `deadline`, then cuts those that are left.
    ///
    /// Tasks in the queue were accepted and still get their turn. A tenth of the time, 100 ms at most, is kept
    /// back for what was cut to be dropped. It may be called again and from many places: each call waits for the
    /// same end, the earliest deadline counts, and each report names all that was cut. A task of ours that calls
    /// it is neither waited for nor cut. Dropping the future leaves the tasks running and nothing accepted.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let start = Instant::now();
        let asking = try_id();
        self.close();
        let grace = (deadline / 10).min(LONGEST_GRACE);
        if timeout(deadline.saturating_sub(grace), self.tracker.idle(asking))
            .await
            .is_err()
        {
            self.tracker.abort_all(asking);
            self.let_go(grace, asking).await;
        }
        let (finished, leftovers) = self.tracker.remains(asking);
        ShutdownReport::of_tasks(start.elapsed(), finished, leftovers)
    }

    /// Waits until what was cut is gone. Even without any time left, whatever can be dropped at once is.
    async fn let_go(&self, grace: Duration, asking: Option<Id>) {
        for _ in 0..TURNS {
            if self.tracker.is_idle(asking) {
                return;
            }
            yield_now().await;
        }
        // Those that are still left are named in the report.
        let _ = timeout(grace, self.tracker.idle(asking)).await;
    }

    fn start<T, F>(
        &self,
        task: Task,
        admission: Option<Admission>,
        future: F,
    ) -> Result<TaskHandle<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (name, timeout) = task.into_parts();
        if !is_in_runtime() {
            return Err(Error::new(NO_RUNTIME, "no tokio runtime here").with("task", name));
        }
        let queued = admission
            .as_ref()
            .is_some_and(|admission| !admission.slot.is_held());
        let Some(ticket) = self.tracker.accept(name.clone(), queued) else {
            return Err(shutting_down().with("task", name));
        };
        let key = ticket.key();
        let timeout = timeout
            .or(self.tracker.settings().timeout)
            .filter(|limit| *limit < Duration::MAX);
        let bounds = Bounds::new(admission, timeout);
        let join = tokio::spawn(Supervised::new(future, bounds, ticket));
        self.tracker.spawned(key, join.abort_handle());
        Ok(TaskHandle::new(name, join, self.tracker.clone(), key))
    }
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self::new()
    }
}

/// A task knows its id without touching the runtime's reference count, which all threads share.
fn is_in_runtime() -> bool {
    try_id().is_some() || Handle::try_current().is_ok()
}

fn refused(task: &Task, reason: NoPlace) -> Error {
    match reason {
        NoPlace::Full => Error::new(QUEUE_FULL, "too many tasks are waiting"),
        NoPlace::Closed => shutting_down(),
    }
    .with("task", task.name())
}

fn shutting_down() -> Error {
    Error::new(SHUTTING_DOWN, "shutting down")
}
