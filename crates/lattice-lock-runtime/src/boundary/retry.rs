use std::future::Future;

use lattice_lock_errors::{Error, Result};
use tokio::time::{Instant, sleep};

use crate::RetryPolicy;
use crate::boundary::within::{Limit, Within};
use crate::codes::DEADLINE_EXCEEDED;

/// Makes the call `op` until it succeeds, fails for good, or `policy` says to give up.
///
/// The error is that of the last attempt, with the number of `attempts` added to its context when there was
/// more than one. Dropping the future drops the attempt that is running and makes no other.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use lattice_lock_runtime::{RetryPolicy, retry};
///
/// let answer = retry(&RetryPolicy::new(), async || Ok(42)).await?;
/// assert_eq!(answer, 42);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
///
/// Whatever `op` fails with; [`DEADLINE_EXCEEDED`] when the total deadline passed during an attempt, with the
/// error of the attempt before it as the cause.
pub async fn retry<T, Fut>(policy: &RetryPolicy, mut op: impl FnMut() -> Fut) -> Result<T>
where
    Fut: Future<Output = Result<T>>,
{
    let deadline = policy
        .deadline()
        .and_then(|deadline| Instant::now().checked_add(deadline));
    let limit = deadline.map_or(Limit::None, Limit::At);
    let mut number = 1_u32;
    let mut last = None;
    loop {
        let error = match Within::new(limit, op()).await {
            Some(Ok(value)) => return Ok(value),
            Some(Err(error)) => error,
            None => return Err(exceeded(last)),
        };
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let Some(wait) = policy.after(number, &error, left) else {
            return Err(counted(error, number));
        };
        last = Some(error);
        sleep(wait).await;
        number = number.saturating_add(1);
    }
}

/// `op.retry(&policy)` for any closure that makes futures: the same as [`retry`], read from left to right.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use lattice_lock_runtime::{Retry, RetryPolicy};
///
/// let answer = (async || Ok(42)).retry(&RetryPolicy::new()).await?;
/// assert_eq!(answer, 42);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// # }).unwrap();
/// ```
pub trait Retry<T, Fut>: FnMut() -> Fut + Sized
where
    Fut: Future<Output = Result<T>>,
{
    /// See [`retry`].
    ///
    /// # Errors
    ///
    /// See [`retry`].
    fn retry(self, policy: &RetryPolicy) -> impl Future<Output = Result<T>> {
        retry(policy, self)
    }
}

impl<T, Fut, F> Retry<T, Fut> for F
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T>>,
{
}

fn exceeded(last: Option<Error>) -> Error {
    let error = Error::new(DEADLINE_EXCEEDED, "deadline of all attempts passed");
    match last {
        Some(last) => error.with_source(last),
        None => error,
    }
}

pub(crate) fn counted(error: Error, attempts: u32) -> Error {
    if attempts > 1 {
        error.with("attempts", attempts)
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use lattice_lock_errors::{Code, Kind};

    use super::*;
    use crate::Jitter;

    const BUSY: Code = Code::new("LL-TSK-998", Kind::Busy, "busy", "wait");
    const INVALID: Code = Code::new("LL-TSK-997", Kind::Invalid, "invalid", "do not");

    fn policy() -> RetryPolicy {
        RetryPolicy::new().jitter(Jitter::None)
    }

    fn busy() -> Error {
        Error::new(BUSY, "busy")
    }

    /// Runs attempts that all fail with `error`; gives the calls made, the time taken and the error.
    async fn check(policy: RetryPolicy, error: Error) -> (u32, Duration, Error) {
        let calls = AtomicU32::new(0);
        let start = Instant::now();
        let result = retry(&policy, async || {
            calls.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(error.clone())
        });
        let error = result.await.unwrap_err();
        (calls.into_inner(), start.elapsed(), error)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_double_up_to_the_maximum() {
        let policy = policy()
            .max_attempts(5)
            .base_delay(Duration::from_secs(1))
            .max_delay(Duration::from_secs(3));
        let (calls, took, error) = check(policy, busy()).await;
        assert_eq!((calls, took), (5, Duration::from_secs(1 + 2 + 3 + 3)));
        assert!(error.context().any(|pair| pair == ("attempts", "5")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_help_is_not_retried() {
        let (calls, took, error) = check(policy(), Error::new(INVALID, "no")).await;
        assert_eq!((calls, took, error.code()), (1, Duration::ZERO, INVALID));
        assert_eq!(error.context().count(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn zero_attempts_count_as_one() {
        assert_eq!(check(policy().max_attempts(0), busy()).await.0, 1);
        assert_eq!(check(RetryPolicy::never(), busy()).await.0, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_a_lower_bound_and_the_backoff_comes_on_top() {
        let error = busy().with_retry_after(Duration::from_mins(1));
        let (calls, took, _) = check(policy(), error).await;
        assert_eq!(
            (calls, took),
            (3, Duration::from_millis(2 * 60_000 + 100 + 200))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
        let error = busy().with_retry_after(Duration::MAX);
        let policy = policy().total_deadline(Duration::from_secs(5));
        let (calls, took, error) = check(policy, error).await;
        assert_eq!((calls, took, error.code()), (1, Duration::ZERO, BUSY));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_is_cut_at_the_deadline_with_the_cause_before_it() {
        let policy = policy().total_deadline(Duration::from_secs(5));
        let calls = AtomicU32::new(0);
        let start = Instant::now();
        let result = retry(&policy, async || {
            if calls.fetch_add(1, Ordering::Relaxed) > 0 {
                std::future::pending::<()>().await;
            }
            Err::<(), _>(busy())
        });
        let error = result.await.unwrap_err();
        assert_eq!(
            (error.code(), start.elapsed()),
            (DEADLINE_EXCEEDED, Duration::from_secs(5))
        );
        assert_eq!(error.find::<Error>().map(Error::code), Some(BUSY));
    }

    #[tokio::test(start_paused = true)]
    async fn full_jitter_stays_between_zero_and_the_backoff_and_varies() {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let seen = waits.clone();
        let policy = RetryPolicy::new()
            .max_attempts(200)
            .base_delay(Duration::from_secs(1))
            .max_delay(Duration::from_secs(1))
            .on_failure(move |attempt| seen.lock().unwrap().extend(attempt.wait));
        check(policy, busy()).await;
        let waits = waits.lock().unwrap();
        assert_eq!(waits.len(), 199);
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(1)));
        assert!(waits.iter().min() < Some(&Duration::from_millis(250)));
        assert!(waits.iter().max() > Some(&Duration::from_millis(750)));
    }

    #[tokio::test(start_paused = true)]
    async fn endless_delays_neither_overflow_nor_panic() {
        let policy = RetryPolicy::new()
            .base_delay(Duration::MAX)
            .max_delay(Duration::MAX)
            .total_deadline(Duration::MAX)
            .max_attempts(u32::MAX);
        let calls = AtomicU32::new(0);
        let result = retry(&policy, async || {
            match calls.fetch_add(1, Ordering::Relaxed) {
                0 => Err(busy().with_retry_after(Duration::MAX)),
                _ => Ok("done"),
            }
        });
        assert_eq!(result.await.unwrap(), "done");
        assert_eq!(policy.backoff(u32::MAX), Duration::MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hook_that_panics_changes_nothing() {
        let policy = policy().on_failure(|_| panic!("in the hook"));
        assert_eq!(check(policy, busy()).await.0, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_closure_retries_by_method() {
        let calls = AtomicU32::new(0);
        let op = async || match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Err(busy()),
            n => Ok(n),
        };
        assert_eq!(op.retry(&policy()).await.unwrap(), 1);
    }
}
