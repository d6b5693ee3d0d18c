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

/// An amount in nano-USD (10⁻⁹ US dollars): up to ± 9.2 billion dollars, exact.
///
/// Written as a plain decimal number of dollars, in JSON as a string; `{:#}` puts a dollar sign before it. A width is
/// filled as that of an integer, and a precision changes nothing: no digit is ever cut. Reading back what was written
/// gives the same amount.
///
/// ```
/// use lattice_lock_billing::Money;
///
/// let amount: Money = "0.000125".parse()?;
/// assert_eq!(amount.nanos(), 125_000);
/// assert_eq!(format!("{amount} {amount:#} {}", Money::cents(5)), "0.000125 $0.000125 0.05");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many nano-USD.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many whole dollars.
    #[must_use]
    pub const fn usd(dollars: u32) -> Self {
        Self(dollars as i64 * NANOS)
    }

    /// So many cents.
    #[must_use]
    pub const fn cents(cents: u32) -> Self {
        Self(cents as i64 * (NANOS / 100))
    }

    /// The amount in nano-USD.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The amount that an exact number of dollars is rounded to: half to even, the one rounding there is.
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
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// The difference, unless it leaves the range.
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

impl FromStr for Money {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(MONEY_INVALID, "not an amount of money").with("amount", text);
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let unsigned = unsigned.strip_prefix('$').unwrap_or(unsigned);
        let (dollars, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(dollars) || !digits(fraction) || fraction.len() > PLACES {
            return Err(invalid());
        }
        let nanos: i128 = format!("{dollars}{fraction:0<PLACES$}")
            .parse()
            .map_err(|_| invalid())?;
        let nanos = if text.starts_with('-') { -nanos } else { nanos };
        i64::try_from(nanos).map(Self).map_err(|_| invalid())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A sum of amounts: as exact as [`Money`], and too wide for any number of entries to overflow it.
///
/// ```
/// use lattice_lock_billing::{Money, MoneySum};
///
/// let sum: MoneySum = [Money::usd(3), Money::cents(50)].into_iter().sum();
/// assert_eq!(sum.to_string(), "3.50");
/// assert_eq!(sum.to_money(), Some(Money::cents(350)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MoneySum(i128);

impl MoneySum {
    /// So many nano-USD.
    #[must_use]
    pub const fn from_nanos(nanos: i128) -> Self {
        Self(nanos)
    }

    /// The sum in nano-USD.
    #[must_use]
    pub const fn nanos(self) -> i128 {
        self.0
    }

    /// The sum of both, unless it leaves 128 bits.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// The sum as one amount, if it is not beyond what one row keeps.
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
