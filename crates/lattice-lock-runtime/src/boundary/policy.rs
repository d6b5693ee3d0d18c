use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::Error;

use crate::panics;

/// How the wait before the next attempt is spread, so that callers that failed together do not return together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// The wait is exactly the backoff. For tests, and where one caller is alone.
    None,
    /// The wait is uniform between zero and the backoff.
    Full,
}

/// An attempt that failed, as the hook of a [`RetryPolicy`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Which attempt it was, from 1.
    pub number: u32,
    /// Why it failed.
    pub error: &'a Error,
    /// How long until the next one; `None` when there will be none.
    pub wait: Option<Duration>,
}

type Hook = Arc<dyn Fn(&Attempt<'_>) + Send + Sync>;

/// When to make a call again, and how long to wait before it. Sync and async calls share it.
///
/// Only errors that say so are retried ([`Error::is_retryable`]). The wait grows exponentially from
/// [`base_delay`](Self::base_delay) to [`max_delay`](Self::max_delay), is spread by [`Jitter`], and comes on top
/// of what the other side asked for ([`Error::retry_after`]).
///
/// ```
/// use std::time::Duration;
///
/// use lattice_lock_runtime::RetryPolicy;
///
/// let policy = RetryPolicy::new().max_attempts(5).total_deadline(Duration::from_secs(30));
/// assert_eq!(policy.backoff(3), Duration::from_millis(400));
/// ```
#[derive(Clone)]
pub struct RetryPolicy {
    max_attempts: NonZeroU32,
    base_delay: Duration,
    max_delay: Duration,
    jitter: Jitter,
    total_deadline: Option<Duration>,
    hook: Option<Hook>,
}

impl RetryPolicy {
    /// Three attempts, 100 ms doubled up to 10 s, full jitter, no total deadline.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_attempts: NonZeroU32::MIN.saturating_add(2),
            base_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
            jitter: Jitter::Full,
            total_deadline: None,
            hook: None,
        }
    }

    /// One attempt and no other.
    #[must_use]
    pub fn never() -> Self {
        Self::new().max_attempts(1)
    }

    /// How many attempts are made at most, the first included; 3 unless set. Zero counts as one.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// The backoff after the first attempt, doubled after each other; 100 ms unless set.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// What the backoff never exceeds; 10 s unless set. A longer `Retry-After` is respected all the same.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// How waits are spread; [`Jitter::Full`] unless set.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long all attempts and waits may take together; without a limit unless set.
    ///
    /// A wait that would pass it is not begun: the last error is returned at once. An asynchronous attempt that
    /// is running when it passes is dropped; a synchronous one cannot be.
    #[must_use]
    pub fn total_deadline(mut self, deadline: Duration) -> Self {
        self.total_deadline = Some(deadline);
        self
    }

    /// Called after each attempt that failed, before the wait. A panic in it is logged and goes no further.
    #[must_use]
    pub fn on_failure(mut self, hook: impl Fn(&Attempt<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// The backoff after the attempt of this number (from 1), before jitter.
    #[must_use]
    pub fn backoff(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.base_delay.saturating_mul(factor).min(self.max_delay)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.total_deadline
    }

    /// How long to wait after a failed attempt, or `None` to give up; tells the hook either way.
    ///
    /// `left` is what remains of the total deadline.
    pub(crate) fn after(
        &self,
        number: u32,
        error: &Error,
        left: Option<Duration>,
    ) -> Option<Duration> {
        let wait = self
            .next_wait(number, error)
            .filter(|wait| left.is_none_or(|left| *wait < left));
        self.tell(&Attempt {
            number,
            error,
            wait,
        });
        wait
    }

    /// How long to wait before a task that failed for the `failures`-th time in a row is restarted, whatever
    /// its error; tells the hook either way.
    pub(crate) fn after_failure(&self, failures: u32, error: &Error) -> Option<Duration> {
        let wait = (failures < self.max_attempts.get()).then(|| self.wait(failures, error));
        self.tell(&Attempt {
            number: failures,
            error,
            wait,
        });
        wait
    }

    pub(crate) const fn longest_delay(&self) -> Duration {
        self.max_delay
    }

    fn next_wait(&self, number: u32, error: &Error) -> Option<Duration> {
        let again = number < self.max_attempts.get() && error.is_retryable();
        again.then(|| self.wait(number, error))
    }

    fn wait(&self, number: u32, error: &Error) -> Duration {
        let backoff = match self.jitter {
            Jitter::None => self.backoff(number),
            Jitter::Full => spread(self.backoff(number)),
        };
        error
            .retry_after()
            .unwrap_or_default()
            .saturating_add(backoff)
    }

    fn tell(&self, attempt: &Attempt<'_>) {
        #[cfg(feature = "metrics")]
        if attempt.wait.is_some() {
            crate::telemetry::retried(attempt.error);
        }
        if let Some(hook) = &self.hook {
            panics::hook("on_failure", || hook(attempt));
        }
    }
}

/// A random time between zero and `most`, or 584 years.
pub(crate) fn spread(most: Duration) -> Duration {
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(fastrand::u64(0..=nanos))
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_attempts", &self.max_attempts)
            .field("base_delay", &self.base_delay)
            .field("max_delay", &self.max_delay)
            .field("jitter", &self.jitter)
            .field("total_deadline", &self.total_deadline)
            .finish_non_exhaustive()
    }
}
