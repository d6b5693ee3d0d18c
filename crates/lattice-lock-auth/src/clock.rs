use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// What tells the time, so that a test need not wait for it to pass.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Whole seconds since 1970-01-01 00:00 UTC.
    fn now(&self) -> u64;
}

/// This machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// A machine that believes to be before 1970 reads 0: it then takes every real token for one of the
    /// future, and refuses it.
    fn now(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }
}
