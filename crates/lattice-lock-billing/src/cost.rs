use std::fmt;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Money;
use crate::codes::OUT_OF_RANGE;

/// What an attempt cost, or why that is not known. Unknown is never zero.
///
/// ```
/// use lattice_lock_billing::{Cost, Unpriced};
/// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
///
/// let list = PriceList::new([(Bucket::Input, Price::per_million("0.25")?)]);
/// let version = PriceVersion::new("contract-7");
/// let usage = TokenUsage::new().with(Bucket::Input, 1_000_u64);
/// let cost = Cost::of(&usage, Some((&version, &list)))?;
/// assert_eq!(cost.amount().expect("priced").to_string(), "0.00025");
/// assert_eq!(Cost::of(&usage, None)?, Cost::Unpriced(Unpriced::NoPrice));
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Cost {
    /// The usage times the prices of a version.
    Priced {
        /// The amount, rounded once.
        amount: Money,
        /// Which prices made it.
        version: PriceVersion,
    },
    /// Not known.
    #[serde(untagged)]
    Unpriced(Unpriced),
}

/// Why a cost is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unpriced {
    /// The provider did not say what it used.
    NoUsage,
    /// No price of the model is known.
    NoPrice,
    /// The model has prices, and something that it used has none.
    NoBucketPrice,
    /// The provider's figures are beyond what can be counted or paid.
    Implausible,
    /// The provider said what one side of the exchange used and nothing of the other.
    PartialUsage,
}

impl Unpriced {
    /// The name kept in the ledger, such as `no_usage`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoUsage => "no_usage",
            Self::NoPrice => "no_price",
            Self::NoBucketPrice => "no_bucket_price",
            Self::Implausible => "implausible",
            Self::PartialUsage => "partial_usage",
        }
    }

    #[cfg(feature = "__sql")]
    pub(crate) const ALL: [Self; 5] = [
        Self::NoUsage,
        Self::NoPrice,
        Self::NoBucketPrice,
        Self::Implausible,
        Self::PartialUsage,
    ];
}

impl Cost {
    /// What this usage costs by these prices, rounded half-even once.
    ///
    /// Tokens that the provider counted in its total and in no bucket are priced as output, the dearer of the two
    /// text rates: what is unexplained is not given away.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when the amount is beyond ± 9.2 billion dollars.
    pub fn of(usage: &TokenUsage, prices: Option<(&PriceVersion, &PriceList)>) -> Result<Self> {
        if usage.is_absent() {
            return Ok(Self::Unpriced(Unpriced::NoUsage));
        }
        let Some((version, list)) = prices else {
            return Ok(Self::Unpriced(Unpriced::NoPrice));
        };
        let Some(breakdown) = CostBreakdown::of(usage, list)? else {
            return Ok(Self::Unpriced(Unpriced::NoBucketPrice));
        };
        Ok(Self::Priced {
            amount: Money::rounded(breakdown.exact_total()?)?,
            version: version.clone(),
        })
    }

    /// The amount, if it is known.
    #[must_use]
    pub const fn amount(&self) -> Option<Money> {
        match self {
            Self::Priced { amount, .. } => Some(*amount),
            Self::Unpriced(_) => None,
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priced { amount, .. } => write!(f, "{amount:#}"),
            Self::Unpriced(why) => write!(f, "unpriced ({})", why.as_str().replace('_', " ")),
        }
    }
}

/// The exact, unrounded cost of each bucket of a usage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostBreakdown {
    lines: Vec<CostLine>,
}

/// One bucket's part in a cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostLine {
    /// Which bucket; none for tokens that the provider counted in its total and in no bucket.
    pub bucket: Option<Bucket>,
    /// How many units.
    pub count: u64,
    /// USD for one unit.
    pub price: Decimal,
    /// USD for all of them, exactly.
    pub amount: Decimal,
}

impl CostBreakdown {
    /// What each reported bucket costs; `None` when one that was used has no price.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when a product does not fit.
    pub fn of(usage: &TokenUsage, list: &PriceList) -> Result<Option<Self>> {
        let mut lines = Vec::new();
        let prices = list.prices_for(usage);
        for (bucket, count) in usage.reported() {
            match prices.price(bucket) {
                Some(price) => lines.push(CostLine::new(Some(bucket), count, price)?),
                None if count == 0 => {}
                None => return Ok(None),
            }
        }
        let unexplained = unexplained(usage)?;
        if unexplained > 0 {
            let Some(price) = prices.price(Bucket::Output) else {
                return Ok(None);
            };
            lines.push(CostLine::new(None, unexplained, price)?);
        }
        Ok(Some(Self { lines }))
    }

