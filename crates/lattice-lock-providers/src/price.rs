use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use lattice_lock_errors::{Error, Result};
use rust_decimal::Decimal;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Bucket;
use crate::codes::PRICE_OUT_OF_RANGE;

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
        let places = million.scale() + 6;
        if million.mantissa() > LARGEST_MANTISSA || places > MOST_PLACES {
            return Err(refused());
        }
        Decimal::try_from_i128_with_scale(million.mantissa(), places)
            .map(|unit| Self(unit.normalize()))
            .map_err(|_| refused())
    }

    /// USD for one unit, exactly.
    #[must_use]
    pub const fn per_unit(self) -> Decimal {
        self.0
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::per_million(&text).map_err(serde::de::Error::custom)
    }
}

/// What a model costs from a certain day on, per bucket.
///
/// A bucket without a price of its own takes that of the bucket it is a part of, where providers bill it so:
/// cached text bills as input, and reasoning as output. Sound and images have no such fallback: without a
/// price they are unpriced, because providers charge several times the text rate for them.
///
/// ```
/// use lattice_lock_providers::{Bucket, Price, PriceList};
///
/// let list = PriceList::new([
///     (Bucket::Input, Price::per_million("1.25")?),
///     (Bucket::Output, Price::per_million("10")?),
/// ]);
/// assert_eq!(list.price(Bucket::Reasoning), Some(Price::per_million("10")?));
/// assert_eq!(list.price(Bucket::InputAudio), None);
/// # Ok::<(), lattice_lock_errors::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    prices: [Option<Price>; Bucket::ALL.len()],
}

impl PriceList {
    /// A list with these prices; of a bucket that stands twice the last one counts.
    #[must_use]
    pub fn new(prices: impl IntoIterator<Item = (Bucket, Price)>) -> Self {
        let mut list = Self::default();
        for (bucket, price) in prices {
            list.prices[bucket.index()] = Some(price);
        }
        list
    }

    /// What one unit of the bucket costs, with the fallbacks described above.
    #[must_use]
    pub fn price(&self, bucket: Bucket) -> Option<Price> {
        let own = |bucket: Bucket| self.prices[bucket.index()];
        own(bucket).or_else(|| match bucket {
            Bucket::CacheRead | Bucket::CacheWrite5m => own(Bucket::Input),
            Bucket::CacheWrite1h => own(Bucket::CacheWrite5m).or_else(|| own(Bucket::Input)),
            Bucket::Reasoning => own(Bucket::Output),
            Bucket::Input
            | Bucket::InputAudio
            | Bucket::InputImage
            | Bucket::Output
            | Bucket::OutputAudio
            | Bucket::WebSearches
            | Bucket::Requests => None,
        })
    }
}

impl<'de> Deserialize<'de> for PriceList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = PriceList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from bucket names to prices")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<PriceList, A::Error> {
        let mut list = PriceList::default();
        while let Some((bucket, price)) = map.next_entry::<Bucket, Price>()? {
            if list.prices[bucket.index()].replace(price).is_some() {
                return Err(serde::de::Error::custom("a bucket stands twice"));
            }
        }
        Ok(list)
    }
}

/// Which edition of the prices made a cost, so that it can be computed again: `catalogue@first-day`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct PriceVersion(Arc<str>);

/// The longest name of a version, in characters.
const LONGEST_VERSION: usize = 256;

impl PriceVersion {
    /// A version of this name, such as one that a host gives to its own contract prices: its first 256
    /// characters, without control characters, so that every ledger can keep it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let plain = name.chars().filter(|c| !c.is_control());
        Self(plain.take(LONGEST_VERSION).collect::<String>().into())
    }

    /// The version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PriceVersion {
    fn from(name: String) -> Self {
        Self::new(&name)
    }
}

impl From<PriceVersion> for String {
    fn from(version: PriceVersion) -> Self {
        version.0.as_ref().into()
    }
}

impl fmt::Display for PriceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The prices of one model over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceHistory(Vec<(Date, PriceVersion, PriceList)>);

impl PriceHistory {
    /// The lists of an edition, each from its first day on; the order does not matter.
    #[must_use]
    pub fn new(edition: &str, lists: impl IntoIterator<Item = (Date, PriceList)>) -> Self {
        let mut history: Vec<_> = lists
            .into_iter()
            .map(|(from, list)| (from, PriceVersion::new(&format!("{edition}@{from}")), list))
            .collect();
        history.sort_by_key(|(from, ..)| *from);
        Self(history)
    }

    /// The list in force today (UTC, by this machine's clock), with its version.
    #[must_use]
    pub fn today(&self) -> Option<(&PriceVersion, &PriceList)> {
        self.on(jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date())
    }

    /// The list in force on a day (UTC), with its version.
    #[must_use]
    pub fn on(&self, day: Date) -> Option<(&PriceVersion, &PriceList)> {
        let next = self.0.partition_point(|(from, ..)| *from <= day);
        let (_, version, list) = self.0.get(next.checked_sub(1)?)?;
        Some((version, list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
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
    fn the_price_in_force_is_the_latest_that_has_begun() {
        let list = |usd| PriceList::new([(Bucket::Input, Price::per_million(usd).unwrap())]);
        let history = PriceHistory::new(
            "test",
            [(date(2026, 9, 1), list("3")), (date(2026, 1, 1), list("2"))],
        );
        let on = |day| {
            history
                .on(day)
                .map(|(version, list)| (version.to_string(), list.clone()))
        };
        assert_eq!(on(date(2025, 12, 31)), None);
        assert_eq!(
            on(date(2026, 8, 31)),
            Some(("test@2026-01-01".into(), list("2")))
        );
        assert_eq!(
            on(date(2026, 9, 1)),
            Some(("test@2026-09-01".into(), list("3")))
        );
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
