use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lattice_lock_errors::{Error, Result};

use crate::codes::INVALID_LIMIT;
use crate::metrics::shard::MAX_WINDOWS;
use crate::{Alert, AlertRule, ErrorMetrics};

pub(crate) type AlertHook = Arc<dyn Fn(&Alert) + Send + Sync>;

/// Options of [`ErrorMetrics`], made with [`ErrorMetrics::builder`].
#[derive(Clone)]
#[must_use]
pub struct ErrorMetricsBuilder {
    pub(crate) windows: Vec<Duration>,
    pub(crate) recent: usize,
    pub(crate) rules: Vec<AlertRule>,
    pub(crate) hook: Option<AlertHook>,
}

impl ErrorMetricsBuilder {
    pub(crate) fn new() -> Self {
        let windows = vec![Duration::from_mins(1), Duration::from_hours(1)];
        Self {
            windows,
            recent: 64,
            rules: Vec::new(),
            hook: None,
        }
    }

    /// The windows that errors are counted over, the shortest first; one minute and one hour unless set.
    ///
    /// A window slides in sixtieths of its length.
    pub fn windows(mut self, windows: impl IntoIterator<Item = Duration>) -> Self {
        self.windows = windows.into_iter().collect();
        self
    }

    /// How many of the last occurrences are kept; 64 unless set. Of one code, at most one in 10 ms is.
    pub fn recent(mut self, occurrences: usize) -> Self {
        self.recent = occurrences;
        self
    }

    /// Adds an alert, over the first window; none unless set. A second rule for a severity replaces the first.
    pub fn alert(mut self, rule: AlertRule) -> Self {
        self.rules.retain(|other| other.severity != rule.severity);
        self.rules.push(rule);
        self
    }

    /// Called when an alert is raised or cleared. It runs where the error was recorded: it must be quick. A panic
    /// in it is logged and goes no further.
    pub fn on_alert(mut self, hook: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// The metrics, with nothing counted.
    ///
    /// # Errors
    ///
    /// [`INVALID_LIMIT`] unless there are one to four windows, each longer than zero and than the one before.
    pub fn build(self) -> Result<ErrorMetrics> {
        let rising = self.windows.is_sorted_by(|one, next| one < next);
        let some = self
            .windows
            .first()
            .is_some_and(|shortest| !shortest.is_zero());
        if !rising || !some || self.windows.len() > MAX_WINDOWS {
            let error = Error::new(
                INVALID_LIMIT,
                "windows must be one to four, the shortest first",
            );
            return Err(error.with("windows", format_args!("{:?}", self.windows)));
        }
        Ok(ErrorMetrics::of(self))
    }
}

impl fmt::Debug for ErrorMetricsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorMetricsBuilder")
            .field("windows", &self.windows)
            .field("recent", &self.recent)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
