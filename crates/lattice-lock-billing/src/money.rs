use std::fmt;
use std::str::FromStr;

use lattice_lock_errors::{Error, Result};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::{MONEY_INVALID, OUT_OF_RANGE};

/// Nano-USD in one dollar.
const NANOS: i64 = 1_000_000_000;
/// How many places a dollar has in nano-USD.
const PLACES: usize = 9;

/// An amount in nano-USD (10⁻⁹ US dollars), exact: from −9,223,372,036.854775808 to 9,223,372,036.854775807 dollars.
///
/// It is an integer, so that it has no error that grows with a sum. Nothing multiplies, divides or rounds it: a cost is
/// rounded where it is made, by [`rounded`](Self::rounded), and never again. Below zero it is a credit. Adding is
/// checked, because one row of the ledger keeps 64 bits; many amounts are added with [`MoneySum`], which cannot
/// overflow.
///
/// Written as a plain decimal number of dollars with at least two and at most nine places, in JSON as a string; `{:#}`
/// puts a dollar sign before it. A width is filled as that of an integer, and a precision changes nothing: no digit is
/// ever cut. Reading back what was written gives the same amount.
///
/// What is not known is no amount: it is [`Unpriced`](crate::Unpriced), and never zero.
///
/// ```
/// use lattice_lock_billing::Money;
///
/// let amount: Money = "0.000125".parse()?;
/// assert_eq!(amount.nanos(), 125_000);
/// assert_eq!(format!("{amount} {amount:#} {}", Money::cents(5)), "0.000125 $0.000125 0.05");
/// // Asked for two places, it still shows all that there are.
/// assert_eq!(format!("{amount:.2}"), "0.000125");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(i64);

impl Money {
    /// Nothing: a known amount, such as that of a free model. It is the default.
    pub const ZERO: Self = Self(0);

    /// So many nano-USD, a credit if negative.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    ///
    /// assert_eq!(Money::from_nanos(1).to_string(), "0.000000001");
    /// assert_eq!(Money::from_nanos(-1_500_000_000).to_string(), "-1.50");
    /// ```
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many whole dollars. Every `u32` fits.
    #[must_use]
    pub const fn usd(dollars: u32) -> Self {
        Self(dollars as i64 * NANOS)
    }

    /// So many cents. Every `u32` fits.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    ///
    /// assert_eq!(Money::cents(250), "2.50".parse::<Money>()?);
    /// assert_eq!(Money::usd(2).checked_add(Money::cents(50)), Some(Money::cents(250)));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub const fn cents(cents: u32) -> Self {
        Self(cents as i64 * (NANOS / 100))
    }

    /// The amount in nano-USD: what the ledger's tables keep, and what to give to another program that must not round.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    ///
    /// assert_eq!(Money::cents(1).nanos(), 10_000_000);
    /// ```
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The amount that an exact number of dollars is rounded to: half to even, the one rounding there is.
    ///
    /// Half of a nano-USD goes to the even neighbour, whatever the sign, so that many roundings do not add up in one
    /// direction. What has nine places or fewer is not changed.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    /// use rust_decimal::Decimal;
    ///
    /// let nanos = |dollars: &str| -> lattice_lock_errors::Result<i64> {
    ///     Ok(Money::rounded(dollars.parse::<Decimal>().expect("a number"))?.nanos())
    /// };
    /// assert_eq!(nanos("0.0000000005")?, 0);
    /// assert_eq!(nanos("0.0000000015")?, 2);
    /// assert_eq!(nanos("0.0000000025")?, 2);
    /// assert_eq!(nanos("0.00000000250001")?, 3);
    /// assert_eq!(nanos("-0.0000000015")?, -2);
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OUT_OF_RANGE`] beyond ± 9.2 billion dollars.
    pub fn rounded(dollars: Decimal) -> Result<Self> {
        let whole = dollars.round_dp_with_strategy(9, RoundingStrategy::MidpointNearestEven);
        let beyond = || Error::new(OUT_OF_RANGE, "amount out of range");
        let factor = 10_i128.pow(9_u32.checked_sub(whole.scale()).ok_or_else(beyond)?);
        let nanos = whole.mantissa().checked_mul(factor).ok_or_else(beyond)?;
        i64::try_from(nanos).map(Self).map_err(|_| beyond())
    }

    /// The sum, unless it leaves the range.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    ///
    /// assert_eq!(Money::cents(5).checked_add(Money::cents(7)), Some(Money::cents(12)));
    /// assert_eq!(Money::from_nanos(i64::MAX).checked_add(Money::from_nanos(1)), None);
    /// ```
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// The difference, below zero if `other` is larger, unless it leaves the range.
    ///
    /// ```
    /// use lattice_lock_billing::Money;
    ///
    /// let saved = Money::cents(5).checked_sub(Money::cents(7));
    /// assert_eq!(saved, Some(Money::from_nanos(-20_000_000)));
    /// ```
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&MoneySum::from(*self), f)
    }
}