    /// The parts, in the order of the buckets.
    #[must_use]
    pub fn lines(&self) -> &[CostLine] {
        &self.lines
    }

    /// The sum of the parts, exactly.
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when it does not fit without rounding.
    pub fn exact_total(&self) -> Result<Decimal> {
        self.lines
            .iter()
            .try_fold(Decimal::ZERO, |sum, line| exact_sum(sum, line.amount))
    }
}

/// How many tokens are in the provider's total and in no bucket. Without any bucket it is all of them.
fn unexplained(usage: &TokenUsage) -> Result<u64> {
    let total = usage.total().reported().unwrap_or(0);
    let mut tokens = usage.reported().filter(|(bucket, _)| bucket.is_tokens());
    let explained = tokens.try_fold(0_u64, |sum, (_, count)| sum.checked_add(count));
    let explained = explained.ok_or_else(|| Error::new(OUT_OF_RANGE, "count out of range"))?;
    Ok(total.saturating_sub(explained))
}

impl CostLine {
    fn new(bucket: Option<Bucket>, count: u64, price: Price) -> Result<Self> {
        let price = price.per_unit();
        let amount = exact_product(price, count)?;
        Ok(Self {
            bucket,
            count,
            price,
            amount,
        })
    }
}

/// `rust_decimal` rounds silently when it runs out of digits; a product keeps them all exactly when its scale is the
/// sum of the factors' scales.
fn exact_product(price: Decimal, count: u64) -> Result<Decimal> {
    price
        .checked_mul(Decimal::from(count))
        .filter(|product| product.scale() == price.scale() || price.is_zero() || count == 0)
        .ok_or_else(|| Error::new(OUT_OF_RANGE, "cost out of range"))
}

