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
use crate::money::plain_decimal;

/// Millionths in a whole.
const WHOLE: u32 = 1_000_000;

/// What is taken off a price, in millionths of it: from nothing to all of it.
///
/// It is taken off the exact sum of an attempt's parts, before that is rounded, so that it costs no digit: the cost of
/// many small parts is not rounded for each. Nothing is taken off what the provider itself says that it charges.
///
/// In JSON, and in the ledger's tables, it is the integer of millionths: `125000` is 12.5 %. The default is
/// [`NONE`](Self::NONE).
///
/// ```
/// use lattice_lock_billing::Discount;
///
/// let discount = Discount::percent("12.5")?;
/// assert_eq!((discount.millionths(), discount.to_string()), (125_000, "12.5 %".into()));
/// assert!(Discount::percent("101").is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Discount(u32);

impl Discount {
    /// Nothing is taken off: the default.
    pub const NONE: Self = Self(0);

    /// So many percent, with at most four places: the finest is 0.0001 %, one millionth.
    ///
    /// `"100"` takes off all of it, which leaves a known cost of zero. A surcharge is no discount: below 0 is refused,
    /// and a dearer contract is a [price list](lattice_lock_providers::PriceList) of its own.
    ///
    /// ```
    /// use lattice_lock_billing::{Discount, codes};
    ///
    /// assert_eq!(Discount::percent("0.0001")?.millionths(), 1);
    /// for percent in ["0.00001", "-5", "100.0001", "1e1", "12,5", ""] {
    ///     assert_eq!(Discount::percent(percent).unwrap_err().code(), codes::DISCOUNT_INVALID);
    /// }
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DISCOUNT_INVALID`] unless it is a plain decimal from 0 to 100.
    pub fn percent(percent: &str) -> Result<Self> {
        let refused = || Error::new(DISCOUNT_INVALID, "not a discount").with("percent", percent);
        let parsed = plain_decimal(percent).ok_or_else(refused)?;
        let millionths = parsed.checked_mul(Decimal::from(WHOLE / 100));
        let whole = millionths.filter(|millionths| millionths.fract().is_zero());
        whole
            .and_then(|whole| u32::try_from(whole.normalize().mantissa()).ok())
            .ok_or_else(refused)
            .and_then(Self::try_from)
    }

    /// How many millionths are taken off: 0 to 1,000,000.
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

/// From millionths; [`DISCOUNT_INVALID`] above 1,000,000.
///
/// ```
/// use lattice_lock_billing::Discount;
///
/// assert_eq!(Discount::try_from(150_000)?, Discount::percent("15")?);
/// assert!(Discount::try_from(1_000_001).is_err());
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
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
///
/// It borrows the prices, and is made for one call: with [`find`](Self::find) from a catalogue, or with
/// [`new`](Self::new) from prices of the host's own. [`Cost::of`](crate::Cost::of) computes with it, and
/// [`Entry::rated`](crate::Entry::rated) keeps what it says, so that the cost can be computed again from the entry
/// alone and the list of that version.
///
/// ```
/// use lattice_lock_billing::{Cost, Discount, Tariff};
/// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
///
/// let (version, list) = (
///     PriceVersion::new("contract-7"),
///     PriceList::new([(Bucket::Input, Price::per_million("0.25")?)]),
/// );
/// let tariff = Tariff::new(&version, &list).discounted(Discount::percent("12.5")?);
/// let usage = TokenUsage::new().with(Bucket::Input, 1_000);
/// // 1,000 · 0.00000025 · 0.875 dollars.
/// assert_eq!(Cost::of(&usage, Some(&tariff))?.to_string(), "$0.00021875");
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Tariff<'a> {
    pub(crate) version: &'a PriceVersion,
    pub(crate) list: &'a PriceList,
    pub(crate) tier: ServiceTier,
    pub(crate) discount: Discount,
}

impl<'a> Tariff<'a> {
    /// These prices, of this version, for standard service and without a discount.
    ///
    /// Whoever gives prices of their own names them: an entry keeps the version's name and not the prices, so that
    /// another list needs another name.
    #[must_use]
    pub fn new(version: &'a PriceVersion, list: &'a PriceList) -> Self {
        Self {
            version,
            list,
            tier: ServiceTier::Standard,
            discount: Discount::NONE,
        }
    }

