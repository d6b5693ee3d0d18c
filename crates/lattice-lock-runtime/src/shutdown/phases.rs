use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::shutdown::builder::Phase;
use crate::shutdown::driver::Driver;
use crate::{ShutdownBuilder, ShutdownReport};

/// The end of a process in named phases, each within its own deadline and all within a total one.
///
/// It begins when the host calls [`shutdown`](Self::shutdown), or on a signal after `listen_for_signals`. However
/// often and from wherever it is called, the phases run once. Cloning it gives another handle on the same
/// shutdown.
///
/// A total deadline that is shorter than those of the phases together shortens all of them in proportion: no
/// phase starves those after it. Time that a phase leaves over goes to the ones after it, within their own
/// deadlines.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use lattice_lock_runtime::{BackgroundTasks, Shutdown};
///
/// let tasks = BackgroundTasks::new();
/// let shutdown = Shutdown::builder()
///     .phase("flush", Duration::from_secs(2), async |_| Ok(()))
///     .tasks("stop tasks", Duration::from_secs(5), tasks.clone())
///     .build();
///
/// let report = shutdown.shutdown(Duration::from_secs(10)).await;
/// assert!(report.is_clean());
/// assert_eq!(report.phases[0].name, "flush");
/// # });
/// ```
#[derive(Clone)]
pub struct Shutdown {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    phases: Mutex<Option<Vec<Phase>>>,
    timeout: Duration,
    pub(crate) begun: CancellationToken,
    pub(crate) forced: CancellationToken,
    pub(crate) report: watch::Sender<Option<Arc<ShutdownReport>>>,
    #[cfg(feature = "signals")]
    pub(crate) listening: std::sync::atomic::AtomicBool,
}

impl Shutdown {
    /// Options and phases.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder::new()
    }

    pub(crate) fn of(builder: ShutdownBuilder) -> Self {
        let inner = Inner {
            phases: Mutex::new(Some(builder.phases)),
            timeout: builder.timeout,
            begun: CancellationToken::new(),
            forced: CancellationToken::new(),
            report: watch::Sender::new(None),
            #[cfg(feature = "signals")]
            listening: false.into(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Begins the shutdown, if nobody has, and waits for its report until `deadline`.
    ///
    /// The phases run in a task of their own: dropping the returned future does not stop them. When this caller's
    /// deadline passes while the shutdown that an earlier caller began still runs, it is forced.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers.
    pub async fn shutdown(&self, deadline: Duration) -> Arc<ShutdownReport> {
        self.begin(deadline);
        let report = timeout(deadline.saturating_add(SLACK), self.finished()).await;
        if report.is_err() {
            self.force();
        }
        self.finished().await
    }

    /// Waits for the report of a shutdown that something else begins.
    pub async fn finished(&self) -> Arc<ShutdownReport> {
        let mut reports = self.inner.report.subscribe();
        // The sender is ours, so it cannot be gone.
        match reports
            .wait_for(Option::is_some)
            .await
            .map(|report| report.clone())
        {
            Ok(Some(report)) => report,
            _ => Arc::new(ShutdownReport::new()),
        }
    }

    /// A token that is cancelled when the shutdown begins, before its first phase. Readiness follows it.
    #[must_use]
    pub fn begun(&self) -> CancellationToken {
        self.inner.begun.child_token()
    }

    /// Ends a shutdown at once: the phase in progress is cut, and those after it are skipped. One that has not
    /// begun begins, and ends with every phase skipped. Background tasks are cut and named all the same.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with timers, if the shutdown has not begun.
    pub fn force(&self) {
        self.inner.forced.cancel();
        self.begin(Duration::ZERO);
    }

    /// How long a shutdown that a signal begins may take in all.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.timeout
    }

    pub(crate) fn begin(&self, total: Duration) {
        let mut phases = self
            .inner
            .phases
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if phases.is_none() {
            return;
        }
        // Panics without a runtime, while the phases are still there for a caller that has one.
        let runtime = Handle::current();
        let phases = phases.take().unwrap_or_default();
        self.inner.begun.cancel();
        runtime.spawn(Driver::new(self.inner.clone(), phases, total).run());
    }
}

/// What the driver may be late by before a caller forces it: its timers fire in the same millisecond.
const SLACK: Duration = Duration::from_millis(50);

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("begun", &self.inner.begun.is_cancelled())
            .field("finished", &self.inner.report.borrow().is_some())
            .finish_non_exhaustive()
    }
}
