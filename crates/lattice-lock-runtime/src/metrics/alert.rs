use std::time::Duration;

use lattice_lock_errors::{Error, Result, Severity};

use crate::codes::INVALID_LIMIT;

/// When errors of one severity are too many, and when they are few enough again.
///
/// Two thresholds keep an alert from flickering: it is raised at the upper one and cleared at the lower one.
///
/// ```
/// use lattice_lock_errors::Severity;
/// use lattice_lock_runtime::AlertRule;
///
/// let rule = AlertRule::new(Severity::Error, 100, 20)?;
/// assert!(AlertRule::new(Severity::Error, 100, 100).is_err());
/// # let _ = rule;
/// # Ok::<(), lattice_lock_runtime::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertRule {
    pub(crate) severity: Severity,
    pub(crate) raise_at: u64,
    pub(crate) clear_at: u64,
}

impl AlertRule {
    /// Raised when the shortest window holds `raise_at` errors of this severity, cleared at `clear_at` or fewer.
    ///
    /// # Errors
    ///
    /// [`INVALID_LIMIT`] unless `clear_at` is below `raise_at`.
    pub fn new(severity: Severity, raise_at: u64, clear_at: u64) -> Result<Self> {
        if clear_at >= raise_at {
            let error = Error::new(
                INVALID_LIMIT,
                "an alert must clear below where it is raised",
            );
            return Err(error.with("raise_at", raise_at).with("clear_at", clear_at));
        }
        Ok(Self {
            severity,
            raise_at,
            clear_at,
        })
    }

    /// Whether the alert stands, given whether it stood before.
    pub(crate) fn stands(&self, count: u64, before: bool) -> bool {
        let least = if before {
            self.clear_at.saturating_add(1)
        } else {
            self.raise_at
        };
        count >= least
    }

    /// How many more errors may come before the alert can change. Those that come do not clear it.
    pub(crate) fn slack(&self, count: u64, stands: bool) -> u64 {
        if stands {
            u64::MAX
        } else {
            self.raise_at.saturating_sub(count).saturating_sub(1)
        }
    }
}

/// An alert that was raised or cleared, as the hook sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alert {
    /// The severity of the errors that it is about.
    pub severity: Severity,
    /// Whether it was raised; otherwise it was cleared.
    pub raised: bool,
    /// How many errors of this severity the window holds.
    pub count: u64,
    /// How long the window is.
    pub window: Duration,
}