/// A sum keeps all digits exactly when its scale is the larger of the two.
fn exact_sum(left: Decimal, right: Decimal) -> Result<Decimal> {
    let scale = left.scale().max(right.scale());
    left.checked_add(right)
        .filter(|sum| sum.scale() == scale || left.is_zero() || right.is_zero())
        .ok_or_else(|| Error::new(OUT_OF_RANGE, "cost out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same cost by other means: integers of 10⁻¹⁸ USD.
    fn model(usage: &TokenUsage, list: &PriceList) -> Option<i128> {
        let atto =
            |price: Price| price.per_unit().mantissa() * 10_i128.pow(18 - price.per_unit().scale());
        usage.reported().try_fold(0_i128, |sum, (bucket, count)| {
            sum.checked_add(atto(list.price(bucket)?).checked_mul(count.into())?)
        })
    }

    fn rounded_half_even(atto: i128) -> i128 {
        let (nanos, rest) = (atto / 1_000_000_000, atto % 1_000_000_000);
        match rest.cmp(&500_000_000) {
            std::cmp::Ordering::Less => nanos,
            std::cmp::Ordering::Greater => nanos + 1,
            std::cmp::Ordering::Equal => nanos + nanos % 2,
        }
    }

    fn prices() -> impl Strategy<Value = PriceList> {
        proptest::collection::vec((0_i128..=1_000_000_000, 0_u32..=12), Bucket::ALL.len()).prop_map(
            |prices| {
                PriceList::new(Bucket::ALL.into_iter().zip(prices).map(
                    |(bucket, (mantissa, scale))| {
                        let text = Decimal::from_i128_with_scale(mantissa, scale).to_string();
                        (bucket, Price::per_million(&text).unwrap())
                    },
                ))
            },
        )
    }

    fn usages(most: u64) -> impl Strategy<Value = TokenUsage> {
        let count = proptest::option::of(0..=most);
        proptest::collection::vec(count, Bucket::ALL.len()).prop_map(|counts| {
            Bucket::ALL
                .into_iter()
                .zip(counts)
                .fold(TokenUsage::new(), |usage, (bucket, count)| {
                    usage.with(bucket, count)
                })
        })
    }

    fn version() -> PriceVersion {
        PriceVersion::new("test")
    }

    proptest! {
        #[test]
        fn cost_agrees_with_integer_arithmetic(usage in usages(1 << 40), list in prices()) {
            prop_assume!(!usage.is_absent());
            let version = version();
            if let Ok(Cost::Priced { amount, .. }) = Cost::of(&usage, Some((&version, &list))) {
                let expected = rounded_half_even(model(&usage, &list).unwrap());
                prop_assert_eq!(i128::from(amount.nanos()), expected);
            }
        }

        #[test]
        fn plausible_usage_always_has_a_cost(usage in usages(10_000_000)) {
            prop_assume!(!usage.is_absent());
            let list = PriceList::new(Bucket::ALL.map(|bucket| (bucket, Price::per_million("123.456789").unwrap())));
            prop_assert!(Cost::of(&usage, Some((&version(), &list))).unwrap().amount().is_some());
        }

        #[test]
        fn cost_never_falls_when_a_bucket_grows(usage in usages(1 << 30), list in prices(), at in 0..Bucket::ALL.len(), more in 1_u64..1000) {
            let bucket = Bucket::ALL[at];
            let grown = usage.with(bucket, usage.get(bucket).reported().unwrap_or(0) + more);
            let exact = |usage| CostBreakdown::of(usage, &list).unwrap().unwrap().exact_total();
            if let (Ok(less), Ok(more)) = (exact(&usage), exact(&grown)) {
                prop_assert!(more >= less);
            }
        }

        #[test]
        fn cost_is_the_sum_over_the_buckets(usage in usages(1 << 30), list in prices()) {
            let exact = |usage| CostBreakdown::of(&usage, &list).unwrap().unwrap().exact_total();
            let apart = usage.reported().map(|(bucket, count)| exact(TokenUsage::new().with(bucket, count)).unwrap());
            if let (Ok(whole), Ok(sum)) = (exact(usage), apart.into_iter().try_fold(Decimal::ZERO, exact_sum)) {
                prop_assert_eq!(whole, sum);
            }
        }

        #[test]
        fn nothing_is_ever_rounded_before_the_end(usage in usages(u64::MAX), list in prices()) {
            if let (Ok(Some(breakdown)), Some(expected)) = (CostBreakdown::of(&usage, &list), model(&usage, &list))
                && let Ok(total) = breakdown.exact_total()
            {
                prop_assert_eq!(total.mantissa() * 10_i128.pow(18 - total.scale()), expected);
            }
        }
    }

    fn list() -> PriceList {
        PriceList::new([
            (Bucket::Input, Price::per_million("1").unwrap()),
            (Bucket::Output, Price::per_million("10").unwrap()),
        ])
    }

    fn check(usage: TokenUsage, cost: &str) {
        assert_eq!(
            Cost::of(&usage, Some((&version(), &list())))
                .unwrap()
                .to_string(),
            cost
        );
    }

    #[test]
    fn unknown_is_never_zero() {
        check(TokenUsage::new(), "unpriced (no usage)");
        check(
            TokenUsage::new().with(Bucket::InputAudio, 1),
            "unpriced (no bucket price)",
        );
        check(
            TokenUsage::new()
                .with(Bucket::InputAudio, 0)
                .with(Bucket::Input, 1),
            "$0.000001",
        );
        check(TokenUsage::new().with(Bucket::Input, 0), "$0.00");
    }

    #[test]
    fn tokens_beyond_the_buckets_are_priced_and_shown() {
        let usage = TokenUsage::new().with(Bucket::Input, 3).with_total(5);
        check(usage, "$0.000023");
        let breakdown = CostBreakdown::of(&usage, &list()).unwrap().unwrap();
        assert_eq!(
            (breakdown.lines()[1].bucket, breakdown.lines()[1].count),
            (None, 2)
        );
        check(TokenUsage::new().with_total(2), "$0.00002");
        check(
            TokenUsage::new().with(Bucket::Input, 3).with_total(1),
            "$0.000003",
        );
    }

    #[test]
    fn buckets_beyond_what_can_be_counted_do_not_make_the_total_unexplained() {
        let price = Price::per_million("0.000001").unwrap();
        let list = PriceList::new(Bucket::ALL.map(|bucket| (bucket, price)));
        let most = i64::MAX.unsigned_abs();
        let usage = [Bucket::Input, Bucket::CacheRead, Bucket::Output]
            .into_iter()
            .fold(TokenUsage::new(), |usage, bucket| usage.with(bucket, most));
        let cost = Cost::of(&usage.with_total(most), Some((&version(), &list)));
        assert_eq!(cost.unwrap_err().code(), OUT_OF_RANGE);
    }

    #[test]
    fn a_count_beyond_reason_is_an_error_and_not_a_number() {
        let usage = TokenUsage::new().with(Bucket::Output, u64::MAX);
        assert_eq!(
            Cost::of(&usage, Some((&version(), &list())))
                .unwrap_err()
                .code(),
            OUT_OF_RANGE
        );
    }
}
