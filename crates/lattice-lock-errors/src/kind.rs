use std::fmt;

use serde::{Deserialize, Serialize};

/// What sort of failure a [`Code`](crate::Code) stands for.
///
/// The kind alone decides whether a retry can help and how severe the failure is: both are exhaustive
/// matches here, so that no other crate decides with a wildcard.
///
/// ```
/// use lattice_lock_errors::{Kind, Severity};
///
/// assert!(Kind::Unavailable.is_retryable());
/// assert!(!Kind::Exhausted.is_retryable());
/// assert_eq!(Kind::Integrity.severity(), Severity::Critical);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// The caller passed something that can never work.
    Invalid,
    /// The configuration is wrong or incomplete.
    Misconfigured,
    /// Going on would be unsafe: a missing or weak secret, a disabled check.
    Insecure,
    /// Nobody proved who is calling.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// What was asked for does not exist.
    NotFound,
    /// It exists already, or it changed meanwhile.
    Conflict,
    /// This build, engine or model cannot do it.
    Unsupported,
    /// A budget or quota is used up; waiting a moment does not help.
    Exhausted,
    /// Asked too often; waiting helps.
    RateLimited,
    /// Another writer or too much load was in the way; trying again helps.
    Busy,
    /// No answer in time.
    Timeout,
    /// The other side cannot be reached or reports that it is down.
    Unavailable,
    /// The other side answered with something that makes no sense.
    Malformed,
    /// It may or may not have happened: only an idempotent retry with the same key is safe.
    Ambiguous,
    /// The caller or a shutdown stopped it.
    Cancelled,
    /// Figures or records that must agree do not.
    Integrity,
    /// A bug of ours.
    Internal,
}

impl Kind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 18] = [
        Self::Invalid,
        Self::Misconfigured,
        Self::Insecure,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Unsupported,
        Self::Exhausted,
        Self::RateLimited,
        Self::Busy,
        Self::Timeout,
        Self::Unavailable,
        Self::Malformed,
        Self::Ambiguous,
        Self::Cancelled,
        Self::Integrity,
        Self::Internal,
    ];

    /// Whether the same call may succeed when it is simply made again.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::Busy | Self::Timeout | Self::Unavailable => true,
            Self::Invalid
            | Self::Misconfigured
            | Self::Insecure
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::Unsupported
            | Self::Exhausted
            | Self::Malformed
            | Self::Ambiguous
            | Self::Cancelled
            | Self::Integrity
            | Self::Internal => false,
        }
    }

    /// How loudly whoever handles the error should report it.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Cancelled => Severity::Info,
            Self::Invalid
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::Unsupported
            | Self::Exhausted
            | Self::RateLimited
            | Self::Busy => Severity::Warning,
            Self::Misconfigured
            | Self::Timeout
            | Self::Unavailable
            | Self::Malformed
            | Self::Ambiguous
            | Self::Internal => Severity::Error,
            Self::Insecure | Self::Integrity => Severity::Critical,
        }
    }

    /// The name used in logs and serialised errors, such as `rate_limited`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Misconfigured => "misconfigured",
            Self::Insecure => "insecure",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Unsupported => "unsupported",
            Self::Exhausted => "exhausted",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::Ambiguous => "ambiguous",
            Self::Cancelled => "cancelled",
            Self::Integrity => "integrity",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a failure is, from the least to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Expected in normal operation.
    Info,
    /// One caller is affected, and can act on it.
    Warning,
    /// Something an operator should look at.
    Error,
    /// Money or security is at stake: an operator must look at it now.
    Critical,
}

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The name used in logs and serialised errors, such as `critical`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lists_every_kind_once_in_order() {
        assert!(Kind::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(Severity::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(Kind::ALL.len(), Kind::Internal as usize + 1);
        assert_eq!(Severity::ALL.len(), Severity::Critical as usize + 1);
    }

    #[test]
    fn names_agree_with_the_serialised_form() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
    }

    #[test]
    fn what_could_have_been_charged_is_never_retried_blindly() {
        assert!(!Kind::Ambiguous.is_retryable());
        assert!(!Kind::Integrity.is_retryable());
    }
}
