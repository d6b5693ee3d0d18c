use std::fmt;

use jiff::civil::Date;
use lattice_lock_errors::{Error, Result};
use lattice_lock_providers::{
    Catalogue, ModelName, ModelRef, PriceList, PriceVersion, ServiceTier,
};
use lattice_lock_repository::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::codes::{DISCOUNT_INVALID, OUT_OF_RANGE};

/// Millionths in a whole.
const WHOLE: u32 = 1_000_000;

/// What is taken off a price, in millionths of it: from nothing to all of it.
///
/// ```
/// use lattice_lock_billing::Discount;
///
/// assert_eq!(Discount::percent("12.5")?.to_string(), "12.5 %");
/// assert!(Discount::percent("101").is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Discount(u32);

impl Discount {
    /// Nothing is taken off.
    pub const NONE: Self = Self(0);

    /// So many percent, with at most four places.
    ///
    /// # Errors
    ///
    /// [`DISCOUNT_INVALID`] unless it is a plain decimal from 0 to 100.
    pub fn percent(percent: &str) -> Result<Self> {
        let refused = || Error::new(DISCOUNT_INVALID, "not a discount").with("percent", percent);
        let parsed = Decimal::from_str_exact(percent).map_err(|_| refused())?;
        let millionths = parsed.checked_mul(Decimal::from(WHOLE / 100));
        let whole = millionths.filter(|millionths| millionths.fract().is_zero());
        whole
            .and_then(|whole| u32::try_from(whole.normalize().mantissa()).ok())
            .ok_or_else(refused)
            .and_then(Self::try_from)
    }

    /// How many millionths are taken off.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// What is left of an amount, exactly.
    pub(crate) fn of(self, amount: Decimal) -> Result<Decimal> {
        if self == Self::NONE || amount.is_zero() {
            return Ok(amount);
        }
        let left = Decimal::new((WHOLE - self.0).into(), 6).normalize();
        amount
            .checked_mul(left)
            .filter(|product| left.is_zero() || product.scale() == amount.scale() + left.scale())
            .ok_or_else(|| Error::new(OUT_OF_RANGE, "cost out of range"))
    }
}

impl TryFrom<u32> for Discount {
    type Error = Error;

    fn try_from(millionths: u32) -> Result<Self> {
        if millionths <= WHOLE {
            return Ok(Self(millionths));
        }
        Err(Error::new(DISCOUNT_INVALID, "not a discount").with("millionths", millionths))
    }
}

impl From<Discount> for u32 {
    fn from(discount: Discount) -> Self {
        discount.0
    }
}

impl fmt::Display for Discount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", Decimal::new(self.0.into(), 4).normalize())
    }
}

/// By what a usage is priced: a list of prices and its version, the service tier that it is for, and a discount.
#[derive(Clone, Copy, Debug)]
pub struct Tariff<'a> {
    pub(crate) version: &'a PriceVersion,
    pub(crate) list: &'a PriceList,
    pub(crate) tier: ServiceTier,
    pub(crate) discount: Discount,
}

impl<'a> Tariff<'a> {
    /// These prices, of this version, for standard service and without a discount.
    #[must_use]
    pub fn new(version: &'a PriceVersion, list: &'a PriceList) -> Self {
        Self {
            version,
            list,
            tier: ServiceTier::Standard,
            discount: Discount::NONE,
        }
    }

    /// Says which service tier the prices are for. The list itself is not changed by it.
    #[must_use]
    pub fn for_service(mut self, tier: ServiceTier) -> Self {
        self.tier = tier;
        self
    }

    /// Takes a discount off the exact cost, before it is rounded.
    #[must_use]
    pub fn discounted(mut self, discount: Discount) -> Self {
        self.discount = discount;
        self
    }

    /// The prices of a catalogue for a call: those of the model that was served; where the catalogue does not know
    /// that one, of the model that was asked for; on the day (UTC) that it happened, for its service tier.
    ///
    /// A tier without prices of its own has none: it does not fall back to the standard ones.
    #[must_use]
    pub fn find(
        catalogue: &'a Catalogue,
        requested: &ModelRef,
        served: Option<&ModelName>,
        at: Timestamp,
        tier: ServiceTier,
    ) -> Option<Self> {
        let served = served.map(|name| ModelRef::new(requested.provider().clone(), name.clone()));
        let model = served
            .and_then(|served| catalogue.find(&served))
            .or_else(|| catalogue.find(requested))?;
        let (version, list) = model.prices().on_tier(day_of(at)?, tier)?;
        Some(Self::new(version, list).for_service(tier))
    }
}

impl<'a> From<(&'a PriceVersion, &'a PriceList)> for Tariff<'a> {
    fn from((version, list): (&'a PriceVersion, &'a PriceList)) -> Self {
        Self::new(version, list)
    }
}

/// The day in UTC of a moment; none beyond the years that a calendar has.
fn day_of(at: Timestamp) -> Option<Date> {
    let moment = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
    Some(moment.to_zoned(jiff::tz::TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(percent: &str, millionths: Option<u32>) {
        let discount = Discount::percent(percent).ok();
        assert_eq!(discount.map(Discount::millionths), millionths, "{percent}");
    }

    #[test]
    fn a_discount_is_from_nothing_to_all_in_millionths() {
        check("0", Some(0));
        check("15", Some(150_000));
        check("12.5", Some(125_000));
        check("0.0001", Some(1));
        check("100", Some(1_000_000));
        check("100.0000", Some(1_000_000));
        check("0.00001", None);
        check("100.0001", None);
        check("-1", None);
        check("1e1", None);
        check("", None);
        assert!(serde_json::from_str::<Discount>("1000001").is_err());
    }

    #[test]
    fn a_discount_is_taken_off_exactly() {
        let amount: Decimal = "0.000000123".parse().unwrap();
        let left = Discount::percent("12.5").unwrap().of(amount).unwrap();
        assert_eq!(left, "0.000000107625".parse().unwrap());
        let all = Discount::percent("100").unwrap();
        assert!(all.of(amount).unwrap().is_zero());
        assert_eq!(Discount::NONE.of(amount).unwrap(), amount);
        assert!(all.of(Decimal::MAX).unwrap().is_zero());
        assert!(Discount::percent("1").unwrap().of(Decimal::MAX).is_err());
    }
}
