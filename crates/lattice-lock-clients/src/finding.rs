use std::fmt;

/// What is wrong with the usage that a provider reported. The reply is delivered all the same.
///
/// | finding | the buckets | what to do |
/// |---|---|---|
/// | [`Mismatch`](Self::Mismatch) | as they were reported | price them, and the residual by the total |
/// | [`Excess`](Self::Excess), [`NotACount`](Self::NotACount) | absent | estimate, and look at the raw usage |
///
/// Findings are for people to see: one is a fault of the provider's, of a proxy between, or of a field that this version does
/// not know.
///
/// ```
/// use lattice_lock_clients::UsageFinding;
///
/// let finding = UsageFinding::Mismatch { whole: "total_tokens", residual: -7 };
/// assert_eq!(finding.residual(), Some(-7));
/// assert_eq!(finding.to_string(), "total_tokens differs from the sum of its parts by -7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageFinding {
    /// A figure differs from the sum of its parts, which stand in the usage as they were reported. A positive residual is
    /// more than the buckets explain; a ledger prices it so that nothing is given away.
    Mismatch {
        /// The wire's name of the figure, such as `total_tokens`.
        whole: &'static str,
        /// The figure less the sum of its parts, in tokens.
        residual: i128,
    },
    /// The parts of a figure are larger than it. Nothing of the report can be trusted: the usage is absent.
    Excess {
        /// The wire's name of the figure, such as `prompt_tokens`.
        whole: &'static str,
        /// By how many tokens the parts are larger.
        excess: u64,
    },
    /// A figure is negative, fractional, no number, or beyond [`LARGEST_COUNT`](crate::LARGEST_COUNT).
    /// Nothing of the report can be trusted: the usage is absent.
    NotACount {
        /// The wire's name of the figure.
        field: &'static str,
    },
}

impl UsageFinding {
    /// How much larger the provider's figure is than the sum of the buckets, where both are known.
    #[must_use]
    pub const fn residual(&self) -> Option<i128> {
        match self {
            Self::Mismatch { residual, .. } => Some(*residual),
            Self::Excess { .. } | Self::NotACount { .. } => None,
        }
    }
}

impl fmt::Display for UsageFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { whole, residual } => {
                write!(f, "{whole} differs from the sum of its parts by {residual}")
            }
            Self::Excess { whole, excess } => {
                write!(f, "the parts of {whole} are larger than it by {excess}")
            }
            Self::NotACount { field } => write!(f, "{field} is not a count"),
        }
    }
}
