use std::future::Future;

use lattice_lock_errors::Result;
use tokio::time::Instant;

use crate::tasks::runs::Runs;
use crate::tasks::{Task, TaskHandle};
use crate::{BackgroundTasks, RetryPolicy};

/// What happens when a run of a task fails.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Restart {
    /// The task has failed.
    Never,
    /// It is run again after the policy's backoff, until the policy's attempts are spent.
    ///
    /// Every failure counts, a panic and a timeout too, whether or not its error is retryable. A run that lasted
    /// longer than the policy's longest delay starts the count anew. The total deadline is not used.
    OnFailure(RetryPolicy),
}

impl BackgroundTasks {
    /// Runs what `op` makes until it succeeds, or until `restart` says that it has failed.
    ///
    /// A run that failed and is followed by another is logged and told to the hook. A shutdown cuts the wait
    /// before a restart: the task is then cancelled.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_restarting<T, Fut>(
        &self,
        task: impl Into<Task>,
        restart: Restart,
        op: impl FnMut() -> Fut + Send + 'static,
    ) -> Result<TaskHandle<T>>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T>> + Send + 'static,
    {
        let (task, runs) = Runs::of(task.into(), self.tracker());
        self.spawn(task, keep_up(runs, restart, op))
    }
}

async fn keep_up<T, Fut>(runs: Runs, restart: Restart, mut op: impl FnMut() -> Fut) -> Result<T>
where
    Fut: Future<Output = Result<T>>,
{
    let Restart::OnFailure(policy) = restart else {
        return runs.run(op).await;
    };
    let mut failures = 0_u32;
    loop {
        let start = Instant::now();
        let error = match runs.run(&mut op).await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let recovered = start.elapsed() > policy.longest_delay();
        failures = if recovered {
            1
        } else {
            failures.saturating_add(1)
        };
        let Some(wait) = policy.after_failure(failures, &error) else {
            return Err(error);
        };
        runs.failed(&error);
        if runs.is_closing_within(wait).await {
            return Err(runs.cancelled());
        }
    }
}