/// A plain decimal number: a minus or nothing, digits, and perhaps a point with digits behind it. What `rust_decimal` reads
/// besides may be meant otherwise.
pub(crate) fn plain_decimal(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let is_plain = is_digits(whole) && is_digits(fraction);
    is_plain.then(|| Decimal::from_str_exact(text).ok())?
}

fn is_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads dollars: a minus or nothing, a dollar sign or nothing, digits, and perhaps a point with one to nine digits
/// behind it.
///
/// No other sign, exponent, separator of thousands or currency is accepted, and nothing is rounded: what is finer than
/// a nano-USD or beyond the range is [`MONEY_INVALID`], as is everything else that is no such number.
///
/// ```
/// use lattice_lock_billing::{Money, codes};
///
/// assert_eq!("-$0.05".parse::<Money>()?.nanos(), -50_000_000);
/// for text in ["1,000", "1e-3", "+1", ".5", "1.", "10 EUR", "0.0000000001", ""] {
///     let refused = text.parse::<Money>().unwrap_err();
///     assert_eq!(refused.code(), codes::MONEY_INVALID, "{text}");
/// }
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
impl FromStr for Money {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(MONEY_INVALID, "not an amount of money").with("amount", text);
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let unsigned = unsigned.strip_prefix('$').unwrap_or(unsigned);
        let (dollars, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        if !is_digits(dollars) || !is_digits(fraction) || fraction.len() > PLACES {
            return Err(invalid());
        }
        let nanos: i128 = format!("{dollars}{fraction:0<PLACES$}")
            .parse()
            .map_err(|_| invalid())?;
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        i64::try_from(nanos).map(Self).map_err(|_| invalid())
    }
}

/// As text, because a number of JSON may pass through a float.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text only, by the rules of [`from_str`](FromStr::from_str): a number is refused.
///
/// ```
/// use lattice_lock_billing::Money;
///
/// let limit: Money = serde_json::from_str(r#""12.50""#).expect("an amount");
/// assert_eq!(limit, Money::cents(1250));
/// assert!(serde_json::from_str::<Money>("12.5").is_err());
/// ```
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A sum of amounts: as exact as [`Money`], and too wide for any number of entries to overflow it.
///
/// In nano-USD and 128 bits. Text and JSON are those of an amount: dollars, with at least two places, and no digit is
/// cut. It is written for reports and not read back; what is read is a [`Money`].
///
/// ```
/// use lattice_lock_billing::{Money, MoneySum};
///
/// let sum: MoneySum = [Money::usd(3), Money::cents(50)].into_iter().sum();
/// assert_eq!(sum.to_string(), "3.50");
/// assert_eq!(sum.to_money(), Some(Money::cents(350)));
/// assert_eq!(MoneySum::default().to_string(), "0.00");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MoneySum(i128);

impl MoneySum {
    /// So many nano-USD, such as the difference of two sums.
    ///
    /// ```
    /// use lattice_lock_billing::{Money, MoneySum};
    ///
    /// let (budget, spent) = (MoneySum::from(Money::usd(10)), MoneySum::from(Money::cents(1299)));
    /// let left = MoneySum::from_nanos(budget.nanos() - spent.nanos());
    /// assert_eq!(left.to_string(), "-2.99");
    /// ```
    #[must_use]
    pub const fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// The sum in nano-USD.
    #[must_use]
    pub const fn nanos(self) -> i128 {
        self.0
    }

    /// The sum of both, unless it leaves 128 bits, which takes more than 2⁶⁴ amounts.
    ///
    /// ```
    /// use lattice_lock_billing::{Money, MoneySum};
    ///
    /// let most = MoneySum::from(Money::from_nanos(i64::MAX));
    /// let twice = most.checked_add(most).expect("far below 128 bits");
    /// assert_eq!(twice.to_string(), "18446744073.709551614");
    /// ```
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// The sum as one amount, if it is not beyond what one row keeps: ± 9.2 billion dollars.
    ///
    /// ```
    /// use lattice_lock_billing::{Money, MoneySum};
    ///
    /// let most = Money::from_nanos(i64::MAX);
    /// assert_eq!(MoneySum::from(most).to_money(), Some(most));
    /// let beyond: MoneySum = [most, most].into_iter().sum();
    /// assert_eq!(beyond.to_money(), None);
    /// ```
    #[must_use]
    pub fn to_money(self) -> Option<Money> {
        i64::try_from(self.0).ok().map(Money)
    }
}

impl From<Money> for MoneySum {
    fn from(money: Money) -> Self {
        Self(money.0.into())
    }
}

