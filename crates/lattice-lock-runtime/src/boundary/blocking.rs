use std::thread;
use std::time::{Duration, Instant};

use lattice_lock_errors::Result;

use crate::RetryPolicy;
use crate::boundary::retry::counted;

/// [`retry`](crate::retry) for a blocking call, on this thread, which sleeps between attempts.
///
/// The total deadline is looked at between attempts; one that runs is not cut.
///
/// ```
/// use lattice_lock_runtime::{RetryPolicy, retry_blocking};
///
/// assert_eq!(retry_blocking(&RetryPolicy::new(), || Ok(42))?, 42);
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// ```
///
/// # Errors
///
/// Whatever `op` fails with.
pub fn retry_blocking<T>(policy: &RetryPolicy, op: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    retry_with(policy, op, || start.elapsed(), thread::sleep)
}

fn retry_with<T>(
    policy: &RetryPolicy,
    mut op: impl FnMut() -> Result<T>,
    elapsed: impl Fn() -> Duration,
    sleep: impl Fn(Duration),
) -> Result<T> {
    let mut number = 1_u32;
    loop {
        let error = match op() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let left = policy
            .deadline()
            .map(|deadline| deadline.saturating_sub(elapsed()));
        let Some(wait) = policy.after(number, &error, left) else {
            return Err(counted(error, number));
        };
        sleep(wait);
        number = number.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use lattice_lock_errors::Error;

    use super::*;
    use crate::Jitter;
    use crate::codes::TOO_BUSY;

    /// Calls that take a second each and fail; gives how many were made and the time that passed.
    fn check(policy: &RetryPolicy) -> (u32, Duration) {
        let (calls, clock) = (Cell::new(0), Cell::new(Duration::ZERO));
        let pass = |time| clock.set(clock.get() + time);
        let op = || {
            calls.set(calls.get() + 1);
            pass(Duration::from_secs(1));
            Err::<(), _>(Error::new(TOO_BUSY, "too busy"))
        };
        assert!(retry_with(policy, op, || clock.get(), pass).is_err());
        (calls.get(), clock.get())
    }

    #[test]
    fn it_waits_and_gives_up_as_the_asynchronous_one_does() {
        let policy = RetryPolicy::new()
            .jitter(Jitter::None)
            .base_delay(Duration::from_secs(1));
        assert_eq!(check(&policy), (3, Duration::from_secs(3 + 1 + 2)));
        let hasty = policy.clone().total_deadline(Duration::from_secs(4));
        assert_eq!(check(&hasty), (2, Duration::from_secs(2 + 1)));
        assert_eq!(check(&policy.total_deadline(Duration::ZERO)).0, 1);
        assert_eq!(check(&RetryPolicy::never()).0, 1);
    }
}
