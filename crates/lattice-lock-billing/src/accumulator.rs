use std::collections::BTreeMap;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, TokenUsage};
use serde::Serialize;

use crate::codes::OUT_OF_RANGE;
use crate::{BillingIntegrityError, Cost, Entry, MoneySum};

/// The sum of what attempts used and cost. Order and grouping do not matter.
///
/// It counts attempts, and of each bucket the units that providers reported; costs are added exactly, in nano-USD. A
/// bucket that some attempts reported and others did not is *partial*: its number is a lower bound, and says so. The
/// same holds for money when an attempt is unpriced. A bucket that nobody reported is absent, and not zero. What a
/// provider gives as its own total is not summed, also where it gives nothing else.
///
/// In JSON it is an object with `attempts`, `unpriced` and `estimated`, `usage` (the buckets that somebody reported),
/// `partial` (the names of those that not all did), and `cost_usd` as text.
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
/// assert_eq!(
///     serde_json::to_value(sum).expect("plain data"),
///     serde_json::json!({
///         "attempts": 2, "unpriced": 2, "estimated": 0, "usage": {"input": 15}, "partial": [], "cost_usd": "0.00",
///     }),
/// );
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageAccumulator {
    attempts: u64,
    unpriced: u64,
    estimated: u64,
    reported: [u64; Bucket::ALL.len()],
    counts: [u64; Bucket::ALL.len()],
    cost: MoneySum,
}

impl UsageAccumulator {
    /// Adds one attempt: one more is counted even where nothing of it is known.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Money, Unpriced, UsageAccumulator};
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let mut sum = UsageAccumulator::default();
    /// let cost = Cost::ProviderReported { amount: Money::cents(3) };
    /// sum.add(&TokenUsage::new().with(Bucket::Input, 10), &cost)?;
    /// sum.add(&TokenUsage::new(), &Cost::Unpriced(Unpriced::NoUsage))?;
    /// assert_eq!((sum.attempts(), sum.unpriced(), sum.cost().to_string()), (2, 1, "0.03".into()));
    /// assert!(sum.is_partial(Bucket::Input));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] with a [`BillingIntegrityError`] when a sum leaves its range, 64 bits for a count; nothing is
    /// added.
    pub fn add(&mut self, usage: &TokenUsage, cost: &Cost) -> Result<()> {
        let attempts = plus(self.attempts, 1, "attempts")?;
        let amount = cost.amount();
        let cost_sum = match amount {
            Some(amount) => money(self.cost, amount.into())?,
            None => self.cost,
        };
        let mut counts = self.counts;
        for bucket in Bucket::ALL {
            let at = bucket.index();
            let count = usage.get(bucket).reported().unwrap_or(0);
            counts[at] = plus(counts[at], count, bucket.as_str())?;
        }
        // None of those that follow can be larger than the number of attempts.
        for bucket in Bucket::ALL {
            let is_reported = usage.get(bucket).reported().is_some();
            self.reported[bucket.index()] += u64::from(is_reported);
        }
        self.unpriced += u64::from(amount.is_none());
        self.estimated += u64::from(cost.is_estimated());
        (self.attempts, self.cost, self.counts) = (attempts, cost_sum, counts);
        Ok(())
    }

