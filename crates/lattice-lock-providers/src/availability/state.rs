use serde::Serialize;

/// Whether a provider, a model or a key may be used now.
///
/// | state | a call may be made | it means |
/// |---|---|---|
/// | unconfigured | no | something that a call needs is missing, such as a key |
/// | disabled | no | the application switched it off |
/// | unknown | yes | nothing was heard yet |
/// | available | yes | it answers |
/// | degraded | yes | it answers, and fails too often by its own fault |
/// | cooling | no | it asked to be left alone for a while |
/// | open | no | it failed too often, or the key is refused |
/// | half-open | yes, a few | it is being tried again after it was open |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Availability {
    /// Something that a call needs is missing, such as a key.
    Unconfigured,
    /// The application switched it off.
    Disabled,
    /// Nothing was heard of it yet.
    Unknown,
    /// It may be called.
    Available,
    /// It may be called, and fails too often.
    Degraded,
    /// It asked to be left alone.
    Cooling {
        /// When it may be called again: microseconds since 1970 (UTC).
        until: i64,
    },
    /// It failed too often, or the key is refused.
    Open {
        /// When it is tried again: microseconds since 1970 (UTC).
        until: i64,
    },
    /// It is tried again with a few calls.
    HalfOpen,
}

impl Availability {
    /// Whether a call may be made, as far as it can be told without asking for a
    /// [`Permit`](crate::Permit).
    ///
    /// ```
    /// use lattice_lock_providers::Availability;
    ///
    /// assert!(Availability::Unknown.permits_call());
    /// assert!(!Availability::Cooling { until: 5 }.permits_call());
    /// ```
    #[must_use]
    pub const fn permits_call(self) -> bool {
        match self {
            Self::Unknown | Self::Available | Self::Degraded | Self::HalfOpen => true,
            Self::Unconfigured | Self::Disabled | Self::Cooling { .. } | Self::Open { .. } => false,
        }
    }

    /// The state's name, such as `half_open`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unconfigured => "unconfigured",
            Self::Disabled => "disabled",
            Self::Unknown => "unknown",
            Self::Available => "available",
            Self::Degraded => "degraded",
            Self::Cooling { .. } => "cooling",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// The larger, the less can be expected; among equal states the one that lasts longer.
    const fn severity(self) -> (u8, i64) {
        match self {
            Self::Available => (0, 0),
            Self::Unknown => (1, 0),
            Self::Degraded => (2, 0),
            Self::HalfOpen => (3, 0),
            Self::Cooling { until } => (4, until),
            Self::Open { until } => (5, until),
            Self::Disabled => (6, 0),
            Self::Unconfigured => (7, 0),
        }
    }

    /// The worse of two, where both are needed.
    pub(crate) fn and(self, other: Self) -> Self {
        if other.severity() > self.severity() {
            other
        } else {
            self
        }
    }

    /// The better of two, where one suffices.
    pub(crate) fn or(self, other: Self) -> Self {
        if other.severity() < self.severity() {
            other
        } else {
            self
        }
    }
}

/// A state with its end, in one word: three bits for the state and 61 for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    Unknown,
    Available,
    Degraded { until: i64 },
    Cooling { until: i64 },
    CoolingHalfOpen { until: i64 },
    Open { until: i64 },
    HalfOpen,
    Disabled,
}

const TAG_SHIFT: u32 = 61;
const LATEST: i64 = (1 << TAG_SHIFT) - 1;

impl Published {
    pub(super) fn pack(self) -> u64 {
        let (tag, until) = match self {
            Self::Unknown => (0_u64, 0),
            Self::Available => (1, 0),
            Self::Degraded { until } => (2, until),
            Self::Cooling { until } => (3, until),
            Self::CoolingHalfOpen { until } => (4, until),
            Self::Open { until } => (5, until),
            Self::HalfOpen => (6, 0),
            Self::Disabled => (7, 0),
        };
        tag << TAG_SHIFT | until.clamp(0, LATEST).cast_unsigned()
    }

    /// What a word says at a moment: whatever has an end is over then.
    pub(super) fn unpack(word: u64, now: i64) -> Availability {
        let until = (word & LATEST.cast_unsigned()).cast_signed();
        let lasts = until > now;
        match word >> TAG_SHIFT {
            0 => Availability::Unknown,
            2 if lasts => Availability::Degraded,
            3 | 4 if lasts => Availability::Cooling { until },
            5 if lasts => Availability::Open { until },
            4..=6 => Availability::HalfOpen,
            7 => Availability::Disabled,
            _ => Availability::Available,
        }
    }
}