/// 2⁶⁴ amounts of either sign stay within 127 bits, so that no iterator is long enough to leave the range.
impl std::iter::Sum<Money> for MoneySum {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Self {
        Self(amounts.map(|amount| i128::from(amount.0)).sum())
    }
}

impl fmt::Display for MoneySum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, nanos) = (
            self.0.unsigned_abs() / 1_000_000_000,
            self.0.unsigned_abs() % 1_000_000_000,
        );
        let fraction = format!("{nanos:0PLACES$}");
        // At least cents, and no digit that matters is ever cut.
        let end = fraction.trim_end_matches('0').len().max(2);
        f.pad_integral(self.0 >= 0, "$", &format!("{whole}.{}", &fraction[..end]))
    }
}

impl Serialize for MoneySum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, nanos: Option<i64>) {
        assert_eq!(
            text.parse::<Money>().ok().map(Money::nanos),
            nanos,
            "{text:?}"
        );
    }

    #[test]
    fn amounts_are_plain_decimals_of_at_most_nine_places() {
        check("0", Some(0));
        check("5", Some(5_000_000_000));
        check("$0.05", Some(50_000_000));
        check("-$0.05", Some(-50_000_000));
        check("-0.000000001", Some(-1));
        check("9223372036.854775807", Some(i64::MAX));
        check("-9223372036.854775808", Some(i64::MIN));
        check("9223372036.854775808", None);
        check("0.0000000001", None);
        check("1e-3", None);
        check("+1", None);
        check("--1", None);
        check("1.", None);
        check(".5", None);
        check("1,000", None);
        check("", None);
        check("NaN", None);
        check("99999999999999999999999999999999999999999999", None);
    }

    #[test]
    fn half_a_nano_goes_to_the_even_neighbour() {
        let rounded = |text: &str| Money::rounded(text.parse().unwrap()).unwrap().nanos();
        assert_eq!(rounded("0.0000000005"), 0);
        assert_eq!(rounded("0.0000000015"), 2);
        assert_eq!(rounded("0.0000000025"), 2);
        assert_eq!(rounded("0.00000000250000000001"), 3);
        assert_eq!(rounded("-0.0000000015"), -2);
    }

    #[test]
    fn an_amount_beyond_the_range_is_an_error() {
        assert!(Money::rounded(Decimal::MAX).is_err());
        assert!(Money::rounded("9223372036.854775808".parse().unwrap()).is_err());
    }

    #[test]
    fn sums_are_checked_at_the_edge() {
        let most = MoneySum::from_nanos(i128::MAX);
        let one = MoneySum::from_nanos(1);
        assert_eq!(most.checked_add(one), None);
        let least = MoneySum::from_nanos(i128::MIN);
        assert_eq!(most.checked_add(least), Some(MoneySum::from_nanos(-1)));
        assert_eq!(
            least.to_string(),
            "-170141183460469231731687303715.884105728"
        );
    }

    #[test]
    fn the_largest_arguments_fit() {
        assert_eq!(Money::usd(u32::MAX).nanos(), 4_294_967_295_000_000_000);
        assert_eq!(Money::cents(u32::MAX).nanos(), 42_949_672_950_000_000);
    }

    #[test]
    fn no_format_cuts_digits_off_an_amount() {
        let amount = Money::cents(123_456);
        for text in [
            format!("{amount:.2}"),
            format!("{amount:.4}"),
            format!("{amount:#.2}"),
            format!("{amount:.0}"),
        ] {
            assert_eq!(text.parse::<Money>().ok(), Some(amount), "{text}");
        }
    }

    #[test]
    fn an_amount_is_padded_as_a_number_is() {
        let debt = Money::from_nanos(-50_000_000);
        assert_eq!(format!("[{debt:8}] [{debt:<8}]"), "[   -0.05] [-0.05   ]");
        assert_eq!(
            format!("[{debt:*^#9.1}] [{debt:08}]"),
            "[*-$0.05**] [-0000.05]"
        );
        assert_eq!(format!("{:+}", Money::cents(5)), "+0.05");
    }

    proptest! {
        #[test]
        fn parse_after_display_is_identity_for_money(nanos in any::<i64>()) {
            let money = Money::from_nanos(nanos);
            prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
            prop_assert_eq!(format!("{money:#}").parse::<Money>().unwrap(), money);
            let json = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), money);
        }

        #[test]
        fn a_sum_is_the_sum_of_the_nanos(amounts in proptest::collection::vec(any::<i64>(), 0..50)) {
            let sum: MoneySum = amounts.iter().copied().map(Money::from_nanos).sum();
            prop_assert_eq!(sum.nanos(), amounts.iter().map(|n| i128::from(*n)).sum::<i128>());
        }
    }
}
