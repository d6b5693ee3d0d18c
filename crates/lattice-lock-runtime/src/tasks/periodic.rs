use std::future::Future;
use std::time::Duration;

use lattice_lock_errors::Result;
use tokio::time::Instant;

use crate::BackgroundTasks;
use crate::boundary::spread;
use crate::tasks::runs::Runs;
use crate::tasks::{Task, TaskHandle};

/// How often a periodic task runs.
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_runtime::Period;
///
/// let period = Period::every(Duration::from_secs(60)).jitter(Duration::from_secs(5));
/// # let _ = period;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    every: Duration,
    jitter: Duration,
}

/// A shorter period would keep a thread busy with nothing else.
const SHORTEST: Duration = Duration::from_millis(1);

impl Period {
    /// Starts a run, the first at once, this long after the start of the one before; 1 ms at least.
    ///
    /// Runs do not overlap: one that takes longer delays the next, and those it covers are left out.
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self {
            every: every.max(SHORTEST),
            jitter: Duration::ZERO,
        }
    }

    /// Delays each run by a random time up to this, so that many processes do not run together; zero unless set.
    ///
    /// The delays do not add up.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }
}

impl BackgroundTasks {
    /// Runs what `op` makes again and again until the shutdown begins.
    ///
    /// A run that fails, panics or times out is logged and told to the hook, and the next one comes at its time.
    /// A shutdown cuts the wait between two runs, and lets the one in progress come to its end.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_periodic<Fut>(
        &self,
        task: impl Into<Task>,
        period: Period,
        op: impl FnMut() -> Fut + Send + 'static,
    ) -> Result<TaskHandle<()>>
    where
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let (task, runs) = Runs::of(task.into(), self.tracker());
        self.spawn(task, repeat(runs, period, op))
    }
}

async fn repeat<Fut>(runs: Runs, period: Period, mut op: impl FnMut() -> Fut) -> Result<()>
where
    Fut: Future<Output = Result<()>>,
{
    let mut wait = Duration::ZERO;
    let mut due = Some(Instant::now());
    while !runs
        .is_closing_within(wait.saturating_add(spread(period.jitter)))
        .await
    {
        if let Err(error) = runs.run(&mut op).await {
            runs.failed(&error);
        }
        let now = Instant::now();
        // Never again, if the clock does not reach that far.
        due = due
            .and_then(|due| due.checked_add(period.every))
            .map(|due| due.max(now));
        wait = due.map_or(Duration::MAX, |due| due - now);
    }
    Ok(())
}
