use serde::Serialize;

use crate::scan::Counts;

/// How many tokens a prompt has, estimated without a tokenizer.
///
/// `expected` is the middle of what tokenizers say. `upper` is meant for hard limits: a prompt of natural text or
/// code stays below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
pub struct TokenEstimate {
    pub(crate) expected: u64,
    pub(crate) upper: u64,
}

impl TokenEstimate {
    /// The likely number.
    #[must_use]
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// A number that is rarely exceeded.
    #[must_use]
    pub fn upper(&self) -> u64 {
        self.upper
    }

    /// The estimate for a text of `total` bytes, of which `counts` were read.
    pub(crate) fn of(counts: &Counts, total: u64, messages: u64) -> Self {
        let _ = messages;
        let read = u64::from(counts.read).max(1);
        let seen = u64::from(counts.all_words()) + u64::from(counts.marks) * 3 / 4;
        let expected = if total > read {
            seen.saturating_mul(total) / read
        } else {
            seen
        };
        Self {
            expected,
            upper: expected + expected / 3 + 8,
        }
    }
}
