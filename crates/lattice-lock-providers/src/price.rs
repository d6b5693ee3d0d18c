mod history;
mod list;

use lattice_lock_errors::{Error, Result};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codes::PRICE_OUT_OF_RANGE;

pub use history::{PriceHistory, PriceVersion, ServiceTier};
pub use list::{ContextTier, PriceList, Prices};

/// The largest mantissa of a price in USD per unit, and the most decimal places it may have.
///
/// A count is below 2⁶⁴ < 1.9·10¹⁹, so that a product's mantissa stays below 1.9·10²⁸, which a [`Decimal`] holds
/// exactly: it has 96 bits, about 7.9·10²⁸, and 28 places.
const LARGEST_MANTISSA: i128 = 1_000_000_000;
const MOST_PLACES: u32 = 18;

/// A price in USD for one unit of a bucket, never negative, coarse enough for exact products.
///
/// ```
/// use lattice_lock_providers::Price;
///
/// let price = Price::per_million("0.25")?;
/// assert_eq!(price.per_unit().to_string(), "0.00000025");
/// assert!(Price::per_million("-1").is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Price(Decimal);

impl Price {
    /// The price per unit from a decimal number of USD per million units, as price lists write it.
    ///
    /// # Errors
    ///
    /// [`PRICE_OUT_OF_RANGE`] if it is no decimal number, negative, or has more than nine significant digits
    /// or twelve places.
    pub fn per_million(usd: &str) -> Result<Self> {
        let refused = || Error::new(PRICE_OUT_OF_RANGE, "not a price").with("usd_per_million", usd);
        let plain = usd.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
        let million = plain
            .then(|| Decimal::from_str_exact(usd).ok())
            .flatten()
            .ok_or_else(refused)?
            .normalize();
        Self::of_digits(million.mantissa(), million.scale() + 6).ok_or_else(refused)
    }

    /// The price of `digits` · 10^-`places` USD for one unit, if it is in range.
    pub(crate) fn of_digits(digits: i128, places: u32) -> Option<Self> {
        if !(0..=LARGEST_MANTISSA).contains(&digits) || places > MOST_PLACES {
            return None;
        }
        let unit = Decimal::try_from_i128_with_scale(digits, places).ok()?;
        Some(Self(unit.normalize()))
    }

    /// This price times a factor, such as a discount of 0.85, if that is still a price.
    ///
    /// # Errors
    ///
    /// [`PRICE_OUT_OF_RANGE`] if the product is negative or finer than exact arithmetic allows.
    pub fn times(self, factor: Decimal) -> Result<Self> {
        let product = self.0.normalize().checked_mul(factor.normalize());
        let exact = product.filter(|product| {
            self.0.is_zero()
                || factor.is_zero()
                || product.scale() == self.0.scale() + factor.normalize().scale()
        });
        exact
            .map(|product| product.normalize())
            .and_then(|product| Self::of_digits(product.mantissa(), product.scale()))
            .ok_or_else(|| Error::new(PRICE_OUT_OF_RANGE, "not a price").with("factor", factor))
    }

    /// USD for one unit, exactly.
    #[must_use]
    pub const fn per_unit(self) -> Decimal {
        self.0
    }
}

/// As price lists write it: USD per million units, as text.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let million = self.0 * Decimal::from(1_000_000);
        serializer.collect_str(&million.normalize())
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::per_million(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, per_unit: Option<&str>) {
        let parsed = Price::per_million(text)
            .ok()
            .map(|price| price.per_unit().to_string());
        assert_eq!(parsed.as_deref(), per_unit, "{text:?}");
    }

    #[test]
    fn prices_are_plain_decimals() {
        check("1.25", Some("0.00000125"));
        check("10", Some("0.00001"));
        check("0", Some("0"));
        check("10000", Some("0.01"));
        check("0.0028", Some("0.0000000028"));
        check("-1", None);
        check("+1", None);
        check("1e-6", None);
        check("NaN", None);
        check("", None);
        check(".", None);
        check("1.0000000001", None);
        check("0.0000000000001", None);
        check("99999999999999999999999999999999", None);
    }

    #[test]
    fn a_discount_is_exact_or_refused() {
        let price = Price::per_million("1.25").unwrap();
        let times = |factor: &str| price.times(factor.parse().unwrap());
        assert_eq!(
            times("0.85").unwrap().per_unit().to_string(),
            "0.0000010625"
        );
        assert_eq!(times("0").unwrap().per_unit().to_string(), "0");
        assert!(times("-1").is_err());
        assert!(times("0.333333333333333333").is_err());
    }

    #[test]
    fn a_price_is_written_as_it_is_read() {
        let price = Price::per_million("0.25").unwrap();
        assert_eq!(serde_json::to_string(&price).unwrap(), r#""0.25""#);
    }

    proptest! {
        #[test]
        fn a_price_times_any_count_keeps_every_digit(mantissa in 0..=LARGEST_MANTISSA, scale in 0_u32..=12, count in any::<u64>()) {
            let text = Decimal::from_i128_with_scale(mantissa, scale).to_string();
            let price = Price::per_million(&text).unwrap().per_unit();
            let product = price.checked_mul(Decimal::from(count)).unwrap();
            prop_assert_eq!(product.scale(), price.scale());
            prop_assert_eq!(product.mantissa(), price.mantissa() * i128::from(count));
        }
    }
}
