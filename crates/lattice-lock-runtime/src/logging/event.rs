use std::fmt;

use tracing::Level;

/// What is worth a line in the log, and at which level: the logging standard.
///
/// [`log_event!`](crate::log_event) writes one. Errors are written by [`log_error`](crate::log_error).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogEvent {
    /// An answer was found in a cache. Debug.
    CacheHit,
    /// A candidate was chosen, for these reasons. Info.
    Selection,
    /// An attempt failed and is made again on the same candidate. Info.
    Retry,
    /// A candidate failed and the next one is tried. Warn.
    Failover,
    /// Something is no longer asked, because it failed too often. Warn.
    BreakerOpened,
    /// Something is asked again. Info.
    BreakerClosed,
    /// A budget or a quota refused a call. Warn.
    BudgetRefused,
    /// A record went to the local spool, because its database is down. Warn.
    Spooled,
    /// A phase of the shutdown ended. Info.
    ShutdownPhase,
    /// Errors passed a threshold. Error.
    AlertRaised,
    /// Errors fell below a threshold again. Info.
    AlertCleared,
    /// Someone tried what they may not, or something would be unsafe. Error, critical.
    Security,
    /// Figures that must agree do not. Error, critical.
    BillingIntegrity,
}

impl LogEvent {
    /// Every event, in declaration order.
    pub const ALL: [Self; 13] = [
        Self::CacheHit,
        Self::Selection,
        Self::Retry,
        Self::Failover,
        Self::BreakerOpened,
        Self::BreakerClosed,
        Self::BudgetRefused,
        Self::Spooled,
        Self::ShutdownPhase,
        Self::AlertRaised,
        Self::AlertCleared,
        Self::Security,
        Self::BillingIntegrity,
    ];

    /// The level it is written at.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::CacheHit => Level::DEBUG,
            Self::Selection
            | Self::Retry
            | Self::BreakerClosed
            | Self::ShutdownPhase
            | Self::AlertCleared => Level::INFO,
            Self::Failover | Self::BreakerOpened | Self::BudgetRefused | Self::Spooled => {
                Level::WARN
            }
            Self::AlertRaised | Self::Security | Self::BillingIntegrity => Level::ERROR,
        }
    }

    /// Whether an operator must look at it now: its line carries `critical = true`.
    #[must_use]
    pub const fn is_critical(self) -> bool {
        matches!(self, Self::Security | Self::BillingIntegrity)
    }

    /// The name in the field `event`, such as `cache_hit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CacheHit => "cache_hit",
            Self::Selection => "selection",
            Self::Retry => "retry",
            Self::Failover => "failover",
            Self::BreakerOpened => "breaker_opened",
            Self::BreakerClosed => "breaker_closed",
            Self::BudgetRefused => "budget_refused",
            Self::Spooled => "spooled",
            Self::ShutdownPhase => "shutdown_phase",
            Self::AlertRaised => "alert_raised",
            Self::AlertCleared => "alert_cleared",
            Self::Security => "security",
            Self::BillingIntegrity => "billing_integrity",
        }
    }
}

impl fmt::Display for LogEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes a [`LogEvent`](crate::LogEvent) at its level, with fields as in `tracing`'s macros.
///
/// ```
/// let model = "gpt-5";
/// lattice_lock_runtime::log_event!(Failover, model, attempts = 2, "trying the next candidate");
/// ```
#[macro_export]
macro_rules! log_event {
    ($event:ident, $($fields:tt)+) => {
        $crate::__tracing::event!(
            $crate::LogEvent::$event.level(),
            event = $crate::LogEvent::$event.as_str(),
            critical = $crate::LogEvent::$event.is_critical(),
            $($fields)+
        )
    };
}
