use std::fmt;

use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{Bucket, Price, PriceVersion, Prices, TokenUsage};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::codes::OUT_OF_RANGE;
use crate::{Discount, Money, Tariff};

/// What an attempt cost, or why that is not known. Unknown is never zero.
///
/// | state | the amount is | rounded | in sums |
/// |---|---|---|---|
/// | `priced` | the provider's counts times prices, less the discount | once, half-even, to nano-USD | yes |
/// | `estimated` | our own counts times prices, less the discount | as above | yes, and counted as estimated |
/// | `provider_reported` | what the provider says it charges | only where it was in another currency, once | yes |
/// | `void` | zero, and known | not | yes, as nothing |
/// | an [`Unpriced`] reason | not known | – | no: counted as unpriced |
///
/// In JSON it is an object with `state` and, where there is one, `amount` and `version`; one that is not known is the
/// reason's name alone. [`Display`](fmt::Display) is for people: `$0.00025`, `$0.00025 (estimated)`,
/// `$0.02 (by the provider)`, `void`, `unpriced (no price)`.
///
/// ```
/// use lattice_lock_billing::{Cost, Tariff, Unpriced};
/// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
///
/// let list = PriceList::new([(Bucket::Input, Price::per_million("0.25")?)]);
/// let version = PriceVersion::new("contract-7");
/// let usage = TokenUsage::new().with(Bucket::Input, 1_000_u64);
/// let cost = Cost::of(&usage, Some(&Tariff::new(&version, &list)))?;
/// assert_eq!(cost.amount().expect("priced").to_string(), "0.00025");
/// assert_eq!(Cost::of(&usage, None)?, Cost::Unpriced(Unpriced::NoPrice));
///
/// let json = serde_json::to_value([&cost, &Cost::Unpriced(Unpriced::NoPrice)]).expect("plain data");
/// assert_eq!(json[0], serde_json::json!({"state": "priced", "amount": "0.00025", "version": "contract-7"}));
/// assert_eq!(json[1], "no_price");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
#[non_exhaustive]
pub enum Cost {
    /// The usage that the provider reported, times the prices of a version.
    Priced {
        /// The amount, rounded once.
        amount: Money,
        /// Which prices made it.
        version: PriceVersion,
    },
    /// A usage that was counted or guessed by us, times the prices of a version. It is in every sum, and
    /// [`UsageAccumulator::estimated`](crate::UsageAccumulator::estimated) says how many of a sum are so.
    Estimated {
        /// The amount, rounded once.
        amount: Money,
        /// Which prices made it.
        version: PriceVersion,
    },
    /// What the provider itself said that it charges, whatever the usage times our prices would be. No discount of ours
    /// is taken off, and no repricing changes it.
    ProviderReported {
        /// The amount, in dollars.
        amount: Money,
    },
    /// Nothing is owed any more: the entry was voided. The amount is zero, and known.
    Void,
    /// Not known. It is in no sum, and is counted beside it.
    #[serde(untagged)]
    Unpriced(Unpriced),
}

