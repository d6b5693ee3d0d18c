use std::time::Duration;

/// When a circuit opens, for how long, and how it is tried again.
///
/// ```
/// use std::time::Duration;
/// use lattice_lock_providers::BreakerPolicy;
///
/// let patient = BreakerPolicy::new().minimum_volume(20).open_for(Duration::from_secs(60));
/// assert_ne!(patient, BreakerPolicy::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    pub(super) slot: i64,
    pub(super) minimum_volume: u32,
    pub(super) open_percent: u32,
    pub(super) degraded_percent: u32,
    pub(super) open_for: i64,
    pub(super) open_for_at_most: i64,
    pub(super) key_open_for: i64,
    pub(super) cool_for: i64,
    pub(super) probes: u32,
    pub(super) probe_lease: i64,
}

/// How many parts the window slides in.
pub(super) const SLOTS: u8 = 10;

impl BreakerPolicy {
    /// The defaults that each setter names.
    #[must_use]
    pub const fn new() -> Self {
        const SECOND: i64 = 1_000_000;
        Self {
            slot: 3 * SECOND,
            minimum_volume: 10,
            open_percent: 50,
            degraded_percent: 10,
            open_for: 15 * SECOND,
            open_for_at_most: 300 * SECOND,
            key_open_for: 600 * SECOND,
            cool_for: 5 * SECOND,
            probes: 2,
            probe_lease: 120 * SECOND,
        }
    }

    /// Over how long failures are counted; 30 seconds by default, in ten parts, at least 10 microseconds.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.slot = (micros(window) / i64::from(SLOTS)).max(1);
        self
    }

    /// Below how many results in the window a circuit never opens: one failure of one is no outage. 10 by
    /// default, at least 1.
    #[must_use]
    pub const fn minimum_volume(mut self, results: u32) -> Self {
        self.minimum_volume = if results == 0 { 1 } else { results };
        self
    }

    /// From which share of failures on a circuit opens, in percent; 50 by default, 1 to 100.
    #[must_use]
    pub fn open_percent(mut self, percent: u32) -> Self {
        self.open_percent = percent.clamp(1, 100);
        self
    }

    /// From which share of failures on a circuit counts as degraded, in percent; 10 by default, 1 to 100.
    #[must_use]
    pub fn degraded_percent(mut self, percent: u32) -> Self {
        self.degraded_percent = percent.clamp(1, 100);
        self
    }

    /// How long a circuit stays open before it is tried; 15 seconds by default. It doubles each time that a
    /// trial fails, up to five minutes or this, whichever is longer.
    #[must_use]
    pub fn open_for(mut self, duration: Duration) -> Self {
        self.open_for = micros(duration);
        self.open_for_at_most = self.open_for.max(Self::new().open_for_at_most);
        self
    }

    /// How long a key that was refused, or whose quota is used up, stays out; ten minutes by default. A longer
    /// wait that the provider asks for counts instead.
    #[must_use]
    pub fn key_open_for(mut self, duration: Duration) -> Self {
        self.key_open_for = micros(duration);
        self
    }

    /// How long whoever asked to slow down is left alone if it did not say; five seconds by default.
    #[must_use]
    pub fn cool_for(mut self, duration: Duration) -> Self {
        self.cool_for = micros(duration);
        self
    }

    /// How many calls a half-open circuit lets through at a time, and how many of them must succeed to close
    /// it; 2 by default, at least 1.
    #[must_use]
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = if probes == 0 { 1 } else { probes };
        self
    }

    /// After how long a trial call that nothing was heard of no longer counts as under way; two minutes by default.
    #[must_use]
    pub fn probe_lease(mut self, duration: Duration) -> Self {
        self.probe_lease = micros(duration);
        self
    }
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// A duration in microseconds, at most a thousand years, so that adding one to a moment never overflows.
pub(super) fn micros(duration: Duration) -> i64 {
    const MILLENNIUM: i64 = 1_000 * 366 * 86_400 * 1_000_000;
    i64::try_from(duration.as_micros()).map_or(MILLENNIUM, |micros| micros.min(MILLENNIUM))
}