    /// Says which service tier the prices are for. The list itself is not changed by it: a batch that costs half needs
    /// a list with half the prices. Standard by default.
    ///
    /// ```
    /// use lattice_lock_billing::{AttemptId, Entry, OperationId, Outcome, Tariff};
    /// use lattice_lock_principal::Principal;
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, ServiceTier, TokenUsage};
    ///
    /// let (version, list) = (
    ///     PriceVersion::new("contract-7 batch"),
    ///     PriceList::new([(Bucket::Input, Price::per_million("0.125")?)]),
    /// );
    /// let tariff = Tariff::new(&version, &list).for_service(ServiceTier::Batch);
    /// let attempt = AttemptId::first(OperationId::generate());
    /// let who = Principal::service("nightly")?;
    /// let entry = Entry::new(attempt, &who, "openai/gpt-5-mini".parse()?, Outcome::Replied)?
    ///     .rated(TokenUsage::new().with(Bucket::Input, 1_000), Some(&tariff));
    /// assert_eq!((entry.tier(), entry.cost().to_string()), (ServiceTier::Batch, "$0.000125".into()));
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn for_service(mut self, tier: ServiceTier) -> Self {
        self.tier = tier;
        self
    }

    /// Takes a discount off the exact cost, before it is rounded; none by default. It takes the place of one that was
    /// set before and is not taken off what that left.
    ///
    /// ```
    /// use lattice_lock_billing::{Cost, Discount, Tariff};
    /// use lattice_lock_providers::{Bucket, Price, PriceList, PriceVersion, TokenUsage};
    ///
    /// let (version, list) = (PriceVersion::new("v"), PriceList::new([(Bucket::Input, Price::per_million("1")?)]));
    /// let tariff = Tariff::new(&version, &list).discounted(Discount::percent("10")?);
    /// let cost = |tariff| Cost::of(&TokenUsage::new().with(Bucket::Input, 1_000), Some(tariff));
    /// assert_eq!(cost(&tariff)?.to_string(), "$0.0009");
    /// assert_eq!(cost(&tariff.discounted(Discount::percent("50")?))?.to_string(), "$0.0005");
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
    #[must_use]
    pub fn discounted(mut self, discount: Discount) -> Self {
        self.discount = discount;
        self
    }

    /// The prices of a catalogue for a call: those of the model that was served; where the catalogue does not know that
    /// one, of the model that was asked for; on the day (UTC) that it happened, for its service tier.
    ///
    /// A tier without prices of its own has none: it does not fall back to the standard ones. Nor does a served model
    /// that the catalogue knows, and has no price for on that day, fall back to the one that was asked for. `None`
    /// where there are no prices: what is then booked is [unpriced](crate::Unpriced::NoPrice), and
    /// [`Ledger::reprice`](crate::Ledger::reprice) prices it once the catalogue knows more.
    ///
    /// ```
    /// use lattice_lock_billing::Tariff;
    /// use lattice_lock_providers::{Catalogue, ModelRef, ServiceTier};
    /// use lattice_lock_repository::Timestamp;
    ///
    /// let catalogue = Catalogue::from_json(
    ///     r#"{"version": "mine", "sources": [], "models": [{"provider": "openai", "name": "gpt-5-mini",
    ///         "context_window": 400000, "output_limit": 128000,
    ///         "prices": [{"from": "2026-01-01", "usd_per_million": {"input": "0.25", "output": "2"}}]}]}"#,
    /// )?;
    /// let model: ModelRef = "openai/gpt-5-mini".parse()?;
    /// let day = Timestamp::from_micros(1_793_491_200_000_000); // 2026-11-01
    /// let find = |at, tier| Tariff::find(&catalogue, &model, None, at, tier);
    /// assert!(find(day, ServiceTier::Standard).is_some());
    /// assert!(find(day, ServiceTier::Batch).is_none());
    /// // Before the first price that is known.
    /// assert!(find(Timestamp::from_micros(0), ServiceTier::Standard).is_none());
    /// # Ok::<(), lattice_lock_errors::Error>(())
    /// ```
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

/// As [`new`](Tariff::new): standard service, no discount. It is the pair that a
/// [price history](lattice_lock_providers::PriceHistory::on) gives.
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
        for odd in ["", "1e1", "1_0", "+10", "10.", ".5", "-0.1", "10 "] {
            check(odd, None);
        }
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