/// Why a cost is not known.
///
/// None of these is zero: an attempt may have been billed all the same.
/// [`LedgerTotal::unpriced`](crate::LedgerTotal::unpriced) and
/// [`UsageAccumulator::unpriced`](crate::UsageAccumulator::unpriced) count them.
/// [`Ledger::reprice`](crate::Ledger::reprice) prices the two that lack a price, [`NoPrice`](Self::NoPrice) and
/// [`NoBucketPrice`](Self::NoBucketPrice), once a catalogue has it; the others take a
/// [correction](crate::Entry::corrected) by whoever finds out, such as from the provider's invoice.
///
/// ```
/// use lattice_lock_billing::{Cost, Tariff, Unpriced};
/// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
///
/// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("1")?)]));
/// let tariff = Tariff::new(&version, &list);
/// let cost = |usage| Cost::of(&usage, Some(&tariff));
/// assert_eq!(cost(TokenUsage::new())?, Cost::Unpriced(Unpriced::NoUsage));
/// // Sound is not priced as text.
/// let sound = TokenUsage::new().with(Bucket::Input, 5).with(Bucket::InputAudio, 7);
/// assert_eq!(cost(sound)?, Cost::Unpriced(Unpriced::NoBucketPrice));
/// // Zero of it needs no price, and zero tokens are a known cost.
/// let silent = TokenUsage::new().with(Bucket::Input, 0).with(Bucket::InputAudio, 0);
/// assert_eq!(cost(silent)?.to_string(), "$0.00");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unpriced {
    /// The provider did not say what it used: no bucket and no total. So it is of attempts that failed, and of those
    /// whose outcome nobody knows, unless somebody [estimated](crate::Entry::estimated) it.
    NoUsage,
    /// No price of the model is known, on its day and for its service tier.
    NoPrice,
    /// The model has prices, and something that it used has none, of its own or of the bucket that it is
    /// [billed as](lattice_lock_providers::Prices). What has a price is not booked in part.
    NoBucketPrice,
    /// The provider's figures are beyond what can be counted or paid: a count above 2⁶³ − 1, or a cost above 9.2
    /// billion dollars. Where a count is, the entry keeps none of the counts; where only the cost is, it keeps them
    /// all.
    Implausible,
    /// The provider said what one side of the exchange used and nothing of the other: see
    /// [`Entry::used_in_part`](crate::Entry::used_in_part).
    PartialUsage,
}

