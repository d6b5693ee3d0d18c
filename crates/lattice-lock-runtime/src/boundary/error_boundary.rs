use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::boundary::blocking::retry_blocking;
use crate::boundary::within::{Limit, Within};
use crate::codes::{ATTEMPT_TIMED_OUT, TOO_BUSY};
use crate::{ErrorMetrics, RetryPolicy, log_event, retry};

/// Where errors are handled once: retries, a timeout, a concurrency limit, a fallback, and a count of what
/// remains.
///
/// From the outside in: fallback, retries, limit, timeout. So a slot is held by an attempt, not while waiting for
/// the next one, and the timeout is for an attempt, waiting for a slot not included. Cloning a boundary gives
/// another handle on the same limit.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use lattice_lock_runtime::{ErrorBoundary, RetryPolicy};
///
/// let boundary = ErrorBoundary::new("catalogue")
///     .retry(RetryPolicy::new().max_attempts(2))
///     .timeout(Duration::from_secs(5))
///     .max_concurrent(8);
/// assert_eq!(boundary.run(async || Ok(42)).await?, 42);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use]
pub struct ErrorBoundary {
    name: Cow<'static, str>,
    policy: RetryPolicy,
    timeout: Option<Duration>,
    slots: Option<Arc<Semaphore>>,
    refuses: bool,
    errors: Option<Arc<ErrorMetrics>>,
}

impl ErrorBoundary {
    /// A boundary of this name that so far lets everything through, once.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            policy: RetryPolicy::never(),
            timeout: None,
            slots: None,
            refuses: false,
            errors: None,
        }
    }

    /// When to make an attempt again; never unless set.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How long one attempt may take; without a limit unless set.
    ///
    /// An asynchronous attempt is dropped when its time is up. A blocking one cannot be, and has no timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many attempts run at a time, at least one; without a limit unless set. Others wait in turn.
    ///
    /// A blocking attempt does not wait: it fails as [`TOO_BUSY`], which is retryable.
    pub fn max_concurrent(mut self, attempts: usize) -> Self {
        let permits = attempts.clamp(1, Semaphore::MAX_PERMITS);
        self.slots = Some(Arc::new(Semaphore::new(permits)));
        self
    }

    /// Lets an attempt fail as [`TOO_BUSY`] instead of waiting for a slot.
    pub fn refuse_when_busy(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// Counts the errors that are left after all retries; those that a fallback covers too.
    pub fn count_errors(mut self, metrics: Arc<ErrorMetrics>) -> Self {
        self.errors = Some(metrics);
        self
    }

    /// The name, which is in its log lines and errors.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the call `op` within the boundary.
    ///
    /// # Errors
    ///
    /// What `op` fails with, [`ATTEMPT_TIMED_OUT`], [`TOO_BUSY`], or
    /// [`DEADLINE_EXCEEDED`](crate::codes::DEADLINE_EXCEEDED) as [`retry`] says.
    pub async fn run<T, Fut>(&self, mut op: impl FnMut() -> Fut) -> Result<T>
    where
        Fut: Future<Output = Result<T>>,
    {
        let result = retry(&self.policy, || self.attempt(op())).await;
        self.counted(result)
    }

    /// Like [`run`](Self::run), with `fallback` instead of an error.
    pub async fn run_or<T, Fut>(&self, op: impl FnMut() -> Fut, fallback: T) -> T
    where
        Fut: Future<Output = Result<T>>,
    {
        self.run(op).await.unwrap_or_else(|error| {
            self.log_fallback(&error);
            fallback
        })
    }

    /// Like [`run`](Self::run), with what `fallback` makes of the error instead of it.
    ///
    /// # Errors
    ///
    /// What `fallback` fails with.
    pub async fn run_or_else<T, Fut, Other>(
        &self,
        op: impl FnMut() -> Fut,
        fallback: impl FnOnce(Error) -> Other,
    ) -> Result<T>
    where
        Fut: Future<Output = Result<T>>,
        Other: Future<Output = Result<T>>,
    {
        match self.run(op).await {
            Ok(value) => Ok(value),
            Err(error) => {
                self.log_fallback(&error);
                fallback(error).await
            }
        }
    }

    /// Makes the blocking call `op` within the boundary, on this thread.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), without timeouts.
    pub fn run_blocking<T>(&self, mut op: impl FnMut() -> Result<T>) -> Result<T> {
        let attempt = || {
            let _slot = self.free_slot()?;
            op()
        };
        self.counted(retry_blocking(&self.policy, attempt))
    }

    async fn attempt<T>(&self, attempt: impl Future<Output = Result<T>>) -> Result<T> {
        let _slot = self.slot().await?;
        let limit = self.timeout.map_or(Limit::None, Limit::For);
        let ended = Within::new(limit, attempt).await;
        ended.unwrap_or_else(|| Err(self.timed_out()))
    }

    async fn slot(&self) -> Result<Option<OwnedSemaphorePermit>> {
        match &self.slots {
            Some(slots) if !self.refuses => {
                let slot = slots.clone().acquire_owned().await;
                slot.map(Some).map_err(|_| self.too_busy())
            }
            _ => self.free_slot(),
        }
    }

    fn free_slot(&self) -> Result<Option<OwnedSemaphorePermit>> {
        let slot = self
            .slots
            .as_ref()
            .map(|slots| slots.clone().try_acquire_owned());
        slot.transpose().map_err(|_| self.too_busy())
    }

    fn counted<T>(&self, result: Result<T>) -> Result<T> {
        if let (Some(metrics), Err(error)) = (&self.errors, &result) {
            metrics.record(error);
        }
        result
    }

    fn log_fallback(&self, error: &Error) {
        let (boundary, code) = (&*self.name, error.code().as_str());
        log_event!(Failover, boundary, code, %error, "using the fallback");
    }

    fn timed_out(&self) -> Error {
        let error = Error::new(ATTEMPT_TIMED_OUT, "the attempt took too long");
        let after = format_args!("{:?}", self.timeout.unwrap_or_default()).to_string();
        error.with("boundary", &self.name).with("timeout", after)
    }

    fn too_busy(&self) -> Error {
        Error::new(TOO_BUSY, "too many attempts are running").with("boundary", &self.name)
    }
}

impl fmt::Debug for ErrorBoundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorBoundary")
            .field("name", &self.name)
            .field("retry", &self.policy)
            .field("timeout", &self.timeout)
            .field(
                "free_slots",
                &self.slots.as_ref().map(|slots| slots.available_permits()),
            )
            .finish_non_exhaustive()
    }
}
