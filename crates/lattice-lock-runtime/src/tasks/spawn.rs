use std::borrow::Cow;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::codes::{NO_RUNTIME, SHUTTING_DOWN};
use crate::tasks::supervised::Supervised;
use crate::tasks::tracker::Tracker;
use crate::tasks::{Ending, ShutdownReport, TaskCounters, TaskHandle};

/// The owner of background tasks. Cloning it gives another handle on the same tasks.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use lattice_lock_runtime::{BackgroundTasks, codes};
///
/// let tasks = BackgroundTasks::new();
/// tasks.spawn("hang", std::future::pending::<lattice_lock_runtime::Result<()>>())?.detach();
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
    /// An owner without limits or timeouts.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tracker: Arc::new(Tracker::new()),
        }
    }

    /// An owner with limits, timeouts or a hook.
    #[must_use]
    pub fn builder() -> BackgroundTasksBuilder {
        BackgroundTasksBuilder {}
    }

    /// Starts `future` as a task of this name.
    ///
    /// # Errors
    ///
    /// [`SHUTTING_DOWN`] once a shutdown began, [`NO_RUNTIME`] outside of a tokio runtime. The future is then
    /// dropped without having been polled.
    pub fn spawn<T, F>(
        &self,
        name: impl Into<Cow<'static, str>>,
        future: F,
    ) -> Result<TaskHandle<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let name = name.into();
        let runtime = Handle::try_current()
            .map_err(|_| Error::new(NO_RUNTIME, "no tokio runtime here").with("task", &name))?;
        let ticket = self
            .tracker
            .accept(name.clone())
            .ok_or_else(|| Error::new(SHUTTING_DOWN, "shutting down").with("task", &name))?;
        let key = ticket.key();
        let join = runtime.spawn(Supervised::new(future, name.clone(), ticket));
        self.tracker.started(key, join.abort_handle());
        Ok(TaskHandle::new(name, join, self.tracker.clone(), key))
    }

    /// A token that is cancelled when the shutdown begins, for tasks that can end early.
    #[must_use]
    pub fn closing(&self) -> CancellationToken {
        self.tracker.closing.child_token()
    }

    /// How many tasks are in which state.
    #[must_use]
    pub fn counters(&self) -> TaskCounters {
        self.tracker.counters()
    }

    /// Accepts nothing more, waits for the tasks until `deadline`, then drops those that are left.
    ///
    /// It may be called from many places and again: each call waits for the same end, within its own deadline.
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        let start = Instant::now();
        self.tracker.close();
        let before = self.counters();
        let leftovers = match timeout(deadline, self.tracker.idle()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.cut().await,
        };
        let finished = self.counters().ended() - before.ended();
        ShutdownReport {
            took: start.elapsed(),
            finished,
            leftovers,
        }
    }

    async fn cut(&self) -> Vec<crate::LeftoverTask> {
        let mut leftovers = self.tracker.abort_all();
        for _ in 0..16 {
            yield_now().await;
        }
        let stuck = self.tracker.names();
        for task in &mut leftovers {
            if stuck.contains(&task.name) {
                task.ending = Ending::Stuck;
            }
        }
        leftovers
    }
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self::new()
    }
}

/// Options of [`BackgroundTasks`].
#[derive(Debug)]
pub struct BackgroundTasksBuilder {}

impl BackgroundTasksBuilder {
    /// The owner.
    ///
    /// # Errors
    ///
    /// None yet.
    pub fn build(self) -> Result<BackgroundTasks> {
        Ok(BackgroundTasks::new())
    }
}
