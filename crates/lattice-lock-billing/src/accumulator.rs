use std::collections::BTreeMap;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, TokenUsage};
use serde::Serialize;

use crate::codes::OUT_OF_RANGE;
use crate::{Cost, Entry, MoneySum};

/// The sum of what attempts used and cost. Order and grouping do not matter.
///
/// A bucket that some attempts reported and others did not is *partial*: its number is a lower bound, and says
/// so. The same holds for money when an attempt is unpriced.
///
/// ```
/// use lattice_lock_billing::{Cost, UsageAccumulator, Unpriced};
/// use lattice_lock_providers::{Bucket, TokenUsage};
///
/// let mut sum = UsageAccumulator::default();
/// sum.add(&TokenUsage::new().with(Bucket::Input, 10_u64), &Cost::Unpriced(Unpriced::NoPrice))?;
/// sum.add(&TokenUsage::new().with(Bucket::Input, 5_u64), &Cost::Unpriced(Unpriced::NoPrice))?;
/// assert_eq!(sum.count(Bucket::Input), Some(15));
/// assert_eq!(sum.unpriced(), 2);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageAccumulator {
    attempts: u64,
    unpriced: u64,
    reported: [u64; Bucket::ALL.len()],
    counts: [u64; Bucket::ALL.len()],
    cost: MoneySum,
}

impl UsageAccumulator {
    /// Adds one attempt.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when a bucket's sum leaves `u64`; nothing is added.
    pub fn add(&mut self, usage: &TokenUsage, cost: &Cost) -> Result<()> {
        let one = Self::of(usage, cost);
        self.merge(&one)
    }

    fn of(usage: &TokenUsage, cost: &Cost) -> Self {
        let mut one = Self {
            attempts: 1,
            unpriced: u64::from(cost.amount().is_none()),
            cost: cost.amount().map(MoneySum::from).unwrap_or_default(),
            ..Self::default()
        };
        for (bucket, count) in usage.reported() {
            one.reported[bucket.index()] = 1;
            one.counts[bucket.index()] = count;
        }
        one
    }

    /// Adds all that another one has added.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when a bucket's sum leaves `u64`; nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let beyond = || Error::new(OUT_OF_RANGE, "a sum of counts is out of range");
        let mut sum = *self;
        sum.attempts = self
            .attempts
            .checked_add(other.attempts)
            .ok_or_else(beyond)?;
        // Neither can be larger than the number of attempts.
        sum.unpriced += other.unpriced;
        sum.cost = self.cost + other.cost;
        for at in 0..Bucket::ALL.len() {
            sum.reported[at] += other.reported[at];
            sum.counts[at] = self.counts[at]
                .checked_add(other.counts[at])
                .ok_or_else(beyond)?;
        }
        *self = sum;
        Ok(())
    }

    /// The sum of these entries.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`].
    pub fn of_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self> {
        let mut sum = Self::default();
        for entry in entries {
            sum.add(entry.usage(), entry.cost())?;
        }
        Ok(sum)
    }

    /// How many attempts were added.
    #[must_use]
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// How many of them have no known cost.
    #[must_use]
    pub const fn unpriced(&self) -> u64 {
        self.unpriced
    }

    /// The sum of the known costs.
    #[must_use]
    pub const fn cost(&self) -> MoneySum {
        self.cost
    }

    /// The sum of a bucket, if any attempt reported it.
    #[must_use]
    pub const fn count(&self, bucket: Bucket) -> Option<u64> {
        match self.reported[bucket.index()] {
            0 => None,
            _ => Some(self.counts[bucket.index()]),
        }
    }

    /// Whether some attempts reported the bucket and others did not.
    #[must_use]
    pub const fn is_partial(&self, bucket: Bucket) -> bool {
        let reported = self.reported[bucket.index()];
        reported != 0 && reported != self.attempts
    }
}

impl Serialize for UsageAccumulator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Plain {
            attempts: u64,
            unpriced: u64,
            usage: BTreeMap<&'static str, u64>,
            cost_usd: MoneySum,
        }
        let counted = |bucket: Bucket| Some((bucket.as_str(), self.count(bucket)?));
        Plain {
            attempts: self.attempts,
            unpriced: self.unpriced,
            usage: Bucket::ALL.into_iter().filter_map(counted).collect(),
            cost_usd: self.cost,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Money, Unpriced};
    use lattice_lock_providers::PriceVersion;
    use proptest::prelude::*;

    fn attempts() -> impl Strategy<Value = Vec<(TokenUsage, Cost)>> {
        let count = proptest::option::of(0..1_u64 << 40);
        let usage = proptest::collection::vec(count, Bucket::ALL.len()).prop_map(|counts| {
            Bucket::ALL
                .into_iter()
                .zip(counts)
                .fold(TokenUsage::new(), |usage, (bucket, count)| {
                    usage.with(bucket, count)
                })
        });
        let cost = proptest::option::of(any::<i64>()).prop_map(|nanos| match nanos {
            Some(nanos) => Cost::Priced {
                amount: Money::from_nanos(nanos),
                version: PriceVersion::new("v"),
            },
            None => Cost::Unpriced(Unpriced::NoPrice),
        });
        proptest::collection::vec((usage, cost), 0..30)
    }

    fn sum(attempts: &[(TokenUsage, Cost)]) -> UsageAccumulator {
        let mut sum = UsageAccumulator::default();
        for (usage, cost) in attempts {
            sum.add(usage, cost).unwrap();
        }
        sum
    }

    proptest! {
        #[test]
        fn aggregation_is_independent_of_order_and_grouping(attempts in attempts(), cut in 0_usize..30, seed in any::<u64>()) {
            let whole = sum(&attempts);
            let (left, right) = attempts.split_at(cut.min(attempts.len()));
            let mut grouped = sum(right);
            grouped.merge(&sum(left)).unwrap();
            prop_assert_eq!(grouped, whole);
            let mut shuffled = attempts.clone();
            shuffled.sort_by_key(|(usage, _)| usage.tokens().unwrap_or(0).wrapping_mul(seed));
            prop_assert_eq!(sum(&shuffled), whole);
        }

        #[test]
        fn the_sum_is_the_sum_of_the_parts(attempts in attempts()) {
            let whole = sum(&attempts);
            for bucket in Bucket::ALL {
                let reported: Vec<u64> = attempts.iter().filter_map(|(usage, _)| usage.get(bucket).reported()).collect();
                let expected = (!reported.is_empty()).then(|| reported.iter().sum::<u64>());
                prop_assert_eq!(whole.count(bucket), expected);
                prop_assert_eq!(whole.is_partial(bucket), !reported.is_empty() && reported.len() < attempts.len());
            }
            let known: MoneySum = attempts.iter().filter_map(|(_, cost)| cost.amount()).sum();
            prop_assert_eq!(whole.cost(), known);
        }
    }

    #[test]
    fn an_overflow_is_an_error_and_adds_nothing() {
        let huge = TokenUsage::new().with(Bucket::Input, u64::MAX);
        let mut sum = UsageAccumulator::default();
        let cost = Cost::Unpriced(Unpriced::NoPrice);
        sum.add(&huge, &cost).unwrap();
        let before = sum;
        assert_eq!(sum.add(&huge, &cost).unwrap_err().code(), OUT_OF_RANGE);
        assert_eq!(sum, before);
    }
}