    /// Adds all that another one has added, such as the sum of another page or of another thread.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Unpriced, UsageAccumulator};
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let unpriced = Cost::Unpriced(Unpriced::NoPrice);
    /// let (mut one, mut other) = (UsageAccumulator::default(), UsageAccumulator::default());
    /// one.add(&TokenUsage::new().with(Bucket::Input, 10), &unpriced)?;
    /// other.add(&TokenUsage::new().with(Bucket::Input, 5), &unpriced)?;
    /// one.merge(&other)?;
    /// assert_eq!((one.attempts(), one.count(Bucket::Input)), (2, Some(15)));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] with a [`BillingIntegrityError`] when a sum leaves its range; nothing is added.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        let mut sum = *self;
        sum.attempts = plus(self.attempts, other.attempts, "attempts")?;
        // None of these can be larger than the number of attempts.
        sum.unpriced += other.unpriced;
        sum.estimated += other.estimated;
        sum.cost = money(self.cost, other.cost)?;
        for bucket in Bucket::ALL {
            let at = bucket.index();
            sum.reported[at] += other.reported[at];
            sum.counts[at] = plus(self.counts[at], other.counts[at], bucket.as_str())?;
        }
        *self = sum;
        Ok(())
    }

    /// The sum of the attempts of these entries, each as its last revision says. What was voided, and charges that are
    /// no attempts, do not count.
    ///
    /// The last revision is the last one among these: whoever gives part of an operation's entries, such as one page of
    /// a [listing](crate::Ledger::list), gets the sum of that part.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, Ledger, OperationId, Outcome, UsageAccumulator};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_repository::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> lattice_lock_errors::Result<()> {
    /// let ledger = Ledger::new(&Database::in_memory());
    /// let (operation, who) = (OperationId::generate(), Principal::external("user-17")?);
    /// for attempt in [AttemptId::new(operation, 1, 1), AttemptId::new(operation, 2, 1)] {
    ///     let entry = Entry::new(attempt, &who, "openai/gpt-5".parse()?, Outcome::Replied)?;
    ///     ledger.record(entry.reported_cost("0.02".parse()?), None).await?;
    /// }
    /// let second = &ledger.of_operation(operation).await?[1];
    /// ledger.record(second.voided("credit note 12"), None).await?;
    ///
    /// let entries = ledger.of_operation(operation).await?;
    /// let sum = UsageAccumulator::of_entries(&entries)?;
    /// assert_eq!((entries.len(), sum.attempts(), sum.cost().to_string()), (3, 1, "0.02".into()));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`].
    pub fn of_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self> {
        let mut last = BTreeMap::<_, &Entry>::new();
        for entry in entries {
            let Some(attempt) = entry.attempt() else {
                continue;
            };
            let known = last.entry(attempt).or_insert(entry);
            if known.revision() < entry.revision() {
                *known = entry;
            }
        }
        let mut sum = Self::default();
        for entry in last.into_values().filter(|entry| !entry.is_void()) {
            sum.add(entry.usage(), entry.cost())?;
        }
        Ok(sum)
    }

    /// How many attempts were added, those with no known usage or cost included.
    #[must_use]
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// How many of them have no known cost. Unless it is 0, [`cost`](Self::cost) is not all that there is to pay.
    #[must_use]
    pub const fn unpriced(&self) -> u64 {
        self.unpriced
    }

    /// How many of them have a cost that is estimated. Those are in [`cost`](Self::cost).
    #[must_use]
    pub const fn estimated(&self) -> u64 {
        self.estimated
    }

    /// The sum of the known costs, a lower bound if some attempts are [unpriced](Self::unpriced). Each cost was rounded
    /// when it was made; the sum is exact.
    #[must_use]
    pub const fn cost(&self) -> MoneySum {
        self.cost
    }

    /// The sum of a bucket, if any attempt reported it: in tokens, or in searches and requests where the bucket counts
    /// those. A lower bound if it is [partial](Self::is_partial).
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Unpriced, UsageAccumulator};
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let mut sum = UsageAccumulator::default();
    /// let usage = TokenUsage::new().with(Bucket::Input, 10).with(Bucket::Reasoning, 0);
    /// sum.add(&usage, &Cost::Unpriced(Unpriced::NoPrice))?;
    /// assert_eq!((sum.count(Bucket::Reasoning), sum.count(Bucket::CacheRead)), (Some(0), None));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub const fn count(&self, bucket: Bucket) -> Option<u64> {
        match self.reported[bucket.index()] {
            0 => None,
            _ => Some(self.counts[bucket.index()]),
        }
    }

    /// Whether some attempts reported the bucket and others did not. False where all did, and where none did.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Unpriced, UsageAccumulator};
    /// use lattice_lock_providers::{Bucket, TokenUsage};
    ///
    /// let (mut sum, unpriced) = (UsageAccumulator::default(), Cost::Unpriced(Unpriced::NoPrice));
    /// sum.add(&TokenUsage::new().with(Bucket::Input, 10).with(Bucket::CacheRead, 3), &unpriced)?;
    /// sum.add(&TokenUsage::new().with(Bucket::Input, 5), &unpriced)?;
    /// let partial = [Bucket::Input, Bucket::CacheRead, Bucket::Output].map(|bucket| sum.is_partial(bucket));
    /// assert_eq!(partial, [false, true, false]);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
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
            estimated: u64,
            usage: BTreeMap<&'static str, u64>,
            partial: Vec<&'static str>,
            cost_usd: MoneySum,
        }
        let counted = |bucket: Bucket| Some((bucket.as_str(), self.count(bucket)?));
        let partial = Bucket::ALL.into_iter().filter(|it| self.is_partial(*it));
        Plain {
            attempts: self.attempts,
            unpriced: self.unpriced,
            estimated: self.estimated,
            usage: Bucket::ALL.into_iter().filter_map(counted).collect(),
            partial: partial.map(Bucket::as_str).collect(),
            cost_usd: self.cost,
        }
        .serialize(serializer)
    }
}

fn plus(left: u64, right: u64, figure: &'static str) -> Result<u64> {
    left.checked_add(right).ok_or_else(|| overflow(figure))
}

fn money(left: MoneySum, right: MoneySum) -> Result<MoneySum> {
    left.checked_add(right).ok_or_else(|| overflow("cost"))
}

#[cold]
fn overflow(figure: &'static str) -> Error {
    Error::new(OUT_OF_RANGE, "a sum is out of range")
        .with("figure", figure)
        .with_source(BillingIntegrityError::Overflow { figure })
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
        let refused = sum.add(&huge, &cost).unwrap_err();
        assert_eq!(refused.code(), OUT_OF_RANGE);
        let figure = refused.find::<BillingIntegrityError>().unwrap().figure();
        assert_eq!(figure, "input");
        assert_eq!(sum, before);
        let other = before;
        assert_eq!(sum.merge(&other).unwrap_err().code(), OUT_OF_RANGE);
        assert_eq!(sum, before);
    }

    #[test]
    fn present_and_absent_together_are_partial_and_not_a_plain_number() {
        let cost = Cost::Unpriced(Unpriced::NoPrice);
        let mut sum = UsageAccumulator::default();
        sum.add(&TokenUsage::new().with(Bucket::Input, 3), &cost)
            .unwrap();
        sum.add(&TokenUsage::new().with(Bucket::Output, 0), &cost)
            .unwrap();
        let json = serde_json::to_value(sum).unwrap();
        assert_eq!(json["partial"], serde_json::json!(["input", "output"]));
        assert_eq!(json["usage"], serde_json::json!({"input": 3, "output": 0}));
        assert_eq!(sum.count(Bucket::Reasoning), None);
    }
}
