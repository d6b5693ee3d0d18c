use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lattice_lock_errors::{Error, Severity};
use tokio::time::Instant;

use crate::metrics::builder::AlertHook;
use crate::metrics::recent::Recent;
use crate::metrics::shard::{BySeverity, Shard, rank};
use crate::{Alert, AlertRule, ErrorCounts, ErrorMetricsBuilder, ErrorSnapshot, log_event, panics};

/// How many locks the threads share. Two threads that meet at one only wait for a few additions.
const SHARDS: usize = 16;

/// Counts errors by code, kind and severity over sliding windows, and raises alerts.
///
/// Its memory is bounded, whatever is recorded. Recording an error takes tens of nanoseconds; it neither logs the
/// error nor decides anything.
///
/// ```
/// use lattice_lock_errors::Severity;
/// use lattice_lock_runtime::{AlertRule, Error, ErrorMetrics, codes};
///
/// let metrics = ErrorMetrics::builder()
///     .alert(AlertRule::new(Severity::Warning, 2, 0)?)
///     .build()?;
/// let error = Error::new(codes::TOO_BUSY, "too busy");
/// metrics.record(&error);
/// metrics.record(&error);
///
/// let snapshot = metrics.snapshot();
/// assert_eq!(snapshot.total.of_code(codes::TOO_BUSY), 2);
/// assert_eq!(snapshot.raised, [Severity::Warning]);
/// # Ok::<(), Error>(())
/// ```
pub struct ErrorMetrics {
    start: Instant,
    /// When counting began, in nanoseconds since the start.
    since: AtomicU64,
    windows: Vec<Duration>,
    shards: [Padded; SHARDS],
    rules: [Option<AlertRule>; Severity::ALL.len()],
    /// Which alerts stand. Held while they are looked at.
    raised: Mutex<[bool; Severity::ALL.len()]>,
    hook: Option<AlertHook>,
    recent: Recent,
}

/// Keeps the locks of two shards off one cache line.
#[repr(align(128))]
struct Padded(Mutex<Shard>);

impl ErrorMetrics {
    /// Windows of a minute and an hour, 64 occurrences, no alerts.
    #[must_use]
    pub fn new() -> Self {
        Self::of(ErrorMetricsBuilder::new())
    }

    /// Options.
    pub fn builder() -> ErrorMetricsBuilder {
        ErrorMetricsBuilder::new()
    }

    pub(crate) fn of(options: ErrorMetricsBuilder) -> Self {
        let mut rules = [None; Severity::ALL.len()];
        for rule in &options.rules {
            rules[rank(rule.severity)] = Some(*rule);
        }
        Self {
            start: Instant::now(),
            since: AtomicU64::new(0),
            shards: std::array::from_fn(|_| Padded(Mutex::new(Shard::new(&options.windows)))),
            windows: options.windows,
            rules,
            raised: Mutex::default(),
            hook: options.hook,
            recent: Recent::new(options.recent),
        }
    }

    /// Counts an error, and raises or clears the alert of its severity if that is due.
    pub fn record(&self, error: &Error) {
        let shard = &self.shards[own_shard()].0;
        let recorded = lock(shard).record(error.code(), self.now());
        #[cfg(feature = "metrics")]
        crate::telemetry::error_recorded(error);
        if recorded.keep {
            self.recent.keep(error);
        }
        if recorded.due {
            self.check_alerts();
        }
    }

    /// Looks at the alerts now. Errors that are recorded do so too; an alert that is to be cleared after the last
    /// error needs someone to call this, now and then.
    pub fn check_alerts(&self) {
        for alert in self.changed_alerts() {
            self.tell(&alert);
        }
    }

    /// What is known now.
    #[must_use]
    pub fn snapshot(&self) -> ErrorSnapshot {
        self.check_alerts();
        let counted = Duration::from_nanos(
            self.now()
                .saturating_sub(self.since.load(Ordering::Relaxed)),
        );
        let mut total = ErrorCounts::over(counted);
        let mut windows: Vec<_> = self
            .windows
            .iter()
            .map(|window| (*window, ErrorCounts::over(counted.min(*window))))
            .collect();
        for shard in &self.shards {
            lock(&shard.0).visit(|code, all, sums| {
                total.add(code, all);
                for ((_, counts), sum) in windows.iter_mut().zip(sums) {
                    counts.add(code, sum);
                }
            });
        }
        ErrorSnapshot {
            total,
            windows,
            raised: self.raised(),
            recent: self.recent.all(),
        }
    }

    /// Forgets everything that was counted and kept. Alerts that stood are cleared.
    pub fn reset(&self) {
        for shard in &self.shards {
            lock(&shard.0).clear();
        }
        self.recent.clear();
        self.since.store(self.now(), Ordering::Relaxed);
        self.check_alerts();
    }

    fn raised(&self) -> Vec<Severity> {
        let raised = Severity::ALL.into_iter().zip(*lock(&self.raised));
        raised
            .filter_map(|(severity, raised)| raised.then_some(severity))
            .collect()
    }

    /// Counts exactly, with all threads kept out, and gives the alerts that change.
    ///
    /// So that this is rare, each shard then gets a share of what is missing to the next alert: together they
    /// cannot reach it without one of them coming here.
    fn changed_alerts(&self) -> Vec<Alert> {
        let mut raised = lock(&self.raised);
        let now = self.now();
        let mut shards: Vec<_> = self.shards.iter().map(|shard| lock(&shard.0)).collect();
        let mut credits = BySeverity::default();
        let mut alerts = Vec::new();
        let within: Vec<_> = shards.iter_mut().map(|shard| shard.within(now)).collect();
        for (severity, (rule, raised)) in Severity::ALL
            .into_iter()
            .zip(self.rules.iter().zip(&mut *raised))
        {
            let level = rank(severity);
            let count = within.iter().map(|within| within[level]).sum();
            let stands = rule.is_some_and(|rule| rule.stands(count, *raised));
            credits[level] =
                rule.map_or(u64::MAX, |rule| rule.slack(count, stands) / SHARDS as u64);
            if stands != std::mem::replace(raised, stands) {
                alerts.push(Alert {
                    severity,
                    raised: stands,
                    count,
                    window: self.windows[0],
                });
            }
        }
        for shard in &mut shards {
            shard.credit(credits);
        }
        alerts
    }

    fn tell(&self, alert: &Alert) {
        let (severity, count) = (alert.severity.as_str(), alert.count);
        if alert.raised {
            log_event!(AlertRaised, severity, count, "too many errors");
        } else {
            log_event!(AlertCleared, severity, count, "few enough errors again");
        }
        if let Some(hook) = &self.hook {
            panics::hook("on_alert", || hook(alert));
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Default for ErrorMetrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ErrorMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorMetrics")
            .field("windows", &self.windows)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// Threads are told apart by where their stacks are, which costs nothing and shares nothing: they are at least a
/// mebibyte apart. That a thread changes shards when its stack grows does no harm.
fn own_shard() -> usize {
    let here = 0_u8;
    let stack = std::ptr::from_ref(&here).addr() >> 20;
    (stack.wrapping_mul(0x9E37_79B1) >> 16) % SHARDS
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
