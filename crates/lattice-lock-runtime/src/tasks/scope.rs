use std::ops::Deref;

use crate::BackgroundTasks;

/// Tasks that belong together and end together: those of one operation, say.
///
/// It is a [`BackgroundTasks`] of its own below the one that opened it, without limits. [`join`](Self::join)
/// waits for its tasks; dropping it cuts them. Its tasks are part of its owner's counters and shutdown, and are
/// named after it there.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use lattice_lock_runtime::BackgroundTasks;
///
/// let tasks = BackgroundTasks::new();
/// let scope = tasks.scope("operation-7")?;
/// let tool = scope.spawn("tool", async { Ok("found") })?;
/// assert_eq!(tasks.names(), ["operation-7/tool"]);
///
/// scope.join().await;
/// assert_eq!(tool.await?, "found");
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "dropping a scope cuts its tasks"]
pub struct TaskScope {
    tasks: BackgroundTasks,
}

impl TaskScope {
    pub(crate) fn new(tasks: BackgroundTasks) -> Self {
        Self { tasks }
    }

    /// Accepts nothing more and waits until every task of the scope has ended.
    ///
    /// Dropping the returned future cuts those that have not.
    pub async fn join(self) {
        self.tasks.tracker().close();
        self.tasks.tracker().idle(None).await;
    }
}

impl Deref for TaskScope {
    type Target = BackgroundTasks;

    fn deref(&self) -> &BackgroundTasks {
        &self.tasks
    }
}

impl Drop for TaskScope {
    fn drop(&mut self) {
        self.tasks.tracker().close();
        self.tasks.tracker().abort_all(None);
    }
}