impl Unpriced {
    /// The name kept in the ledger, such as `no_usage`: that of JSON, and of the column `cost_state`.
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
    /// What this usage costs by this tariff, rounded half-even once.
    ///
    /// Each count is multiplied by the price of one unit, the products are added, and the discount is taken off, all in
    /// exact decimals; only then the sum is rounded to nano-USD. The prices are those for the
    /// [length of the prompt](lattice_lock_providers::PriceList::prices_for), which holds for the whole request. A
    /// bucket that is absent adds nothing; one that is reported and has no price makes all of it
    /// [unpriced](Unpriced::NoBucketPrice), unless its count is zero.
    ///
    /// Tokens that the provider counted in its total and in no bucket are priced too: see [`CostBreakdown`].
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Tariff};
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// // 0.4 nano-USD for each token: rounded one by one, three of them would be nothing.
    /// let price = Price::per_million("0.0004")?;
    /// let list = PriceList::new([Bucket::Input, Bucket::Output, Bucket::InputImage].map(|bucket| (bucket, price)));
    /// let version = PriceVersion::new("v");
    /// let usage = TokenUsage::new().with(Bucket::Input, 1).with(Bucket::Output, 1).with(Bucket::InputImage, 1);
    /// let cost = Cost::of(&usage, Some(&Tariff::new(&version, &list)))?;
    /// assert_eq!(cost.amount().map(|amount| amount.nanos()), Some(1));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when the amount is beyond ± 9.2 billion dollars, or a product or a sum does not keep all its
    /// digits. [`Entry::used`](crate::Entry::used) books that as [implausible](Unpriced::Implausible) instead.
    pub fn of(usage: &TokenUsage, tariff: Option<&Tariff<'_>>) -> Result<Self> {
        if usage.is_absent() {
            return Ok(Self::Unpriced(Unpriced::NoUsage));
        }
        let Some(tariff) = tariff else {
            return Ok(Self::Unpriced(Unpriced::NoPrice));
        };
        let mut exact = Decimal::ZERO;
        let is_priced = each_line(usage, tariff, |line| {
            exact = exact_sum(exact, line.amount)?;
            Ok(())
        })?;
        if !is_priced {
            return Ok(Self::Unpriced(Unpriced::NoBucketPrice));
        }
        Ok(Self::Priced {
            amount: Money::rounded(tariff.discount.of(exact)?)?,
            version: tariff.version.clone(),
        })
    }

    /// The same amount, of a usage that nobody reported.
    pub(crate) fn into_estimate(self) -> Self {
        match self {
            Self::Priced { amount, version } => Self::Estimated { amount, version },
            other => other,
        }
    }

    /// The amount, if it is known, estimated ones included: zero of what is void, and none of what is unpriced. Whoever
    /// makes zero of none, as with `unwrap_or_default`, says that something was free of which nobody knows.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Money, Unpriced};
    ///
    /// let reported = Cost::ProviderReported { amount: Money::cents(2) };
    /// assert_eq!(reported.amount(), Some(Money::cents(2)));
    /// assert_eq!(Cost::Void.amount(), Some(Money::ZERO));
    /// assert_eq!(Cost::Unpriced(Unpriced::NoUsage).amount(), None);
    /// ```
    #[must_use]
    pub const fn amount(&self) -> Option<Money> {
        match self {
            Self::Priced { amount, .. }
            | Self::Estimated { amount, .. }
            | Self::ProviderReported { amount } => Some(*amount),
            Self::Void => Some(Money::ZERO),
            Self::Unpriced(_) => None,
        }
    }

    /// Which prices made it, if any did: none of what the provider reported, and of what is void or not known.
    #[must_use]
    pub const fn version(&self) -> Option<&PriceVersion> {
        match self {
            Self::Priced { version, .. } | Self::Estimated { version, .. } => Some(version),
            Self::ProviderReported { .. } | Self::Void | Self::Unpriced(_) => None,
        }
    }

    /// Whether it is known and made of a usage that nobody reported.
    #[must_use]
    pub const fn is_estimated(&self) -> bool {
        matches!(self, Self::Estimated { .. })
    }

    /// The name of its state kept in the ledger: `priced`, `estimated`, `provider_reported`, `void`, or the reason why
    /// it is not known.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Money, Unpriced};
    ///
    /// assert_eq!(Cost::ProviderReported { amount: Money::ZERO }.state(), "provider_reported");
    /// assert_eq!(Cost::Unpriced(Unpriced::PartialUsage).state(), "partial_usage");
    /// ```
    #[must_use]
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Priced { .. } => "priced",
            Self::Estimated { .. } => "estimated",
            Self::ProviderReported { .. } => "provider_reported",
            Self::Void => "void",
            Self::Unpriced(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priced { amount, .. } => write!(f, "{amount:#}"),
            Self::Estimated { amount, .. } => write!(f, "{amount:#} (estimated)"),
            Self::ProviderReported { amount } => write!(f, "{amount:#} (by the provider)"),
            Self::Void => f.write_str("void"),
            Self::Unpriced(reason) => {
                write!(f, "unpriced ({})", reason.as_str().replace('_', " "))
            }
        }
    }
}

/// The exact, unrounded cost of each bucket of a usage: how a [`Cost`] came to be, for whoever has to explain it.
///
/// It is not kept in the ledger: it is computed from an entry's usage and the prices of its version. Its
/// [total](Self::exact_total), rounded once, is the cost.
///
/// Tokens that the provider counted in its total and in no bucket have a line of their own, without a bucket. They are
/// priced as visible text, at the dearer of the two base rates, input's and output's: what is unexplained is not given
/// away. [`residual`](Self::residual) flags them. A total that is smaller than the buckets takes nothing off.
///
/// ```
/// use lattice_lock_billing::{CostBreakdown, Tariff};
/// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
///
/// let prices = [(Bucket::Input, "1"), (Bucket::Output, "10")];
/// let prices = prices.map(|(bucket, usd)| (bucket, Price::per_million(usd).expect("a price")));
/// let (version, list) = (PriceVersion::new("contract-7"), PriceList::new(prices));
/// let usage = TokenUsage::new().with(Bucket::Input, 3).with(Bucket::Output, 1).with_total(6);
/// let breakdown = CostBreakdown::of(&usage, &Tariff::new(&version, &list))?.expect("all have prices");
/// assert_eq!(breakdown.residual(), 2);
/// assert_eq!(breakdown.exact_total()?.to_string(), "0.000033");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostBreakdown {
    lines: Vec<CostLine>,
    discount: Discount,
}

