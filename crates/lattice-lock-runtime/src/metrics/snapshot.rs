use std::collections::BTreeMap;
use std::time::Duration;

use lattice_lock_errors::{Code, Kind, Severity};

use crate::Occurrence;

/// What [`ErrorMetrics`](crate::ErrorMetrics) knew at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ErrorSnapshot {
    /// Errors since the start or the last reset.
    pub total: ErrorCounts,
    /// Errors within each window, in the order in which the windows were given, each with its length.
    pub windows: Vec<(Duration, ErrorCounts)>,
    /// The severities whose alert stands.
    pub raised: Vec<Severity>,
    /// The last occurrences, the latest last. In a storm of one code, a sample of them.
    pub recent: Vec<Occurrence>,
}

/// How many errors there were within a span of time, by code.
#[derive(Clone, Debug, Default)]
pub struct ErrorCounts {
    codes: BTreeMap<&'static str, (Code, u64)>,
    other: u64,
    span: Duration,
}

impl ErrorCounts {
    pub(crate) fn over(span: Duration) -> Self {
        Self {
            span,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, code: Option<Code>, count: u64) {
        match code {
            Some(code) if count > 0 => {
                self.codes.entry(code.as_str()).or_insert((code, 0)).1 += count;
            }
            Some(_) => {}
            None => self.other += count,
        }
    }

    /// All errors.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.sum(|_| true) + self.other
    }

    /// Errors with this code.
    #[must_use]
    pub fn of_code(&self, code: Code) -> u64 {
        self.codes.get(code.as_str()).map_or(0, |(_, count)| *count)
    }

    /// Errors of this kind.
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> u64 {
        self.sum(|code| code.kind() == kind)
    }

    /// Errors of this severity.
    #[must_use]
    pub fn of_severity(&self, severity: Severity) -> u64 {
        self.sum(|code| code.severity() == severity)
    }

    /// Each code that occurred, with its count, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (Code, u64)> {
        self.codes.values().copied()
    }

    /// The time that the counts are about: the window, or less if there was not that much yet.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.span
    }

    /// A count of these as a rate: errors per second. Zero if no time has passed.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is for people, and exact up to 2^53 errors"
    )]
    pub fn per_second(&self, count: u64) -> f64 {
        if self.span.is_zero() {
            0.0
        } else {
            count as f64 / self.span.as_secs_f64()
        }
    }

    fn sum(&self, matches: impl Fn(Code) -> bool) -> u64 {
        self.codes
            .values()
            .filter(|(code, _)| matches(*code))
            .map(|(_, count)| count)
            .sum()
    }
}
