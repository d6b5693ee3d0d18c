use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use lattice_lock_errors::Result;

use crate::{BackgroundTasks, Shutdown};

/// How long a shutdown by signal may take in all unless set.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The phases of a [`Shutdown`], made with [`Shutdown::builder`]. They run in the order in which they are added.
#[must_use]
pub struct ShutdownBuilder {
    pub(crate) phases: Vec<Phase>,
    pub(crate) timeout: Duration,
}

/// One phase: its name, how long it may take, and what it does.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) deadline: Duration,
    pub(crate) work: Work,
}

pub(crate) type Hook =
    Box<dyn FnOnce(Duration) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send>;

pub(crate) enum Work {
    Hook(Hook),
    Tasks(BackgroundTasks),
}

impl ShutdownBuilder {
    pub(crate) fn new() -> Self {
        Self {
            phases: Vec::new(),
            timeout: DEFAULT_TIMEOUT,
        }
    }

    /// Adds a phase. `work` is told how long it has; what is not done by then is dropped.
    ///
    /// A phase that fails or panics is reported and does not keep the next one from running.
    pub fn phase<Fut>(
        mut self,
        name: &'static str,
        deadline: Duration,
        work: impl FnOnce(Duration) -> Fut + Send + 'static,
    ) -> Self
    where
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        // Called within the future, so that a panic in making it is caught with the others.
        let hook: Hook = Box::new(move |allowed| Box::pin(async move { work(allowed).await }));
        self.phases.push(Phase {
            name,
            deadline,
            work: Work::Hook(hook),
        });
        self
    }

    /// Adds the phase that stops `tasks`; those that were cut are named in the report.
    pub fn tasks(mut self, name: &'static str, deadline: Duration, tasks: BackgroundTasks) -> Self {
        self.phases.push(Phase {
            name,
            deadline,
            work: Work::Tasks(tasks),
        });
        self
    }

    /// How long a shutdown that a signal began may take in all; 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The shutdown, ready to begin.
    #[must_use]
    pub fn build(self) -> Shutdown {
        Shutdown::of(self)
    }
}

impl fmt::Debug for ShutdownBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.phases.iter().map(|phase| phase.name).collect();
        f.debug_struct("ShutdownBuilder")
            .field("phases", &names)
            .field("timeout", &self.timeout)
            .finish()
    }
}