/// One bucket's part in a cost, exact and before any discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostLine {
    /// Which bucket; none for tokens that the provider counted in its total and in no bucket.
    pub bucket: Option<Bucket>,
    /// How many units: tokens, or searches and requests where those are counted.
    pub count: u64,
    /// USD for one unit, exactly, before a discount; price lists mostly write it for a million.
    pub price: Decimal,
    /// USD for all of them, exactly, before a discount: it may have more places than nano-USD.
    pub amount: Decimal,
}

impl CostBreakdown {
    /// What each reported bucket costs; `None` when one that was used has no price. A usage that is absent has no
    /// lines, and the total of none is zero: whether anything was reported is asked of [`Cost::of`].
    ///
    /// A prompt above the length of a [tier](lattice_lock_providers::ContextTier) has the tier's prices in all lines,
    /// not only for what is above:
    ///
    /// ```
    /// use lattice_lock_billing::{CostBreakdown, Tariff};
    /// use lattice_lock_providers::{Bucket, ContextTier, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let prices = |input, output| -> lattice_lock_errors::Result<_> {
    ///     Ok([(Bucket::Input, Price::per_million(input)?), (Bucket::Output, Price::per_million(output)?)])
    /// };
    /// let long = ContextTier {
    ///     above: 200_000,
    ///     at_least: false,
    ///     usd_per_million: prices("2.5", "15")?.into_iter().collect(),
    /// };
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new(prices("1.25", "10")?).with_tiers([long]));
    /// let exact = |input: u64| -> lattice_lock_errors::Result<_> {
    ///     let usage = TokenUsage::new().with(Bucket::Input, input).with(Bucket::Output, 1_000);
    ///     let parts = CostBreakdown::of(&usage, &Tariff::new(&version, &list))?.expect("all have prices");
    ///     Ok(parts.lines().iter().map(|line| line.amount.normalize().to_string()).collect::<Vec<_>>())
    /// };
    /// assert_eq!(exact(200_000)?, ["0.25", "0.01"]);
    /// assert_eq!(exact(200_001)?, ["0.5000025", "0.015"]);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when a product does not fit.
    pub fn of(usage: &TokenUsage, tariff: &Tariff<'_>) -> Result<Option<Self>> {
        let mut lines = Vec::new();
        let is_priced = each_line(usage, tariff, |line| {
            lines.push(line);
            Ok(())
        })?;
        Ok(is_priced.then_some(Self {
            lines,
            discount: tariff.discount,
        }))
    }

    /// The parts, in the order of the [buckets](lattice_lock_providers::Bucket::ALL), those of zero units with a price
    /// included; the one without a bucket comes last.
    #[must_use]
    pub fn lines(&self) -> &[CostLine] {
        &self.lines
    }

    /// How many tokens the provider counted in its total and in no bucket: 0 where it gave no total, or one that is not
    /// larger.
    #[must_use]
    pub fn residual(&self) -> u64 {
        let unexplained = self.lines.iter().find(|line| line.bucket.is_none());
        unexplained.map_or(0, |line| line.count)
    }

    /// What is taken off the sum of the parts. The parts themselves are without it.
    #[must_use]
    pub fn discount(&self) -> Discount {
        self.discount
    }

    /// The sum of the parts, less the discount, exactly, in dollars. [`Money::rounded`] makes an amount of it, and that
    /// amount is the one of [`Cost::of`].
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, CostBreakdown, Discount, Money, Tariff};
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("0.25")?)]));
    /// let tariff = Tariff::new(&version, &list).discounted(Discount::percent("12.5")?);
    /// let usage = TokenUsage::new().with(Bucket::Input, 7);
    /// let parts = CostBreakdown::of(&usage, &tariff)?.expect("it has a price");
    /// assert_eq!(parts.exact_total()?.normalize().to_string(), "0.00000153125");
    /// let rounded = Money::rounded(parts.exact_total()?)?;
    /// assert_eq!((rounded.nanos(), Some(rounded)), (1_531, Cost::of(&usage, Some(&tariff))?.amount()));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] when it does not fit without rounding.
    pub fn exact_total(&self) -> Result<Decimal> {
        let mut amounts = self.lines.iter().map(|line| line.amount);
        self.discount
            .of(amounts.try_fold(Decimal::ZERO, exact_sum)?)
    }
}

/// Goes through the parts of a cost; false when one that was used has no price.
fn each_line(
    usage: &TokenUsage,
    tariff: &Tariff<'_>,
    mut each: impl FnMut(CostLine) -> Result<()>,
) -> Result<bool> {
    let prices = tariff.list.prices_for(usage);
    for (bucket, count) in usage.reported() {
        match prices.price(bucket) {
            Some(price) => each(CostLine::new(Some(bucket), count, price)?)?,
            None if count == 0 => {}
            None => return Ok(false),
        }
    }
    let unexplained = unexplained(usage)?;
    if unexplained == 0 {
        return Ok(true);
    }
    match text_price(prices) {
        Some(price) => each(CostLine::new(None, unexplained, price)?).map(|()| true),
        None => Ok(false),
    }
}

/// The dearer of the two rates for text; unknown unless both are, because the dearer one might be the other.
fn text_price(prices: &Prices) -> Option<Price> {
    let input = prices.price(Bucket::Input)?;
    Some(input.max(prices.price(Bucket::Output)?))
}

/// How many tokens are in the provider's total and in no bucket. Without any bucket it is all of them.
pub(crate) fn unexplained(usage: &TokenUsage) -> Result<u64> {
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
    use lattice_lock_providers::{ContextTier, PriceList};
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
            if let Ok(Cost::Priced { amount, .. }) = Cost::of(&usage, Some(&Tariff::new(&version, &list))) {
                let expected = rounded_half_even(model(&usage, &list).unwrap());
                prop_assert_eq!(i128::from(amount.nanos()), expected);
            }
        }

        #[test]
        fn plausible_usage_always_has_a_cost(usage in usages(10_000_000)) {
            prop_assume!(!usage.is_absent());
            let list = PriceList::new(Bucket::ALL.map(|bucket| (bucket, Price::per_million("123.456789").unwrap())));
            prop_assert!(Cost::of(&usage, Some(&Tariff::new(&version(), &list))).unwrap().amount().is_some());
        }

        #[test]
        fn cost_is_monotonic_in_each_bucket(usage in usages(1 << 30), list in prices(), at in 0..Bucket::ALL.len(), more in 1_u64..1000) {
            let bucket = Bucket::ALL[at];
            let grown = usage.with(bucket, usage.get(bucket).reported().unwrap_or(0) + more);
            let exact = |usage| CostBreakdown::of(usage, &Tariff::new(&version(), &list)).unwrap().unwrap().exact_total();
            if let (Ok(less), Ok(more)) = (exact(&usage), exact(&grown)) {
                prop_assert!(more >= less);
            }
        }

        #[test]
        fn cost_is_additive_over_buckets(usage in usages(1 << 30), list in prices()) {
            let exact = |usage| CostBreakdown::of(&usage, &Tariff::new(&version(), &list)).unwrap().unwrap().exact_total();
            let apart = usage.reported().map(|(bucket, count)| exact(TokenUsage::new().with(bucket, count)).unwrap());
            if let (Ok(whole), Ok(sum)) = (exact(usage), apart.into_iter().try_fold(Decimal::ZERO, exact_sum)) {
                prop_assert_eq!(whole, sum);
            }
        }

        #[test]
        fn nothing_is_ever_rounded_before_the_end(usage in usages(u64::MAX), list in prices()) {
            if let (Ok(Some(breakdown)), Some(expected)) = (CostBreakdown::of(&usage, &Tariff::new(&version(), &list)), model(&usage, &list))
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
            Cost::of(&usage, Some(&Tariff::new(&version(), &list())))
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
        let breakdown = CostBreakdown::of(&usage, &Tariff::new(&version(), &list()))
            .unwrap()
            .unwrap();
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
        let cost = Cost::of(
            &usage.with_total(most),
            Some(&Tariff::new(&version(), &list)),
        );
        assert_eq!(cost.unwrap_err().code(), OUT_OF_RANGE);
    }

    #[test]
    fn a_count_beyond_reason_is_an_error_and_not_a_number() {
        let usage = TokenUsage::new().with(Bucket::Output, u64::MAX);
        assert_eq!(
            Cost::of(&usage, Some(&Tariff::new(&version(), &list())))
                .unwrap_err()
                .code(),
            OUT_OF_RANGE
        );
    }

    #[test]
    fn the_unexplained_takes_the_dearer_rate_of_text_and_none_that_is_not_known() {
        let exact = |prices: &[(Bucket, &str)], usage: &TokenUsage| {
            let price = |usd: &str| Price::per_million(usd).unwrap();
            let list = PriceList::new(prices.iter().map(|(bucket, usd)| (*bucket, price(usd))));
            let breakdown = CostBreakdown::of(usage, &Tariff::new(&version(), &list)).unwrap();
            breakdown.map(|breakdown| breakdown.exact_total().unwrap().to_string())
        };
        let total = TokenUsage::new().with_total(1);
        let both = [(Bucket::Input, "3"), (Bucket::Output, "2")];
        assert_eq!(exact(&both, &total).as_deref(), Some("0.000003"));
        assert_eq!(exact(&both[1..], &total), None);
        assert_eq!(exact(&both[..1], &total), None);
    }

    #[test]
    fn a_discount_comes_off_the_exact_sum_and_is_rounded_with_it() {
        let (version, list) = (version(), list());
        let usage = TokenUsage::new().with(Bucket::Input, 1);
        let of = |percent: &str| {
            let discount = Discount::percent(percent).unwrap();
            let tariff = Tariff::new(&version, &list).discounted(discount);
            Cost::of(&usage, Some(&tariff)).unwrap().to_string()
        };
        assert_eq!(of("12.5"), "$0.000000875");
        assert_eq!(of("99.95"), "$0.00");
        assert_eq!(of("99.85"), "$0.000000002");
        assert_eq!(of("100"), "$0.00");
    }

    #[test]
    fn the_length_of_the_prompt_decides_for_the_whole_request() {
        let price = |usd: &str| Price::per_million(usd).unwrap();
        let long = ContextTier {
            above: 10,
            at_least: false,
            usd_per_million: [(Bucket::Input, price("2")), (Bucket::Output, price("20"))]
                .into_iter()
                .collect(),
        };
        let (version, list) = (version(), list().with_tiers([long]));
        let of = |input: u64| {
            let usage = TokenUsage::new()
                .with(Bucket::Input, input)
                .with(Bucket::Output, 1);
            Cost::of(&usage, Some(&Tariff::new(&version, &list)))
                .unwrap()
                .to_string()
        };
        assert_eq!(of(10), "$0.00002");
        assert_eq!(of(11), "$0.000042");
    }

    #[test]
    fn a_state_survives_json_and_names_itself() {
        let amount = Money::from_nanos(5);
        for (cost, json) in [
            (
                Cost::Priced {
                    amount,
                    version: version(),
                },
                r#"{"state":"priced","amount":"0.000000005","version":"test"}"#,
            ),
            (
                Cost::Estimated {
                    amount,
                    version: version(),
                },
                r#"{"state":"estimated","amount":"0.000000005","version":"test"}"#,
            ),
            (
                Cost::ProviderReported { amount },
                r#"{"state":"provider_reported","amount":"0.000000005"}"#,
            ),
            (Cost::Void, r#"{"state":"void"}"#),
            (Cost::Unpriced(Unpriced::NoUsage), r#""no_usage""#),
        ] {
            assert_eq!(serde_json::to_string(&cost).unwrap(), json);
            assert_eq!(serde_json::from_str::<Cost>(json).unwrap(), cost);
        }
    }
}
